//! What every part of the engine stands on. The kernel knows no other room, and every room may use it. It owns:
//! - the time: instants and spans ([`time`]), the virtual [`clock`], what falls due on it ([`timers`], [`due`]), and the
//!   [`domain`] that has both
//! - the names of things: [`ids`] that are given out, [`key`]s of what other rooms own, [`token`]s that clients carry
//! - the calls that wait ([`tickets`]), what one machine leaves for others ([`effects`]), and the engine's [`error`]s

pub(crate) mod clock;
pub(crate) mod domain;
pub(crate) mod due;
pub(crate) mod effects;
pub mod error;
pub(crate) mod ids;
pub(crate) mod key;
pub(crate) mod tickets;
pub mod time;
pub(crate) mod timers;
pub(crate) mod token;
