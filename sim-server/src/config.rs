//! The configuration of a server: plain data, made from a command line by `foretime`, or by a test.

use std::collections::BTreeMap;

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
    /// Whether time may skip from the start: the count of time-skipping locks starts at 0 if so, at 1 if not.
    pub time_skipping: bool,
    /// Whether a call that awaits an update lifts one lock for as long as it waits, on [`Personality::TestServer`]. If not, time
    /// skips only for those who unlock it.
    pub awaits_lift_locks: bool,
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
            time_skipping: false,
            awaits_lift_locks: true,
            long_polls_end: true,
            verifies_rebuilds: false,
            seed: 0,
        }
    }
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
