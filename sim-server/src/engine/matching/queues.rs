//! Task queues: tasks that wait for a poller, pollers that wait for a task. Which task meets which poller is decided here;
//! what starting a task means is not.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    hash::{Hash, Hasher},
    time::Duration,
};

use crate::{
    engine::kernel::{
        key::{ActivityKey, NamespaceId, RunKey},
        tickets::Ticket,
        time::Time,
    },
    proto::common::WorkerVersionStamp,
};

/// A sticky queue that nobody polled for this long counts as gone (the real server's `stickyPollerUnavailableWindow`).
const STICKY_POLLER_WINDOW: Duration = Duration::from_secs(10);
/// Pollers are shown by DescribeTaskQueue for this long (the real server's `pollerHistoryTTL`).
const POLLER_HISTORY: Duration = Duration::from_secs(300);
const DEFAULT_PRIORITY: u8 = 3;

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
pub(crate) struct QueueId(u32);

/// Names a waiting task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TaskKey {
    queue: QueueId,
    priority: u8,
    sequence: u64,
}

/// A waiting task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    Workflow(RunKey),
    Activity(ActivityKey),
    Query(u64),
}

/// A parked poll.
#[derive(Clone, Debug)]
pub(crate) struct Poller {
    pub(crate) ticket: Ticket,
    pub(crate) identity: String,
    pub(crate) worker_instance_key: String,
    /// The build of a worker without versioning that says one.
    pub(crate) worker_version: Option<WorkerVersionStamp>,
    pub(crate) queue: QueueId,
}

#[derive(Debug)]
struct Queue {
    kind: QueueKind,
    tasks: BTreeMap<(u8, u64), Task>,
    pollers: VecDeque<Poller>,
    /// Identity and time (wall) of each poll's begin.
    seen: BTreeMap<String, Time>,
    last_poll: Option<Time>,
    /// The caller of the last poll gave up, and no poll has come since: the worker is gone.
    left: bool,
    /// Since when (wall) nobody polls, or since the last task came then.
    unpolled_since: Option<Time>,
}

impl Queue {
    fn new(kind: QueueKind) -> Self {
        Self {
            kind,
            tasks: BTreeMap::new(),
            pollers: VecDeque::new(),
            seen: BTreeMap::new(),
            last_poll: None,
            left: false,
            unpolled_since: None,
        }
    }
}

/// All task queues of a server.
#[derive(Debug, Default)]
pub(crate) struct Matching {
    queues: Vec<Queue>,
    names: BTreeMap<(NamespaceId, QueueKind), BTreeMap<String, QueueId>>,
    parked: BTreeMap<Ticket, QueueId>,
    last_sequence: u64,
    /// Queues where a task may meet a poller now, in the order in which that came about.
    ready: VecDeque<QueueId>,
    /// Queues where tasks may wait and nobody polls.
    unpolled: BTreeSet<QueueId>,
}

impl Matching {
    /// The queue of this name, which comes into being when it is first named.
    pub(crate) fn queue(&mut self, namespace: NamespaceId, kind: QueueKind, name: &str) -> QueueId {
        let names = self.names.entry((namespace, kind)).or_default();
        if let Some(&id) = names.get(name) {
            return id;
        }
        let id = QueueId(self.queues.len() as u32);
        self.queues.push(Queue::new(kind));
        names.insert(name.to_owned(), id);
        id
    }

    /// A task waits for a poller.
    pub(crate) fn add(&mut self, id: QueueId, priority_key: i32, task: Task, wall: Time) -> TaskKey {
        self.last_sequence += 1;
        let priority = u8::try_from(priority_key).ok().filter(|&key| key > 0).unwrap_or(DEFAULT_PRIORITY);
        let key = TaskKey { queue: id, priority, sequence: self.last_sequence };
        let queue = self.get_mut(id);
        queue.tasks.insert((priority, key.sequence), task);
        if queue.pollers.is_empty() {
            queue.unpolled_since = Some(wall);
            self.unpolled.insert(id);
        }
        self.ready.push_back(id);
        key
    }

    /// Takes a waiting task away.
    pub(crate) fn remove(&mut self, key: TaskKey) {
        self.get_mut(key.queue).tasks.remove(&(key.priority, key.sequence));
    }

    /// Parks a poll; it meets a waiting task when the queue's turn comes.
    pub(crate) fn park(&mut self, poller: Poller, wall: Time) {
        let id = poller.queue;
        self.parked.insert(poller.ticket, id);
        let queue = self.get_mut(id);
        queue.seen.retain(|_, &mut at| wall.since(at) < POLLER_HISTORY);
        queue.seen.insert(poller.identity.clone(), wall);
        queue.last_poll = Some(wall);
        queue.left = false;
        queue.unpolled_since = None;
        queue.pollers.push_back(poller);
        self.unpolled.remove(&id);
        self.ready.push_back(id);
    }

    /// Takes the next task that meets a poller.
    pub(crate) fn take_match(&mut self) -> Option<(Task, Poller)> {
        while let Some(&id) = self.ready.front() {
            let queue = self.get_mut(id);
            if !queue.pollers.is_empty()
                && let Some((_, task)) = queue.tasks.pop_first()
                && let Some(poller) = queue.pollers.pop_front()
            {
                if queue.pollers.is_empty() {
                    queue.unpolled_since = queue.last_poll;
                    self.unpolled.insert(id);
                }
                self.parked.remove(&poller.ticket);
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
        queue.pollers.retain(|poller| poller.ticket != ticket);
        queue.last_poll = Some(wall);
        if queue.pollers.is_empty() {
            queue.left = gone;
            queue.unpolled_since = Some(wall);
            self.unpolled.insert(id);
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
            Task::Activity(..) | Task::Query(_) => None,
        });
        runs.collect()
    }

    /// Whether a worker can be expected to poll the sticky queue.
    pub(crate) fn sticky_worker_available(&self, id: QueueId, wall: Time) -> bool {
        let queue = self.get(id);
        !queue.pollers.is_empty() || (!queue.left && queue.last_poll.is_some_and(|at| wall.since(at) < STICKY_POLLER_WINDOW))
    }

    /// How many tasks wait in queues that nobody has polled for `grace`: they no longer hold the clock.
    pub(crate) fn abandoned_count(&self, wall: Time, grace: Duration) -> i64 {
        let abandoned = self.waiting_unpolled().filter(|(since, _)| wall.since(*since) >= grace);
        abandoned.map(|(_, count)| count as i64).sum()
    }

    /// When (wall) [`Self::abandoned_count`] changes next by itself.
    pub(crate) fn next_abandonment(&self, wall: Time, grace: Duration) -> Option<Time> {
        self.waiting_unpolled().map(|(since, _)| since + grace).filter(|&at| at > wall).min()
    }

    /// Of each queue where tasks wait and nobody polls: since when (wall), and how many.
    fn waiting_unpolled(&self) -> impl Iterator<Item = (Time, usize)> {
        let queues = self.unpolled.iter().map(|&id| self.get(id));
        queues.filter(|queue| !queue.tasks.is_empty()).filter_map(|queue| Some((queue.unpolled_since?, queue.tasks.len())))
    }

    /// Who polled the queue lately, with the time (wall) of the last poll.
    pub(crate) fn pollers_seen(&self, id: QueueId) -> impl Iterator<Item = (&str, Time)> {
        self.get(id).seen.iter().map(|(identity, &at)| (identity.as_str(), at))
    }

    /// How many tasks wait in the queue.
    pub(crate) fn backlog(&self, id: QueueId) -> usize {
        self.get(id).tasks.len()
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
