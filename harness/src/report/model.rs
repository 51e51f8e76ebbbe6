//! What a report is made of: one run, as plain data. The simulation fills it in, `html` and `timeline` draw it, and `foretime`
//! can write it as JSON and read it back.
//!
//! Times are virtual. `*_ns` counts nanoseconds since the run began; `started_at_unix_ms` says which date that was. Field and
//! variant names are the JSON names (snake case), and the page's script reads them: a rename here is a rename there.

use serde::{Deserialize, Serialize};

/// One simulation run, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Report {
    /// The name of the test.
    pub(crate) test: String,
    pub(crate) seed: u64,
    pub(crate) failed: bool,
    /// Why the run failed, if it did.
    pub(crate) failure: Option<Failure>,
    /// What happened, in a few sentences.
    pub(crate) story: Vec<String>,
    /// Further consequences, for those who want to know more than the story tells.
    #[serde(default)]
    pub(crate) untold: Vec<String>,
    /// What is left out of spans and events, if the run was too long to show all of it.
    pub(crate) omitted: Option<String>,
    /// The one command that repeats the run.
    pub(crate) repeat: String,
    pub(crate) started_at_unix_ms: i64,
    pub(crate) ended_at_ns: u64,
    pub(crate) steps: u64,
    pub(crate) trace_hash: String,
    pub(crate) faults: Vec<FaultCount>,
    pub(crate) processes: Vec<Process>,
    pub(crate) spans: Vec<Span>,
    pub(crate) events: Vec<Event>,
    pub(crate) workflows: Vec<Workflow>,
    /// What the test printed.
    pub(crate) output: String,
}

/// Why a run failed: one line, and everything else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub(crate) title: String,
    pub(crate) detail: String,
}

/// How often a kind of fault was injected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FaultCount {
    pub(crate) kind: String,
    pub(crate) count: u64,
}

/// A simulated process. Spans and events name it by its index in [`Report::processes`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Process {
    pub(crate) name: String,
    pub(crate) kind: ProcessKind,
    /// From each start to the crash or shutdown that ended it, in order.
    pub(crate) lives: Vec<Life>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ProcessKind {
    /// The test's own body.
    Test,
    Worker,
    Server,
}

/// One life of a process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Life {
    pub(crate) from_ns: u64,
    pub(crate) to_ns: u64,
    pub(crate) ended: Ended,
    /// Which version of the code ran.
    pub(crate) version: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ended {
    Crash,
    Shutdown,
    /// It had nothing left to do.
    End,
    Panic,
    /// The run ended first.
    Running,
}

/// Something that took time on a process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Span {
    pub(crate) process: usize,
    pub(crate) from_ns: u64,
    pub(crate) to_ns: u64,
    /// The step at which it began and ended: places it among the events of the same instant. Left out, it gets the instant's middle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) from_step: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) to_step: Option<u64>,
    pub(crate) kind: SpanKind,
    pub(crate) label: String,
    pub(crate) detail: String,
    pub(crate) outcome: Outcome,
    /// The workflow it belongs to: the page highlights what has the same one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) workflow_id: Option<String>,
    /// The activity it belongs to; the same in every attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) activity_id: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SpanKind {
    Activity,
    WorkflowTask,
    Rpc,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Completed,
    Failed,
    /// Its process crashed under it.
    Crashed,
    /// It was done, but nobody learned of it.
    Lost,
    TimedOut,
    /// The run ended first.
    Running,
}

/// Something that happened at one instant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) at_ns: u64,
    /// Which step of the run it was: the order of events of one instant.
    pub(crate) step: u64,
    pub(crate) process: Option<usize>,
    pub(crate) kind: EventKind,
    pub(crate) label: String,
    pub(crate) detail: String,
    /// The kind of fault, when one was injected here.
    pub(crate) fault: Option<String>,
    /// Whether the failure cannot be understood without it.
    pub(crate) important: bool,
    /// See [`Span::workflow_id`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) workflow_id: Option<String>,
    /// See [`Span::activity_id`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) activity_id: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EventKind {
    Rpc,
    Fault,
    /// Something was done to the outside world.
    Effect,
    Log,
    Panic,
    /// A claim or an invariant was looked at.
    Check,
    /// The test's own body did something.
    Test,
}

/// A workflow run and its history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Workflow {
    pub(crate) workflow_id: String,
    pub(crate) run_id: String,
    pub(crate) workflow_type: String,
    pub(crate) status: String,
    /// The canonical proto JSON: `{"events": [...]}`.
    pub(crate) history: serde_json::Value,
    /// Where the history was written to.
    pub(crate) file: Option<String>,
}
