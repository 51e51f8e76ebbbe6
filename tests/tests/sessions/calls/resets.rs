//! What is done to runs as a whole, also to closed ones: resets and deletions; and histories that are read backwards.

use foretime_server::proto::{
    common::WorkflowExecution,
    enums::{EventType, ResetReapplyExcludeType as Exclude, ResetReapplyType},
    history::HistoryEvent,
    workflowservice::*,
};
use proptest::prelude::*;

use super::{Family, Nth, Request, clients::Whom, namespace};
use crate::world::World;

#[derive(Clone, Debug)]
pub(crate) enum Call {
    /// Resets a run to one of its workflow tasks.
    Reset(Nth, Nth, Left),
    /// Resets a run to any event, or beyond.
    ResetTo(Whom, i64),
    Delete(Whom),
    ReadBack(Whom, i32),
    /// Continues from an earlier page token.
    ReadBackOn(Nth, i32),
}

/// What a reset leaves out.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Left {
    Nothing,
    Signals,
    Updates,
    Both,
}

impl Family for Call {
    fn any() -> BoxedStrategy<Self> {
        use Left::{Both, Nothing, Signals, Updates};
        let left = proptest::sample::select(vec![Nothing, Nothing, Nothing, Signals, Updates, Both]);
        prop_oneof![
            8 => (Nth::any(), Nth::any(), left).prop_map(|(run, task, left)| Self::Reset(run, task, left)),
            1 => (Whom::any(), 0_i64..20).prop_map(|(whom, event_id)| Self::ResetTo(whom, event_id)),
            1 => Whom::any().prop_map(Self::Delete),
            2 => (Whom::any(), -1..5).prop_map(|(whom, size)| Self::ReadBack(whom, size)),
            2 => (Nth::any(), -1..5).prop_map(|(page, size)| Self::ReadBackOn(page, size)),
        ]
        .boxed()
    }

    fn request(&self, world: &World) -> Option<Request> {
        Some(match self {
            Self::Reset(run, task, left) => {
                let (workflow_id, run_id) = world.run_of_latest(*run)?;
                let ends = ends_of_tasks(world.events_of(&run_id));
                let event_id = ends[task.of_latest(ends.len())?];
                left.request(world, WorkflowExecution { workflow_id, run_id }, event_id)
            }
            Self::ResetTo(whom, event_id) => Left::Nothing.request(world, whom.execution(world), *event_id),
            Self::Delete(whom) => Request::of(&DeleteWorkflowExecutionRequest {
                namespace: namespace(),
                workflow_execution: Some(whom.execution(world)),
            }),
            Self::ReadBack(whom, size) => read_back(whom.execution(world), *size, Vec::new()),
            Self::ReadBackOn(page, size) => {
                let (workflow_id, token) = page.among(world.page_tokens())?;
                let execution = WorkflowExecution { workflow_id: workflow_id.clone(), run_id: String::new() };
                read_back(execution, *size, token.clone())
            }
        })
    }
}

fn read_back(execution: WorkflowExecution, maximum_page_size: i32, next_page_token: Vec<u8>) -> Request {
    Request::of(&GetWorkflowExecutionHistoryReverseRequest {
        namespace: namespace(),
        execution: Some(execution),
        maximum_page_size,
        next_page_token,
    })
}

/// The events that a reset may name: the ends of workflow tasks, and what follows their schedule.
fn ends_of_tasks(events: &[HistoryEvent]) -> Vec<i64> {
    let is_end = |event: &&HistoryEvent| {
        matches!(
            event.event_type(),
            EventType::WorkflowTaskStarted
                | EventType::WorkflowTaskCompleted
                | EventType::WorkflowTaskFailed
                | EventType::WorkflowTaskTimedOut
        )
    };
    events.iter().filter(is_end).map(|event| event.event_id).collect()
}

impl Left {
    fn request(self, world: &World, execution: WorkflowExecution, workflow_task_finish_event_id: i64) -> Request {
        let (kind, excluded) = match self {
            Self::Nothing => (ResetReapplyType::Unspecified, Vec::new()),
            Self::Signals => (ResetReapplyType::AllEligible, vec![Exclude::Signal.into()]),
            Self::Updates => (ResetReapplyType::Signal, Vec::new()),
            Self::Both => (ResetReapplyType::None, Vec::new()),
        };
        #[allow(deprecated, reason = "clients send it still")]
        Request::of(&ResetWorkflowExecutionRequest {
            namespace: namespace(),
            workflow_execution: Some(execution),
            reason: "the reset".to_owned(),
            workflow_task_finish_event_id,
            request_id: format!("reset-{}", world.call_count()),
            reset_reapply_type: kind.into(),
            reset_reapply_exclude_types: excluded,
            ..ResetWorkflowExecutionRequest::default()
        })
    }
}
