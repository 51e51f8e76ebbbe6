//! Conducts the check: starts the worker, gives it the chosen histories, several at a time, and starts it again where it falls over.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    pin::pin,
    rc::Rc,
};

use foretime_server::proto::foretimeservice::Poller;
use futures_util::{StreamExt, stream};
use tokio::sync::{Mutex, Notify};

use super::{
    Plan,
    examine::{Examined, Examiner, Lost, Subject},
    gather::Gathered,
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
}

/// A run that shall be checked.
struct Chosen {
    run: Run,
    stands_for: Vec<Run>,
    task_queue: String,
}

/// Takes care that no two histories of one run are in the worker's hands: it keeps runs by their ids.
#[derive(Default)]
struct Runs(RefCell<BTreeMap<Option<String>, Rc<Mutex<()>>>>);

impl Runs {
    fn of(&self, run: &Run) -> Rc<Mutex<()>> {
        Rc::clone(self.0.borrow_mut().entry(run.summary.run_id.clone()).or_default())
    }
}

/// Checks what was gathered.
///
/// # Errors
/// The address is taken, or the worker's program cannot be started.
pub(super) async fn conduct(plan: &Plan, gathered: &Gathered, progress: impl Fn(usize)) -> Result<Conducted, Failure> {
    let chosen = chosen(plan, gathered);
    let queues: BTreeSet<String> = chosen.iter().map(|it| it.task_queue.clone()).collect();
    let mut conducted = Conducted::default();
    if chosen.is_empty() {
        return Ok(conducted);
    }
    let mut session = Session::start(plan.address, plan.launch.clone())?;
    conducted.checked = match session.attendance(&queues, &plan.limits).await {
        Ok(pollers) => all(plan, session, &pollers, chosen, progress).await,
        Err(why) => {
            session.stop().await;
            chosen.into_iter().map(|it| unchecked(it, &why)).collect()
        }
    };
    Ok(conducted)
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
    progress: impl Fn(usize),
) -> Vec<Checked> {
    let Session { server, mut worker } = session;
    let server = &server;
    let done: RefCell<BTreeMap<usize, Examined>> = RefCell::default();
    let (silences, is_silent) = (Cell::new(0), Notify::new());
    let (mut over, mut last_end) = (None, String::new());
    for jobs in [plan.limits.jobs as usize, 1] {
        let left: Vec<usize> = {
            let done = done.borrow();
            (0..chosen.len()).filter(|at| done.get(at).is_none_or(|examined| examined.lost == Some(Lost::WorkerGone))).collect()
        };
        let runs = Runs::default();
        let work = stream::iter(left).map(async |at| {
            let run = runs.of(&chosen[at].run);
            let _alone = run.lock().await;
            (at, one(plan, server, pollers, &chosen[at]).await)
        });
        let work = work.buffer_unordered(jobs).for_each(|(at, examined)| {
            silences.set(if examined.lost == Some(Lost::TimedOut) { silences.get() + 1 } else { 0 });
            if silences.get() == SILENCES_MAX {
                is_silent.notify_one();
            }
            done.borrow_mut().insert(at, examined);
            progress(done.borrow().len());
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
        Some(examined) if examined.lost == Some(Lost::WorkerGone) => {
            unchecked(it, &format!("{last_end}, with this history in hand"))
        }
        Some(examined) => Checked { run: it.run, stands_for: it.stands_for, examined },
        None => unchecked(it, over.as_deref().unwrap_or("it was not checked")),
    });
    checked.collect()
}

/// Checks one.
async fn one(plan: &Plan, server: &Server, pollers: &BTreeMap<String, Vec<Poller>>, chosen: &Chosen) -> Examined {
    let queue = &chosen.task_queue;
    let Some(attending) = pollers.get(queue).and_then(|there| attending(there, chosen.run.namespace.as_deref())) else {
        let polled: Vec<&str> = pollers.keys().map(String::as_str).collect();
        let (polled, first) = (polled.join(", "), polled.first().copied().unwrap_or_default());
        return Examined::unknown(format!(
            "no worker polls the task queue {queue} (polled: {polled}); if it was renamed, say --map-queue {queue}={first}"
        ));
    };
    let encoded = match chosen.run.source.read() {
        Ok(encoded) => encoded,
        Err(why) => return Examined::unknown(why),
    };
    let subject = Subject::new(encoded, &chosen.run.summary, queue.clone());
    let Attending { namespace, family, client_name } = &attending;
    let examiner =
        Examiner { server, family: *family, client_name, namespace, timeout: plan.limits.answer_timeout, strict: plan.strict };
    match plan.hold {
        Some(until_event_id) => examiner.hold(&subject, until_event_id).await,
        None => examiner.examine(&subject).await,
    }
}

fn unchecked(chosen: Chosen, why: &str) -> Checked {
    Checked { run: chosen.run, stands_for: chosen.stands_for, examined: Examined::unknown(why) }
}
