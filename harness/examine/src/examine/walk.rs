//! Walks over a history, task by task, and compares all that the code asks for with what is recorded. The worker keeps the run in
//! its cache, so that it replays each event once.

use foretime_history::{
    Telling,
    compare::Difference,
    verdict::{Divergence, Thing, Verdict},
};

use super::{
    Examined, Examiner, Family, NOTHING_COMPARED, Subject,
    ask::{Asked, Cached, Cut},
    could_not_tell,
};
use crate::said::Said;

/// In longer histories, what lies before a break is not looked at.
const TASKS_LOOKED_AT_MAX: usize = 1000;

impl Examiner<'_> {
    /// Walks over a history that replays. What differs becomes the verdict.
    pub(super) async fn walk(self, subject: &Subject, examined: &mut Examined) {
        self.walk_until(subject, subject.tasks.len(), examined).await;
        let answered = subject.answered_updates_count();
        if answered > 0 && matches!(examined.verdict, Verdict::Replays) {
            examined
                .remarks
                .push(format!("{answered} answers to updates were not compared: in a replay, the SDK does not tell them"));
        }
    }

    /// Looks for what the code asks for otherwise before the task at which the SDK notices: most SDKs take other inputs for the same, and
    /// stumble later. With --strict that is the place; else it is a remark.
    pub(super) async fn look_before(self, subject: &Subject, divergence: &mut Divergence, remarks: &mut Vec<String>) {
        let before = divergence.task.map_or(0, |task| task - 1);
        if before == 0 || before > TASKS_LOOKED_AT_MAX {
            return;
        }
        let mut examined = Examined::default();
        match self.family {
            // It would run live, which --strict alone allows.
            Family::Go if !self.strict => return,
            Family::Go => self.walk_live(subject, before, &mut examined).await,
            Family::Core | Family::Java => self.walk_until(subject, before, &mut examined).await,
        }
        let Verdict::Differs(earlier) = examined.verdict else { return };
        if self.strict {
            let noticed = std::mem::take(divergence);
            remarks.push(format!("the SDK notices it only in task {}: {}", before + 1, noticed.sentence()));
            *divergence = Divergence { message: noticed.message, ..*earlier };
        } else if let Some(task) = earlier.task {
            remarks.push(format!("the code asks for something else before, in task {task}, at {}", earlier.sentence()));
        }
    }

    /// Walks over the first tasks of a history. What differs becomes the verdict.
    async fn walk_until(self, subject: &Subject, count: usize, examined: &mut Examined) {
        let mut cached: Option<Cached> = None;
        let (mut unseen, mut compared) = (0, 0);
        let mut stack_before = None;
        for task in 0..count {
            let is_last = task + 1 == count;
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
            compared += 1;
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
        if compared == 0 {
            examined.verdict = could_not_tell(NOTHING_COMPARED);
        } else if unseen > 0 {
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
