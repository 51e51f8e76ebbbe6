//! Serves one history for as long as it takes, so that a debugger can hold the worker.

use foretime_history::verdict::{Divergence, Verdict};

use super::{Examined, Examiner, Subject, ask::Cut, could_not_tell};
use crate::said::Said;

impl Examiner<'_> {
    /// Serves the history once, up to an event if one is given, and takes what the SDK says as it is.
    pub(crate) async fn hold(self, subject: &Subject, until_event_id: Option<i64>) -> Examined {
        let last = subject.tasks.len().checked_sub(1).map_or(1, |last| subject.after_commands(last));
        let until = until_event_id.unwrap_or(last).min(last);
        let asked = self.ask(subject, Cut::at(until)).await;
        let verdict = match asked.said {
            Said::Replays(_) => Verdict::Replays,
            Said::Refuses(refusal) => Verdict::Breaks(Box::new(Divergence {
                message: self.told(&refusal.message),
                stack_after: refusal.stack.map(|stack| self.told_stack(&stack)),
                ..Divergence::default()
            })),
            Said::Unclear(why) => could_not_tell(self.told(&why)),
            Said::Nothing(lost) => could_not_tell(lost.why()),
        };
        Examined { verdict, poller: asked.poller, ..Examined::default() }
    }
}
