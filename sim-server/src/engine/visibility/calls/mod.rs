//! The RPCs: [`list`] and [`count`]. [`find`] is how other rooms find executions, and tell of changes.

mod count;
mod find;
mod list;
