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

/// Decides about the actions that are due. `is_running`: an action that may not overlap is still running. `resolve`: what a
/// policy means, by now.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Actions at 1, 2, 3 with these policies: which start overlapping, which alone, which are kept; how many are skipped.
    fn decided(policies: [ScheduleOverlapPolicy; 3], is_running: bool) -> String {
        let start = |(at, policy): (i64, ScheduleOverlapPolicy)| {
            let at = Time::from_nanos(at);
            Start { nominal: at, actual: at, overlap_policy: policy.into(), is_manual: false }
        };
        let due: Vec<Start> = (1..).zip(policies).map(start).collect();
        let decision = decide(&due, is_running, |policy| if policy == 0 { ScheduleOverlapPolicy::Skip.into() } else { policy });
        let times = |starts: &[Start]| starts.iter().map(|start| start.actual.as_nanos()).collect::<Vec<_>>();
        let (overlapping, alone, kept) = (&decision.overlapping, decision.alone.as_slice(), &decision.kept);
        let stops = [(decision.cancels, " cancels"), (decision.terminates, " terminates")];
        let stops: String = stops.into_iter().filter(|(does, _)| *does).map(|(_, word)| word).collect();
        let (overlapping, alone, kept) = (times(overlapping), times(alone), times(kept));
        format!("{overlapping:?} {alone:?} {kept:?} {}{stops}", decision.skipped_count)
    }

    #[test]
    fn the_policy_decides() {
        use ScheduleOverlapPolicy as P;
        let cases = [
            ([P::Skip; 3], "[] [1] [] 2", "[] [] [] 3"),
            ([P::Unspecified; 3], "[] [1] [] 2", "[] [] [] 3"),
            ([P::BufferOne; 3], "[] [1] [2] 1", "[] [] [1] 2"),
            ([P::BufferAll; 3], "[] [1] [2, 3] 0", "[] [] [1, 2, 3] 0"),
            ([P::CancelOther; 3], "[] [3] [] 0", "[] [] [1, 2, 3] 0 cancels"),
            ([P::TerminateOther; 3], "[] [3] [] 0", "[] [] [1, 2, 3] 0 terminates"),
            ([P::AllowAll; 3], "[1, 2, 3] [] [] 0", "[1, 2, 3] [] [] 0"),
            ([P::AllowAll, P::Skip, P::AllowAll], "[1, 3] [2] [] 0", "[1, 3] [] [] 1"),
            ([P::AllowAll, P::CancelOther, P::TerminateOther], "[1] [3] [] 0", "[] [] [2, 3] 0 cancels terminates"),
            ([P::BufferAll, P::BufferOne, P::Skip], "[] [1] [2] 1", "[] [] [1] 2"),
        ];
        for (policies, idle, running) in cases {
            assert_eq!((decided(policies, false).as_str(), decided(policies, true).as_str()), (idle, running), "{policies:?}");
        }
    }
}
