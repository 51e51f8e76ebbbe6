//! Where a workflow stands in its script.

use std::mem;

use foretime_server::proto::{command::Command, protocol::Message};

use super::{commands, decide::Decision, seen::Seen, update::Asked};
use crate::plan::{
    activity::Activity,
    digest::Digest,
    script::{Ending, Script, Step},
};

/// A run between two workflow tasks.
#[derive(Debug)]
pub(super) struct Flow {
    script: Script,
    task_queue: String,
    /// What has happened up to the workflow task at hand.
    pub(super) seen: Seen,
    /// The number of the step that it is in.
    at: usize,
    /// Whether it has asked for what that step needs.
    has_begun: bool,
    /// How many signals there must be for the step to be over.
    signals_wanted: usize,
    /// The updates that it has accepted.
    updates: Vec<String>,
    /// How its steps ended.
    outcomes: Vec<String>,
    has_closed: bool,
}

impl Flow {
    pub(super) fn new(script: Script, task_queue: String) -> Self {
        Self {
            script,
            task_queue,
            seen: Seen::default(),
            at: 0,
            has_begun: false,
            signals_wanted: 0,
            updates: Vec::new(),
            outcomes: Vec::new(),
            has_closed: false,
        }
    }

    /// Goes on as far as it can with what it has seen, at one workflow task that came with these messages.
    pub(super) fn go_on(&mut self, messages: &[Message]) -> Decision {
        let mut decision = Decision::default();
        if self.has_closed {
            return decision;
        }
        for asked in messages.iter().filter_map(Asked::of) {
            self.answer_update(&asked, &mut decision);
        }
        if self.seen.is_cancel_requested {
            self.has_closed = true;
            decision.commands.push(commands::cancel(&self.result()));
            return decision;
        }
        while let Some(step) = self.script.steps.get(self.at).cloned() {
            if !mem::replace(&mut self.has_begun, true) {
                self.begin(&step, &mut decision.commands);
            }
            let Some(outcome) = self.outcome(&step, &mut decision.commands) else { return decision };
            self.outcomes.extend(outcome);
            self.at += 1;
            self.has_begun = false;
        }
        self.has_closed = true;
        decision.commands.push(self.end());
        decision
    }

    fn answer_update(&mut self, asked: &Asked, decision: &mut Decision) {
        if asked.is_rejected() {
            decision.messages.push(asked.rejection());
            return;
        }
        let nonce = asked.nonce();
        let outcome = format!("{nonce} after {} signals", self.seen.signals.len());
        self.updates.push(nonce);
        for message in [asked.acceptance(), asked.response(&outcome)] {
            decision.commands.push(commands::protocol_message(message.id.clone()));
            decision.messages.push(message);
        }
    }

    /// Asks for what the step at hand needs.
    fn begin(&mut self, step: &Step, wanted: &mut Vec<Command>) {
        let at = self.at;
        match step {
            Step::Activity(activity) => wanted.push(self.schedule(activity_id(at, None), activity)),
            Step::Activities(all) => {
                let all = all.iter().enumerate();
                wanted.extend(all.map(|(index, activity)| self.schedule(activity_id(at, Some(index)), activity)));
            }
            Step::Timer { ms } => wanted.push(commands::start_timer(timer_id(at), *ms)),
            Step::Signals { count, within_ms } => {
                self.signals_wanted = self.seen.signals.len() + *count as usize;
                if *count > 0 {
                    wanted.push(commands::start_timer(timer_id(at), *within_ms));
                }
            }
            Step::Child { script, at_parents_close } => {
                wanted.push(commands::start_child(script, *at_parents_close, &self.task_queue));
            }
            Step::Marker { name } => wanted.push(commands::record_marker(name)),
            Step::Memo { value } => wanted.push(commands::change_memo(value)),
        }
    }

    fn schedule(&self, activity_id: String, activity: &Activity) -> Command {
        commands::schedule_activity(activity_id, activity, &self.task_queue)
    }

    /// How the step at hand ended: what is told of it, in the order of what it asked for. `None`: it has not ended.
    fn outcome(&self, step: &Step, wanted: &mut Vec<Command>) -> Option<Vec<String>> {
        let at = self.at;
        let activity = |activity_id: String| {
            let outcome = self.seen.activities.get(&activity_id)?;
            Some(format!("{activity_id} {outcome}"))
        };
        match step {
            Step::Activity(_) => Some(vec![activity(activity_id(at, None))?]),
            Step::Activities(all) => (0..all.len()).map(|index| activity(activity_id(at, Some(index)))).collect(),
            Step::Timer { .. } => self.seen.fired.contains(&timer_id(at)).then(Vec::new),
            Step::Signals { count, .. } => {
                // Both may have happened since the last task: then there is no timer left to cancel.
                let (has_fired, is_enough) =
                    (self.seen.fired.contains(&timer_id(at)), self.seen.signals.len() >= self.signals_wanted);
                if is_enough && !has_fired && *count > 0 {
                    wanted.push(commands::cancel_timer(timer_id(at)));
                }
                (has_fired || is_enough).then(Vec::new)
            }
            Step::Child { script, .. } => {
                let outcome = self.seen.children.get(&script.child_workflow_id())?;
                Some(vec![format!("c{at} {outcome}")])
            }
            Step::Marker { .. } | Step::Memo { .. } => Some(Vec::new()),
        }
    }

    fn end(&self) -> Command {
        match &self.script.ending {
            Ending::Complete => commands::complete(&self.result()),
            Ending::Fail { message } => commands::fail(message),
            Ending::ContinueAsNew(next) => {
                let next = Script { so_far: self.digest(), ..Script::clone(next) };
                commands::continue_as_new(&next, &self.task_queue)
            }
        }
    }

    fn result(&self) -> String {
        self.digest().text(&self.script.nonce)
    }

    fn digest(&self) -> Digest {
        let Digest { signals, updates, outcomes } = self.script.so_far.clone();
        Digest {
            signals: [signals, self.seen.signals.clone()].concat(),
            updates: [updates, self.updates.clone()].concat(),
            outcomes: [outcomes, self.outcomes.clone()].concat(),
        }
    }
}

/// The id of an activity of the step of this number; `index`: if there are several.
fn activity_id(at: usize, index: Option<usize>) -> String {
    index.map_or_else(|| format!("a{at}"), |index| format!("a{at}.{index}"))
}

/// The id of the timer of the step of this number.
fn timer_id(at: usize) -> String {
    format!("t{at}")
}
