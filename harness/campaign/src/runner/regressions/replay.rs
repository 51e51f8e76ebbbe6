//! Replays a regression, and says what has become of it.
//!
//! Its tape repeats the run as it was. Code that has changed may ask for other draws. Where these only follow from what
//! the code does, the tape has not lost its meaning, and the search goes on from there: the same faults in the same places and the same
//! inputs are tried in many other orders, and then what follows the last draw that fitted is drawn anew, many times. Where an
//! input is no longer drawn, or a fault has no place any more, the tape is rotten.

use std::collections::BTreeSet;

use super::{
    super::{job::Job, search::is_same},
    Regression,
};
use crate::{
    choices::{Input, Misfit, Redraw, Rot, Strike},
    result::{Order, RunFailure, RunResult},
};

/// In how many other orders of events a regression is tried whose own order the code no longer has.
const ORDERS: u64 = 20;
/// How much later in their places its faults are tried: something new may have come to these places before.
const LATER: u64 = 3;
/// In how many orders of events.
const LATER_ORDERS: u64 = 5;
/// How often what follows is drawn anew.
const REDRAWS: u64 = 100;

/// What has become of a regression.
pub(super) enum Verdict {
    /// The tape fails as before.
    FailsTheSame,
    /// This run of it fails as before, though its tape no longer fits.
    FailsAnew(Box<Order>, RunFailure, Rot),
    /// This run of it fails in another way.
    FailsOtherwise(Box<Order>, RunFailure),
    /// It passes.
    Passes,
    /// Its tape no longer fits what the code does, and all of so many other runs pass.
    PassesOtherwise(Rot, u64),
    /// The code asks for other draws.
    Rotten(Rot),
}

/// Replays a regression.
///
/// # Errors
/// It could not be run.
pub(super) fn replay(job: &mut Job, regression: &Regression) -> Result<Verdict, String> {
    let order = Order { tape: Some(regression.tape.clone()), ..Order::of(regression.tape.seed) };
    let result = run(job, &order)?;
    let failure = result.failures.into_iter().next();
    match (failure, result.rot) {
        (None, None) => Ok(Verdict::Passes),
        (Some(failure), None) if is_same(&failure, &regression.failure) => Ok(Verdict::FailsTheSame),
        (Some(failure), None) => Ok(Verdict::FailsOtherwise(Box::new(order), failure)),
        // What follows the misfit is drawn anew, with whatever faults: that run is not the least, and perhaps not the same mistake.
        (failure, Some(rot)) => go_on(job, regression, rot, failure.map(|failure| (Box::new(order), failure))),
    }
}

/// A run with the faults and inputs of a regression, by their places.
fn by_place(regression: &Regression) -> Order {
    let Regression { tape, .. } = regression;
    Order { only: regression.only(), starts_at: tape.starts_at, ..Order::of(tape.seed) }
}

/// The search goes on from where the tape no longer fits. `failed`: the tape's own run, if that failed all the same.
fn go_on(
    job: &mut Job,
    regression: &Regression,
    rot: Rot,
    failed: Option<(Box<Order>, RunFailure)>,
) -> Result<Verdict, String> {
    let (placed, after) = (by_place(regression), rot.after);
    let mut misfit = Some(rot.clone()).filter(|rot| rot.is_of_test);
    let (same, mut otherwise) = match failed {
        Some((order, failure)) if is_same(&failure, &regression.failure) => (Some((order, failure)), None),
        otherwise => (None, otherwise),
    };
    let mut struck = BTreeSet::new();
    let in_orders = (0..=ORDERS).map(|order| Order { only: placed.only.in_order(placed.only.order + order), ..placed.clone() });
    let redrawn = (0..REDRAWS).map(|source| Order {
        tape: Some(regression.tape.clone()),
        redraw: Some(Redraw { after, source, keeps_inputs: true }),
        ..Order::of(regression.tape.seed)
    });
    let later = (1..=LATER).flat_map(|by| (0..LATER_ORDERS).map(move |order| (by, order)));
    let later = later.map(|(by, order)| Order { only: placed.only.later(by).in_order(order), ..placed.clone() });
    for order in in_orders.chain(later).chain(redrawn) {
        let result = run(job, &order)?;
        if let Some(failure) = result.failures.first() {
            if is_same(failure, &regression.failure) {
                return Ok(Verdict::FailsAnew(Box::new(order), failure.clone(), misfit.unwrap_or(rot)));
            }
            otherwise.get_or_insert_with(|| (Box::new(order.clone()), failure.clone()));
        }
        if order.redraw.is_none() {
            struck.extend(result.strikes.iter().flat_map(|strike| [strike.name.clone(), strike.at.clone()]));
            misfit = misfit.or_else(|| misfit_of_inputs(regression, &result));
        }
    }
    if let Some((order, failure)) = same {
        return Ok(Verdict::FailsAnew(order, failure, misfit.unwrap_or(rot)));
    }
    if let Some((order, failure)) = otherwise {
        return Ok(Verdict::FailsOtherwise(order, failure));
    }
    let missing = placed.only.strikes.iter().flatten().find(|strike| !struck.contains(*strike));
    let never_struck = || {
        let label = Strike::kind(missing?).unwrap_or_default().to_owned();
        Some(Rot { label: format!("{label} ({})", missing?), number: 1, how: Misfit::Gone, is_of_test: true, after: 0 })
    };
    Ok(misfit
        .or_else(never_struck)
        .map_or(Verdict::PassesOtherwise(rot, ORDERS + 1 + LATER * LATER_ORDERS + REDRAWS), Verdict::Rotten))
}

/// The first input of the regression's test that this run does not have, or has with another value.
fn misfit_of_inputs(regression: &Regression, result: &RunResult) -> Option<Rot> {
    let tape = &regression.tape;
    tape.inputs.iter().filter(|(key, _)| !tape.of_activities.contains(*key)).find_map(|(key, recorded)| {
        let is_it = |input: &&Input| key.starts_with(&input.at);
        let drawn = result.inputs.iter().find(is_it);
        let how = match drawn {
            None => Misfit::Gone,
            Some(input) if input.value != *recorded => Misfit::Input { recorded: recorded.clone(), drawn: input.value.clone() },
            Some(_) => return None,
        };
        let label = key.split_once(' ').map_or(&**key, |(_, name)| name).to_owned();
        Some(Rot { label, number: 1, how, is_of_test: true, after: 0 })
    })
}

fn run(job: &mut Job, order: &Order) -> Result<RunResult, String> {
    job.run(order).map_err(|error| error.to_string())
}
