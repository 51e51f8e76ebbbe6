//! Whether the code fits a history up to the end of a workflow task.

use foretime_history::compare::compare;
use foretime_server::proto::foretimeservice::Poller;

use super::{Examiner, Family, Lost, Subject, ask::Cut};
use crate::check::said::{Answer, Refusal, Said};

/// What the worker says of it.
pub(super) enum Fit {
    /// The code asks for all that is recorded, in order, and for no more.
    Fits(Box<Answer>),
    /// It does not.
    DoesNot(Refusal),
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
            Said::Replays(answer) if asks_for_more(&answer) => Fit::DoesNot(Refusal::default()),
            said => Fit::of(said),
        };
        (fit, asked.poller)
    }
}

impl Fit {
    pub(super) fn of(said: Said) -> Self {
        match said {
            Said::Replays(answer) => Self::Fits(answer),
            Said::Refuses(refusal) => Self::DoesNot(refusal),
            Said::Unclear(why) => Self::Unknown(why),
            Said::Nothing(lost) => Self::Nothing(lost),
        }
    }
}

/// Whether the code asks for something beyond the recorded commands, after a history that ends with these.
fn asks_for_more(answer: &Answer) -> bool {
    answer.completed.as_ref().is_some_and(|completed| compare([], &completed.commands).difference.is_some())
}
