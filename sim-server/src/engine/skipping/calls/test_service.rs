//! TestService: locks on the virtual clock, and sleeps on it.

use std::time::Duration;

use crate::{
    engine::{
        Context, Engine, GetCurrentTime, Reply, UnlockTimeSkippingWithSleep,
        kernel::{
            due::Due,
            error::{Error, Result},
            tickets::{Answer, Parked, Ticket},
            time::{Time, span},
        },
        skipping::sleeps::{Lift, Sleep, SleepCall},
    },
    proto::{
        foretimeservice::{SkipTimeResponse, SleepUntilResponse},
        testservice::{
            GetCurrentTimeResponse, LockTimeSkippingRequest, LockTimeSkippingResponse, SleepRequest, SleepResponse,
            SleepUntilRequest, UnlockTimeSkippingRequest, UnlockTimeSkippingResponse,
        },
    },
};

impl Engine {
    /// LockTimeSkipping: one lock more for this client.
    pub(in crate::engine) fn lock_time_skipping(
        &mut self,
        _request: LockTimeSkippingRequest,
        context: &Context<'_, '_>,
    ) -> Result<Answer<LockTimeSkippingResponse>> {
        let wall = self.wall();
        self.skipping.locks.lock(context.caller.connection, &context.caller.client_name, wall);
        Ok(Answer::Now(LockTimeSkippingResponse {}))
    }

    /// UnlockTimeSkipping: one lock less for this client, or the one of the start.
    ///
    /// Every SDK but Java's unlocks once for each call that awaits a result, against the one lock of the start: while there
    /// are workflows to await, a client may unlock more often than there are locks. On a server without any, an unlock that finds
    /// no lock is a mistake, and changes nothing.
    pub(in crate::engine) fn unlock_time_skipping(
        &mut self,
        _request: UnlockTimeSkippingRequest,
        context: &Context<'_, '_>,
    ) -> Result<Answer<UnlockTimeSkippingResponse>> {
        let may_be_surplus = !self.runs.is_empty() || self.skipping.has_start_lock(self.awaits());
        let caller = context.caller;
        self.skipping.locks.unlock(caller.connection, &caller.client_name, may_be_surplus)?;
        Ok(Answer::Now(UnlockTimeSkippingResponse {}))
    }

    /// GetCurrentTime: the virtual clock.
    pub(in crate::engine) fn get_current_time(&mut self, _request: GetCurrentTime) -> Result<GetCurrentTimeResponse> {
        Ok(GetCurrentTimeResponse { time: Some(self.domain.now().to_proto()) })
    }

    /// Sleep: answers when virtual time has moved on by the duration.
    pub(in crate::engine) fn sleep(
        &mut self,
        request: SleepRequest,
        context: &Context<'_, '_>,
    ) -> Result<Answer<SleepResponse>> {
        let until = self.after(request.duration.as_ref())?;
        Ok(self.sleep_to(until, SleepCall::Sleep, Lift::Nothing, context.ticket, SleepResponse {}))
    }

    /// SleepUntil: answers when virtual time reaches the instant; at once if it is past.
    pub(in crate::engine) fn sleep_until(
        &mut self,
        request: SleepUntilRequest,
        context: &Context<'_, '_>,
    ) -> Result<Answer<SleepResponse>> {
        let until = request.timestamp.as_ref().map(Time::from_proto);
        let until = before_end(until.ok_or_else(|| Error::invalid("Timestamp is not set on request."))?)?;
        Ok(self.sleep_to(until, SleepCall::Sleep, Lift::Nothing, context.ticket, SleepResponse {}))
    }

    /// UnlockTimeSkippingWithSleep: lifts one lock until virtual time has moved on by the duration. A caller that goes away
    /// before puts it back.
    ///
    /// Who sleeps where no lock is left may be an activity, whose own attempt holds time then; or the test, beside an activity. The
    /// wire does not tell. So the attempts that run now are lifted, each until it ends, but time is not taken to their timeouts
    /// while they are heard of.
    pub(in crate::engine) fn unlock_time_skipping_with_sleep(
        &mut self,
        request: UnlockTimeSkippingWithSleep,
        context: &Context<'_, '_>,
    ) -> Result<Answer<SleepResponse>> {
        let until = self.after(request.0.duration.as_ref())?;
        Ok(self.sleep_to(until, SleepCall::Sleep, Lift::OneLock, context.ticket, SleepResponse {}))
    }

    /// The instant that is this much later than now.
    ///
    /// # Errors
    /// There is no such span, or it goes beyond the end of time.
    pub(super) fn after(&self, duration: Option<&prost_types::Duration>) -> Result<Time> {
        before_end(self.domain.now() + checked_span(duration)?)
    }

    /// Parks a call that sleeps until then, unless that is past.
    pub(super) fn sleep_to<T>(&mut self, until: Time, call: SleepCall, lift: Lift, ticket: Ticket, past: T) -> Answer<T> {
        if until <= self.domain.now() {
            return Answer::Now(past);
        }
        self.begin_anew();
        let finds_no_lock = !self.skipping.is_locked(self.awaits());
        let wall = self.wall();
        let taken = if lift == Lift::OneLock && finds_no_lock { self.skipping.holds.lift_activities(wall) } else { Vec::new() };
        self.skipping.sleeps.begin(ticket, Sleep { call, lift, taken });
        let due = self.domain.timers.add(until, Due::Sleep(ticket));
        self.tickets.park(ticket, Parked::Sleep { due });
        Answer::Parked
    }

    /// A sleep is over, or its caller is gone.
    pub(in crate::engine) fn end_sleep(&mut self, ticket: Ticket) -> Option<Sleep> {
        let sleep = self.skipping.sleeps.end(ticket)?;
        self.skipping.holds.end_lift(&sleep.taken);
        Some(sleep)
    }

    /// A sleep is over: its caller wakes up.
    pub(in crate::engine) fn wake(&mut self, ticket: Ticket) {
        let Some(sleep) = self.end_sleep(ticket) else { return };
        let time = Some(self.domain.now().to_proto());
        let reply = match sleep.call {
            SleepCall::Sleep => Reply::Sleep(SleepResponse {}),
            SleepCall::Skip => Reply::SkipTime(SkipTimeResponse { time }),
            SleepCall::Until { lock } => {
                if let Some((connection, client_name)) = lock {
                    self.skipping.locks.lock(connection, &client_name, self.domain.clock.wall());
                }
                Reply::SleepUntil(SleepUntilResponse { time })
            }
        };
        self.tickets.answer(ticket, Ok(reply));
    }
}

/// An instant that virtual time can reach.
///
/// # Errors
/// It is [`Time::END`] or later.
pub(super) fn before_end(until: Time) -> Result<Time> {
    if until < Time::END { Ok(until) } else { Err(Error::invalid("Virtual time ends at 2262-01-01T00:00:00Z.")) }
}

fn checked_span(duration: Option<&prost_types::Duration>) -> Result<Duration> {
    let is_negative = |duration: &prost_types::Duration| duration.seconds < 0 || duration.nanos < 0;
    match duration {
        None => Err(Error::invalid("Duration is not set on request.")),
        Some(duration) if is_negative(duration) => Err(Error::invalid("Duration is negative.")),
        duration => Ok(span(duration)),
    }
}
