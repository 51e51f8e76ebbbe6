//! The RPCs of namespaces ([`namespaces`]: register, describe, list; [`change`]: update, deprecate, delete), of their search attributes
//! ([`search_attributes`]), and what the service says of itself and its cluster ([`cluster`]).

mod change;
pub(in crate::engine) mod cluster;
mod namespaces;
mod search_attributes;
