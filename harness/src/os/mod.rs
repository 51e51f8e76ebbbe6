//! The simulated operating system: threads that run one at a time, virtual time, seeded randomness. The only unsafe code
//! of the project, and nothing here knows of Temporal.
//!
//! The program under test is unmodified: it calls libc, as every Rust program does, and [`symbols`] answers in libc's
//! place for the threads that belong to a simulation (all others go to the real one, [`real`]). [`kernel`] keeps the
//! threads and the turn: a thread that would block hands its turn to whom the [`World`] picks; when nobody can run, time
//! moves. [`random`] gives each thread its stream. [`fork`] makes one process of each simulation, and [`watchdog`] names a
//! thread that keeps the turn.
//!
//! Arrows: `symbols -> kernel -> (baton, random, real)`; `world` (outside) `-> kernel`.

#![allow(unsafe_code, reason = "libc's functions are answered here; each block gives its reason")]

mod baton;
pub(crate) mod fork;
mod kernel;
mod random;
mod real;
mod symbols;
mod watchdog;

pub(crate) use kernel::{ProcessId, Step, ThreadId, World, current, exempt, freeze, run, spawn, waits, wake};
