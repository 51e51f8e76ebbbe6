//! The ledger of side effects: what activities did to the outside world, who did it, and whether it was done twice.
//!
//! A fake of an outside system calls [`effect()`] where the real one would take money, send a mail or ship a parcel. The ledger
//! is the outside world's own memory: a crash of a worker does not undo its entries. [`mod@effect`] records what is done,
//! [`questions`] answers what a test asks of it.

mod effect;
mod questions;

pub use effect::{NewEffect, effect};
pub use questions::{DoneTwice, Ledger, Unmatched};
