//! The service that serves recorded histories, driven without a socket: a checker's calls, a worker's calls, and time by hand.

use std::time::Duration;

use foretime_server::{
    engine::{Caller, Connection, Ticket, time::Time},
    proto::{
        Rpc,
        enums::{EventType, TaskQueueKind},
        foretimeservice::{
            AwaitWorkersRequest, AwaitWorkersResponse, Manner, Outcome, ServeHistoryRequest, ServeHistoryResponse,
        },
        history::{History, HistoryEvent},
        taskqueue::TaskQueue,
        workflowservice::{
            GetSystemInfoRequest, GetWorkflowExecutionHistoryRequest, GetWorkflowExecutionHistoryResponse,
            ListWorkflowExecutionsRequest, PollWorkflowTaskQueueRequest, PollWorkflowTaskQueueResponse,
            RespondWorkflowTaskCompletedRequest, ShutdownWorkerRequest, StartWorkflowExecutionRequest,
            TerminateWorkflowExecutionRequest,
        },
    },
    replay::Replay,
    rpc::{Answer, Call, Serve, Served, first_come},
};
use prost::Message;
use tonic::Code;

const CHECKER: Connection = Connection(0);
const WORKER: Connection = Connection(1);

/// The service and the clock.
struct Stage {
    replay: Box<dyn Serve>,
    now: Time,
}

impl Stage {
    fn new() -> Self {
        Self { replay: Replay::boxed().expect("a service"), now: Time::EPOCH }
    }

    fn call<R: Rpc>(&mut self, connection: Connection, request: &R) -> Served {
        let caller = Caller { connection, client_name: "temporal-test".to_owned(), ..Caller::default() };
        let message = request.encode_to_vec().into();
        let call = Call { service: R::SERVICE.to_owned(), method: R::METHOD.to_owned(), caller, deadline: None, message };
        self.replay.call(self.now, call, &mut first_come)
    }

    /// A call that is parked.
    fn parks<R: Rpc>(&mut self, connection: Connection, request: &R) -> Ticket {
        match self.call(connection, request) {
            Served::Parked(ticket) => ticket,
            Served::Now(answer) => panic!("{} was answered at once: {answer:?}", R::METHOD),
        }
    }

    /// A call that is answered at once.
    fn answers<R: Rpc>(&mut self, connection: Connection, request: &R) -> Answer {
        match self.call(connection, request) {
            Served::Now(answer) => answer,
            Served::Parked(_) => panic!("{} was parked", R::METHOD),
        }
    }

    /// The answer to the parked call that is answered next.
    fn next<M: Message + Default>(&mut self, ticket: Ticket) -> M {
        let (of, answer) = self.replay.next_answer().expect("an answer");
        assert_eq!(of, ticket);
        M::decode(answer.expect("no refusal")).expect("a message")
    }

    fn asks(&mut self, manner: Manner, history: Vec<u8>) -> Ticket {
        self.parks(CHECKER, &ask(manner, history))
    }

    fn polls(&mut self) -> Ticket {
        self.parks(WORKER, &poll("q"))
    }

    fn time_passes(&mut self, span: Duration) {
        self.now += span;
        self.replay.advance(self.now, &mut first_come);
    }
}

fn ask(manner: Manner, history: Vec<u8>) -> ServeHistoryRequest {
    ServeHistoryRequest {
        task_queue: "q".to_owned(),
        workflow_type: "Order".to_owned(),
        workflow_id: "order-1".to_owned(),
        run_id: "run-1".to_owned(),
        history,
        manner: manner.into(),
        query_type: "__stack_trace".to_owned(),
        timeout: Duration::from_secs(5).try_into().ok(),
        started_event_id: 3,
        ..ServeHistoryRequest::default()
    }
}

fn poll(queue: &str) -> PollWorkflowTaskQueueRequest {
    let task_queue = TaskQueue { name: queue.to_owned(), kind: TaskQueueKind::Normal.into(), ..TaskQueue::default() };
    PollWorkflowTaskQueueRequest {
        namespace: "default".to_owned(),
        task_queue: Some(task_queue),
        identity: "worker".to_owned(),
        worker_instance_key: "key".to_owned(),
        ..PollWorkflowTaskQueueRequest::default()
    }
}

fn history(count: i64, identity_bytes: usize) -> Vec<u8> {
    let event = |event_id| HistoryEvent {
        event_id,
        event_type: EventType::WorkflowTaskScheduled.into(),
        links: Vec::new(),
        user_metadata: Some(foretime_server::proto::sdk::UserMetadata {
            summary: Some(foretime_server::proto::common::Payload { data: vec![7; identity_bytes], ..Default::default() }),
            details: None,
        }),
        ..HistoryEvent::default()
    };
    History { events: (1..=count).map(event).collect() }.encode_to_vec()
}

fn completed(task_token: Vec<u8>) -> RespondWorkflowTaskCompletedRequest {
    RespondWorkflowTaskCompletedRequest { task_token, ..RespondWorkflowTaskCompletedRequest::default() }
}

#[test]
fn a_history_waits_for_a_worker_and_its_answer_for_who_asked() {
    let mut stage = Stage::new();
    let asked = stage.asks(Manner::TaskWithQuery, history(3, 1));
    let polled = stage.polls();
    let task: PollWorkflowTaskQueueResponse = stage.next(polled);
    assert_eq!(task.history.expect("a history").events.len(), 3);
    assert_eq!(task.queries.values().map(|query| query.query_type.as_str()).collect::<Vec<_>>(), ["__stack_trace"]);
    assert_eq!((task.started_event_id, task.attempt), (3, 1));

    let answer = completed(task.task_token);
    let _ = stage.answers(WORKER, &answer);
    let told: ServeHistoryResponse = stage.next(asked);
    assert_eq!(told.outcome(), Outcome::TaskCompleted);
    assert_eq!(RespondWorkflowTaskCompletedRequest::decode(told.respond.as_slice()).expect("the worker's words"), answer);
    assert_eq!(told.poller.expect("who took it").client_name, "temporal-test");
}

#[test]
fn a_task_is_a_replay_to_its_last_event_and_the_worker_forgets_the_run_unless_more_of_it_follows() {
    for keeps_run in [false, true] {
        let mut stage = Stage::new();
        let polled = stage.polls();
        let asked = stage.parks(CHECKER, &ServeHistoryRequest { keeps_run, ..ask(Manner::TaskWithQuery, history(3, 1)) });
        let task: PollWorkflowTaskQueueResponse = stage.next(polled);
        assert_eq!(task.previous_started_event_id, i64::MAX);
        assert!(task.query.is_none() && task.queries.len() == 1);

        let answer = stage.answers(WORKER, &completed(task.task_token.clone()));
        assert_eq!(answer.map(|_| ()).map_err(|status| status.code()), if keeps_run { Ok(()) } else { Err(Code::NotFound) });
        assert_eq!(stage.next::<ServeHistoryResponse>(asked).outcome(), Outcome::TaskCompleted);

        let again = stage.answers(WORKER, &completed(task.task_token)).expect_err("it was answered already");
        assert_eq!(again.code(), Code::NotFound);
    }
}

#[test]
fn a_worker_that_is_silent_or_gone_is_told() {
    let mut stage = Stage::new();
    let (polled, asked) = (stage.polls(), stage.asks(Manner::Task, history(1, 1)));
    let _: PollWorkflowTaskQueueResponse = stage.next(polled);
    stage.time_passes(Duration::from_secs(5));
    assert_eq!(stage.next::<ServeHistoryResponse>(asked).outcome(), Outcome::TimedOut);

    let (polled, asked) = (stage.polls(), stage.asks(Manner::Task, history(1, 1)));
    let _: PollWorkflowTaskQueueResponse = stage.next(polled);
    stage.replay.closed(stage.now, WORKER, &mut first_come);
    assert_eq!(stage.next::<ServeHistoryResponse>(asked).outcome(), Outcome::WorkerGone);
}

#[test]
fn a_poll_that_meets_nothing_ends_empty_and_so_do_those_of_a_worker_that_stops() {
    let mut stage = Stage::new();
    let polled = stage.polls();
    stage.time_passes(Duration::from_secs(60));
    assert_eq!(stage.next::<PollWorkflowTaskQueueResponse>(polled), PollWorkflowTaskQueueResponse::default());

    let polled = stage.polls();
    let stops =
        ShutdownWorkerRequest { namespace: "default".to_owned(), worker_instance_key: "key".to_owned(), ..Default::default() };
    let _ = stage.call(WORKER, &stops);
    assert_eq!(stage.next::<PollWorkflowTaskQueueResponse>(polled), PollWorkflowTaskQueueResponse::default());
}

#[test]
fn a_long_history_comes_in_pages() {
    let mut stage = Stage::new();
    let _ = stage.asks(Manner::Task, history(10, 300 << 10));
    let polled = stage.polls();
    let task: PollWorkflowTaskQueueResponse = stage.next(polled);
    let mut events = task.history.expect("a history").events;
    assert_eq!(events.len(), 4, "a page ends with the event that exceeds 1 MiB");
    let mut next_page_token = task.next_page_token;
    while !next_page_token.is_empty() {
        let request = GetWorkflowExecutionHistoryRequest { next_page_token, ..Default::default() };
        let page = stage.answers(WORKER, &request).expect("a page");
        let page = GetWorkflowExecutionHistoryResponse::decode(page).expect("a message");
        events.extend(page.history.expect("a history").events);
        next_page_token = page.next_page_token;
    }
    assert_eq!(events.iter().map(|event| event.event_id).collect::<Vec<_>>(), (1..=10).collect::<Vec<_>>());
}

#[test]
fn a_history_goes_to_its_queue_alone_and_one_that_is_given_up_to_nobody() {
    let mut stage = Stage::new();
    let elsewhere = stage.parks(WORKER, &poll("elsewhere"));
    let asked = stage.asks(Manner::Task, history(1, 1));
    assert!(stage.replay.next_answer().is_none());
    stage.replay.abandon(stage.now, asked, &mut first_come);
    let _ = stage.polls();
    assert!(stage.replay.next_answer().is_none());
    stage.replay.abandon(stage.now, elsewhere, &mut first_come);
}

#[test]
fn nothing_begins_and_who_asks_for_it_is_named() {
    let mut stage = Stage::new();
    let waits = stage.parks(CHECKER, &AwaitWorkersRequest { version: 0 });
    stage.answers(WORKER, &StartWorkflowExecutionRequest::default()).expect("as if it had begun, so that the program goes on");
    let news: AwaitWorkersResponse = stage.next(waits);
    assert_eq!(news.refused_calls, ["StartWorkflowExecution"]);
    let refused = stage.answers(WORKER, &TerminateWorkflowExecutionRequest::default()).expect_err("it is refused");
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert_eq!(stage.answers(WORKER, &ListWorkflowExecutionsRequest::default()).expect("an empty list"), "");
    let news = stage.answers(CHECKER, &AwaitWorkersRequest { version: news.version }).expect("news");
    let news = AwaitWorkersResponse::decode(news).expect("a message");
    assert_eq!(news.refused_calls, ["StartWorkflowExecution", "TerminateWorkflowExecution"]);

    let waits = stage.parks(CHECKER, &AwaitWorkersRequest { version: news.version });
    let _ = stage.polls();
    let news: AwaitWorkersResponse = stage.next(waits);
    assert_eq!((news.pollers.len(), news.pollers[0].task_queue.as_str()), (1, "q"));
    stage.answers(WORKER, &GetSystemInfoRequest {}).expect("what the server can do");
}
