//! The search for the least that makes a seed fail in the same way: the fewest faults ([`faults`]) and the simplest inputs
//! ([`inputs`]), in turns, each also in other orders of events. Fewer faults allow for simpler inputs, and the other way round.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use super::{budget::Budget, job::Job, summary::Failed};
use crate::{
    case::Case,
    choices::{Only, Path, Strike},
    result::{Order, RunFailure, RunResult},
    time::Start,
};

mod faults;
mod inputs;
#[cfg(test)]
mod tests;

/// The most steps to spend on the search: about half a minute of a quiet machine.
const STEPS_MAX: u64 = 2_000_000;
/// The longest time to spend on it.
const TIME_MAX: Duration = Duration::from_secs(120);
/// A run that takes longer is tried in one order of events only.
const QUICK_MAX: Duration = Duration::from_millis(500);
/// In how many other orders of events a seed is tried with one fault fewer.
const OTHER_ORDERS: u64 = 5;
/// How many turns are taken at most.
const TURNS_MAX: usize = 5;

/// The least that makes a seed fail.
pub(super) struct Least {
    /// The faults that are left, and the inputs.
    pub(super) only: Only,
    /// Whether none of the faults can be left out.
    pub(super) is_least: bool,
    /// Whether there was time to make each input as simple as it can be.
    pub(super) is_simplest: bool,
    /// How the run fails without one of them, if it then fails in another way.
    pub(super) otherwise: Option<String>,
    /// Whether it fails in another way without any fault. That is reported first, since it is simpler.
    pub(super) takes_none: bool,
    /// When it begins, if the search has fixed that.
    pub(super) starts_at: Option<i64>,
    /// Whether it passes if it begins on the plain date.
    pub(super) passes_on_plain_date: bool,
    /// How many runs it took to find.
    pub(super) runs: u64,
}

impl Least {
    /// Nothing was tried.
    pub(super) fn unknown(only: Only) -> Self {
        Self { is_least: false, ..Self::of(only, None) }
    }

    /// None of these can be left out.
    fn of(only: Only, otherwise: Option<String>) -> Self {
        let (starts_at, passes_on_plain_date) = (None, false);
        Self { only, is_least: true, is_simplest: true, otherwise, takes_none: false, starts_at, passes_on_plain_date, runs: 0 }
    }
}

/// Searches for the least that makes a run fail in this way. `from`: that run.
///
/// # Errors
/// The seed could not be run.
pub(super) fn least(case: &Case, failed: &Failed, from: &Order) -> Result<Least, String> {
    let mut job = Job::start(case, 0).map_err(|error| error.to_string())?;
    let simulate = move |order: &Order| job.run(order).map_err(|error| error.to_string());
    let mut search = Search::new(simulate, failed.failure.clone(), from);
    let is_dated = case.starts_at.is_none() && from.starts_at.is_none() && from.tape.is_none();
    if is_dated {
        search.begin_plainly(&from.only)?;
    }
    let mut least = search.fewest_faults(&from.only)?;
    for _ in 0..TURNS_MAX {
        if !search.simplify(&least.only)? || least.only.has_no_strikes() || search.is_over() {
            break;
        }
        let before = least.only.clone();
        least = search.fewer_faults(least)?;
        if least.only == before {
            break;
        }
    }
    if is_dated {
        least.passes_on_plain_date = search.begin_plainly(&least.only)?;
    }
    least.is_simplest = search.inputs.is_empty() || !search.is_over();
    least.starts_at = search.base.starts_at;
    least.runs = search.runs;
    // A regression may have inputs that the code no longer asks for.
    let drawn: BTreeSet<String> = search.run(&least.only)?.inputs.into_iter().map(|input| input.at).collect();
    let is_of_use = |(at, path): &(String, Path)| drawn.contains(at) && !path.steps().is_empty();
    least.only.inputs = search.inputs.into_iter().filter(is_of_use).collect();
    Ok(least)
}

/// The strikes that are left.
enum Left {
    /// None of these can be left out.
    Least(Only),
    /// It fails with these too. It may also fail with fewer.
    Unknown(Only),
}

/// Runs what is ordered; the error says why that cannot be.
type Simulate = dyn FnMut(&Order) -> Result<RunResult, String>;

/// What a search knows.
struct Search {
    simulate: Box<Simulate>,
    /// What all its runs have in common: the seed, or a tape.
    base: Order,
    /// What it fails with.
    failure: RunFailure,
    budget: Budget,
    /// How many runs there were.
    runs: u64,
    /// How many other orders of events are tried.
    other_orders: u64,
    /// How the run last failed in another way with fewer strikes, and with which strikes.
    otherwise: Option<(RunFailure, Only)>,
    /// The paths of inputs so far. Every run has them.
    inputs: BTreeMap<String, Path>,
}

impl Search {
    /// Nothing is tried yet. `failure`: how `from` fails.
    fn new(simulate: impl FnMut(&Order) -> Result<RunResult, String> + 'static, failure: RunFailure, from: &Order) -> Self {
        Self {
            simulate: Box::new(simulate),
            base: from.clone(),
            failure,
            budget: Budget::new(STEPS_MAX, TIME_MAX),
            runs: 0,
            other_orders: OTHER_ORDERS,
            otherwise: None,
            inputs: from.only.inputs.clone(),
        }
    }

    fn title_otherwise(&self) -> Option<String> {
        self.otherwise.as_ref().map(|(failure, _)| failure.title.clone())
    }

    fn is_over(&self) -> bool {
        self.budget.is_over()
    }

    /// Whether all runs so far were quick.
    fn is_quick(&self) -> bool {
        self.other_orders > 0
    }

    /// Whether it fails in the same way with these strikes, in this very order of events.
    fn fails(&mut self, only: &Only) -> Result<bool, String> {
        let result = self.run(only)?;
        let is_failure = self.is_failure(&result);
        if let Some(failure) = result.failures.into_iter().next().filter(|_| !is_failure) {
            self.otherwise.get_or_insert_with(|| (failure, only.clone()));
        }
        Ok(is_failure)
    }

    /// Whether a run failed in the same way.
    fn is_failure(&self, result: &RunResult) -> bool {
        result.failures.first().is_some_and(|failure| is_same(failure, &self.failure))
    }

    /// Runs the seed with these strikes, and the inputs so far.
    fn run(&mut self, only: &Only) -> Result<RunResult, String> {
        let only = Only { inputs: self.inputs.clone(), ..only.clone() };
        let order = Order { only, ..self.base.clone() };
        let begun = Instant::now();
        let result = (self.simulate)(&order)?;
        self.budget.spend(&result);
        self.runs += 1;
        if begun.elapsed() > QUICK_MAX {
            self.other_orders = 0;
        }
        Ok(result)
    }

    /// The strikes with which the seed still fails in the same way, in this order of events or another, if it does.
    fn fails_with(&mut self, only: &Only) -> Result<Option<Only>, String> {
        for order in std::iter::once(only.order).chain(1..=self.other_orders) {
            let only = only.in_order(order);
            if self.fails(&only)? {
                return Ok(Some(only));
            }
            if self.is_over() {
                break;
            }
        }
        Ok(None)
    }

    /// Lets the run begin on the plain date, if it then fails in the same way. Returns whether it passes instead.
    fn begin_plainly(&mut self, only: &Only) -> Result<bool, String> {
        let is_plain = self.run(only)?.starts_at == Start::PLAIN.unix_s();
        if is_plain {
            return Ok(false);
        }
        let drawn = self.base.starts_at.replace(Start::PLAIN.unix_s());
        let result = self.run(only)?;
        if !self.is_failure(&result) {
            self.base.starts_at = drawn;
        }
        Ok(result.failures.is_empty())
    }

    /// Leaves out every strike that can be left out, with the inputs as they are.
    fn fewest_faults(&mut self, from: &Only) -> Result<Least, String> {
        if let Some(none) = self.fails_with(&Only::none())? {
            return Ok(Least::of(none, None));
        }
        if let Some((failure, only)) = self.otherwise.take() {
            self.failure = failure;
            return Ok(Least { takes_none: true, ..Least::of(only, None) });
        }
        let names = from.strikes.clone().unwrap_or_default();
        let from = self.leave_kinds_out(from.clone(), |strike| name_among(&names, strike))?;
        let names = from.strikes.clone().unwrap_or_default();
        let only = match self.leave_out(from, |strike| name_among(&names, strike))? {
            Left::Least(only) => only,
            Left::Unknown(only) => {
                // It does not fail without any fault.
                let is_least = only.strikes.as_ref().is_some_and(|strikes| strikes.len() == 1);
                return Ok(Least { is_least, ..Least::of(only, None) });
            }
        };
        let without_one = self.title_otherwise();
        let strikes = self.run(&only)?.strikes;
        if strikes.len() < 2 {
            return Ok(Least::of(self.placed(only, &strikes)?, None));
        }
        let alone = match self.one_alone(&strikes)? {
            None => self.kin_alone(&strikes)?,
            alone => alone,
        };
        if let Some(only) = alone {
            return Ok(Least::of(only, None));
        }
        if let Some(only) = self.first_in_one_place(&strikes)? {
            return Ok(Least::of(only, self.title_otherwise()));
        }
        // Strikes named by place allow leaving out more: what comes before no longer counts. The first strikes in each place are
        // best.
        for placed in [faults::first_in_their_places(&strikes), Only::these(strikes.iter().map(|strike| strike.at.clone()))] {
            if let Some(placed) = self.fails_with(&placed)? {
                if let Left::Least(fewer) = self.leave_out(placed, |strike| strike.at.clone())? {
                    return Ok(Least::of(fewer, self.title_otherwise()));
                }
                break;
            }
        }
        Ok(Least::of(only, without_one))
    }

    /// The same strikes, named by their places, if it then still fails. Such names outlive changes of the code.
    fn placed(&mut self, only: Only, strikes: &[Strike]) -> Result<Only, String> {
        let placed = Only::these(strikes.iter().map(|strike| strike.at.clone())).in_order(only.order);
        Ok(if self.fails(&placed)? { placed } else { only })
    }

    /// Leaves out what the inputs, which have become simpler since, no longer take.
    fn fewer_faults(&mut self, least: Least) -> Result<Least, String> {
        if let Some(none) = self.fails_with(&Only::none())? {
            return Ok(Least { takes_none: least.takes_none, ..Least::of(none, None) });
        }
        let names: BTreeSet<String> = least.only.strikes.clone().unwrap_or_default();
        Ok(match self.leave_out(least.only, |strike| name_among(&names, strike))? {
            Left::Least(only) => Least::of(only, self.title_otherwise()),
            Left::Unknown(only) => Least { is_least: false, ..Least::of(only, None) },
        })
    }
}

/// A strike's name, as it is among these: by its place if that is there. Only so does it strike again, drawn or not.
fn name_among(names: &BTreeSet<String>, strike: &Strike) -> String {
    if names.contains(&strike.at) { strike.at.clone() } else { strike.name.clone() }
}

/// Whether two failures show the same mistake, perhaps on another worker or in another attempt.
pub(super) fn is_same(one: &RunFailure, other: &RunFailure) -> bool {
    let is_like = one.likeness == other.likeness || one.bare_likeness.is_some() && one.bare_likeness == other.bare_likeness;
    one.kind == other.kind && is_like
}
