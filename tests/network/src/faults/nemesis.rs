//! Has faults strike until their time is over. Each kind on each machine has its opportunity at each beat; whether it strikes, and what
//! comes of it, is drawn from the choices, so that one fault can be left out and the others stay.

use std::time::Duration;

use foretime_campaign::{
    choices::Label,
    fault::{Fault, Place},
    log::{Crash, Lost, Network, Struck},
};
use madsim::{task, time};

use super::cluster::{Cluster, Way};
use crate::{
    plan::swarm::{Kind, Swarm},
    world::Shared,
};

/// What a fault does lasts at least this long.
const EFFECT_MIN: Duration = Duration::from_millis(10);
/// How slow a slow network is at most.
const LATENCY_MAX: Duration = Duration::from_secs(90);
/// A lossy network loses one message in this many, at least.
const LOST_ONE_IN: u64 = 2;

/// Who has faults strike.
#[derive(Clone)]
pub struct Nemesis {
    /// Where that is drawn and noted.
    pub world: Shared,
    /// Whom it befalls.
    pub cluster: Cluster,
    /// How often.
    pub swarm: Swarm,
}

impl Nemesis {
    /// Has faults strike until their time is over, and mends everything then.
    pub async fn run(self) {
        let began = time::Instant::now();
        while began.elapsed() < self.swarm.lasts {
            time::sleep(self.swarm.every).await;
            for (kind, chance) in &self.swarm.chances {
                self.have_opportunity(*kind, *chance);
            }
        }
        self.cluster.heal();
        for name in self.cluster.names() {
            if !self.has_stopped(&name) {
                self.cluster.start_again(&name);
            }
        }
    }

    /// Whether the process of this machine has ended by itself.
    fn has_stopped(&self, name: &str) -> bool {
        self.world.lock().has_ended_by_itself(name)
    }

    fn have_opportunity(&self, kind: Kind, chance: f64) {
        match kind {
            Kind::Slow | Kind::Lossy | Kind::Reconnects => {
                if self.world.lock().strikes(Fault::Custom, kind.name(), "", chance) {
                    self.strike_network(kind);
                }
            }
            Kind::Freeze => {
                for name in self.cluster.names().into_iter().chain(["server".to_owned()]) {
                    self.have_opportunity_on(kind, chance, &name);
                }
            }
            _ => self.cluster.names().iter().for_each(|name| self.have_opportunity_on(kind, chance, name)),
        }
    }

    fn have_opportunity_on(&self, kind: Kind, chance: f64, name: &str) {
        let fault = if kind == Kind::Crash { Fault::Crash } else { Fault::Custom };
        let strikes = self.world.lock().strikes(fault, kind.name(), name, chance);
        // What is down cannot be struck. The server is always up.
        if strikes && (name == "server" || self.cluster.process(name).is_some()) {
            self.strike(kind, name);
        }
    }

    fn strike(&self, kind: Kind, name: &str) {
        let process = self.cluster.process(name);
        let struck = |network| self.world.lock().struck(process, Struck::Network(network));
        match kind {
            Kind::Crash => self.crash(name),
            Kind::Reset => {
                struck(Network::Reset);
                self.cluster.reset(name);
            }
            Kind::Freeze => {
                let span = self.span(Label::Delay, self.swarm.effect_max);
                struck(Network::Freeze { span });
                self.cluster.freeze(name);
                self.later(span, name, |cluster, name| cluster.thaw(name));
            }
            Kind::Cut | Kind::Unheard | Kind::Deaf => {
                let (lost, ways): (_, &[Way]) = match kind {
                    Kind::Unheard => (Lost::ToServer, &[Way::ToServer]),
                    Kind::Deaf => (Lost::FromServer, &[Way::FromServer]),
                    _ => (Lost::Both, &[Way::ToServer, Way::FromServer]),
                };
                let span = self.span(Label::CutOff, self.swarm.effect_max);
                struck(Network::Cut { lost, span });
                for way in ways {
                    self.cluster.cut(name, *way);
                    self.later(span, name, |cluster, name| cluster.uncut(name, *way));
                }
            }
            Kind::Slow | Kind::Lossy | Kind::Reconnects => {}
        }
    }

    fn crash(&self, name: &str) {
        let (is_silent, downtime) = {
            let mut world = self.world.lock();
            let process = world.process(name);
            let crash = Crash { place: Place::Await, attempt: None, workflow_id: None, meanwhile: Vec::new() };
            world.struck(process, Struck::Crash(crash));
            let is_silent = world.choices.chance(Label::CrashLosesRequests, 0.5);
            (is_silent, world.choices.span(Label::Downtime, EFFECT_MIN, self.swarm.effect_max))
        };
        self.cluster.kill(name, is_silent);
        self.later(downtime, name, |cluster, name| cluster.start_again(name));
    }

    fn strike_network(&self, kind: Kind) {
        let network = match kind {
            Kind::Slow => {
                let from = self.span(Label::Delay, LATENCY_MAX / 4);
                let to = from + self.span(Label::Delay, LATENCY_MAX - from);
                let span = self.span(Label::CutOff, self.swarm.effect_max);
                self.cluster.has_network(from, to, self.cluster.usual_network().loss_per_mille);
                Network::Slow { from, to, span }
            }
            Kind::Lossy => {
                let one_in = LOST_ONE_IN + self.world.lock().choices.below(Label::Delay, 10);
                let span = self.span(Label::CutOff, self.swarm.effect_max);
                let usual = self.cluster.usual_network();
                self.cluster.has_network(usual.latency_min, usual.latency_max, 1000 / one_in);
                Network::Lossy { one_in: u32::try_from(one_in).unwrap_or(u32::MAX), span }
            }
            _ => {
                self.cluster.reset_all();
                Network::Reset
            }
        };
        self.world.lock().struck(None, Struck::Network(network));
        let span = network.span();
        if !span.is_zero() {
            self.later(span, "", |cluster, _| cluster.has_its_usual_network());
        }
    }

    fn span(&self, label: Label, longest: Duration) -> Duration {
        self.world.lock().choices.span(label, EFFECT_MIN, longest)
    }

    /// Undoes something later, unless everything is mended by then.
    fn later(&self, span: Duration, name: &str, undo: impl FnOnce(&Cluster, &str) + Send + 'static) {
        let (cluster, name) = (self.cluster.clone(), name.to_owned());
        task::spawn(async move {
            time::sleep(span).await;
            if !cluster.is_healed() {
                undo(&cluster, &name);
            }
        });
    }
}
