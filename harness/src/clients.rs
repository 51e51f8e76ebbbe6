//! Several clients at once, each with a drawn list of actions: a state machine whose transitions come from all sides.

use std::{fmt::Debug, future::Future, ops::RangeInclusive};

use foretime_campaign::log::What;
use futures_util::future::try_join_all;
use proptest::{collection::vec, strategy::Strategy};

use crate::{failure::Failure, os, sim::Sim, world};

/// What clients do, and when they may. [`Sim::run_clients`] draws what each of them does and lets them do it at the same time. A
/// failing run is told with the fewest and the simplest actions that make it fail.
///
/// The state is shared by all clients. They run on one thread, so a `Cell` or a `RefCell` is enough where it changes.
///
/// ```
/// use std::cell::Cell;
///
/// use foretime::{Sim, StateMachine, proptest::prelude::*};
///
/// #[derive(Clone, Debug)]
/// enum Action {
///     Deposit { cents: u32 },
///     Withdraw { cents: u32 },
///     Close,
/// }
///
/// #[derive(Default)]
/// struct Account {
///     is_closed: Cell<bool>,
/// }
///
/// impl StateMachine for Account {
///     type Action = Action;
///
///     fn actions(&self) -> impl Strategy<Value = Action> {
///         prop_oneof![
///             4 => (1..=500_u32).prop_map(|cents| Action::Deposit { cents }),
///             4 => (1..=500_u32).prop_map(|cents| Action::Withdraw { cents }),
///             1 => Just(Action::Close),
///         ]
///     }
///
///     fn precondition(&self, action: &Action) -> bool {
///         !self.is_closed.get() || matches!(action, Action::Deposit { .. })
///     }
///
///     async fn perform(&self, sim: &Sim, action: Action) -> foretime::Result {
///         match action {
///             Action::Close => self.is_closed.set(true), // and signal the workflow with `sim.client()`
///             Action::Deposit { .. } | Action::Withdraw { .. } => {} // updates
///         }
///         Ok(())
///     }
/// }
///
/// # async fn body(sim: Sim) -> foretime::Result {
/// sim.run_clients("customer", 3, 0..=8, &Account::default()).await?;
/// # Ok(()) }
/// ```
pub trait StateMachine {
    /// Something that a client does.
    type Action: Clone + Debug;

    /// Which actions there are, and how likely each is: `prop_oneof![3 => .., 1 => ..]`.
    fn actions(&self) -> impl Strategy<Value = Self::Action>;

    /// Whether a client may do this now. It is asked when the action's turn comes; a client leaves out what it may not do.
    fn precondition(&self, action: &Self::Action) -> bool {
        let _ = action;
        true
    }

    /// Does it. [`Sim::client`] is the client's own, with its name as identity, and what it draws is its own.
    ///
    /// # Errors
    /// Whatever should fail the run.
    fn perform(&self, sim: &Sim, action: Self::Action) -> impl Future<Output = Result<(), Failure>>;
}

impl Sim {
    /// Runs `count` clients at the same time. Each draws a list with so many actions and does one after the other. The first is
    /// called `name-1`. Stories tell who did what, and when.
    ///
    /// # Errors
    /// The first with which an action fails. It ends all clients.
    pub async fn run_clients<M: StateMachine>(
        &self,
        name: &str,
        count: usize,
        actions: RangeInclusive<usize>,
        machine: &M,
    ) -> Result<(), Failure> {
        let clients = (1..=count).map(|number| {
            let sim = self.client_named(format!("{name}-{number}"));
            let actions = sim.draw("actions", vec(machine.actions(), actions.clone()));
            async move {
                for action in actions {
                    if machine.precondition(&action) {
                        note(sim.name(), &action);
                        machine.perform(&sim, action).await?;
                    }
                }
                Ok(())
            }
        });
        // All have drawn before any begins.
        let clients: Vec<_> = clients.collect();
        try_join_all(clients).await.map(drop)
    }
}

/// Notes that a client does something.
fn note(client: &str, action: &impl Debug) {
    if let (Some(world), Some((_, process))) = (world::current(), os::current()) {
        let what = What::Action { client: client.to_owned(), action: format!("{action:?}") };
        world.enter(|state| state.note(Some(process), what));
    }
}
