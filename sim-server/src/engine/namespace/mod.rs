//! Namespaces: the [`registry`] owns them and what is registered in each; [`calls`] has their RPCs, and what the service says of
//! itself.

mod calls;
pub(crate) mod registry;
