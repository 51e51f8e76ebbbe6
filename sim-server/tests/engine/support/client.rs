//! The verbs of a client.

use foretime_server::{
    engine::time::Time,
    proto::{
        enums::{EventType, PendingActivityState, PendingWorkflowTaskState, QueryRejectCondition, WorkflowExecutionStatus},
        history::HistoryEvent,
        workflow::RequestIdInfo,
        workflowservice::{
            DescribeWorkflowExecutionResponse, GetWorkflowExecutionHistoryResponse, QueryWorkflowRequest,
            QueryWorkflowResponse, StartWorkflowExecutionRequest,
        },
    },
};

use super::{Transcript, Waiting, requests, show, transcript::START};

/// Something that a client reads, as text.
#[derive(Debug)]
pub(crate) struct Shown(pub(crate) String);

impl Shown {
    /// Checks the text, line by line.
    #[track_caller]
    pub(crate) fn is(&self, expected: &str) {
        let expected = lines(expected);
        assert!(lines(&self.0) == expected, "found:\n{}\nexpected:\n{expected}", self.0);
    }
}

/// `text` with the margins of its lines removed.
fn lines(text: &str) -> String {
    text.trim().lines().map(str::trim).collect::<Vec<_>>().join("\n")
}

impl Transcript {
    /// Starts a workflow that does not run yet.
    #[track_caller]
    pub(crate) fn starts(&mut self, workflow_id: &str) {
        self.starts_with(requests::start(workflow_id));
    }

    /// Starts a workflow that does not run yet.
    #[track_caller]
    pub(crate) fn starts_with(&mut self, request: StartWorkflowExecutionRequest) {
        assert!(self.calls(request).started, "it ran before");
    }

    #[track_caller]
    pub(crate) fn signals(&mut self, workflow_id: &str, name: &str) {
        self.calls(requests::signal(workflow_id, name));
    }

    #[track_caller]
    pub(crate) fn requests_cancel(&mut self, workflow_id: &str) {
        self.calls(requests::request_cancel(workflow_id));
    }

    #[track_caller]
    pub(crate) fn terminates(&mut self, workflow_id: &str) {
        self.calls(requests::terminate(workflow_id));
    }

    /// Sends a query.
    pub(crate) fn queries(&mut self, workflow_id: &str, query_type: &str) -> Waiting<QueryWorkflowResponse> {
        self.sends(QueryWorkflowRequest {
            query_reject_condition: QueryRejectCondition::None.into(),
            ..requests::query(workflow_id, query_type)
        })
    }

    /// Checks the answer to a query; it must be there.
    #[track_caller]
    pub(crate) fn query_is_answered(&mut self, query: &Waiting<QueryWorkflowResponse>, expected: &str) {
        let reply = self.answer_to(query);
        assert_eq!(show::text(reply.query_result.as_ref()), format!("{expected:?}"));
    }

    /// The history of the last run of a workflow id.
    #[track_caller]
    pub(crate) fn history(&self, workflow_id: &str) -> Shown {
        self.history_of(workflow_id, self.run_count(workflow_id))
    }

    /// The history of the Nth run of a workflow id.
    #[track_caller]
    pub(crate) fn history_of(&self, workflow_id: &str, n: usize) -> Shown {
        self.shown_events(&self.events_of(workflow_id, n))
    }

    /// The history of the last run of a workflow id, from this event on.
    #[track_caller]
    pub(crate) fn history_from(&self, event_id: i64, workflow_id: &str) -> Shown {
        let mut events = self.events_of(workflow_id, self.run_count(workflow_id));
        events.retain(|event| event.event_id >= event_id);
        self.shown_events(&events)
    }

    pub(crate) fn shown_events(&self, events: &[HistoryEvent]) -> Shown {
        Shown(self.named(&show::events(events)))
    }

    /// A page of a history: ids and types of its events, and whether more follow.
    pub(crate) fn shown_page(&self, page: &GetWorkflowExecutionHistoryResponse) -> Shown {
        let more = if page.next_page_token.is_empty() { "" } else { ", and more" };
        let names = show::names(&page.history.clone().unwrap_or_default().events);
        Shown(format!("{names}{more}"))
    }

    /// The description of the last run of a workflow id, with its pending things.
    #[track_caller]
    pub(crate) fn description(&mut self, workflow_id: &str) -> Shown {
        let reply = self.calls(requests::describe(workflow_id));
        Shown(self.named(&described(&reply)))
    }

    /// The requests that the description of a workflow names, each with the event that it made.
    #[track_caller]
    pub(crate) fn described_requests(&mut self, workflow_id: &str) -> Shown {
        let infos = self.calls(requests::describe(workflow_id)).workflow_extended_info.unwrap_or_default().request_id_infos;
        let line = |(request_id, info): (&String, &RequestIdInfo)| {
            let event_id = if info.buffered { ", buffered".to_owned() } else { format!(" {}", info.event_id) };
            format!("{request_id}: {}{event_id}", show::name::<EventType>(info.event_type))
        };
        Shown(infos.iter().map(line).collect::<Vec<_>>().join("\n"))
    }
}

fn described(reply: &DescribeWorkflowExecutionResponse) -> String {
    let info = reply.workflow_execution_info.clone().unwrap_or_default();
    let since = |at: &Option<prost_types::Timestamp>| at.as_ref().map(|at| Time::from_proto(at).since(START));
    let mut lines = vec![format!("{}, {} events", show::name::<WorkflowExecutionStatus>(info.status), info.history_length)];
    if let Some(task) = &reply.pending_workflow_task {
        let state = show::name::<PendingWorkflowTaskState>(task.state);
        let at = since(&task.scheduled_time).expect("it is scheduled");
        lines.push(format!("workflow task: {state}, attempt {}, scheduled at {at:?}", task.attempt));
    }
    for activity in &reply.pending_activities {
        let state = show::name::<PendingActivityState>(activity.state);
        let mut line = format!("activity {}: {state}, attempt {}", activity.activity_id, activity.attempt);
        if let Some(at) = since(&activity.next_attempt_schedule_time) {
            line.push_str(&format!(", next at {at:?}"));
        }
        if activity.last_failure.is_some() {
            line.push_str(&format!(", after {}", show::failure(activity.last_failure.as_ref())));
        }
        if activity.heartbeat_details.is_some() {
            line.push_str(&format!(", says {}", show::text(activity.heartbeat_details.as_ref())));
        }
        lines.push(line);
    }
    for child in &reply.pending_children {
        let who = if child.run_id.is_empty() { &child.workflow_id } else { &child.run_id };
        lines.push(format!("child ({}) {who}", child.initiated_id));
    }
    lines.join("\n")
}
