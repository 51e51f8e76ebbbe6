//! What a report is made of: one run, as plain data. The simulation fills it in, `html` and `timeline` draw it, and `foretime`
//! can write it as JSON and read it back.
//!
//! Times are virtual. `*_ns` counts nanoseconds since the run began; `started_at_unix_ms` says which date that was. Field and
//! variant names are the JSON names (snake case), and the page's script reads them: a rename here is a rename there.

#![allow(missing_docs, reason = "the docs of a type say what its fields are")]

use serde::{Deserialize, Serialize};

/// One simulation run, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The name of the test.
    pub test: String,
    pub seed: u64,
    pub failed: bool,
    /// Why the run failed, if it did.
    pub failure: Option<Failure>,
    /// What happened, in a few sentences.
    pub story: Vec<String>,
    /// Further consequences, for those who want to know more than the story tells.
    #[serde(default)]
    pub untold: Vec<String>,
    /// When it was doomed, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doom: Option<Doom>,
    /// What is left out of spans and events, if the run was too long to show all of it.
    pub omitted: Option<String>,
    /// The one command that repeats the run.
    pub repeat: String,
    pub started_at_unix_ms: i64,
    pub ended_at_ns: u64,
    pub steps: u64,
    pub trace_hash: String,
    pub faults: Vec<FaultCount>,
    pub processes: Vec<Process>,
    pub spans: Vec<Span>,
    pub events: Vec<Event>,
    pub workflows: Vec<Workflow>,
    /// What the test printed.
    pub output: String,
}

/// Why a run failed: one line, and everything else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    pub title: String,
    pub detail: String,
}

/// How likely the run was to fail, at some of its moments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Doom {
    /// In the order of time.
    pub points: Vec<DoomPoint>,
    /// The moment at which it became likely, in a sentence; `None` if there is no such moment.
    pub told: Option<String>,
}

/// How many runs fail if everything from this moment on is drawn anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoomPoint {
    pub at_ns: u64,
    pub failing: u32,
    pub runs: u32,
}

/// How often a kind of fault was injected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultCount {
    pub kind: String,
    pub count: u64,
}

/// A simulated process. Spans and events name it by its index in [`Report::processes`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Process {
    pub name: String,
    pub kind: ProcessKind,
    /// From each start to the crash or shutdown that ended it, in order.
    pub lives: Vec<Life>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcessKind {
    /// The test's own body.
    Test,
    /// A struck client: a program without a worker.
    Client,
    Worker,
    Server,
}

/// One life of a process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Life {
    pub from_ns: u64,
    pub to_ns: u64,
    pub ended: Ended,
    /// Which version of the code ran.
    pub version: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
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
pub struct Span {
    pub process: usize,
    pub from_ns: u64,
    pub to_ns: u64,
    /// The step at which it began and ended: places it among the events of the same instant. Left out, it gets the instant's
    /// middle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_step: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_step: Option<u64>,
    pub kind: SpanKind,
    pub label: String,
    pub detail: String,
    pub outcome: Outcome,
    /// The workflow it belongs to: the page highlights what has the same one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow_id: Option<String>,
    /// The activity it belongs to; the same in every attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity_id: Option<String>,
    /// The update it belongs to; the same for its callers and its handlers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_id: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpanKind {
    Activity,
    WorkflowTask,
    /// A client awaits an update, or a worker handles it.
    Update,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Completed,
    Failed,
    /// Its process crashed under it.
    Crashed,
    /// It was done, but nobody learned of it.
    Lost,
    /// The run ended first.
    Running,
}

/// Something that happened at one instant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub at_ns: u64,
    /// Which step of the run it was: the order of events of one instant.
    pub step: u64,
    pub process: Option<usize>,
    pub kind: EventKind,
    pub label: String,
    pub detail: String,
    /// The kind of fault, when one was injected here.
    pub fault: Option<String>,
    /// Whether the failure cannot be understood without it.
    pub important: bool,
    /// See [`Span::workflow_id`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow_id: Option<String>,
    /// See [`Span::activity_id`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity_id: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
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
pub struct Workflow {
    pub workflow_id: String,
    pub run_id: String,
    pub workflow_type: String,
    pub status: String,
    /// The canonical proto JSON: `{"events": [...]}`.
    pub history: serde_json::Value,
    /// Where the history was written to.
    pub file: Option<String>,
}
