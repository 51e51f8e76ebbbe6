//! What every kind of execution shares: what a [`machine`] is, the [`store`] of them, how their ids are claimed ([`conflict`]), the [`transact`]ion in which one of them
//! changes, and the callers that are [`waiters`] for its events. A kind of execution is a room of its own, and uses this one.

pub(crate) mod conflict;
pub(crate) mod machine;
pub(crate) mod store;
pub(crate) mod transact;
pub(crate) mod waiters;

pub(crate) use transact::Cx;
