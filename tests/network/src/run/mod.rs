//! One run of a seed: [`life`] builds the cluster, has faults strike, lets everything come to rest and looks at what is left;
//! [`result`] is what comes of it.

mod life;
mod result;

use std::{
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use foretime_campaign::{
    case::Case,
    choices::Choices,
    finding::{Panicked, Whose, Wrong},
    result::{Order, RunResult},
};
use foretime_server::{config::Config, rpc::Serve};
use madsim::{Config as Simulated, runtime::Runtime};

use crate::{
    plan::Plan,
    wire::server::Server,
    world::{Shared, mixed},
};

/// Makes the service of a run: the plain one, or one with a defect.
pub type MakeService = fn(&Config) -> Box<dyn Serve>;

/// What is left of a run.
type Left = Arc<Mutex<Option<(Shared, Server)>>>;

/// Runs what is ordered.
pub fn run(case: &Case, order: &Order, service: MakeService) -> RunResult {
    let began = Instant::now();
    let choices = match order.tape.clone() {
        Some(tape) => Choices::from_tape(tape),
        None => Choices::from_seed(order.seed, &case.name),
    };
    let choices = choices.only(order.only.clone()).redrawn(order.redraw);
    let source = choices.source();
    let plan = Plan::draw(mixed(&[source, 1]));
    let runtime = Runtime::with_seed_and_config(mixed(&[source, 2, order.only.order]), Simulated::default());
    let left = Left::default();
    let panics = Panics::watch();
    let lived = panic::catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            life::live(&plan, choices, order.is_detailed, service, &left).await;
            result_of(case, order, &left)
        })
    }));
    let result = match lived {
        Ok(result) => result,
        Err(_) => runtime.block_on(async {
            panics.find(&left);
            result_of(case, order, &left)
        }),
    };
    let real_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    RunResult { real_us, ..result }
}

fn result_of(case: &Case, order: &Order, left: &Left) -> RunResult {
    let left = left.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match left {
        Some((world, server)) => server.look(|service| result::of(case, order, &world.lock(), service)),
        None => RunResult::empty(order.seed),
    }
}

/// The panics of a run.
struct Panics(Arc<Mutex<Vec<(String, String)>>>);

impl Panics {
    /// Notes each panic from now on: its message and its place.
    fn watch() -> Self {
        let panics: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
        let noted = panics.clone();
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let payload = info.payload();
            let message = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let message = message.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default();
            let place = info.location().map_or_else(String::new, ToString::to_string);
            noted.lock().unwrap_or_else(PoisonError::into_inner).push((message, place));
            usual(info);
        }));
        Self(panics)
    }

    /// The last of them is what is wrong with the run.
    fn find(&self, left: &Left) {
        let left = left.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner).last().cloned();
        let (Some((world, _)), Some((message, place))) = (left, last) else { return };
        let (process, thread) = ("server".to_owned(), "main".to_owned());
        let panicked = Panicked { process, whose: Whose::User, message, amid: None, thread, place };
        world.lock().find(None, Wrong::Panicked(Box::new(panicked)));
    }
}
