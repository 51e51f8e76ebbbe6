//! [`Environment`]: what a test holds.

use std::{
    fmt,
    path::PathBuf,
    pin::pin,
    sync::Arc,
    time::{Duration, SystemTime},
};

use foretime_history::fixtures::Keeper;
use foretime_server::{
    config::{Config, Personality, Replay, SearchAttributeType, TimeMode},
    proto::{
        foretimeservice::{
            ExplainTimeRequest, ExplainTimeResponse, SettleRequest, SettleResponse, SkipTimeRequest, SkipTimeResponse,
            SleepUntilRequest, SleepUntilResponse,
        },
        testservice::{
            GetCurrentTimeResponse, LockTimeSkippingRequest, LockTimeSkippingResponse, SleepRequest, SleepResponse,
            UnlockTimeSkippingRequest, UnlockTimeSkippingResponse,
        },
    },
    rpc::{
        Service,
        table::{FORETIME_SERVICE, TEST_SERVICE},
    },
    shell::host::Host,
};
use futures_util::FutureExt;
use temporalio_client::{
    Client, ClientOptions,
    errors::{ClientConnectError, ClientNewError},
};
use tokio::sync::watch;
use tonic::Status;

use crate::{
    connection,
    runner::options,
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
        EnvironmentBuilder {
            namespace: "default".to_owned(),
            search_attributes: Vec::new(),
            seed: 0,
            time_skipping: true,
            starts_at: None,
            replay: Replay::default(),
            visibility_lag: Duration::ZERO,
            save_histories: options::save_histories(),
        }
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
        let response = self.server.call_at_once::<GetCurrentTimeResponse>(TEST_SERVICE, "GetCurrentTime", &());
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
        let request = SleepRequest { duration: Some(wire_span(span)?) };
        let slept = self.server.call::<SleepResponse>(TEST_SERVICE, "UnlockTimeSkippingWithSleep", &request).await;
        slept.map(drop).map_err(Error::Refused)
    }

    /// Skips `span` of virtual time, as [`Self::sleep`] does; but what workers have in hand on the way, they finish first. When it
    /// returns, they may not have begun with what falls due at the very end: [`Self::settle`] waits for that.
    ///
    /// # Errors
    /// [`Error::Refused`] for a span that ends after virtual time does, in 2262.
    pub async fn skip(&self, span: Duration) -> Result<(), Error> {
        let request = SkipTimeRequest { duration: Some(wire_span(span)?) };
        let skipped = self.server.call::<SkipTimeResponse>(FORETIME_SERVICE, "SkipTime", &request).await;
        skipped.map(drop).map_err(Error::Refused)
    }

    /// Waits until workers have done all that there is to do at this instant. Virtual time is not skipped for it. So a test asserts
    /// what has happened, without asking again and again.
    ///
    /// # Errors
    /// [`Error::InFlight`] with what is still under way after ten seconds of real time.
    pub async fn settle(&self) -> Result<(), Error> {
        let settled = self.server.call::<SettleResponse>(FORETIME_SERVICE, "Settle", &SettleRequest::default()).await;
        let settled = settled.map_err(Error::Refused)?;
        if settled.settled { Ok(()) } else { Err(Error::InFlight(settled.in_flight)) }
    }

    /// Makes a client's call at a virtual instant, `span` from now: everything due before that has happened, and time stands until
    /// the call has returned. The call must not wait for time to pass. Calls that are joined count from the same instant.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # async fn example(environment: foretime::Environment) -> Result<(), foretime::Error> {
    /// const HOUR: Duration = Duration::from_secs(60 * 60);
    /// let start = environment.now();
    /// let (first, second) = tokio::try_join!(
    ///     environment.at(HOUR * 2, async { environment.now() }),
    ///     environment.at(HOUR, async { environment.now() }),
    /// )?;
    /// assert!(second < first);
    /// assert_eq!(second.duration_since(start).unwrap().as_secs() / 3600, 1);
    /// # Ok(())
    /// # }
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// #     example(foretime::Environment::start().await.unwrap()).await
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`Error::Refused`] for a span that ends after virtual time does, in 2262.
    pub async fn at<T>(&self, span: Duration, call: impl Future<Output = T>) -> Result<T, Error> {
        let request = SleepUntilRequest { duration: Some(wire_span(span)?), lock: true, time: None };
        // The server drives time on a thread of its own. It must not move until those that are joined with this one have come, too.
        let held = Unlocks::lock(&self.server)?;
        tokio::task::yield_now().await;
        let mut sleep = pin!(self.server.call::<SleepUntilResponse>(FORETIME_SERVICE, "SleepUntil", &request));
        let reached = sleep.as_mut().now_or_never();
        drop(held);
        let reached = match reached {
            Some(reached) => reached,
            None => sleep.await,
        };
        reached.map_err(Error::Refused)?;
        let _unlocks = Unlocks(&self.server);
        Ok(call.await)
    }

    /// Why virtual time stands still, or that it does not; the most important reason first.
    ///
    /// # Errors
    /// [`Error::Refused`] if the server panicked, which is a bug in it.
    pub fn why_time_stands(&self) -> Result<Vec<String>, Error> {
        let explained: Result<ExplainTimeResponse, _> =
            self.server.call_at_once(FORETIME_SERVICE, "ExplainTime", &ExplainTimeRequest {});
        explained.map(|explained| explained.reasons).map_err(Error::Refused)
    }
}

impl Drop for Environment {
    /// Open runs are kept as far as they have come, if histories are.
    fn drop(&mut self) {
        self.server.host.look_around();
    }
}

/// Takes the lock away that a call at an instant holds, also if the call is given up.
struct Unlocks<'a>(&'a Server);

impl<'a> Unlocks<'a> {
    fn lock(server: &'a Server) -> Result<Self, Error> {
        let request = LockTimeSkippingRequest {};
        let locked: Result<LockTimeSkippingResponse, _> = server.call_at_once(TEST_SERVICE, "LockTimeSkipping", &request);
        locked.map(|_| Self(server)).map_err(Error::Refused)
    }
}

impl Drop for Unlocks<'_> {
    fn drop(&mut self) {
        let request = UnlockTimeSkippingRequest {};
        let unlocked: Result<UnlockTimeSkippingResponse, _> = self.0.call_at_once(TEST_SERVICE, "UnlockTimeSkipping", &request);
        debug_assert!(unlocked.is_ok(), "{unlocked:?}");
    }
}

fn wire_span(span: Duration) -> Result<prost_types::Duration, Error> {
    span.try_into().map_err(|_| Error::Refused(Status::invalid_argument("the span is too long")))
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
    starts_at: Option<SystemTime>,
    replay: Replay,
    visibility_lag: Duration,
    save_histories: Option<PathBuf>,
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

    /// The virtual instant at which the environment starts; now unless set. From then on, time moves as always.
    pub fn starts_at(mut self, starts_at: SystemTime) -> Self {
        self.starts_at = Some(starts_at);
        self
    }

    /// What workers replay besides what they replay by themselves; nothing unless set. So a test finds code that is not deterministic.
    pub fn replay(mut self, replay: Replay) -> Self {
        self.replay = replay;
        self
    }

    /// Executions are listed as late as this, in virtual time, as on a cluster whose listings lag behind. Else at once.
    pub fn visibility_lag(mut self, lag: Duration) -> Self {
        self.visibility_lag = lag;
        self
    }

    /// Keeps histories in this folder, for `foretime check`: one file for each path that a workflow takes and each version of the SDK, under
    /// the name of the test that starts the environment. The environment variable `FORETIME_SAVE_HISTORIES` does the same for all.
    /// A file that cannot be written is a warning in the log.
    pub fn save_histories(mut self, folder: impl Into<PathBuf>) -> Self {
        self.save_histories = Some(folder.into());
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
            time: if self.time_skipping { TimeMode::Awaited } else { TimeMode::Paced },
            start_time: self.starts_at.map(Into::into),
            replay: self.replay,
            visibility_lag: self.visibility_lag,
            remembers_closes: self.save_histories.is_some(),
            ..Config::default()
        };
        let service = Service::boxed(&config).map_err(Error::Refused)?;
        let host = match self.save_histories {
            Some(folder) => Host::watched(service, Box::new(Keeper::new(folder, test_name()))),
            None => Host::new(service),
        };
        let (alive, environment) = watch::channel(());
        let server = Arc::new(Server { host, environment });
        let client = connect(&server, ClientOptions::new(self.namespace).build()).await?;
        Ok(Environment { client, server, _alive: alive })
    }
}

/// The test that runs on this thread: `cargo test` names threads so.
fn test_name() -> Option<String> {
    std::thread::current().name().filter(|name| !["main", "tokio-rt-worker"].contains(name)).map(str::to_owned)
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
    /// This was still under way when [`Environment::settle`] gave up.
    InFlight(Vec<String>),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(_) => f.write_str("the client could not connect to the server in this process"),
            Self::Client(_) => f.write_str("the SDK refused to make a client"),
            Self::Refused(status) => write!(f, "the server refused: {}", status.message()),
            Self::InFlight(what) => write!(f, "still under way: {}", what.join("; ")),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Connect(error) => Some(error),
            Self::Client(error) => Some(error),
            Self::Refused(_) | Self::InFlight(_) => None,
        }
    }
}
