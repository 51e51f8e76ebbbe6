//! What can happen in a run, as data. [`super::words`] has the words, and none of them goes into the hash.

#![allow(missing_docs, reason = "the docs of a type say what its fields are")]

use std::time::Duration;

use super::network::Network;
use crate::{
    attempt::Attempt,
    effects::Applied,
    fault::{Fault, Place},
    finding::Wrong,
    hash::Hash,
    process::Ending,
};

/// Something that happened and is kept.
#[derive(Clone, Debug)]
pub enum What {
    /// A message, at a point of its way; if all messages are kept.
    Message { passage: Passage, rpc: String, bytes_count: usize },
    /// A request is refused; if all messages are kept.
    Refusal(Refusal),
    /// A fault strikes.
    Fault(Struck),
    /// The test draws an input.
    Input(Drawn),
    /// A client of the test does something, in these words.
    Action { client: String, action: String },
    /// Something is done to the outside world.
    Effect(Done),
    /// A process begins or ends.
    Life(LifeStep),
    /// A step of an errand: of something that a caller has the process of a struck client do. `client`: the name of that process.
    /// `number`: which of its errands, from 1.
    Errand { client: String, number: u64, step: ErrandStep },
    /// Code panics: with this message, at this place in it.
    Panic { message: String, place: String },
    /// Something is wrong.
    Finding(Wrong),
}

/// Where a message is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// A process sends a request.
    Sent,
    /// A process sends a request after its end, while its tasks are dropped. For a comparison of runs, not for people.
    SentInVain,
    /// A request reaches the server.
    Arrived,
    /// The second copy of a request that the wire duplicated reaches the server.
    ArrivedAgain,
    /// The answer reaches its caller.
    Answered,
}

/// A request that the server, or the wire, refuses.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub rpc: String,
    /// The code of gRPC.
    pub code: u64,
    /// The details of the server's status, without its text.
    pub details: Vec<u8>,
    pub text: String,
    /// The wire refuses it, not the server.
    pub is_simulated: bool,
    /// The attempt of an activity whose outcome the request reports, if known.
    pub outcome_of: Option<Attempt>,
    /// The workflow that the request is about, if that is known.
    pub workflow_id: Option<String>,
}

/// A fault that struck, and what it carries.
#[derive(Clone, Debug)]
pub enum Struck {
    Crash(Crash),
    ClusterCrash(Crash),
    Restart(Place),
    ReplyLost(Call),
    Duplicate(Call),
    Delay { call: Call, way: Way, by: Duration },
    Unavailable(Call),
    ResourceExhausted(Call),
    DeadlineExceeded { call: Call, timeout: Duration },
    Eviction { cache_size: usize },
    ActivityFailure { attempt: Attempt, error_type: String, after_work: bool },
    ActivitySlow { attempt: Attempt, by: Duration, when: SlowWhen },
    ActivityHang { attempt: Attempt },
    HeartbeatLost(Call),
    Cut { span: Duration },
    Custom(Custom),
    Network(Network),
}

/// A fault of the test's own.
#[derive(Clone, Debug)]
pub struct Custom {
    /// In the test's words.
    pub name: String,
    /// Whom it befalls: a workflow's id, a client's name, or nothing for the test itself.
    pub of: String,
    /// The attempt of an activity whose code it befalls, if one.
    pub attempt: Option<Attempt>,
}

/// An input that was drawn.
#[derive(Clone, Debug)]
pub struct Drawn {
    pub name: String,
    /// In words.
    pub value: String,
    /// Whether it is an ordinary input of the test, rather than chance.
    pub is_given: bool,
}

/// A crash: where, and what it carries.
#[derive(Clone, Debug)]
pub struct Crash {
    pub place: Place,
    /// The attempt that the worker starts, or whose outcome it reports, if known.
    pub attempt: Option<Attempt>,
    /// The workflow that the request is about before, amid or after which it crashes, if known.
    pub workflow_id: Option<String>,
    /// The attempts under way in a worker that waits.
    pub meanwhile: Vec<Attempt>,
}

/// A request of a worker or of a client.
#[derive(Clone, Debug)]
pub struct Call {
    pub rpc: String,
    /// The attempt of an activity whose outcome it reports, if known.
    pub outcome_of: Option<Attempt>,
    /// The workflow that it is about, if known.
    pub workflow_id: Option<String>,
}

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Request = 1,
    Reply = 2,
}

/// When an attempt is slow: before, amid or after its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlowWhen {
    Before = 1,
    Amid = 2,
    After = 3,
}

/// What was done to the outside world.
#[derive(Clone, Debug)]
pub struct Done {
    pub kind: String,
    pub subject: String,
    pub key: Option<String>,
    pub applied: Applied,
    /// The attempt that did it; empty if unknown.
    pub attempt: Attempt,
}

/// A step in the life of a process.
#[derive(Clone, Debug)]
pub enum LifeStep {
    /// Its worker starts, for the first time (1) or again.
    Starts { number: u32 },
    /// It is asked to stop, for a restart or for a deploy of this version of the code (0 is the first).
    AskedToStop { deploy: Option<usize> },
    /// It did not stop in time and is killed.
    Killed { grace: Duration },
    /// It has ended without being killed.
    Ends(Ending),
}

/// How far an errand is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrandStep {
    /// The client's process takes it up.
    Begins = 1,
    /// It is done.
    Ends = 2,
    /// Its caller learns that the process ended meanwhile.
    Lost = 3,
    /// Its caller learns that the process is down.
    Refused = 4,
    /// Its caller no longer waits, and the process drops it.
    GivenUp = 5,
    /// It panicked, and its caller learns of that.
    Panicked = 6,
}

impl Struck {
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Crash(_) => Fault::Crash,
            Self::ClusterCrash(_) => Fault::ClusterCrash,
            Self::Restart(_) => Fault::Restart,
            Self::ReplyLost(_) => Fault::ReplyLost,
            Self::Duplicate(_) => Fault::Duplicate,
            Self::Delay { .. } => Fault::Delay,
            Self::Unavailable(_) => Fault::Unavailable,
            Self::ResourceExhausted(_) => Fault::ResourceExhausted,
            Self::DeadlineExceeded { .. } => Fault::DeadlineExceeded,
            Self::Eviction { .. } => Fault::Eviction,
            Self::ActivityFailure { .. } => Fault::ActivityFailure,
            Self::ActivitySlow { .. } => Fault::ActivitySlow,
            Self::ActivityHang { .. } => Fault::ActivityHang,
            Self::HeartbeatLost(_) => Fault::HeartbeatLost,
            Self::Cut { .. } => Fault::Cut,
            Self::Custom(_) | Self::Network(_) => Fault::Custom,
        }
    }

    /// The name of its kind in reports.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Network(network) => network.name(),
            _ => self.fault().name(),
        }
    }

    /// The attempt that it befalls, or whose outcome the message it befalls carries, if known.
    pub const fn attempt(&self) -> Option<&Attempt> {
        match self {
            Self::Crash(crash) | Self::ClusterCrash(crash) => crash.attempt.as_ref(),
            Self::ActivityFailure { attempt, .. } | Self::ActivitySlow { attempt, .. } | Self::ActivityHang { attempt } => {
                Some(attempt)
            }
            Self::Custom(custom) => custom.attempt.as_ref(),
            _ => match self.call() {
                Some(call) => call.outcome_of.as_ref(),
                None => None,
            },
        }
    }

    /// The name of the request that it befalls, or whose reply it befalls.
    pub fn rpc(&self) -> Option<&str> {
        self.call().map(|call| call.rpc.as_str())
    }

    /// The workflow that the message it befalls is about, or the request amid which it strikes, if known.
    pub fn workflow_id(&self) -> Option<&str> {
        let id = match self {
            Self::Crash(crash) | Self::ClusterCrash(crash) => crash.workflow_id.as_ref(),
            _ => self.call().and_then(|call| call.workflow_id.as_ref()),
        };
        id.map(String::as_str)
    }

    const fn call(&self) -> Option<&Call> {
        match self {
            Self::ReplyLost(call)
            | Self::Duplicate(call)
            | Self::Unavailable(call)
            | Self::ResourceExhausted(call)
            | Self::HeartbeatLost(call)
            | Self::Delay { call, .. }
            | Self::DeadlineExceeded { call, .. } => Some(call),
            _ => None,
        }
    }

    /// The number of its kind, and what it carries. What is known only in runs that are recorded in full does not count.
    fn hash(&self, hash: Hash) -> Hash {
        let hash = hash.number(self.fault().code());
        match self {
            Self::Crash(Crash { place, .. }) | Self::ClusterCrash(Crash { place, .. }) | Self::Restart(place) => {
                hash.number(place.hash().value())
            }
            Self::ReplyLost(call)
            | Self::Duplicate(call)
            | Self::Unavailable(call)
            | Self::ResourceExhausted(call)
            | Self::HeartbeatLost(call) => hash.name(&call.rpc),
            Self::Delay { call, way, by } => hash.name(&call.rpc).number(*way as u64).span(*by),
            Self::DeadlineExceeded { call, timeout } => hash.name(&call.rpc).span(*timeout),
            Self::Eviction { cache_size } => hash.number(*cache_size as u64),
            Self::ActivityFailure { attempt, error_type, after_work } => {
                hash_of_attempt(hash, attempt).name(error_type).number(u64::from(*after_work))
            }
            Self::ActivitySlow { attempt, by, when } => hash_of_attempt(hash, attempt).span(*by).number(*when as u64),
            Self::ActivityHang { attempt } => hash_of_attempt(hash, attempt),
            Self::Cut { span } => hash.span(*span),
            Self::Custom(Custom { name, of, attempt }) => {
                let hash = hash.name(name).name(of);
                attempt.as_ref().map_or(hash, |attempt| hash_of_attempt(hash, attempt))
            }
            Self::Network(network) => network.hash(hash),
        }
    }
}

fn hash_of_attempt(hash: Hash, attempt: &Attempt) -> Hash {
    let Attempt { workflow_id, run_id, activity_id, activity_type, attempt } = attempt;
    hash.name(workflow_id).name(run_id).name(activity_id).name(activity_type).number(u64::from(*attempt))
}

/// A step of a run, as it goes into the hash: codes, numbers, the user's and the API's names, and message bytes. No words of
/// ours.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step<'a> {
    /// A thread gets its turn.
    Turn(u32),
    Message {
        passage: Passage,
        rpc: &'a str,
        bytes: &'a [u8],
    },
    What(&'a What),
}

impl Step<'_> {
    /// The number of its kind. These numbers never change, or hashes would.
    const fn code(&self) -> u64 {
        match self {
            Self::Turn(_) => 1,
            Self::Message { passage: Passage::Sent, .. } => 2,
            Self::Message { passage: Passage::SentInVain, .. } => 3,
            Self::Message { passage: Passage::Arrived, .. } => 4,
            Self::Message { passage: Passage::ArrivedAgain, .. } => 5,
            Self::Message { passage: Passage::Answered, .. } => 6,
            Self::What(What::Refusal(_)) => 7,
            Self::What(What::Message { .. }) => 8,
            Self::What(What::Fault(_)) => 9,
            Self::What(What::Effect(_)) => 10,
            Self::What(What::Life(_)) => 11,
            Self::What(What::Panic { .. }) => 12,
            Self::What(What::Finding(_)) => 13,
            Self::What(What::Input(_)) => 14,
            Self::What(What::Action { .. }) => 15,
            Self::What(What::Errand { .. }) => 16,
        }
    }

    pub(super) fn hash(&self, hash: Hash) -> Hash {
        let hash = hash.number(self.code());
        match self {
            Self::Turn(thread) => hash.number(u64::from(*thread)),
            Self::Message { rpc, bytes, .. } => hash.name(rpc).bytes(bytes),
            Self::What(What::Refusal(Refusal { rpc, code, details, .. })) => hash.name(rpc).number(*code).bytes(details),
            Self::What(What::Fault(struck)) => struck.hash(hash),
            Self::What(What::Effect(Done { kind, subject, key, applied, attempt })) => {
                let hash = hash.name(kind).name(subject).number(u64::from(key.is_some())).name(key.as_deref().unwrap_or(""));
                hash.number(u64::from(*applied == Applied::First)).number(u64::from(attempt.attempt))
            }
            Self::What(What::Life(step)) => step.hash(hash),
            Self::What(What::Errand { client, number, step }) => hash.name(client).number(*number).number(*step as u64),
            Self::What(What::Finding(wrong)) => hash.number(wrong.kind().code()),
            // How a value is put in words is the test's affair; what it was made from goes in with the draws.
            Self::What(What::Input(Drawn { name, .. })) => hash.name(name),
            Self::What(What::Action { client, .. }) => hash.name(client),
            // The text of a panic is the user's, but its place depends on the build. Messages go in as they are, above.
            Self::What(What::Panic { .. } | What::Message { .. }) => hash,
        }
    }
}

impl LifeStep {
    fn hash(&self, hash: Hash) -> Hash {
        match self {
            Self::Starts { number } => hash.number(1).number(u64::from(*number)),
            Self::AskedToStop { deploy: None } => hash.number(2),
            Self::AskedToStop { deploy: Some(version) } => hash.number(3).number(*version as u64),
            Self::Killed { .. } => hash.number(4),
            Self::Ends(ending) => hash.number(5).number(match ending {
                Ending::Crash => 1,
                Ending::Shutdown => 2,
                Ending::Panic => 3,
                Ending::Own(None) => 4,
                Ending::Own(Some(_)) => 5,
            }),
        }
    }
}
