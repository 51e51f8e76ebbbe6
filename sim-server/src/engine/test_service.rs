//! TestService: locks on the virtual clock, and sleeps on it.

use super::{
    Answer, Engine, Parked, Reply, Ticket,
    error::{Error, Result},
    time::{Time, span},
    workflow::due::Due,
};
use crate::proto::testservice::{
    GetCurrentTimeResponse, LockTimeSkippingResponse, SleepRequest, SleepResponse, SleepUntilRequest,
    UnlockTimeSkippingResponse,
};

impl Engine {
    /// LockTimeSkipping: one lock more.
    pub fn lock_time_skipping(&mut self) -> Result<LockTimeSkippingResponse> {
        self.clock.lock();
        Ok(LockTimeSkippingResponse {})
    }

    /// UnlockTimeSkipping: one lock less.
    ///
    /// Every SDK but Java's unlocks once for each call that awaits a result, against the one lock of the start: while there
    /// are workflows to await, the count may go below zero. On a server without any, an unlock that finds no lock is a
    /// mistake, and changes nothing.
    pub fn unlock_time_skipping(&mut self) -> Result<UnlockTimeSkippingResponse> {
        self.clock.unlock(!self.runs.is_empty())?;
        Ok(UnlockTimeSkippingResponse {})
    }

    /// GetCurrentTime: the virtual clock.
    pub fn get_current_time(&mut self) -> Result<GetCurrentTimeResponse> {
        Ok(GetCurrentTimeResponse { time: Some(self.clock.now().to_proto()) })
    }

    /// Sleep: answers when virtual time has moved on by the duration.
    pub fn sleep(&mut self, request: SleepRequest, ticket: Ticket) -> Result<Answer<SleepResponse>> {
        let until = self.clock.now() + checked_span(&request)?;
        Ok(self.sleep_to(until, false, ticket))
    }

    /// SleepUntil: answers when virtual time reaches the instant; at once if it is past.
    pub fn sleep_until(&mut self, request: SleepUntilRequest, ticket: Ticket) -> Result<Answer<SleepResponse>> {
        let until = request.timestamp.as_ref().map(Time::from_proto);
        let until = until.ok_or_else(|| Error::invalid("Timestamp is not set on request."))?;
        Ok(self.sleep_to(until, false, ticket))
    }

    /// UnlockTimeSkippingWithSleep: lifts one lock until virtual time has moved on by the duration. A caller that goes away
    /// before puts it back.
    pub fn unlock_time_skipping_with_sleep(&mut self, request: SleepRequest, ticket: Ticket) -> Result<Answer<SleepResponse>> {
        let until = self.clock.now() + checked_span(&request)?;
        self.clock.begin_sleep()?;
        Ok(self.sleep_to(until, true, ticket))
    }

    fn sleep_to(&mut self, until: Time, lifts_a_lock: bool, ticket: Ticket) -> Answer<SleepResponse> {
        if until <= self.clock.now() {
            if lifts_a_lock {
                self.clock.end_sleep();
            }
            return Answer::Now(SleepResponse {});
        }
        let due = self.timers.add(until, Due::Sleep(ticket));
        self.park(ticket, Parked::Sleep { due, lifts_a_lock });
        Answer::Parked
    }

    /// A sleep is over.
    pub(super) fn wake(&mut self, ticket: Ticket) {
        if let Some(Parked::Sleep { lifts_a_lock: true, .. }) = self.parked.get(&ticket) {
            self.clock.end_sleep();
        }
        self.answer(ticket, Ok(Reply::Sleep(SleepResponse {})));
    }
}

fn checked_span(request: &SleepRequest) -> Result<std::time::Duration> {
    let is_negative = |duration: &prost_types::Duration| duration.seconds < 0 || duration.nanos < 0;
    match &request.duration {
        None => Err(Error::invalid("Duration is not set on request.")),
        Some(duration) if is_negative(duration) => Err(Error::invalid("Duration is negative.")),
        duration => Ok(span(duration.as_ref())),
    }
}
