//! The opaque tokens that clients carry back: task tokens and page tokens.

use prost::Message;

use super::error::{Error, Result};

/// What a worker sends back with the outcome of a workflow task or an activity task.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct TaskToken {
    /// Index of the run in the store.
    #[prost(uint32, tag = "1")]
    pub(crate) run: u32,
    /// Guards the index: a token of another server names another run.
    #[prost(string, tag = "2")]
    pub(crate) run_id: String,
    /// For who asks for a run that is not there any more.
    #[prost(string, tag = "10")]
    pub(crate) workflow_id: String,
    #[prost(int64, tag = "3")]
    pub(crate) scheduled_event_id: i64,
    /// Zero for activities: their started event is written when they close.
    #[prost(int64, tag = "4")]
    pub(crate) started_event_id: i64,
    #[prost(int32, tag = "5")]
    pub(crate) attempt: i32,
    /// Nanoseconds since the epoch.
    #[prost(int64, tag = "6")]
    pub(crate) started_time: i64,
    /// Set on an activity's token.
    #[prost(string, tag = "7")]
    pub(crate) activity_id: String,
    /// Set (not zero) on the token of a query task.
    #[prost(uint64, tag = "8")]
    pub(crate) query: u64,
    /// Set (not zero) on the token of a replay of a closed run.
    #[prost(uint64, tag = "9")]
    pub(crate) replay: u64,
    /// Distinguishes these tokens from other bytes.
    #[prost(fixed32, tag = "15")]
    pub(crate) mark: u32,
}

/// Where the next page of a history starts.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct PageToken {
    #[prost(string, tag = "1")]
    pub(crate) run_id: String,
    /// First event of the next page.
    #[prost(int64, tag = "2")]
    pub(crate) from: i64,
    /// End (exclusive) of what the first page promised; a long poll looks beyond it.
    #[prost(int64, tag = "3")]
    pub(crate) until: i64,
    /// The caller waits for new events.
    #[prost(bool, tag = "4")]
    pub(crate) waiting: bool,
    /// The page ends with the events of a workflow task that are not in the history (yet).
    #[prost(bool, tag = "5")]
    pub(crate) transient: bool,
    /// The history is read from its end; the page ends before `until`.
    #[prost(bool, tag = "6")]
    pub(crate) backwards: bool,
    #[prost(fixed32, tag = "15")]
    pub(crate) mark: u32,
}

const TASK_MARK: u32 = 0x4654_544b;
const PAGE_MARK: u32 = 0x4654_5047;

impl TaskToken {
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        Self { mark: TASK_MARK, ..self }.encode_to_vec()
    }

    pub(crate) fn parse(bytes: &[u8]) -> Result<Self> {
        let bad = || Error::invalid("Error deserializing task token.");
        if bytes.is_empty() {
            return Err(Error::invalid("Task token not set on request."));
        }
        match Self::decode(bytes) {
            Ok(token) if token.mark == TASK_MARK => Ok(token),
            _ => Foreign::decode(bytes).ok().filter(Foreign::is_task).map(Self::of_nobody).ok_or_else(bad),
        }
    }

    /// Names no run: what it asks for is not found.
    fn of_nobody(foreign: Foreign) -> Self {
        Self { run: u32::MAX, run_id: foreign.run_id, workflow_id: foreign.workflow_id, ..Self::default() }
    }
}

/// A task token of a real server. It is well-formed, but its task is not here.
#[derive(Clone, PartialEq, Message)]
struct Foreign {
    #[prost(string, tag = "1")]
    namespace_id: String,
    #[prost(string, tag = "2")]
    workflow_id: String,
    #[prost(string, tag = "3")]
    run_id: String,
}

impl Foreign {
    fn is_task(&self) -> bool {
        !self.workflow_id.is_empty()
    }
}

impl PageToken {
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        Self { mark: PAGE_MARK, ..self }.encode_to_vec()
    }

    pub(crate) fn parse(bytes: &[u8]) -> Result<Self> {
        let bad = || Error::invalid("Invalid NextPageToken.");
        let token = Self::decode(bytes).map_err(|_| bad())?;
        if token.mark == PAGE_MARK { Ok(token) } else { Err(bad()) }
    }
}
