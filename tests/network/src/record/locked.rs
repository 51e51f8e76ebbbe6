//! What time it was while a client had locked it.

use foretime_campaign::process::ProcessId;

/// Two looks at the server's clock, between which the client held a lock on time. Its connection was the same all the while.
#[derive(Clone, Debug)]
pub struct LockedSpan {
    /// The name of the client.
    pub client: String,
    /// The life of the client.
    pub process: ProcessId,
    /// What the first look showed; nanoseconds of the server's virtual time.
    pub first_ns: i64,
    /// What the last look showed; nanoseconds of the server's virtual time.
    pub last_ns: i64,
    /// When the client asked for the first look; virtual nanoseconds since the start of the run.
    pub sent_ns: u64,
    /// When the answer to the last look reached it; virtual nanoseconds since the start of the run.
    pub reached_ns: u64,
}
