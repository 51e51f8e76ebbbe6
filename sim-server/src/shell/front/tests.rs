use std::{
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use prost::Message;
use tonic::Code;

use super::*;
use crate::{
    config::{Config, TimeMode},
    engine::Order,
    proto::{
        Rpc,
        common::WorkflowType,
        taskqueue::TaskQueue,
        testservice::SleepRequest,
        workflowservice::{
            GetClusterInfoRequest, GetSystemInfoRequest, PollWorkflowTaskQueueRequest, PollWorkflowTaskQueueResponse,
            StartWorkflowExecutionRequest,
        },
    },
    rpc::{Service, table::TEST_SERVICE},
};

/// A service with faults: GetSystemInfo panics, and so does whatever falls due if `advance_panics`.
pub(crate) struct Faulty {
    service: Box<dyn Serve>,
    advance_panics: bool,
}

impl Faulty {
    pub(crate) fn boxed(advance_panics: bool) -> Box<dyn Serve> {
        Box::new(Self { service: Service::boxed(&config()).expect("a service"), advance_panics })
    }
}

impl Serve for Faulty {
    fn call(&mut self, now: Time, call: Call, order: &mut Order<'_>) -> Served {
        assert!(call.method != GetSystemInfoRequest::METHOD, "on purpose");
        self.service.call(now, call, order)
    }

    fn closed(&mut self, now: Time, connection: Connection, order: &mut Order<'_>) {
        self.service.closed(now, connection, order);
    }

    fn abandon(&mut self, now: Time, ticket: Ticket, order: &mut Order<'_>) {
        self.service.abandon(now, ticket, order);
    }

    fn advance(&mut self, now: Time, order: &mut Order<'_>) {
        assert!(!self.advance_panics, "on purpose");
        self.service.advance(now, order);
    }

    fn next_deadline(&self) -> Option<Time> {
        if self.advance_panics { Some(Time::EPOCH) } else { self.service.next_deadline() }
    }

    fn next_answer(&mut self) -> Option<(Ticket, Answer)> {
        self.service.next_answer()
    }

    fn next_notice(&mut self) -> Option<Notice> {
        self.service.next_notice()
    }

    fn view(&self) -> View<'_> {
        self.service.view()
    }
}

/// A server whose long polls wait for as long as their callers do, so that their deadlines are reached.
fn config() -> Config {
    Config { time: TimeMode::Paced, graces: None, long_polls_end: false, ..Config::default() }
}

fn front<W>() -> Front<W> {
    Front::new(Service::boxed(&config()).expect("a service"))
}

/// The instant this many seconds after the test's beginning.
fn at(seconds: u64) -> Time {
    Time::from_nanos(1_800_000_000_000_000_000) + Duration::from_secs(seconds)
}

fn incoming<R: Rpc>(request: R, connection: Connection, timeout_s: Option<u64>) -> Incoming<'static> {
    Incoming {
        service: R::SERVICE,
        method: R::METHOD,
        caller: Caller { connection, ..Caller::default() },
        timeout: timeout_s.map(Duration::from_secs),
        message: request.encode_to_vec().into(),
    }
}

fn task_queue() -> Option<TaskQueue> {
    Some(TaskQueue { name: "queue".to_owned(), ..TaskQueue::default() })
}

/// A poll for a workflow task, on a connection.
fn poll(connection: Connection, timeout_s: Option<u64>) -> Incoming<'static> {
    let request = PollWorkflowTaskQueueRequest {
        namespace: "default".to_owned(),
        task_queue: task_queue(),
        ..PollWorkflowTaskQueueRequest::default()
    };
    incoming(request, connection, timeout_s)
}

#[track_caller]
fn polls<W>(front: &mut Front<W>, now: Time, connection: Connection, timeout_s: Option<u64>, waiter: W) -> Ticket {
    match front.call(now, poll(connection, timeout_s), || waiter) {
        Begun::Parked(ticket) => ticket,
        Begun::Answered(answer) => panic!("the poll does not wait: {answer:?}"),
    }
}

/// Makes a call that is answered at once.
#[track_caller]
fn calls<W, R: Rpc>(front: &mut Front<W>, now: Time, request: R) -> Answer {
    match front.call(now, incoming(request, Connection::default(), None), || panic!("nobody waits")) {
        Begun::Answered(answer) => answer,
        Begun::Parked(_) => panic!("the call waits"),
    }
}

/// A client starts a workflow, whose task then waits in the queue.
#[track_caller]
fn starts_workflow<W>(front: &mut Front<W>, now: Time) {
    let request = StartWorkflowExecutionRequest {
        namespace: "default".to_owned(),
        workflow_id: "order".to_owned(),
        workflow_type: Some(WorkflowType { name: "W".to_owned() }),
        task_queue: task_queue(),
        ..StartWorkflowExecutionRequest::default()
    };
    calls(front, now, request).expect("it starts");
}

/// The next answer is a workflow task for this waiter, and there is no other.
#[track_caller]
fn gets_the_task(front: &mut Front<&'static str>, waiter: &str) {
    let (found, answer) = front.next_answer().expect("an answer");
    let task = PollWorkflowTaskQueueResponse::decode(answer.expect("a task")).expect("a reply");
    assert_eq!((found, task.task_token.is_empty()), (waiter, false));
    assert!(front.next_answer().is_none());
}

/// The next answer tells this waiter that its deadline has passed.
#[track_caller]
fn is_told_of_its_deadline(front: &mut Front<&'static str>, waiter: &str) {
    let (found, answer) = front.next_answer().expect("an answer");
    let status = answer.expect_err("the deadline");
    assert_eq!((found, status.code(), status.message()), (waiter, Code::DeadlineExceeded, "Deadline Exceeded"));
}

#[test]
fn a_call_that_waits_is_answered() {
    let mut front = front();
    polls(&mut front, at(0), Connection::default(), Some(60), "worker");
    assert_eq!((front.parked_count(), front.next_due()), (1, Some(at(60))));
    assert!(front.next_answer().is_none());
    starts_workflow(&mut front, at(1));
    gets_the_task(&mut front, "worker");
    assert_eq!(front.parked_count(), 0);
    // What is due now is the timeout of the task; no deadline is left.
    assert_eq!(front.next_due(), Some(at(11)));
}

#[test]
fn a_poll_whose_deadline_passes_gets_no_task() {
    let mut front = front();
    polls(&mut front, at(0), Connection::default(), Some(5), "first");
    polls(&mut front, at(0), Connection::default(), Some(9), "second");
    assert_eq!(front.run_due(at(4)), Ok(()));
    assert!(front.next_answer().is_none());
    assert_eq!(front.next_due(), Some(at(5)));
    assert_eq!(front.run_due(at(5)), Ok(()));
    is_told_of_its_deadline(&mut front, "first");
    assert_eq!((front.parked_count(), front.next_due()), (1, Some(at(9))));
    starts_workflow(&mut front, at(6));
    gets_the_task(&mut front, "second");
    assert_eq!(front.run_due(at(9)), Ok(()));
    assert!(front.next_answer().is_none());
}

#[test]
fn an_answer_goes_before_a_deadline_at_the_same_instant() {
    let mut front = front();
    let request = SleepRequest { duration: Some(prost_types::Duration { seconds: 5, nanos: 0 }) };
    let sleep = Incoming {
        service: TEST_SERVICE,
        method: "Sleep",
        caller: Caller::default(),
        timeout: Some(Duration::from_secs(5)),
        message: request.encode_to_vec().into(),
    };
    assert!(matches!(front.call(at(0), sleep, || "sleeper"), Begun::Parked(_)));
    assert_eq!(front.run_due(at(5)), Ok(()));
    let (waiter, answer) = front.next_answer().expect("an answer");
    assert!(waiter == "sleeper" && answer.is_ok(), "{answer:?}");
    assert!(front.next_answer().is_none());
    assert_eq!((front.parked_count(), front.next_due()), (0, None));
}

#[test]
fn a_call_that_is_given_up_gets_no_task() {
    let mut front = front();
    let first = polls(&mut front, at(0), Connection::default(), Some(60), "first");
    let second = polls(&mut front, at(0), Connection::default(), None, "second");
    front.abandon(at(1), first);
    assert_eq!((front.parked_count(), front.next_due()), (1, None));
    starts_workflow(&mut front, at(2));
    // Too late: the worker has the task.
    front.abandon(at(2), second);
    gets_the_task(&mut front, "second");
}

#[test]
fn the_calls_of_a_connection_go_with_it() {
    let mut front = front();
    let (gone, stays) = (front.connect(), front.connect());
    assert_ne!(gone, stays);
    let (first, second) = (Rc::new(()), Rc::new(()));
    polls(&mut front, at(0), gone, Some(60), first.clone());
    polls(&mut front, at(0), stays, None, second.clone());
    front.closed(at(1), gone);
    assert_eq!((Rc::strong_count(&first), Rc::strong_count(&second)), (1, 2), "only the waiter of the first is dropped");
    assert_eq!((front.parked_count(), front.next_due()), (1, None));
    starts_workflow(&mut front, at(2));
    let (waiter, answer) = front.next_answer().expect("an answer");
    assert!(Rc::ptr_eq(&waiter, &second) && answer.is_ok(), "{answer:?}");
}

#[test]
fn a_panic_is_an_answer_and_the_front_goes_on() {
    let mut front = Front::new(Faulty::boxed(false));
    polls(&mut front, at(0), Connection::default(), None, "worker");
    let status = calls(&mut front, at(1), GetSystemInfoRequest {}).expect_err("a panic");
    let message =
        "temporal.api.workflowservice.v1.WorkflowService/GetSystemInfo panicked: on purpose. This is a bug in Foretime.";
    assert_eq!((status.code(), status.message()), (Code::Internal, message));
    calls(&mut front, at(2), GetClusterInfoRequest {}).expect("an answer");
    starts_workflow(&mut front, at(3));
    gets_the_task(&mut front, "worker");
}

#[test]
fn the_first_panic_is_kept() {
    let mut front = Front::<&str>::new(Faulty::boxed(true));
    assert_eq!(front.first_panic(), None);
    let panicked = |amid: &str| Panicked { amid: amid.to_owned(), message: "on purpose".to_owned() };
    front.run_due(at(1)).expect_err("a panic");
    assert_eq!(front.first_panic(), Some(&panicked("what fell due")));
    calls(&mut front, at(2), GetSystemInfoRequest {}).expect_err("another panic");
    assert_eq!(front.first_panic(), Some(&panicked("what fell due")));

    let mut front = Front::<&str>::new(Faulty::boxed(false));
    calls(&mut front, at(2), GetSystemInfoRequest {}).expect_err("a panic");
    assert_eq!(front.first_panic(), Some(&panicked("GetSystemInfo")));
}

#[test]
fn deadlines_pass_although_what_is_due_panics() {
    let mut front = Front::new(Faulty::boxed(true));
    polls(&mut front, at(0), Connection::default(), Some(5), "worker");
    assert_eq!(front.run_due(at(5)), Err("on purpose".to_owned()));
    is_told_of_its_deadline(&mut front, "worker");
    assert_eq!(front.parked_count(), 0);
}

#[test]
fn a_message_larger_than_the_limit_is_refused() {
    let mut front = front::<()>();
    let mut sends = |size_bytes: usize| {
        let message = vec![0; size_bytes].into();
        let begun = front.call(at(0), Incoming { message, ..poll(Connection::default(), None) }, || ());
        match begun {
            Begun::Answered(answer) => answer.expect_err("not a request"),
            Begun::Parked(_) => panic!("the call waits"),
        }
    };
    let status = sends(LARGEST_REQUEST_BYTES + 1);
    let message = "grpc: received message larger than max (4194305 vs. 4194304)";
    assert_eq!((status.code(), status.message()), (Code::ResourceExhausted, message));
    assert_ne!(sends(LARGEST_REQUEST_BYTES).code(), Code::ResourceExhausted);
}

#[test]
fn a_watcher_looks_before_anybody_is_answered() {
    struct Looks(Arc<AtomicUsize>);
    impl Watcher for Looks {
        fn look(&mut self, _view: View<'_>) -> Option<String> {
            self.0.fetch_add(1, Ordering::Relaxed);
            None
        }

        fn look_around(&mut self, _view: View<'_>) -> Option<String> {
            self.0.fetch_add(100, Ordering::Relaxed);
            None
        }
    }
    let looks = Arc::new(AtomicUsize::new(0));
    let service = Service::boxed(&config()).expect("a service");
    let mut front = Front::watched(service, Box::new(Looks(looks.clone())));
    polls(&mut front, at(0), Connection::default(), Some(5), "worker");
    assert_eq!(looks.load(Ordering::Relaxed), 1, "after the call");
    assert_eq!(front.run_due(at(5)), Ok(()));
    assert_eq!(looks.load(Ordering::Relaxed), 2, "after the deadline");
    is_told_of_its_deadline(&mut front, "worker");
    front.look_around();
    assert_eq!(looks.load(Ordering::Relaxed), 102);
}
