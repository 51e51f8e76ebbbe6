//! Whether the code fits a history up to the end of a workflow task.

use foretime_history::compare::{Comparison, Step, compare};
use foretime_server::proto::foretimeservice::Poller;

use super::{Examiner, Family, Lost, Subject, ask::Cut};
use crate::said::{Answer, Refusal, Said};

/// What the worker says of it.
pub(super) enum Fit {
    /// The code asks for all that is recorded, in order, and for no more.
    Fits(Box<Answer>),
    /// It does not.
    DoesNot(Box<Refusal>),
    /// It cannot be told.
    Unknown(String),
    /// The worker did not answer.
    Nothing(Lost),
}

impl Examiner<'_> {
    /// Whether the code fits the history up to the end of a task, from 0, and who said so.
    pub(super) async fn fit(self, subject: &Subject, task: usize) -> (Fit, Option<Poller>) {
        let asked = self.ask(subject, Cut::at(subject.after_commands(task))).await;
        let fit = match asked.said {
            Said::Replays(answer) if let Some(difference) = self.leftover(subject, task, &answer).difference => {
                Fit::DoesNot(Box::new(Refusal { difference: Some(difference), ..Refusal::default() }))
            }
            Said::Replays(answer) if self.family == Family::Go && task > 0 && subject.closes(task) => {
                // Go's SDK leaves out its comparison once the workflow is complete. What it asks for in the last task is compared above.
                let before = self.ask(subject, Cut::at(subject.tasks[task].scheduled_event_id - 1)).await;
                match before.said {
                    Said::Replays(_) => Fit::Fits(answer),
                    said => Fit::of(said),
                }
            }
            said => Fit::of(said),
        };
        (fit, asked.poller)
    }

    /// Whether the code replays the whole history, apart from the values that it completes with.
    ///
    /// # Errors
    /// It does not, or that cannot be told: why, as one line.
    pub(crate) async fn replays(self, subject: &Subject) -> Result<(), String> {
        let Some(last) = subject.tasks.len().checked_sub(1) else { return Ok(()) };
        let words = match self.fit(subject, last).await.0 {
            Fit::Fits(_) => return Ok(()),
            Fit::DoesNot(refusal) if refusal.difference.as_ref().is_some_and(|it| !it.fields.is_empty()) => return Ok(()),
            Fit::DoesNot(refusal) if refusal.message.is_empty() => "the code asks for something else".to_owned(),
            Fit::DoesNot(refusal) => self.told(&refusal.message),
            Fit::Unknown(why) => self.told(&why),
            Fit::Nothing(lost) => lost.why().to_owned(),
        };
        Err(words.lines().next().unwrap_or_default().to_owned())
    }

    /// What the code asks for beyond the task's recorded commands, after a history that ends with these.
    fn leftover(self, subject: &Subject, task: usize, answer: &Answer) -> Comparison {
        let Some(completed) = &answer.completed else { return Comparison::default() };
        match self.family {
            // They answer with what no event accounts for.
            Family::Core | Family::Java => compare([], &completed.commands, self.telling),
            // It answers with the command that completes the workflow, and compares everything else itself.
            Family::Go => {
                let last = subject.after_commands(task);
                let recorded = subject.encoded_events(last, last).filter(|event| is_close(event));
                compare(recorded, completed.commands.last().map_or(&[], std::slice::from_ref), self.telling)
            }
        }
    }
}

impl Fit {
    fn of(said: Said) -> Self {
        match said {
            Said::Replays(answer) => Self::Fits(answer),
            Said::Refuses(refusal) => Self::DoesNot(refusal),
            Said::Unclear(why) => Self::Unknown(why),
            Said::Nothing(lost) => Self::Nothing(lost),
        }
    }
}

fn is_close(event: &[u8]) -> bool {
    Step::of_event(event).is_some_and(|step| step.closes_the_workflow())
}
