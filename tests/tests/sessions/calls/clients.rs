//! What clients do to workflows, and what they read.

use foretime_server::proto::{
    common::WorkflowExecution,
    enums::{HistoryEventFilterType, QueryRejectCondition},
    query::WorkflowQuery,
    workflowservice::*,
};
use proptest::prelude::*;

use super::{Family, Id, Ms, Nth, Request, namespace};
use crate::world::World;

#[derive(Clone, Debug)]
pub(crate) enum Call {
    /// The request ids repeat.
    Signal(Whom, u8),
    RequestCancel(Whom),
    /// Names a run as the first of the chain.
    RequestCancelChain(Id, Nth),
    Terminate(Whom),
    Query(Whom, QueryRejectCondition),
    Describe(Whom),
    Read(Whom, Reading),
    /// Continues from an earlier page token.
    ReadOn(Nth, Reading),
}

/// The run that a call names.
#[derive(Clone, Debug)]
pub(crate) enum Whom {
    Current(Id),
    Run(Nth),
    Missing,
}

/// How a history is read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reading {
    /// With this page size; 0: the server's default.
    Pages(i32),
    /// Waits for new events; the caller's deadline.
    Waiting(Ms),
    /// Waits for the close event.
    WaitingForTheEnd,
    TheEnd,
}

impl Family for Call {
    fn any() -> BoxedStrategy<Self> {
        use QueryRejectCondition as Condition;
        let conditions = [Condition::None, Condition::None, Condition::NotOpen, Condition::NotCompletedCleanly];
        prop_oneof![
            16 => (Whom::any(), 0_u8..200).prop_map(|(whom, request)| Self::Signal(whom, request)),
            3 => Whom::any().prop_map(Self::RequestCancel),
            1 => (Id::any(), Nth::any()).prop_map(|(id, run)| Self::RequestCancelChain(id, run)),
            1 => Whom::any().prop_map(Self::Terminate),
            3 => (Whom::any(), proptest::sample::select(conditions.to_vec())).prop_map(|(whom, how)| Self::Query(whom, how)),
            1 => Whom::any().prop_map(Self::Describe),
            4 => (Whom::any(), Reading::any()).prop_map(|(whom, how)| Self::Read(whom, how)),
            2 => (Nth::any(), Reading::any()).prop_map(|(page, how)| Self::ReadOn(page, how)),
        ]
        .boxed()
    }

    fn request(&self, world: &World) -> Option<Request> {
        Some(match self {
            Self::Signal(whom, request) => Request::of(&SignalWorkflowExecutionRequest {
                namespace: namespace(),
                workflow_execution: Some(whom.execution(world)),
                signal_name: "hello".to_owned(),
                request_id: format!("signal-{request}"),
                ..SignalWorkflowExecutionRequest::default()
            }),
            Self::RequestCancel(whom) => Request::of(&RequestCancelWorkflowExecutionRequest {
                namespace: namespace(),
                workflow_execution: Some(whom.execution(world)),
                ..RequestCancelWorkflowExecutionRequest::default()
            }),
            Self::RequestCancelChain(id, first) => Request::of(&RequestCancelWorkflowExecutionRequest {
                namespace: namespace(),
                workflow_execution: Some(Whom::Current(*id).execution(world)),
                first_execution_run_id: Whom::Run(*first).execution(world).run_id,
                ..RequestCancelWorkflowExecutionRequest::default()
            }),
            Self::Terminate(whom) => Request::of(&TerminateWorkflowExecutionRequest {
                namespace: namespace(),
                workflow_execution: Some(whom.execution(world)),
                ..TerminateWorkflowExecutionRequest::default()
            }),
            Self::Query(whom, condition) => Request::of(&QueryWorkflowRequest {
                namespace: namespace(),
                execution: Some(whom.execution(world)),
                query: Some(WorkflowQuery { query_type: "state".to_owned(), ..WorkflowQuery::default() }),
                query_reject_condition: (*condition).into(),
            }),
            Self::Describe(whom) => Request::of(&DescribeWorkflowExecutionRequest {
                namespace: namespace(),
                execution: Some(whom.execution(world)),
            }),
            Self::Read(whom, how) => how.request(Some(whom.execution(world)), Vec::new()),
            Self::ReadOn(page, how) => {
                let (workflow_id, token) = page.among(world.page_tokens())?;
                let execution = WorkflowExecution { workflow_id: workflow_id.clone(), run_id: String::new() };
                how.request(Some(execution), token.clone())
            }
        })
    }
}

impl Whom {
    pub(super) fn any() -> impl Strategy<Value = Self> {
        prop_oneof![
            16 => Id::any().prop_map(Self::Current),
            2 => Nth::any().prop_map(Self::Run),
            1 => Just(Self::Missing),
        ]
    }

    pub(super) fn execution(&self, world: &World) -> WorkflowExecution {
        let named = match self {
            Self::Current(id) => Some((format!("{id:?}"), String::new())),
            Self::Run(nth) => world.run(*nth),
            Self::Missing => None,
        };
        let (workflow_id, run_id) = named.unwrap_or_else(|| ("missing".to_owned(), String::new()));
        WorkflowExecution { workflow_id, run_id }
    }
}

impl Reading {
    fn any() -> impl Strategy<Value = Self> {
        prop_oneof![
            2 => (-1_i32..5).prop_map(Self::Pages),
            2 => Ms::up_to(30_000).prop_map(Self::Waiting),
            1 => Just(Self::WaitingForTheEnd),
            1 => Just(Self::TheEnd),
        ]
    }

    fn request(self, execution: Option<WorkflowExecution>, next_page_token: Vec<u8>) -> Request {
        let mut request = GetWorkflowExecutionHistoryRequest {
            namespace: namespace(),
            execution,
            next_page_token,
            wait_new_event: matches!(self, Self::Waiting(_) | Self::WaitingForTheEnd),
            ..GetWorkflowExecutionHistoryRequest::default()
        };
        if let Self::Pages(size) = self {
            request.maximum_page_size = size;
        }
        if matches!(self, Self::TheEnd | Self::WaitingForTheEnd) {
            request.set_history_event_filter_type(HistoryEventFilterType::CloseEvent);
        }
        let patience = if let Self::Waiting(span) = self { Some(span.span()) } else { None };
        Request { patience, ..Request::of(&request) }
    }
}
