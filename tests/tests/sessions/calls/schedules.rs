//! Schedules. Each acts a few times at most, so that time comes to rest.

use std::time::Duration;

use foretime_server::proto::{
    enums::ScheduleOverlapPolicy,
    schedule::{
        BackfillRequest, IntervalSpec, Schedule, SchedulePatch, SchedulePolicies, ScheduleSpec, ScheduleState,
        TriggerImmediatelyRequest,
    },
    workflow::NewWorkflowExecutionInfo,
    workflowservice::*,
};
use foretime_tests::{
    schedules::action,
    script::{task_queue, workflow_type},
};
use proptest::prelude::*;

use super::{Family, Id, Ms, QUEUE, Request, namespace};
use crate::world::{START, World};

#[derive(Clone, Debug)]
pub(crate) enum Call {
    Create(u8, Plan, Option<Patch>),
    Update(u8, Plan, u8),
    Patch(u8, Patch),
    Describe(u8),
    MatchingTimes(u8),
    Delete(u8),
    List(Query),
    Count(Query),
}

/// A query for schedules.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Query {
    All,
    Paused(bool),
    Unreadable,
}

impl Query {
    fn any() -> BoxedStrategy<Self> {
        prop_oneof![2 => Just(Self::All), 2 => any::<bool>().prop_map(Self::Paused), 1 => Just(Self::Unreadable)].boxed()
    }

    fn text(self) -> String {
        match self {
            Self::All => String::new(),
            Self::Paused(is_paused) => format!("TemporalSchedulePaused = {is_paused}"),
            Self::Unreadable => "TemporalSchedulePaused =".to_owned(),
        }
    }
}

/// What a schedule does.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    id: Id,
    interval: Ms,
    actions: i64,
    policy: ScheduleOverlapPolicy,
    pause_on_failure: bool,
    run_timeout: Ms,
}

#[derive(Clone, Debug)]
pub(crate) enum Patch {
    Trigger(ScheduleOverlapPolicy),
    Backfill(ScheduleOverlapPolicy, Ms),
    Pause,
    Unpause,
}

fn any_policy() -> BoxedStrategy<ScheduleOverlapPolicy> {
    use ScheduleOverlapPolicy as P;
    let all = [P::Unspecified, P::Skip, P::BufferOne, P::BufferAll, P::CancelOther, P::TerminateOther, P::AllowAll];
    proptest::sample::select(all.to_vec()).boxed()
}

fn any_patch() -> BoxedStrategy<Patch> {
    prop_oneof![
        4 => any_policy().prop_map(Patch::Trigger),
        3 => (any_policy(), Ms::up_to(20_000)).prop_map(|(policy, span)| Patch::Backfill(policy, span)),
        1 => Just(Patch::Pause),
        2 => Just(Patch::Unpause),
    ]
    .boxed()
}

fn any_plan() -> BoxedStrategy<Plan> {
    let parts = (Id::of_a_start(), Ms::up_to(9_000), 0_i64..4, any_policy(), any::<bool>(), Ms::up_to(9_000));
    parts
        .prop_map(|(id, interval, actions, policy, pause_on_failure, run_timeout)| Plan {
            id,
            interval,
            actions,
            policy,
            pause_on_failure,
            run_timeout,
        })
        .boxed()
}

impl Family for Call {
    fn any() -> BoxedStrategy<Self> {
        let name = || 0_u8..3;
        prop_oneof![
            4 => (name(), any_plan(), proptest::option::of(any_patch())).prop_map(|(name, plan, patch)| Self::Create(name, plan, patch)),
            2 => (name(), any_plan(), 0_u8..4).prop_map(|(name, plan, token)| Self::Update(name, plan, token)),
            5 => (name(), any_patch()).prop_map(|(name, patch)| Self::Patch(name, patch)),
            3 => name().prop_map(Self::Describe),
            1 => name().prop_map(Self::MatchingTimes),
            1 => name().prop_map(Self::Delete),
            1 => Query::any().prop_map(Self::List),
            1 => Query::any().prop_map(Self::Count),
        ]
        .boxed()
    }

    fn request(&self, _world: &World) -> Option<Request> {
        let id = |name: &u8| format!("schedule-{name}");
        Some(match self {
            Self::Create(name, plan, patch) => Request::of(&CreateScheduleRequest {
                namespace: namespace(),
                schedule_id: id(name),
                schedule: Some(plan.schedule()),
                initial_patch: patch.as_ref().map(Patch::proto),
                request_id: format!("{plan:?}"),
                ..CreateScheduleRequest::default()
            }),
            Self::Update(name, plan, token) => Request::of(&UpdateScheduleRequest {
                namespace: namespace(),
                schedule_id: id(name),
                schedule: Some(plan.schedule()),
                conflict_token: i64::from(*token).to_be_bytes().to_vec(),
                ..UpdateScheduleRequest::default()
            }),
            Self::Patch(name, patch) => Request::of(&PatchScheduleRequest {
                namespace: namespace(),
                schedule_id: id(name),
                patch: Some(patch.proto()),
                ..PatchScheduleRequest::default()
            }),
            Self::Describe(name) => Request::of(&DescribeScheduleRequest { namespace: namespace(), schedule_id: id(name) }),
            Self::MatchingTimes(name) => Request::of(&ListScheduleMatchingTimesRequest {
                namespace: namespace(),
                schedule_id: id(name),
                start_time: Some(START.to_proto()),
                end_time: Some((START + Ms(60_000).span()).to_proto()),
            }),
            Self::Delete(name) => Request::of(&DeleteScheduleRequest {
                namespace: namespace(),
                schedule_id: id(name),
                ..DeleteScheduleRequest::default()
            }),
            Self::List(query) => Request::of(&ListSchedulesRequest {
                namespace: namespace(),
                maximum_page_size: 2,
                query: query.text(),
                ..ListSchedulesRequest::default()
            }),
            Self::Count(query) => Request::of(&CountSchedulesRequest { namespace: namespace(), query: query.text() }),
        })
    }
}

impl Plan {
    fn schedule(&self) -> Schedule {
        let workflow = NewWorkflowExecutionInfo {
            workflow_id: format!("{:?}", self.id),
            workflow_type: Some(workflow_type("W")),
            task_queue: Some(task_queue(QUEUE)),
            workflow_run_timeout: self.run_timeout.proto(),
            workflow_task_timeout: Ms(4_000).proto(),
            ..NewWorkflowExecutionInfo::default()
        };
        Schedule {
            spec: Some(ScheduleSpec {
                interval: vec![IntervalSpec { interval: self.interval.proto(), phase: None }],
                jitter: Ms(700).proto(),
                // Time that skips to whatever is next would never come to rest beside one that skips all its actions.
                end_time: Some((START + Duration::from_secs(60 * 60)).to_proto()),
                ..ScheduleSpec::default()
            }),
            action: action(workflow),
            policies: Some(SchedulePolicies {
                overlap_policy: self.policy.into(),
                pause_on_failure: self.pause_on_failure,
                ..SchedulePolicies::default()
            }),
            state: Some(ScheduleState { limited_actions: true, remaining_actions: self.actions, ..ScheduleState::default() }),
        }
    }
}

impl Patch {
    fn proto(&self) -> SchedulePatch {
        let mut patch = SchedulePatch::default();
        match self {
            Self::Trigger(policy) => {
                let overlap_policy = (*policy).into();
                patch.trigger_immediately = Some(TriggerImmediatelyRequest { overlap_policy, scheduled_time: None });
            }
            Self::Backfill(policy, span) => patch.backfill_request.push(BackfillRequest {
                start_time: Some(START.to_proto()),
                end_time: Some((START + span.span()).to_proto()),
                overlap_policy: (*policy).into(),
            }),
            Self::Pause => patch.pause = "paused".to_owned(),
            Self::Unpause => patch.unpause = "unpaused".to_owned(),
        }
        patch
    }
}
