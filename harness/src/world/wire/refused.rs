//! The reply to a request that the server or the wire refuses.

use foretime_campaign::{attempt::Attempt, log::Refusal};
use prost::Message;
use tonic::Status;

use super::SIMULATED;

/// A refusal on its way to its caller.
#[derive(Debug)]
pub(in crate::world) struct Refused {
    status: Status,
    /// The wire refuses, not the server.
    is_simulated: bool,
}

/// The typed details of a refusal, from the `google.rpc.Status` that carries them.
#[derive(Clone, PartialEq, Message)]
struct Details {
    #[prost(bytes = "vec", repeated, tag = "3")]
    details: Vec<Vec<u8>>,
}

impl Refused {
    pub(super) const fn by_server(status: Status) -> Self {
        Self { status, is_simulated: false }
    }

    /// The server cannot be reached, or its reply does not come.
    pub(super) fn unreachable() -> Self {
        Self::simulated(Status::unavailable(format!("{SIMULATED}the connection broke")))
    }

    pub(super) fn busy() -> Self {
        Self::simulated(Status::resource_exhausted(format!("{SIMULATED}too many requests")))
    }

    /// The request is lost, and its sender has waited long enough.
    pub(super) fn unheard() -> Self {
        Self::simulated(Status::deadline_exceeded(format!("{SIMULATED}no answer in time")))
    }

    const fn simulated(status: Status) -> Self {
        Self { status, is_simulated: true }
    }

    /// What the log keeps of it.
    pub(super) fn to_be_kept(&self, rpc: &str, outcome_of: Option<Attempt>, workflow_id: Option<String>) -> Refusal {
        Refusal {
            rpc: rpc.to_owned(),
            code: u64::from(i32::from(self.status.code()).unsigned_abs()),
            details: Details::decode(self.status.details()).unwrap_or_default().details.concat(),
            text: self.status.message().to_owned(),
            is_simulated: self.is_simulated,
            outcome_of,
            workflow_id,
        }
    }

    pub(super) fn text(&self) -> String {
        self.status.message().to_owned()
    }

    pub(super) fn into_status(self) -> Status {
        self.status
    }
}
