//! The language of the tests. A [`transcript`] drives one service; [`client`], [`worker`] and [`updates`] add their verbs to it.
//! [`requests`] and [`commands`] build what is sent; [`show`] turns replies into text.
//!
//! Only `transcript` uses the service's interface.

pub(crate) mod client;
pub(crate) mod commands;
pub(crate) mod requests;
pub(crate) mod show;
pub(crate) mod transcript;
pub(crate) mod updates;
pub(crate) mod worker;

use std::time::Duration;

use foretime_server::proto::{
    common::{Payload, Payloads},
    failure::{ApplicationFailureInfo, Failure, failure::FailureInfo},
};

pub(crate) use commands::*;
pub(crate) use requests::*;
pub(crate) use transcript::{Transcript, Waiting};

/// A span of whole seconds.
pub(crate) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A span as requests and commands carry it.
pub(crate) fn span(span: Duration) -> Option<prost_types::Duration> {
    span.try_into().ok()
}

/// `text` as the one payload.
pub(crate) fn payloads(text: &str) -> Option<Payloads> {
    Some(Payloads { payloads: vec![payload(text)] })
}

/// `text` as a JSON payload.
pub(crate) fn payload(text: &str) -> Payload {
    Payload {
        metadata: [("encoding".to_owned(), b"json/plain".to_vec())].into(),
        data: format!("{text:?}").into_bytes(),
        ..Payload::default()
    }
}

/// A failure that may be retried, of the type `Oops`.
pub(crate) fn failure(message: &str) -> Failure {
    application_failure(message, ApplicationFailureInfo::default())
}

/// An application failure; the type is `Oops` unless `info` says otherwise.
pub(crate) fn application_failure(message: &str, mut info: ApplicationFailureInfo) -> Failure {
    if info.r#type.is_empty() {
        info.r#type = "Oops".to_owned();
    }
    Failure { message: message.to_owned(), failure_info: Some(FailureInfo::ApplicationFailureInfo(info)), ..Failure::default() }
}
