//! What operators do to workflows and activities that are under way: pauses, resets, other options.
//!
//! Histories tell nothing of most of it, so the options that activities get here are such that a history stays legal whether its
//! reader knows of them or not: nothing becomes due earlier.

use foretime_server::proto::{
    activity::ActivityOptions,
    common::{Priority, WorkflowExecution},
    workflow::WorkflowExecutionOptions,
    workflowservice::{
        pause_activity_request::Activity as ToPause, reset_activity_request::Activity as ToReset,
        unpause_activity_request::Activity as ToUnpause, update_activity_options_request::Activity as ToUpdate, *,
    },
};
use proptest::prelude::*;
use prost_types::FieldMask;

use super::{Family, Ms, Nth, Request, clients::Whom, namespace};
use crate::world::World;

/// The identity of every operator.
const OPERATOR: &str = "operator";

/// A call of an operator. The request ids repeat.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    PauseActivity(Nth, u8),
    PauseActivities(Whom, u8),
    UnpauseActivity(Nth, [bool; 2], Ms),
    UnpauseActivities(Whom),
    ResetActivity(Nth, [bool; 3], Ms),
    ResetActivities(Whom),
    /// Sets a priority, and more time to wait in the queue.
    ChangeActivity(Nth, i32),
    RestoreActivity(Nth),
    Pause(Whom, u8),
    Unpause(Whom),
    ChangePriority(Whom, i32),
}

impl Family for Call {
    fn any() -> BoxedStrategy<Self> {
        prop_oneof![
            4 => (Nth::any(), 0_u8..4).prop_map(|(nth, request)| Self::PauseActivity(nth, request)),
            1 => (Whom::any(), 0_u8..4).prop_map(|(whom, request)| Self::PauseActivities(whom, request)),
            4 => (Nth::any(), any::<[bool; 2]>(), Ms::up_to(3_000))
                .prop_map(|(nth, resets, jitter)| Self::UnpauseActivity(nth, resets, jitter)),
            2 => Whom::any().prop_map(Self::UnpauseActivities),
            3 => (Nth::any(), any::<[bool; 3]>(), Ms::up_to(3_000)).prop_map(|(nth, how, jitter)| Self::ResetActivity(nth, how, jitter)),
            1 => Whom::any().prop_map(Self::ResetActivities),
            3 => (Nth::any(), -1..6).prop_map(|(nth, priority_key)| Self::ChangeActivity(nth, priority_key)),
            1 => Nth::any().prop_map(Self::RestoreActivity),
            4 => (Whom::any(), 0_u8..4).prop_map(|(whom, request)| Self::Pause(whom, request)),
            6 => Whom::any().prop_map(Self::Unpause),
            3 => (Whom::any(), -1..6).prop_map(|(whom, priority_key)| Self::ChangePriority(whom, priority_key)),
        ]
        .boxed()
    }

    fn request(&self, world: &World) -> Option<Request> {
        Some(match self {
            Self::Pause(whom, request) => {
                let WorkflowExecution { workflow_id, run_id } = whom.execution(world);
                Request::of(&PauseWorkflowExecutionRequest {
                    namespace: namespace(),
                    workflow_id,
                    run_id,
                    identity: OPERATOR.to_owned(),
                    reason: "to look at it".to_owned(),
                    request_id: request_id(*request),
                })
            }
            Self::Unpause(whom) => {
                let WorkflowExecution { workflow_id, run_id } = whom.execution(world);
                Request::of(&UnpauseWorkflowExecutionRequest {
                    namespace: namespace(),
                    workflow_id,
                    run_id,
                    identity: OPERATOR.to_owned(),
                    ..UnpauseWorkflowExecutionRequest::default()
                })
            }
            Self::ChangePriority(whom, priority_key) => Request::of(&UpdateWorkflowExecutionOptionsRequest {
                namespace: namespace(),
                workflow_execution: Some(whom.execution(world)),
                workflow_execution_options: Some(WorkflowExecutionOptions {
                    priority: priority(*priority_key),
                    ..WorkflowExecutionOptions::default()
                }),
                update_mask: mask(&["priority"]),
                identity: OPERATOR.to_owned(),
            }),
            Self::PauseActivities(whom, request) => pause(whom.execution(world), ToPause::Type("A".to_owned()), *request),
            Self::UnpauseActivities(whom) => unpause(whom.execution(world), ToUnpause::UnpauseAll(true), [false; 2], Ms(0)),
            Self::ResetActivities(whom) => reset(whom.execution(world), ToReset::MatchAll(true), [false; 3], Ms(0)),
            of_one => of_one.request_of_one(world)?,
        })
    }
}

impl Call {
    /// Names an activity that has not ended in its history. Perhaps its run is closed.
    fn request_of_one(&self, world: &World) -> Option<Request> {
        let named = |nth: &Nth| {
            let (workflow_id, activity) = nth.among(&world.open_activities()).cloned()?;
            Some((WorkflowExecution { workflow_id, run_id: String::new() }, activity.activity_id))
        };
        Some(match self {
            Self::PauseActivity(nth, request) => {
                let (execution, activity_id) = named(nth)?;
                if request % 2 == 0 {
                    return Some(pause(execution, ToPause::Id(activity_id), *request));
                }
                Request::of(&PauseActivityExecutionRequest {
                    namespace: namespace(),
                    workflow_id: execution.workflow_id,
                    activity_id,
                    request_id: request_id(*request),
                    ..PauseActivityExecutionRequest::default()
                })
            }
            Self::UnpauseActivity(nth, resets, jitter) => {
                let (execution, activity_id) = named(nth)?;
                if resets[0] || resets[1] {
                    return Some(unpause(execution, ToUnpause::Id(activity_id), *resets, *jitter));
                }
                Request::of(&UnpauseActivityExecutionRequest {
                    namespace: namespace(),
                    workflow_id: execution.workflow_id,
                    activity_id,
                    jitter: jitter.proto(),
                    ..UnpauseActivityExecutionRequest::default()
                })
            }
            Self::ResetActivity(nth, how, jitter) => {
                let (execution, activity_id) = named(nth)?;
                if how[0] {
                    return Some(reset(execution, ToReset::Id(activity_id), *how, *jitter));
                }
                Request::of(&ResetActivityExecutionRequest {
                    namespace: namespace(),
                    workflow_id: execution.workflow_id,
                    activity_id,
                    keep_paused: how[1],
                    restore_original_options: how[2],
                    jitter: jitter.proto(),
                    ..ResetActivityExecutionRequest::default()
                })
            }
            Self::ChangeActivity(nth, priority_key) => {
                let options = ActivityOptions {
                    schedule_to_start_timeout: Ms(3_600_000).proto(),
                    priority: priority(*priority_key),
                    ..ActivityOptions::default()
                };
                let (execution, activity_id) = named(nth)?;
                if priority_key % 2 != 0 {
                    return Some(change((execution, activity_id), Some(options)));
                }
                Request::of(&UpdateActivityExecutionOptionsRequest {
                    namespace: namespace(),
                    workflow_id: execution.workflow_id,
                    activity_id,
                    activity_options: Some(options),
                    update_mask: mask(&["schedule_to_start_timeout", "priority"]),
                    ..UpdateActivityExecutionOptionsRequest::default()
                })
            }
            Self::RestoreActivity(nth) => change(named(nth)?, None),
            _ => return None,
        })
    }
}

fn pause(execution: WorkflowExecution, activity: ToPause, request: u8) -> Request {
    Request::of(&PauseActivityRequest {
        namespace: namespace(),
        execution: Some(execution),
        identity: OPERATOR.to_owned(),
        activity: Some(activity),
        reason: "to look at it".to_owned(),
        request_id: request_id(request),
    })
}

fn unpause(execution: WorkflowExecution, activity: ToUnpause, resets: [bool; 2], jitter: Ms) -> Request {
    Request::of(&UnpauseActivityRequest {
        namespace: namespace(),
        execution: Some(execution),
        identity: OPERATOR.to_owned(),
        activity: Some(activity),
        reset_attempts: resets[0],
        reset_heartbeat: resets[1],
        jitter: jitter.proto(),
    })
}

fn reset(execution: WorkflowExecution, activity: ToReset, how: [bool; 3], jitter: Ms) -> Request {
    Request::of(&ResetActivityRequest {
        namespace: namespace(),
        execution: Some(execution),
        identity: OPERATOR.to_owned(),
        activity: Some(activity),
        reset_heartbeat: how[0],
        keep_paused: how[1],
        restore_original_options: how[2],
        jitter: jitter.proto(),
    })
}

fn change((execution, id): (WorkflowExecution, String), options: Option<ActivityOptions>) -> Request {
    Request::of(&UpdateActivityOptionsRequest {
        namespace: namespace(),
        execution: Some(execution),
        identity: OPERATOR.to_owned(),
        activity: Some(ToUpdate::Id(id)),
        restore_original: options.is_none(),
        update_mask: mask(&["schedule_to_start_timeout", "priority"]).filter(|_| options.is_some()),
        activity_options: options,
    })
}

fn request_id(request: u8) -> String {
    format!("operation-{request}")
}

fn priority(priority_key: i32) -> Option<Priority> {
    Some(Priority { priority_key, ..Priority::default() })
}

fn mask(paths: &[&str]) -> Option<FieldMask> {
    Some(FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() })
}
