//! The state of a session between two steps: wall time, the tasks that workers hold, parked calls, and the last requests.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use foretime_server::{
    config::Config,
    engine::{Caller, Ticket, time::Time},
    proto::{history::HistoryEvent, workflowservice::*},
    rpc::{Answer, Call, Served},
};
use prost::Message;

use crate::{
    calls::{Nth, Request, Spent},
    coverage::Coverage,
    histories::{Histories, History},
    pending::{self, Activity},
    step::Played,
    twins::Twins,
};

/// The wall's time when a session begins.
pub(crate) const START: Time = Time::from_nanos(1_700_000_000_000_000_000);
/// A step in which time moves more often than this never ends.
const INSTANTS_MAX: usize = 10_000;
/// How many of the last requests can be sent again.
const SENT_MAX: usize = 16;
/// Every long poll ends within this time.
const LONGEST_POLL: Duration = Duration::from_secs(61);

/// A workflow task or a query task that a worker holds.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) token: Vec<u8>,
    pub(crate) run_id: String,
    /// The ids of the queries attached to it.
    pub(crate) queries: Vec<String>,
    /// The ids of the updates that came along with it.
    pub(crate) updates: Vec<String>,
}

/// An activity task that a worker holds.
#[derive(Clone, Debug)]
pub(crate) struct ActivityTask {
    pub(crate) token: Vec<u8>,
    run_id: String,
    activity_id: String,
}

/// A call that waits.
struct Waiting {
    method: String,
    /// The workflow whose history is read; empty for other calls.
    workflow_id: String,
}

/// The service (twice) and its callers.
pub(crate) struct World {
    twins: Twins,
    now: Time,
    call_count: u64,
    workflow_tasks: Vec<Task>,
    query_tasks: Vec<Task>,
    activity_tasks: Vec<ActivityTask>,
    waiting: BTreeMap<Ticket, Waiting>,
    sent: VecDeque<Request>,
    /// Each with the id of the workflow that was read.
    page_tokens: Vec<(String, Vec<u8>)>,
    histories: Histories,
    coverage: Coverage,
}

impl World {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            twins: Twins::new(config),
            now: START,
            call_count: 0,
            workflow_tasks: Vec::new(),
            query_tasks: Vec::new(),
            activity_tasks: Vec::new(),
            waiting: BTreeMap::new(),
            sent: VecDeque::new(),
            page_tokens: Vec::new(),
            histories: Histories::default(),
            coverage: Coverage::default(),
        }
    }

    pub(crate) fn workflow_tasks(&self) -> &[Task] {
        &self.workflow_tasks
    }

    pub(crate) fn query_tasks(&self) -> &[Task] {
        &self.query_tasks
    }

    pub(crate) fn activity_tasks(&self) -> &[ActivityTask] {
        &self.activity_tasks
    }

    /// The indices of the held activity tasks whose cancellation was requested.
    pub(crate) fn activity_tasks_to_cancel(&self) -> Vec<usize> {
        let is_requested = |task: &ActivityTask| {
            let open = pending::activities(self.events_of(&task.run_id));
            open.iter().any(|activity| activity.is_cancel_requested && activity.activity_id == task.activity_id)
        };
        (0..self.activity_tasks.len()).filter(|at| is_requested(&self.activity_tasks[*at])).collect()
    }

    /// The page tokens received so far, each with the id of the workflow that was read.
    pub(crate) fn page_tokens(&self) -> &[(String, Vec<u8>)] {
        &self.page_tokens
    }

    pub(crate) fn call_count(&self) -> u64 {
        self.call_count
    }

    /// The workflow id and run id of one of all runs.
    pub(crate) fn run(&self, nth: Nth) -> Option<(String, String)> {
        let all = self.histories.all();
        let run = &all[nth.of(all.len())?];
        Some((run.workflow_id.clone(), run.run_id.clone()))
    }

    /// The same, but mostly of the last that began.
    pub(crate) fn run_of_latest(&self, nth: Nth) -> Option<(String, String)> {
        let all = self.histories.all();
        let run = &all[nth.of_latest(all.len())?];
        Some((run.workflow_id.clone(), run.run_id.clone()))
    }

    /// The written events of a run.
    pub(crate) fn events_of(&self, run_id: &str) -> &[HistoryEvent] {
        let run = self.histories.all().iter().find(|run| run.run_id == run_id);
        run.map(|run| run.events.as_slice()).unwrap_or_default()
    }

    /// All open activities, each with its workflow id.
    pub(crate) fn open_activities(&self) -> Vec<(String, Activity)> {
        let of_run = |run: &History| {
            let workflow_id = run.workflow_id.clone();
            pending::activities(&run.events).into_iter().map(move |activity| (workflow_id.clone(), activity))
        };
        self.histories.all().iter().flat_map(of_run).collect()
    }

    /// Sends a request.
    pub(crate) fn send(&mut self, request: Request) -> Result<(), String> {
        self.call_count += 1;
        let call = Call {
            service: request.service.clone(),
            method: request.method.clone(),
            caller: Caller::default(),
            deadline: request.patience.map(|patience| self.now + patience),
            message: request.message.clone().into(),
        };
        let served = self.twins.call(self.now, &call)?;
        match request.spends {
            Some(Spent::Workflow(at)) => drop(self.workflow_tasks.swap_remove(at)),
            Some(Spent::Query(at)) => drop(self.query_tasks.swap_remove(at)),
            Some(Spent::Activity(at)) => drop(self.activity_tasks.swap_remove(at)),
            None => {}
        }
        let waiting = Waiting { workflow_id: workflow_id_of(&request), method: request.method.clone() };
        match served {
            Served::Now(answer) => self.take(&waiting, answer),
            Served::Parked(ticket) => drop(self.waiting.insert(ticket, waiting)),
        }
        self.sent.push_front(Request { spends: None, ..request });
        self.sent.truncate(SENT_MAX);
        self.look()
    }

    /// Sends one of the last requests again, as a network may.
    pub(crate) fn send_again(&mut self, nth: Nth) -> Result<(), String> {
        match nth.of(self.sent.len()) {
            Some(at) => self.send(self.sent[at].clone()),
            None => Ok(()),
        }
    }

    /// Abandons one of the parked calls.
    pub(crate) fn give_up(&mut self, nth: Nth) -> Result<(), String> {
        let Some(at) = nth.of(self.waiting.len()) else { return Ok(()) };
        let ticket = *self.waiting.keys().nth(at).expect("the index is in range");
        self.waiting.remove(&ticket);
        self.twins.abandon(self.now, ticket);
        self.look()
    }

    /// Forgets one of the held tasks, as a worker that crashed.
    pub(crate) fn lose(&mut self, nth: Nth) {
        if let Some(at) = nth.of(self.workflow_tasks.len() + self.activity_tasks.len()) {
            match at.checked_sub(self.workflow_tasks.len()) {
                None => drop(self.workflow_tasks.swap_remove(at)),
                Some(at) => drop(self.activity_tasks.swap_remove(at)),
            }
        }
    }

    /// Lets wall time pass. As a host does, it wakes the service at each of its deadlines.
    pub(crate) fn pass(&mut self, span: Duration) -> Result<(), String> {
        let until = self.now + span;
        for _ in 0..INSTANTS_MAX {
            let Some(due) = self.twins.next_deadline()?.filter(|due| *due <= until) else {
                return self.leap(until.since(self.now));
            };
            self.leap(due.since(self.now))?;
        }
        Err("time does not come to rest".to_owned())
    }

    /// Moves wall time ahead and wakes the service once.
    pub(crate) fn leap(&mut self, span: Duration) -> Result<(), String> {
        self.now += span;
        self.twins.advance(self.now);
        self.look()
    }

    /// Ends the session: checks that polls end and that the twins are equal. Returns what the session left.
    pub(crate) fn end(mut self, long_polls_end: bool) -> Result<Played, String> {
        self.pass(LONGEST_POLL)?;
        let is_poll = |method: &str| method.starts_with("Poll") || method == "GetWorkflowExecutionHistory";
        if let Some(endless) = self.waiting.values().find(|waiting| is_poll(&waiting.method)).filter(|_| long_polls_end) {
            return Err(format!("{} never ends", endless.method));
        }
        self.twins.assert_alike(self.now)?;
        let histories = self.histories.into_events();
        histories.iter().for_each(|events| self.coverage.saw_events(events));
        Ok(Played { coverage: self.coverage, histories })
    }

    /// Takes the answers to parked calls and reads new events.
    fn look(&mut self) -> Result<(), String> {
        for (ticket, answer) in self.twins.answers()? {
            let Some(waiting) = self.waiting.remove(&ticket) else {
                return Err(format!("{ticket:?} does not wait, and is answered: {answer:?}"));
            };
            self.take(&waiting, answer);
        }
        self.histories.read(self.twins.view())
    }

    fn take(&mut self, waiting: &Waiting, answer: Answer) {
        self.coverage.saw_answer(&waiting.method, answer.is_ok());
        let Ok(reply) = answer else { return };
        match waiting.method.as_str() {
            "PollWorkflowTaskQueue" => self.take_workflow_task(decoded(reply)),
            "PollActivityTaskQueue" => self.take_activity_task(decoded(reply)),
            "RespondWorkflowTaskCompleted" => {
                let reply: RespondWorkflowTaskCompletedResponse = decoded(reply);
                reply.workflow_task.into_iter().for_each(|task| self.take_workflow_task(task));
                reply.activity_tasks.into_iter().for_each(|task| self.take_activity_task(task));
            }
            "StartWorkflowExecution" => {
                let reply: StartWorkflowExecutionResponse = decoded(reply);
                reply.eager_workflow_task.into_iter().for_each(|task| self.take_workflow_task(task));
            }
            "GetWorkflowExecutionHistory" => {
                let reply: GetWorkflowExecutionHistoryResponse = decoded(reply);
                if !reply.next_page_token.is_empty() {
                    self.page_tokens.push((waiting.workflow_id.clone(), reply.next_page_token));
                }
            }
            "GetWorkflowExecutionHistoryReverse" => {
                let reply: GetWorkflowExecutionHistoryReverseResponse = decoded(reply);
                if !reply.next_page_token.is_empty() {
                    self.page_tokens.push((waiting.workflow_id.clone(), reply.next_page_token));
                }
            }
            _ => {}
        }
    }

    fn take_workflow_task(&mut self, task: PollWorkflowTaskQueueResponse) {
        if task.task_token.is_empty() {
            return;
        }
        let is_query = task.query.is_some();
        let run_id = task.workflow_execution.unwrap_or_default().run_id;
        let queries = task.queries.into_keys().collect();
        let sent = task.messages.into_iter().map(|message| message.protocol_instance_id);
        let updates = sent.chain(pending::admitted_updates(self.events_of(&run_id))).collect();
        let task = Task { token: task.task_token, run_id, queries, updates };
        if is_query { self.query_tasks.push(task) } else { self.workflow_tasks.push(task) }
    }

    fn take_activity_task(&mut self, task: PollActivityTaskQueueResponse) {
        if !task.task_token.is_empty() {
            let run_id = task.workflow_execution.unwrap_or_default().run_id;
            self.activity_tasks.push(ActivityTask { token: task.task_token, run_id, activity_id: task.activity_id });
        }
    }
}

fn decoded<M: Message + Default>(reply: Bytes) -> M {
    M::decode(reply).expect("a reply is what its method says")
}

/// The workflow id of a request that reads a history; empty for others.
fn workflow_id_of(request: &Request) -> String {
    let message = request.message.as_slice();
    let execution = match request.method.as_str() {
        "GetWorkflowExecutionHistory" => GetWorkflowExecutionHistoryRequest::decode(message).unwrap_or_default().execution,
        "GetWorkflowExecutionHistoryReverse" => {
            GetWorkflowExecutionHistoryReverseRequest::decode(message).unwrap_or_default().execution
        }
        _ => None,
    };
    execution.unwrap_or_default().workflow_id
}
