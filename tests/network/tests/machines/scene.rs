//! A cluster on a quiet network, and machines on which nothing happens but what a test says.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use foretime_campaign::choices::Choices;
use foretime_network::{
    faults::cluster::Cluster,
    nodes::{client::Client, requests},
    plan::{
        NetworkPlan,
        digest::Digest,
        errand::{Errand, StartWish, Wish},
        script::{Ending, Script},
    },
    wire::channel::Channel,
    world::Shared,
};
use foretime_server::{
    config::Config,
    proto::{
        Rpc,
        enums::{WorkflowIdConflictPolicy, WorkflowIdReusePolicy},
        workflowservice::StartWorkflowExecutionRequest,
    },
    rpc::{Answer, Service},
};
use madsim::{
    Config as Simulated,
    runtime::{Handle, Runtime},
    task::{self, JoinHandle},
    time,
};
use prost::Message;
use tonic::Status;

/// The seed of all scenes.
const SEED: u64 = 7;
/// How long a message takes.
const LATENCY: Duration = Duration::from_millis(1);
/// A request and its answer take less than this, if nothing keeps them; so they do if the caller must connect before.
pub(crate) const AT_ONCE: Duration = Duration::from_millis(10);
/// Longer than any scene.
pub(crate) const LONG: Duration = Duration::from_secs(3600);
/// The timeout of workflow tasks.
pub(crate) const TASK_TIMEOUT: Duration = Duration::from_secs(10);

/// The network of all scenes, when nothing is wrong with it.
pub(crate) const QUIET: NetworkPlan = NetworkPlan { latency_min: LATENCY, latency_max: LATENCY, loss_per_mille: 0 };
/// A cluster.
pub(crate) struct Scene {
    /// What everybody shares.
    pub(crate) world: Shared,
    /// Its machines; at first only the server's.
    pub(crate) cluster: Cluster,
}

/// A server whose long polls wait for as long as their callers do, and whose time goes with the wall.
pub(crate) fn config() -> Config {
    Config { long_polls_end: false, ..Config::default() }
}

/// Has a scene played from its first message to its last.
pub(crate) fn play<F: Future<Output = ()>>(config: &Config, scene: impl FnOnce(Scene) -> F) {
    Runtime::with_seed_and_config(SEED, Simulated::default()).block_on(async {
        let world = Shared::new(Choices::from_seed(SEED, "machines"), false);
        let service = Service::boxed(config).expect("a service");
        let cluster = Cluster::new(world.clone(), service, QUIET);
        scene(Scene { world, cluster }).await;
    });
}

impl Scene {
    /// Adds a machine whose process does nothing by itself in the time of a scene. `slot`: from 0.
    pub(crate) async fn add_machine(&self, slot: usize) -> Machine {
        let idle = errand(Wish::Describe, LONG);
        let client = self.add_client(slot, idle);
        self.has_begun(&client.name).await;
        Machine { name: client.name, cluster: self.cluster.clone() }
    }

    /// Adds a machine with a client that has this errand, and time goes without its help. `slot`: from 0.
    pub(crate) fn add_client(&self, slot: usize, errand: Errand) -> Client {
        let (name, errands) = (format!("client-{}", slot + 1), Arc::new(vec![errand]));
        let client = Client { name, errands, memory: Arc::default(), unlocks_time: false };
        self.cluster.add_client(slot, client.clone());
        client
    }

    /// Waits until the process on a machine has begun.
    pub(crate) async fn has_begun(&self, name: &str) {
        while self.cluster.channel(name).is_none() || self.cluster.process(name).is_none() {
            task::yield_now().await;
        }
    }

    /// Virtual time since the start.
    pub(crate) fn now(&self) -> Duration {
        Duration::from_nanos(self.world.lock().now_ns())
    }

    /// A workflow is started, and its task goes to this machine, which polls a moment later: the service gives it to nobody who
    /// polled before.
    pub(crate) async fn has_its_next_task_go_to(&self, machine: &Machine) {
        machine.ask(&start("client-1.1"), LONG).answer().await;
        let polled_at = self.now();
        let heard = machine.ask(&requests::poll_workflow(&machine.name), LONG).heard().await;
        assert_eq!(heard.answer.expect("a task").attempt, 1);
        assert!(heard.at - polled_at < AT_ONCE, "{:?}", heard.at - polled_at);
    }

    /// How many calls wait at the service.
    pub(crate) fn parked_count(&self) -> usize {
        self.cluster.server().waiting().0
    }

    /// The ids of all runs, in the order in which they began.
    pub(crate) fn run_ids(&self) -> Vec<String> {
        self.cluster.server().look(|view| view.runs().map(|run| run.run_id().to_owned()).collect())
    }
}

/// A machine.
pub(crate) struct Machine {
    /// Its name.
    pub(crate) name: String,
    cluster: Cluster,
}

impl Machine {
    /// The way to the service of the process that lives here.
    pub(crate) fn channel(&self) -> Channel {
        self.cluster.channel(&self.name).expect("a process")
    }

    /// Does this here, from now on.
    pub(crate) fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        Handle::current().get_node(&self.name).expect("a machine").spawn(work)
    }

    /// Calls once, from here.
    pub(crate) fn call(&self, service: &str, method: &str, message: Bytes, timeout: Duration) -> Asked<Bytes> {
        let (channel, service, method) = (self.channel(), service.to_owned(), method.to_owned());
        Asked(self.spawn(async move {
            let answer = channel.call(&service, &method, message, timeout).await;
            Heard { answer, at: Duration::from_nanos(channel.world().lock().now_ns()) }
        }))
    }

    /// Asks for this once, from here.
    pub(crate) fn ask<R: Rpc>(&self, request: &R, timeout: Duration) -> Asked<R::Reply> {
        let Asked(asked) = self.call(R::SERVICE, R::METHOD, request.encode_to_vec().into(), timeout);
        Asked(self.spawn(async move {
            let Heard { answer, at } = asked.await.expect("a caller that lives");
            Heard { answer: answer.map(|message| R::Reply::decode(message).expect("an answer")), at }
        }))
    }
}

/// A call that is on its way.
pub(crate) struct Asked<T>(pub(crate) JoinHandle<Heard<T>>);

/// What the caller has heard.
#[derive(Debug)]
pub(crate) struct Heard<T> {
    /// The answer.
    pub(crate) answer: Result<T, Status>,
    /// When; virtual time since the start.
    pub(crate) at: Duration,
}

impl<T> Asked<T> {
    /// What the caller hears, when it hears it.
    pub(crate) async fn heard(self) -> Heard<T> {
        self.0.await.expect("a caller that lives")
    }

    /// The answer, which is no refusal.
    pub(crate) async fn answer(self) -> T {
        self.heard().await.answer.expect("an answer")
    }

    /// The refusal.
    pub(crate) async fn refusal(self) -> Status {
        self.heard().await.answer.err().expect("a refusal")
    }
}

/// A start of `order-1`, with the request id of this nonce. The workflow has nothing to do but to complete.
pub(crate) fn start(nonce: &str) -> StartWorkflowExecutionRequest {
    requests::start("order-1", nonce, &wish(nonce))
}

/// An errand about `order-1`, after a rest.
pub(crate) fn errand(wish: Wish, rest: Duration) -> Errand {
    Errand {
        rest,
        patience: LONG,
        workflow_id: "order-1".to_owned(),
        nonce: "client-1.1".to_owned(),
        wish,
        means_known_run: false,
        locks_time: false,
    }
}

/// The wish behind [`start`].
pub(crate) fn wish(nonce: &str) -> StartWish {
    StartWish {
        script: Script { nonce: nonce.to_owned(), so_far: Digest::default(), steps: Vec::new(), ending: Ending::Complete },
        reuse: WorkflowIdReusePolicy::AllowDuplicate,
        conflict: WorkflowIdConflictPolicy::Fail,
        task_timeout: TASK_TIMEOUT,
    }
}

/// Code, text and details of a refusal, or the bytes of an answer.
pub(crate) fn shown(answer: &Answer) -> (i32, String, Vec<u8>) {
    match answer {
        Ok(message) => (0, String::new(), message.to_vec()),
        Err(status) => (status.code().into(), status.message().to_owned(), status.details().to_vec()),
    }
}

/// Waits for so many seconds.
pub(crate) async fn pass(seconds: u64) {
    time::sleep(Duration::from_secs(seconds)).await;
}
