//! What every kind of execution shares. It defines what a [`machine`] is, and how one changes: in a [`transact`]ion. It owns
//! the [`store`] of machines, how long closed ones are kept ([`retention`]), and the callers that wait for their events ([`waiters`]).
//! It says how a machine is [`found`], who may claim a business id ([`conflict`]) and who did something ([`by`]). A kind of execution is
//! a room of its own that uses this one.

pub(crate) mod by;
pub(crate) mod conflict;
pub(crate) mod found;
pub(crate) mod machine;
pub(crate) mod retention;
pub(crate) mod store;
pub(crate) mod transact;
pub(crate) mod waiters;

pub(crate) use by::By;
pub(crate) use transact::Cx;
