//! The test service: locks on time, and sleeps. And our own service: a hand on the clock.

use foretime_server::{
    engine::time::Time,
    proto::foretimeservice,
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
    GetTime,
    SkipTime(Ms),
    Settle(Ms),
    ExplainTime,
    /// Whether time is locked then.
    Arrive(Ms, bool),
}

impl Family for Call {
    fn any() -> BoxedStrategy<Self> {
        prop_oneof![
            1 => Just(Self::Lock),
            2 => Just(Self::Unlock),
            1 => Ms::up_to(20_000).prop_map(Self::Sleep),
            1 => Ms::up_to(60_000).prop_map(Self::SleepUntil),
            2 => Ms::up_to(20_000).prop_map(Self::UnlockWithSleep),
            1 => Just(Self::GetCurrentTime),
            1 => Just(Self::GetTime),
            1 => Ms::up_to(20_000).prop_map(Self::SkipTime),
            1 => Ms::up_to(5_000).prop_map(Self::Settle),
            1 => Just(Self::ExplainTime),
            1 => (Ms::up_to(20_000), any::<bool>()).prop_map(|(span, locks)| Self::Arrive(span, locks)),
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
            Self::GetTime => Request::of(&foretimeservice::GetTimeRequest {}),
            Self::SkipTime(span) => Request::of(&foretimeservice::SkipTimeRequest { duration: span.proto() }),
            Self::Settle(span) => Request::of(&foretimeservice::SettleRequest { timeout: span.proto() }),
            Self::ExplainTime => Request::of(&foretimeservice::ExplainTimeRequest {}),
            Self::Arrive(span, lock) => {
                Request::of(&foretimeservice::SleepUntilRequest { duration: span.proto(), lock: *lock, time: None })
            }
        })
    }
}

fn at(span: Ms) -> Time {
    START + span.span()
}
