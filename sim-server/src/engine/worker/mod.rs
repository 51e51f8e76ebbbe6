//! Workers: which of them have said good-bye ([`registry`]), and the RPC by which they do ([`calls`]).

mod calls;
pub(crate) mod registry;
