//! A client of codec servers, which decode payloads for people.
//!
//! [`server`] asks one, as the `temporal` program does, and says in one line what went wrong. [`http`] makes the request.

mod http;
mod server;

pub(crate) use server::Codec;
