//! A run that has closed is replayed by a worker that still polls, before a client hears of its end: as a workflow task of all its
//! history, of which the worker is told that it has been there before.

use crate::{
    engine::{
        Engine, WorkflowTaskReply,
        kernel::{
            error::{Error, Result},
            key::{RunKey, WorkerId},
            token::TaskToken,
        },
        matching::queues::{Arrival, Poller, QueueKind, Task},
        rules::sdk::{self, Family},
        workflow::replays::{self, Part, UnderWay},
    },
    proto::{
        command::Command,
        enums::{CommandType, WorkflowTaskFailedCause},
        query::WorkflowQuery,
        workflowservice::{
            PollWorkflowTaskQueueResponse, RespondWorkflowTaskCompletedRequest, RespondWorkflowTaskFailedRequest,
        },
    },
};

/// A worker on sdk-core answers a task whose history holds the end of the run only if a query comes along. Java's is asked the same.
const QUERY_ID: &str = "foretime-replay";
const QUERY_TYPE: &str = "__stack_trace";

impl Engine {
    /// A run has closed: it is replayed, if that is wanted. Nothing is to be replayed of one that has never done anything.
    pub(in crate::engine) fn replay_closed(&mut self, key: RunKey) {
        if self.replays.is_on() && !replays::parts(self.runs.get(key)).is_empty() {
            self.offer_replay(key, false);
        }
    }

    fn offer_replay(&mut self, key: RunKey, is_second: bool) {
        let (run, wall) = (self.runs.get(key), self.wall());
        let queue = self.matching.queue(run.namespace(), QueueKind::Workflow, run.task_queue());
        let place = self.matching.add(queue, run.priority_key(), Task::Replay(key), Arrival::Usual, wall);
        self.replays.begin(key, place, is_second, wall);
        self.skipping.holds.change(1);
    }

    /// The task of a replay, for the worker that takes it.
    pub(in crate::engine) fn replay_task_reply(&mut self, key: RunKey, poller: &Poller) -> WorkflowTaskReply {
        let (run, wall) = (self.runs.get(key), self.domain.clock.wall());
        self.replays.hand_out(run, poller, wall);
        let parts = replays::parts(run);
        let Some((under_way, part)) = self.replays.under_way(key).and_then(|it| Some((it, part_of(&parts, it)?))) else {
            return WorkflowTaskReply::default();
        };
        let token = TaskToken { run: key.0, run_id: run.run_id().to_owned(), replay: under_way.serial, ..TaskToken::default() };
        let query = WorkflowQuery { query_type: QUERY_TYPE.to_owned(), ..WorkflowQuery::default() };
        let now = self.domain.now().to_proto();
        let response = PollWorkflowTaskQueueResponse {
            task_token: token.into_bytes(),
            started_event_id: part.started_event_id,
            previous_started_event_id: sdk::REPLAY_TO_THE_END,
            // Some SDKs report the failure of a first attempt alone.
            attempt: 1,
            scheduled_time: Some(now),
            started_time: Some(now),
            queries: (under_way.family != Family::Go).then(|| (QUERY_ID.to_owned(), query)).into_iter().collect(),
            ..PollWorkflowTaskQueueResponse::default()
        };
        self.task_up_to(key, part.until, response)
    }

    /// RespondWorkflowTaskCompleted: a worker has gone through a closed run.
    ///
    /// # Errors
    /// It is to drop the run from its cache; or nobody has asked it.
    pub(in crate::engine) fn replay_completed(
        &mut self,
        token: &TaskToken,
        request: &RespondWorkflowTaskCompletedRequest,
    ) -> Result<()> {
        let key = self.replayed_run(token)?;
        let Some(under_way) = self.replays.under_way(key) else { return Ok(()) };
        let (family, is_second, may_be_cached) = (under_way.family, under_way.is_second, under_way.may_be_cached);
        let parts = replays::parts(self.runs.get(key));
        let part = part_of(&parts, under_way);
        let difference = part.and_then(|part| surplus(family, part, part.until == until_of(&parts), &request.commands));
        // Go's SDK compares nothing once the workflow has ended: so it has first been given what comes before the last task. Who has
        // the run in its cache drops it now, and begins anew the second time.
        let is_asked_again = may_be_cached || family == Family::Go && parts.len() > 1;
        let goes_on = difference.is_none() && is_asked_again && !is_second;
        if goes_on {
            self.skipping.holds.change(-1);
            self.replays.end(key, None);
            self.offer_replay(key, true);
        } else {
            self.end_replay(key, difference);
        }
        if family.skips_what_it_has_seen() { Err(Error::InvalidArgument(sdk::UNHANDLED_COMMAND.to_owned())) } else { Ok(()) }
    }

    /// RespondWorkflowTaskFailed: the code does not fit a closed run.
    ///
    /// # Errors
    /// Nobody has asked it.
    pub(in crate::engine) fn replay_failed(
        &mut self,
        token: &TaskToken,
        request: &RespondWorkflowTaskFailedRequest,
    ) -> Result<()> {
        let key = self.replayed_run(token)?;
        let said = request.failure.as_ref().map(sdk::words).unwrap_or_default();
        let cause = WorkflowTaskFailedCause::try_from(request.cause).unwrap_or_default();
        let said = if said.is_empty() { cause.as_str_name().to_owned() } else { said };
        self.end_replay(key, Some(format!("the worker said: {said}")));
        Ok(())
    }

    /// The run whose replay a worker has that answers with this token.
    fn replayed_run(&self, token: &TaskToken) -> Result<RunKey> {
        let is_it = |key: &RunKey| self.replays.under_way(*key).is_some_and(|under_way| under_way.serial == token.replay);
        self.run_of(token).ok().filter(is_it).ok_or_else(|| Error::not_found("Workflow task not found."))
    }

    /// The replay of a run is over, and who waits for an end may hear of it.
    fn end_replay(&mut self, key: RunKey, difference: Option<String>) {
        if self.replays.under_way(key).is_none() {
            return;
        }
        if let Some(said) = &difference {
            let text = self.replay_difference(key, said);
            self.skipping.notices.warn(text);
        }
        if let Some(place) = self.replays.end(key, difference) {
            self.matching.remove(place);
        }
        self.skipping.holds.change(-1);
        for run in self.waiters.runs() {
            self.answer_history_waiters(run);
        }
    }

    /// The wall moved on: nobody replays what has waited for so long.
    pub(in crate::engine) fn give_up_overdue_replays(&mut self) {
        while let Some(key) = self.replays.pop_overdue(self.wall()) {
            let waits = self.replays.under_way(key).is_some_and(|under_way| under_way.worker.is_none());
            self.give_up_replay(key, if waits { "no worker came for it" } else { "the worker that had it did not answer" });
        }
    }

    /// A worker is gone, with the replays that it has.
    pub(in crate::engine) fn give_up_replays_of(&mut self, worker: WorkerId) {
        let all = self.replays.all_under_way();
        let of_worker: Vec<_> = all.filter(|(_, it)| it.worker == Some(worker)).map(|(key, _)| key).collect();
        for key in of_worker {
            self.give_up_replay(key, "the worker that had it is gone");
        }
    }

    /// A closed run is not replayed, for this reason. Whoever awaits its end hears of that all the same.
    pub(in crate::engine) fn give_up_replay(&mut self, key: RunKey, why: &str) {
        if self.replays.under_way(key).is_some() {
            let run = self.runs.get(key);
            let text = format!("the closed run {} of {} was not replayed: {why}", run.run_id(), run.name());
            self.skipping.notices.warn(text);
            self.end_replay(key, None);
        }
    }

    /// The run is deleted.
    pub(super) fn forget_replay(&mut self, key: RunKey) {
        self.end_replay(key, None);
        self.replays.forget(key);
    }

    /// Whether what a client hears of the end of a run waits for a replay: of its own, of one of its chain, or of its tree.
    pub(in crate::engine) fn is_end_held(&self, key: RunKey) -> bool {
        self.replays.all_under_way().any(|(replayed, _)| self.concerns(replayed, key))
    }

    /// Why a client does not hear of the end of a run: code does not fit its history, or that of one of its chain or its tree.
    pub(in crate::engine) fn difference_at_end(&self, key: RunKey) -> Option<Error> {
        let mut differing = self.replays.all_differing().filter(|(replayed, _)| self.concerns(*replayed, key));
        differing.next().map(|(replayed, said)| Error::FailedPrecondition(self.replay_difference(replayed, said)))
    }

    fn replay_difference(&self, key: RunKey, said: &str) -> String {
        let run = self.runs.get(key);
        format!("{} does not replay: its code does not fit what the closed run {} has done: {said}", run.name(), run.run_id())
    }

    /// Whether who awaits the end of a run cares for this one: it is of the same chain, or that chain is at the root of its tree.
    fn concerns(&self, replayed: RunKey, awaited: RunKey) -> bool {
        let (replayed, awaited) = (self.runs.get(replayed), self.runs.get(awaited));
        let chain = awaited.first_run_id();
        let root = replayed.root_run_id().and_then(|root| self.runs.find_by_run_id(root));
        replayed.first_run_id() == chain || root.is_some_and(|root| self.runs.get(root).first_run_id() == chain)
    }
}

/// The part of a history that a worker gets.
fn part_of<'a>(parts: &'a [Part], under_way: &UnderWay) -> Option<&'a Part> {
    match (under_way.family, under_way.is_second, parts) {
        (Family::Go, false, [.., before_last, _]) => Some(before_last),
        _ => parts.last(),
    }
}

fn until_of(parts: &[Part]) -> i64 {
    parts.last().map_or(0, |part| part.until)
}

/// What the code asks for beyond what the history has, in words.
fn surplus(family: Family, part: &Part, is_whole: bool, commands: &[Command]) -> Option<String> {
    let asked: Vec<CommandType> = commands.iter().map(Command::command_type).collect();
    let is_surplus = match family {
        // It answers with what no event accounts for.
        Family::Core => !asked.is_empty(),
        // It answers with nothing, or if the workflow has ended, with all that the last task asks for.
        Family::Go => is_whole && !asked.is_empty() && !asked.ends_with(&part.asked),
        // It has compared all by itself.
        Family::Java | Family::Unknown => false,
    };
    let names = |types: &[CommandType]| types.iter().map(CommandType::as_str_name).collect::<Vec<_>>().join(", ");
    is_surplus.then(|| match family {
        Family::Core => format!("the code asks for more than the history has: {}", names(&asked)),
        _ => format!("the code ends with {}, the history with {}", names(&asked), names(&part.asked)),
    })
}
