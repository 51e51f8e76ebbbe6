//! What the core reports of the histories that it replays. When it is done with a run, it removes the run from the worker's
//! cache and gives the reason.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use temporalio_common::protos::coresdk::workflow_activation::{
    RemoveFromCache, WorkflowActivation, remove_from_cache::EvictionReason, workflow_activation_job::Variant,
};
use temporalio_sdk::{interceptors::WorkerInterceptor, workflow_replayer::WorkflowReplayFailure};

use super::asking::Asking;
use crate::world::code::Asked;

/// What does not fit, if the code does not fit a history.
pub(super) type Verdict = Option<Refused>;

/// A history that the core refuses.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    pub(super) failure: WorkflowReplayFailure,
    /// What the code had asked for. `None` unless a report is wanted.
    pub(super) asked: Option<Asked>,
}

/// One verdict for each history, in their order. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Verdicts {
    asking: Asking,
    given: Arc<Mutex<Vec<Verdict>>>,
}

impl Verdicts {
    /// None yet. `asking` knows what the code asks for.
    pub(super) fn new(asking: Asking) -> Self {
        Self { asking, given: Arc::default() }
    }

    /// Those given so far.
    pub(super) fn given(&self) -> Vec<Verdict> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl WorkerInterceptor for Verdicts {
    fn on_workflow_activation<'a, 'b, 'c>(
        &'a self,
        activation: &'b WorkflowActivation,
    ) -> Pin<Box<dyn Future<Output = anyhow::Result<()>> + 'c>>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        let removals = activation.jobs.iter().filter_map(|job| match &job.variant {
            Some(Variant::RemoveFromCache(removal)) => {
                Some(failure(removal).map(|failure| Refused { failure, asked: self.asking.of_run(&activation.run_id) }))
            }
            _ => None,
        });
        self.given.lock().unwrap_or_else(PoisonError::into_inner).extend(removals);
        Box::pin(std::future::ready(Ok(())))
    }
}

/// What the reason says about the code. The replayer itself requests the removal of what it has replayed to the end.
fn failure(removal: &RemoveFromCache) -> Option<WorkflowReplayFailure> {
    let message = removal.message.clone();
    match removal.reason() {
        EvictionReason::LangRequested | EvictionReason::CacheFull => None,
        EvictionReason::Nondeterminism => Some(WorkflowReplayFailure::Nondeterminism { message }),
        EvictionReason::LangFail => Some(WorkflowReplayFailure::WorkflowTaskFailure { message }),
        other => Some(WorkflowReplayFailure::Internal { reason: format!("{other:?}"), message }),
    }
}
