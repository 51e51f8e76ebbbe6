//! Why time moves or stands still, for people: what holds it, who waits for it, what falls due next, and what it skipped to lately.

use crate::{
    config::TimeMode,
    engine::{
        Engine,
        kernel::{
            key::{ActivityKey, ActivityOwner},
            time::span_to_proto,
        },
        matching::queues::{QueueKind, Task, Waiting},
        skipping::holds::{InHand, Work},
    },
    proto::foretimeservice::{self, Deadline, ExplainTimeResponse, Lock, Queue, Skip},
};

/// More of one kind are not listed.
const LISTED_MAX: usize = 50;

impl Engine {
    /// All that is to be known.
    pub(super) fn explanation(&self) -> ExplainTimeResponse {
        let awaits = self.awaits();
        let locks = self.skipping.locks.balances().map(|(connection, balance)| Lock {
            client_name: balance.client_name.clone(),
            identity: self.skipping.locks.identity(connection).to_owned(),
            count: balance.locks,
        });
        let next = self.domain.timers.first().filter(|(at, _)| Some(*at) == self.domain.next());
        let skips = self.skipping.skips.last().map(|skip| Skip {
            from: Some(skip.from.to_proto()),
            to: Some(skip.to.to_proto()),
            name: skip
                .due
                .map_or_else(|| "the instant before a timeout of running activities".to_owned(), |due| self.name_of(due)),
        });
        ExplainTimeResponse {
            time: Some(self.domain.now().to_proto()),
            skips: self.may_skip() && self.sleep_limit().is_none(),
            reasons: self.reasons(),
            mode: mode_name(self.skipping.mode).to_owned(),
            locks: locks.collect(),
            work: self.skipping.holds.in_hand().take(LISTED_MAX).map(|(work, in_hand)| self.work(work, in_hand)).collect(),
            queues: self.matching.waiting().take(LISTED_MAX).map(|waiting| queue(&waiting)).collect(),
            awaited_workflow_count: awaits.end_count as i64,
            awaited_update_count: awaits.outcome_count as i64,
            sleep_count: self.skipping.sleeps.count() as i64,
            next_deadline: next.map(|(at, due)| Deadline { time: Some(at.to_proto()), name: self.name_of(*due) }),
            skips_before: skips.collect(),
            skip_count: self.skipping.skips.count() as i64,
        }
    }

    /// Why time does not skip, or that it does; the most important first.
    pub(in crate::engine) fn reasons(&self) -> Vec<String> {
        let mut reasons: Vec<String> = self.runs_away().map(str::to_owned).into_iter().collect();
        let nobody_polls = self.matching.waiting().filter(|waiting| waiting.worker_count == 0).take(LISTED_MAX);
        let (left_alone, waited_for): (Vec<_>, Vec<_>) = nobody_polls.partition(|waiting| waiting.is_unserved);
        reasons.extend(waited_for.iter().map(|waiting| self.name_unserved(waiting)));
        reasons.extend(self.lock_reasons());
        reasons.extend(self.at_work());
        if self.sleep_limit().is_some() {
            reasons.push(
                "a sleep has come to the timeout of an activity that is running: time goes on once that is silent".to_owned(),
            );
        }
        reasons.extend(self.paused());
        let not_waited_for = |waiting| format!("{}; time does not wait for it", self.name_unserved(waiting));
        reasons.extend(left_alone.iter().map(not_waited_for));
        if self.domain.next().is_none() {
            reasons.push("nothing is due: there is no timer, timeout, retry or sleep that time could skip to".to_owned());
        }
        reasons
    }

    /// What is paused: it holds no time, but who waits for it waits in vain.
    fn paused(&self) -> Vec<String> {
        let mut all = Vec::new();
        for run in self.runs.iter().filter(|run| run.is_running()) {
            if let Some(pause) = run.pause().filter(|_| run.is_paused()) {
                all.push(format!("{} is paused{}", run.name(), by(&pause.identity, &pause.reason)));
            }
            let activities = run.pending_activities().filter_map(|(id, _, attempt)| Some((id, attempt.pause()?)));
            all.extend(
                activities
                    .map(|(id, pause)| format!("{} is paused{}", run.name_of_activity(id), by(&pause.identity, &pause.reason))),
            );
        }
        all.truncate(LISTED_MAX);
        all
    }

    fn lock_reasons(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        let awaits = self.awaits();
        if self.skipping.mode == TimeMode::Paced {
            reasons.push("time goes with the wall, and never skips".to_owned());
        } else if self.skipping.lock_count(awaits) > 0 {
            if self.skipping.locks.count() > 0 {
                let balances = self.skipping.locks.balances().filter(|(_, balance)| balance.locks > 0);
                let clients = balances.map(|(connection, balance)| {
                    format!("{} {} ({})", balance.client_name, self.skipping.locks.identity(connection), balance.locks)
                });
                reasons.push(format!("time is locked by clients: {}", clients.collect::<Vec<_>>().join(", ")));
            }
            if self.skipping.has_start_lock(awaits) {
                reasons.push(start_lock(self.skipping.mode).to_owned());
            }
        }
        reasons
    }

    /// What time waits for, apart from locks.
    pub(super) fn in_flight(&self) -> Vec<String> {
        let without_worker = self.matching.waiting().filter(|waiting| !waiting.is_unserved && waiting.worker_count == 0);
        let mut all: Vec<String> = without_worker.take(LISTED_MAX).map(|waiting| self.name_unserved(&waiting)).collect();
        all.extend(self.at_work());
        all
    }

    /// What workers are at work on, or will be.
    fn at_work(&self) -> Vec<String> {
        let at_work = self.skipping.holds.in_hand().filter(|(_, in_hand)| in_hand.holds()).take(LISTED_MAX);
        let mut all: Vec<String> = at_work
            .map(|(work, in_hand)| {
                let worker = in_hand.worker.map_or("a worker", |worker| self.workers.identity(worker));
                let seconds = self.wall().since(in_hand.since).as_secs_f64();
                format!("{} is at work at {worker} for {seconds:.1} s", self.name_of_work(work))
            })
            .collect();
        let waiting = self.matching.waiting().filter(|waiting| waiting.worker_count > 0).take(LISTED_MAX);
        all.extend(waiting.map(|waiting| {
            let (kind, name, count) = (kind_name(waiting.kind), waiting.name, waiting.task_count);
            format!("{count} {kind} tasks wait in task queue {name}, whose workers are busy")
        }));
        if all.is_empty() && self.matching.waiting().next().is_none() && self.skipping.holds.count() > 0 {
            all.push("a query waits for its answer, or a worker replays a closed run".to_owned());
        }
        all
    }

    /// A task queue without workers, where tasks wait.
    pub(in crate::engine) fn name_unserved(&self, waiting: &Waiting<'_>) -> String {
        let first = waiting.first.map_or_else(String::new, |task| match task {
            Task::Workflow(run) => self.name_of_work(Work::WorkflowTask(run)),
            Task::Activity(activity) => self.name_of_work(Work::Activity(activity)),
            Task::Query(_) => "a query".to_owned(),
            Task::Replay(run) => format!("the replay of {}", self.runs.get(run).name()),
        });
        let (kind, name) = (kind_name(waiting.kind), waiting.name);
        let more = match waiting.task_count {
            0 | 1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        let ever = if waiting.was_polled { " any more" } else { "" };
        format!("no worker polls task queue {name}{ever} ({kind} tasks): {first}{more} waits there")
    }

    fn work(&self, work: Work, in_hand: &InHand) -> foretimeservice::Work {
        let (run, kind, task_queue) = match work {
            Work::WorkflowTask(run) => (run, QueueKind::Workflow, self.runs.get(run).task_queue()),
            Work::Activity(ActivityKey { owner: ActivityOwner::Run(run), scheduled_event_id }) => {
                let pending = self.runs.get(run).pending_activity(scheduled_event_id);
                (run, QueueKind::Activity, pending.map_or("", |(_, attempt)| attempt.activity().task_queue.as_str()))
            }
        };
        let poller_count = self.matching.poller_count(self.runs.get(run).namespace(), kind, task_queue);
        foretimeservice::Work {
            name: self.name_of_work(work),
            task_queue: task_queue.to_owned(),
            identity: in_hand.worker.map(|worker| self.workers.identity(worker).to_owned()).unwrap_or_default(),
            duration: Some(span_to_proto(self.wall().since(in_hand.since))),
            holds_time: in_hand.holds(),
            poller_count: poller_count as i64,
        }
    }

    fn name_of_work(&self, work: Work) -> String {
        match work {
            Work::WorkflowTask(run) => format!("the workflow task of {}", self.runs.get(run).name()),
            Work::Activity(ActivityKey { owner: ActivityOwner::Run(run), scheduled_event_id }) => {
                self.runs.get(run).name_of_activity(scheduled_event_id)
            }
        }
    }

    /// Says in the log why somebody waits in vain.
    pub(in crate::engine) fn tell_standstill(&mut self) {
        let reasons = self.reasons();
        let Some(first) = reasons.first() else { return };
        let more = match reasons.len() {
            1 => String::new(),
            count => format!(" (and {} more reasons: foretime time why)", count - 1),
        };
        let text = format!("a client has waited two seconds for time that does not move: {first}{more}");
        // An activity that takes its time is as it should be.
        let is_at_work = self.skipping.holds.in_hand().any(|(_, in_hand)| in_hand.holds());
        if is_at_work { self.skipping.notices.inform(text) } else { self.skipping.notices.warn(text) }
    }
}

fn start_lock(mode: TimeMode) -> &'static str {
    match mode {
        TimeMode::Awaited => {
            "no client awaits the end of a workflow or the outcome of an update, or sleeps: time goes with the wall"
        }
        TimeMode::Locked | TimeMode::Skipping | TimeMode::Paced => {
            "time is locked since the start, until a client unlocks it (--time awaited skips while clients wait)"
        }
    }
}

fn queue(waiting: &Waiting<'_>) -> Queue {
    Queue {
        task_queue: waiting.name.to_owned(),
        task_queue_type: kind_name(waiting.kind).to_owned(),
        task_count: waiting.task_count as i64,
        poller_count: waiting.poller_count as i64,
        worker_count: waiting.worker_count as i64,
        holds_time: !waiting.is_unserved,
    }
}

fn kind_name(kind: QueueKind) -> &'static str {
    match kind {
        QueueKind::Workflow => "workflow",
        QueueKind::Activity => "activity",
        QueueKind::Nexus => "nexus",
    }
}

fn mode_name(mode: TimeMode) -> &'static str {
    match mode {
        TimeMode::Paced => "paced",
        TimeMode::Locked => "locked",
        TimeMode::Skipping => "skipping",
        TimeMode::Awaited => "awaited",
    }
}

/// Who has paused something, and why, as far as that is known.
fn by(identity: &str, reason: &str) -> String {
    let by = if identity.is_empty() { String::new() } else { format!(" by {identity}") };
    if reason.is_empty() { by } else { format!("{by} ({reason})") }
}
