//! The RPCs: [`list`], [`count`], and [`schedules`], which does both. [`find`] is how other rooms find executions, and tell of changes.

mod count;
mod find;
mod list;
mod schedules;
