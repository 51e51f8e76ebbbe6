//! What is refused of updates, and what the server says of them (`workflow/update/registry.go`, `errors_failures.go`).

use prost::Message;

use super::limits::Limits;
use crate::{
    engine::kernel::error::{Error, Result},
    proto::{enums::ResourceExhaustedCause, update::Request},
};

/// What a type URL and the tags of an `Any` take around a request.
const ENVELOPE_BYTES: usize = "type.googleapis.com/temporal.api.update.v1.Request".len() + 4;

/// The text for an update that was not processed before its workflow closed.
pub(crate) const CLOSING: &str = "workflow update was aborted by closing workflow";
/// The text for an update whose worker's answer was refused.
pub(crate) const PAUSED: &str = "Workflow is paused. Cannot update the workflow.";
/// The text where the task fails that has taken it to a worker.
pub(crate) const TASK_FAILED: &str = "Unable to perform workflow execution update due to unexpected workflow task failure.";
/// The text for an update of a workflow whose code fails again and again.
pub(crate) const TASK_KEEPS_FAILING: &str = "Unable to perform workflow execution update due to Workflow Task in failed state.";

/// The id of the message that takes an update to a worker.
pub(crate) fn request_message_id(update_id: &str) -> String {
    format!("{update_id}/request")
}

/// Refuses one update too many at a time.
pub(crate) fn check_in_flight(count: usize, limits: &Limits) -> Result<()> {
    let max = limits.updates_in_flight_max;
    if max > 0 && count >= max {
        return Err(exhausted(format!("limit on number of concurrent in-flight updates has been reached ({max})")));
    }
    Ok(())
}

/// Refuses one update too many of one run.
pub(crate) fn check_total(count: usize, limits: &Limits) -> Result<()> {
    let max = limits.updates_total_max;
    if max > 0 && count >= max {
        return Err(Error::FailedPrecondition(format!(
            "The limit on the total number of distinct updates in this workflow has been reached ({max}). Make sure any \
             duplicate updates share an Update ID so the server can deduplicate them, and consider rejecting updates that you \
             aren't going to process. You can also Continue-as-New to avoid this; we recommend you check Continue-as-New \
             Suggested in your Workflow."
        )));
    }
    Ok(())
}

/// Refuses updates that are too large together. `in_flight_bytes`: what those before take.
pub(crate) fn check_size(in_flight_bytes: usize, update_id: &str, request: &Request, limits: &Limits) -> Result<()> {
    let max = limits.updates_in_flight_max_bytes;
    if max > 0 && in_flight_bytes + 2 * update_id.len() + request.encoded_len() >= max {
        return Err(exhausted(format!("limit on total payload size of in-flight updates has been reached ({max} bytes)")));
    }
    Ok(())
}

/// What a request takes while it is in flight (`Update.GetSize`).
pub(crate) fn size_in_flight(update_id: &str, request: &Request) -> usize {
    2 * update_id.len() + request.encoded_len() + ENVELOPE_BYTES
}

/// The refusal of an update or a signal that comes while its workflow closes, or that the next run may take. SDKs try again.
pub(crate) fn try_the_next_run() -> Error {
    Error::ResourceExhausted {
        message: "workflow operation can not be applied because workflow is closing".to_owned(),
        cause: ResourceExhaustedCause::BusyWorkflow,
    }
}

fn exhausted(message: String) -> Error {
    Error::ResourceExhausted { message, cause: ResourceExhaustedCause::ConcurrentLimit }
}
