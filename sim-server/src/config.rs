//! The configuration of a server: plain data, made from a command line by `foretime`, or by a test.

use std::{collections::BTreeMap, time::Duration};

use crate::proto::enums::IndexedValueType;

/// Everything a [`crate::rpc::Service`] needs to know at its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Which server it takes the place of.
    pub personality: Personality,
    /// Namespaces that exist from the start, in this order. [`Personality::TestServer`] registers others on first use.
    pub namespaces: Vec<String>,
    /// Custom search attributes, registered in every one of [`Self::namespaces`].
    pub search_attributes: Vec<(String, SearchAttributeType)>,
    /// The real server's dynamic configuration: key to JSON value, as written. Keys that mean nothing here have no effect.
    pub dynamic_config: BTreeMap<String, String>,
    /// When time skips.
    pub time: TimeMode,
    /// Where virtual time begins; with the wall's if `None`.
    pub start_time: Option<prost_types::Timestamp>,
    /// How long time waits for those who may be on their way. `None` where the wall itself is virtual: then it waits for ever.
    pub graces: Option<Graces>,
    /// When time counts as running away.
    pub runaway: RunawayLimits,
    /// What workers replay besides what they replay by themselves.
    pub replay: Replay,
    /// How much later (virtual) executions are listed as they are now, as a real cluster is late. Zero: at once.
    pub visibility_lag: Duration,
    /// Whether it is remembered in which order runs close, for who looks at them ([`crate::engine::View::closed_from`]).
    pub remembers_closes: bool,
    /// Whether runs that were deleted are kept for who looks at the service from inside ([`crate::engine::View::runs`]). No call finds
    /// them.
    pub keeps_deleted: bool,
    /// Whether closed runs are deleted after the retention of their namespace, in real time. If not, they stay for the life of the server.
    pub deletes_expired: bool,
    /// Whether a long poll ends after a minute with an empty answer. If not, it waits for as long as its caller does; otherwise
    /// a simulated year would be mostly polls.
    pub long_polls_end: bool,
    /// Whether each run is rebuilt from its history after each transaction, and compared in all that history tells. For tests:
    /// it is slow, and a difference is a panic.
    pub verifies_rebuilds: bool,
    /// The seed of all ids: the same seed and the same calls give the same ids.
    pub seed: u64,
}

impl Default for Config {
    /// A test server with the namespace `default`, its time locked to the wall, seed 0.
    fn default() -> Self {
        Self {
            personality: Personality::TestServer,
            namespaces: vec!["default".to_owned()],
            search_attributes: Vec::new(),
            dynamic_config: BTreeMap::new(),
            time: TimeMode::Locked,
            start_time: None,
            graces: Some(Graces::default()),
            runaway: RunawayLimits::default(),
            replay: Replay::default(),
            visibility_lag: Duration::ZERO,
            remembers_closes: false,
            keeps_deleted: false,
            deletes_expired: false,
            long_polls_end: true,
            verifies_rebuilds: false,
            seed: 0,
        }
    }
}

/// When time skips. In every mode, it stands while a worker has something to do, or may come for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeMode {
    /// Never: it goes with the wall, whatever clients ask for.
    Paced,
    /// While the clients' locks on it are lifted. It starts with one lock, as the SDKs expect of a test server that they start.
    Locked,
    /// Always, unless a client locks it.
    Skipping,
    /// While some client awaits the end of a workflow or the outcome of an update, or sleeps in virtual time, and no client locks it.
    Awaited,
}

/// How long, on the wall, time waits for those who may be on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Graces {
    /// For a worker of a task queue that nobody has polled yet.
    pub unpolled: Duration,
    /// For an attempt of an activity that somebody's sleep would take beyond its timeout, since it was last heard of.
    pub silence: Duration,
}

impl Default for Graces {
    fn default() -> Self {
        Self { unpolled: Duration::from_secs(10), silence: Duration::from_secs(2) }
    }
}

/// When time counts as running away, and what happens then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunawayLimits {
    /// Time stops skipping after as many failures of one activity, workflow task or chain of runs, with nothing else between them.
    pub failed_attempts_max: u32,
    /// ... or when this much was skipped and no client has done anything meanwhile, or got what it awaits.
    pub skipped_max: Duration,
    /// Whether a run for which time would stop skipping is terminated instead, and one whose workflow task fails.
    pub is_fail_fast: bool,
}

impl Default for RunawayLimits {
    fn default() -> Self {
        let years = 100;
        let skipped_max = Duration::from_secs(years * 365 * 24 * 60 * 60);
        Self { failed_attempts_max: 100, skipped_max, is_fail_fast: false }
    }
}

/// What workers replay besides what they replay by themselves, so that a test finds code that does not fit its own history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replay {
    /// Each workflow task comes with its history from the first event on, and the worker goes through all of it. A run whose code
    /// does not fit is terminated.
    pub always: bool,
    /// A run that has closed is replayed once more by a worker that still polls. Who awaits its end hears of it after that, and hears
    /// of a difference instead.
    pub closed: bool,
}

/// Which server this one takes the place of. The two differ in what they accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Personality {
    /// `temporal-test-server`: a namespace is registered on first use.
    TestServer,
    /// `temporal server start-dev`: a namespace that is not registered is an error.
    DevServer,
}

/// The type of a search attribute's values, in the names of `temporal server start-dev --search-attribute`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchAttributeType {
    /// Text that is matched by its words.
    Text,
    /// Text that is matched whole.
    Keyword,
    /// A signed 64-bit integer.
    Int,
    /// A 64-bit floating point number.
    Double,
    /// True or false.
    Bool,
    /// An instant.
    Datetime,
    /// A list of texts, each matched whole.
    KeywordList,
}

impl SearchAttributeType {
    /// Every type, in the order in which the real server's help lists them.
    pub const ALL: [Self; 7] =
        [Self::Text, Self::Keyword, Self::Int, Self::Double, Self::Bool, Self::Datetime, Self::KeywordList];

    /// The type's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "Text",
            Self::Keyword => "Keyword",
            Self::Int => "Int",
            Self::Double => "Double",
            Self::Bool => "Bool",
            Self::Datetime => "Datetime",
            Self::KeywordList => "KeywordList",
        }
    }

    /// The type of this name, whatever its case; `None` if there is none.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name))
    }

    /// As the wire writes it.
    pub const fn to_proto(self) -> IndexedValueType {
        match self {
            Self::Text => IndexedValueType::Text,
            Self::Keyword => IndexedValueType::Keyword,
            Self::Int => IndexedValueType::Int,
            Self::Double => IndexedValueType::Double,
            Self::Bool => IndexedValueType::Bool,
            Self::Datetime => IndexedValueType::Datetime,
            Self::KeywordList => IndexedValueType::KeywordList,
        }
    }
}
