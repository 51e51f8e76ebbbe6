//! Options of things that are under way, and how they are changed: a [`field_mask`] says which of them a request means.
//! [`activity`] has those of activities, and [`workflow`] those of workflows, with the [`versioning`] that somebody may impose on
//! one.

pub(crate) mod activity;
pub(crate) mod field_mask;
pub(crate) mod versioning;
pub(crate) mod workflow;
