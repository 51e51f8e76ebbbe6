//! Activities: polls, heartbeats and outcomes, by token and by id.

use foretime_server::proto::{
    failure::{ApplicationFailureInfo, Failure},
    workflowservice::*,
};
use foretime_tests::{
    script::{payloads, task_queue},
    worker::application_failure,
};
use proptest::prelude::*;

use super::{Family, Ms, Nth, QUEUE, Request, Spent, WORKER, namespace};
use crate::world::World;

/// A call of an activity worker. An outcome without an activity to report becomes a poll.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    Poll(Ms),
    Complete(Nth),
    Fail(Nth, Failed),
    /// Of an activity whose cancellation was requested.
    Cancel(Nth),
    CancelUnasked(Nth),
    Heartbeat(Nth),
    CompleteById(Nth),
    FailById(Nth),
    CancelById(Nth),
    HeartbeatById(Nth),
}

/// How an attempt fails.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Failed {
    Retryable,
    ForGood,
    /// With `next_retry_delay`.
    RetryAfter(Ms),
    WithLastHeartbeat,
    /// Without application failure info, which is refused.
    Oddly,
}

impl Family for Call {
    fn any() -> BoxedStrategy<Self> {
        prop_oneof![
            10 => Ms::up_to(70_000).prop_map(Self::Poll),
            5 => Nth::any().prop_map(Self::Complete),
            6 => (Nth::any(), Failed::any()).prop_map(|(task, how)| Self::Fail(task, how)),
            3 => Nth::any().prop_map(Self::Cancel),
            1 => Nth::any().prop_map(Self::CancelUnasked),
            3 => Nth::any().prop_map(Self::Heartbeat),
            1 => Nth::any().prop_map(Self::CompleteById),
            1 => Nth::any().prop_map(Self::FailById),
            2 => Nth::any().prop_map(Self::CancelById),
            1 => Nth::any().prop_map(Self::HeartbeatById),
        ]
        .boxed()
    }

    fn request(&self, world: &World) -> Option<Request> {
        let taken =
            |nth: Nth| nth.of_latest(world.activity_tasks().len()).map(|at| (at, world.activity_tasks()[at].token.clone()));
        Some(match self {
            Self::Poll(patience) => poll(*patience, world),
            Self::Complete(nth) => match taken(*nth) {
                None => poll(Ms(60_000), world),
                Some((at, task_token)) => Request::of(&RespondActivityTaskCompletedRequest {
                    namespace: namespace(),
                    task_token,
                    result: payloads("result"),
                    identity: WORKER.to_owned(),
                    ..RespondActivityTaskCompletedRequest::default()
                })
                .spends(Spent::Activity(at)),
            },
            Self::Fail(nth, how) => match taken(*nth) {
                None => poll(Ms(60_000), world),
                Some((at, task_token)) => Request::of(&RespondActivityTaskFailedRequest {
                    namespace: namespace(),
                    task_token,
                    failure: Some(how.failure()),
                    last_heartbeat_details: payloads("last").filter(|_| matches!(how, Failed::WithLastHeartbeat)),
                    identity: WORKER.to_owned(),
                    ..RespondActivityTaskFailedRequest::default()
                })
                .spends(Spent::Activity(at)),
            },
            Self::Cancel(nth) => {
                let requested = world.activity_tasks_to_cancel();
                let at = requested[nth.of(requested.len())?];
                let request = RespondActivityTaskCanceledRequest {
                    namespace: namespace(),
                    task_token: world.activity_tasks()[at].token.clone(),
                    identity: WORKER.to_owned(),
                    ..RespondActivityTaskCanceledRequest::default()
                };
                Request::of(&request).spends(Spent::Activity(at))
            }
            Self::CancelUnasked(nth) => Request::of(&RespondActivityTaskCanceledRequest {
                namespace: namespace(),
                task_token: taken(*nth)?.1,
                ..RespondActivityTaskCanceledRequest::default()
            }),
            Self::Heartbeat(nth) => Request::of(&RecordActivityTaskHeartbeatRequest {
                namespace: namespace(),
                task_token: taken(*nth)?.1,
                details: payloads("beat"),
                identity: WORKER.to_owned(),
                ..RecordActivityTaskHeartbeatRequest::default()
            }),
            by_id => by_id.request_by_id(world)?,
        })
    }
}

impl Call {
    /// Names an activity that has not ended in its history. Perhaps no worker has it, or its run is closed.
    fn request_by_id(&self, world: &World) -> Option<Request> {
        let (Self::CompleteById(nth) | Self::FailById(nth) | Self::CancelById(nth) | Self::HeartbeatById(nth)) = self else {
            return None;
        };
        let open = world.open_activities();
        let to_cancel = open.iter().filter(|(_, activity)| activity.is_cancel_requested).cloned().collect();
        let open: Vec<_> = if matches!(self, Self::CancelById(_)) { to_cancel } else { open };
        let (workflow_id, activity) = nth.among(&open).cloned()?;
        let (namespace, activity_id) = (namespace(), activity.activity_id);
        Some(match self {
            Self::CompleteById(_) => Request::of(&RespondActivityTaskCompletedByIdRequest {
                namespace,
                workflow_id,
                activity_id,
                ..RespondActivityTaskCompletedByIdRequest::default()
            }),
            Self::FailById(_) => Request::of(&RespondActivityTaskFailedByIdRequest {
                namespace,
                workflow_id,
                activity_id,
                failure: Some(Failed::Retryable.failure()),
                ..RespondActivityTaskFailedByIdRequest::default()
            }),
            Self::CancelById(_) => Request::of(&RespondActivityTaskCanceledByIdRequest {
                namespace,
                workflow_id,
                activity_id,
                ..RespondActivityTaskCanceledByIdRequest::default()
            }),
            _ => Request::of(&RecordActivityTaskHeartbeatByIdRequest {
                namespace,
                workflow_id,
                activity_id,
                ..RecordActivityTaskHeartbeatByIdRequest::default()
            }),
        })
    }
}

fn poll(patience: Ms, world: &World) -> Request {
    let request = PollActivityTaskQueueRequest {
        namespace: namespace(),
        task_queue: Some(task_queue(QUEUE)),
        identity: WORKER.to_owned(),
        worker_instance_key: format!("instance-{}", world.call_count()),
        ..PollActivityTaskQueueRequest::default()
    };
    Request { patience: Some(patience.span()), ..Request::of(&request) }
}

impl Failed {
    fn any() -> impl Strategy<Value = Self> {
        prop_oneof![
            8 => Just(Self::Retryable),
            1 => Just(Self::ForGood),
            2 => Ms::up_to(3_000).prop_map(Self::RetryAfter),
            1 => Just(Self::WithLastHeartbeat),
            1 => Just(Self::Oddly),
        ]
    }

    fn failure(self) -> Failure {
        let info = match self {
            Self::Retryable | Self::WithLastHeartbeat => ApplicationFailureInfo::default(),
            Self::ForGood => ApplicationFailureInfo { non_retryable: true, ..ApplicationFailureInfo::default() },
            Self::RetryAfter(span) => {
                ApplicationFailureInfo { next_retry_delay: span.proto(), ..ApplicationFailureInfo::default() }
            }
            Self::Oddly => return Failure { message: "odd".to_owned(), ..Failure::default() },
        };
        application_failure("no luck", info)
    }
}
