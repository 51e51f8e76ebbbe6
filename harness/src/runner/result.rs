//! What goes over the line between the process that counts seeds and those that run them: orders one way, results the other.

use std::{
    collections::BTreeMap,
    io::{self, Read},
    path::PathBuf,
};

use serde::{Deserialize, Serialize};

use crate::{
    choices::{Only, Strike, Tape},
    report::model::Report,
    world::finding::FindingKind,
};

/// What one process asks another to run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    /// The seed.
    pub(crate) seed: u64,
    /// Draws to repeat in place of the seed's own.
    pub(crate) tape: Option<Tape>,
    /// Which of the drawn faults strike.
    pub(crate) only: Only,
    /// What is known of the seed already.
    pub(crate) known: Known,
    /// Whether the report and the trace are wanted.
    pub(crate) is_detailed: bool,
    /// Where the test's output goes; `None`: nowhere.
    pub(crate) output: Option<PathBuf>,
}

impl Order {
    /// A plain run of this seed.
    pub(crate) fn of(seed: u64) -> Self {
        Self { seed, tape: None, only: Only::default(), known: Known::default(), is_detailed: false, output: None }
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
    pub(super) fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut length = [0; 4];
        from.read_exact(&mut length)?;
        let mut text = vec![0; usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX)];
        from.read_exact(&mut text)?;
        Ok(serde_json::from_slice(&text)?)
    }
}

/// What other runs of the seed have shown. The story of this run tells it, or depends on it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Known {
    /// Whether no strike that is left can be left out, or the run does not fail.
    pub(crate) is_least: bool,
    /// How the run fails without one of the strikes, if it then fails in another way.
    pub(crate) otherwise: Option<String>,
    /// What happens without the last strike, if the run then passes: [`Detail::moments`].
    pub(crate) usual: Option<Vec<String>>,
}

/// The result of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RunResult {
    pub(crate) seed: u64,
    /// The hash of all steps.
    pub(crate) hash: u64,
    pub(crate) steps: u64,
    pub(crate) draws: u64,
    /// The strikes of faults, in order.
    pub(crate) strikes: Vec<Strike>,
    /// How often each kind of fault could have struck in each place; places where none could are absent.
    pub(crate) opportunities: BTreeMap<String, u64>,
    /// How far virtual time went.
    pub(crate) virtual_ns: u64,
    /// How long the run took, in real time.
    pub(crate) real_us: u64,
    pub(crate) failures: Vec<RunFailure>,
    /// Faults by the name of their kind.
    pub(crate) faults: BTreeMap<String, u64>,
    /// Workflow tasks that began with a replay.
    pub(crate) replays: u64,
    /// Histories, whole and cut, that the official replayer accepted.
    pub(crate) replays_checked: u64,
    pub(crate) runs_count: u64,
    pub(crate) effects_count: u64,
    /// Each `sometimes!`, and whether it held.
    pub(crate) claims: BTreeMap<String, bool>,
    /// `Some` if it was asked for.
    pub(crate) detail: Option<Box<Detail>>,
}

impl RunResult {
    /// A run of which nothing is known.
    pub(crate) fn empty(seed: u64) -> Self {
        Self {
            seed,
            hash: 0,
            steps: 0,
            draws: 0,
            strikes: Vec::new(),
            opportunities: BTreeMap::new(),
            virtual_ns: 0,
            real_us: 0,
            failures: Vec::new(),
            faults: BTreeMap::new(),
            replays: 0,
            replays_checked: 0,
            runs_count: 0,
            effects_count: 0,
            claims: BTreeMap::new(),
            detail: None,
        }
    }
}

/// What is wrong with a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunFailure {
    pub(crate) kind: FindingKind,
    pub(crate) title: String,
    pub(crate) detail: String,
    pub(crate) process: String,
    pub(crate) at_ns: u64,
}

/// A run in full.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Detail {
    /// Every step, a line each.
    pub(crate) trace: Vec<String>,
    /// Every draw.
    pub(crate) tape: Tape,
    /// For people.
    pub(crate) report: Report,
    /// All moments that a story could tell, if the run passed.
    pub(crate) moments: Vec<String>,
}

/// A line from a process that runs seeds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Line {
    /// A run has ended.
    Result(Box<RunResult>),
    /// Its process has ended; `Some`: not in good order, and how.
    Ended(Option<String>),
}
