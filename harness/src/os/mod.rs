//! The simulated operating system: threads that run one at a time, virtual time, seeded randomness. It has the only unsafe code
//! of the project and does not know Temporal.
//!
//! The program under test is unmodified. It calls libc, as every Rust program does, and [`symbols`] answers in libc's place for
//! the threads of a simulation; all others get the real one, [`real`]. [`kernel`] keeps the turn: a thread that would block
//! hands its turn to the one that the [`World`] picks. When nobody can run, time moves. [`thread`] is what each thread waits
//! for, [`wakeups`] how runtimes wake each other, and [`random`] each thread's stream. [`memory`] is where their allocations
//! lie, and [`stacks`] where they run. Each process has its own [`statics`], which the program's [`table`] of symbols names. [`seat`] passes the turn on: by a [`baton`], or within one OS thread ([`fiber`]).
//! [`fork`] makes one process for each simulation, from a program whose code [`text`] has put on large pages. [`watchdog`]
//! names a thread that keeps the turn.
//!
//! It exists on Linux with glibc, on x86-64 and aarch64. On other systems [`elsewhere`] takes its place, and nothing is
//! simulated.
//!
//! Arrows: `symbols -> kernel -> (memory, statics -> (memory, table), thread -> (wakeups, random), seat -> (fiber, stacks, baton -> real))`, and past the
//! kernel `symbols -> (memory, seat, real)`; `world` (outside) `-> kernel`.

#![allow(unsafe_code, reason = "libc's functions are answered here; each block gives its reason")]

mod interface;

pub(crate) use interface::{Start, Step, ThreadDoes, ThreadId, World};

#[cfg(simulates)]
mod baton;
#[cfg(simulates)]
mod fiber;
#[cfg(simulates)]
pub(crate) mod fork;
#[cfg(simulates)]
mod kernel;
#[cfg(simulates)]
mod memory;
#[cfg(simulates)]
mod random;
#[cfg(simulates)]
mod real;
#[cfg(simulates)]
mod seat;
#[cfg(simulates)]
mod stacks;
#[cfg(simulates)]
pub(crate) mod statics;
#[cfg(simulates)]
mod symbols;
#[cfg(simulates)]
mod table;
#[cfg(simulates)]
pub(crate) mod text;
#[cfg(simulates)]
mod thread;
#[cfg(simulates)]
mod wakeups;
#[cfg(simulates)]
mod watchdog;

#[cfg(simulates)]
pub(crate) use kernel::{changed_statics, current, exempt, freeze, lay_out, run, settle, spawn, waits, wake};
#[cfg(simulates)]
pub(crate) use symbols::with_empty_own_file;

#[cfg(not(simulates))]
mod elsewhere;
#[cfg(not(simulates))]
pub(crate) use elsewhere::{changed_statics, current, exempt, freeze, run, settle, spawn, waits, wake};

/// Whether simulations run on this system.
pub(crate) const SIMULATES: bool = cfg!(simulates);
