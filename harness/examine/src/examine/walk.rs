//! Walks over a history, task by task, and compares all that the code asks for with what is recorded. The worker keeps the run in
//! its cache, so that it replays each event once.

use foretime_history::{
    Telling,
    compare::Difference,
    verdict::{Divergence, Thing, Verdict},
};

use super::{
    Examined, Examiner, Subject,
    ask::{Asked, Cached, Cut},
};
use crate::said::Said;

impl Examiner<'_> {
    /// Walks over a history that replays. What differs becomes the verdict.
    pub(super) async fn walk(self, subject: &Subject, examined: &mut Examined) {
        let mut cached: Option<Cached> = None;
        let mut unseen = 0;
        let mut stack_before = None;
        for task in 0..subject.tasks.len() {
            let is_last = task + 1 == subject.tasks.len();
            let until = self.family.before_commands(subject, task);
            let asked = self.step(subject, until, !is_last, cached.take()).await;
            let Said::Replays(answer) = asked.said else {
                unseen += 1;
                continue;
            };
            let comparison = self.compared(subject, task, until, &answer);
            cached = Cached::of(&answer, until);
            let Some(comparison) = comparison else {
                unseen += 1;
                continue;
            };
            unseen += usize::from(comparison.is_cut_short);
            examined.incomparable_count += comparison.incomparable_count;
            examined.patched_here.extend(comparison.patched.map(|patch| (task + 1, patch)));
            if let Some(difference) = comparison.difference {
                let divergence = Divergence {
                    stack_before,
                    stack_after: answer.stack,
                    ..differing(subject, task, difference, self.telling)
                };
                examined.verdict = Verdict::Differs(Box::new(divergence));
                break;
            }
            stack_before = answer.stack;
        }
        if unseen > 0 {
            examined.remarks.push(format!("of {unseen} tasks not all that the code asks for could be seen"));
        }
    }

    /// One step: from the cache if the worker has the run there, else from the first event.
    async fn step(self, subject: &Subject, until: i64, keeps_run: bool, cached: Option<Cached>) -> Asked {
        if let Some(cached) = cached {
            let asked = self.ask(subject, Cut { until_event_id: until, keeps_run, cached: Some(cached) }).await;
            if matches!(asked.said, Said::Replays(_)) {
                return asked;
            }
        }
        self.ask(subject, Cut { until_event_id: until, keeps_run, cached: None }).await
    }
}

/// Where a task's commands differ from what is recorded of it.
pub(super) fn differing(subject: &Subject, task: usize, difference: Difference, telling: Telling) -> Divergence {
    let at = difference.recorded.as_ref().and_then(|recorded| recorded.event_id());
    Divergence {
        task: Some(task + 1),
        event_id: at.or(Some(subject.after_commands(task) + 1)),
        recorded: difference.recorded.as_ref().map(|step| Thing::of(step, telling)),
        asked: difference.asked.as_ref().map(|step| Thing::of(step, telling)),
        fields: difference.fields,
        ..Divergence::default()
    }
}
