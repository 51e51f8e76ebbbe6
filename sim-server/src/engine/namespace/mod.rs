//! Namespaces. The [`registry`] owns them, and the search attributes that are registered in each. The RPCs of all rooms ask it
//! which namespace a request names. [`calls`] has the RPCs of namespaces and of search attributes, and what the service says of
//! itself.

mod calls;
pub(crate) mod registry;
