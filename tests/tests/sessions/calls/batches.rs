//! Batch operations.

use foretime_server::proto::{
    batch::*,
    common::WorkflowExecution,
    enums::ResetType,
    workflowservice::{start_batch_operation_request::Operation, *},
};
use proptest::prelude::*;

use super::{Family, Id, Request, namespace};
use crate::world::World;

#[derive(Clone, Debug)]
pub(crate) enum Call {
    /// The ids of jobs repeat.
    Start(u8, Kind, Targets),
    Describe(u8),
    List(u8),
    Stop(u8),
}

/// What is done.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Terminate,
    Cancel,
    Signal,
    Delete,
    Reset,
    UnpauseActivities,
    ResetActivities,
    Nothing,
}

/// To which workflows.
#[derive(Clone, Debug)]
pub(crate) enum Targets {
    Named(Vec<Id>),
    Found(&'static str),
}

const QUERIES: [&str; 4] = ["WorkflowType = 'W'", "ExecutionStatus = 'Running'", "Nope = 1", "WorkflowType ="];

impl Family for Call {
    fn any() -> BoxedStrategy<Self> {
        use Kind as K;
        let kinds =
            [K::Terminate, K::Cancel, K::Signal, K::Delete, K::Reset, K::UnpauseActivities, K::ResetActivities, K::Nothing];
        let targets = prop_oneof![
            2 => proptest::collection::vec(Id::any(), 0..5).prop_map(Targets::Named),
            2 => proptest::sample::select(QUERIES.to_vec()).prop_map(Targets::Found),
        ];
        let start = (0_u8..8, proptest::sample::select(kinds.to_vec()), targets);
        prop_oneof![
            4 => start.prop_map(|(job, kind, targets)| Self::Start(job, kind, targets)),
            2 => (0_u8..8).prop_map(Self::Describe),
            1 => (0_u8..3).prop_map(Self::List),
            // One that takes its time, as a rule.
            3 => prop_oneof![4 => (0_u8..4).prop_map(|half| 2 * half), 1 => 0_u8..8].prop_map(Self::Stop),
        ]
        .boxed()
    }

    #[expect(deprecated, reason = "clients still name executions so")]
    fn request(&self, _world: &World) -> Option<Request> {
        let job_id = |job: &u8| format!("job-{job}");
        Some(match self {
            Self::Start(job, kind, targets) => {
                let mut request = StartBatchOperationRequest {
                    namespace: namespace(),
                    job_id: job_id(job),
                    reason: "why".to_owned(),
                    operation: kind.operation(),
                    // Every other one takes its time, so that it can be stopped.
                    max_operations_per_second: if job % 2 == 0 { 0.1 } else { 0.0 },
                    ..StartBatchOperationRequest::default()
                };
                match targets {
                    Targets::Named(ids) => {
                        let named =
                            ids.iter().map(|id| WorkflowExecution { workflow_id: format!("{id:?}"), ..Default::default() });
                        request.executions = named.collect();
                    }
                    Targets::Found(query) => (*query).clone_into(&mut request.visibility_query),
                }
                Request::of(&request)
            }
            Self::Describe(job) => Request::of(&DescribeBatchOperationRequest { namespace: namespace(), job_id: job_id(job) }),
            Self::List(page) => Request::of(&ListBatchOperationsRequest {
                namespace: namespace(),
                page_size: (*page).into(),
                next_page_token: if *page == 2 { b"another".to_vec() } else { Vec::new() },
            }),
            Self::Stop(job) => Request::of(&StopBatchOperationRequest {
                namespace: namespace(),
                job_id: job_id(job),
                reason: "enough".to_owned(),
                ..StopBatchOperationRequest::default()
            }),
        })
    }
}

impl Kind {
    fn operation(self) -> Option<Operation> {
        Some(match self {
            Self::Terminate => Operation::TerminationOperation(BatchOperationTermination::default()),
            Self::Cancel => Operation::CancellationOperation(BatchOperationCancellation::default()),
            Self::Signal => {
                Operation::SignalOperation(BatchOperationSignal { signal: "s".to_owned(), ..BatchOperationSignal::default() })
            }
            Self::Delete => Operation::DeletionOperation(BatchOperationDeletion::default()),
            #[expect(deprecated, reason = "clients still say so where to reset to")]
            Self::Reset => Operation::ResetOperation(BatchOperationReset {
                reset_type: ResetType::LastWorkflowTask.into(),
                ..BatchOperationReset::default()
            }),
            Self::UnpauseActivities => Operation::UnpauseActivitiesOperation(BatchOperationUnpauseActivities {
                activity: Some(batch_operation_unpause_activities::Activity::MatchAll(true)),
                ..BatchOperationUnpauseActivities::default()
            }),
            Self::ResetActivities => Operation::ResetActivitiesOperation(BatchOperationResetActivities {
                activity: Some(batch_operation_reset_activities::Activity::MatchAll(true)),
                ..BatchOperationResetActivities::default()
            }),
            Self::Nothing => return None,
        })
    }
}
