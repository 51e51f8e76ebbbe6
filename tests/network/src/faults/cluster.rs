//! The machines of a run, from outside: what can be done to them.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use foretime_campaign::process::{Ending, ProcessId, Role};
use foretime_server::rpc::Serve;
use madsim::{
    net::NetSim,
    runtime::{Handle, NodeHandle},
    task::NodeId,
    time,
};

use crate::{
    nodes::{TASK_QUEUE, client::Client, worker::Worker},
    plan::{NetworkPlan, WorkerPlan},
    wire::{
        channel::Channel,
        server::{PORT, Server},
    },
    world::Shared,
};

/// The machine of the service.
const SERVER: &str = "server";

/// All machines. Cheap to clone.
#[derive(Clone)]
pub struct Cluster {
    world: Shared,
    server: Server,
    network: NetworkPlan,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    machines: BTreeMap<String, NodeHandle>,
    /// The ways to the service of the processes that live.
    channels: BTreeMap<String, Channel>,
    /// How many faults keep messages from passing, by where they come from and go to.
    cuts: BTreeMap<(String, String), u32>,
    /// How many faults keep a machine still.
    frozen: BTreeMap<String, (u32, time::Instant)>,
    /// Whether the faults are over.
    is_healed: bool,
}

/// Which way messages are cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From a machine to the server.
    ToServer,
    /// From the server to a machine.
    FromServer,
}

impl Cluster {
    /// A cluster that has its server.
    pub fn new(world: Shared, service: Box<dyn Serve>, network: NetworkPlan) -> Self {
        let server = Server::new(world.clone(), service);
        let cluster = Self { world, server: server.clone(), network, state: Arc::default() };
        cluster.has_its_usual_network();
        let machine = Handle::current()
            .create_node()
            .name(SERVER)
            .ip(IpAddr::from([10, 0, 0, 1]))
            .init(move || server.clone().run())
            .build();
        cluster.lock().machines.insert(SERVER.to_owned(), machine);
        cluster
    }

    /// The service.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Adds a machine with a worker. `slot`: from 0.
    pub fn add_worker(&self, slot: usize, plan: &WorkerPlan) {
        let (cluster, plan, name) = (self.clone(), plan.clone(), format!("worker-{}", slot + 1));
        self.add(2, slot, &name.clone(), move || {
            let channel = cluster.begins(&name, Role::Worker(slot));
            Worker { name: name.clone(), plan: plan.clone(), channel }.run()
        });
    }

    /// Adds a machine with a client. `slot`: from 0.
    pub fn add_client(&self, slot: usize, client: Client) {
        let (cluster, name) = (self.clone(), client.name.clone());
        self.add(3, slot, &name.clone(), move || {
            let (cluster, name, client) = (cluster.clone(), name.clone(), client.clone());
            async move {
                let channel = cluster.begins(&name, Role::Client(slot));
                client.run(channel).await;
                cluster.stops(&name);
            }
        });
    }

    fn add<F>(&self, net: u8, slot: usize, name: &str, init: impl Fn() -> F + Send + Sync + 'static)
    where
        F: Future<Output = ()> + 'static,
    {
        let host = u8::try_from(slot + 1).unwrap_or(u8::MAX);
        let machine = Handle::current().create_node().name(name).ip(IpAddr::from([10, 0, net, host])).init(init).build();
        self.lock().machines.insert(name.to_owned(), machine);
    }

    /// A process begins on its machine.
    fn begins(&self, name: &str, role: Role) -> Channel {
        let process = self.world.lock().begin(name, role, matches!(role, Role::Worker(_)).then(|| TASK_QUEUE.to_owned()));
        let channel = Channel::new(self.world.clone(), process, SocketAddr::from(([10, 0, 0, 1], PORT)));
        // A connection of a life before breaks now, if it has not before.
        let before = self.lock().channels.insert(name.to_owned(), channel.clone());
        if let Some(before) = before {
            before.reset();
        }
        channel
    }

    /// A process has nothing left to do.
    fn stops(&self, name: &str) {
        self.world.lock().end(name, Ending::Own(None));
        let channel = self.lock().channels.remove(name);
        if let Some(channel) = channel {
            channel.reset();
        }
    }

    /// The names of all machines but the server's.
    pub fn names(&self) -> Vec<String> {
        self.lock().machines.keys().filter(|name| *name != SERVER).cloned().collect()
    }

    /// The process that lives on a machine.
    pub fn process(&self, name: &str) -> Option<ProcessId> {
        self.world.lock().process(name)
    }

    /// The way to the service of the process that lives on a machine, or that lived there last. `None`: there was none, or it has
    /// nothing left to do.
    pub fn channel(&self, name: &str) -> Option<Channel> {
        self.lock().channels.get(name).cloned()
    }

    /// Kills the process on a machine. `is_silent`: the server does not hear of it, as when the machine is lost.
    pub fn kill(&self, name: &str, is_silent: bool) {
        self.world.lock().end(name, Ending::Crash);
        let (machine, channel) = {
            let state = self.lock();
            (state.machines.get(name).map(NodeHandle::id), state.channels.get(name).cloned())
        };
        if let Some(channel) = channel.filter(|_| !is_silent) {
            channel.reset();
        }
        if let Some(machine) = machine {
            Handle::current().kill(machine);
        }
    }

    /// Starts the process on a machine again, unless it lives or everything is over there.
    pub fn start_again(&self, name: &str) {
        let machine = self.lock().machines.get(name).map(NodeHandle::id);
        if let Some(machine) = machine.filter(|_| self.process(name).is_none()) {
            Handle::current().restart(machine);
        }
    }

    /// Breaks the connections of a machine. `by_server`: from the server's side.
    pub fn reset(&self, name: &str) {
        let channel = self.lock().channels.get(name).cloned();
        if let Some(channel) = channel {
            channel.reset();
        }
    }

    /// Breaks all connections at once, from the server's side.
    pub fn reset_all(&self) {
        self.server.reset();
    }

    /// Keeps messages between a machine and the server from passing this way.
    pub fn cut(&self, name: &str, way: Way) {
        let link = link(name, way);
        let mut state = self.lock();
        *state.cuts.entry(link.clone()).or_default() += 1;
        if let Some((from, to)) = state.ids(&link) {
            NetSim::current().clog_link(from, to);
        }
    }

    /// Undoes one such cut.
    pub fn uncut(&self, name: &str, way: Way) {
        let link = link(name, way);
        let mut state = self.lock();
        let count = state.cuts.entry(link.clone()).or_default();
        *count = count.saturating_sub(1);
        if *count == 0
            && let Some((from, to)) = state.ids(&link)
        {
            NetSim::current().unclog_link(from, to);
        }
    }

    /// A machine stands still, and its clock with it.
    pub fn freeze(&self, name: &str) {
        let mut state = self.lock();
        let (count, _) = state.frozen.entry(name.to_owned()).or_insert_with(|| (0, time::Instant::now()));
        *count += 1;
        if let Some(machine) = state.machines.get(name) {
            Handle::current().pause(machine.id());
        }
    }

    /// Undoes one such standstill.
    pub fn thaw(&self, name: &str) {
        let thawed = {
            let mut state = self.lock();
            let Some((count, since)) = state.frozen.get_mut(name) else { return };
            *count -= 1;
            let (count, since) = (*count, *since);
            if count > 0 {
                return;
            }
            state.frozen.remove(name);
            state.machines.get(name).map(NodeHandle::id).map(|machine| (machine, since.elapsed()))
        };
        let Some((machine, span)) = thawed else { return };
        if name == SERVER {
            self.server.stood(span);
        }
        Handle::current().resume(machine);
    }

    /// The network becomes as it usually is.
    pub fn has_its_usual_network(&self) {
        self.has_network(self.network.latency_min, self.network.latency_max, self.network.loss_per_mille);
    }

    /// The network becomes so slow and so lossy.
    pub fn has_network(&self, latency_min: Duration, latency_max: Duration, loss_per_mille: u64) {
        NetSim::current().update_config(|config| {
            config.send_latency = latency_min..latency_max.max(latency_min + Duration::from_micros(1));
            #[expect(clippy::cast_precision_loss, reason = "at most a thousand")]
            let rate = loss_per_mille as f64 / 1000.0;
            config.packet_loss_rate = rate;
        });
    }

    /// The network when nothing is wrong with it.
    pub fn usual_network(&self) -> NetworkPlan {
        self.network
    }

    /// Whether the faults are over.
    pub fn is_healed(&self) -> bool {
        self.lock().is_healed
    }

    /// Mends everything.
    pub fn heal(&self) {
        let (cuts, frozen): (Vec<_>, Vec<_>) = {
            let mut state = self.lock();
            state.is_healed = true;
            (std::mem::take(&mut state.cuts).into_keys().collect(), state.frozen.keys().cloned().collect())
        };
        {
            let state = self.lock();
            for (from, to) in cuts.iter().filter_map(|link| state.ids(link)) {
                NetSim::current().unclog_link(from, to);
            }
        }
        for name in frozen {
            if let Some((count, _)) = self.lock().frozen.get_mut(&name) {
                *count = 1;
            }
            self.thaw(&name);
        }
        self.has_its_usual_network();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn ids(&self, (from, to): &(String, String)) -> Option<(NodeId, NodeId)> {
        Some((self.machines.get(from)?.id(), self.machines.get(to)?.id()))
    }
}

fn link(name: &str, way: Way) -> (String, String) {
    match way {
        Way::ToServer => (name.to_owned(), SERVER.to_owned()),
        Way::FromServer => (SERVER.to_owned(), name.to_owned()),
    }
}
