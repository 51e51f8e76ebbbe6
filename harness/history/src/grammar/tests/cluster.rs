//! A service in virtual time, with clients and workers that call it at random: whatever a seed draws, in any order, with
//! answers that come late, twice or never.

use std::{
    collections::{BTreeSet, VecDeque},
    time::Duration,
};

use foretime_server::{
    config::{Config, Personality},
    engine::{Caller, Ticket, time::Time},
    proto::{
        common::{RetryPolicy, WorkflowExecution, WorkflowType},
        enums::{TaskQueueKind, WorkflowIdConflictPolicy, WorkflowTaskFailedCause},
        history::{HistoryEvent, history_event::Attributes},
        taskqueue::{StickyExecutionAttributes, TaskQueue},
        workflowservice::*,
    },
    rpc::{Call, Serve, Served, Service, first_come},
};
use prost::Message;

use super::{
    commands::{failure, some_commands},
    draws::Draws,
};

pub(super) const QUEUE: &str = "queue";
const STICKY_QUEUE: &str = "sticky-queue";
const NAMESPACE: &str = "default";
const WORKFLOWS: u64 = 8;
const STEPS: usize = 700;

pub(super) fn some_workflow(draws: &mut Draws) -> String {
    format!("wf-{}", draws.below(WORKFLOWS))
}

pub(super) fn task_queue(name: &str) -> TaskQueue {
    TaskQueue { name: name.to_owned(), kind: TaskQueueKind::Normal.into(), ..TaskQueue::default() }
}

fn sticky_queue() -> TaskQueue {
    TaskQueue { name: STICKY_QUEUE.to_owned(), kind: TaskQueueKind::Sticky.into(), normal_name: QUEUE.to_owned() }
}

pub(super) fn workflow_type() -> WorkflowType {
    WorkflowType { name: "W".to_owned() }
}

fn execution(workflow_id: &str) -> Option<WorkflowExecution> {
    Some(WorkflowExecution { workflow_id: workflow_id.to_owned(), run_id: String::new() })
}

/// The histories of all runs of one seed.
pub(super) fn histories(seed: u64) -> Vec<Vec<HistoryEvent>> {
    let mut cluster = Cluster::new(seed);
    for _ in 0..STEPS {
        cluster.step();
    }
    cluster.read_all()
}

struct Cluster {
    service: Service,
    calls: u64,
    now: Time,
    draws: Draws,
    workflow_tasks: Vec<PollWorkflowTaskQueueResponse>,
    activities: Vec<PollActivityTaskQueueResponse>,
    /// Polls that wait, and whether for a workflow task.
    parked: Vec<(Ticket, bool)>,
    runs: BTreeSet<(String, String)>,
}

impl Cluster {
    fn new(seed: u64) -> Self {
        let time_skipping = seed % 2 == 1;
        let config = Config { personality: Personality::DevServer, seed, time_skipping, ..Config::default() };
        Self {
            service: Service::new(&config).expect("the configuration is sound"),
            calls: 0,
            now: Time::from_nanos(1_700_000_000_000_000_000),
            draws: Draws(seed),
            workflow_tasks: Vec::new(),
            activities: Vec::new(),
            parked: Vec::new(),
            runs: BTreeSet::new(),
        }
    }

    fn step(&mut self) {
        match self.draws.below(26) {
            0..=1 => self.start(),
            2..=4 => self.signal(),
            5 => self.disturb(),
            6..=9 => self.poll_workflow_task(),
            10..=12 => self.poll_activity(),
            13..=17 => self.answer_workflow_task(),
            18..=21 => self.answer_activity(),
            _ => self.pass_time(),
        }
    }

    fn call<Reply: Message + Default>(&mut self, method: &str, request: &impl Message) -> (Option<Reply>, Option<Ticket>) {
        self.calls += 1;
        let call = Call {
            service: "temporal.api.workflowservice.v1.WorkflowService".to_owned(),
            method: method.to_owned(),
            // A caller that shows histories to people gets only what is written.
            caller: Caller { client_name: "temporal-ui".to_owned(), ..Caller::default() },
            deadline: Some(self.now + Duration::from_secs(70)),
            message: request.encode_to_vec().into(),
        };
        let (parked, answer) = match self.service.call(self.now, call, &mut first_come) {
            Served::Now(answer) => (None, Some(answer)),
            Served::Parked(ticket) => (Some(ticket), None),
        };
        let reply = answer.and_then(Result::ok).map(|bytes| Reply::decode(bytes).expect("a reply is what its method says"));
        self.collect();
        (reply, parked)
    }

    /// Takes the answers to the polls that waited.
    fn collect(&mut self) {
        while let Some((ticket, answer)) = self.service.next_answer() {
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

    fn pass_time(&mut self) {
        let longest_ms = if self.draws.below(8) == 0 { 15_000 } else { 900 };
        let until = self.now + self.draws.span(longest_ms);
        while let Some(due) = self.service.next_deadline().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.service.advance(self.now, &mut first_come);
            self.collect();
        }
        self.now = until;
        self.service.advance(self.now, &mut first_come);
        self.collect();
    }

    fn start(&mut self) {
        let workflow_id = some_workflow(&mut self.draws);
        let draws = &mut self.draws;
        let policies = [WorkflowIdConflictPolicy::Fail, WorkflowIdConflictPolicy::TerminateExisting];
        let conflict_policy = policies[usize::from(draws.below(4) == 0)];
        let retry_policy = RetryPolicy { maximum_attempts: 3, ..RetryPolicy::default() };
        let mut request = StartWorkflowExecutionRequest {
            namespace: NAMESPACE.to_owned(),
            workflow_id: workflow_id.clone(),
            workflow_type: Some(workflow_type()),
            task_queue: Some(task_queue(QUEUE)),
            request_id: format!("start-{}", self.calls),
            workflow_id_conflict_policy: conflict_policy.into(),
            retry_policy: (draws.below(3) == 0).then_some(retry_policy),
            workflow_task_timeout: Duration::from_secs(4).try_into().ok(),
            ..StartWorkflowExecutionRequest::default()
        };
        match draws.below(8) {
            0 => request.cron_schedule = "@every 5s".to_owned(),
            1 => request.workflow_start_delay = draws.span(3_000).try_into().ok(),
            2 => request.workflow_run_timeout = draws.span(9_000).try_into().ok(),
            3 => request.workflow_execution_timeout = draws.span(20_000).try_into().ok(),
            _ => {}
        }
        let (reply, _) = self.call::<StartWorkflowExecutionResponse>("StartWorkflowExecution", &request);
        self.runs.extend(reply.map(|reply| (workflow_id, reply.run_id)));
    }

    fn signal(&mut self) {
        let workflow_id = some_workflow(&mut self.draws);
        // Some requests come twice.
        let request_id = format!("signal-{}", self.draws.below(60));
        self.call::<SignalWorkflowExecutionResponse>(
            "SignalWorkflowExecution",
            &SignalWorkflowExecutionRequest {
                namespace: NAMESPACE.to_owned(),
                workflow_execution: execution(&workflow_id),
                signal_name: "hello".to_owned(),
                request_id,
                ..SignalWorkflowExecutionRequest::default()
            },
        );
    }

    fn disturb(&mut self) {
        let workflow_execution = execution(&some_workflow(&mut self.draws));
        let namespace = NAMESPACE.to_owned();
        match self.draws.below(6) {
            0 => {
                let request = TerminateWorkflowExecutionRequest {
                    namespace,
                    workflow_execution,
                    ..TerminateWorkflowExecutionRequest::default()
                };
                self.call::<TerminateWorkflowExecutionResponse>("TerminateWorkflowExecution", &request);
            }
            1 => {
                let request = ResetStickyTaskQueueRequest { namespace, execution: workflow_execution };
                self.call::<ResetStickyTaskQueueResponse>("ResetStickyTaskQueue", &request);
            }
            _ => {
                let request = RequestCancelWorkflowExecutionRequest {
                    namespace,
                    workflow_execution,
                    ..RequestCancelWorkflowExecutionRequest::default()
                };
                self.call::<RequestCancelWorkflowExecutionResponse>("RequestCancelWorkflowExecution", &request);
            }
        }
    }

    fn poll_workflow_task(&mut self) {
        let queue = if self.draws.below(3) == 0 { sticky_queue() } else { task_queue(QUEUE) };
        let request = PollWorkflowTaskQueueRequest {
            namespace: NAMESPACE.to_owned(),
            task_queue: Some(queue),
            identity: "worker".to_owned(),
            ..PollWorkflowTaskQueueRequest::default()
        };
        let (task, parked) = self.call("PollWorkflowTaskQueue", &request);
        self.take_workflow_task(task);
        self.parked.extend(parked.map(|ticket| (ticket, true)));
    }

    fn poll_activity(&mut self) {
        let request = PollActivityTaskQueueRequest {
            namespace: NAMESPACE.to_owned(),
            task_queue: Some(task_queue(QUEUE)),
            identity: "worker".to_owned(),
            ..PollActivityTaskQueueRequest::default()
        };
        let (task, parked) = self.call("PollActivityTaskQueue", &request);
        self.take_activity(task);
        self.parked.extend(parked.map(|ticket| (ticket, false)));
    }

    fn answer_workflow_task(&mut self) {
        if self.workflow_tasks.is_empty() {
            return self.poll_workflow_task();
        }
        let at = self.draws.below(self.workflow_tasks.len() as u64) as usize;
        let PollWorkflowTaskQueueResponse { task_token, history, .. } = self.workflow_tasks.swap_remove(at);
        let namespace = NAMESPACE.to_owned();
        if self.draws.below(8) == 0 {
            let cause = WorkflowTaskFailedCause::WorkflowWorkerUnhandledFailure.into();
            let request = RespondWorkflowTaskFailedRequest {
                namespace,
                task_token,
                cause,
                ..RespondWorkflowTaskFailedRequest::default()
            };
            self.call::<RespondWorkflowTaskFailedResponse>("RespondWorkflowTaskFailed", &request);
            return;
        }
        let commands = some_commands(&mut self.draws, &history.unwrap_or_default().events);
        let sticky_attributes = StickyExecutionAttributes {
            worker_task_queue: Some(sticky_queue()),
            schedule_to_start_timeout: Duration::from_secs(2).try_into().ok(),
        };
        let request = RespondWorkflowTaskCompletedRequest {
            namespace,
            task_token,
            commands,
            identity: "worker".to_owned(),
            sticky_attributes: (self.draws.below(2) == 0).then_some(sticky_attributes),
            force_create_new_workflow_task: self.draws.below(6) == 0,
            return_new_workflow_task: self.draws.below(2) == 0,
            ..RespondWorkflowTaskCompletedRequest::default()
        };
        let (reply, _) = self.call::<RespondWorkflowTaskCompletedResponse>("RespondWorkflowTaskCompleted", &request);
        let reply = reply.unwrap_or_default();
        self.take_workflow_task(reply.workflow_task);
        self.activities.extend(reply.activity_tasks);
    }

    fn answer_activity(&mut self) {
        if self.activities.is_empty() {
            return self.poll_activity();
        }
        let at = self.draws.below(self.activities.len() as u64) as usize;
        let task = self.activities[at].clone();
        let (namespace, task_token) = (NAMESPACE.to_owned(), task.task_token);
        let answer = self.draws.below(10);
        if answer > 1 {
            self.activities.swap_remove(at);
        }
        match answer {
            0 => {
                let request = RecordActivityTaskHeartbeatRequest { namespace, task_token, ..Default::default() };
                self.call::<RecordActivityTaskHeartbeatResponse>("RecordActivityTaskHeartbeat", &request);
            }
            1..=2 => {
                let request = RespondActivityTaskCanceledRequest { namespace, task_token, ..Default::default() };
                self.call::<RespondActivityTaskCanceledResponse>("RespondActivityTaskCanceled", &request);
            }
            // Also for an activity that waits for its next attempt.
            3 => {
                let request = RespondActivityTaskCompletedByIdRequest {
                    namespace,
                    workflow_id: task.workflow_execution.unwrap_or_default().workflow_id,
                    activity_id: task.activity_id,
                    identity: "client".to_owned(),
                    ..RespondActivityTaskCompletedByIdRequest::default()
                };
                self.call::<RespondActivityTaskCompletedByIdResponse>("RespondActivityTaskCompletedById", &request);
            }
            4..=7 => {
                let delay = (self.draws.below(5) == 0).then(|| self.draws.span(3_000));
                let request = RespondActivityTaskFailedRequest {
                    namespace,
                    task_token,
                    failure: Some(failure(delay)),
                    ..RespondActivityTaskFailedRequest::default()
                };
                self.call::<RespondActivityTaskFailedResponse>("RespondActivityTaskFailed", &request);
            }
            _ => {
                let request = RespondActivityTaskCompletedRequest {
                    namespace,
                    task_token,
                    ..RespondActivityTaskCompletedRequest::default()
                };
                self.call::<RespondActivityTaskCompletedResponse>("RespondActivityTaskCompleted", &request);
            }
        }
    }

    /// The histories of the runs that clients started, and of all those that these started.
    fn read_all(&mut self) -> Vec<Vec<HistoryEvent>> {
        let mut waiting: VecDeque<_> = self.runs.iter().cloned().collect();
        let mut histories = Vec::new();
        while let Some((workflow_id, run_id)) = waiting.pop_front() {
            let events = self.read(&workflow_id, &run_id);
            for (other, run_id) in events.iter().filter_map(|event| successor(event, &workflow_id)) {
                if !run_id.is_empty() && self.runs.insert((other.clone(), run_id.clone())) {
                    waiting.push_back((other, run_id));
                }
            }
            histories.push(events);
        }
        histories
    }

    fn read(&mut self, workflow_id: &str, run_id: &str) -> Vec<HistoryEvent> {
        let mut request = GetWorkflowExecutionHistoryRequest {
            namespace: NAMESPACE.to_owned(),
            execution: Some(WorkflowExecution { workflow_id: workflow_id.to_owned(), run_id: run_id.to_owned() }),
            ..GetWorkflowExecutionHistoryRequest::default()
        };
        let mut events = Vec::new();
        loop {
            let (reply, _) = self.call::<GetWorkflowExecutionHistoryResponse>("GetWorkflowExecutionHistory", &request);
            let reply = reply.expect("the history is readable");
            events.extend(reply.history.unwrap_or_default().events);
            request.next_page_token = reply.next_page_token;
            if request.next_page_token.is_empty() {
                return events;
            }
        }
    }
}

/// The run that the event names: one that follows this run, or a child.
fn successor(event: &HistoryEvent, workflow_id: &str) -> Option<(String, String)> {
    use Attributes as A;
    let run_id = match event.attributes.as_ref()? {
        A::WorkflowExecutionCompletedEventAttributes(close) => &close.new_execution_run_id,
        A::WorkflowExecutionFailedEventAttributes(close) => &close.new_execution_run_id,
        A::WorkflowExecutionTimedOutEventAttributes(close) => &close.new_execution_run_id,
        A::WorkflowExecutionContinuedAsNewEventAttributes(close) => &close.new_execution_run_id,
        A::ChildWorkflowExecutionStartedEventAttributes(child) => {
            return child.workflow_execution.clone().map(|child| (child.workflow_id, child.run_id));
        }
        _ => return None,
    };
    Some((workflow_id.to_owned(), run_id.clone()))
}
