//! Finds the first workflow task that the code does not fit, and what it asks for there.

use foretime_history::{
    Telling,
    compare::{Comparison, Difference, compare},
    refused::event_named_in,
    verdict::{Divergence, Thing},
};

use super::{Examiner, Family, Subject, ask::Cut, fit::Fit, go};
use crate::said::{Answer, Refusal, Said};

/// Where the code waits, and what it asks for against what is recorded.
type Seen = (Option<String>, Comparison);

impl Examiner<'_> {
    /// The divergence of a history that is known not to replay: the SDK has refused it.
    ///
    /// # Errors
    /// Not all could be found out: what is known, and why not more.
    pub(super) async fn locate(self, subject: &Subject, refusal: Refusal) -> Result<Divergence, (Divergence, String)> {
        let mut left_over = refusal.difference;
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
                    left_over = refusal.difference;
                    if !refusal.message.is_empty() {
                        divergence.message = refusal.message;
                        divergence.stack_after = refusal.stack;
                    }
                }
                Fit::Unknown(why) => return Err((divergence, undecided(fits, fails, &self.told(&why)))),
                Fit::Nothing(lost) => return Err((divergence, undecided(fits, fails, lost.why()))),
            }
        }
        let task = fails - 1;
        divergence.task = Some(fails);
        divergence.event_id = event_named_in(&divergence.message)
            .filter(|id| (subject.tasks[task].completed_event_id..=subject.after_commands(task)).contains(id));
        match self.family {
            // To show its commands, Go's SDK would have to go on live. Its message has most of them.
            Family::Go if left_over.is_none() => go::read_message(subject, task, &mut divergence, self.telling),
            Family::Go => {}
            Family::Core | Family::Java => self.sides(subject, task, &mut divergence).await,
        }
        if divergence.recorded.is_none()
            && divergence.asked.is_none()
            && let Some(difference) = left_over
        {
            divergence.event_id = event_of(&difference, subject, task);
            take(difference, &mut divergence, self.telling);
        }
        if divergence.recorded.is_none() && divergence.asked.is_some() && subject.closes(task) {
            // What it asks for in addition, it asks for in place of the end.
            let end = subject.step(subject.after_commands(task));
            divergence.recorded = end.as_ref().map(|step| Thing::of(step, self.telling));
        }
        divergence.event_id = divergence.event_id.or_else(|| subject.patch_named_in(task, &divergence.message));
        if divergence.recorded.is_none() && divergence.asked.is_none() {
            divergence.recorded =
                divergence.event_id.and_then(|id| subject.step(id)).as_ref().map(|step| Thing::of(step, self.telling));
        }
        Ok(divergence)
    }

    /// What is recorded of the task, and what the code asks for in it.
    async fn sides(self, subject: &Subject, task: usize, divergence: &mut Divergence) {
        let asked = self.asked(subject, task, self.family.before_commands(subject, task)).await;
        let found = match asked {
            Some(found) if found.1.difference.is_some() => Some(found),
            asked if subject.answers(task).next().is_some() => match self.asked_between(subject, task).await {
                Ok(found) => found.or(asked),
                Err((refused, stack)) => {
                    divergence.stack_after = stack.or(divergence.stack_after.take());
                    divergence.event_id = Some(refused);
                    divergence.recorded = subject.step(refused).as_ref().map(|step| Thing::of(step, self.telling));
                    return;
                }
            },
            asked => asked,
        };
        let Some((stack, comparison)) = found else { return };
        divergence.stack_after = stack.or(divergence.stack_after.take());
        let Some(difference) = comparison.difference else { return };
        divergence.event_id = event_of(&difference, subject, task);
        take(difference, divergence, self.telling);
    }

    /// What the code asks for before the first answer in a task, between that and the next one, and so on, until it differs.
    ///
    /// # Errors
    /// The first answer that the worker refuses, the event of something that the code does not ask for; and where the code waits before it.
    async fn asked_between(self, subject: &Subject, task: usize) -> Result<Option<Seen>, (i64, Option<String>)> {
        let completed = subject.tasks[task].completed_event_id;
        let mut stack = None;
        for until in std::iter::once(completed).chain(subject.answers(task)) {
            match self.ask(subject, Cut::at(until)).await.said {
                Said::Replays(answer) => {
                    let comparison = self.compared(subject, task, until, &answer).filter(|it| it.difference.is_some());
                    if let Some(comparison) = comparison {
                        return Ok(Some((answer.stack, comparison)));
                    }
                    stack = answer.stack;
                }
                Said::Refuses(_) if until != completed => return Err((until, stack)),
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    /// What the code asks for in a task, given the history up to `until_event_id`, against what is recorded behind that.
    async fn asked(self, subject: &Subject, task: usize, until_event_id: i64) -> Option<Seen> {
        let Said::Replays(answer) = self.ask(subject, Cut::at(until_event_id)).await.said else { return None };
        let comparison = self.compared(subject, task, until_event_id, &answer)?;
        Some((answer.stack, comparison))
    }

    /// What a task has recorded behind an event against the commands that the worker answers.
    pub(super) fn compared(self, subject: &Subject, task: usize, until: i64, answer: &Answer) -> Option<Comparison> {
        let completed = answer.completed.as_ref()?;
        let end = subject.after_commands(task);
        let hidden = subject.answers(task).find(|answer| *answer > until);
        let recorded = subject.encoded_events(until + 1, hidden.map_or(end, |hidden| hidden - 1));
        let mut comparison = compare(recorded, &completed.commands, self.telling);
        // Behind what the code could not see, nothing can be said.
        if hidden.is_some() && comparison.difference.as_ref().is_some_and(|it| it.recorded.is_none()) {
            comparison.difference = None;
            comparison.is_cut_short = true;
        }
        Some(comparison)
    }
}

/// The event at which they differ: the recorded one, or the one before which the code asks for more.
fn event_of(difference: &Difference, subject: &Subject, task: usize) -> Option<i64> {
    match &difference.recorded {
        Some(step) => step.event_id(),
        None => Some(subject.behind_commands(task)),
    }
}

fn take(difference: Difference, divergence: &mut Divergence, telling: Telling) {
    divergence.recorded = difference.recorded.as_ref().map(|step| Thing::of(step, telling));
    divergence.asked = difference.asked.as_ref().map(|step| Thing::of(step, telling));
    divergence.fields = difference.fields;
}

fn undecided(fits: usize, fails: usize, why: &str) -> String {
    format!("the task that diverges is one of {} to {fails}: {why}", fits + 1)
}
