//! The life of a cluster, from its start until nothing is left to happen.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use foretime_campaign::{choices::Choices, finding::Wrong, process::Ending};
use foretime_server::{
    config::{Config, TimeMode},
    engine::{RunView, View},
};
use madsim::{task, time};

use super::{Left, MakeService};
use crate::{
    checks,
    faults::{cluster::Cluster, nemesis::Nemesis},
    nodes::client::{Client, INSPECTOR, Memory},
    plan::{Plan, errand},
    world::Shared,
};

/// How often it is looked whether everything has come to rest.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Once the network has healed, everything must come to rest within this (of the machines' time).
const REST_WITHIN: Duration = Duration::from_secs(2 * 86_400);
/// How often a visitor awaits what is open still, such as what was started by who never heard of it.
const VISITS_MAX: usize = 5;
/// How long the last client takes for each call at most.
const INSPECTED_WITHIN: Duration = Duration::from_secs(900);
/// Until what is left by those who are gone has lapsed.
const LAPSES_WITHIN: Duration = Duration::from_secs(180);

/// Builds the cluster, lets it live until it is at rest, and checks what has come of it.
pub(super) async fn live(plan: &Plan, choices: Choices, is_detailed: bool, service: MakeService, left: &Left) {
    let seed = choices.source();
    let world = Shared::new(choices, is_detailed);
    let cluster = Cluster::new(world.clone(), service(&config(plan, seed)), plan.network);
    *left.lock().unwrap_or_else(PoisonError::into_inner) = Some((world.clone(), cluster.server().clone()));
    for (slot, worker) in plan.workers.iter().enumerate() {
        cluster.add_worker(slot, worker);
    }
    let unlocks_time = plan.time == TimeMode::Locked;
    let clients = plan.clients.iter().enumerate().map(|(slot, errands)| {
        let (errands, name) = (Arc::new(errands.clone()), format!("client-{}", slot + 1));
        let client = Client { name, errands, memory: Arc::default(), unlocks_time };
        cluster.add_client(slot, client.clone());
        client
    });
    let clients: Vec<Client> = clients.collect();
    let clients_count = clients.len();
    let nemesis = Nemesis { world: world.clone(), cluster: cluster.clone(), swarm: plan.swarm.clone() };
    let _ = task::spawn(nemesis.run()).await;
    if !rest(&world, &cluster, clients, unlocks_time).await {
        return;
    }
    inspect(&cluster, clients_count + VISITS_MAX + 1).await;
    leave(&world, &cluster).await;
    cluster.server().look(|view| checks::all(&mut world.lock(), view));
}

fn config(plan: &Plan, seed: u64) -> Config {
    Config { time: plan.time, remembers_closes: true, keeps_deleted: true, seed, ..Config::default() }
}

/// Waits until clients have what they want, and nothing is open any more. Returns whether it came to that.
async fn rest(world: &Shared, cluster: &Cluster, mut clients: Vec<Client>, unlocks_time: bool) -> bool {
    let healed = time::Instant::now();
    let first_visitor = clients.len();
    for visit in 0..=VISITS_MAX {
        while !clients.iter().all(Client::is_done) {
            if healed.elapsed() > REST_WITHIN {
                find_unrest(world, cluster, &clients);
                return false;
            }
            time::sleep(LOOK_EVERY).await;
        }
        let open = cluster.server().look(open_workflows);
        if open.is_empty() {
            return true;
        }
        let slot = first_visitor + visit;
        let memory = Arc::new(Mutex::new(Memory::awaiting(open)));
        let client = Client { name: format!("visitor-{}", visit + 1), errands: Arc::default(), memory, unlocks_time };
        cluster.add_client(slot, client.clone());
        clients.push(client);
    }
    find_unrest(world, cluster, &clients);
    false
}

/// The workflows that are open.
fn open_workflows(view: View<'_>) -> Vec<String> {
    workflows(view, |run| run.is_open())
}

fn workflows(view: View<'_>, is_meant: impl Fn(&RunView<'_>) -> bool) -> Vec<String> {
    let ids: BTreeSet<String> = view.runs().filter(is_meant).map(|run| run.workflow_id().to_owned()).collect();
    ids.into_iter().collect()
}

/// A last client looks at all workflows. It is given time enough.
async fn inspect(cluster: &Cluster, slot: usize) {
    let errands = errand::of_inspector(&cluster.server().look(|view| workflows(view, |_| true)));
    let within = INSPECTED_WITHIN * u32::try_from(errands.len()).unwrap_or(u32::MAX);
    let errands = Arc::new(errands);
    let client = Client { name: INSPECTOR.to_owned(), errands, memory: Arc::default(), unlocks_time: false };
    cluster.add_client(slot, client.clone());
    let began = time::Instant::now();
    while !client.is_done() && began.elapsed() < within {
        time::sleep(LOOK_EVERY).await;
    }
}

fn find_unrest(world: &Shared, cluster: &Cluster, clients: &[Client]) {
    let waiting = clients.iter().filter(|client| !client.is_done()).map(|client| format!("{} waits", client.name));
    let open = cluster.server().look(|view| {
        let runs = view.runs().filter(|run| run.is_open());
        runs.map(|run| format!("{} is open, with {} events", run.workflow_id(), run.events_count())).collect::<Vec<_>>()
    });
    let remains = cluster.server().look(|view| view.remains().to_string());
    let who_waits: Vec<String> = waiting.chain(open).chain([remains]).collect();
    let title = "it does not come to rest, though nothing is wrong any more".to_owned();
    world.lock().find(None, Wrong::TestFailed { title, detail: who_waits.join("\n") });
}

/// Everybody leaves, and what they leave behind lapses.
async fn leave(world: &Shared, cluster: &Cluster) {
    for name in cluster.names() {
        world.lock().end(&name, Ending::Shutdown);
        cluster.kill(&name, false);
    }
    time::sleep(LAPSES_WITHIN).await;
}
