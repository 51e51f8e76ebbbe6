//! What falls due on a run, and what happens then (`timer_queue_active_task_executor.go`).

use super::{Cx, Run, activity::ActivityDue};
use crate::{
    engine::{Ticket, runs::RunKey},
    proto::enums::TimeoutType,
};

/// An entry of the virtual clock's queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Run(RunKey, RunDue),
    /// A caller of TestService sleeps until now.
    Sleep(Ticket),
}

/// What falls due on a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunDue {
    /// The backoff before the first workflow task is over.
    FirstWorkflowTask,
    StickyScheduleToStart,
    WorkflowTaskStartToClose,
    /// The timer that was started by this event.
    UserTimer(i64),
    /// The activity that was scheduled by this event.
    Activity(i64, ActivityDue),
    RunTimeout,
    ExecutionTimeout,
}

impl Run {
    /// Something falls due at `cx.now`. It was still wanted a moment ago: what can no longer matter is cancelled.
    pub(crate) fn fall_due(&mut self, cx: &mut Cx<'_>, what: RunDue) {
        match what {
            RunDue::FirstWorkflowTask => {
                self.tasks.first_backoff = None;
                self.schedule_workflow_task(cx);
            }
            RunDue::StickyScheduleToStart => {
                self.time_out_workflow_task(cx, TimeoutType::ScheduleToStart);
                self.schedule_workflow_task(cx);
            }
            RunDue::WorkflowTaskStartToClose => {
                self.time_out_workflow_task(cx, TimeoutType::StartToClose);
                self.schedule_workflow_task(cx);
            }
            RunDue::UserTimer(started_event_id) => self.fire_timer(cx, started_event_id),
            RunDue::Activity(scheduled_event_id, what) => self.activity_falls_due(cx, scheduled_event_id, what),
            RunDue::RunTimeout => {
                self.run_timer = None;
                self.time_out(cx, true);
            }
            RunDue::ExecutionTimeout => {
                self.execution_timer = None;
                self.time_out(cx, false);
            }
        }
    }
}
