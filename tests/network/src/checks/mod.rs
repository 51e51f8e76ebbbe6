//! What must be so after a run that has come to rest. Each check looks at what was noted of the run, and at the runs as the service has
//! them in the end ([`Run`]), all read once ([`Reading`]), and gives the first thing that is not so ([`Broken`]).
//!
//! Of what clients did: [`starts`], [`requested`] (whether histories have all that was asked for), [`acknowledged`] (signals,
//! terminations, requests to cancel), [`updates`], [`queries`], [`described`], [`replies`] (of workers to queries), [`awaits`], [`refusals`], and
//! [`chains`] (whether all of it can be true at once). Of what workers did: [`handed`], [`contents`] (what tasks came with), [`answers`],
//! [`failures`], [`held`], [`late`], [`effects`]. Of both: [`polls`]. Of time: [`timers`], [`waits`], [`pace`], [`locked`]. Of the
//! histories alone: [`histories`]. Of what is left: [`calm`], [`rest`]. [`claims`] are what many seeds must show. They share [`attempts`]
//! (the messages of clients), [`tasks`] (those of workers) and [`clock`] (what the server's time was at each message).

pub mod acknowledged;
pub mod answers;
mod asked;
mod attempts;
pub mod awaits;
mod broken;
pub mod calm;
pub mod chains;
pub mod claims;
mod clock;
pub mod contents;
pub mod described;
pub mod effects;
pub mod failures;
pub mod handed;
pub mod held;
pub mod histories;
pub mod late;
pub mod locked;
pub mod pace;
pub mod polls;
pub mod queries;
mod reading;
pub mod refusals;
pub mod replay;
pub mod replies;
pub mod requested;
pub mod rest;
mod run;
#[cfg(test)]
mod sample;
pub mod starts;
mod tasks;
pub mod timers;
pub mod updates;
pub mod waits;

use foretime_campaign::finding::Wrong;
use foretime_server::engine::View;

pub use broken::Broken;
pub use reading::Reading;
pub use run::Run;

use crate::world::World;

/// A check of a run.
type Check = fn(&Reading<'_>) -> Option<Broken>;

/// Checks everything, and notes the first thing that each check finds. Losses come before what merely was told wrongly.
pub fn all(world: &mut World, view: View<'_>) {
    let runs = Run::all(view);
    claims::note(world, &runs);
    if let Some(wrong) = histories::illegal(&runs) {
        world.find(None, wrong);
    }
    let checks: [Check; 23] = [
        starts::check,
        acknowledged::check,
        updates::check,
        requested::check,
        answers::check,
        failures::check,
        contents::check,
        handed::check,
        held::check,
        late::check,
        polls::check,
        queries::check,
        described::check,
        replies::check,
        refusals::check,
        awaits::check,
        effects::check,
        timers::check,
        pace::check,
        waits::check,
        locked::check,
        calm::check,
        chains::check,
    ];
    let read = Reading::of(&world.record, &runs);
    let mut broken: Vec<Broken> = checks.iter().filter_map(|check| check(&read)).collect();
    broken.extend(histories::replayed(&runs));
    broken.extend(rest::check(&world.record, view));
    for Broken { title, detail, process, .. } in broken {
        world.find(process, Wrong::TestFailed { title, detail });
    }
}
