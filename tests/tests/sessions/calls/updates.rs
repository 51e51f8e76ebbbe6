//! Updates: what clients send and await, and what workers report along with a completion.

use foretime_server::proto::{
    command::Command,
    enums::{UpdateWorkflowExecutionLifecycleStage as Stage, WorkflowIdConflictPolicy},
    history::HistoryEvent,
    protocol::Message,
    update::{Input, Meta, Rejection, Request as UpdateRequest, UpdateRef},
    workflowservice::*,
};
use foretime_tests::{
    script::{payloads, task_queue, workflow_type},
    updates::{acceptance_of, operations, protocol_message, rejection_of, response, until},
};
use proptest::prelude::*;
use prost::Name;

use super::{Family, Id, Nth, QUEUE, Request, clients::Whom, namespace};
use crate::{
    pending,
    world::{Task, World},
};

/// Ids of updates repeat.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    Update(Whom, u8, Stage),
    Poll(Whom, u8, Stage),
    WithStart(Id, u8, WorkflowIdConflictPolicy),
    /// Of another workflow than the start's.
    WithStartOfAnother(Id),
}

/// What a worker reports of an update.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Report {
    /// Of one that came along with the task.
    Accept(Nth),
    AcceptAndComplete(Nth),
    Reject(Nth),
    /// Of one that was accepted before.
    Complete(Nth),
    /// Of any id.
    CompleteCarelessly(u8),
}

impl Family for Call {
    fn any() -> BoxedStrategy<Self> {
        use WorkflowIdConflictPolicy as Conflict;
        let stages = [Stage::Accepted, Stage::Completed, Stage::Completed, Stage::Admitted, Stage::Unspecified];
        let stage = || proptest::sample::select(stages.to_vec());
        let policies = [Conflict::UseExisting, Conflict::Fail, Conflict::TerminateExisting];
        let policy = proptest::sample::select(policies.to_vec());
        prop_oneof![
            12 => (Whom::any(), 0_u8..12, stage()).prop_map(|(whom, id, stage)| Self::Update(whom, id, stage)),
            6 => (Whom::any(), 0_u8..12, stage()).prop_map(|(whom, id, stage)| Self::Poll(whom, id, stage)),
            4 => (Id::of_a_start(), 0_u8..12, policy).prop_map(|(id, update, policy)| Self::WithStart(id, update, policy)),
            1 => Id::of_a_start().prop_map(Self::WithStartOfAnother),
        ]
        .boxed()
    }

    fn request(&self, world: &World) -> Option<Request> {
        Some(match self {
            Self::Update(whom, id, stage) => Request::of(&update(whom, *id, *stage, world)),
            Self::Poll(whom, id, stage) => Request::of(&PollWorkflowExecutionUpdateRequest {
                namespace: namespace(),
                update_ref: Some(UpdateRef { workflow_execution: Some(whom.execution(world)), update_id: update_id(*id) }),
                wait_policy: until(*stage),
                ..PollWorkflowExecutionUpdateRequest::default()
            }),
            Self::WithStart(id, update_number, policy) => {
                let start = StartWorkflowExecutionRequest {
                    namespace: namespace(),
                    workflow_id: format!("{id:?}"),
                    workflow_type: Some(workflow_type("W")),
                    task_queue: Some(task_queue(QUEUE)),
                    workflow_id_conflict_policy: (*policy).into(),
                    ..StartWorkflowExecutionRequest::default()
                };
                let update = update(&Whom::Current(*id), *update_number, Stage::Completed, world);
                Request::of(&operations(start, update))
            }
            Self::WithStartOfAnother(id) => {
                let start = StartWorkflowExecutionRequest {
                    workflow_id: format!("{id:?}"),
                    workflow_type: Some(workflow_type("W")),
                    task_queue: Some(task_queue(QUEUE)),
                    ..StartWorkflowExecutionRequest::default()
                };
                Request::of(&operations(start, update(&Whom::Missing, 0, Stage::Completed, world)))
            }
        })
    }
}

impl Report {
    pub(crate) fn any() -> impl Strategy<Value = Self> {
        prop_oneof![
            4 => Nth::any().prop_map(Self::Accept),
            6 => Nth::any().prop_map(Self::AcceptAndComplete),
            4 => Nth::any().prop_map(Self::Reject),
            6 => Nth::any().prop_map(Self::Complete),
            1 => (0_u8..12).prop_map(Self::CompleteCarelessly),
        ]
    }

    /// The messages for a task of a workflow with these events, which are not in the way of those before.
    pub(crate) fn messages(self, task: &Task, events: &[HistoryEvent], before: &[Message]) -> Vec<Message> {
        let sent = |nth: Nth| nth.among(&task.updates).cloned();
        let is_free = |id: &String| before.iter().all(|message| message.protocol_instance_id != *id);
        let messages = match self {
            Self::Accept(nth) => sent(nth).filter(is_free).map(|id| vec![acceptance_of(&id, 1)]),
            Self::AcceptAndComplete(nth) => {
                sent(nth).filter(is_free).map(|id| vec![acceptance_of(&id, 1), response(&id, "done")])
            }
            Self::Reject(nth) => sent(nth).filter(is_free).map(|id| vec![rejection_of(&id, 1)]),
            Self::Complete(nth) => {
                let open = pending::updates(events);
                nth.among(&open).filter(|id| is_free(id)).map(|id| vec![response(id, "done")])
            }
            Self::CompleteCarelessly(id) => Some(vec![response(&update_id(id), "done")]),
        };
        messages.unwrap_or_default()
    }
}

/// The commands that name the messages; a rejection has none.
pub(crate) fn commands(messages: &[Message]) -> Vec<Command> {
    let rejection = Rejection::full_name();
    let is_rejection = |message: &&Message| message.body.as_ref().is_some_and(|body| body.type_url.ends_with(&rejection));
    messages.iter().filter(|message| !is_rejection(message)).map(protocol_message).collect()
}

fn update(whom: &Whom, id: u8, stage: Stage, world: &World) -> UpdateWorkflowExecutionRequest {
    UpdateWorkflowExecutionRequest {
        namespace: namespace(),
        workflow_execution: Some(whom.execution(world)),
        wait_policy: until(stage),
        request: Some(UpdateRequest {
            meta: Some(Meta { update_id: update_id(id), identity: "client".to_owned() }),
            input: Some(Input { name: "add".to_owned(), args: payloads("1"), ..Input::default() }),
            ..UpdateRequest::default()
        }),
        ..UpdateWorkflowExecutionRequest::default()
    }
}

fn update_id(number: u8) -> String {
    format!("update-{number}")
}
