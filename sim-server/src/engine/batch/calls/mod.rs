//! The RPCs of batch operations: [`start`] (and stop), [`read`] (describe and list).

mod read;
mod start;
