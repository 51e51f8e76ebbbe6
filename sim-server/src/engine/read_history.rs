//! GetWorkflowExecutionHistory: paging, long poll, close-event filter (`api/getworkflowexecutionhistory`).

use std::time::Duration;

use super::{
    Answer, Engine, Parked, Reply, Ticket,
    error::{Error, Result},
    failure, history,
    runs::RunKey,
    time::Time,
    token::PageToken,
    validate,
    workflow::{HistoryWaiter, workflow_task::WorkflowTask},
};
use crate::proto::{
    enums::{EventType, HistoryEventFilterType, TimeoutType},
    history::{HistoryEvent, WorkflowExecutionContinuedAsNewEventAttributes, history_event::Attributes},
    workflowservice::GetWorkflowExecutionHistoryRequest,
};

/// A wait for new events ends after this long (`history.longPollExpirationInterval`).
const LONG_POLL: Duration = Duration::from_secs(20);
/// ... or this long before the caller's own deadline.
const MARGIN: Duration = Duration::from_secs(1);
const PAGE_BYTES: usize = 3 << 20;
/// Clients that show histories to people; they get no events that are not written (`api/get_history_util.go`).
const VIEWERS: [&str; 2] = ["temporal-cli", "temporal-ui"];

/// A page of history; its events are encoded already.
#[derive(Debug, Default)]
pub struct HistoryReply {
    /// The bytes of a `History` message.
    pub history: Vec<u8>,
    /// Where the next page starts; empty after the last.
    pub next_page_token: Vec<u8>,
}

/// Who reads a history.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    /// The header `client-name`.
    pub client_name: String,
    /// It looks for the next run in any close event.
    pub follows_next_run_id: bool,
    /// When (wall) it gives up.
    pub deadline: Option<Time>,
}

impl Engine {
    /// GetWorkflowExecutionHistory.
    pub fn get_workflow_execution_history(
        &mut self,
        mut request: GetWorkflowExecutionHistoryRequest,
        reader: &Reader,
        ticket: Ticket,
    ) -> Result<Answer<HistoryReply>> {
        let key = self.target(&request.namespace, request.execution.as_ref())?;
        validate::execution::history(&mut request, &self.limits)?;
        let token = self.page_token(&request, key)?;
        let key = self.runs.find_by_run_id(&token.run_id).ok_or_else(|| Error::invalid("Invalid NextPageToken."))?;
        let run = self.runs.get(key);
        let page_size = usize::try_from(request.maximum_page_size).unwrap_or(0);
        if request.history_event_filter_type() == HistoryEventFilterType::CloseEvent {
            if run.is_running() && request.wait_new_event {
                return Ok(self.park_history(key, token.from, true, reader, ticket));
            }
            return Ok(Answer::Now(self.close_event(key, reader.follows_next_run_id)));
        }
        if request.wait_new_event && run.is_running() && token.from >= run.history.next_id() {
            return Ok(self.park_history(key, token.from, false, reader, ticket));
        }
        let shows_transient = !request.wait_new_event && !VIEWERS.contains(&reader.client_name.as_str());
        Ok(Answer::Now(self.page(key, &token, page_size, request.wait_new_event, shows_transient)))
    }

    /// Where the page starts: at the token, or at the first event of the named run.
    fn page_token(&self, request: &GetWorkflowExecutionHistoryRequest, key: Result<RunKey>) -> Result<PageToken> {
        if request.next_page_token.is_empty() {
            let run = self.runs.get(key?);
            let until = run.history.next_id();
            return Ok(PageToken { run_id: run.run_id.clone(), from: 1, until, ..PageToken::default() });
        }
        let token = PageToken::parse(&request.next_page_token)?;
        let named = request.execution.as_ref().map_or("", |execution| execution.run_id.as_str());
        if !named.is_empty() && named != token.run_id {
            return Err(Error::invalid("RunId in the request does not match the NextPageToken."));
        }
        Ok(token)
    }

    fn page(&self, key: RunKey, token: &PageToken, page_size: usize, waiting: bool, shows_transient: bool) -> HistoryReply {
        let run = self.runs.get(key);
        let until = if token.from < token.until { token.until } else { run.history.next_id() };
        let page = run.history.page(token.from, until, page_size, PAGE_BYTES);
        let end = page.end;
        let mut bytes = run.history.slice(token.from, end).to_vec();
        let mut next = PageToken { run_id: run.run_id.clone(), from: end, until, waiting, ..PageToken::default() };
        if end < until || page.is_full && !waiting {
            return HistoryReply { history: bytes, next_page_token: next.to_bytes() };
        }
        if waiting && (run.is_running() || end < run.history.next_id()) {
            next.until = end;
            return HistoryReply { history: bytes, next_page_token: next.to_bytes() };
        }
        // Only where it would be the next event.
        let follows = |task: &&WorkflowTask| task.transient && task.scheduled_event_id == end && run.is_running();
        if shows_transient && let Some(task) = run.tasks.pending.as_ref().filter(follows) {
            for event in run.transient_events_to_read(task) {
                history::append(&mut bytes, &event);
            }
        }
        HistoryReply { history: bytes, next_page_token: Vec::new() }
    }

    /// The close event of a closed run; nothing of an open one. For a client that does not look for the next run in it, one
    /// that is followed by another run is told as continued as new (`makeFakeContinuedAsNewEvent`).
    fn close_event(&self, key: RunKey, follows_next_run_id: bool) -> HistoryReply {
        let run = self.runs.get(key);
        if run.is_running() {
            return HistoryReply::default();
        }
        let last = run.history.last_id();
        if !follows_next_run_id
            && !run.new_run_id.is_empty()
            && let Some(event) = run.history.get(last).and_then(as_continued_as_new)
        {
            let mut bytes = Vec::new();
            history::append(&mut bytes, &event);
            return HistoryReply { history: bytes, next_page_token: Vec::new() };
        }
        HistoryReply { history: run.history.slice(last, last + 1).to_vec(), next_page_token: Vec::new() }
    }

    fn park_history(
        &mut self,
        key: RunKey,
        from: i64,
        close_event_only: bool,
        reader: &Reader,
        ticket: Ticket,
    ) -> Answer<HistoryReply> {
        let wall = self.clock.wall();
        let until = reader.deadline.map_or(wall + LONG_POLL, |deadline| (wall + LONG_POLL).min(deadline - MARGIN)).max(wall);
        let expiry = self.expire_at(until, ticket);
        self.park(ticket, Parked::History { run: key, expiry });
        self.runs.get_mut(key).waiters.push(HistoryWaiter {
            ticket,
            from,
            close_event_only,
            follows_next_run_id: reader.follows_next_run_id,
        });
        Answer::Parked
    }

    /// Answers those who wait for what the last transaction wrote.
    pub(super) fn answer_history_waiters(&mut self, key: RunKey) {
        let run = self.runs.get_mut(key);
        let (running, next_id) = (run.is_running(), run.history.next_id());
        let is_ready = |waiter: &HistoryWaiter| !running || !waiter.close_event_only && waiter.from < next_id;
        let (ready, waiting) = std::mem::take(&mut run.waiters).into_iter().partition(is_ready);
        run.waiters = waiting;
        let ready: Vec<HistoryWaiter> = ready;
        for waiter in ready {
            if let Some(Parked::History { expiry, .. }) = self.parked.get(&waiter.ticket).copied() {
                self.expiries.cancel(expiry);
            }
            let reply = self.waited_page(key, waiter);
            self.answer(waiter.ticket, Ok(Reply::History(reply)));
        }
    }

    /// A wait is over with nothing new: no events, and a token to go on with.
    pub(super) fn end_history_wait(&mut self, key: RunKey, ticket: Ticket) {
        let run = self.runs.get_mut(key);
        let Some(at) = run.waiters.iter().position(|waiter| waiter.ticket == ticket) else { return };
        let waiter = run.waiters.remove(at);
        let token = PageToken {
            run_id: run.run_id.clone(),
            from: waiter.from,
            until: waiter.from,
            waiting: true,
            ..PageToken::default()
        };
        let reply = HistoryReply { history: Vec::new(), next_page_token: token.to_bytes() };
        self.answer(ticket, Ok(Reply::History(reply)));
    }

    fn waited_page(&self, key: RunKey, waiter: HistoryWaiter) -> HistoryReply {
        if waiter.close_event_only {
            return self.close_event(key, waiter.follows_next_run_id);
        }
        let run = self.runs.get(key);
        let token = PageToken { run_id: run.run_id.clone(), from: waiter.from, until: waiter.from, ..PageToken::default() };
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
