//! Starts of workflows, with and without a signal.

use foretime_server::proto::{
    common::{Memo, Priority, RetryPolicy, SearchAttributes},
    enums::{WorkflowIdConflictPolicy, WorkflowIdReusePolicy},
    workflow::OnConflictOptions,
    workflowservice::{SignalWithStartWorkflowExecutionRequest, StartWorkflowExecutionRequest},
};
use foretime_tests::script::{payload, payloads, task_queue, workflow_type};
use proptest::{collection::vec, prelude::*};

use super::{COLOUR, Family, Id, Ms, NAMESPACES, QUEUE, Request, namespace};
use crate::world::World;

#[derive(Clone, Debug)]
pub(crate) enum Call {
    Start(Id, Vec<Part>),
    SignalWithStart(Id, Vec<Part>),
}

/// An option of a start.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    Reuse(WorkflowIdReusePolicy),
    Conflict(WorkflowIdConflictPolicy),
    /// The request ids repeat.
    Request(u8),
    AttachRequest,
    Attempts(i32),
    Cron,
    Delay(Ms),
    TaskTimeout(Ms),
    RunTimeout(Ms),
    ExecutionTimeout(Ms),
    Eager,
    Input,
    Memo,
    Colour,
    Priority(i32),
    ElsewhereQueue,
    OtherNamespace,
}

impl Family for Call {
    fn any() -> BoxedStrategy<Self> {
        let parts = || vec(Part::any(), 0..4);
        prop_oneof![
            3 => (Id::of_a_start(), parts()).prop_map(|(id, parts)| Self::Start(id, parts)),
            1 => (Id::of_a_start(), parts()).prop_map(|(id, parts)| Self::SignalWithStart(id, parts)),
        ]
        .boxed()
    }

    fn request(&self, _world: &World) -> Option<Request> {
        Some(match self {
            Self::Start(id, parts) => Request::of(&start(*id, parts)),
            Self::SignalWithStart(id, parts) => Request::of(&with_signal(start(*id, parts))),
        })
    }
}

impl Part {
    fn any() -> BoxedStrategy<Self> {
        use {WorkflowIdConflictPolicy as Conflict, WorkflowIdReusePolicy as Reuse};
        let reuse = [Reuse::AllowDuplicate, Reuse::AllowDuplicateFailedOnly, Reuse::RejectDuplicate, Reuse::Unspecified];
        let conflict = [Conflict::Fail, Conflict::UseExisting, Conflict::TerminateExisting];
        prop_oneof![
            2 => proptest::sample::select(reuse.to_vec()).prop_map(Self::Reuse),
            3 => proptest::sample::select(conflict.to_vec()).prop_map(Self::Conflict),
            2 => (0_u8..4).prop_map(Self::Request),
            1 => Just(Self::AttachRequest),
            4 => (0_i32..4).prop_map(Self::Attempts),
            1 => Just(Self::Cron),
            1 => Ms::up_to(3_000).prop_map(Self::Delay),
            2 => Ms::up_to(5_000).prop_map(Self::TaskTimeout),
            1 => Ms::up_to(9_000).prop_map(Self::RunTimeout),
            1 => Ms::up_to(20_000).prop_map(Self::ExecutionTimeout),
            1 => Just(Self::Eager),
            1 => proptest::sample::select(vec![Self::Input, Self::Memo, Self::Colour, Self::ElsewhereQueue]),
            1 => (-1_i32..6).prop_map(Self::Priority),
            1 => Just(Self::OtherNamespace),
        ]
        .boxed()
    }
}

/// A retry policy with this many attempts; 0: no limit.
pub(super) fn policy(maximum_attempts: i32) -> Option<RetryPolicy> {
    Some(RetryPolicy { maximum_attempts, ..RetryPolicy::default() })
}

fn start(id: Id, parts: &[Part]) -> StartWorkflowExecutionRequest {
    let mut request = StartWorkflowExecutionRequest {
        namespace: namespace(),
        workflow_id: format!("{id:?}"),
        workflow_type: Some(workflow_type("W")),
        task_queue: Some(task_queue(QUEUE)),
        workflow_task_timeout: Ms(4_000).proto(),
        ..StartWorkflowExecutionRequest::default()
    };
    for part in parts {
        match part {
            Part::Reuse(reuse) => request.set_workflow_id_reuse_policy(*reuse),
            Part::Conflict(conflict) => request.set_workflow_id_conflict_policy(*conflict),
            Part::Request(n) => request.request_id = format!("request-{n}"),
            Part::AttachRequest => {
                let options = OnConflictOptions { attach_request_id: true, ..OnConflictOptions::default() };
                request.on_conflict_options = Some(options);
                request.set_workflow_id_conflict_policy(WorkflowIdConflictPolicy::UseExisting);
            }
            Part::Attempts(count) => request.retry_policy = policy(*count),
            Part::Cron => request.cron_schedule = "@every 5s".to_owned(),
            Part::Delay(span) => request.workflow_start_delay = span.proto(),
            Part::TaskTimeout(span) => request.workflow_task_timeout = span.proto(),
            Part::RunTimeout(span) => request.workflow_run_timeout = span.proto(),
            Part::ExecutionTimeout(span) => request.workflow_execution_timeout = span.proto(),
            Part::Eager => request.request_eager_execution = true,
            Part::Input => request.input = payloads("input"),
            Part::Memo => request.memo = Some(Memo { fields: [("note".to_owned(), payload("memo"))].into() }),
            Part::Colour => {
                let indexed_fields = [(COLOUR.to_owned(), payload("red"))].into();
                request.search_attributes = Some(SearchAttributes { indexed_fields });
            }
            Part::Priority(priority_key) => {
                request.priority = Some(Priority { priority_key: *priority_key, ..Priority::default() });
            }
            Part::ElsewhereQueue => request.task_queue = Some(task_queue("elsewhere")),
            Part::OtherNamespace => request.namespace = NAMESPACES[1].to_owned(),
        }
    }
    request
}

fn with_signal(start: StartWorkflowExecutionRequest) -> SignalWithStartWorkflowExecutionRequest {
    SignalWithStartWorkflowExecutionRequest {
        namespace: start.namespace,
        workflow_id: start.workflow_id,
        workflow_type: start.workflow_type,
        task_queue: start.task_queue,
        input: start.input,
        workflow_execution_timeout: start.workflow_execution_timeout,
        workflow_run_timeout: start.workflow_run_timeout,
        workflow_task_timeout: start.workflow_task_timeout,
        request_id: start.request_id,
        workflow_id_reuse_policy: start.workflow_id_reuse_policy,
        workflow_id_conflict_policy: start.workflow_id_conflict_policy,
        signal_name: "with start".to_owned(),
        retry_policy: start.retry_policy,
        cron_schedule: start.cron_schedule,
        memo: start.memo,
        search_attributes: start.search_attributes,
        workflow_start_delay: start.workflow_start_delay,
        priority: start.priority,
        ..SignalWithStartWorkflowExecutionRequest::default()
    }
}
