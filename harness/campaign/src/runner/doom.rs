//! When was a failing run doomed? Its draws stay as they are up to a moment, and what follows is drawn anew, many times. The
//! share of runs that then fail in the same way, over the moments of the run, jumps at the cause.

use std::time::Duration;

use super::{budget::Budget, job::Job, search::is_same};
use crate::{
    choices::Redraw,
    finding::FindingKind,
    model::{Doom, DoomPoint},
    result::{Detail, Order, RunFailure, RunResult},
    words::after,
};

/// The most steps to spend on it: a few seconds of a quiet machine.
const STEPS_MAX: u64 = 300_000;
/// The longest time to spend on it.
const TIME_MAX: Duration = Duration::from_secs(20);
/// A run with more steps is not tried.
const STEPS_OF_RUN_MAX: u64 = 5_000;
/// At how many moments, evenly over the run, it is looked at besides those around the jump.
const MOMENTS: usize = 12;
/// How many runs there are for each moment.
const RUNS: u32 = 16;
/// The share by which it must grow from one moment to the next to be told.
const JUMP_MIN: f64 = 0.5;

/// A moment of the run: how many draws there were until then.
#[derive(Clone, Copy)]
struct Moment {
    draws: u64,
    at_ns: u64,
}

/// What is known of some moments, in order.
struct Look<'a> {
    job: &'a mut Job,
    failure: &'a RunFailure,
    detail: &'a Detail,
    moments: Vec<Moment>,
    /// The number of the moment, and how many of its runs fail.
    seen: Vec<(usize, u32)>,
    budget: Budget,
}

/// When this run, which is recorded in full, was doomed. `None` if it did not fail, or takes too long to tell.
///
/// # Errors
/// A run of it could not be run.
pub(super) fn of(job: &mut Job, result: &RunResult) -> Result<Option<Doom>, String> {
    let (Some(failure), Some(detail)) = (result.failures.first(), &result.detail) else { return Ok(None) };
    let moments = detail.draws_at.iter().map(|(draws, at_ns)| Moment { draws: *draws, at_ns: *at_ns });
    // With all draws as they were, the run is the same.
    let end = Moment { draws: u64::MAX, at_ns: result.virtual_ns };
    let moments: Vec<Moment> = moments.chain([end]).collect();
    // Each run in which a thread keeps its turn would take the whole patience.
    let is_slow = result.steps > STEPS_OF_RUN_MAX || failure.kind == FindingKind::TurnKept;
    if is_slow || moments.len() < 2 {
        return Ok(None);
    }
    let last = moments.len() - 1;
    let mut look = Look { job, failure, detail, moments, seen: vec![(last, RUNS)], budget: Budget::new(STEPS_MAX, TIME_MAX) };
    look.at(0)?;
    if !look.jumps() {
        return Ok(look.doom());
    }
    while let Some(between) = look.middle_of_jump() {
        if !look.at(between)? {
            break;
        }
    }
    for part in 1..MOMENTS {
        look.at(last * part / MOMENTS)?;
    }
    Ok(look.doom())
}

impl Look<'_> {
    /// Looks at a moment, unless nothing is left of the budget. Returns whether it did.
    fn at(&mut self, number: usize) -> Result<bool, String> {
        let Err(place) = self.seen.binary_search_by_key(&number, |(number, _)| *number) else { return Ok(true) };
        let mut failing = 0;
        for source in 1..=RUNS {
            if self.budget.is_over() {
                return Ok(false);
            }
            let redraw = Redraw { after: self.moments[number].draws, source: u64::from(source), keeps_inputs: false };
            let tape = Some(self.detail.tape.clone());
            let order = Order { tape, redraw: Some(redraw), ..Order::of(self.detail.tape.seed) };
            let result = self.job.run(&order).map_err(|error| error.to_string())?;
            self.budget.spend(&result);
            failing += u32::from(result.failures.first().is_some_and(|failure| is_same(failure, self.failure)));
        }
        self.seen.insert(place, (number, failing));
        Ok(true)
    }

    /// The moments between which the share grows most.
    fn jump(&self) -> Option<[(usize, u32); 2]> {
        let pairs = self.seen.array_windows::<2>();
        pairs.copied().max_by_key(|[(_, before), (_, then)]| i64::from(*then) - i64::from(*before))
    }

    /// Whether the share grows by enough to be told.
    fn jumps(&self) -> bool {
        self.jump().is_some_and(|[(_, few), (_, many)]| f64::from(many.saturating_sub(few)) >= JUMP_MIN * f64::from(RUNS))
    }

    /// The moment in the middle of the jump, if there is one.
    fn middle_of_jump(&self) -> Option<usize> {
        let [(before, _), (then, _)] = self.jump()?;
        (then - before > 1).then_some(usize::midpoint(before, then))
    }

    fn doom(&self) -> Option<Doom> {
        let at_ns = |number: usize| self.moments[number].at_ns;
        let points: Vec<DoomPoint> = self
            .seen
            .iter()
            .map(|(number, failing)| DoomPoint { at_ns: at_ns(*number), failing: *failing, runs: RUNS })
            .collect();
        let [(before, few), (then, many)] = self.jump()?;
        let told = self.jumps().then(|| {
            // As the story gives its times. The two may be the same in words.
            let [before, then] = [before, then].map(|number| after(at_ns(number)));
            let then = if then == before { "a moment later".to_owned() } else { then };
            format!(
                "Of runs that go on by chance {before}, {few} of {RUNS} fail so; of those that do {then}, {many} of {RUNS}. What doomed \
                 this one lies between."
            )
        });
        Some(Doom { points, told })
    }
}
