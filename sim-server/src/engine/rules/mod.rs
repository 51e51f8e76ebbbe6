//! Pure functions: what is refused and how a request is completed ([`validate`]), when something is tried again ([`retry`]) or
//! begins ([`cron`]), what a workflow is found by ([`search_attributes`]), how things are called ([`names`]), what the server itself
//! makes ([`failure`], [`payloads`]), and how much of anything there may be ([`limits`]). A rule owns no state and knows no machine.

pub mod cron;
pub(crate) mod failure;
pub mod limits;
pub mod names;
pub mod payloads;
pub mod retry;
pub mod search_attributes;
pub mod validate;
