//! Where a fault may strike: a moment of a worker or of a struck client, and the name of what the worker is doing. The moment has a number that never
//! changes; the name is the API's or the user's. Both together make a strike's name and its consequences. The words for a place
//! are made only here and have no other effect.

use super::{RpcKind, rpc::verb_of};
use crate::hash::Hash;

/// A place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<N = String> {
    /// A worker starts.
    Start,
    /// A worker is about to go on after a wait.
    Await,
    /// A worker is about to send this request.
    BeforeRequest(N),
    /// The server has done what this request asks for and is about to answer.
    BeforeReply(N),
    /// The answer to this request has reached the worker.
    AfterReply(N),
    /// This request of a worker, or the reply to it, is on its way.
    OnTheWire(N),
    /// The connection of a worker to the server.
    Connection,
    /// A worker starts an activity of this type.
    ActivityStart(N),
    /// An attempt of an activity of this type.
    Attempt(N),
    /// An activity has had an effect on the outside world.
    AfterEffect {
        /// What was done.
        kind: N,
        /// To whom or what.
        subject: N,
    },
    /// A place that the test names itself.
    Custom {
        /// The fault that may strike there.
        name: N,
        /// Whom it befalls: a workflow's id, a client's name, or nothing for the test itself.
        of: N,
    },
    /// The server has written the `nth` event of this type into the histories of a workflow. A trigger strikes here.
    Event {
        /// As the API calls it.
        event_type: N,
        /// Whose histories have it.
        workflow_id: N,
        /// From 1.
        nth: usize,
    },
}

impl<N: AsRef<str>> Place<N> {
    /// The number of the moment. It never changes, because seeds depend on it.
    const fn code(&self) -> u64 {
        match self {
            Self::Start => 1,
            Self::Await => 2,
            Self::BeforeRequest(_) => 3,
            Self::BeforeReply(_) => 4,
            Self::AfterReply(_) => 5,
            Self::OnTheWire(_) => 6,
            Self::Connection => 7,
            Self::ActivityStart(_) => 8,
            Self::Attempt(_) => 9,
            Self::AfterEffect { .. } => 10,
            Self::Event { .. } => 11,
            Self::Custom { .. } => 12,
        }
    }

    /// Identifies the place: its number and the names.
    pub fn hash(&self) -> Hash {
        let hash = Hash::new().number(self.code());
        match self {
            Self::Start | Self::Await | Self::Connection => hash,
            Self::BeforeRequest(name)
            | Self::BeforeReply(name)
            | Self::AfterReply(name)
            | Self::OnTheWire(name)
            | Self::ActivityStart(name)
            | Self::Attempt(name) => hash.name(name.as_ref()),
            Self::AfterEffect { kind, subject } => hash.name(kind.as_ref()).name(subject.as_ref()),
            Self::Custom { name, of } => hash.name(name.as_ref()).name(of.as_ref()),
            Self::Event { event_type, workflow_id, nth } => {
                hash.name(event_type.as_ref()).name(workflow_id.as_ref()).number(*nth as u64)
            }
        }
    }
}

impl Place<&str> {
    /// An owned copy.
    pub fn to_owned(self) -> Place {
        match self {
            Self::Start => Place::Start,
            Self::Await => Place::Await,
            Self::BeforeRequest(rpc) => Place::BeforeRequest(rpc.to_owned()),
            Self::BeforeReply(rpc) => Place::BeforeReply(rpc.to_owned()),
            Self::AfterReply(rpc) => Place::AfterReply(rpc.to_owned()),
            Self::OnTheWire(rpc) => Place::OnTheWire(rpc.to_owned()),
            Self::Connection => Place::Connection,
            Self::ActivityStart(activity_type) => Place::ActivityStart(activity_type.to_owned()),
            Self::Attempt(activity_type) => Place::Attempt(activity_type.to_owned()),
            Self::AfterEffect { kind, subject } => Place::AfterEffect { kind: kind.to_owned(), subject: subject.to_owned() },
            Self::Custom { name, of } => Place::Custom { name: name.to_owned(), of: of.to_owned() },
            Self::Event { event_type, workflow_id, nth } => {
                Place::Event { event_type: event_type.to_owned(), workflow_id: workflow_id.to_owned(), nth }
            }
        }
    }
}

/// What a worker is doing, for the words of a moment.
struct Nouns<'a> {
    /// How an activity ended.
    outcome: &'a str,
    activity: &'a str,
    a_request: &'a str,
    its_request: &'a str,
    /// What its request asks for, such as `start order-7`.
    asks_to: Option<&'a str>,
    effect: &'a str,
}

const VAGUE: Nouns<'static> = Nouns {
    outcome: "how an activity ended",
    activity: "an activity",
    a_request: "a request",
    its_request: "its request",
    asks_to: None,
    effect: "its side effect",
};

impl Place {
    /// The moment of a crash there, as the rest of a sentence: `before it could poll`.
    pub fn moment(&self) -> String {
        self.said(&VAGUE)
    }

    /// The same, including what [`Self::about`] gives. `workflow_id`: the workflow that a request there is about, if known.
    pub fn exact_moment(&self, workflow_id: Option<&str>) -> String {
        let (about, effect) = (self.about(), format!("its side effect \"{}\"", self.about()));
        let verb = self.name().zip(workflow_id).and_then(|(rpc, id)| Some(format!("{} {id}", verb_of(rpc)?)));
        self.said(&Nouns { a_request: &about, its_request: &about, asks_to: verb.as_deref(), effect: &effect, ..VAGUE })
    }

    /// The same, with the attempt that the worker starts there or whose outcome it reports.
    pub fn moment_of(&self, attempt: &str) -> String {
        let is_done = self.name().is_some_and(|rpc| rpc.contains("Completed"));
        let outcome = format!("that {attempt} {}", if is_done { "was done" } else { "had failed" });
        self.said(&Nouns { outcome: &outcome, activity: attempt, ..VAGUE })
    }

    /// What the moment is about: which request, activity or effect. Empty if nothing.
    pub fn about(&self) -> String {
        match self {
            Self::AfterEffect { kind, subject } => format!("{kind} {subject}"),
            _ => self.name().unwrap_or_default().to_owned(),
        }
    }

    /// Its name, if it has just one.
    fn name(&self) -> Option<&str> {
        match self {
            Self::BeforeRequest(name)
            | Self::BeforeReply(name)
            | Self::AfterReply(name)
            | Self::OnTheWire(name)
            | Self::ActivityStart(name)
            | Self::Attempt(name) => Some(name),
            Self::Custom { name, .. } => Some(name),
            Self::Start | Self::Await | Self::Connection | Self::AfterEffect { .. } | Self::Event { .. } => None,
        }
    }

    fn said(&self, nouns: &Nouns<'_>) -> String {
        match self {
            Self::Start => "when it started".to_owned(),
            Self::Await => "at one of its awaits".to_owned(),
            Self::BeforeRequest(rpc) => nouns.before_request(RpcKind::of(rpc)),
            Self::BeforeReply(rpc) => nouns.before_reply(RpcKind::of(rpc)),
            Self::AfterReply(rpc) => nouns.after_reply(RpcKind::of(rpc)),
            Self::OnTheWire(_) => "while a message was on its way".to_owned(),
            Self::Connection => "while it was connected".to_owned(),
            Self::ActivityStart(_) => format!("when it started {}", nouns.activity),
            Self::Attempt(_) => "when an attempt began".to_owned(),
            Self::AfterEffect { .. } => format!("after {}, before it could say so", nouns.effect),
            Self::Custom { name, .. } => format!("where {name}"),
            Self::Event { event_type, workflow_id, nth } => {
                format!("when {event_type} number {nth} of {workflow_id} was written")
            }
        }
    }
}

impl Nouns<'_> {
    fn before_request(&self, kind: RpcKind) -> String {
        match kind {
            RpcKind::Poll => "before it could poll".to_owned(),
            RpcKind::EndActivity => format!("before it could say {}", self.outcome),
            RpcKind::AnswerTask => "before it could answer a workflow task".to_owned(),
            RpcKind::AnswerQuery => "before it could answer a query".to_owned(),
            RpcKind::AnswerNexusTask => "before it could answer a Nexus task".to_owned(),
            RpcKind::Heartbeat => "before a heartbeat".to_owned(),
            RpcKind::Other => match self.asks_to {
                Some(asks_to) => format!("before it could {asks_to}"),
                None => format!("before {}", self.a_request),
            },
        }
    }

    fn before_reply(&self, kind: RpcKind) -> String {
        match kind {
            RpcKind::Poll => "while it polled".to_owned(),
            RpcKind::EndActivity => format!("after it said {}, before the server could answer", self.outcome),
            RpcKind::AnswerTask => "after it answered a workflow task, before the server could say so".to_owned(),
            RpcKind::AnswerQuery => "after it answered a query, before the server could say so".to_owned(),
            RpcKind::AnswerNexusTask => "after it answered a Nexus task, before the server could say so".to_owned(),
            RpcKind::Heartbeat => "after a heartbeat".to_owned(),
            RpcKind::Other => match self.asks_to {
                Some(asks_to) => format!("after it had asked to {asks_to}, before the server could answer"),
                None => format!("after {}", self.a_request),
            },
        }
    }

    fn after_reply(&self, kind: RpcKind) -> String {
        match kind {
            RpcKind::Poll => "when it had been given a task".to_owned(),
            RpcKind::EndActivity => format!("when the server had acknowledged {}", self.outcome),
            RpcKind::AnswerTask => "when the server had taken its answer to a workflow task".to_owned(),
            RpcKind::AnswerQuery => "when the server had taken its answer to a query".to_owned(),
            RpcKind::AnswerNexusTask => "when the server had taken its answer to a Nexus task".to_owned(),
            RpcKind::Heartbeat => "when its heartbeat was acknowledged".to_owned(),
            RpcKind::Other => match self.asks_to {
                Some(asks_to) => format!("when the server had answered its request to {asks_to}"),
                None => format!("when {} was answered", self.its_request),
            },
        }
    }
}
