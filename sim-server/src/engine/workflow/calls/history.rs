//! GetWorkflowExecutionHistory: paging, long poll, close-event filter (`api/getworkflowexecutionhistory`).

use std::time::Duration;

use super::target::Target;
use crate::{
    engine::{
        Context, Engine, Reply,
        execution::waiters::{End, Waiter},
        kernel::{
            error::{Error, Result},
            key::RunKey,
            tickets::{Answer, Parked, Ticket},
            token::PageToken,
        },
        rules::{failure, validate},
        workflow::{history, run::Run},
    },
    proto::{
        enums::{EventType, HistoryEventFilterType, TimeoutType},
        history::{HistoryEvent, WorkflowExecutionContinuedAsNewEventAttributes, history_event::Attributes},
        workflowservice::GetWorkflowExecutionHistoryRequest,
    },
};

/// A wait for new events ends this long before its caller's deadline, if not before.
const MARGIN: Duration = Duration::from_secs(1);
pub(super) const PAGE_BYTES: usize = 3 << 20;
/// Clients that show histories to people; they get no events that are not written (`api/get_history_util.go`).
const VIEWERS: [&str; 2] = [CLI, "temporal-ui"];
const CLI: &str = "temporal-cli";

/// A page of history; its events are encoded already.
#[derive(Debug, Default)]
pub struct HistoryReply {
    /// The bytes of a `History` message.
    pub history: Vec<u8>,
    /// If raw history is asked for: the bytes of a `History` message for each batch. Then [`Self::history`] is empty.
    pub raw_history: Vec<Vec<u8>>,
    /// Where the next page starts; empty after the last.
    pub next_page_token: Vec<u8>,
}

impl Engine {
    /// GetWorkflowExecutionHistory.
    pub(in crate::engine) fn get_workflow_execution_history(
        &mut self,
        mut request: GetWorkflowExecutionHistoryRequest,
        context: &Context<'_, '_>,
    ) -> Result<Answer<HistoryReply>> {
        let target = self.target(&request.namespace, request.execution.as_ref())?;
        validate::execution::history(&mut request, &self.limits)?;
        let token = self.page_token(&request, &target)?;
        let key = self.find_by_token(&target, &token)?;
        let run = self.runs.get(key);
        let page_size = usize::try_from(request.maximum_page_size).unwrap_or(0);
        if request.history_event_filter_type() == HistoryEventFilterType::CloseEvent {
            if self.end_of(key) != End::Told {
                return Ok(self.park_history(key, token.from, &request, context));
            }
            if let Some(difference) = self.difference_at_end(key) {
                return Err(difference);
            }
            return Ok(Answer::Now(self.close_event(key, context.caller.follows_next_run_id)));
        }
        if request.wait_new_event && !run.ends_waits() && token.from >= run.history().next_id() {
            return Ok(self.park_history(key, token.from, &request, context));
        }
        let shows_transient = !VIEWERS.contains(&context.caller.client_name.as_str());
        Ok(Answer::Now(self.page(key, &token, page_size, request.wait_new_event, shows_transient)))
    }

    /// Where the page starts: at the token, or at the first event of the named run.
    fn page_token(&self, request: &GetWorkflowExecutionHistoryRequest, target: &Target) -> Result<PageToken> {
        if request.next_page_token.is_empty() {
            let run = self.runs.get(self.find(target)?);
            let until = run.history().next_id();
            return Ok(PageToken { run_id: run.run_id().to_owned(), from: 1, until, ..PageToken::default() });
        }
        let token = PageToken::parse(&request.next_page_token)?;
        if token.backwards { Err(Error::invalid("Invalid NextPageToken.")) } else { Ok(token) }
    }

    /// The run whose pages a token goes on with.
    ///
    /// # Errors
    /// Another one is named.
    pub(super) fn find_by_token(&self, target: &Target, token: &PageToken) -> Result<RunKey> {
        if !target.run_id.is_empty() && target.run_id != token.run_id {
            return Err(Error::invalid("RunId in the request does not match the NextPageToken."));
        }
        self.runs.find(target.namespace, &target.workflow_id, &token.run_id)
    }

    fn page(&self, key: RunKey, token: &PageToken, page_size: usize, waiting: bool, shows_transient: bool) -> HistoryReply {
        let run = self.runs.get(key);
        let until = if token.from < token.until { token.until } else { run.history().next_id() };
        let page = run.history().page(token.from, until, page_size, PAGE_BYTES);
        let end = page.end;
        let mut reply = self.reply_with(run, token.from, end);
        let mut next = PageToken { run_id: run.run_id().to_owned(), from: end, until, waiting, ..PageToken::default() };
        if end < until || page.is_full && !waiting {
            reply.next_page_token = next.into_bytes();
            return reply;
        }
        if shows_transient && !run.ends_waits() {
            let unwritten = run.unwritten_events_to_read();
            // Only where they would be the next events.
            if unwritten.first().is_some_and(|event| event.event_id == end) {
                let mut bytes = Vec::new();
                unwritten.iter().for_each(|event| history::append(&mut bytes, event));
                if self.switches.raw_history {
                    reply.raw_history.push(bytes);
                } else {
                    reply.history.append(&mut bytes);
                }
            }
        }
        if waiting && (!run.ends_waits() || end < run.history().next_id()) {
            next.until = end;
            reply.next_page_token = next.into_bytes();
        }
        reply
    }

    /// The events `from..until` of a run, in the form that is sent.
    fn reply_with(&self, run: &Run, from: i64, until: i64) -> HistoryReply {
        if self.switches.raw_history {
            return HistoryReply { raw_history: run.history().batches(from, until).collect(), ..HistoryReply::default() };
        }
        HistoryReply { history: run.history().encoded(from, until), ..HistoryReply::default() }
    }

    /// The close event of a closed run; nothing of an open one; of one that is paused, the last event. A client that does not
    /// look for the next run in every close event gets a continued-as-new event instead, if another run follows
    /// (`makeFakeContinuedAsNewEvent`).
    fn close_event(&self, key: RunKey, follows_next_run_id: bool) -> HistoryReply {
        let run = self.runs.get(key);
        if !run.ends_waits() {
            return HistoryReply::default();
        }
        let last = run.history().last_id();
        if self.switches.raw_history {
            // The whole batch that it is in, as it is.
            let first = run.history().page_back(last + 1, 1, usize::MAX);
            return self.reply_with(run, first, last + 1);
        }
        if !follows_next_run_id
            && run.is_followed()
            && let Some(event) = run.history().get(last).and_then(as_continued_as_new)
        {
            let mut bytes = Vec::new();
            history::append(&mut bytes, &event);
            return HistoryReply { history: bytes, ..HistoryReply::default() };
        }
        self.reply_with(run, last, last + 1)
    }

    fn park_history(
        &mut self,
        key: RunKey,
        from: i64,
        request: &GetWorkflowExecutionHistoryRequest,
        context: &Context<'_, '_>,
    ) -> Answer<HistoryReply> {
        let (wall, ticket) = (self.wall(), context.ticket);
        let until = wall + self.limits.long_poll;
        let until = context.deadline.map_or(until, |deadline| until.min(deadline - MARGIN)).max(wall);
        self.tickets.park_long_poll(ticket, Parked::History(key), until);
        let close_event_only = request.history_event_filter_type() == HistoryEventFilterType::CloseEvent;
        let waiter = Waiter {
            ticket,
            connection: context.caller.connection,
            from,
            close_event_only,
            // `temporal workflow execute` reads all events on its way to the end.
            awaits_end: close_event_only || context.caller.client_name == CLI,
            follows_next_run_id: context.caller.follows_next_run_id,
            goes_on: request.wait_new_event,
        };
        if waiter.awaits_end {
            self.skipping.locks.hear_await(context.caller.connection, key);
        }
        self.waiters.add(key, waiter);
        if waiter.awaits_end {
            for place in self.runs.get(key).places() {
                self.matching.await_worker(place, wall);
            }
        }
        Answer::Parked
    }

    /// Answers those who wait for what the last transaction wrote.
    pub(in crate::engine) fn answer_history_waiters(&mut self, key: RunKey) {
        let next_id = self.runs.get(key).history().next_id();
        for waiter in self.waiters.take_ready(key, self.end_of(key), next_id) {
            let difference = if waiter.close_event_only { self.difference_at_end(key) } else { None };
            let reply = difference.map_or_else(|| Ok(self.waited_page(key, waiter)), Err);
            if waiter.close_event_only && !self.runs.get(key).is_followed() {
                self.skipping.runaway.begin_anew();
                self.skipping.locks.expect_relock(waiter.connection, self.domain.clock.wall());
            }
            self.tickets.answer(waiter.ticket, reply.map(Reply::History));
        }
    }

    /// The run is deleted: who waits for more of it hears that there is no more.
    pub(super) fn end_history_waits(&mut self, key: RunKey) {
        for waiter in self.waiters.take_ready(key, End::Told, i64::MAX) {
            let reply = self.waited_page(key, waiter);
            self.tickets.answer(waiter.ticket, Ok(Reply::History(reply)));
        }
    }

    /// Whether who awaits the end of a run may hear of it.
    fn end_of(&self, key: RunKey) -> End {
        if !self.runs.get(key).ends_waits() {
            End::Ahead
        } else if self.is_end_held(key) {
            End::Held
        } else {
            End::Told
        }
    }

    /// A wait is over with nothing new: no events, and a token to go on with for who asked to wait.
    pub(in crate::engine) fn end_history_wait(&mut self, key: RunKey, ticket: Ticket) {
        let Some(waiter) = self.waiters.remove(key, ticket) else { return };
        let token = PageToken {
            run_id: self.runs.get(key).run_id().to_owned(),
            from: waiter.from,
            until: waiter.from,
            waiting: true,
            ..PageToken::default()
        };
        let next_page_token = if waiter.goes_on { token.into_bytes() } else { Vec::new() };
        let reply = HistoryReply { next_page_token, ..HistoryReply::default() };
        self.tickets.answer(ticket, Ok(Reply::History(reply)));
    }

    fn waited_page(&self, key: RunKey, waiter: Waiter) -> HistoryReply {
        if waiter.close_event_only {
            return self.close_event(key, waiter.follows_next_run_id);
        }
        let run_id = self.runs.get(key).run_id().to_owned();
        let token = PageToken { run_id, from: waiter.from, until: waiter.from, ..PageToken::default() };
        self.page(key, &token, self.limits.history_page_max as usize, true, false)
    }
}

/// A close event that names a next run, as the event of a continue-as-new.
fn as_continued_as_new(event: HistoryEvent) -> Option<HistoryEvent> {
    let mut fake = WorkflowExecutionContinuedAsNewEventAttributes::default();
    match event.attributes? {
        Attributes::WorkflowExecutionCompletedEventAttributes(close) => {
            fake.new_execution_run_id = close.new_execution_run_id;
            fake.last_completion_result = close.result;
        }
        Attributes::WorkflowExecutionFailedEventAttributes(close) => {
            fake.new_execution_run_id = close.new_execution_run_id;
            fake.failure = close.failure;
        }
        Attributes::WorkflowExecutionTimedOutEventAttributes(close) => {
            fake.new_execution_run_id = close.new_execution_run_id;
            fake.failure = Some(failure::timeout("workflow timeout".to_owned(), TimeoutType::StartToClose));
        }
        _ => return None,
    }
    Some(HistoryEvent {
        event_type: EventType::WorkflowExecutionContinuedAsNew.into(),
        attributes: Some(Attributes::WorkflowExecutionContinuedAsNewEventAttributes(fake)),
        ..event
    })
}
