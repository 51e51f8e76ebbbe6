//! Conducts the check: starts the worker, gives it the chosen histories, several at a time, and starts it again where it falls over.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    pin::pin,
};

use foretime_history::verdict::Verdict;
use foretime_server::proto::foretimeservice::Poller;
use futures_util::{StreamExt, stream};
use tokio::sync::Notify;

use super::{
    Plan,
    examine::{Decoder, Examined, Examiner, Lost, Subject},
    gather::Gathered,
    progress::Progress,
    redact::Saved,
    run::Run,
    server::Server,
    session::{Attending, Session, attending},
};
use crate::failure::Failure;

/// After so many histories in a row that the worker took and did not answer, it hangs.
const SILENCES_MAX: u32 = 3;

/// What came of the check.
#[derive(Debug, Default)]
pub(super) struct Conducted {
    pub(super) checked: Vec<Checked>,
    pub(super) remarks: Vec<String>,
}

/// A run that was checked.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) run: Run,
    /// The runs that it stands for, itself included.
    pub(super) stands_for: Vec<Run>,
    pub(super) examined: Examined,
    /// What came of redacting its history, if that was asked for: why it was not saved.
    pub(super) saved: Option<Result<Saved, String>>,
}

/// A run that shall be checked.
struct Chosen {
    run: Run,
    stands_for: Vec<Run>,
    task_queue: String,
}

/// Checks what was gathered.
///
/// # Errors
/// The address is taken, or the worker's program cannot be started.
pub(super) async fn conduct(plan: &Plan, gathered: &Gathered, progress: &Progress) -> Result<Conducted, Failure> {
    let chosen = chosen(plan, gathered);
    let queues: BTreeSet<String> = chosen.iter().map(|it| it.task_queue.clone()).collect();
    let mut conducted = Conducted::default();
    if chosen.is_empty() {
        return Ok(conducted);
    }
    let mut session = Session::start(plan.address, plan.launch.clone())?;
    progress.waiting();
    conducted.checked = match session.attendance(&queues, &plan.limits).await {
        Ok(pollers) => {
            progress.checking(chosen.len());
            all(plan, session, &pollers, chosen, progress).await
        }
        Err(why) => {
            session.stop().await;
            chosen.into_iter().map(|it| unchecked(it, &why)).collect()
        }
    };
    conducted.remarks.extend(incomparable(plan, &conducted.checked));
    conducted.remarks.extend(saved(plan, &conducted.checked));
    Ok(conducted)
}

/// What of the payloads could not be compared.
fn incomparable(plan: &Plan, checked: &[Checked]) -> Option<String> {
    let counts = checked.iter().map(|it| it.examined.incomparable_count).filter(|count| *count > 0);
    let (histories, fields) = counts.fold((0, 0), |(histories, fields), count| (histories + 1, fields + count));
    let advice = match plan.codec {
        None => "only their codec can read them; with --codec-endpoint, a codec server decodes them",
        Some(_) => "the codec server has not decoded them",
    };
    (fields > 0).then(|| format!("the payloads of {fields} fields in {histories} histories could not be compared: {advice}"))
}

/// What was saved.
fn saved(plan: &Plan, checked: &[Checked]) -> Vec<String> {
    if plan.redaction.is_none() {
        return Vec::new();
    }
    let all: Vec<&Saved> = checked.iter().filter_map(|it| it.saved.as_ref()?.as_ref().ok()).collect();
    let mut remarks: Vec<String> = all.iter().map(|it| format!("saved {}, redacted; it replays", it.path.display())).collect();
    let encrypted_count: usize = all.iter().map(|it| it.encrypted_count).sum();
    if encrypted_count > 0 {
        remarks.push(format!("{encrypted_count} payloads are encrypted and were saved as they are"));
    }
    remarks
}

/// The runs to check. The first of a path stands for those of it that are not checked.
fn chosen(plan: &Plan, gathered: &Gathered) -> Vec<Chosen> {
    let of_path = gathered.paths.iter().flat_map(|path| {
        let (checked, others) = path.runs.split_at(path.checked_count);
        checked.iter().enumerate().map(move |(at, run)| {
            let mut stands_for = vec![run.clone()];
            if at == 0 {
                stands_for.extend(others.iter().cloned());
            }
            let task_queue = plan.queue_of(&run.summary.task_queue);
            Chosen { run: run.clone(), stands_for, task_queue }
        })
    });
    of_path.collect()
}

/// Checks all, several at a time. What a worker had in hand when it ended is tried once more, alone.
async fn all(
    plan: &Plan,
    session: Session,
    pollers: &BTreeMap<String, Vec<Poller>>,
    chosen: Vec<Chosen>,
    progress: &Progress,
) -> Vec<Checked> {
    let Session { server, mut worker } = session;
    let server = &server;
    let done: RefCell<BTreeMap<usize, Done>> = RefCell::default();
    let (silences, is_silent) = (Cell::new(0), Notify::new());
    let (mut over, mut last_end) = (None, String::new());
    for jobs in [plan.limits.jobs as usize, 1] {
        let left: Vec<usize> = {
            let done = done.borrow();
            (0..chosen.len())
                .filter(|at| done.get(at).is_none_or(|(examined, _)| examined.lost == Some(Lost::WorkerGone)))
                .collect()
        };
        let work = stream::iter(left).map(async |at| {
            progress.begun(&chosen[at].run.source.name());
            (at, one(plan, server, pollers, &chosen[at]).await)
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
    worker.stop().await;
    let mut done = done.into_inner();
    let checked = chosen.into_iter().enumerate().map(|(at, it)| match done.remove(&at) {
        Some((examined, _)) if examined.lost == Some(Lost::WorkerGone) => {
            unchecked(it, &format!("{last_end}, with this history in hand"))
        }
        Some((examined, saved)) => Checked { run: it.run, stands_for: it.stands_for, examined, saved },
        None => unchecked(it, over.as_deref().unwrap_or("it was not checked")),
    });
    checked.collect()
}

/// What came of one.
type Done = (Examined, Option<Result<Saved, String>>);

/// Checks one, and redacts its history if that is asked for.
async fn one(plan: &Plan, server: &Server, pollers: &BTreeMap<String, Vec<Poller>>, chosen: &Chosen) -> Done {
    let queue = &chosen.task_queue;
    let Some(attending) = pollers.get(queue).and_then(|there| attending(there, chosen.run.namespace.as_deref())) else {
        let polled: Vec<&str> = pollers.keys().map(String::as_str).collect();
        let (polled, first) = (polled.join(", "), polled.first().copied().unwrap_or_default());
        return (
            Examined::unknown(format!(
                "no worker polls the task queue {queue} (polled: {polled}); if it was renamed, say --map-queue {queue}={first}"
            )),
            None,
        );
    };
    let encoded = match chosen.run.source.read() {
        Ok(encoded) => encoded,
        Err(why) => return (Examined::unknown(why), None),
    };
    let subject = Subject::new(encoded, &chosen.run.summary, queue.clone());
    let Attending { namespace, family, client_name } = &attending;
    let examiner = Examiner {
        server,
        family: *family,
        client_name,
        namespace,
        timeout: plan.limits.answer_timeout,
        strict: plan.strict,
        decoder: plan.codec.as_ref().map(|codec| codec as &dyn Decoder),
        telling: plan.telling,
    };
    if let Some(until_event_id) = plan.hold {
        return (examiner.hold(&subject, until_event_id).await, None);
    }
    let examined = examiner.examine(&subject).await;
    let saved = match &plan.redaction {
        Some(redaction) if matches!(examined.verdict, Verdict::Replays | Verdict::Differs(_)) => {
            let saved = redaction.of(examiner, &subject, &chosen.run).await;
            Some(saved.map_err(|why| format!("could not redact: {why}")))
        }
        _ => None,
    };
    (examined, saved)
}

fn unchecked(chosen: Chosen, why: &str) -> Checked {
    Checked { run: chosen.run, stands_for: chosen.stands_for, examined: Examined::unknown(why), saved: None }
}
