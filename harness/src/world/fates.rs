//! What becomes of processes: how they start, crash, stop and start again.

use std::{sync::Arc, time::Duration};

use foretime_campaign::{
    attempt::Attempt,
    choices::Label,
    fault::{Fault, Place},
    faults::{self, Deed, Fall, Fates, Verdict},
    log::{Crash, LifeStep, Struck, What},
    process::{Ending, Life, ProcessId, Role},
};

use foretime_server::engine::time::Time;

use super::{
    Happening, Phase, State, WorkerStart, World,
    lives::{Factory, Fleet, Starts, Version, Waiter},
    wire::{LONG_POLL, nanos},
};
use crate::os;

/// What something that befalls a process is about.
#[derive(Debug, Default)]
pub(crate) struct About {
    /// The attempt of an activity that it starts, or whose outcome it reports.
    pub(crate) attempt: Option<Attempt>,
    /// The workflow that its request is about.
    pub(crate) workflow_id: Option<String>,
}

/// How far apart the workers of a fleet stop in a deploy, and how long a new one takes to come up.
const DEPLOY_STEP: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(60));

/// How long a process that is asked to stop may take. Then it is killed, as operators do in production.
const GRACE: Duration = Duration::from_secs(120);

impl State {
    /// Starts the process of the test's body.
    pub(crate) fn spawn(
        &mut self,
        role: Role,
        name: &str,
        version: usize,
        work: impl FnOnce(ProcessId) + Send + 'static,
    ) -> ProcessId {
        let process = self.lives.next_id();
        let main = os::spawn(process, name, move || work(process));
        let life = Life {
            role,
            name: name.to_owned(),
            from_ns: self.now_ns,
            ended: None,
            version,
            task_queue: None,
            takes_activities: false,
        };
        self.lives.begin(life, main);
        process
    }

    /// Adds workers with the same options; they start now. Returns the number of the fleet.
    pub(crate) fn add_fleet(&mut self, count: usize, options: Factory) -> usize {
        let fleet = self.lives.fleets.len();
        self.lives.fleets.push(Fleet { versions: vec![Version { options, from: Time::EPOCH }] });
        for number in 0..count {
            let slot = self.lives.add_slot(Starts::Worker { fleet, number });
            self.agenda.add(self.now_ns, Happening::Start(slot));
        }
        fleet
    }

    /// Adds a struck client, whose process starts now. Returns its slot.
    pub(crate) fn add_client(&mut self) -> usize {
        let slot = self.lives.add_slot(Starts::Client);
        self.agenda.add(self.now_ns, Happening::Start(slot));
        slot
    }

    /// Deploys another version of the code. Worker by worker stops in good order and starts on that version.
    pub(crate) fn deploy(&mut self, fleet: usize, options: Factory) {
        let from = self.time();
        self.lives.fleets[fleet].versions.push(Version { options, from });
        let version = self.lives.fleets[fleet].versions.len() - 1;
        let mut at_ns = self.now_ns;
        for slot in 0..self.lives.slots.len() {
            if self.lives.slots[slot].fleet() == Some(fleet) {
                self.agenda.add(at_ns, Happening::Deploy(slot, version));
                at_ns += nanos(self.choices.span(Label::Deploy, DEPLOY_STEP.0, DEPLOY_STEP.1));
            }
        }
    }

    /// Starts the worker or the client in `slot`, unless it runs.
    pub(super) fn start(&mut self, world: &Arc<World>, slot: usize) {
        if self.lives.slots[slot].life.is_some() || self.phase == Phase::Over {
            return;
        }
        let process = match self.lives.slots[slot].starts {
            Starts::Worker { fleet, number } => self.start_worker(world, slot, fleet, number),
            Starts::Client => self.start_client(world, slot),
        };
        let slot = &mut self.lives.slots[slot];
        slot.life = Some(process);
        slot.starts_count += 1;
        let number = slot.starts_count;
        self.note(Some(process), What::Life(LifeStep::Starts { number }));
    }

    fn start_client(&mut self, world: &Arc<World>, slot: usize) -> ProcessId {
        let (world, name) = (world.clone(), self.lives.name_of(slot));
        let identity = name.clone();
        self.spawn(Role::Client(slot), &name, 0, move |process| (world.hooks.client)(&world, process, &identity))
    }

    fn start_worker(&mut self, world: &Arc<World>, slot: usize, fleet: usize, number: usize) -> ProcessId {
        let (name, version) = (self.lives.name_of(slot), self.lives.slots[slot].version);
        let options = self.lives.fleets[fleet].versions[version].options.clone();
        let has_small_cache =
            self.plan.has(Fault::Eviction) && self.choices.strikes_with(Fault::Eviction, Place::Start, 0.75, false);
        let cache_size = has_small_cache.then(|| self.choices.below(Label::CacheSize, 3));
        let world = world.clone();
        let cache_size = cache_size.map(|size| usize::try_from(size).unwrap_or(0));
        let start = WorkerStart { identity: name.clone(), number, options, cache_size };
        let process =
            self.spawn(Role::Worker(slot), &name, version, move |process| (world.hooks.worker)(&world, process, start));
        self.lives.control_mut(process).has_no_cache = cache_size == Some(0);
        if let Some(cache_size) = cache_size {
            self.plan.count(Fault::Eviction);
            self.note(Some(process), What::Fault(Struck::Eviction { cache_size }));
        }
        process
    }

    /// Decides what befalls a worker or a struck client in what it does. A crash is carried out here; the caller carries out
    /// everything else. Nothing befalls other processes.
    pub(crate) fn verdict(&mut self, process: ProcessId, deed: Deed<'_>, about: About) -> Verdict {
        let Some(slot) = self.lives.slot_of(process).filter(|_| self.lives.is_alive(process)) else {
            return Verdict::default();
        };
        let mut fates = Fates { plan: &mut self.plan, choices: &mut self.choices, now_ns: self.now_ns };
        let verdict = faults::verdict(deed, &mut fates);
        let Some(fall) = verdict.fall else { return verdict };
        let place = deed.place().to_owned();
        let About { attempt, workflow_id } = about;
        let crash = |place, meanwhile| Crash { place, attempt, workflow_id, meanwhile };
        match fall {
            Fall::Restart => {
                self.note(Some(process), What::Fault(Struck::Restart(place)));
                let version = self.lives.slots[slot].version;
                self.agenda.add(self.now_ns, Happening::Deploy(slot, version));
            }
            Fall::Crash => {
                let waits = matches!(deed, Deed::Turn);
                let meanwhile = if waits { self.under_way.of(process).cloned().collect() } else { Vec::new() };
                self.note(Some(process), What::Fault(Struck::Crash(crash(place, meanwhile))));
                self.kill(process);
            }
            Fall::ClusterCrash => {
                self.note(Some(process), What::Fault(Struck::ClusterCrash(crash(place, Vec::new()))));
                for other in self.lives.running() {
                    self.kill(other);
                }
            }
        }
        verdict
    }

    /// Kills a worker by its number (1 is the first), for a trigger that strikes there.
    pub(super) fn kill_worker(&mut self, number: usize, place: Place) {
        if let Some(process) = self.lives.worker(number).and_then(|slot| slot.life)
            && self.lives.is_alive(process)
        {
            self.plan.count(Fault::Crash);
            let crash = Crash { place, attempt: None, workflow_id: None, meanwhile: Vec::new() };
            self.note(Some(process), What::Fault(Struck::Crash(crash)));
            self.kill(process);
        }
    }

    /// Kills a process: from this instant nothing that it does has an effect. It starts again after a while.
    fn kill(&mut self, process: ProcessId) {
        self.lives.get_mut(process).ended = Some((self.now_ns, Ending::Crash));
        let control = self.lives.control_mut(process);
        control.is_doomed = true;
        let waiter = control.doom_waiter.take();
        control.stop_waiter = None;
        self.cut_wires(process);
        self.tasks.forget(process);
        if let Some((thread, waker)) = waiter {
            os::wake(thread, waker);
        }
        if let Some(slot) = self.lives.slot_of(process) {
            self.lives.slots[slot].life = None;
            self.lose_errands(slot);
            let down = self.plan.downtime(&mut self.choices);
            self.agenda.add(self.now_ns + nanos(down), Happening::Start(slot));
        }
    }

    /// Asks the worker or the client in `slot` to stop. It will start again on `version`.
    pub(super) fn stop(&mut self, slot: usize, version: usize) {
        self.lives.slots[slot].version = version;
        let Some(process) = self.lives.slots[slot].life else { return };
        let control = self.lives.control_mut(process);
        if control.is_stopping {
            return;
        }
        control.is_stopping = true;
        if let Some((thread, waker)) = control.stop_waiter.take() {
            os::wake(thread, waker);
        }
        self.agenda.add(self.now_ns + nanos(LONG_POLL), Happening::EndPolls(process));
        self.agenda.add(self.now_ns + nanos(GRACE), Happening::LoseGrace(process));
        let deploy = (version != self.lives.get(process).version).then_some(version);
        self.note(Some(process), What::Life(LifeStep::AskedToStop { deploy }));
    }

    /// The time of a process that was asked to stop is up.
    pub(super) fn lose_grace(&mut self, process: ProcessId) {
        if self.lives.is_alive(process) {
            self.note(Some(process), What::Life(LifeStep::Killed { grace: GRACE }));
            self.kill(process);
        }
    }

    /// A process has ended without being killed.
    pub(crate) fn life_ended(&mut self, process: ProcessId, ending: Ending) {
        let now_ns = self.now_ns;
        let was_stopping = self.lives.control(process).is_stopping;
        let life = self.lives.get_mut(process);
        if life.ended.is_some() {
            return;
        }
        let step = LifeStep::Ends(ending.clone());
        let ending = match ending {
            // A panic at this point is the assertion of the SDK's core that `panicked` ignores.
            Ending::Own(None) | Ending::Panic if was_stopping => Ending::Shutdown,
            ending => ending,
        };
        life.ended = Some((now_ns, ending));
        self.lives.control_mut(process).forget_waiters();
        self.cut_wires(process);
        self.note(Some(process), What::Life(step));
        if let Some(slot) = self.lives.slot_of(process) {
            self.lives.slots[slot].life = None;
            self.lose_errands(slot);
            let down = if was_stopping {
                self.choices.span(Label::Deploy, DEPLOY_STEP.0, DEPLOY_STEP.1)
            } else {
                self.plan.downtime(&mut self.choices)
            };
            self.agenda.add(now_ns + nanos(down), Happening::Start(slot));
        }
    }

    /// Whether this process has been killed; if not, `waiter` is woken when it is.
    pub(crate) fn awaits_doom(&mut self, process: ProcessId, waiter: Waiter) -> bool {
        let control = self.lives.control_mut(process);
        control.doom_waiter = (!control.is_doomed).then_some(waiter);
        control.is_doomed
    }

    /// Whether this process has been asked to stop; if not, `waiter` is woken when it is.
    pub(crate) fn awaits_stop(&mut self, process: ProcessId, waiter: Waiter) -> bool {
        let control = self.lives.control_mut(process);
        control.stop_waiter = (!control.is_stopping).then_some(waiter);
        control.is_stopping
    }

    /// Processes changed these statics, by path.
    pub(crate) fn workers_changed(&mut self, changed: Vec<(ProcessId, &'static str)>) {
        for (process, path) in changed {
            if matches!(self.lives.get(process).role, Role::Worker(_)) && !self.changed_statics.contains(&path) {
                self.changed_statics.push(path);
            }
        }
    }
}
