//! The commands of a worker: every kind, with ids from a small range so that they repeat, and sometimes wrong.

use foretime_server::proto::{
    command::{Command, command::Attributes, *},
    common::{ActivityType, Memo, RetryPolicy, SearchAttributes, WorkflowExecution},
    enums::ParentClosePolicy,
    failure::ApplicationFailureInfo,
    history::HistoryEvent,
};
use foretime_tests::{
    commands::{cancel_timer, cancel_workflow, command, complete_workflow, record_marker, request_cancel_activity},
    script::{payload, task_queue, workflow_type},
    worker::application_failure,
};
use proptest::{collection::vec, prelude::*};

use super::{COLOUR, Id, Ms, NAMESPACES, Nth, QUEUE, starts::policy};
use crate::pending;

/// A command that does not close the workflow.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    StartTimer(u8, Ms),
    /// Of an open timer.
    CancelTimer(Nth),
    /// Of a timer that may not exist.
    CancelTimerCarelessly(u8),
    Activity(u8, Vec<ActivityPart>),
    /// Of an open activity.
    CancelActivity(Nth),
    /// Of an event that may not be an activity's.
    CancelActivityCarelessly(u8),
    Child(Id, Vec<ChildPart>),
    Signal(Id, Where),
    Cancel(Id, Where),
    Marker,
    Memo,
    Colour(bool),
    WithoutAttributes,
    /// Not as the last command, which is refused.
    Close(Close),
}

/// A command that closes the workflow.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Close {
    Complete,
    Fail,
    FailForGood,
    Cancel,
    ContinueAsNew(Ms),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum ActivityPart {
    ScheduleToClose(Ms),
    ScheduleToStart(Ms),
    StartToClose(Ms),
    Heartbeat(Ms),
    Attempts(i32),
    Backoff(Ms, u8),
    Eager,
    WithoutTimeouts,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum ChildPart {
    RunTimeout(Ms),
    Closes(ParentClosePolicy),
    Attempts(i32),
    Cron,
    OtherNamespace,
}

/// Where a signal or a cancel request of a workflow is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Where {
    Here,
    OnlyToAChild,
    OtherNamespace,
    Nowhere,
}

impl Ask {
    pub(crate) fn any() -> BoxedStrategy<Self> {
        let careless = prop_oneof![
            (0_u8..60).prop_map(Self::CancelTimerCarelessly),
            (0_u8..60).prop_map(Self::CancelActivityCarelessly),
            Just(Self::Colour(false)),
            Just(Self::WithoutAttributes),
            Just(Self::Close(Close::Complete)),
        ];
        prop_oneof![
            8 => (0_u8..60, Ms::up_to(4_000)).prop_map(|(id, after)| Self::StartTimer(id, after)),
            4 => Nth::any().prop_map(Self::CancelTimer),
            11 => (0_u8..60, vec(ActivityPart::any(), 0..4)).prop_map(|(id, parts)| Self::Activity(id, parts)),
            6 => Nth::any().prop_map(Self::CancelActivity),
            5 => (Id::any(), vec(ChildPart::any(), 0..3)).prop_map(|(id, parts)| Self::Child(id, parts)),
            4 => (Id::any(), Where::any()).prop_map(|(id, to)| Self::Signal(id, to)),
            4 => (Id::any(), Where::any()).prop_map(|(id, to)| Self::Cancel(id, to)),
            2 => Just(Self::Marker),
            1 => Just(Self::Memo),
            1 => Just(Self::Colour(true)),
            1 => careless,
        ]
        .boxed()
    }

    /// The command for a workflow with these events; `None` if it has nothing to refer to.
    pub(crate) fn command(&self, events: &[HistoryEvent]) -> Option<Command> {
        Some(match self {
            Self::StartTimer(id, after) => {
                let timer_id = format!("timer-{id}");
                let attributes = StartTimerCommandAttributes { timer_id, start_to_fire_timeout: after.proto() };
                command(Attributes::StartTimerCommandAttributes(attributes))
            }
            Self::CancelTimer(nth) => cancel_timer(nth.among(&pending::timers(events))?),
            Self::CancelTimerCarelessly(id) => cancel_timer(&format!("timer-{id}")),
            Self::Activity(id, parts) => activity(*id, parts),
            Self::CancelActivity(nth) => request_cancel_activity(nth.among(&pending::activities(events))?.scheduled_event_id),
            Self::CancelActivityCarelessly(event_id) => request_cancel_activity((*event_id).into()),
            Self::Child(id, parts) => child(*id, parts),
            Self::Signal(id, to) => signal(*id, *to),
            Self::Cancel(id, to) => cancel(*id, *to),
            Self::Marker => record_marker("marker"),
            Self::Memo => {
                let upserted_memo = Some(Memo { fields: [("note".to_owned(), payload("new"))].into() });
                let attributes = ModifyWorkflowPropertiesCommandAttributes { upserted_memo };
                command(Attributes::ModifyWorkflowPropertiesCommandAttributes(attributes))
            }
            Self::Colour(is_known) => {
                let name = if *is_known { COLOUR } else { "Unknown" };
                let indexed_fields = [(name.to_owned(), payload("green"))].into();
                let search_attributes = Some(SearchAttributes { indexed_fields });
                let attributes = UpsertWorkflowSearchAttributesCommandAttributes { search_attributes };
                command(Attributes::UpsertWorkflowSearchAttributesCommandAttributes(attributes))
            }
            Self::WithoutAttributes => Command { attributes: None, ..record_marker("marker") },
            Self::Close(close) => close.command(),
        })
    }
}

impl Close {
    pub(crate) fn any() -> impl Strategy<Value = Self> {
        prop_oneof![
            2 => Just(Self::Complete),
            2 => Just(Self::Fail),
            1 => Just(Self::FailForGood),
            2 => Just(Self::Cancel),
            2 => Ms::up_to(3_000).prop_map(Self::ContinueAsNew),
        ]
    }

    pub(crate) fn command(self) -> Command {
        let fail = |non_retryable| {
            let info = ApplicationFailureInfo { non_retryable, ..ApplicationFailureInfo::default() };
            let attributes = FailWorkflowExecutionCommandAttributes { failure: Some(application_failure("no luck", info)) };
            command(Attributes::FailWorkflowExecutionCommandAttributes(attributes))
        };
        match self {
            Self::Complete => complete_workflow("done"),
            Self::Fail => fail(false),
            Self::FailForGood => fail(true),
            Self::Cancel => cancel_workflow(),
            Self::ContinueAsNew(after) => {
                let attributes = ContinueAsNewWorkflowExecutionCommandAttributes {
                    workflow_type: Some(workflow_type("W")),
                    task_queue: Some(task_queue(QUEUE)),
                    backoff_start_interval: after.proto(),
                    ..ContinueAsNewWorkflowExecutionCommandAttributes::default()
                };
                command(Attributes::ContinueAsNewWorkflowExecutionCommandAttributes(attributes))
            }
        }
    }
}

impl ActivityPart {
    fn any() -> impl Strategy<Value = Self> {
        prop_oneof![
            3 => Ms::up_to(12_000).prop_map(Self::ScheduleToClose),
            3 => Ms::up_to(6_000).prop_map(Self::ScheduleToStart),
            3 => Ms::up_to(3_000).prop_map(Self::StartToClose),
            3 => Ms::up_to(2_000).prop_map(Self::Heartbeat),
            4 => (0_i32..6).prop_map(Self::Attempts),
            4 => (Ms::up_to(2_000), 10_u8..30).prop_map(|(first, tenths)| Self::Backoff(first, tenths)),
            3 => Just(Self::Eager),
            1 => Just(Self::WithoutTimeouts),
        ]
    }
}

fn activity(id: u8, parts: &[ActivityPart]) -> Command {
    let mut attributes = ScheduleActivityTaskCommandAttributes {
        activity_id: format!("activity-{id}"),
        activity_type: Some(ActivityType { name: "A".to_owned() }),
        task_queue: Some(task_queue(QUEUE)),
        start_to_close_timeout: Ms(3_000).proto(),
        ..ScheduleActivityTaskCommandAttributes::default()
    };
    for part in parts {
        match *part {
            ActivityPart::ScheduleToClose(span) => attributes.schedule_to_close_timeout = span.proto(),
            ActivityPart::ScheduleToStart(span) => attributes.schedule_to_start_timeout = span.proto(),
            ActivityPart::StartToClose(span) => attributes.start_to_close_timeout = span.proto(),
            ActivityPart::Heartbeat(span) => attributes.heartbeat_timeout = span.proto(),
            ActivityPart::Attempts(count) => attributes.retry_policy = policy(count),
            ActivityPart::Backoff(first, tenths) => {
                attributes.retry_policy = Some(RetryPolicy {
                    initial_interval: first.proto(),
                    backoff_coefficient: f64::from(tenths) / 10.0,
                    ..RetryPolicy::default()
                });
            }
            ActivityPart::Eager => attributes.request_eager_execution = true,
            ActivityPart::WithoutTimeouts => attributes.start_to_close_timeout = None,
        }
    }
    command(Attributes::ScheduleActivityTaskCommandAttributes(attributes))
}

impl ChildPart {
    fn any() -> impl Strategy<Value = Self> {
        let policies = [ParentClosePolicy::Terminate, ParentClosePolicy::Abandon, ParentClosePolicy::RequestCancel];
        prop_oneof![
            3 => Ms::up_to(9_000).prop_map(Self::RunTimeout),
            6 => proptest::sample::select(policies.to_vec()).prop_map(Self::Closes),
            1 => (0_i32..3).prop_map(Self::Attempts),
            1 => Just(Self::Cron),
            1 => Just(Self::OtherNamespace),
        ]
    }
}

#[expect(deprecated, reason = "the field is on the wire all the same")]
fn child(id: Id, parts: &[ChildPart]) -> Command {
    let mut attributes = StartChildWorkflowExecutionCommandAttributes {
        workflow_id: format!("{id:?}"),
        workflow_type: Some(workflow_type("W")),
        task_queue: Some(task_queue(QUEUE)),
        ..StartChildWorkflowExecutionCommandAttributes::default()
    };
    for part in parts {
        match *part {
            ChildPart::RunTimeout(span) => attributes.workflow_run_timeout = span.proto(),
            ChildPart::Closes(policy) => attributes.set_parent_close_policy(policy),
            ChildPart::Attempts(count) => attributes.retry_policy = policy(count),
            ChildPart::Cron => attributes.cron_schedule = "@every 5s".to_owned(),
            ChildPart::OtherNamespace => attributes.namespace = NAMESPACES[1].to_owned(),
        }
    }
    command(Attributes::StartChildWorkflowExecutionCommandAttributes(attributes))
}

impl Where {
    fn any() -> impl Strategy<Value = Self> {
        prop_oneof![
            30 => Just(Self::Here),
            2 => Just(Self::OnlyToAChild),
            1 => Just(Self::OtherNamespace),
            1 => Just(Self::Nowhere),
        ]
    }

    fn namespace(self) -> String {
        match self {
            Self::Here | Self::OnlyToAChild => String::new(),
            Self::OtherNamespace => NAMESPACES[1].to_owned(),
            Self::Nowhere => "nowhere".to_owned(),
        }
    }
}

#[expect(deprecated, reason = "the field is on the wire all the same")]
fn signal(id: Id, to: Where) -> Command {
    let attributes = SignalExternalWorkflowExecutionCommandAttributes {
        namespace: to.namespace(),
        execution: Some(WorkflowExecution { workflow_id: format!("{id:?}"), run_id: String::new() }),
        signal_name: "hello".to_owned(),
        child_workflow_only: matches!(to, Where::OnlyToAChild),
        ..SignalExternalWorkflowExecutionCommandAttributes::default()
    };
    command(Attributes::SignalExternalWorkflowExecutionCommandAttributes(attributes))
}

#[expect(deprecated, reason = "the field is on the wire all the same")]
fn cancel(id: Id, to: Where) -> Command {
    let attributes = RequestCancelExternalWorkflowExecutionCommandAttributes {
        namespace: to.namespace(),
        workflow_id: format!("{id:?}"),
        child_workflow_only: matches!(to, Where::OnlyToAChild),
        ..RequestCancelExternalWorkflowExecutionCommandAttributes::default()
    };
    command(Attributes::RequestCancelExternalWorkflowExecutionCommandAttributes(attributes))
}
