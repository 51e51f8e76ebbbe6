//! Where a run can be reset to.

use crate::{
    engine::{
        kernel::{
            error::{Error, Result},
            time::Time,
        },
        workflow::run::Run,
    },
    proto::{common::ResetOptions, common::reset_options, enums::EventType, workflow::ResetPointInfo},
};

/// A run and the event that it is reset to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct ResetPoint {
    pub(in crate::engine) run_id: String,
    pub(in crate::engine) workflow_task_finish_event_id: i64,
}

impl Run {
    /// Whether the id is that of an event that a reset may name.
    ///
    /// # Errors
    /// It is not.
    pub(in crate::engine) fn check_finish_event_id(&self, id: i64) -> Result<()> {
        if id <= 1 || id >= self.history().next_id() {
            return Err(Error::invalid("Workflow task finish ID must be > 1 && <= workflow last event ID."));
        }
        Ok(())
    }

    /// Where the options of a batch operation want this run to be reset to (`getResetEventIDByOptions` in
    /// `service/worker/batcher/activities.go`). A point of a build may be in an earlier run of the chain, unless they are for the
    /// current run only: that is the one that the operation names, and if it names none, no point is good.
    ///
    /// # Errors
    /// There is no such point. The texts are those that the batcher logs.
    pub(in crate::engine) fn reset_point(&self, options: &ResetOptions, named_run_id: &str, now: Time) -> Result<ResetPoint> {
        use reset_options::Target;
        let here = |event_id| ResetPoint { run_id: self.run_id().to_owned(), workflow_task_finish_event_id: event_id };
        let none = || Error::FailedPrecondition("unable to find any scheduled or completed task".to_owned());
        match &options.target {
            Some(Target::FirstWorkflowTask(())) => self.first_workflow_task().map(here).ok_or_else(none),
            Some(Target::LastWorkflowTask(())) => self.last_workflow_task().map(here).ok_or_else(none),
            Some(Target::WorkflowTaskId(event_id)) => Ok(here(*event_id)),
            Some(Target::BuildId(build_id)) => {
                self.reset_point_of_build(build_id, options.current_run_only.then_some(named_run_id), now)
            }
            None => Err(Error::invalid("provided reset target (<nil>) is not supported.")),
        }
    }

    /// The end of the first completed workflow task, or else the event behind the first scheduled one.
    fn first_workflow_task(&self) -> Option<i64> {
        self.workflow_task_among(1..self.history().next_id(), Option::or)
    }

    /// The end of the last completed workflow task. If there is none, the event behind the first scheduled one, as the real
    /// server has it.
    fn last_workflow_task(&self) -> Option<i64> {
        self.workflow_task_among((1..self.history().next_id()).rev(), |_, later| later)
    }

    /// The first completed workflow task in this order; if there is none, what `choose` makes of the scheduled ones.
    fn workflow_task_among(
        &self,
        ids: impl Iterator<Item = i64>,
        choose: impl Fn(Option<i64>, Option<i64>) -> Option<i64>,
    ) -> Option<i64> {
        let mut scheduled = None;
        for id in ids {
            match self.history().get(id).map(|event| event.event_type()) {
                Some(EventType::WorkflowTaskCompleted) => return Some(id),
                Some(EventType::WorkflowTaskScheduled) => scheduled = choose(scheduled, Some(id + 1)),
                _ => {}
            }
        }
        scheduled
    }

    fn reset_point_of_build(&self, build_id: &str, only_in: Option<&str>, now: Time) -> Result<ResetPoint> {
        let refused = |text: String| Err(Error::FailedPrecondition(text));
        let is_it = |point: &&ResetPointInfo| point.build_id == build_id;
        let Some(point) = self.recorded.reset_points.iter().find(is_it) else {
            return refused(format!("Can't find reset point for {build_id}"));
        };
        if !point.resettable {
            return refused(format!("Reset point for {build_id} is not resettable"));
        }
        if point.expire_time.as_ref().is_some_and(|at| Time::from_proto(at) < now) {
            return refused(format!("Reset point for {build_id} is expired"));
        }
        if only_in.is_some_and(|run_id| point.run_id != run_id) {
            return refused(format!("Reset point for {build_id} points to previous run and CurrentRunOnly is set"));
        }
        Ok(ResetPoint { run_id: point.run_id.clone(), workflow_task_finish_event_id: point.first_workflow_task_completed_id })
    }
}
