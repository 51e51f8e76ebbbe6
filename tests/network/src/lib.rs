//! The server on a hostile network: our service, raw workers and clients as nodes of madsim's network, from one seed.
//!
//! - [`plan`]: what a seed draws: the cluster, what clients want, what workflows do, which faults there may be
//! - [`world`]: what everybody shares; [`record`]: what was asked and answered
//! - [`wire`]: our calls as bytes over madsim's channels, and the service behind them; [`nodes`]: workers and clients
//! - [`faults`]: what goes wrong
//! - [`checks`]: what must hold; [`linear`]: whether all answers together can be true
//! - [`run`]: one run; [`child`]: the processes that run seeds; [`case`](mod@case): many of them, on foretime-campaign's runner
//!
//! Arrows: `case -> child -> run -> (faults, checks) -> nodes -> wire -> world -> (record, plan)`.
#![cfg(madsim)]

pub mod case;
pub mod checks;
pub mod child;
pub mod faults;
pub mod linear;
pub mod nodes;
pub mod plan;
pub mod record;
pub mod run;
pub mod wire;
pub mod world;
