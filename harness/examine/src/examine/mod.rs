//! Examines one history with the user's worker.
//!
//! [`subject`] is the history, its workflow tasks, and the places where it can be cut. [`ask`] gives the worker the history up to a cut.
//! [`fit`] says whether the code fits it up to the end of a task, [`locate`] finds the first task that it does not fit, and [`walk`]
//! compares all that the code asks for with what is recorded, task by task. [`family`] has what differs between the SDKs; Go's
//! is the one that has its own ways: [`go`] reads its words, and [`fit_go`] and [`walk_go`] do as [`fit`] and [`walk`], with what [`live`]
//! puts into histories for it and [`invented`] makes. [`decode`] has payloads decoded that only their codec can read. [`hold`] serves a
//! history once, for a debugger, and [`suggestion`] says what could be done.
//!
//! Everything is asked in replay: the worker is told that all events were there before. So it takes no new patch, and runs neither
//! activities nor local activities. The one exception is [`walk_go`], which says what it does about both.

mod ask;
mod decode;
mod family;
mod fit;
mod fit_go;
mod go;
mod hold;
mod invented;
mod live;
mod locate;
mod subject;
mod suggestion;
mod walk;
mod walk_go;

use std::time::Duration;

use foretime_history::{
    Telling,
    verdict::{Divergence, Verdict},
};
use foretime_server::proto::foretimeservice::Poller;

pub use decode::{Decoder, Decoding};
pub use family::Family;
use fit::Fit;
pub(crate) use subject::Subject;

use crate::{said::Refusal, server::Server};

/// What is examined with: the server, and the worker's ways.
#[derive(Clone, Copy)]
pub(crate) struct Examiner<'a> {
    pub(crate) server: &'a Server,
    pub(crate) family: Family,
    /// What the SDK calls itself.
    pub(crate) client_name: &'a str,
    /// Where the worker polls; empty for anywhere.
    pub(crate) namespace: &'a str,
    /// How long the worker may take with one history.
    pub(crate) timeout: Duration,
    /// Whether everything is compared.
    pub(crate) strict: bool,
    /// Who decodes payloads that only their codec can read, if there is one.
    pub(crate) decoder: Option<&'a dyn Decoder>,
    /// What is told of payloads.
    pub(crate) telling: Telling,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Examined {
    /// What is said of the history.
    pub verdict: Verdict,
    /// The patches and versions that the code records newly, each with the task in which it does.
    pub patched_here: Vec<(usize, String)>,
    /// What could not be looked at, as sentences.
    pub remarks: Vec<String>,
    /// How many fields could not be compared, because only their codec can read their payloads.
    pub incomparable_count: usize,
    /// Whether the worker did not answer.
    pub lost: Option<Lost>,
    /// The worker that said so last.
    pub poller: Option<Poller>,
}

/// Why a worker did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// It took too long.
    TimedOut,
    /// It closed its connection.
    WorkerGone,
}

impl Lost {
    fn why(self) -> &'static str {
        match self {
            Self::TimedOut => "the worker took the history and did not answer in time",
            Self::WorkerGone => "the worker took the history and closed its connection",
        }
    }
}

impl Examined {
    /// Nothing is known, for this reason.
    pub(crate) fn unknown(why: impl Into<String>) -> Self {
        Self { verdict: could_not_tell(why), ..Self::default() }
    }
}

impl Examined {
    /// Whether nothing is known since the worker does not know the type of the workflow.
    pub(crate) fn is_of_unknown_type(&self) -> bool {
        matches!(&self.verdict, Verdict::CouldNotTell { why } if crate::said::is_of_unknown_type(why))
    }
}

impl Default for Examined {
    fn default() -> Self {
        Self {
            verdict: Verdict::Replays,
            patched_here: Vec::new(),
            remarks: Vec::new(),
            incomparable_count: 0,
            lost: None,
            poller: None,
        }
    }
}

impl Examiner<'_> {
    /// Examines a history.
    pub(crate) async fn examine(self, subject: &Subject) -> Examined {
        let Some(last) = subject.tasks.len().checked_sub(1) else {
            return Examined::unknown("no workflow task was completed in it");
        };
        let mut examined = Examined::default();
        let (fit, poller) = self.fit(subject, last).await;
        examined.poller = poller;
        match fit {
            Fit::Fits(_) => {}
            Fit::DoesNot(refusal) => examined.verdict = self.located(subject, *refusal, &mut examined.remarks).await,
            Fit::Unknown(why) => examined.verdict = could_not_tell(self.told(&why)),
            Fit::Nothing(lost) => {
                examined.lost = Some(lost);
                examined.verdict = could_not_tell(lost.why());
            }
        }
        if self.strict && matches!(examined.verdict, Verdict::Replays) {
            match (self.read(subject).await, self.family) {
                (Err(why), _) => examined.verdict = could_not_tell(why),
                (Ok(()), Family::Go) => self.walk_live(subject, subject.tasks.len(), &mut examined).await,
                (Ok(()), Family::Core | Family::Java) => self.walk(subject, &mut examined).await,
            }
        }
        let breaks = matches!(examined.verdict, Verdict::Breaks(_));
        if let Verdict::Breaks(divergence) | Verdict::Differs(divergence) = &mut examined.verdict {
            self.complete(subject, divergence, examined.poller.as_ref(), breaks);
            if !subject.unrecorded.is_empty() {
                let (ids, sentence) = (subject.unrecorded, divergence.sentence());
                examined.verdict = could_not_tell(format!(
                    "its {ids} are not recorded, and random numbers, UUIDs and whatever the code makes of them may differ for that; {sentence}"
                ));
            }
        }
        examined
    }

    async fn located(self, subject: &Subject, refusal: Refusal, remarks: &mut Vec<String>) -> Verdict {
        if let Err(why) = self.read(subject).await {
            remarks.push(format!("payloads are shown as they are: {why}"));
        }
        match self.locate(subject, refusal).await {
            Ok(mut divergence) => {
                self.look_before(subject, &mut divergence, remarks).await;
                Verdict::Breaks(Box::new(divergence))
            }
            Err((divergence, remark)) => {
                remarks.push(remark);
                Verdict::Breaks(Box::new(divergence))
            }
        }
    }

    /// Fills in what the history and the worker tell besides.
    fn complete(self, subject: &Subject, divergence: &mut Divergence, poller: Option<&Poller>, breaks: bool) {
        let task = divergence.task.and_then(|number| subject.tasks.get(number - 1));
        if let Some(task) = task {
            divergence.task_started_event_id = Some(task.started_event_id);
            divergence.sdk_recorded = task.sdk.as_ref().map(|sdk| format!("{} {}", sdk.name, sdk.version));
        }
        let place = divergence.event_id.or(task.map(|task| subject.after_commands(task.number - 1)));
        divergence.patches = subject.patches_until(place);
        divergence.sdk_running =
            poller.map(|poller| format!("{} {}", poller.client_name, poller.client_version).trim().to_owned());
        divergence.message = self.told(&divergence.message);
        for stack in [&mut divergence.stack_before, &mut divergence.stack_after].into_iter().flatten() {
            *stack = self.told_stack(stack);
        }
        divergence.suggestion = suggestion::suggestion(divergence, self.client_name, breaks);
    }
}

/// With --strict, a silent pass.
const NOTHING_COMPARED: &str = "it replays, but none of what it asks for could be compared";

fn could_not_tell(why: impl Into<String>) -> Verdict {
    Verdict::CouldNotTell { why: why.into() }
}
