//! What goes over the line between the process that counts seeds and those that run them: orders one way, results the other.

use std::{
    collections::BTreeMap,
    io::{self, Read},
    path::PathBuf,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{
    choices::{Input, Only, Redraw, Rot, Strike, Tape},
    finding::FindingKind,
    model::Report,
    time::Start,
};

/// The environment variable that names the socket on which orders come.
pub const SOCKET_VARIABLE: &str = "FORETIME_SOCKET";
/// The variable that names the test to run.
pub const TEST_VARIABLE: &str = "FORETIME_TEST";
/// The variable with the core that the process stays on.
pub const CORE_VARIABLE: &str = "FORETIME_CORE";

/// What one process asks another to run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    /// The seed.
    pub seed: u64,
    /// Draws to repeat in place of the seed's own.
    pub tape: Option<Tape>,
    /// Draws to make anew, of those of the tape.
    pub redraw: Option<Redraw>,
    /// Which of the drawn faults strike, and how inputs are made simpler.
    pub only: Only,
    /// When the run begins, in seconds of the Unix epoch, whatever the test says; `None`: as the test says, or drawn.
    pub starts_at: Option<i64>,
    /// What is known of the seed already.
    pub known: Known,
    /// Whether the report and the trace are wanted.
    pub is_detailed: bool,
    /// Where the test's output goes; `None`: nowhere.
    pub output: Option<PathBuf>,
    /// How long a thread may keep its turn, in real time, if that is less than the environment says.
    pub patience: Option<Duration>,
}

impl Order {
    /// A plain run of this seed.
    pub fn of(seed: u64) -> Self {
        let (only, known) = (Only::default(), Known::default());
        let (tape, redraw, starts_at, output, patience) = (None, None, None, None, None);
        Self { seed, tape, redraw, only, starts_at, known, is_detailed: false, output, patience }
    }

    /// The bytes to send: the length comes first, so that the reader takes nothing of the next order.
    ///
    /// # Errors
    /// It is longer than 4 GiB.
    pub(super) fn to_bytes(&self) -> io::Result<Vec<u8>> {
        let text = serde_json::to_vec(self)?;
        let length = u32::try_from(text.len()).map_err(io::Error::other)?;
        Ok([&length.to_le_bytes(), text.as_slice()].concat())
    }

    /// Reads one order, and nothing that follows it.
    ///
    /// # Errors
    /// None comes, or it is not an order.
    pub fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut length = [0; 4];
        from.read_exact(&mut length)?;
        let mut text = vec![0; usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX)];
        from.read_exact(&mut text)?;
        Ok(serde_json::from_slice(&text)?)
    }
}

/// What other runs of the seed have shown. The story of this run tells it, or depends on it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Known {
    /// Whether no strike that is left can be left out, or the run does not fail.
    pub is_least: bool,
    /// How the run fails without one of the strikes, if it then fails in another way.
    pub otherwise: Option<String>,
    /// What happens without the last strike, if the run then passes: [`Detail::moments`].
    pub usual: Option<Vec<String>>,
    /// Whether the run passes if it begins on the plain date, [`Start::PLAIN`].
    pub passes_on_plain_date: bool,
}

/// The result of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunResult {
    /// The seed.
    pub seed: u64,
    /// When it began, in seconds of the Unix epoch.
    pub starts_at: i64,
    /// The hash of all steps.
    pub hash: u64,
    /// How many steps it took.
    pub steps: u64,
    /// How many decisions were drawn.
    pub draws: u64,
    /// The strikes of faults, in order.
    pub strikes: Vec<Strike>,
    /// How often each kind of fault could have struck in each place; places where none could are absent.
    pub opportunities: BTreeMap<String, u64>,
    /// The inputs, in order.
    pub inputs: Vec<Input>,
    /// Where the code did not ask for what is on the tape that was repeated.
    pub rot: Option<Rot>,
    /// How far virtual time went.
    pub virtual_ns: u64,
    /// How long the run took, in real time.
    pub real_us: u64,
    /// What is wrong with it. The first is told.
    pub failures: Vec<RunFailure>,
    /// Faults by the name of their kind.
    pub faults: BTreeMap<String, u64>,
    /// Workflow tasks that began with a replay.
    pub replays: u64,
    /// Histories, whole and cut, that the official replayer accepted.
    pub replays_checked: u64,
    /// How many runs of workflows there were.
    pub runs_count: u64,
    /// How many effects on the outside world there were.
    pub effects_count: u64,
    /// Each `sometimes!`, and whether it held.
    pub claims: BTreeMap<String, bool>,
    /// The types of activities that have faults of their own or attempts, and whether an attempt began.
    pub activities: BTreeMap<String, bool>,
    /// `Some` if it was asked for.
    pub detail: Option<Box<Detail>>,
}

impl RunResult {
    /// A run of which nothing is known.
    pub fn empty(seed: u64) -> Self {
        Self {
            seed,
            starts_at: Start::PLAIN.unix_s(),
            hash: 0,
            steps: 0,
            draws: 0,
            strikes: Vec::new(),
            opportunities: BTreeMap::new(),
            inputs: Vec::new(),
            rot: None,
            virtual_ns: 0,
            real_us: 0,
            failures: Vec::new(),
            faults: BTreeMap::new(),
            replays: 0,
            replays_checked: 0,
            runs_count: 0,
            effects_count: 0,
            claims: BTreeMap::new(),
            activities: BTreeMap::new(),
            detail: None,
        }
    }
}

/// What is wrong with a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFailure {
    /// Which check found it.
    pub kind: FindingKind,
    /// What is wrong, in a sentence.
    pub title: String,
    /// The rest.
    pub detail: String,
    /// The name of the process where it is.
    pub process: String,
    /// When it was found; virtual nanoseconds since the start.
    pub at_ns: u64,
    /// The same for failures of the same mistake: `Wrong::likeness`.
    pub likeness: u64,
    /// The same, whatever texts the run has drawn: `Wrong::bare_likeness`. `None` if it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bare_likeness: Option<u64>,
}

/// A run in full.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Detail {
    /// Every step, a line each.
    pub trace: Vec<String>,
    /// Every draw.
    pub tape: Tape,
    /// How many draws there were when each instant began, and the instant, in virtual nanoseconds since the start.
    pub draws_at: Vec<(u64, u64)>,
    /// For people.
    pub report: Report,
    /// All moments that a story could tell, if the run passed.
    pub moments: Vec<String>,
    /// The histories of the report by run id, in the form that the replayer of the Rust SDK loads. Only that SDK can write it, so
    /// whoever has it fills them in.
    pub of_rust_sdk: BTreeMap<String, serde_json::Value>,
}

/// A line from a process that runs seeds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Line {
    /// A run has ended.
    Result(Box<RunResult>),
    /// Its process has ended; `Some`: not in good order, and how.
    Ended(Option<String>),
}
