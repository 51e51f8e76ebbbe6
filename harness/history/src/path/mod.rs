//! The path that a run has taken through its code, so that of many runs only those need be looked at that differ.
//!
//! [`steps`] reads a history as what came to the code and what the code did then. [`repeats`] counts a loop once. [`class`] makes of
//! it what can be compared, and a line for people.

mod class;
mod repeats;
mod steps;

pub use class::{Class, class, describe};
