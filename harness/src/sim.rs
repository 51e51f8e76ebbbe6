//! What a test's body holds: the simulated cluster.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    time::{Duration, SystemTime},
};

use foretime_campaign::{faults::Faults, process::TEST};
use foretime_server::config::SearchAttributeType;
use proptest::strategy::Strategy;
use temporalio_client::{Client, ClientOptions, NamespacedClient};
use temporalio_common::protos::temporal::api::operatorservice::v1::AddSearchAttributesRequest;
use temporalio_sdk::WorkerOptions;
use tonic::IntoRequest;

use crate::{
    failure::Failure,
    inputs,
    ledger::Ledger,
    process,
    stage::{Stage, Troupe},
    struck_client::StruckClient,
    world::{World, lives::Factory},
};

/// A simulated cluster: a server, workers, and the test itself as one more process beside them. Cheap to clone.
#[derive(Clone)]
pub struct Sim {
    cluster: Cluster,
    client: Client,
    /// Whose client it is; empty for the test's own.
    name: String,
}

/// The user's test, called once in the life of an OS process.
pub(crate) type Body = Box<dyn FnOnce(Sim) -> Pin<Box<dyn Future<Output = Result<(), Failure>>>> + Send>;

/// What backs a [`Sim`].
#[derive(Clone)]
enum Cluster {
    /// A simulation.
    Simulated(Arc<World>),
    /// A server and workers in this process, where nothing is simulated.
    Staged(Arc<Stage>),
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim").field("seed", &self.seed()).finish_non_exhaustive()
    }
}

impl Sim {
    pub(crate) fn simulated(world: Arc<World>, client: Client) -> Self {
        Self { cluster: Cluster::Simulated(world), client, name: String::new() }
    }

    pub(crate) fn staged(stage: Arc<Stage>) -> Self {
        let client = stage.client();
        Self { cluster: Cluster::Staged(stage), client, name: String::new() }
    }

    /// Adds `count` workers, each a process of its own. `options` makes the options of worker number n (from 0). It is called
    /// on each start of the worker, so do there what your program's `main` does.
    pub fn workers<O: IntoWorkerOptions>(&self, count: usize, options: impl Fn(usize) -> O + Send + Sync + 'static) -> Workers {
        let fleet = match &self.cluster {
            Cluster::Simulated(world) => {
                Fleet::Simulated(world.clone(), world.enter(|state| state.add_fleet(count, factory(options))))
            }
            Cluster::Staged(stage) => Fleet::Staged(stage.add_workers(count, &factory(options))),
        };
        Workers { fleet }
    }

    /// Sets the faults from now on. There are none until this is called, and none where nothing is simulated.
    pub fn faults(&self, faults: Faults) {
        if let Cluster::Simulated(world) = &self.cluster {
            world.enter(|state| {
                state.has_faults(&faults);
            });
        }
    }

    /// No faults from now on.
    pub fn stop_faults(&self) {
        if let Cluster::Simulated(world) = &self.cluster {
            world.enter(|state| state.plan.stop());
        }
    }

    /// The official client, connected to the simulated server. No fault strikes it; for one that is struck see
    /// [`Self::struck_client`].
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Starts a process with an official client of its own, `client-1` (then `client-2`, and so on), that faults strike as they
    /// strike a worker: the API in front of the workflows, say. [`StruckClient::call`] runs code there.
    ///
    /// ```no_run
    /// # use temporalio_client::UntypedWorkflow;
    /// # async fn body(sim: foretime::Sim) -> foretime::Result {
    /// let api = sim.struck_client();
    /// let told = api.call(|client| async move {
    ///     let order = client.get_workflow_handle::<UntypedWorkflow>("order-7");
    ///     order.describe(Default::default()).await
    /// });
    /// match told.await {
    ///     Ok(answer) => println!("{:?}", answer?.status()),
    ///     Err(crashed) => println!("{crashed}: a caller would try again"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn struck_client(&self) -> StruckClient {
        match &self.cluster {
            Cluster::Simulated(world) => StruckClient::simulated(world.clone(), world.enter(|state| state.add_client())),
            Cluster::Staged(_) => StruckClient::staged(self.client.clone()),
        }
    }

    /// The same cluster as another client sees it, such as `shop`. [`Self::client`] then has this name as its identity, and what is
    /// drawn belongs to the name: leaving out what one client draws leaves the draws of the others alone.
    pub fn client_named(&self, name: impl Into<String>) -> Self {
        let (name, mut client) = (name.into(), self.client.clone());
        client.connection_mut().identity_mut().clone_from(&name);
        Self { cluster: self.cluster.clone(), client, name }
    }

    /// Whose client it is; empty for the test's own.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Draws an input of the test: an order, a plan, how often something happens. Any strategy of [`proptest`](crate::proptest) says
    /// which there are. Stories tell it, as `plan = Monthly`. A failing run is told with the simplest input, and with the fewest
    /// faults, that make it fail.
    ///
    /// An input belongs to its label, to the client that draws it ([`Self::client_named`]) and to its number there. So one draw more
    /// or fewer leaves the others alone. Where nothing is simulated it is the same each time.
    ///
    /// # Panics
    /// The strategy finds no value, for instance because a filter rejects all.
    #[track_caller]
    pub fn draw<S: Strategy>(&self, label: &str, strategy: S) -> S::Value {
        self.draws(label, &strategy, true)
    }

    /// Draws chance: how long something takes, whether it happens at all. It is drawn as [`Self::draw`] draws; stories tell of it only
    /// if there is little. In fakes and activities, [`random`](crate::random) does the same.
    ///
    /// # Panics
    /// The range is empty.
    #[track_caller]
    pub fn random<S: Strategy>(&self, label: &str, range: S) -> S::Value {
        self.draws(label, &range, false)
    }

    #[track_caller]
    fn draws<S: Strategy>(&self, label: &str, strategy: &S, is_given: bool) -> S::Value {
        match &self.cluster {
            Cluster::Simulated(world) => inputs::draw_in(world, label, &self.name, strategy, is_given),
            Cluster::Staged(_) => inputs::outside(label, strategy),
        }
    }

    /// Makes clients with these options from now on: [`Self::client`], and those of workers and struck clients that start later.
    /// So call it before [`Self::workers`] and [`Self::struck_client`]. For a data converter, interceptors, plugins or another namespace. The usual namespace is `default`:
    /// `ClientOptions::new("default")`.
    ///
    /// # Errors
    /// The SDK refuses to make a client.
    pub async fn use_client_options(&mut self, options: ClientOptions) -> Result<(), Failure> {
        self.client = match &self.cluster {
            Cluster::Simulated(world) => {
                world.enter(|state| state.client_options = options);
                process::connect(world, TEST).await.map_err(Failure::of_setup)?
            }
            Cluster::Staged(stage) => stage.use_client_options(options).await?,
        };
        Ok(())
    }

    /// Registers your own search attributes by name in the client's namespace, as an operator does before workflows use them.
    /// An attribute that exists stays as it is.
    ///
    /// # Errors
    /// The server refuses one: its name is reserved by Temporal, or its type has too many.
    pub async fn add_search_attributes<N: Into<String>>(
        &self,
        attributes: impl IntoIterator<Item = (N, SearchAttributeType)>,
    ) -> Result<(), Failure> {
        let search_attributes = attributes.into_iter().map(|(name, of)| (name.into(), of.to_proto() as i32)).collect();
        let request = AddSearchAttributesRequest { search_attributes, namespace: self.client.namespace() };
        let added = self.client.connection().operator_service().add_search_attributes(request.into_request()).await;
        added.map(drop).map_err(|refusal| Failure::of_setup(refusal.message()))
    }

    /// Sets a value of the server's dynamic configuration, in JSON, as `--dynamic-config-value` of `temporal server start-dev` does:
    /// `sim.dynamic_config("frontend.WorkflowPauseEnabled", "true")` lets workflows be paused, which is off on a server that nobody has
    /// configured. What the server does not know of has no effect. Nor has it any where nothing is simulated.
    pub fn dynamic_config(&self, key: impl Into<String>, value: impl Into<String>) {
        if let Cluster::Simulated(world) = &self.cluster {
            world.enter(|state| state.set_dynamic_config(key.into(), value.into()));
        }
    }

    /// What activities did to the outside world.
    pub fn ledger(&self) -> Ledger {
        match &self.cluster {
            Cluster::Simulated(world) => Ledger::of_world(world.clone()),
            Cluster::Staged(_) => Ledger::of_process(),
        }
    }

    /// The seed of this run.
    pub fn seed(&self) -> u64 {
        match &self.cluster {
            Cluster::Simulated(world) => world.enter(|state| state.choices.seed()),
            Cluster::Staged(_) => 0,
        }
    }

    /// The virtual time now. In a simulation, `SystemTime::now()` returns the same everywhere.
    pub fn now(&self) -> SystemTime {
        match &self.cluster {
            Cluster::Simulated(world) => world.enter(|state| state.system_time()),
            Cluster::Staged(stage) => stage.now(),
        }
    }

    /// Waits for a span of virtual time. In a simulation `tokio::time::sleep` does the same. Where nothing is simulated, only
    /// this call skips time.
    pub async fn sleep(&self, span: Duration) {
        match &self.cluster {
            Cluster::Simulated(_) => tokio::time::sleep(span).await,
            Cluster::Staged(stage) => stage.sleep(span).await,
        }
    }

    /// From now on, a panic in a worker does not fail the run. The SDK turns a panic in an activity into a failed attempt.
    pub fn allow_panics(&self) {
        if let Cluster::Simulated(world) = &self.cluster {
            world.enter(|state| state.panics_are_findings = false);
        }
    }
}

/// The workers that one call of [`Sim::workers`] added.
#[derive(Clone, Debug)]
pub struct Workers {
    fleet: Fleet,
}

#[derive(Clone, Debug)]
enum Fleet {
    Simulated(Arc<World>, usize),
    Staged(Troupe),
}

impl Workers {
    /// Deploys another version of the code, worker by worker: each shuts down in good order and starts again with these
    /// options. Meanwhile both versions are at work. Every history must replay on the last version that was deployed while its
    /// run was open.
    pub fn deploy<O: IntoWorkerOptions>(&self, options: impl Fn(usize) -> O + Send + Sync + 'static) {
        match &self.fleet {
            Fleet::Simulated(world, fleet) => world.enter(|state| state.deploy(*fleet, factory(options))),
            Fleet::Staged(troupe) => troupe.replace(&factory(options)),
        }
    }
}

fn factory<O: IntoWorkerOptions>(options: impl Fn(usize) -> O + Send + Sync + 'static) -> Factory {
    Arc::new(move |number| options(number).into_worker_options())
}

/// What makes a worker: its options, or a result with options.
#[diagnostic::on_unimplemented(
    message = "`{Self}` makes no worker",
    label = "neither `WorkerOptions` nor a result with them",
    note = "the closure that `workers` and `deploy` take returns `WorkerOptions`, or a `Result` with them"
)]
pub trait IntoWorkerOptions {
    /// The options.
    ///
    /// # Errors
    /// Why there are none.
    fn into_worker_options(self) -> Result<WorkerOptions, String>;
}

impl IntoWorkerOptions for WorkerOptions {
    fn into_worker_options(self) -> Result<WorkerOptions, String> {
        Ok(self)
    }
}

impl<E: fmt::Display> IntoWorkerOptions for Result<WorkerOptions, E> {
    fn into_worker_options(self) -> Result<WorkerOptions, String> {
        self.map_err(|error| error.to_string())
    }
}
