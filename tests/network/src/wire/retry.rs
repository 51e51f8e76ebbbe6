//! The patience of an SDK's client: what is tried again, and when.

use std::time::Duration;

use foretime_server::rpc::table::{TEST_SERVICE, WORKFLOW_SERVICE};
use madsim::{rand::Rng, time};
use prost::Message;
use tonic::{Code, Status};

use super::channel::Channel;

/// How long the first attempts are apart.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
/// How much longer each time.
const BACKOFF_COEFFICIENT: f64 = 1.7;
/// How long they are apart at most.
const BACKOFF_MAX: Duration = Duration::from_secs(5);
/// The backoff is up to this share shorter or longer.
const JITTER: f64 = 0.2;
/// The deadline of one attempt.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
/// The deadline of one long poll.
pub const LONG_POLL_TIMEOUT: Duration = Duration::from_secs(70);

/// For how long a caller tries.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// The deadline of one attempt.
    pub attempt: Duration,
    /// No attempt begins later.
    pub whole: Duration,
}

/// Whether the same call may succeed later, as the SDKs see it.
pub fn is_retryable(code: Code) -> bool {
    matches!(
        code,
        Code::Unavailable
            | Code::DeadlineExceeded
            | Code::ResourceExhausted
            | Code::Aborted
            | Code::Internal
            | Code::Unknown
            | Code::OutOfRange
            | Code::DataLoss
            | Code::Cancelled
    )
}

/// Calls the workflow service until it answers, refuses for good, or patience ends. The request is the same each time.
///
/// # Errors
/// The refusal, or that of the last attempt.
pub async fn call<R: Message + Default>(
    channel: &Channel,
    method: &str,
    request: &impl Message,
    patience: Patience,
) -> Result<R, Status> {
    let message: bytes::Bytes = request.encode_to_vec().into();
    let began = time::Instant::now();
    let mut backoff = FIRST_BACKOFF;
    loop {
        let refused = match channel.call(WORKFLOW_SERVICE, method, message.clone(), patience.attempt).await {
            Ok(answer) => return decoded(&answer),
            Err(refused) => refused,
        };
        if !is_retryable(refused.code()) || began.elapsed() + backoff > patience.whole {
            return Err(refused);
        }
        time::sleep(jittered(backoff)).await;
        backoff = backoff.mul_f64(BACKOFF_COEFFICIENT).min(BACKOFF_MAX);
    }
}

/// Calls once.
///
/// # Errors
/// The refusal.
pub async fn once<R: Message + Default>(
    channel: &Channel,
    method: &str,
    request: &impl Message,
    timeout: Duration,
) -> Result<R, Status> {
    decoded(&channel.call(WORKFLOW_SERVICE, method, request.encode_to_vec().into(), timeout).await?)
}

/// Calls the test service once; the SDKs do not try again here.
///
/// # Errors
/// The refusal.
pub async fn once_of_test(channel: &Channel, method: &str, request: &impl Message) -> Result<(), Status> {
    channel.call(TEST_SERVICE, method, request.encode_to_vec().into(), ATTEMPT_TIMEOUT).await.map(|_| ())
}

/// Somewhat shorter or longer, so that those who were refused together do not come back together.
pub fn jittered(span: Duration) -> Duration {
    span.mul_f64(madsim::rand::thread_rng().gen_range(1.0 - JITTER..1.0 + JITTER))
}

fn decoded<R: Message + Default>(answer: &[u8]) -> Result<R, Status> {
    R::decode(answer).map_err(|error| Status::internal(format!("the answer cannot be decoded: {error}")))
}
