//! The test service: locks on time, and sleeps.

use foretime_server::{
    engine::time::Time,
    proto::testservice::{LockTimeSkippingRequest, SleepRequest, SleepUntilRequest, UnlockTimeSkippingRequest},
};
use proptest::prelude::*;

use super::{Family, Ms, Request};
use crate::world::{START, World};

#[derive(Clone, Debug)]
pub(crate) enum Call {
    Lock,
    Unlock,
    Sleep(Ms),
    /// Measured from the start of the session.
    SleepUntil(Ms),
    UnlockWithSleep(Ms),
    GetCurrentTime,
}

impl Family for Call {
    fn any() -> BoxedStrategy<Self> {
        prop_oneof![
            1 => Just(Self::Lock),
            2 => Just(Self::Unlock),
            1 => Ms::up_to(20_000).prop_map(Self::Sleep),
            1 => Ms::up_to(60_000).prop_map(Self::SleepUntil),
            1 => Ms::up_to(20_000).prop_map(Self::UnlockWithSleep),
            1 => Just(Self::GetCurrentTime),
        ]
        .boxed()
    }

    fn request(&self, _world: &World) -> Option<Request> {
        Some(match self {
            Self::Lock => Request::of(&LockTimeSkippingRequest {}),
            Self::Unlock => Request::of(&UnlockTimeSkippingRequest {}),
            Self::Sleep(span) => Request::of(&SleepRequest { duration: span.proto() }),
            Self::SleepUntil(span) => Request::of(&SleepUntilRequest { timestamp: Some(at(*span).to_proto()) }),
            Self::UnlockWithSleep(span) => {
                Request::to_the_clock("UnlockTimeSkippingWithSleep", &SleepRequest { duration: span.proto() })
            }
            Self::GetCurrentTime => Request::to_the_clock("GetCurrentTime", &()),
        })
    }
}

fn at(span: Ms) -> Time {
    START + span.span()
}
