//! What every part of the engine stands on. The kernel knows no part: it has instants ([`time`]), what falls due ([`timers`],
//! [`due`]) on a [`clock`], the two together in a clock [`domain`], [`ids`], [`key`]s and [`token`]s, the calls that wait ([`tickets`]), what one machine leaves for others
//! ([`effects`]) and the engine's [`error`]s. Every other room may use it. [`calls`] has TestService, whose RPCs act on the clock.

mod calls;
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
