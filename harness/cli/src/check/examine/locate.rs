//! Finds the first workflow task that the code does not fit, and what it asks for there.

use foretime_history::{
    compare::{Comparison, compare},
    events,
    verdict::{Divergence, Thing},
};

use super::{Examiner, Family, Subject, ask::Cut, fit::Fit, go, walk::differing};
use crate::check::said::{Answer, Refusal, Said};

impl Examiner<'_> {
    /// The divergence of a history that is known not to replay: the SDK has refused it.
    ///
    /// # Errors
    /// Not all could be found out: what is known, and why not more.
    pub(super) async fn locate(self, subject: &Subject, refusal: Refusal) -> Result<Divergence, (Divergence, String)> {
        let mut divergence = Divergence { message: refusal.message, stack_after: refusal.stack, ..Divergence::default() };
        let (mut fits, mut fails) = (0, subject.tasks.len());
        // `fits` tasks are known to fit, with `fails` it is known not to. At the end they are neighbours.
        while fits + 1 < fails {
            let middle = usize::midpoint(fits, fails);
            match self.fit(subject, middle - 1).await.0 {
                Fit::Fits(answer) => {
                    fits = middle;
                    divergence.stack_before = answer.stack;
                }
                Fit::DoesNot(refusal) => {
                    fails = middle;
                    if !refusal.message.is_empty() {
                        divergence.message = refusal.message;
                        divergence.stack_after = refusal.stack;
                    }
                }
                Fit::Unknown(why) => return Err((divergence, undecided(fits, fails, &why))),
                Fit::Nothing(lost) => return Err((divergence, undecided(fits, fails, lost.why()))),
            }
        }
        let task = fails - 1;
        divergence.task = Some(fails);
        divergence.event_id = event_named_in(&divergence.message)
            .filter(|id| (subject.tasks[task].completed_event_id..=subject.after_commands(task)).contains(id));
        match self.family {
            // To show its commands, Go's SDK would have to go on live. Its message has most of them.
            Family::Go => match self.closing_difference(subject, task).await {
                Some(difference) => {
                    let message = std::mem::take(&mut divergence.message);
                    let (stack_before, stack_after) = (divergence.stack_before, divergence.stack_after);
                    divergence = Divergence { message, stack_before, stack_after, ..differing(subject, task, difference) };
                }
                None => go::read_message(subject, task, &mut divergence),
            },
            Family::Core | Family::Java => self.sides(subject, task, &mut divergence).await,
        }
        if divergence.recorded.is_none() && divergence.asked.is_none() {
            divergence.recorded = divergence.event_id.and_then(|id| subject.step(id)).as_ref().map(Thing::of);
        }
        Ok(divergence)
    }

    /// What is recorded of the task, and what the code asks for in it.
    async fn sides(self, subject: &Subject, task: usize, divergence: &mut Divergence) {
        let (started, before) = (subject.tasks[task].started_event_id, self.family.before_commands(subject, task));
        // Up to the start the code does not see what it was answered within the task. Behind that it may not come.
        let asked = self.asked(subject, task, before).await;
        let found = match asked {
            Some(found) if found.1.difference.is_some() => Some(found),
            asked if before != started => self.asked(subject, task, started).await.or(asked),
            asked => asked,
        };
        let Some((stack, comparison)) = found else { return };
        divergence.stack_after = stack.or(divergence.stack_after.take());
        let Some(difference) = comparison.difference else { return };
        divergence.event_id = match &difference.recorded {
            Some(step) => step.event_id(),
            None => Some(subject.after_commands(task) + 1),
        };
        divergence.recorded = difference.recorded.as_ref().map(Thing::of);
        divergence.asked = difference.asked.as_ref().map(Thing::of);
        divergence.fields = difference.fields;
    }

    /// What the code asks for in a task, given the history up to `until_event_id`, against what is recorded behind that.
    async fn asked(self, subject: &Subject, task: usize, until_event_id: i64) -> Option<(Option<String>, Comparison)> {
        let Said::Replays(answer) = self.ask(subject, Cut::at(until_event_id)).await.said else { return None };
        let comparison = self.compared(subject, task, until_event_id, &answer)?;
        Some((answer.stack, comparison))
    }

    /// What a task has recorded behind an event against the commands that the worker answers.
    pub(super) fn compared(self, subject: &Subject, task: usize, until: i64, answer: &Answer) -> Option<Comparison> {
        let completed = answer.completed.as_ref()?;
        let end = subject.after_commands(task);
        let hidden = subject.first_answer(task).filter(|answer| *answer > until);
        let recorded = subject.encoded_events(until + 1, hidden.map_or(end, |hidden| hidden - 1));
        let mut comparison = compare(recorded, &completed.commands);
        // Behind what the code could not see, nothing can be said.
        if hidden.is_some() && comparison.difference.as_ref().is_some_and(|it| it.recorded.is_none()) {
            comparison.difference = None;
            comparison.is_cut_short = true;
        }
        Some(comparison)
    }
}

fn undecided(fits: usize, fails: usize, why: &str) -> String {
    format!("the task that diverges is one of {} to {fails}: {why}", fits + 1)
}

/// The event that an SDK's message is about.
fn event_named_in(message: &str) -> Option<i64> {
    let patterns =
        ["HistoryEvent(id: ", "history event position ", "scheduleEventID: ", "EventId:", "event id ", "eventId=", "Event "];
    let ids = patterns.iter().filter_map(|pattern| {
        let (_, rest) = message.split_once(pattern)?;
        let digits: String = rest.trim_start().chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok().filter(|id: &i64| *id > 0 && *id < events::ID_MAX)
    });
    ids.into_iter().next()
}
