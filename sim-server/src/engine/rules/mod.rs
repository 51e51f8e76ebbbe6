//! Pure functions. [`validate`] decides what is refused, and completes requests. [`retry`] decides when something is tried
//! again, [`cron`] when something begins, and [`schedule`] when a schedule acts; [`spans`], [`instants`] and [`zones`] are how Go reads
//! spans of time, instants and time zones. [`search_attributes`] are what a workflow is found by, a [`list_filter`] is what finds it,
//! and a [`list_token`] says where a page of what is found ends. [`names`] are how things are called; [`json`] is how Go writes values, and
//! [`go_json`] what it says of text that is no JSON; [`hidden`] are errors that clients do not see. [`failure`] and [`payloads`] are what the server itself makes, and [`limits`] are how
//! much of anything there may be ([`switches`]: whether there is any), [`updates`] has those of updates, and [`versions`] are
//! what workers say of theirs; [`options`] are of things that are under way, and can be changed; [`commands`] says which events
//! commands write, and [`sdk`] tells SDKs apart. A rule owns no state and knows no machine. Every room may call it.

pub mod commands;
pub mod cron;
pub(crate) mod failure;
pub(crate) mod go_json;
pub(crate) mod hidden;
pub(crate) mod instants;
pub(crate) mod json;
pub mod limits;
pub(crate) mod list_filter;
pub(crate) mod list_token;
pub mod names;
pub(crate) mod options;
pub mod payloads;
pub mod retry;
pub(crate) mod schedule;
pub mod sdk;
pub mod search_attributes;
pub(crate) mod spans;
pub(crate) mod switches;
pub(crate) mod updates;
pub mod validate;
pub(crate) mod versions;
pub(crate) mod zones;
