//! What differs between the SDKs in how their workers replay, and in what they say when code and history part.

use crate::proto::{enums::WorkflowTaskFailedCause, failure::Failure};

/// SDKs that replay in the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// On sdk-core: Python, TypeScript, .NET, Ruby, Rust.
    Core,
    /// Go, and PHP on top of it.
    Go,
    /// Java.
    Java,
    /// Somebody who does not say, or says something else.
    Unknown,
}

const ON_CORE: [&str; 5] = ["temporal-python", "temporal-typescript", "temporal-dotnet", "temporal-ruby", "temporal-rust"];
/// A worker on sdk-core that hears this of its completion drops the run from its cache, and says nothing. What it has asked for is
/// done all the same.
pub(crate) const UNHANDLED_COMMAND: &str = "UnhandledCommand";
/// The start of the task before, as a worker is told it of a task that is a replay to its end. Go's own replayer says the same.
pub(crate) const REPLAY_TO_THE_END: i64 = i64::MAX;
/// What an SDK says when code and history part.
const NONDETERMINISM: [&str; 3] = ["TMPRL1100", "ondeterminis", "on-determinis"];

impl Family {
    /// The family of the SDK that calls itself so in the header `client-name`.
    pub fn of(client_name: &str) -> Self {
        let is = |name: &str| client_name.starts_with(name);
        if ON_CORE.iter().any(|name| is(name)) {
            Self::Core
        } else if is("temporal-go") || is("temporal-php") {
            Self::Go
        } else if is("temporal-java") {
            Self::Java
        } else {
            Self::Unknown
        }
    }

    /// Whether its workers go on from their cache even if a workflow task brings the history from its first event on. They drop a run
    /// from the cache if the answer to a completion says `UnhandledCommand`, and are silent about it.
    pub(crate) fn skips_what_it_has_seen(self) -> bool {
        self == Self::Core
    }
}

/// Whether an SDK's words say that code and history part.
pub fn says_nondeterminism(words: &str) -> bool {
    NONDETERMINISM.iter().any(|text| words.contains(text))
}

/// Whether a workflow task failed since the code does not fit the history.
pub(crate) fn is_nondeterminism(cause: WorkflowTaskFailedCause, failure: Option<&Failure>) -> bool {
    let text = failure.map(words).unwrap_or_default();
    cause == WorkflowTaskFailedCause::NonDeterministicError || says_nondeterminism(&text)
}

/// A failure's message with those of its causes.
pub(crate) fn words(failure: &Failure) -> String {
    let causes = std::iter::successors(Some(failure), |failure| failure.cause.as_deref());
    causes.map(|failure| failure.message.as_str()).filter(|text| !text.is_empty()).collect::<Vec<_>>().join(": ")
}
