//! What callers send: a family of calls a file, a call a variant. What a call names by number is looked up in the world when
//! its turn comes, so that a session still means something when steps before it are left out.
//!
//! A new family is a file with its enum, and a row in [`Call`] below. An RPC that the service serves and that no call here
//! reaches fails the campaign.

mod activities;
mod clients;
mod clock;
mod commands;
mod registry;
mod starts;
mod tasks;

use std::{fmt, time::Duration};

use proptest::prelude::*;
use prost::{Message, Name};

use crate::world::World;

/// The namespaces that are there from the start; only the first one's queues are polled much.
pub(crate) const NAMESPACES: [&str; 2] = ["default", "other"];
/// A search attribute that is registered from the start.
pub(crate) const COLOUR: &str = "Colour";
const QUEUE: &str = "queue";
const STICKY: &str = "sticky";
/// How often, of 256 times, something is about the latest of its kind.
const LATEST: u8 = 180;
/// The identity of every worker.
const WORKER: &str = "worker";

/// What a family of calls has.
pub(crate) trait Family: Sized + Clone + fmt::Debug {
    /// Any call of the family.
    fn any() -> BoxedStrategy<Self>;

    /// The call as it is sent in this world; `None` if there is nothing yet that it could be about.
    fn request(&self, world: &World) -> Option<Request>;
}

macro_rules! families {
    ($($weight:literal $family:ident($calls:ty),)*) => {
        /// A call, of any family.
        #[derive(Clone)]
        pub(crate) enum Call { $($family($calls),)* }

        impl Family for Call {
            fn any() -> BoxedStrategy<Self> {
                prop_oneof![$($weight => <$calls>::any().prop_map(Call::$family)),*].boxed()
            }

            fn request(&self, world: &World) -> Option<Request> {
                match self { $(Call::$family(call) => call.request(world)),* }
            }
        }

        impl fmt::Debug for Call {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self { $(Call::$family(call) => call.fmt(f)),* }
            }
        }
    };
}

families! {
    5 Starts(starts::Call),
    9 Clients(clients::Call),
    30 Tasks(tasks::Call),
    20 Activities(activities::Call),
    2 Clock(clock::Call),
    1 Registry(registry::Call),
}

/// A call as it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) service: String,
    pub(crate) method: String,
    pub(crate) message: Vec<u8>,
    /// When the caller gives up.
    pub(crate) patience: Option<Duration>,
    /// What the worker no longer has once it has sent this.
    pub(crate) spends: Option<Spent>,
}

/// A task that a worker has answered: which of those in its hands.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Spent {
    Workflow(usize),
    Query(usize),
    Activity(usize),
}

impl Request {
    /// The request of an RPC: the type's name is the method's, plus `Request`.
    fn of<R: Message + Name>(request: &R) -> Self {
        let service = match R::PACKAGE {
            "temporal.api.testservice.v1" => "TestService",
            "temporal.api.operatorservice.v1" => "OperatorService",
            _ => "WorkflowService",
        };
        Self {
            service: format!("{}.{service}", R::PACKAGE),
            method: R::NAME.trim_end_matches("Request").to_owned(),
            message: request.encode_to_vec(),
            patience: None,
            spends: None,
        }
    }

    /// The request of an RPC of the test service that says nothing, or shares its type with another.
    fn to_the_clock(method: &str, request: &impl Message) -> Self {
        Self {
            service: "temporal.api.testservice.v1.TestService".to_owned(),
            method: method.to_owned(),
            message: request.encode_to_vec(),
            patience: None,
            spends: None,
        }
    }

    fn spends(self, spent: Spent) -> Self {
        Self { spends: Some(spent), ..self }
    }
}

/// A workflow id; there are few, so that calls meet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Id(u8);

impl Id {
    fn any() -> impl Strategy<Value = Self> {
        (0_u8..12).prop_map(Self)
    }

    /// One that clients start; the others are for children.
    fn of_a_start() -> impl Strategy<Value = Self> {
        (0_u8..8).prop_map(Self)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wf-{}", self.0)
    }
}

/// One of several things; which, follows from how many there are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Nth(u8);

impl Nth {
    pub(crate) fn any() -> impl Strategy<Value = Self> {
        any::<u8>().prop_map(Self)
    }

    /// Where it is among `count` things.
    pub(crate) fn of(self, count: usize) -> Option<usize> {
        usize::from(self.0).checked_rem(count)
    }

    /// Where it is among `count` things of which the last one counts most.
    pub(crate) fn of_latest(self, count: usize) -> Option<usize> {
        if self.0 < LATEST { count.checked_sub(1) } else { self.of(count) }
    }

    /// Which of these it is.
    fn among<T>(self, all: &[T]) -> Option<&T> {
        all.get(self.of(all.len())?)
    }
}

impl fmt::Debug for Nth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// A span in milliseconds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ms(u32);

impl Ms {
    /// Up to `longest`, and now and then nothing at all.
    pub(crate) fn up_to(longest: u32) -> impl Strategy<Value = Self> {
        prop_oneof![9 => 1..=longest, 1 => Just(0)].prop_map(Self)
    }

    pub(crate) fn span(self) -> Duration {
        Duration::from_millis(self.0.into())
    }

    fn proto(self) -> Option<prost_types::Duration> {
        self.span().try_into().ok()
    }
}

impl fmt::Debug for Ms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ms", self.0)
    }
}

fn namespace() -> String {
    NAMESPACES[0].to_owned()
}
