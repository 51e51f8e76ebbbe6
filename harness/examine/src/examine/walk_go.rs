//! Walks over a history with a worker on Go's SDK, task by task, and compares all that the code asks for with what is recorded.
//!
//! The SDK tells its commands only if the task runs live; [`live`](super::live) says how. Three things differ live. A `GetVersion` that is
//! not recorded takes the new version: the task is served again, and told that there is none. A local activity that is not recorded
//! would run: it is answered before. A side effect would draw a new value: such tasks are left out. Whatever else differs, such as what a newer
//! SDK does otherwise, cannot be a difference of kinds, names or order, for the SDK has compared those before in replay. So only fields count
//! here.

use foretime_history::{
    compare::{Comparison, Difference, compare},
    verdict::{Divergence, Verdict},
};
use foretime_server::proto::foretimeservice::{Manner, ServeHistoryRequest};

use super::{
    Examined, Examiner, Lost, NOTHING_COMPARED, Subject,
    ask::{Asked, Cached},
    could_not_tell,
    live::Markers,
    walk::differing,
};
use crate::said::{Answer, Said};

/// A task that asks for more versions than this in a row is given up.
const VERSIONS_MAX: usize = 32;
/// Fields that the SDK has compared. They differ live if it has counted otherwise.
const COMPARED_BY_THE_SDK: [&str; 3] = ["activity_id", "timer_id", "workflow_id"];

/// What could be seen of a task.
#[derive(Default)]
struct Seen {
    /// What was compared; `None` if the worker did not answer with commands.
    comparison: Option<Comparison>,
    /// The changes whose versions the code would record newly.
    patched: Vec<String>,
    stack: Option<String>,
}

/// What could not be seen, in tasks.
#[derive(Default)]
struct Unseen {
    side_effects: usize,
    others: usize,
}

impl Examiner<'_> {
    /// Walks over the first tasks of a history, which replay. What differs becomes the verdict.
    pub(super) async fn walk_live(self, subject: &Subject, count: usize, examined: &mut Examined) {
        let markers = Markers::of(subject);
        let mut unseen = Unseen::default();
        let mut compared = 0;
        let mut stack_before = None;
        for task in 0..count {
            if markers.would_draw_anew(task) {
                unseen.side_effects += 1;
                continue;
            }
            let seen = match self.see(subject, &markers, task).await {
                Ok(seen) => seen,
                Err(why) => {
                    examined.remarks.push(format!("not compared from task {} on: {why}", task + 1));
                    break;
                }
            };
            examined.patched_here.extend(seen.patched.into_iter().map(|patch| (task + 1, patch)));
            compared += usize::from(seen.comparison.is_some());
            match seen.comparison.map(|it| (it.is_cut_short, it.difference)) {
                Some((_, Some(difference))) if is_certain(&difference) => {
                    let divergence = Divergence {
                        stack_before,
                        stack_after: seen.stack,
                        ..differing(subject, task, difference, self.telling)
                    };
                    examined.verdict = Verdict::Differs(Box::new(divergence));
                    break;
                }
                Some((false, None)) => {}
                _ => unseen.others += 1,
            }
            stack_before = seen.stack;
        }
        if compared == 0 {
            let why = examined.remarks.pop().unwrap_or_default();
            examined.verdict = could_not_tell(format!("{NOTHING_COMPARED}; {why}"));
        }
        examined.remarks.extend(unseen.remarks());
    }

    /// What the code asks for in a task. It is asked again for each version that is not recorded.
    ///
    /// # Errors
    /// The worker answers nothing at all, and why.
    async fn see(self, subject: &Subject, markers: &Markers<'_>, task: usize) -> Result<Seen, String> {
        let mut unversioned: Vec<String> = Vec::new();
        loop {
            let answer = match self.serve_live(subject, markers, task, &unversioned).await? {
                Some(Answer { completed: Some(completed), stack }) => (completed.commands, stack),
                _ => return Ok(Seen { patched: unversioned, ..Seen::default() }),
            };
            let (commands, stack) = answer;
            let comparison = compare(markers.recorded(task), &markers.comparable(task, commands), self.telling);
            match &comparison.patched {
                None => return Ok(Seen { comparison: Some(comparison), patched: unversioned, stack }),
                Some(id) if is_asked_again(&unversioned, id) => unversioned.push(id.clone()),
                Some(_) => return Ok(Seen { comparison: None, patched: unversioned, stack }),
            }
        }
    }

    /// Serves a task live: the first event, which runs no code yet, and then the rest, on the queue that the worker has for runs that it
    /// keeps. `None` if the worker refuses.
    async fn serve_live(
        self,
        subject: &Subject,
        markers: &Markers<'_>,
        task: usize,
        unversioned: &[String],
    ) -> Result<Option<Answer>, String> {
        let first =
            ServeHistoryRequest { history: subject.slice(1, 1), started_event_id: 1, keeps_run: true, ..self.request(subject) };
        let cached = match answered(self.serve(first).await)? {
            None => return Ok(None),
            Some(answer) => Cached::of(&answer, 1).ok_or("the worker keeps no runs in a cache")?,
        };
        let rest = ServeHistoryRequest {
            task_queue: cached.sticky_task_queue,
            history: markers.history(task, unversioned),
            messages: markers.messages(task),
            manner: Manner::TaskWithQuery.into(),
            started_event_id: subject.tasks[task].started_event_id,
            previous_started_event_id: Some(task.checked_sub(1).map_or(1, |before| subject.tasks[before].started_event_id)),
            ..self.request(subject)
        };
        answered(self.serve(rest).await)
    }
}

impl Unseen {
    fn remarks(&self) -> impl Iterator<Item = String> {
        let side_effects = (self.side_effects > 0)
            .then(|| format!("not compared, as side effects would draw anew: {} tasks", self.side_effects));
        let others =
            (self.others > 0).then(|| format!("of {} tasks not all that the code asks for could be seen", self.others));
        [side_effects, others].into_iter().flatten()
    }
}

fn answered(asked: Asked) -> Result<Option<Answer>, String> {
    match asked.said {
        Said::Replays(answer) => Ok(Some(*answer)),
        Said::Refuses(_) | Said::Unclear(_) => Ok(None),
        Said::Nothing(lost) => Err(Lost::why(lost).to_owned()),
    }
}

/// Whether a difference is one of the code, and not of its running live.
fn is_certain(difference: &Difference) -> bool {
    let fields = &difference.fields;
    !fields.is_empty() && !fields.iter().any(|it| COMPARED_BY_THE_SDK.contains(&it.field.as_str()))
}

/// Whether the task is served once more for a change; not if its id is encrypted.
fn is_asked_again(unversioned: &[String], change_id: &str) -> bool {
    !change_id.is_empty() && unversioned.len() < VERSIONS_MAX && unversioned.iter().all(|known| known != change_id)
}
