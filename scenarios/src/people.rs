//! The people around the simulated workflows: how many there are, and when they do something. Each scenario draws its people
//! as an input of the simulation, with strategies that are put together from these. So a story tells who they were, and a
//! failing run is told with as few of them, and as plain ones, as make it fail.

use std::{fmt::Debug, ops::RangeInclusive, time::Duration};

use foretime::proptest::{
    collection::{VecStrategy, vec},
    option,
    prelude::*,
    sample::select,
    strategy::Union,
};
use temporalio_client::errors::WorkflowInteractionError;

/// How close to a deadline a drawn [`moment`] tends to be.
const CLOSE: Duration = Duration::from_secs(2);

/// A few of these. What goes wrong with many nearly always goes wrong with few, in less time and with a shorter story.
pub(crate) fn few<S>(each: S, count: RangeInclusive<usize>) -> Union<VecStrategy<BoxedStrategy<S::Value>>>
where
    S: Strategy + 'static,
{
    let each = each.boxed();
    small(count, |count| vec(each.clone(), count))
}

/// A few of these, under the first of these names.
pub(crate) fn few_named<S, T>(
    names: &'static [&'static str],
    each: S,
    named: fn(&'static str, S::Value) -> T,
) -> impl Strategy<Value = Vec<T>>
where
    S: Strategy + 'static,
    T: Debug,
{
    few(each, 1..=names.len()).prop_map(move |all| names.iter().zip(all).map(|(name, one)| named(name, one)).collect())
}

/// A small number of this range: mostly the least.
pub(crate) fn a_few(count: RangeInclusive<usize>) -> Union<RangeInclusive<usize>> {
    small(count, |count| count)
}

/// One of the ranges with the same start as this one: the shorter, the likelier. Ranges, and not single sizes: an input that is
/// made simpler stays in the range that was drawn, and what has a single size can leave nothing out.
fn small<S: Strategy>(range: RangeInclusive<usize>, of: impl Fn(RangeInclusive<usize>) -> S) -> Union<S> {
    let (least, most) = range.into_inner();
    let mut weight = 3_u32.pow(u32::try_from(most - least).unwrap_or(0));
    let of_most = |most| {
        let weighted = (weight, of(least..=most));
        weight = weight / 3 * 2;
        weighted
    };
    Union::new_weighted((least..=most).map(of_most).collect())
}

/// A span of at most this, in whole milliseconds.
pub(crate) fn span(most: Duration) -> impl Strategy<Value = Duration> + Clone {
    (0..=u64::try_from(most.as_millis()).unwrap_or(u64::MAX)).prop_map(Duration::from_millis)
}

/// A moment within `most`. Every other time it is close to one of these deadlines: before, after or exactly on it.
pub(crate) fn moment(deadlines: Vec<Duration>, most: Duration) -> impl Strategy<Value = Duration> {
    let deadline = || select(deadlines.clone());
    prop_oneof![
        3 => span(most),
        1 => deadline(),
        1 => (deadline(), span(CLOSE)).prop_map(|(deadline, after)| deadline + after),
        1 => (deadline(), span(CLOSE)).prop_map(|(deadline, before)| deadline.saturating_sub(before)),
    ]
}

/// Something that happens in one of three cases.
pub(crate) fn in_one_of_three<S: Strategy>(it: S) -> impl Strategy<Value = Option<S::Value>> {
    option::weighted(1.0 / 3.0, it)
}

/// Whether a message to a workflow came in time. It may come too late, when the workflow is already closed.
///
/// # Errors
/// All other errors.
pub(crate) fn in_time(said: Result<(), WorkflowInteractionError>) -> Result<bool, WorkflowInteractionError> {
    match said {
        Ok(()) => Ok(true),
        Err(WorkflowInteractionError::NotFound(_)) => Ok(false),
        Err(error) => Err(error),
    }
}
