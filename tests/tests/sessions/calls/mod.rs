//! The calls of a session: one file for each family, one variant for each call. A call refers to tasks and runs by number; the
//! number is resolved when the call is sent, so a session still makes sense after earlier steps were removed.
//!
//! A new family needs a file with its enum, and a row in the table `families!` below. The campaign fails if the service serves
//! an RPC that no call reaches.

mod activities;
mod batches;
mod clients;
mod clock;
mod commands;
mod heartbeats;
mod registry;
mod repairs;
mod resets;
mod schedules;
mod starts;
mod tasks;
mod updates;
mod visibility;

use std::{fmt, time::Duration};

use foretime_server::{proto::Rpc, rpc::table::TEST_SERVICE};
use proptest::prelude::*;
use prost::Message;

use crate::world::World;

/// The namespaces that exist from the start. Workers poll only in the first.
pub(crate) const NAMESPACES: [&str; 2] = ["default", "other"];
/// The search attribute that is registered from the start.
pub(crate) const COLOUR: &str = "Colour";
const QUEUE: &str = "queue";
const STICKY: &str = "sticky";
/// In how many of 256 cases a pick takes the latest item.
const LATEST: u8 = 180;
/// The identity of every worker.
const WORKER: &str = "worker";

/// A family of calls.
pub(crate) trait Family: Sized + Clone + fmt::Debug {
    /// Draws a call of the family.
    fn any() -> BoxedStrategy<Self>;

    /// Builds the request; `None` if the call has nothing to refer to yet.
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
    5 Updates(updates::Call),
    2 Resets(resets::Call),
    4 Repairs(repairs::Call),
    2 Clock(clock::Call),
    1 Registry(registry::Call),
    1 Heartbeats(heartbeats::Call),
    1 Batches(batches::Call),
    3 Schedules(schedules::Call),
    3 Visibility(visibility::Call),
}

/// A request as it goes over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) service: String,
    pub(crate) method: String,
    pub(crate) message: Vec<u8>,
    /// When the caller gives up.
    pub(crate) patience: Option<Duration>,
    /// The task that the worker gives up by sending this.
    pub(crate) spends: Option<Spent>,
}

/// The index of a held task that a request answers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Spent {
    Workflow(usize),
    Query(usize),
    Activity(usize),
}

impl Request {
    /// The request of an RPC.
    fn of<R: Rpc>(request: &R) -> Self {
        Self {
            service: R::SERVICE.to_owned(),
            method: R::METHOD.to_owned(),
            message: request.encode_to_vec(),
            patience: None,
            spends: None,
        }
    }

    /// A request of the test service whose type does not tell the method.
    fn to_the_clock(method: &str, request: &impl Message) -> Self {
        Self {
            service: TEST_SERVICE.to_owned(),
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

/// A workflow id. There are few, so that calls meet the same workflow.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Id(u8);

impl Id {
    fn any() -> impl Strategy<Value = Self> {
        (0_u8..12).prop_map(Self)
    }

    /// An id that clients start. The remaining ids are used by children only.
    fn of_a_start() -> impl Strategy<Value = Self> {
        (0_u8..8).prop_map(Self)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wf-{}", self.0)
    }
}

/// A pick from a list whose length is known only when the call is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Nth(u8);

impl Nth {
    pub(crate) fn any() -> impl Strategy<Value = Self> {
        any::<u8>().prop_map(Self)
    }

    /// The index in a list of `count` items; `None` if the list is empty.
    pub(crate) fn of(self, count: usize) -> Option<usize> {
        usize::from(self.0).checked_rem(count)
    }

    /// The same, but mostly the last index.
    pub(crate) fn of_latest(self, count: usize) -> Option<usize> {
        if self.0 < LATEST { count.checked_sub(1) } else { self.of(count) }
    }

    /// The picked item.
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
    /// From 1 ms to `longest`, and sometimes zero.
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
