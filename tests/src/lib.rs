//! What crosses crates. [`load`] measures servers under load, side by side; the binary of that name runs it.

pub mod load;
