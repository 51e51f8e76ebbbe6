//! ForetimeService: a hand on the virtual clock, for those whose SDK has none.

use std::time::Duration;

use super::test_service::before_end;
use crate::{
    engine::{
        Context, Engine, Reply,
        kernel::{
            error::{Error, Result},
            tickets::{Answer, Parked, Ticket},
            time::{Time, span},
        },
        skipping::sleeps::{Lift, SleepCall},
    },
    proto::foretimeservice::{
        ExplainTimeRequest, ExplainTimeResponse, GetTimeRequest, GetTimeResponse, SettleRequest, SettleResponse,
        SkipTimeRequest, SkipTimeResponse, SleepUntilRequest, SleepUntilResponse,
    },
};

/// How long (wall) Settle waits for what is in flight, unless the caller says otherwise.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(10);

impl Engine {
    /// GetTime.
    pub(in crate::engine) fn get_time(&mut self, _request: GetTimeRequest) -> Result<GetTimeResponse> {
        Ok(GetTimeResponse { time: self.time() })
    }

    /// SkipTime: a sleep that no lock stops. What workers have in hand is waited for.
    pub(in crate::engine) fn skip_time(
        &mut self,
        request: SkipTimeRequest,
        context: &Context<'_, '_>,
    ) -> Result<Answer<SkipTimeResponse>> {
        let until = self.after(request.duration.as_ref())?;
        let now = SkipTimeResponse { time: self.time() };
        Ok(self.sleep_to(until, SleepCall::Skip, Lift::EveryLock, context.ticket, now))
    }

    /// SleepUntil.
    pub(in crate::engine) fn sleep_until_then(
        &mut self,
        request: SleepUntilRequest,
        context: &Context<'_, '_>,
    ) -> Result<Answer<SleepUntilResponse>> {
        let until = match (&request.time, &request.duration) {
            (Some(time), None) => before_end(Time::from_proto(time))?,
            (None, duration @ Some(_)) => self.after(duration.as_ref())?,
            (None, None) => return Err(Error::invalid("Neither time nor duration is set on request.")),
            (Some(_), Some(_)) => return Err(Error::invalid("Both time and duration are set on request.")),
        };
        let caller = context.caller;
        let lock = request.lock.then(|| (caller.connection, caller.client_name.clone()));
        if until <= self.domain.now()
            && let Some((connection, client_name)) = &lock
        {
            self.skipping.locks.lock(*connection, client_name, self.domain.clock.wall());
        }
        let now = SleepUntilResponse { time: self.time() };
        Ok(self.sleep_to(until, SleepCall::Until { lock }, Lift::Nothing, context.ticket, now))
    }

    /// Settle.
    pub(in crate::engine) fn settle_time(
        &mut self,
        request: SettleRequest,
        context: &Context<'_, '_>,
    ) -> Result<Answer<SettleResponse>> {
        if self.is_at_rest() {
            return Ok(Answer::Now(self.rest()));
        }
        let timeout = if request.timeout.is_some() { span(request.timeout.as_ref()) } else { SETTLE_TIMEOUT };
        let until = self.wall() + timeout;
        self.tickets.park(context.ticket, Parked::Rest);
        self.tickets.expire_at(context.ticket, context.deadline.map_or(until, |deadline| until.min(deadline)));
        self.resting.insert(context.ticket);
        Ok(Answer::Parked)
    }

    /// ExplainTime.
    pub(in crate::engine) fn explain_time(&mut self, _request: ExplainTimeRequest) -> Result<ExplainTimeResponse> {
        Ok(self.explanation())
    }

    /// Whether nothing is in flight that a worker is at work on, or may come for.
    pub(in crate::engine) fn is_at_rest(&self) -> bool {
        self.skipping.holds.count() <= self.matching.unserved_count()
    }

    fn rest(&self) -> SettleResponse {
        let in_flight = if self.is_at_rest() { Vec::new() } else { self.in_flight() };
        SettleResponse { time: self.time(), settled: self.is_at_rest(), in_flight }
    }

    /// Answers those who wait until nothing is in flight, if that is so.
    pub(in crate::engine) fn answer_rest(&mut self) {
        if !self.resting.is_empty() && self.is_at_rest() {
            for ticket in std::mem::take(&mut self.resting) {
                self.tickets.answer(ticket, Ok(Reply::Settle(Box::new(self.rest()))));
            }
        }
    }

    /// The wait until nothing is in flight has taken too long.
    pub(in crate::engine) fn end_rest(&mut self, ticket: Ticket) {
        self.resting.remove(&ticket);
        let answer = self.rest();
        self.tickets.answer(ticket, Ok(Reply::Settle(Box::new(answer))));
    }

    fn time(&self) -> Option<prost_types::Timestamp> {
        Some(self.domain.now().to_proto())
    }
}
