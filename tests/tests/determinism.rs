//! The same inputs give the same bytes: answers, ids, times, histories. The service is driven in process, its time by hand.

use std::time::Duration;

use bytes::Bytes;
use foretime_server::{
    config::{Config, Personality},
    engine::{Ticket, time::Time},
    proto::{
        command::{Command, ScheduleActivityTaskCommandAttributes},
        common::RetryPolicy,
        enums::{WorkflowIdConflictPolicy, WorkflowTaskFailedCause},
        workflowservice::*,
    },
    rpc::{Call, Caller, Service},
};
use foretime_tests::{
    client::{Rpc, WORKFLOW_SERVICE},
    commands::*,
    script::*,
    worker::failure,
};
use prost::Message;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use tonic::Status;

const WORKFLOWS: u32 = 12;
const STEPS: usize = 1_500;
const QUEUE: &str = "q";

/// A service, its time, and everything it has said.
struct Bench {
    service: Service,
    now: Time,
    tickets: u64,
    choices: ChaCha8Rng,
    /// Tasks handed out and not yet answered.
    workflow_tasks: Vec<PollWorkflowTaskQueueResponse>,
    activities: Vec<PollActivityTaskQueueResponse>,
    /// What the polls are that are still parked: tickets of workflow task polls.
    parked: Vec<(Ticket, bool)>,
    record: Vec<u8>,
    commands: u32,
}

impl Bench {
    fn new(seed: u64, time_skipping: bool) -> Self {
        let config = Config { personality: Personality::DevServer, seed, time_skipping, ..Config::default() };
        Self {
            service: Service::new(&config).expect("the configuration is sound"),
            now: Time::from_nanos(1_700_000_000_000_000_000),
            tickets: 0,
            choices: ChaCha8Rng::seed_from_u64(7),
            workflow_tasks: Vec::new(),
            activities: Vec::new(),
            parked: Vec::new(),
            record: Vec::new(),
            commands: 0,
        }
    }

    fn below(&mut self, limit: u32) -> u32 {
        self.choices.next_u32() % limit
    }

    fn write(&mut self, what: &str, answer: &Result<Bytes, Status>) {
        self.record.extend_from_slice(what.as_bytes());
        match answer {
            Ok(reply) => self.record.extend_from_slice(reply),
            Err(status) => {
                self.record.extend_from_slice(format!("{:?} {}", status.code(), status.message()).as_bytes());
                self.record.extend_from_slice(status.details());
            }
        }
        self.record.push(b'\n');
    }

    /// Calls, and writes down the answer if there is one at once.
    fn call<R: Rpc>(&mut self, request: &R) -> (Ticket, Option<R::Reply>, bool) {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        let call = Call {
            service: WORKFLOW_SERVICE.to_owned(),
            method: R::method().to_owned(),
            caller: Caller::default(),
            deadline: Some(self.now + Duration::from_secs(70)),
            message: request.encode_to_vec().into(),
        };
        let answer = self.service.call(self.now, call, ticket);
        let parked = answer.is_none();
        let reply = answer.and_then(|answer| {
            self.write(R::method(), &answer);
            answer.ok().and_then(|bytes| R::Reply::decode(bytes).ok())
        });
        self.collect();
        (ticket, reply, parked)
    }

    /// Takes what parked calls have come to.
    fn collect(&mut self) {
        while let Some((ticket, answer)) = self.service.next_answer() {
            self.write(&format!("{ticket:?}"), &answer);
            let Some(at) = self.parked.iter().position(|(parked, _)| *parked == ticket) else { continue };
            let (_, is_workflow_task) = self.parked.swap_remove(at);
            let Ok(bytes) = answer else { continue };
            if is_workflow_task {
                self.take_workflow_task(PollWorkflowTaskQueueResponse::decode(bytes).ok());
            } else {
                self.take_activity(PollActivityTaskQueueResponse::decode(bytes).ok());
            }
        }
    }

    fn take_workflow_task(&mut self, task: Option<PollWorkflowTaskQueueResponse>) {
        self.workflow_tasks.extend(task.filter(|task| !task.task_token.is_empty()));
    }

    fn take_activity(&mut self, task: Option<PollActivityTaskQueueResponse>) {
        self.activities.extend(task.filter(|task| !task.task_token.is_empty()));
    }

    fn some_workflow(&mut self) -> String {
        format!("wf-{}", self.below(WORKFLOWS))
    }

    fn pass_time(&mut self) {
        let step = Duration::from_millis(u64::from(self.below(1_500)));
        let until = self.now + step;
        while let Some(due) = self.service.next_deadline().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.service.advance(self.now);
            self.collect();
        }
        self.now = until;
        self.service.advance(self.now);
        self.collect();
    }

    fn start(&mut self) {
        let workflow_id = self.some_workflow();
        let policies = [WorkflowIdConflictPolicy::Fail, WorkflowIdConflictPolicy::TerminateExisting];
        let retry = self.below(2) == 0;
        let request = StartWorkflowExecutionRequest {
            namespace: NAMESPACE.to_owned(),
            workflow_id,
            workflow_type: Some(workflow_type("W")),
            task_queue: Some(task_queue(QUEUE)),
            // Half without a request id: the server makes one up.
            request_id: if retry { format!("request-{}", self.tickets) } else { String::new() },
            workflow_id_conflict_policy: policies[self.below(2) as usize].into(),
            retry_policy: retry.then(|| RetryPolicy { maximum_attempts: 3, ..Default::default() }),
            workflow_task_timeout: seconds(5.0),
            ..Default::default()
        };
        self.call(&request);
    }

    fn signal(&mut self) {
        let workflow_id = self.some_workflow();
        self.call(&SignalWorkflowExecutionRequest {
            namespace: NAMESPACE.to_owned(),
            workflow_execution: execution(workflow_id),
            signal_name: "hello".to_owned(),
            ..Default::default()
        });
    }

    fn disturb(&mut self) {
        let workflow_execution = execution(self.some_workflow());
        let namespace = NAMESPACE.to_owned();
        if self.below(2) == 0 {
            self.call(&TerminateWorkflowExecutionRequest { namespace, workflow_execution, ..Default::default() });
        } else {
            self.call(&RequestCancelWorkflowExecutionRequest { namespace, workflow_execution, ..Default::default() });
        }
    }

    fn poll_workflow_task(&mut self) {
        let request = PollWorkflowTaskQueueRequest {
            namespace: NAMESPACE.to_owned(),
            task_queue: Some(task_queue(QUEUE)),
            ..Default::default()
        };
        let (ticket, task, parked) = self.call(&request);
        self.take_workflow_task(task);
        self.parked.extend(parked.then_some((ticket, true)));
    }

    fn poll_activity(&mut self) {
        let request = PollActivityTaskQueueRequest {
            namespace: NAMESPACE.to_owned(),
            task_queue: Some(task_queue(QUEUE)),
            ..Default::default()
        };
        let (ticket, task, parked) = self.call(&request);
        self.take_activity(task);
        self.parked.extend(parked.then_some((ticket, false)));
    }

    fn some_command(&mut self) -> Command {
        self.commands += 1;
        let id = format!("{}", self.commands);
        match self.below(6) {
            0 | 1 => start_timer(&id, f64::from(self.below(40)) / 10.0),
            2 | 3 => schedule_activity(ScheduleActivityTaskCommandAttributes {
                activity_id: id,
                activity_type: Some(foretime_server::proto::common::ActivityType { name: "A".to_owned() }),
                task_queue: Some(task_queue(QUEUE)),
                start_to_close_timeout: seconds(3.0),
                ..Default::default()
            }),
            4 => start_child(foretime_server::proto::command::StartChildWorkflowExecutionCommandAttributes {
                workflow_id: format!("child-{id}"),
                workflow_type: Some(workflow_type("Child")),
                task_queue: Some(task_queue(QUEUE)),
                ..Default::default()
            }),
            _ => record_marker(&id),
        }
    }

    fn answer_workflow_task(&mut self) {
        if self.workflow_tasks.is_empty() {
            return self.poll_workflow_task();
        }
        let at = self.below(u32::try_from(self.workflow_tasks.len()).unwrap_or(1)) as usize;
        let task_token = self.workflow_tasks.swap_remove(at).task_token;
        let namespace = NAMESPACE.to_owned();
        if self.below(8) == 0 {
            let cause = WorkflowTaskFailedCause::WorkflowWorkerUnhandledFailure.into();
            self.call(&RespondWorkflowTaskFailedRequest { namespace, task_token, cause, ..Default::default() });
            return;
        }
        let mut commands: Vec<Command> = (0..self.below(4)).map(|_| self.some_command()).collect();
        match self.below(8) {
            0 => commands.push(complete_workflow("done")),
            1 => commands.push(fail_workflow("failed")),
            _ => {}
        }
        self.call(&RespondWorkflowTaskCompletedRequest { namespace, task_token, commands, ..Default::default() });
    }

    fn answer_activity(&mut self) {
        if self.activities.is_empty() {
            return self.poll_activity();
        }
        let at = self.below(u32::try_from(self.activities.len()).unwrap_or(1)) as usize;
        let task_token = self.activities.swap_remove(at).task_token;
        let namespace = NAMESPACE.to_owned();
        if self.below(3) == 0 {
            let failure = Some(failure("no luck"));
            self.call(&RespondActivityTaskFailedRequest { namespace, task_token, failure, ..Default::default() });
        } else {
            let result = payloads("the result");
            self.call(&RespondActivityTaskCompletedRequest { namespace, task_token, result, ..Default::default() });
        }
    }

    fn step(&mut self) {
        match self.below(20) {
            0..=2 => self.start(),
            3..=4 => self.signal(),
            5 => self.disturb(),
            6..=8 => self.poll_workflow_task(),
            9..=10 => self.poll_activity(),
            11..=14 => self.answer_workflow_task(),
            15..=16 => self.answer_activity(),
            _ => self.pass_time(),
        }
    }

    /// Reads every history and description; how many events there were.
    fn read_everything(&mut self) -> usize {
        let children = (0..self.commands).map(|at| format!("child-{at}"));
        let ids: Vec<String> = (0..WORKFLOWS).map(|at| format!("wf-{at}")).chain(children).collect();
        let mut events = 0;
        for id in ids {
            let namespace = NAMESPACE.to_owned();
            self.call(&DescribeWorkflowExecutionRequest { namespace: namespace.clone(), execution: execution(id.clone()) });
            let request = GetWorkflowExecutionHistoryRequest { namespace, execution: execution(id), ..Default::default() };
            let (_, reply, _) = self.call(&request);
            events += reply.and_then(|reply| reply.history).map_or(0, |history| history.events.len());
        }
        events
    }
}

fn execution(workflow_id: String) -> Option<foretime_server::proto::common::WorkflowExecution> {
    Some(foretime_server::proto::common::WorkflowExecution { workflow_id, run_id: String::new() })
}

/// One run of the script; everything the service said, and how many events there are at its end.
fn run(seed: u64, time_skipping: bool) -> (Vec<u8>, usize) {
    let mut bench = Bench::new(seed, time_skipping);
    for _ in 0..STEPS {
        bench.step();
    }
    let events = bench.read_everything();
    (bench.record, events)
}

fn assert_repeats(time_skipping: bool) {
    let (first, events) = run(1, time_skipping);
    assert!(events > 100, "the script does something: {events} events");
    for _ in 0..3 {
        let (again, _) = run(1, time_skipping);
        let differs = first.iter().zip(&again).position(|(a, b)| a != b);
        let around =
            differs.map(|at| String::from_utf8_lossy(&first[at.saturating_sub(300)..(at + 50).min(first.len())]).into_owned());
        assert!(differs.is_none() && first.len() == again.len(), "two runs differ at {differs:?}: {around:?}");
    }
}

#[test]
fn the_same_inputs_give_the_same_bytes_at_the_walls_pace() {
    assert_repeats(false);
}

#[test]
fn the_same_inputs_give_the_same_bytes_when_time_skips() {
    assert_repeats(true);
}

#[test]
fn another_seed_gives_other_ids() {
    assert_ne!(run(1, false).0, run(2, false).0, "the seed is used");
}
