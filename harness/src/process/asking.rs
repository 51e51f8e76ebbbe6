//! Hands what workflow code asks for to the world, command by command. If the SDK's core refuses a history then, the report says
//! what the code asked for; the core's own text mostly does not.

use std::{
    future::{Future, ready},
    pin::Pin,
    sync::Arc,
};

use foretime_campaign::process::ProcessId;
use temporalio_common::protos::coresdk::{
    workflow_activation::{WorkflowActivation, workflow_activation_job::Variant},
    workflow_completion::{WorkflowActivationCompletion, workflow_activation_completion::Status},
};
use temporalio_sdk::interceptors::WorkerInterceptor;

use crate::world::{World, code::Asked};

/// The interceptor of one life of a worker, or of the replayer. Every worker has it, whether a report is wanted or not: memory is the
/// same then.
#[derive(Clone, Debug)]
pub(super) struct Asking {
    pub(super) world: Arc<World>,
    process: ProcessId,
    /// Whether a report is wanted.
    is_kept: bool,
}

impl Asking {
    pub(super) fn new(world: &Arc<World>, process: ProcessId) -> Self {
        Self { world: world.clone(), process, is_kept: world.enter(|state| state.log.is_detailed()) }
    }

    /// All that the code of a run has asked for since it began, by the run id that the core knows. `None` unless a report is wanted.
    pub(super) fn of_run(&self, run_id: &str) -> Option<Asked> {
        self.world.enter(|state| state.code_asked(self.process, run_id).cloned())
    }
}

impl WorkerInterceptor for Asking {
    fn on_workflow_activation<'a, 'b, 'c>(
        &'a self,
        activation: &'b WorkflowActivation,
    ) -> Pin<Box<dyn Future<Output = anyhow::Result<()>> + 'c>>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        if self.is_kept && activation.jobs.iter().any(|job| matches!(job.variant, Some(Variant::InitializeWorkflow(_)))) {
            self.world.enter(|state| state.code_begins(self.process, &activation.run_id));
        }
        Box::pin(ready(Ok(())))
    }

    fn on_workflow_activation_completion<'a, 'b, 'c>(
        &'a self,
        completion: &'b WorkflowActivationCompletion,
    ) -> Pin<Box<dyn Future<Output = ()> + 'c>>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        if let Some(Status::Successful(success)) = &completion.status
            && self.is_kept
        {
            self.world.enter(|state| state.code_asks(self.process, &completion.run_id, &success.commands));
        }
        Box::pin(ready(()))
    }
}
