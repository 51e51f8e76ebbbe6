//! What starts now, and what waits, while something runs (`buffer.go`).

use crate::{engine::kernel::time::Time, proto::enums::ScheduleOverlapPolicy};

/// An action that is due, and has not been started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    /// As the spec says; it is a part of the workflow id.
    pub(crate) nominal: Time,
    /// With jitter.
    pub(crate) actual: Time,
    /// As the request said; UNSPECIFIED is the schedule's, whatever that is by then.
    pub(crate) overlap_policy: i32,
    /// A client asked for it.
    pub(crate) is_manual: bool,
}

/// What is done with the actions that are due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Decision {
    /// Started now, whatever runs.
    pub(crate) overlapping: Vec<Start>,
    /// Started now, since nothing runs.
    pub(crate) alone: Option<Start>,
    /// Kept for later.
    pub(crate) kept: Vec<Start>,
    /// What runs is to be cancelled.
    pub(crate) cancels: bool,
    /// What runs is to be terminated.
    pub(crate) terminates: bool,
    pub(crate) skipped_count: i64,
}

/// Decides about the actions that are due. `is_running`: an action that may not overlap is still running. `resolve`: what a policy means, by
/// now.
pub(crate) fn decide(due: &[Start], is_running: bool, resolve: impl Fn(i32) -> i32) -> Decision {
    use ScheduleOverlapPolicy as Policy;
    let mut decision = Decision::default();
    for &start in due {
        let policy = Policy::try_from(resolve(start.overlap_policy)).unwrap_or_default();
        if policy == Policy::AllowAll {
            decision.overlapping.push(start);
            continue;
        }
        if !is_running && decision.alone.is_none() {
            decision.alone = Some(start);
            continue;
        }
        match policy {
            Policy::Skip => decision.skipped_count += 1,
            Policy::BufferOne if !decision.kept.is_empty() => decision.skipped_count += 1,
            Policy::BufferOne | Policy::BufferAll => decision.kept.push(start),
            // What was to start alone, and does not run yet, is replaced.
            Policy::CancelOther | Policy::TerminateOther if !is_running => decision.alone = Some(start),
            Policy::CancelOther => {
                decision.cancels = true;
                decision.kept.push(start);
            }
            Policy::TerminateOther => {
                decision.terminates = true;
                decision.kept.push(start);
            }
            Policy::AllowAll | Policy::Unspecified => {}
        }
    }
    if decision.cancels || decision.terminates {
        // They would be cancelled or terminated at once.
        decision.overlapping.clear();
    }
    decision
}
