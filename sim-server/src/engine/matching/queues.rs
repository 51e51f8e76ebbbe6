//! Task queues: tasks that wait for a poller, pollers that wait for a task. Which task meets which poller is decided here;
//! what starting a task means is not.
//! Whether a worker will come for what waits is known to [`super::attendance`].

use std::{
    collections::{BTreeMap, VecDeque},
    hash::{Hash, Hasher},
    time::Duration,
};

use super::attendance::Attendance;
use crate::{
    engine::{
        kernel::{
            key::{ActivityKey, NamespaceId, RunKey, WorkerId},
            tickets::Ticket,
            time::Time,
        },
        rules::sdk::Family,
    },
    proto::{
        common::{WorkerVersionCapabilities, WorkerVersionStamp},
        deployment::WorkerDeploymentOptions,
    },
};

/// A sticky queue that nobody polled for this long counts as gone (the real server's `stickyPollerUnavailableWindow`).
const STICKY_POLLER_WINDOW: Duration = Duration::from_secs(10);
/// Pollers are shown by DescribeTaskQueue for this long (the real server's `pollerHistoryTTL`).
const POLLER_HISTORY: Duration = Duration::from_secs(300);
/// That of a task that says none.
pub(super) const DEFAULT_PRIORITY: u8 = 3;

/// What a queue hands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum QueueKind {
    Workflow,
    Activity,
    /// Polled by workers with Nexus services; nothing is ever put there yet.
    Nexus,
}

/// Names a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct QueueId(pub(super) u32);

/// Names a waiting task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TaskKey {
    queue: QueueId,
    priority: u8,
    sequence: u64,
}

impl TaskKey {
    /// Where it waits.
    pub(crate) fn queue(self) -> QueueId {
        self.queue
    }
}

/// A waiting task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    Workflow(RunKey),
    Activity(ActivityKey),
    Query(u64),
    /// Of a closed run.
    Replay(RunKey),
}

/// A parked poll.
#[derive(Clone, Debug)]
pub(crate) struct Poller {
    pub(crate) ticket: Ticket,
    pub(crate) identity: String,
    pub(crate) worker_instance_key: String,
    pub(crate) worker: WorkerId,
    pub(crate) family: Family,
    /// The build of a worker without versioning that says one.
    pub(crate) worker_version: Option<WorkerVersionStamp>,
    pub(crate) queue: QueueId,
}

/// Who has polled a queue lately.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// When (wall) the last poll began.
    pub(crate) at: Time,
    /// The versions that it named, as it named them.
    pub(crate) capabilities: Option<WorkerVersionCapabilities>,
    pub(crate) deployment_options: Option<WorkerDeploymentOptions>,
}

/// A queue where tasks wait.
#[derive(Clone, Debug)]
pub(crate) struct Waiting<'a> {
    pub(crate) kind: QueueKind,
    pub(crate) name: &'a str,
    pub(crate) task_count: usize,
    /// The one that is handed out next.
    pub(crate) first: Option<Task>,
    /// The polls that are parked.
    pub(crate) poller_count: usize,
    /// The workers that poll it, or will again.
    pub(crate) worker_count: usize,
    pub(crate) was_polled: bool,
    /// No worker will come for its tasks, and time does not wait for one.
    pub(crate) is_unserved: bool,
}

#[derive(Debug)]
struct Queue {
    kind: QueueKind,
    tasks: BTreeMap<(u8, u64), Task>,
    /// Since when (wall) each of them waits.
    since: BTreeMap<(u8, u64), Time>,
    pollers: VecDeque<Poller>,
    /// By their identities.
    seen: BTreeMap<String, Seen>,
    last_poll: Option<Time>,
    /// The caller of the last poll gave up, and no poll has come since: the worker is gone.
    left: bool,
}

impl Queue {
    fn new(kind: QueueKind) -> Self {
        Self {
            kind,
            tasks: BTreeMap::new(),
            since: BTreeMap::new(),
            pollers: VecDeque::new(),
            seen: BTreeMap::new(),
            last_poll: None,
            left: false,
        }
    }
}

/// How a task is put into its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// With a new execution: who has just started that will start its worker, too.
    New,
    /// In the course of one.
    Usual,
}

/// All task queues of a server.
#[derive(Debug)]
pub(crate) struct Matching {
    queues: Vec<Queue>,
    names: BTreeMap<(NamespaceId, QueueKind), BTreeMap<String, QueueId>>,
    parked: BTreeMap<Ticket, QueueId>,
    last_sequence: u64,
    /// Queues where a task may meet a poller now, in the order in which that came about.
    ready: VecDeque<QueueId>,
    attendance: Attendance,
}

impl Matching {
    /// `grace`: how long (wall) time waits for the first worker of a queue; for ever if `None`.
    pub(crate) fn new(grace: Option<Duration>) -> Self {
        Self {
            queues: Vec::new(),
            names: BTreeMap::new(),
            parked: BTreeMap::new(),
            last_sequence: 0,
            ready: VecDeque::new(),
            attendance: Attendance::new(grace),
        }
    }

    /// The queue of this name, which comes into being when it is first named.
    pub(crate) fn queue(&mut self, namespace: NamespaceId, kind: QueueKind, name: &str) -> QueueId {
        let names = self.names.entry((namespace, kind)).or_default();
        if let Some(&id) = names.get(name) {
            return id;
        }
        let id = QueueId(self.queues.len() as u32);
        self.queues.push(Queue::new(kind));
        self.attendance.add_queue();
        names.insert(name.to_owned(), id);
        id
    }

    /// A task waits for a poller.
    pub(crate) fn add(&mut self, id: QueueId, priority_key: i32, task: Task, arrival: Arrival, wall: Time) -> TaskKey {
        self.last_sequence += 1;
        let priority = u8::try_from(priority_key).ok().filter(|&key| key > 0).unwrap_or(DEFAULT_PRIORITY);
        let key = TaskKey { queue: id, priority, sequence: self.last_sequence };
        let queue = self.get_mut(id);
        queue.tasks.insert((priority, key.sequence), task);
        queue.since.insert((priority, key.sequence), wall);
        let is_polled = !queue.pollers.is_empty();
        self.attendance.add_task(id, arrival, is_polled, wall);
        self.ready.push_back(id);
        key
    }

    /// A worker shuts down: it is about to leave all its queues.
    pub(crate) fn dismiss_worker(&mut self, worker: WorkerId, wall: Time) {
        self.attendance.dismiss(worker, wall);
    }

    /// A worker is gone. `is_awaited` tells of a task whether somebody awaits what it belongs to.
    pub(crate) fn forget_worker(&mut self, worker: WorkerId, wall: Time, is_awaited: impl Fn(Task) -> bool) {
        let queues = &self.queues;
        self.attendance.forget(worker, wall, |id| has_awaited(queues, id, &is_awaited));
    }

    /// Somebody awaits what waits in this queue.
    pub(crate) fn await_worker(&mut self, place: TaskKey, wall: Time) {
        self.attendance.await_worker(place.queue, wall);
    }

    /// The wall reached `wall`: waits for workers that have not come are over, or have not come back. `is_awaited` tells of a task
    /// whether somebody awaits what it belongs to.
    pub(crate) fn tick(&mut self, wall: Time, is_awaited: impl Fn(Task) -> bool) {
        let queues = &self.queues;
        self.attendance.tick(wall, |id| has_awaited(queues, id, &is_awaited));
    }

    /// When (wall) [`Self::tick`] has something to do.
    pub(crate) fn next_tick(&self) -> Option<Time> {
        self.attendance.next_tick()
    }

    /// How many tasks wait where no worker will come.
    pub(crate) fn unserved_count(&self) -> i64 {
        self.attendance.unserved_count()
    }

    /// Takes the queues with tasks that nobody will come for, as it has turned out since the last call.
    pub(crate) fn take_released(&mut self) -> Vec<QueueId> {
        self.attendance.take_released()
    }

    /// The queues where tasks wait.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = Waiting<'_>> {
        let named = self.names.iter().flat_map(|(&(_, kind), names)| names.iter().map(move |(name, &id)| (kind, name, id)));
        named.filter(|(.., id)| !self.get(*id).tasks.is_empty()).map(|(kind, name, id)| self.describe(kind, name, id))
    }

    /// A queue, as [`Self::waiting`] gives it.
    pub(crate) fn waiting_in(&self, wanted: QueueId) -> Option<Waiting<'_>> {
        let mut named = self.names.iter().flat_map(|(&(_, kind), names)| names.iter().map(move |(name, &id)| (kind, name, id)));
        named.find(|(.., id)| *id == wanted).map(|(kind, name, id)| self.describe(kind, name, id))
    }

    fn describe<'a>(&'a self, kind: QueueKind, name: &'a str, id: QueueId) -> Waiting<'a> {
        let queue = self.get(id);
        Waiting {
            kind,
            name,
            task_count: queue.tasks.len(),
            first: queue.tasks.values().next().copied(),
            poller_count: queue.pollers.len(),
            worker_count: self.attendance.worker_count(id),
            was_polled: self.attendance.was_polled(id),
            is_unserved: self.attendance.is_unserved(id),
        }
    }

    /// How many tasks wait in all queues.
    pub(crate) fn task_count(&self) -> usize {
        self.queues.iter().map(|queue| queue.tasks.len()).sum()
    }

    /// How many polls are parked on all queues.
    pub(crate) fn poll_count(&self) -> usize {
        self.queues.iter().map(|queue| queue.pollers.len()).sum()
    }

    /// How many polls are parked on the queue of this name.
    pub(crate) fn poller_count(&self, namespace: NamespaceId, kind: QueueKind, name: &str) -> usize {
        let id = self.names.get(&(namespace, kind)).and_then(|names| names.get(name));
        id.map_or(0, |id| self.get(*id).pollers.len())
    }

    /// Takes a waiting task away.
    pub(crate) fn remove(&mut self, key: TaskKey) {
        let queue = self.get_mut(key.queue);
        queue.since.remove(&(key.priority, key.sequence));
        if queue.tasks.remove(&(key.priority, key.sequence)).is_some() {
            self.attendance.remove_task(key.queue);
        }
    }

    /// Parks a poll that is `seen` now; it meets a waiting task when the queue's turn comes.
    pub(crate) fn park(&mut self, poller: Poller, seen: Seen) {
        let wall = seen.at;
        let (id, worker) = (poller.queue, poller.worker);
        self.parked.insert(poller.ticket, id);
        let queue = self.get_mut(id);
        queue.seen.retain(|_, seen| wall.since(seen.at) < POLLER_HISTORY);
        queue.seen.insert(poller.identity.clone(), seen);
        queue.last_poll = Some(wall);
        queue.left = false;
        queue.pollers.push_back(poller);
        self.attendance.poll(id, worker, wall);
        self.ready.push_back(id);
    }

    /// Takes the next task that meets a poller.
    pub(crate) fn take_match(&mut self) -> Option<(Task, Poller)> {
        while let Some(&id) = self.ready.front() {
            let queue = self.get_mut(id);
            if !queue.pollers.is_empty()
                && let Some((place, task)) = queue.tasks.pop_first()
                && let Some(poller) = queue.pollers.pop_front()
            {
                queue.since.remove(&place);
                self.parked.remove(&poller.ticket);
                self.attendance.remove_task(id);
                return Some((task, poller));
            }
            self.ready.pop_front();
        }
        None
    }

    /// Forgets a parked poll; what it polled for. `gone`: its caller went away, and with it probably the worker.
    pub(crate) fn unpark(&mut self, ticket: Ticket, gone: bool, wall: Time) -> Option<QueueKind> {
        let id = self.parked.remove(&ticket)?;
        let queue = self.get_mut(id);
        let kind = queue.kind;
        let at = queue.pollers.iter().position(|poller| poller.ticket == ticket)?;
        let poller = queue.pollers.remove(at)?;
        queue.last_poll = Some(wall);
        if queue.pollers.is_empty() {
            queue.left = gone;
        }
        if gone && queue.pollers.iter().all(|other| other.worker != poller.worker) {
            self.attendance.depart(id, poller.worker, wall);
        }
        Some(kind)
    }

    /// The parked polls of a worker instance.
    pub(crate) fn polls_of(&self, worker_instance_key: &str) -> Vec<Ticket> {
        let is_mine = |ticket: Ticket, id: QueueId| {
            let mut pollers = self.get(id).pollers.iter();
            pollers.any(|poller| poller.ticket == ticket && poller.worker_instance_key == worker_instance_key)
        };
        self.parked.iter().filter(|&(&ticket, &id)| is_mine(ticket, id)).map(|(&ticket, _)| ticket).collect()
    }

    /// The worker of a sticky queue shuts down. Returns the runs whose workflow task waits there.
    pub(crate) fn close_sticky(&mut self, id: QueueId) -> Vec<RunKey> {
        let queue = self.get_mut(id);
        queue.left = queue.pollers.is_empty();
        queue.last_poll = None;
        let runs = queue.tasks.values().filter_map(|task| match task {
            Task::Workflow(run) => Some(*run),
            Task::Activity(..) | Task::Query(_) | Task::Replay(_) => None,
        });
        runs.collect()
    }

    /// The closed runs whose replay waits in a queue.
    pub(crate) fn replays_in(&self, id: QueueId) -> Vec<RunKey> {
        let tasks = self.get(id).tasks.values();
        tasks.filter_map(|task| if let Task::Replay(run) = task { Some(*run) } else { None }).collect()
    }

    /// Whether a worker can be expected to poll the sticky queue.
    pub(crate) fn sticky_worker_available(&self, id: QueueId, wall: Time) -> bool {
        let queue = self.get(id);
        !queue.pollers.is_empty() || (!queue.left && queue.last_poll.is_some_and(|at| wall.since(at) < STICKY_POLLER_WINDOW))
    }

    /// Who polled the queue lately.
    pub(crate) fn pollers_seen(&self, id: QueueId) -> impl Iterator<Item = (&str, &Seen)> {
        self.get(id).seen.iter().map(|(identity, seen)| (identity.as_str(), seen))
    }

    /// The tasks that wait in the queue: the priority of each, and since when (wall) it waits.
    pub(crate) fn backlog(&self, id: QueueId) -> impl Iterator<Item = (u8, Time)> {
        self.get(id).since.iter().map(|(&(priority, _), &since)| (priority, since))
    }

    /// Hashes the tasks and polls that wait, apart from who polled when.
    pub(crate) fn hash_tasks_and_polls(&self, hasher: &mut impl Hasher) {
        for (key, &id) in self.names.values().flatten() {
            let Queue { tasks, pollers, .. } = self.get(id);
            if !tasks.is_empty() || !pollers.is_empty() {
                format!("{key:?} {tasks:?} {pollers:?}").hash(hasher);
            }
        }
    }

    fn get(&self, id: QueueId) -> &Queue {
        &self.queues[id.0 as usize]
    }

    fn get_mut(&mut self, id: QueueId) -> &mut Queue {
        &mut self.queues[id.0 as usize]
    }
}

/// Whether somebody awaits one of the tasks that wait in a queue.
fn has_awaited(queues: &[Queue], id: QueueId, is_awaited: impl Fn(Task) -> bool) -> bool {
    queues[id.0 as usize].tasks.values().any(|task| is_awaited(*task))
}
