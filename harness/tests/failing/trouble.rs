//! The workflow that does one thing that it should not, and the activity that does another.

use std::{
    cell::Cell,
    collections::HashMap,
    fs,
    net::ToSocketAddrs,
    os::unix::{fs::MetadataExt, process::CommandExt},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use foretime::{Faults, Sim};
use temporalio_client::{Client, WorkflowGetResultOptions, WorkflowSignalOptions, WorkflowStartOptions};
use temporalio_common::RetryPolicy;
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::{
    ActivityOptions, ChildWorkflowOptions, ContinueAsNewOptions, SignalWorkflowOptions, SyncWorkflowContext, WorkerOptions,
    WorkflowContext, WorkflowContextView, WorkflowRegistrationError, WorkflowResult,
    activities::{ActivityContext, ActivityError},
};

pub(crate) const QUEUE: &str = "trouble";

/// Does one thing that it should not.
#[workflow]
#[derive(Default)]
pub(crate) struct Trouble {
    asked: Cell<u64>,
}

#[workflow_methods]
impl Trouble {
    #[run]
    pub(crate) async fn run(ctx: &mut WorkflowContext<Self>, what: String) -> WorkflowResult<()> {
        match what.as_str() {
            "wait for ever" => ctx.wait_condition(|_| false).await?,
            "panic" => panic!("the workflow has had enough"),
            "walk a map" => {
                let rooms: HashMap<u32, ()> = (0..8).map(|room| (room, ())).collect();
                for room in rooms.keys() {
                    let options = ActivityOptions::start_to_close_timeout(Duration::from_secs(60));
                    ctx.execute_activity(Hands::act, format!("room {room}"), options).await?;
                }
            }
            "sleep" => std::thread::sleep(Duration::from_secs(20)),
            "wait for a while" => drop(ctx.timer(Duration::from_secs(60 + by_chance())).await),
            "act or wait by chance" => match by_chance() % 2 {
                0 => drop(ctx.timer(Duration::from_secs(60)).await),
                _ => {
                    let options = ActivityOptions::start_to_close_timeout(Duration::from_secs(60));
                    ctx.execute_activity(Hands::act, "charge with a key".to_owned(), options).await?;
                }
            },
            "wait as often as it was asked" => {
                ctx.timer(Duration::from_secs(10)).await;
                let asked = ctx.state(|it| it.asked.get());
                ctx.timer(Duration::from_secs(60 + asked)).await;
            }
            "act if it was asked" => {
                ctx.timer(Duration::from_secs(10)).await;
                if ctx.state(|it| it.asked.get()) > 0 {
                    let options = ActivityOptions::start_to_close_timeout(Duration::from_secs(60));
                    ctx.execute_activity(Hands::act, "charge".to_owned(), options).await?;
                }
                ctx.timer(Duration::from_secs(10)).await;
            }
            "ask a child by chance" => drop(ask_a_child(ctx, by_chance()).await?),
            "ask a child of chance" => drop(ask_a_child(ctx, 100).await?),
            "go on as new while acting" => {
                let options = ActivityOptions::start_to_close_timeout(Duration::from_secs(60));
                let _acting = ctx.execute_activity(Hands::act, "charge".to_owned(), options);
                ctx.continue_as_new("charge".to_owned(), ContinueAsNewOptions::default())?;
            }
            "signal nobody" => {
                let nobody = ctx.external_workflow("nobody", None);
                let told = nobody.signal(Number::hint, 7, SignalWorkflowOptions::default()).await;
                assert!(told.is_err(), "there is nobody");
                ctx.wait_condition(|_| false).await?;
            }
            "signal and end" => {
                let _telling = ctx.external_workflow("nobody", None).signal(Number::hint, 7, SignalWorkflowOptions::default());
            }
            "signal twice" => {
                let options = ChildWorkflowOptions::workflow_id("number".to_owned());
                let child = ctx.start_child_workflow(Patience::run, (), options).await?;
                let number = ctx.external_workflow("number", None);
                let first = number.signal(Patience::hint, 1, SignalWorkflowOptions::default());
                let second = number.signal(Patience::hint, 2, SignalWorkflowOptions::default());
                first.await?;
                second.await?;
                let hints = child.result().await?;
                assert_eq!(hints, [1, 2], "in order");
            }
            "signal a new child" => {
                let options = ChildWorkflowOptions::workflow_id("number".to_owned());
                let _starting = ctx.start_child_workflow(Number::run, 7_u64, options);
                ctx.external_workflow("number", None).signal(Number::hint, 7, SignalWorkflowOptions::default()).await?;
            }
            "act once" => {
                let retry_policy = RetryPolicy::builder().maximum_attempts(1).build();
                let options = ActivityOptions::with_start_to_close_timeout(Duration::from_secs(60)).retry_policy(retry_policy);
                ctx.execute_activity(Hands::act, "charge with a key".to_owned(), options.build()).await?;
            }
            "try until it is done" => {
                let retry_policy = RetryPolicy::builder().maximum_attempts(1).build();
                let options =
                    ActivityOptions::with_start_to_close_timeout(Duration::from_secs(60)).retry_policy(retry_policy).build();
                // One of the errors is that it was cancelled.
                while ctx.execute_activity(Hands::act, "fail".to_owned(), options.clone()).await.is_err() {
                    ctx.timer(Duration::from_secs(30)).await;
                }
            }
            "ask for a child with a long name" => {
                let options = ChildWorkflowOptions::workflow_id("number".repeat(1000));
                ctx.start_child_workflow(Number::run, 7_u64, options).await?;
            }
            "act itself" => drop(foretime::effect("mail", "ada").apply()),
            _ => {
                let options = ActivityOptions::start_to_close_timeout(Duration::from_secs(60));
                ctx.execute_activity(Hands::act, what, options).await?;
            }
        }
        Ok(())
    }

    /// A query that changes something.
    #[query]
    pub(crate) fn ask(&self, _ctx: &WorkflowContextView) -> u64 {
        self.asked.replace(self.asked.get() + 1)
    }
}

impl Trouble {
    /// An instance that was asked this many times before it began.
    pub(crate) fn asked(times: u64) -> Self {
        Self { asked: Cell::new(times) }
    }
}

async fn ask_a_child(ctx: &mut WorkflowContext<Trouble>, asked: u64) -> WorkflowResult<u64> {
    let options = ChildWorkflowOptions::workflow_id("number".to_owned());
    Ok(ctx.start_child_workflow(Number::run, asked, options).await?.result().await?)
}

/// The first of eight keys in a map, which differs between processes.
fn by_chance() -> u64 {
    let rooms: HashMap<u64, ()> = (0..8).map(|room| (room, ())).collect();
    rooms.into_keys().next().unwrap_or_default()
}

/// Returns the number that it was asked for. For 100 it returns a different one each time.
#[workflow]
#[derive(Default)]
struct Number;

#[workflow_methods]
impl Number {
    #[run]
    async fn run(_ctx: &mut WorkflowContext<Self>, asked: u64) -> WorkflowResult<u64> {
        Ok(if asked == 100 { by_chance() } else { asked })
    }

    #[signal]
    fn hint(&mut self, _ctx: &mut SyncWorkflowContext<Self>, _number: u64) {}
}

/// Waits for two hints and tells in which order they came.
#[workflow]
#[derive(Default)]
struct Patience {
    hints: Vec<u64>,
}

#[workflow_methods]
impl Patience {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<Vec<u64>> {
        ctx.wait_condition(|it| it.hints.len() == 2).await?;
        Ok(ctx.state(|it| it.hints.clone()))
    }

    #[signal]
    fn hint(&mut self, _ctx: &mut SyncWorkflowContext<Self>, hint: u64) {
        self.hints.push(hint);
    }
}

struct Hands {
    client: Client,
}

#[activities]
impl Hands {
    #[activity]
    async fn act(self: Arc<Self>, ctx: ActivityContext, what: String) -> Result<(), ActivityError> {
        match what.as_str() {
            "connect" => drop(tokio::net::TcpStream::connect("127.0.0.1:9").await),
            "look up" => drop("api.example.com:443".to_socket_addrs()),
            "fork" => fork(),
            "spin" => spin_without_end(),
            "fail" => return Err(anyhow::anyhow!("the disk is full").into()),
            "panic in an activity" => panic!("enough of it"),
            "go on" => go_on(&ctx).await?,
            "signal a stranger" => {
                let stranger = self.client.get_workflow_handle::<Number>("stranger");
                let told = stranger.signal(Number::hint, 7, WorkflowSignalOptions::default()).await;
                assert!(told.is_err(), "there is no stranger");
            }
            "signal from an activity" => {
                let own = self.client.get_workflow_handle::<Number>("trouble");
                own.signal(Number::hint, 7, WorkflowSignalOptions::default()).await.map_err(anyhow::Error::from)?;
            }
            "charge slowly" => {
                tokio::time::sleep(Duration::from_secs(1)).await;
                foretime::effect("charge", "card 7 (visa)").apply();
            }
            "charge with the day in the key" => {
                let now = prost_types::Timestamp::from(SystemTime::now()).to_string();
                foretime::effect("charge", "card 7").key(format!("charge/{}", &now[..10])).apply();
            }
            "charge with a key" => drop(foretime::effect("charge", "card 7").key("7").apply()),
            "charge in a task" => {
                let charging = tokio::spawn(async { foretime::effect("charge", "card 7").apply() });
                charging.await.map_err(anyhow::Error::from)?;
            }
            "charge on a thread" => {
                let charging = tokio::task::spawn_blocking(|| foretime::effect("charge", "card 7").apply());
                charging.await.map_err(anyhow::Error::from)?;
            }
            "look at memory" => look_at_memory(),
            "look at the process" => drop(foretime::effect("seen", std::process::id().to_string()).apply()),
            _ => drop(foretime::effect("charge", "card 7").apply()),
        }
        Ok(())
    }
}

/// Fails after three steps. The next attempt knows about them.
async fn go_on(ctx: &ActivityContext) -> Result<(), ActivityError> {
    if ctx.heartbeat_details().deserialize::<u32>()?.is_none() {
        ctx.record_heartbeat(3_u32).await?;
        return Err(anyhow::anyhow!("the disk is full").into());
    }
    Ok(())
}

/// Makes the trace depend on addresses.
fn look_at_memory() {
    #[repr(align(256))]
    struct Aligned([u8; 3]);
    let small: Vec<Box<u64>> = (0..4).map(Box::new).collect();
    let large = vec![0_u8; 3 << 20];
    assert!(large.iter().all(|byte| *byte == 0), "memory that is asked for as zeros is");
    let aligned = Box::new(Aligned([1, 2, 3]));
    assert_eq!((aligned.0[2], (&raw const *aligned) as usize % 256), (3, 0));
    let mut grown = vec![7_u16];
    grown.extend((0..9000).map(|n| n % 11));
    assert_eq!((grown[0], grown[9000]), (7, 8999 % 11));
    let beside = std::thread::spawn(|| format!("{:p}", Box::new(9_u8))).join().unwrap_or_default();
    let [stack, next] = [(); 2].map(|()| std::thread::spawn(stack_mib).join().unwrap_or_default());
    assert_eq!(stack, next, "a thread that has ended leaves its stack to the next");
    let seen = format!("{:p} {:p} {:p} {aligned:p} {:p} {beside}", small[0], small[3], large.as_ptr(), grown.as_ptr());
    foretime::effect("seen", format!("{seen}, stacks at {:#x} and {stack:#x} MiB", stack_mib())).apply();
}

/// The address of this thread's stack.
fn stack_mib() -> usize {
    let local = 0_u8;
    (&raw const local) as usize >> 20
}

/// The standard library forks to start a program as another user; otherwise it does not.
fn fork() {
    assert!(Command::new("true").status().expect("a program is started").success());
    let me = fs::metadata("/proc/self").map_or(0, |of_process| of_process.uid());
    let error = Command::new("true").uid(me).status().expect_err("a fork is refused");
    foretime::effect("not forked", error.to_string()).apply();
}

fn spin_without_end() {
    static NEVER: AtomicBool = AtomicBool::new(false);
    while !NEVER.load(Ordering::Relaxed) {
        std::hint::spin_loop();
    }
}

/// A worker without activities.
pub(crate) fn workflows_alone() -> Result<WorkerOptions, WorkflowRegistrationError> {
    workflows_alone_on(QUEUE)
}

/// The same, on this task queue.
pub(crate) fn workflows_alone_on(queue: &str) -> Result<WorkerOptions, WorkflowRegistrationError> {
    Ok(WorkerOptions::new(queue).register_workflow::<Trouble>()?.build())
}

pub(crate) fn worker(client: &Client) -> Result<WorkerOptions, WorkflowRegistrationError> {
    let (options, hands) = (WorkerOptions::new(QUEUE), Hands { client: client.clone() });
    Ok(options
        .register_workflow::<Trouble>()?
        .register_workflow::<Number>()?
        .register_workflow::<Patience>()?
        .register_activities(hands)
        .build())
}

/// Runs the workflow on two workers.
pub(crate) async fn trouble(sim: Sim, what: &str, faults: Faults) -> foretime::Result {
    let client = sim.client().clone();
    sim.workers(2, move |_| worker(&client));
    sim.faults(faults);
    run_on(&sim, QUEUE, what).await?;
    sim.ledger().exactly_once_by_key()?;
    Ok(())
}

/// The same. A charge with a key may be asked for at most this many times.
pub(crate) async fn trouble_at_most(sim: Sim, what: &str, faults: Faults, charges_max: usize) -> foretime::Result {
    let ledger = sim.ledger();
    trouble(sim, what, faults).await?;
    let asked = ledger.effects().len();
    if asked > charges_max { Err("it was asked for too often".into()) } else { Ok(()) }
}

/// Starts the workflow on this task queue and waits for its end.
pub(crate) async fn run_on(sim: &Sim, queue: &str, what: &str) -> foretime::Result {
    let options = WorkflowStartOptions::new(queue, "trouble").build();
    let run = sim.client().start_workflow(Trouble::run, what.to_owned(), options).await?;
    run.get_result(WorkflowGetResultOptions::default()).await?;
    Ok(())
}
