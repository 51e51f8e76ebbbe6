//! What falls due on a run, and what happens then (`timer_queue_active_task_executor.go`).

use super::{run::Run, volatile::Stage};
use crate::{
    engine::{execution::Cx, kernel::due::RunDue},
    proto::enums::TimeoutType,
};

impl Run {
    /// All that falls due on this run at `cx.now`, in order; then one workflow task for it, if any is wanted.
    pub(super) fn all_fall_due(&mut self, cx: &mut Cx<'_>, all: &[RunDue]) {
        self.end_if_too_large(cx, all);
        self.volatile.stage = Stage::FallingDue { wants_task: false };
        for &what in all {
            if self.is_running() {
                self.falls_due(cx, what);
            }
        }
        let stage = std::mem::replace(&mut self.volatile.stage, Stage::Usual);
        if stage == (Stage::FallingDue { wants_task: true }) {
            self.schedule_workflow_task(cx);
        }
    }

    /// What can no longer matter is cancelled; but an earlier one of the same instant may have overtaken this one.
    fn falls_due(&mut self, cx: &mut Cx<'_>, what: RunDue) {
        match what {
            RunDue::FirstWorkflowTask => {
                self.volatile.first_backoff = None;
                self.schedule_workflow_task(cx);
            }
            RunDue::WorkflowTaskScheduleToStart => {
                if self.started_task().is_none() {
                    self.time_out_workflow_task(cx, TimeoutType::ScheduleToStart);
                    self.schedule_workflow_task(cx);
                }
            }
            RunDue::WorkflowTaskStartToClose => {
                if self.started_task().is_some() {
                    self.time_out_workflow_task(cx, TimeoutType::StartToClose);
                    self.schedule_workflow_task(cx);
                }
            }
            RunDue::UserTimer(started_event_id) => self.fire_timer(cx, started_event_id),
            RunDue::Activity(scheduled_event_id, what) => self.activity_falls_due(cx, scheduled_event_id, what),
            RunDue::RunTimeout => {
                self.volatile.run_timer = None;
                self.time_out(cx, true);
            }
            RunDue::ExecutionTimeout => {
                self.volatile.execution_timer = None;
                self.time_out(cx, false);
            }
        }
    }
}
