//! Gives a worker the chosen histories, several at a time, and notes what comes of each.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    pin::pin,
    rc::Rc,
    time::Duration,
};

use foretime_history::{Telling, verdict::Verdict};
use foretime_server::proto::foretimeservice::Poller;
use futures_util::{StreamExt, stream};
use tokio::sync::{Mutex, Notify};

use crate::{
    examine::{Decoder, Examined, Examiner, Family, Lost, Subject},
    gather::Gathered,
    redact::{Redaction, Saved},
    run::Run,
    server::Server,
};

/// After so many histories in a row that the worker took and did not answer, it hangs.
const SILENCES_MAX: u32 = 3;

/// What came of the check.
#[derive(Debug, Default)]
pub struct Conducted {
    /// The runs that were checked, in the order in which they were chosen.
    pub checked: Vec<Checked>,
    /// What was not looked at, as sentences.
    pub remarks: Vec<String>,
}

/// A run that was checked.
#[derive(Debug)]
pub struct Checked {
    /// The run itself.
    pub run: Run,
    /// The runs that it stands for, itself included.
    pub stands_for: Vec<Run>,
    /// What came of it.
    pub examined: Examined,
    /// What came of redacting its history, if that was asked for: why it was not saved.
    pub saved: Option<Result<Saved, String>>,
}

/// A run that shall be checked.
#[derive(Debug)]
pub struct Chosen {
    run: Run,
    stands_for: Vec<Run>,
    task_queue: String,
}

/// How the histories are given to the worker.
#[derive(Clone, Copy)]
pub struct Terms<'a> {
    /// Whether inputs, spans of timers, options and results are compared, too.
    pub strict: bool,
    /// How long the worker may take with one history.
    pub answer_timeout: Duration,
    /// How many histories it gets at the same time.
    pub jobs: usize,
    /// Each history is served once and for as long as it takes, up to this event if there is one, so that a debugger can hold the worker.
    pub hold: Option<Option<i64>>,
    /// What is done with payloads.
    pub contents: Contents<'a>,
}

/// What is done with payloads, and with all else that people and code have written.
#[derive(Clone, Copy, Default)]
pub struct Contents<'a> {
    /// Who decodes payloads that only their codec can read, if there is somebody.
    pub decoder: Option<&'a dyn Decoder>,
    /// What is told of them.
    pub telling: Telling,
    /// How histories are redacted, if they are.
    pub redaction: Option<&'a Redaction>,
}

/// What came of one history: what is said of it, and how it was redacted.
type Done = (Examined, Option<Result<Saved, String>>);

/// The worker beside the server. It may end, and be started again.
pub trait Supervised {
    /// Waits until the worker has ended, and starts it again if that can be. Returns whether it has ended for good, and how it ended, as a
    /// sentence. Waits for ever if nobody knows when it ends.
    fn ended(&mut self) -> impl Future<Output = (bool, String)>;
}

/// Who wants to see how far a check is.
pub trait Progress {
    /// The worker will be given the history of this name.
    fn begun(&self, name: &str);

    /// So many are done.
    fn done(&self, count: usize);
}

/// Nobody does.
impl Progress for () {
    fn begun(&self, _name: &str) {}

    fn done(&self, _count: usize) {}
}

/// Who polls, by task queue.
pub type Pollers = BTreeMap<String, Vec<Poller>>;

/// The worker of a task queue.
struct Attending {
    namespace: String,
    family: Family,
    /// What its SDK calls itself.
    client_name: String,
}

/// Who serves a queue, one of each namespace: first where it was recorded, if that is known, then in the order in which they polled.
fn attending(pollers: &[Poller], recorded_in: Option<&str>) -> Vec<Attending> {
    let (there, elsewhere): (Vec<&Poller>, Vec<&Poller>) =
        pollers.iter().partition(|poller| Some(poller.namespace.as_str()) == recorded_in);
    let mut attending: Vec<Attending> = Vec::new();
    for Poller { namespace, client_name, .. } in there.into_iter().chain(elsewhere) {
        if !attending.iter().any(|known| known.namespace == *namespace) {
            let (namespace, client_name) = (namespace.clone(), client_name.clone());
            attending.push(Attending { namespace, family: Family::of(&client_name), client_name });
        }
    }
    attending
}

impl Chosen {
    /// The queue on which its worker is expected.
    pub fn task_queue(&self) -> &str {
        &self.task_queue
    }

    /// It is not checked, for this reason.
    pub fn unchecked(self, why: &str) -> Checked {
        Checked { run: self.run, stands_for: self.stands_for, examined: Examined::unknown(why), saved: None }
    }
}

/// Takes care that no two histories of one run are in the worker's hands: it keeps runs by their ids.
#[derive(Default)]
struct Runs(RefCell<BTreeMap<Option<String>, Rc<Mutex<()>>>>);

impl Runs {
    fn of(&self, run: &Run) -> Rc<Mutex<()>> {
        Rc::clone(self.0.borrow_mut().entry(run.summary.run_id.clone()).or_default())
    }
}

/// The runs to check. The first of a path stands for those of it that are not checked. `queue_of` says which queue the worker polls for
/// histories that were recorded on another.
pub fn chosen(gathered: &Gathered, queue_of: impl Fn(&str) -> String) -> Vec<Chosen> {
    let queue_of = &queue_of;
    let of_path = gathered.paths.iter().flat_map(|path| {
        let (checked, others) = path.runs.split_at(path.checked_count);
        checked.iter().enumerate().map(move |(at, run)| {
            let mut stands_for = vec![run.clone()];
            if at == 0 {
                stands_for.extend(others.iter().cloned());
            }
            let task_queue = queue_of(&run.summary.task_queue);
            Chosen { run: run.clone(), stands_for, task_queue }
        })
    });
    of_path.collect()
}

/// Checks all, several at a time. What a worker had in hand when it ended is tried once more, alone.
pub async fn all(
    terms: Terms<'_>,
    server: &Server,
    worker: &mut impl Supervised,
    pollers: &Pollers,
    chosen: Vec<Chosen>,
    progress: &impl Progress,
) -> Vec<Checked> {
    let done: RefCell<BTreeMap<usize, Done>> = RefCell::default();
    let (silences, is_silent) = (Cell::new(0), Notify::new());
    let (mut over, mut last_end) = (None, String::new());
    for jobs in [terms.jobs, 1] {
        let left: Vec<usize> = {
            let done = done.borrow();
            (0..chosen.len())
                .filter(|at| done.get(at).is_none_or(|(examined, _)| examined.lost == Some(Lost::WorkerGone)))
                .collect()
        };
        let runs = Runs::default();
        let work = stream::iter(left).map(async |at| {
            let run = runs.of(&chosen[at].run);
            let _alone = run.lock().await;
            progress.begun(&chosen[at].run.source.name());
            (at, one(terms, server, pollers, &chosen[at]).await)
        });
        let work = work.buffer_unordered(jobs).for_each(|(at, examined)| {
            silences.set(if examined.0.lost == Some(Lost::TimedOut) { silences.get() + 1 } else { 0 });
            if silences.get() == SILENCES_MAX {
                is_silent.notify_one();
            }
            done.borrow_mut().insert(at, examined);
            progress.done(done.borrow().len());
            std::future::ready(())
        });
        let mut work = pin!(work);
        while over.is_none() {
            tokio::select! {
                () = &mut work => break,
                () = is_silent.notified() => over = Some("the worker hangs: it has not answered several times".to_owned()),
                (is_final, how) = worker.ended() => {
                    last_end.clone_from(&how);
                    over = is_final.then_some(how);
                }
            }
        }
    }
    let mut done = done.into_inner();
    let checked = chosen.into_iter().enumerate().map(|(at, it)| match done.remove(&at) {
        Some((examined, _)) if examined.lost == Some(Lost::WorkerGone) => {
            it.unchecked(&format!("{last_end}, with this history in hand"))
        }
        Some((examined, saved)) => Checked { run: it.run, stands_for: it.stands_for, examined, saved },
        None => it.unchecked(over.as_deref().unwrap_or("it was not checked")),
    });
    checked.collect()
}

/// How long to wait for news that are there already.
const NEWS: Duration = Duration::from_secs(1);

/// Checks one, and redacts its history if that is asked for.
async fn one(terms: Terms<'_>, server: &Server, pollers: &Pollers, chosen: &Chosen) -> Done {
    let queue = &chosen.task_queue;
    let attending = pollers.get(queue).map(|there| attending(there, chosen.run.namespace.as_deref())).unwrap_or_default();
    if attending.is_empty() {
        let polled: Vec<&str> = pollers.keys().map(String::as_str).collect();
        let (polled, first) = (polled.join(", "), polled.first().copied().unwrap_or_default());
        let why = format!(
            "no worker polls the task queue {queue} (polled: {polled}); if it was renamed, say --map-queue {queue}={first}"
        );
        return (Examined::unknown(why), None);
    };
    let encoded = match chosen.run.source.read() {
        Ok(encoded) => encoded,
        Err(why) => return (Examined::unknown(why), None),
    };
    let subject = Subject::new(encoded, &chosen.run.summary, queue.clone());
    let mut done = in_namespace(terms, server, &attending[0], &subject, &chosen.run).await;
    // One program may poll a queue of this name in several namespaces, with a worker of its own in each, and some later than others.
    let mut tried = vec![attending[0].namespace.clone()];
    while done.0.is_of_unknown_type() {
        let known = server.workers(0, NEWS).await.unwrap_or_default();
        let there: Vec<Poller> = known.pollers.into_iter().filter(|poller| poller.task_queue == *queue).collect();
        let others = self::attending(&there, None).into_iter().find(|it| !tried.contains(&it.namespace));
        let Some(other) = others else { break };
        tried.push(other.namespace.clone());
        done = in_namespace(terms, server, &other, &subject, &chosen.run).await;
    }
    done
}

async fn in_namespace(terms: Terms<'_>, server: &Server, attending: &Attending, subject: &Subject, run: &Run) -> Done {
    let Attending { namespace, family, client_name } = attending;
    let Terms { answer_timeout: timeout, strict, contents, .. } = terms;
    let Contents { decoder, telling, redaction } = contents;
    let examiner = Examiner { server, family: *family, client_name, namespace, timeout, strict, decoder, telling };
    if let Some(until_event_id) = terms.hold {
        return (examiner.hold(subject, until_event_id).await, None);
    }
    let examined = examiner.examine(subject).await;
    let saved = match redaction {
        Some(redaction) if matches!(examined.verdict, Verdict::Replays | Verdict::Differs(_)) => {
            let saved = redaction.of(examiner, subject, run).await;
            Some(saved.map_err(|why| format!("could not redact: {why}")))
        }
        _ => None,
    };
    (examined, saved)
}
