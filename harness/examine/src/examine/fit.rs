//! Whether the code fits a history up to the end of a workflow task.

use foretime_history::{
    Telling,
    compare::{Difference, compare},
};
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
        if self.family == Family::Go {
            return self.fit_go(subject, task).await;
        }
        let asked = self.ask(subject, Cut::at(subject.after_commands(task))).await;
        let fit = match asked.said {
            Said::Replays(answer) if let Some(difference) = leftover(&answer, self.telling) => Fit::differs(difference),
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
}

impl Fit {
    /// The code asks for something else than is recorded.
    pub(super) fn differs(difference: Difference) -> Self {
        Self::DoesNot(Box::new(Refusal { difference: Some(difference), ..Refusal::default() }))
    }

    pub(super) fn of(said: Said) -> Self {
        match said {
            Said::Replays(answer) => Self::Fits(answer),
            Said::Refuses(refusal) => Self::DoesNot(refusal),
            Said::Unclear(why) => Self::Unknown(why),
            Said::Nothing(lost) => Self::Nothing(lost),
        }
    }
}

/// What the code asks for beyond the recorded commands, after a history that ends with these.
fn leftover(answer: &Answer, telling: Telling) -> Option<Difference> {
    compare([], &answer.completed.as_ref()?.commands, telling).difference
}
