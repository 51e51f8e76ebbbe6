//! The user's own claims: `always!` holds whenever it is checked, `sometimes!` in at least one of all runs.

use crate::{
    os, stage,
    world::{self, attempt},
};

use foretime_campaign::finding::Wrong;

/// Claims that this holds, here and in every run. If it does not, the run fails, but the code goes on.
///
/// ```
/// # let balance_cents = 5;
/// foretime::always!(balance_cents >= 0, "no account is overdrawn");
/// ```
#[macro_export]
macro_rules! always {
    ($holds:expr, $claim:expr $(,)?) => {
        $crate::__private::always($holds, $claim, concat!(file!(), ":", line!()))
    };
}

/// Claims that this holds at least once in all runs together, so that the simulation reaches what the test is about. If it
/// never does, the test fails.
///
/// ```
/// # let charges = 2;
/// foretime::sometimes!(charges > 1, "a charge was tried again");
/// ```
#[macro_export]
macro_rules! sometimes {
    ($holds:expr, $claim:expr $(,)?) => {{
        // Registered even if no run ever gets here.
        fn place() {}
        $crate::__private::inventory::submit! {
            $crate::__private::Sometimes { claim: $claim, place: || ::std::any::type_name_of_val(&place) }
        }
        $crate::__private::sometimes($holds, $claim)
    }};
}

/// A `sometimes!` of the program.
#[derive(Debug)]
pub struct Sometimes {
    /// What it claims.
    pub claim: &'static str,
    /// The path of the function that it is in.
    pub place: fn() -> &'static str,
}

inventory::collect!(Sometimes);

/// The claims of all `sometimes!` within this function.
pub(crate) fn sometimes_within(function: &str) -> Vec<&'static str> {
    let inside = |it: &&Sometimes| (it.place)().strip_prefix(function).is_some_and(|rest| rest.starts_with("::"));
    inventory::iter::<Sometimes>.into_iter().filter(inside).map(|it| it.claim).collect()
}

/// See [`always!`](crate::always). Where a test runs without simulation, its body panics.
pub fn always(holds: bool, claim: &str, place: &str) {
    if holds {
        return;
    }
    let Some(world) = world::current() else {
        assert!(!stage::is_on(), "not always: {claim}, at {place}");
        return;
    };
    let process = os::current().map(|(_, process)| process);
    let amid = attempt::current();
    world.enter(|state| {
        if process.is_none_or(|process| state.lives.is_alive(process)) {
            state.find(process, Wrong::ClaimBroken { claim: claim.to_owned(), place: place.to_owned(), amid });
        }
    });
}

/// See [`sometimes!`](crate::sometimes).
pub fn sometimes(holds: bool, claim: &str) {
    if let Some(world) = world::current() {
        world.enter(|state| {
            let held = state.claims.entry(claim.to_owned()).or_default();
            *held |= holds;
        });
    }
}
