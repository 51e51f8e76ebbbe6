//! What operators do, as seen in requests that the server has carried out. [`carried_out`] keeps it; the others read the requests:
//! [`activities`], [`workflows`], [`schedules`], and [`batches`], which do one thing to many workflows.

mod activities;
mod batches;
mod carried_out;
mod schedules;
mod workflows;

pub(super) use carried_out::Operations;
