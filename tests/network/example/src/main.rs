//! A tonic service, its customers, a worker and a Temporal server on madsim's network: `cargo run -- SEED`.

use std::{collections::BTreeMap, env, error::Error, net::SocketAddr, process::ExitCode, sync::PoisonError, time::Duration};

use foretime_server::proto::enums::WorkflowExecutionStatus;
use madsim::{
    net::NetSim,
    rand::{Rng, thread_rng},
    runtime::{Handle, NodeHandle, Runtime},
};
use orders::{
    Parcels,
    pb::{Order, orders_client::OrdersClient},
};
use temporal::{Client, Temporal};
use tokio::time::sleep;
use tonic::{Request, transport::Endpoint};

mod orders;
mod temporal;
mod trace;
mod worker;

/// The messages and services of `proto/carrier.proto`.
#[expect(clippy::unwrap_used, reason = "generated")]
mod carrier {
    tonic::include_proto!("carrier");
}

const TEMPORAL: &str = "http://10.0.0.1:7233";
const ORDERS: &str = "http://10.0.0.2:50051";
const NAMESPACE: &str = "default";
const TASK_QUEUE: &str = "orders";
const CUSTOMERS: usize = 2;
const ORDERS_EACH: usize = 3;

/// How long everything may take, in madsim's time. madsim panics after that.
const TIME_LIMIT: Duration = Duration::from_secs(3600);

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let seed = env::args().nth(1).ok_or("which seed?")?.parse()?;
    let mut config = madsim::Config::default();
    config.net.send_latency = Duration::from_millis(1)..Duration::from_secs(1);
    let mut runtime = Runtime::with_seed_and_config(seed, config);
    runtime.set_time_limit(TIME_LIMIT);
    let broken = runtime.block_on(simulate(seed))?;
    println!("seed {seed}: trace {:016x}, {}", trace::hash(), broken.as_deref().unwrap_or("all is well"));
    Ok(if broken.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// One run. Returns what is wrong at its end.
// README nodes: begin
async fn simulate(seed: u64) -> Result<Option<String>, Box<dyn Error>> {
    let (temporal, parcels) = (Temporal::new(seed)?, Parcels::default());
    let (server, sent) = (temporal.clone(), parcels.clone());
    let nodes = [
        node("temporal", TEMPORAL, move |address| server.clone().serve(address))?,
        node("orders", ORDERS, move |address| orders::serve(address, Client::new(), sent.clone()))?,
        node("worker", "http://10.0.0.3:0", |_| worker::work())?,
    ];
    let mut customers = Vec::new();
    for number in 1..=CUSTOMERS {
        let ip = format!("10.0.1.{number}").parse()?;
        let customer = Handle::current().create_node().name(format!("customer-{number}")).ip(ip).build();
        customers.push(customer.spawn(buy(number)));
    }
    let trouble = tokio::spawn(trouble(nodes));
    for customer in customers {
        customer.await?;
    }
    trouble.await?;
    // The network has healed. What is under way comes to its end, or madsim ends the run at its time limit.
    while temporal.front().view().runs().any(|run| run.is_open()) {
        sleep(Duration::from_secs(1)).await;
    }
    trace::tell("all", "is done");
    Ok(check(&temporal, &parcels))
}
// README nodes: end

/// A machine that does `work` from its start on, and again after each restart.
fn node<F: Future<Output = ()> + Send + 'static>(
    name: &str,
    url: &str,
    work: impl Fn(SocketAddr) -> F + Send + Sync + 'static,
) -> Result<NodeHandle, Box<dyn Error>> {
    let address: SocketAddr = url.trim_start_matches("http://").parse()?;
    Ok(Handle::current().create_node().name(name).ip(address.ip()).init(move || work(address)).build())
}

/// A customer: each order until it is placed.
async fn buy(number: usize) {
    let name = format!("customer-{number}");
    for order in 1..=ORDERS_EACH {
        sleep(Duration::from_millis(thread_rng().gen_range(0..20_000))).await;
        let id = format!("{number}-{order}");
        let mut pause = Duration::from_millis(100);
        loop {
            let mut request = Request::new(Order { id: id.clone() });
            request.set_timeout(Duration::from_secs(3));
            match OrdersClient::new(Endpoint::from_static(ORDERS).connect_lazy()).place(request).await {
                Ok(placed) => {
                    trace::tell(&name, &format!("placed order {id}, run {}", placed.into_inner().run_id));
                    break;
                }
                Err(status) => trace::tell(&name, &format!("order {id}: {:?}, {}", status.code(), status.message())),
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(10));
        }
    }
}

/// Two cuts between two machines, and a crash of the worker.
async fn trouble(nodes: [NodeHandle; 3]) {
    let network = NetSim::current();
    let names = ["temporal", "orders", "worker"];
    for _ in 0..2 {
        sleep(Duration::from_millis(thread_rng().gen_range(1_000..15_000))).await;
        let spared = thread_rng().gen_range(0..3);
        let (one, other) = ((spared + 1) % 3, (spared + 2) % 3);
        trace::tell("network", &format!("{} and {} are cut off from each other", names[one], names[other]));
        network.clog_link(nodes[one].id(), nodes[other].id());
        network.clog_link(nodes[other].id(), nodes[one].id());
        sleep(Duration::from_millis(thread_rng().gen_range(1_000..30_000))).await;
        network.unclog_link(nodes[one].id(), nodes[other].id());
        network.unclog_link(nodes[other].id(), nodes[one].id());
        trace::tell("network", &format!("{} and {} hear each other again", names[one], names[other]));
    }
    trace::tell("worker", "crashes, and starts again");
    Handle::current().restart(nodes[2].id());
}

/// Each order has one run, which has completed, and one parcel.
fn check(temporal: &Temporal, parcels: &Parcels) -> Option<String> {
    let mut runs: BTreeMap<String, Vec<WorkflowExecutionStatus>> = BTreeMap::new();
    for run in temporal.front().view().runs() {
        runs.entry(run.workflow_id().to_owned()).or_default().push(run.status());
    }
    let parcels = parcels.lock().unwrap_or_else(PoisonError::into_inner);
    let ids = (1..=CUSTOMERS).flat_map(|number| (1..=ORDERS_EACH).map(move |order| format!("{number}-{order}")));
    ids.into_iter().find_map(|id| {
        let runs = runs.remove(&format!("order-{id}")).unwrap_or_default();
        let sent = parcels.iter().filter(|parcel| **parcel == id).count();
        if runs != [WorkflowExecutionStatus::Completed] {
            return Some(format!("order {id} has the runs {runs:?}"));
        }
        (sent != 1).then(|| format!("order {id} has {sent} parcels"))
    })
}
