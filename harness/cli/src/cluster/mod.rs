//! Histories that a running cluster keeps: which runs there are, and the whole history of each.
//!
//! [`options`] are the arguments. They, the environment, and the [`file`] of the `temporal` program are a [`layer`] of settings each;
//! one over the other, they make the [`profile`]: where to connect and how. [`client`] connects, with TLS from [`tls`], and makes calls that [`pace`] spaces out and
//! repeats; [`trouble`] says in one line what went wrong. [`runs`] lists runs and fetches histories, of which [`choice`] takes the newest
//! of each type. [`save`] writes histories to files. [`codec`] says who decodes their payloads.
//!
//! Everything here reads the cluster. A worker that is started beside must not see these settings: it would connect to the
//! cluster and take its tasks.

mod choice;
mod client;
mod codec;
mod file;
mod layer;
mod options;
mod pace;
mod profile;
mod runs;
mod save;
mod tls;
mod trouble;

pub(crate) use client::Cluster;
pub(crate) use codec::{CodecOptions, CodecSettings};
pub(crate) use options::{Connection, Options};
pub(crate) use runs::Run;
pub(crate) use save::{Folder, Name};
pub(crate) use trouble::causes;
