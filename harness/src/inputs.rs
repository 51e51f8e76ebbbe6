//! What a test draws for itself: inputs, chance, and faults of its own. All of it comes from the run's tape, is told in stories,
//! and is made simpler when the run fails.
//!
//! The value of an input is made here, by proptest: a generator's seed and the steps that make its value simpler or less so are
//! the tape's.

use std::fmt::Debug;

use foretime_campaign::{
    choices::{Input, InputName, Path, Step},
    finding::Wrong,
    log::{Custom, Drawn, Struck, What},
    process::Role,
};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use crate::{
    os,
    world::{self, State, World, attempt},
};

/// A value in words is cut off after this many characters.
const WORDS_MAX: usize = 4_000;

/// Draws a number, or anything else that a range of proptest gives. For chance in fakes and activities: how long a gateway takes,
/// which of several answers it gives. The draw belongs to the label and to the workflow whose activity draws it, and to its
/// number there, so that one draw fewer leaves the others alone. In a failing run it is made as simple as the failure allows: as
/// near to the start of the range as can be.
///
/// Workflow code must not call it: a replay would draw again. Outside of a simulation it gives the same values each time.
///
/// ```
/// let took_ms = foretime::random("the gateway takes", 1..=500_u64);
/// assert!((1..=500).contains(&took_ms));
/// ```
///
/// # Panics
/// The range is empty.
#[track_caller]
pub fn random<S>(label: &str, range: S) -> S::Value
where
    S: Strategy,
{
    match world::current() {
        Some(world) => draw_in(world, label, &drawer(), &range, false),
        None => outside(label, &range),
    }
}

/// Whether a fault of the test's own strikes here, with this chance (0 to 1). Its name is what stories tell, so it is a sentence
/// without its end. It strikes as faults of the simulation do: as often as [`Faults::each_at_most`](crate::Faults::each_at_most)
/// allows, not after [`Sim::stop_faults`](crate::Sim::stop_faults) or the end of the body; in a failing run it is left out if
/// the failure does not take it; and `FORETIME_ONLY` names it, by its place: the name, and the workflow whose activity asks.
///
/// Workflow code must not call it: a replay would ask again. Outside of a simulation no fault strikes.
///
/// ```
/// # struct Gateway;
/// # impl Gateway { fn take(&self, cents: u64) {}
/// # fn charge(&self, cents: u64) -> Result<(), &'static str> {
/// self.take(cents);
/// if foretime::fault("the gateway's reply is lost", 0.1) {
///     return Err("connection reset");
/// }
/// # Ok(()) } }
/// # assert!(Gateway.charge(5).is_ok());
/// ```
pub fn fault(name: &str, chance: f64) -> bool {
    let Some(world) = world::current() else { return false };
    world.enter(|state| state.custom_fault(name, chance))
}

/// Who draws: the workflow whose activity runs here, or nobody.
fn drawer() -> String {
    attempt::current().map(|attempt| attempt.workflow_id).unwrap_or_default()
}

/// Draws an input of a simulation. `of`: who draws it. `is_given`: it is an ordinary input of the test, rather than chance.
#[track_caller]
pub(crate) fn draw_in<S: Strategy>(world: &World, label: &str, of: &str, strategy: &S, is_given: bool) -> S::Value {
    let (name, seed, path) = world.enter(|state| {
        state.is_drawn_in_replay("draw", label);
        state.choices.input(label, of)
    });
    let (value, has_moved) = make(strategy, label, seed, &path);
    let words = in_words(&value);
    world.enter(|state| state.drew(&name, path, words, has_moved, is_given));
    value
}

/// Draws an input where nothing is simulated: the same ones each time.
#[track_caller]
pub(crate) fn outside<S: Strategy>(label: &str, strategy: &S) -> S::Value {
    make(strategy, label, 0, &Path::default()).0
}

/// The value that a generator with this seed and these steps make, and whether the last step led to another value.
#[track_caller]
fn make<S: Strategy>(strategy: &S, label: &str, seed: u64, path: &Path) -> (S::Value, bool) {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let mut tree = match strategy.new_tree(&mut runner) {
        Ok(tree) => tree,
        // Not in a closure, which would have a place of its own.
        Err(reason) => panic!("no {label} could be drawn: {reason}"),
    };
    let mut has_moved = true;
    for step in path.steps() {
        has_moved = match step {
            Step::Simplify => tree.simplify(),
            Step::Complicate => tree.complicate(),
        };
    }
    (tree.current(), has_moved)
}

fn in_words(value: &impl Debug) -> String {
    let words = format!("{value:?}");
    match words.char_indices().nth(WORDS_MAX) {
        Some((end, _)) => format!("{}...", &words[..end]),
        None => words,
    }
}

impl State {
    fn drew(&mut self, name: &InputName, path: Path, value: String, has_moved: bool, is_given: bool) {
        let process = os::current().map(|(_, process)| process);
        self.note(process, What::Input(Drawn { name: name.to_string(), value: value.clone(), is_given }));
        let (name, at, is_of_activity) = (name.to_string(), name.at(), attempt::current().is_some());
        self.choices.drew(Input { name, at, path, value, has_moved, is_given, is_of_activity });
    }

    fn custom_fault(&mut self, name: &str, chance: f64) -> bool {
        self.is_drawn_in_replay("fault", name);
        let Some((_, process)) = os::current() else { return false };
        let attempt = attempt::current();
        let of = attempt.as_ref().map(|attempt| attempt.workflow_id.clone()).unwrap_or_default();
        let strikes = self.lives.is_alive(process) && self.plan.custom_strikes(name, &of, chance, &mut self.choices);
        if strikes {
            self.note(Some(process), What::Fault(Struck::Custom(Custom { name: name.to_owned(), of, attempt })));
        }
        strikes
    }

    /// Only workflow code runs in a replay, and it must draw nothing.
    fn is_drawn_in_replay(&mut self, kind: &str, subject: &str) {
        let Some((_, process)) = os::current() else { return };
        if self.lives.get(process).role == Role::Replayer {
            self.find(Some(process), Wrong::Impure { kind: kind.to_owned(), subject: subject.to_owned() });
        }
    }
}
