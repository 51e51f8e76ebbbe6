//! One seed, one world: runs a simulation in this process, which can run no other after it.

use std::{
    panic::{self, PanicHookInfo},
    sync::Arc,
    time::Duration,
};

use crate::{
    checks::{self, liveness},
    os::{self, Start},
    process::{self, client, replayer, test, worker},
    sim::{Body, Sim},
    world::{self, Hooks, Limits, Scheduler, World},
};

use foretime_campaign::{
    choices::Choices,
    process::{Role, TEST},
    time,
};

/// Which simulation.
#[derive(Debug)]
pub(crate) struct Simulation {
    /// The source of its decisions.
    pub(crate) choices: Choices,
    /// When it begins; `None`: that is drawn.
    pub(crate) starts_at: Option<time::Start>,
    /// Keep every message, for a report or a comparison.
    pub(crate) is_detailed: bool,
    /// How long a thread may keep its turn, in real time.
    pub(crate) patience: Duration,
    /// How far it may go.
    pub(crate) limits: Limits,
    /// Whether one OS thread runs the code of all simulated threads, where that is possible.
    pub(crate) carries: bool,
}

impl Simulation {
    /// Runs it to its end. The world then holds the results, including findings.
    ///
    /// # Panics
    /// If it is called a second time in one process, or the server refuses its configuration.
    pub(crate) fn run(self, body: Body) -> Arc<World> {
        os::settle();
        let seed = self.choices.source();
        let hooks =
            Hooks { worker: worker::run, client: client::run, is_endless: liveness::is_endless, hangs: liveness::hangs };
        let client_options = process::usual_client_options();
        let world = World::begin(self.choices, self.starts_at, self.is_detailed, self.limits, client_options, hooks)
            .expect("the server takes its own configuration");
        panic::set_hook(Box::new(on_panic));
        world.when_at_rest(replayer::begin);
        let epoch_ns = world.lock().starts_at().unix_ns();
        let in_process = world.clone();
        let start = Start { seed, epoch_ns, patience: self.patience, carries: self.carries };
        os::run(start, Arc::new(Scheduler(world.clone())), || {
            let world = in_process.clone();
            in_process.lock().spawn(Role::Test, TEST, 0, move |process| {
                test::run(&world, process, |client| body(Sim::simulated(world.clone(), client)));
            });
        });
        // From here on this is an ordinary process, with threads that never run again.
        let mut state = world.lock();
        state.workers_changed(os::changed_statics());
        checks::after_run(&mut state);
        drop(state);
        world
    }
}

/// Notes a panic on a simulated thread in the world. Any other goes to standard error.
fn on_panic(info: &PanicHookInfo<'_>) {
    let payload = info.payload();
    let message = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let message = message.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic".to_owned());
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
    match (world::current(), os::current()) {
        (Some(world), Some((_, process))) => os::exempt(|| match world.try_lock() {
            Some(mut state) => state.panicked(process, &thread, &message, &place),
            None => eprintln!("foretime panicked: {message} at {place}. This is a bug in Foretime."),
        }),
        _ => eprintln!("thread '{thread}' panicked at {place}: {message}"),
    }
}
