//! The search for an order of overlapping calls that a model explains.
//!
//! The beginnings and ends of all calls are gone through in the order of time. At each end, the call that ends must have had its
//! effect. So the search keeps all that may be: which of the open calls have had their effect, and the state that led to. At an end it
//! lets open calls have theirs, until that call has. What was seen before is not looked at again.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    rc::Rc,
};

/// How often a model is asked at most in one check.
pub const STEPS_MAX: usize = 2_000_000;

/// What calls do, one by one.
pub trait Model {
    /// All that later answers depend on.
    type State: Clone + Ord + Debug;
    /// What a call asks for.
    type Asked;
    /// What it is answered.
    type Given;

    /// The state before the first call.
    fn begin(&self) -> Self::State;

    /// All states that a call may lead to if it is answered so; none if it cannot be. `given`: `None` if nobody heard the answer, so
    /// that it may be any.
    fn step(&self, state: &Self::State, asked: &Self::Asked, given: Option<&Self::Given>) -> Vec<Self::State>;
}

/// A call. Of two calls, one is before the other if it ended at an earlier instant than the other began.
#[derive(Clone, Debug)]
pub struct Call<A, G> {
    /// What it asks for.
    pub asked: A,
    /// The answer. `None`: nobody heard it.
    pub given: Option<G>,
    /// When it began; nanoseconds since the start of the run.
    pub began_ns: u64,
    /// When it ended, no earlier than it began. `None`: it has its effect once at any time since it began, or never.
    pub ended_ns: Option<u64>,
}

/// What a check came to, if it found no fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There is an order in which the model explains all calls.
    Explained,
    /// The search came to its bound first.
    NotDecided,
}

/// No order of the calls is explained by the model. Calls are told by their places in what was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unexplained<S> {
    /// The longest beginning of an order that the model explains.
    pub explained: Vec<usize>,
    /// The state that it leads to.
    pub state: S,
    /// The calls that are open by then, none of which leads on. The first had ended.
    pub stuck: Vec<usize>,
}

/// Checks that the calls can have happened one by one, each between its beginning and its end.
///
/// # Errors
/// They cannot.
pub fn check<M: Model>(model: &M, calls: &[Call<M::Asked, M::Given>]) -> Result<Verdict, Unexplained<M::State>> {
    check_within(model, calls, STEPS_MAX)
}

/// As [`check`], with a bound of one's own on how often the model is asked.
///
/// # Errors
/// As [`check`].
pub fn check_within<M: Model>(
    model: &M,
    calls: &[Call<M::Asked, M::Given>],
    steps_max: usize,
) -> Result<Verdict, Unexplained<M::State>> {
    let mut search = Search { model, calls, open: BTreeSet::new(), steps_left: steps_max };
    let mut reached = BTreeMap::from([((BTreeSet::new(), model.begin()), Order::default())]);
    for (_, what, call) in instants(calls) {
        match what {
            What::Begins => {
                search.open.insert(call);
            }
            What::Ends => {
                reached = match search.explain_end(call, reached) {
                    Ok(reached) => reached,
                    Err(Stop::Bound) => return Ok(Verdict::NotDecided),
                    Err(Stop::Unexplained(unexplained)) => return Err(unexplained),
                };
                search.open.remove(&call);
            }
        }
    }
    Ok(Verdict::Explained)
}

/// What happens to a call at an instant. Calls that touch overlap: beginnings come first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Begins,
    Ends,
}

fn instants<A, G>(calls: &[Call<A, G>]) -> Vec<(u64, What, usize)> {
    let begins = calls.iter().enumerate().map(|(at, call)| (call.began_ns, What::Begins, at));
    let ends = calls.iter().enumerate().filter_map(|(at, call)| call.ended_ns.map(|ended_ns| (ended_ns, What::Ends, at)));
    let mut instants: Vec<_> = begins.chain(ends).collect();
    instants.sort_unstable();
    instants
}

/// The open calls that have had their effect, and the state.
type Configuration<S> = (BTreeSet<usize>, S);

/// Configurations, each with an order of calls that leads to it.
type Reached<S> = BTreeMap<Configuration<S>, Order>;

/// Why a search does not go on.
enum Stop<S> {
    Bound,
    Unexplained(Unexplained<S>),
}

struct Search<'a, M: Model> {
    model: &'a M,
    calls: &'a [Call<M::Asked, M::Given>],
    open: BTreeSet<usize>,
    steps_left: usize,
}

impl<M: Model> Search<'_, M> {
    /// All configurations in which a call that ends now has had its effect; without it, since it is open no longer.
    ///
    /// # Errors
    /// There is none, or the bound was reached.
    fn explain_end(&mut self, ends: usize, reached: Reached<M::State>) -> Result<Reached<M::State>, Stop<M::State>> {
        let mut seen: BTreeSet<_> = reached.keys().cloned().collect();
        let mut to_see: Vec<_> = reached.into_iter().collect();
        let mut explained = Reached::new();
        let mut longest: Option<(Order, M::State)> = None;
        while let Some(((mut done, state), order)) = to_see.pop() {
            if done.remove(&ends) {
                explained.insert((done, state), order);
                continue;
            }
            for &next in self.open.difference(&done) {
                self.steps_left = self.steps_left.checked_sub(1).ok_or(Stop::Bound)?;
                let call = &self.calls[next];
                for state in self.model.step(&state, &call.asked, call.given.as_ref()) {
                    let mut done = done.clone();
                    done.insert(next);
                    if seen.insert((done.clone(), state.clone())) {
                        to_see.push(((done, state), order.then(next)));
                    }
                }
            }
            if longest.as_ref().is_none_or(|(longest, _)| longest.len() < order.len()) {
                longest = Some((order, state));
            }
        }
        if let (true, Some((order, state))) = (explained.is_empty(), longest) {
            return Err(Stop::Unexplained(self.unexplained(ends, &order, state)));
        }
        Ok(explained)
    }

    fn unexplained(&self, ends: usize, order: &Order, state: M::State) -> Unexplained<M::State> {
        let explained = order.calls();
        let others = self.open.iter().copied().filter(|call| *call != ends && !explained.contains(call));
        let stuck = std::iter::once(ends).chain(others).collect();
        Unexplained { explained, state, stuck }
    }
}

/// An order of calls that shares its beginning with others.
#[derive(Clone, Default)]
struct Order(Option<Rc<Link>>);

struct Link {
    call: usize,
    before: Order,
    len: usize,
}

impl Order {
    fn then(&self, call: usize) -> Self {
        Self(Some(Rc::new(Link { call, before: self.clone(), len: self.len() + 1 })))
    }

    fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |link| link.len)
    }

    /// The calls, first to last.
    fn calls(&self) -> Vec<usize> {
        let links = std::iter::successors(self.0.as_ref(), |link| link.before.0.as_ref());
        let mut calls: Vec<_> = links.map(|link| link.call).collect();
        calls.reverse();
        calls
    }
}
