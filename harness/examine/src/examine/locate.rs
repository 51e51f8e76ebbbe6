//! Finds the first workflow task that the code does not fit, and what it asks for there.

use foretime_history::{
    compare::{Comparison, Step, compare},
    events,
    verdict::{Divergence, Thing},
};

use super::{Examiner, Subject};
use crate::said::{Answer, Said};

/// What a worker says of a history up to the end of a task.
enum Fit {
    Fits(Box<Answer>),
    DoesNot(String),
    Unknown(String),
}

impl Examiner<'_> {
    /// The divergence of a history that is known not to replay, for which the SDK had this `message`.
    ///
    /// # Errors
    /// Not all could be found out: what is known, and why not more.
    pub(super) async fn locate(self, subject: &Subject, message: String) -> Result<Divergence, (Divergence, String)> {
        let mut divergence = Divergence { message, ..Divergence::default() };
        let (mut fits, mut fails) = (0, subject.tasks.len());
        // `fits` tasks are known to fit, with `fails` it is known not to. At the end they are neighbours.
        while fits + 1 < fails {
            let middle = usize::midpoint(fits, fails);
            match self.fit(subject, middle - 1).await {
                Fit::Fits(answer) => {
                    fits = middle;
                    divergence.stack_before = answer.stack;
                }
                Fit::DoesNot(message) => {
                    fails = middle;
                    if !message.is_empty() {
                        divergence.message = message;
                    }
                }
                Fit::Unknown(why) => {
                    let remark = format!("the task that diverges is one of {} to {fails}: {why}", fits + 1);
                    return Err((divergence, remark));
                }
            }
        }
        let task = fails - 1;
        divergence.task = Some(fails);
        divergence.event_id = event_named_in(&divergence.message)
            .filter(|id| (subject.tasks[task].completed_event_id..=subject.after_commands(task)).contains(id));
        self.sides(subject, task, &mut divergence).await;
        Ok(divergence)
    }

    async fn fit(self, subject: &Subject, task: usize) -> Fit {
        match self.ask(subject, subject.after_commands(task), false).await.said {
            Said::Replays(answer) => match self.family.leftover(subject, task, &answer).difference {
                None => Fit::Fits(answer),
                Some(_) => Fit::DoesNot(String::new()),
            },
            Said::Refuses(message) => Fit::DoesNot(message),
            Said::Unclear(why) => Fit::Unknown(why),
            Said::Nothing(why) => Fit::Unknown(why.why().to_owned()),
        }
    }

    /// What is recorded of the task, and what the code asks for in it.
    async fn sides(self, subject: &Subject, task: usize, divergence: &mut Divergence) {
        let (started, before) = (subject.tasks[task].started_event_id, subject.before_commands(task));
        // Up to the start the code does not see what it was answered within the task. Behind that it may not come.
        let whole = self.asked(subject, task, before).await.filter(|(_, comparison)| comparison.difference.is_some());
        let found = match whole {
            Some(found) => Some(found),
            None if before != started => match self.asked_between(subject, task).await {
                Ok(found) => found,
                Err(refused) => {
                    let step = subject.encoded_events(refused, refused).next().and_then(Step::of_event);
                    divergence.event_id = Some(refused);
                    divergence.recorded = step.as_ref().map(Thing::of);
                    return;
                }
            },
            None => None,
        };
        let Some((stack, comparison)) = found else { return };
        divergence.stack_after = stack;
        let Some(difference) = comparison.difference else { return };
        divergence.event_id = match &difference.recorded {
            Some(step) => step.event_id(),
            None => Some(subject.after_commands(task) + 1),
        };
        divergence.recorded = difference.recorded.as_ref().map(Thing::of);
        divergence.asked = difference.asked.as_ref().map(Thing::of);
        divergence.fields = difference.fields;
    }

    /// What the code asks for before the first answer in a task, between that and the next one, and so on, until it differs.
    ///
    /// # Errors
    /// The first answer that the worker refuses: the event of something that the code does not ask for.
    async fn asked_between(self, subject: &Subject, task: usize) -> Result<Option<(Option<String>, Comparison)>, i64> {
        let started = subject.tasks[task].started_event_id;
        for until in std::iter::once(started).chain(subject.answers(task)) {
            match self.ask(subject, until, false).await.said {
                Said::Replays(answer) => {
                    let comparison = self.compared(subject, task, until, &answer).filter(|it| it.difference.is_some());
                    if let Some(comparison) = comparison {
                        return Ok(Some((answer.stack, comparison)));
                    }
                }
                Said::Refuses(_) if until != started => return Err(until),
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    /// What the code asks for in a task, given the history up to `until_event_id`, against what is recorded behind that.
    async fn asked(self, subject: &Subject, task: usize, until_event_id: i64) -> Option<(Option<String>, Comparison)> {
        let Said::Replays(answer) = self.ask(subject, until_event_id, false).await.said else { return None };
        let comparison = self.compared(subject, task, until_event_id, &answer)?;
        Some((answer.stack, comparison))
    }

    /// What a task has recorded behind an event against the commands that the worker answers.
    pub(super) fn compared(self, subject: &Subject, task: usize, until: i64, answer: &Answer) -> Option<Comparison> {
        let completed = answer.completed.as_ref()?;
        let end = subject.after_commands(task);
        let hidden = subject.answers(task).find(|answer| *answer > until);
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

/// The event that an SDK's message is about.
fn event_named_in(message: &str) -> Option<i64> {
    let patterns = ["HistoryEvent(id: ", "EventId:", "event id ", "eventId="];
    let rest = patterns.iter().find_map(|pattern| message.split_once(pattern)).map(|(_, rest)| rest.trim_start())?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok().filter(|id: &i64| *id > 0 && *id < events::ID_MAX)
}
