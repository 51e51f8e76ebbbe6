//! Namespaces. The [`registry`] owns them, and the search attributes that are registered in each, of which [`columns`] says where the
//! SQL store would keep them. The RPCs of all rooms ask it which namespace a request names. [`calls`] has the RPCs of namespaces and of
//! search attributes, and what the service says of itself.

mod calls;
mod columns;
pub(crate) mod registry;
