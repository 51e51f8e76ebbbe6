//! What clients see of a schedule (`handleDescribeQuery`, `getListInfo` and `getFutureActionTimes` in `workflow.go`).

use prost_types::Timestamp;

use super::schedule::Schedule;
use crate::{
    engine::{
        kernel::time::Time,
        rules::schedule::{canonical, check, spec::TooManyExclusions},
    },
    proto::schedule::{ScheduleInfo, ScheduleListInfo},
};

/// In the answer to DescribeSchedule.
const FUTURE_MAX: usize = 10;
/// In the list of schedules.
const LISTED_FUTURE_MAX: usize = 5;
const LISTED_RECENT_MAX: usize = 5;
const LISTED_SPECS_MAX: usize = 10;
/// In the answer to ListScheduleMatchingTimes.
const MATCHING_MAX: usize = 1000;

impl Schedule {
    /// Its info, with what only an answer has.
    pub(super) fn described(&self) -> ScheduleInfo {
        ScheduleInfo {
            future_action_times: self.future(FUTURE_MAX),
            buffer_size: i64::try_from(self.buffer.len()).unwrap_or(i64::MAX),
            ..self.info.clone()
        }
    }

    /// What the list of schedules shows.
    pub(in crate::engine) fn listed(&self) -> ScheduleListInfo {
        let mut spec = self.set.spec.clone().unwrap_or_default();
        spec.timezone_data.clear();
        spec.exclude_structured_calendar.truncate(LISTED_SPECS_MAX);
        spec.interval.truncate(LISTED_SPECS_MAX);
        spec.structured_calendar.truncate(LISTED_SPECS_MAX);
        canonical::complete(&mut spec);
        let recent = &self.info.recent_actions;
        ScheduleListInfo {
            spec: Some(spec),
            workflow_type: check::started(&self.set).and_then(|workflow| workflow.workflow_type.clone()),
            notes: self.state().notes.clone(),
            paused: self.state().paused,
            recent_actions: recent[recent.len().saturating_sub(LISTED_RECENT_MAX)..].to_vec(),
            future_action_times: self.future(LISTED_FUTURE_MAX),
            ..ScheduleListInfo::default()
        }
    }

    /// The next times at which it would act, counted from the last turn.
    fn future(&self, max: usize) -> Vec<Timestamp> {
        let state = self.state();
        let left = if state.limited_actions { usize::try_from(state.remaining_actions).unwrap_or(0) } else { max };
        let updated = self.updated();
        let (mut times, mut after) = (Vec::new(), self.processed);
        while times.len() < max.min(left) {
            let Some(due) = self.spec.next_found(&self.jitter_seed, after) else { break };
            after = due.actual;
            if due.actual >= updated {
                times.push(due.actual.to_proto());
            }
        }
        times
    }

    /// The times after `start` and up to `end` at which its spec matches, with jitter.
    ///
    /// # Errors
    /// So much is excluded that they are not looked for.
    pub(super) fn matching(&self, start: Time, end: Time) -> Result<Vec<Timestamp>, TooManyExclusions> {
        let (mut times, mut after) = (Vec::new(), start);
        while times.len() < MATCHING_MAX {
            match self.spec.next(&self.jitter_seed, after)? {
                Some(due) if due.actual <= end => {
                    times.push(due.actual.to_proto());
                    after = due.actual;
                }
                _ => break,
            }
        }
        Ok(times)
    }
}
