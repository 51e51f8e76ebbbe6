//! [`Environment`]: what a test holds.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use foretime_server::{
    config::{Config, Personality, SearchAttributeType},
    proto::testservice::{GetCurrentTimeResponse, SleepRequest},
    rpc::Service,
    shell::host::Host,
};
use temporalio_client::{
    Client, ClientOptions,
    errors::{ClientConnectError, ClientNewError},
};
use tokio::sync::watch;
use tonic::Status;

use crate::{
    connection,
    skipping::{Skipping, TestService},
    transport::{self, Server},
};

/// A Temporal server within this process, with a client connected to it. Time skips.
///
/// Virtual time starts at the wall clock's time. It moves at the wall's pace while workers have something to do and while the
/// test does something else. It jumps to the next timer, retry or timeout whenever waiting is all that is left to do and the
/// test waits too: for the result of a workflow, the outcome of an update, or in [`Environment::sleep`]. So the test decides
/// when time passes, and a signal sent "in mid-month" arrives in mid-month.
///
/// Every environment is a server of its own, so concurrent tests do not share time. Dropping it ends the server, and calls of
/// its client fail from then on. So stop workers first: the SDK's would keep trying for another minute.
///
/// Unless a worker's build is named (`WorkerOptions::deployment_options`), the SDK reads the whole executable to name it, once
/// in a process. That takes a tenth of a second for a debug build.
///
/// ```
/// use std::time::Duration;
/// use temporalio_client::{WorkflowGetResultOptions, WorkflowStartOptions};
/// use temporalio_macros::{workflow, workflow_methods};
/// use temporalio_sdk::{Runtime, Worker, WorkerOptions, WorkflowContext, WorkflowResult};
///
/// #[workflow]
/// #[derive(Default)]
/// struct Nap;
///
/// #[workflow_methods]
/// impl Nap {
///     #[run]
///     async fn run(ctx: &mut WorkflowContext<Self>, days: u64) -> WorkflowResult<String> {
///         ctx.timer(Duration::from_secs(days * 24 * 60 * 60)).await;
///         Ok(format!("slept for {days} days"))
///     }
/// }
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let environment = foretime::Environment::start().await?;
/// let client = environment.client();
///
/// let runtime = Runtime::from_current_tokio(Default::default())?;
/// let options = WorkerOptions::new("naps").register_workflow::<Nap>()?.build();
/// let mut worker = Worker::new(&runtime, client.clone(), options)?;
/// let stop_worker = worker.shutdown_handle();
///
/// let start = environment.now();
/// let test = async {
///     let nap = client.start_workflow(Nap::run, 30, WorkflowStartOptions::new("naps", "nap-1").build()).await?;
///     let result = nap.get_result(WorkflowGetResultOptions::default()).await;
///     stop_worker();
///     Ok(result?)
/// };
/// let (worked, result): (_, Result<String, Box<dyn std::error::Error>>) = tokio::join!(worker.run(), test);
/// worked?;
///
/// assert_eq!(result?, "slept for 30 days");
/// assert_eq!(environment.now().duration_since(start)?.as_secs() / (24 * 60 * 60), 30);
/// # Ok(())
/// # }
/// # tokio::runtime::Runtime::new().unwrap().block_on(example()).unwrap();
/// ```
pub struct Environment {
    client: Client,
    server: Arc<Server>,
    /// Dropped with the environment. This tells calls under way that the server is gone.
    _alive: watch::Sender<()>,
}

impl Environment {
    /// Starts a server with the namespace `default`.
    ///
    /// # Errors
    /// [`Error::Connect`] if the client cannot connect to it.
    ///
    /// # Panics
    /// Outside of a tokio runtime with its timer enabled.
    pub async fn start() -> Result<Self, Error> {
        Self::builder().start().await
    }

    /// Starts a server with other settings: see [`EnvironmentBuilder`].
    pub fn builder() -> EnvironmentBuilder {
        EnvironmentBuilder { namespace: "default".to_owned(), search_attributes: Vec::new(), seed: 0, time_skipping: true }
    }

    /// The client: clone it, start workflows with it, build workers on it.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// A client on a connection of its own. The SDK wants one for each worker of a task queue.
    pub(crate) async fn another_client(&self, options: ClientOptions) -> Result<Client, Error> {
        connect(&self.server, options).await
    }

    /// The virtual time now, as workflows see it.
    ///
    /// # Panics
    /// If the server does not tell the time, which is a bug in it.
    #[expect(clippy::expect_used, reason = "a server in this process that cannot tell the time is beyond a test's help")]
    pub fn now(&self) -> SystemTime {
        let response = self.server.test_service.call_at_once::<GetCurrentTimeResponse>("GetCurrentTime", &());
        let time = response.expect("the server tells the time").time.expect("the time");
        SystemTime::try_from(time).expect("a time that the system's clock can express")
    }

    /// Waits until `span` of virtual time has passed, and skips it; everything that falls due on the way happens. When it
    /// returns, time has reached that very instant and goes on at the wall's pace. If something else in the test is waiting for
    /// a result, time skips on instead.
    ///
    /// # Errors
    /// [`Error::Refused`] for a span beyond what the wire can carry, about 10,000 years.
    pub async fn sleep(&self, span: Duration) -> Result<(), Error> {
        let duration = Some(span.try_into().map_err(|_| Error::Refused(Status::invalid_argument("the span is too long")))?);
        self.server.skipping.sleep(SleepRequest { duration }).await.map_err(Error::Refused)
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").finish_non_exhaustive()
    }
}

/// The settings of an [`Environment`].
///
/// ```
/// # async fn example() -> Result<(), foretime::Error> {
/// use foretime::{Environment, SearchAttributeType};
///
/// let environment = Environment::builder()
///     .namespace("shop")
///     .search_attribute("CustomerId", SearchAttributeType::Keyword)
///     .seed(7)
///     .start()
///     .await?;
/// # Ok(())
/// # }
/// # tokio::runtime::Runtime::new().unwrap().block_on(example()).unwrap();
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `start`"]
pub struct EnvironmentBuilder {
    namespace: String,
    search_attributes: Vec<(String, SearchAttributeType)>,
    seed: u64,
    time_skipping: bool,
}

impl EnvironmentBuilder {
    /// The namespace of the client; `default` unless set. Other namespaces are registered when a client first names them.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// Registers a custom search attribute. Call it once for each.
    pub fn search_attribute(mut self, name: impl Into<String>, kind: SearchAttributeType) -> Self {
        self.search_attributes.push((name.into(), kind));
        self
    }

    /// The seed of run ids and task tokens; 0 unless set. The same seed and the same calls give the same ids.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Whether time may skip; true unless set. If not, it always moves at the wall's pace, and [`Environment::sleep`] takes the
    /// whole span.
    pub fn time_skipping(mut self, time_skipping: bool) -> Self {
        self.time_skipping = time_skipping;
        self
    }

    /// Starts the server and connects a client to it.
    ///
    /// # Errors
    /// [`Error::Refused`] if the server cannot start with these settings; [`Error::Connect`] if the client cannot connect;
    /// [`Error::Client`] if the SDK refuses to make a client.
    ///
    /// # Panics
    /// Outside of a tokio runtime with its timer enabled.
    pub async fn start(self) -> Result<Environment, Error> {
        let config = Config {
            personality: Personality::TestServer,
            namespaces: vec![self.namespace.clone()],
            search_attributes: self.search_attributes,
            seed: self.seed,
            time_skipping: false,
            awaits_lift_locks: self.time_skipping,
            ..Config::default()
        };
        let test_service = TestService::new(Host::new(Service::boxed(&config).map_err(Error::Refused)?));
        let skipping = Skipping::new(test_service.clone(), self.time_skipping);
        let (alive, environment) = watch::channel(());
        let server = Arc::new(Server { test_service, skipping, environment });
        let client = connect(&server, ClientOptions::new(self.namespace).build()).await?;
        Ok(Environment { client, server, _alive: alive })
    }
}

async fn connect(server: &Arc<Server>, client_options: ClientOptions) -> Result<Client, Error> {
    let service = transport::service(Arc::downgrade(server));
    let connection = connection::connect("foretime", service).await.map_err(Error::Connect)?;
    Client::new(connection, client_options).map_err(Error::Client)
}

/// Why an [`Environment`] could not do something.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The SDK's client could not connect to the server.
    Connect(ClientConnectError),
    /// The SDK refused to make a client of the connection.
    Client(ClientNewError),
    /// The server refused.
    Refused(Status),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(_) => f.write_str("the client could not connect to the server in this process"),
            Self::Client(_) => f.write_str("the SDK refused to make a client"),
            Self::Refused(status) => write!(f, "the server refused: {}", status.message()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Connect(error) => Some(error),
            Self::Client(error) => Some(error),
            Self::Refused(_) => None,
        }
    }
}
