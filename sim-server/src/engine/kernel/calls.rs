//! TestService: locks on the virtual clock, and sleeps on it.

use super::{
    due::Due,
    error::{Error, Result},
    tickets::{Answer, Parked, Ticket},
    time::{Time, span},
};
use crate::engine::{Context, Engine, GetCurrentTime, Reply, UnlockTimeSkippingWithSleep};
use crate::proto::testservice::{
    GetCurrentTimeResponse, LockTimeSkippingRequest, LockTimeSkippingResponse, SleepRequest, SleepResponse, SleepUntilRequest,
    UnlockTimeSkippingRequest, UnlockTimeSkippingResponse,
};

impl Engine {
    /// LockTimeSkipping: one lock more.
    pub(in crate::engine) fn lock_time_skipping(
        &mut self,
        _request: LockTimeSkippingRequest,
    ) -> Result<LockTimeSkippingResponse> {
        self.domain.clock.lock();
        Ok(LockTimeSkippingResponse {})
    }

    /// UnlockTimeSkipping: one lock less.
    ///
    /// Every SDK but Java's unlocks once for each call that awaits a result, against the one lock of the start: while there
    /// are workflows to await, the count may go below zero. On a server without any, an unlock that finds no lock is a
    /// mistake, and changes nothing.
    pub(in crate::engine) fn unlock_time_skipping(
        &mut self,
        _request: UnlockTimeSkippingRequest,
    ) -> Result<UnlockTimeSkippingResponse> {
        self.domain.clock.unlock(!self.runs.is_empty())?;
        Ok(UnlockTimeSkippingResponse {})
    }

    /// GetCurrentTime: the virtual clock.
    pub(in crate::engine) fn get_current_time(&mut self, _request: GetCurrentTime) -> Result<GetCurrentTimeResponse> {
        Ok(GetCurrentTimeResponse { time: Some(self.domain.clock.now().to_proto()) })
    }

    /// Sleep: answers when virtual time has moved on by the duration.
    pub(in crate::engine) fn sleep(
        &mut self,
        request: SleepRequest,
        context: &Context<'_, '_>,
    ) -> Result<Answer<SleepResponse>> {
        let until = self.domain.clock.now() + checked_span(&request)?;
        Ok(self.sleep_to(until, false, context.ticket))
    }

    /// SleepUntil: answers when virtual time reaches the instant; at once if it is past.
    pub(in crate::engine) fn sleep_until(
        &mut self,
        request: SleepUntilRequest,
        context: &Context<'_, '_>,
    ) -> Result<Answer<SleepResponse>> {
        let until = request.timestamp.as_ref().map(Time::from_proto);
        let until = until.ok_or_else(|| Error::invalid("Timestamp is not set on request."))?;
        Ok(self.sleep_to(until, false, context.ticket))
    }

    /// UnlockTimeSkippingWithSleep: lifts one lock until virtual time has moved on by the duration. A caller that goes away
    /// before puts it back.
    pub(in crate::engine) fn unlock_time_skipping_with_sleep(
        &mut self,
        request: UnlockTimeSkippingWithSleep,
        context: &Context<'_, '_>,
    ) -> Result<Answer<SleepResponse>> {
        let until = self.domain.clock.now() + checked_span(&request.0)?;
        self.domain.clock.begin_sleep()?;
        Ok(self.sleep_to(until, true, context.ticket))
    }

    fn sleep_to(&mut self, until: Time, lifts_a_lock: bool, ticket: Ticket) -> Answer<SleepResponse> {
        if until <= self.domain.clock.now() {
            if lifts_a_lock {
                self.domain.clock.end_sleep();
            }
            return Answer::Now(SleepResponse {});
        }
        let due = self.domain.timers.add(until, Due::Sleep(ticket));
        self.tickets.park(ticket, Parked::Sleep { due, lifts_a_lock });
        Answer::Parked
    }

    /// A sleep is over.
    pub(in crate::engine) fn wake(&mut self, ticket: Ticket) {
        if let Some(Parked::Sleep { lifts_a_lock: true, .. }) = self.tickets.get(ticket) {
            self.domain.clock.end_sleep();
        }
        self.tickets.answer(ticket, Ok(Reply::Sleep(SleepResponse {})));
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
