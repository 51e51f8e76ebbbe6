//! The simulated operating system, seen from workflows and activities: what a program may do in a simulation, and that it
//! repeats. Every tenth seed of each test runs twice, and both runs must be equal in every step.

use std::{
    collections::HashMap,
    fs,
    sync::mpsc,
    thread,
    time::{Duration, Instant, SystemTime},
};

use foretime::{Fault, Faults, SearchAttributeType, Sim, When};
use temporalio_client::{
    WorkflowFetchHistoryOptions, WorkflowGetResultOptions, WorkflowIdConflictPolicy, WorkflowQueryOptions,
    WorkflowStartOptions, WorkflowUpdateWithStartOptions,
};
use temporalio_common::{
    RetryPolicy,
    protos::temporal::api::{enums::v1::EventType, history::v1::history_event::Attributes},
    search_attributes::{SearchAttributeKey, SearchAttributes},
};
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::{
    ActivityOptions, ChildWorkflowOptions, WorkerOptions, WorkflowContext, WorkflowContextView, WorkflowResult,
    activities::{ActivityContext, ActivityError},
    workflow_interceptors::{
        ExecuteWorkflowInput, ExecuteWorkflowResult, WorkflowInterceptor, WorkflowInterceptorConstructor,
        WorkflowInterceptorContext, WorkflowInterceptorFuture, WorkflowNext, WorkflowOutputValue,
    },
};

const QUEUE: &str = "odd-jobs";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Runs one activity by its name, and returns its result.
#[workflow]
#[derive(Default)]
struct Job;

#[workflow_methods]
impl Job {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>, what: String) -> WorkflowResult<String> {
        let policy = RetryPolicy::builder().initial_interval(Duration::from_secs(1)).maximum_attempts(20).build();
        let options = ActivityOptions::with_start_to_close_timeout(2 * DAY).retry_policy(policy).build();
        Ok(ctx.execute_activity(Jobs::work, what, options).await?)
    }

    #[query]
    fn is_there(&self, _ctx: &WorkflowContextView) -> bool {
        true
    }
}

/// Sleeps when it is told to, and ends after that.
#[workflow]
#[derive(Default)]
struct Sleeper {
    has_slept: bool,
}

#[workflow_methods]
impl Sleeper {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<()> {
        ctx.wait_condition(|it| it.has_slept).await?;
        while !ctx.all_handlers_finished() {
            ctx.timer(Duration::from_secs(1)).await;
        }
        Ok(())
    }

    #[update]
    async fn sleep(ctx: &mut WorkflowContext<Self>, span: Duration) -> Duration {
        ctx.timer(span).await;
        ctx.state_mut(|it| it.has_slept = true);
        span
    }
}

/// Starts two children on a queue that nobody polls. Each has an hour.
#[workflow]
#[derive(Default)]
struct Hopeless;

#[workflow_methods]
impl Hopeless {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<()> {
        let options = |id: &str| {
            let mut options = ChildWorkflowOptions::workflow_id(id.to_owned());
            options.task_queue = Some("nobody's".to_owned());
            options.run_timeout = Some(Duration::from_secs(60 * 60));
            options
        };
        let elder = ctx.start_child_workflow(Job::run, "work".to_owned(), options("elder"));
        let younger = ctx.start_child_workflow(Job::run, "work".to_owned(), options("younger"));
        let (elder, younger) = (elder.await?, younger.await?);
        drop((elder.result().await, younger.result().await));
        Ok(())
    }
}

/// Does ten jobs, with at most four attempts each. Returns how many were not done.
#[workflow]
#[derive(Default)]
struct FourAttempts;

#[workflow_methods]
impl FourAttempts {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<usize> {
        let policy = RetryPolicy::builder().initial_interval(Duration::from_secs(1)).maximum_attempts(4).build();
        let options = ActivityOptions::with_start_to_close_timeout(DAY).retry_policy(policy).build();
        let mut failed = 0;
        for job in 0..10 {
            failed += usize::from(ctx.execute_activity(Jobs::work, format!("job {job}"), options.clone()).await.is_err());
        }
        Ok(failed)
    }
}

struct Jobs;

#[activities]
impl Jobs {
    #[activity]
    async fn work(_ctx: ActivityContext, what: String) -> Result<String, ActivityError> {
        let said = match what.as_str() {
            "sleep on the thread" => sleep_on_the_thread(),
            "sleep" => {
                tokio::time::sleep(DAY).await;
                "a day".to_owned()
            }
            "block beside" => block_beside().await,
            "threads" => threads(),
            "chance" => chance().await,
            "runtime" => runtime(),
            "network" => {
                tokio::net::TcpStream::connect("127.0.0.1:9").await.err().map(|error| error.to_string()).unwrap_or_default()
            }
            other => other.to_owned(),
        };
        // The ledger is part of the trace, so a difference between two runs of a seed shows.
        foretime::effect("said", said.clone()).apply();
        Ok(said)
    }
}

fn sleep_on_the_thread() -> String {
    let (start, wall) = (Instant::now(), SystemTime::now());
    thread::sleep(DAY);
    assert_eq!(start.elapsed(), DAY);
    assert_eq!(wall.elapsed().expect("time goes on"), DAY);
    "a day".to_owned()
}

async fn block_beside() -> String {
    let beside = (0..4).map(|n| {
        tokio::task::spawn_blocking(move || {
            thread::sleep(Duration::from_millis(10 * (4 - n)));
            format!("{n} after {:?}", Instant::now().elapsed())
        })
    });
    let all: Vec<_> = beside.collect();
    let mut said = Vec::new();
    for one in all {
        said.push(one.await.expect("it does not panic"));
    }
    said.join(", ")
}

fn threads() -> String {
    let (sender, receiver) = mpsc::channel();
    let all: Vec<_> = (0..4)
        .map(|n| {
            let sender = sender.clone();
            thread::spawn(move || {
                for round in 0..3 {
                    thread::yield_now();
                    sender.send(format!("{n}.{round}")).expect("someone listens");
                }
            })
        })
        .collect();
    drop(sender);
    let said: Vec<String> = receiver.iter().collect();
    all.into_iter().for_each(|one| one.join().expect("it does not panic"));
    said.join(" ")
}

async fn chance() -> String {
    let map: HashMap<u32, u32> = (0..20).map(|n| (n, n)).collect();
    let order: Vec<String> = map.keys().map(ToString::to_string).collect();
    let first = tokio::select! {
        () = async {} => "left",
        () = async {} => "right",
    };
    format!("{first} {}", order.join(" "))
}

fn runtime() -> String {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_all().build().expect("a runtime");
    // On a thread of its own, because a runtime cannot block within another.
    let all = thread::spawn(move || {
        runtime.block_on(async {
            let tasks: Vec<_> = (0..5_u64)
                .map(|n| {
                    tokio::spawn(async move {
                        tokio::time::sleep(Duration::from_secs(5 - n)).await;
                        n
                    })
                })
                .collect();
            let mut said = Vec::new();
            for task in tasks {
                said.push(task.await.expect("it does not panic").to_string());
            }
            said.join(" ")
        })
    });
    all.join().expect("it does not panic")
}

async fn say(sim: &Sim, id: &str, what: &str) -> foretime::Result<String> {
    let options = WorkflowStartOptions::new(QUEUE, id).build();
    let job = sim.client().start_workflow(Job::run, what.to_owned(), options).await?;
    Ok(job.get_result(WorkflowGetResultOptions::default()).await?)
}

fn workers(sim: &Sim, count: usize) {
    sim.workers(count, |_| {
        Ok::<_, temporalio_sdk::WorkflowRegistrationError>(
            WorkerOptions::new(QUEUE)
                .register_workflow::<Job>()?
                .register_workflow::<Hopeless>()?
                .register_workflow::<Sleeper>()?
                .register_workflow::<FourAttempts>()?
                .register_activities(Jobs)
                .build(),
        )
    });
}

#[foretime::test(runs = 10)]
async fn time_is_virtual(sim: Sim) -> foretime::Result {
    workers(&sim, 1);
    let (start, wall) = (Instant::now(), SystemTime::now());
    tokio::time::sleep(30 * DAY).await;
    // tokio's timers have a resolution of a millisecond.
    let (slept, slept_wall) = (start.elapsed(), sim.now().duration_since(wall)?);
    assert_eq!(slept, slept_wall);
    assert!(slept >= 30 * DAY && slept < 30 * DAY + Duration::from_millis(10), "{slept:?}");
    assert_eq!(say(&sim, "sleeper", "sleep on the thread").await?, "a day");
    Ok(())
}

#[foretime::test(runs = 20)]
async fn blocking_tasks_run_in_turn(sim: Sim) -> foretime::Result {
    workers(&sim, 2);
    say(&sim, "blocker", "block beside").await?;
    Ok(())
}

#[foretime::test(runs = 20)]
async fn threads_and_channels_run_in_turn(sim: Sim) -> foretime::Result {
    workers(&sim, 2);
    assert_eq!(say(&sim, "threads", "threads").await?.split(' ').count(), 12);
    Ok(())
}

#[foretime::test(runs = 20)]
async fn chance_comes_from_the_seed(sim: Sim) -> foretime::Result {
    workers(&sim, 2);
    let said = say(&sim, "chance", "chance").await?;
    foretime::sometimes!(said.starts_with("left"), "select! goes left");
    foretime::sometimes!(said.starts_with("right"), "select! goes right");
    Ok(())
}

#[foretime::test(runs = 20)]
async fn a_runtime_with_several_threads_runs_in_turn(sim: Sim) -> foretime::Result {
    workers(&sim, 1);
    assert_eq!(say(&sim, "runtime", "runtime").await?, "0 1 2 3 4");
    Ok(())
}

#[foretime::test(runs = 20)]
async fn a_trigger_strikes_when_its_event_is_written(sim: Sim) -> foretime::Result {
    workers(&sim, 1);
    sim.faults(Faults::none().crash(When::event("ActivityTaskScheduled", 1).of_workflow("second"), 1));
    say(&sim, "first", "one").await?;
    let before = sim.now();
    say(&sim, "second", "two").await?;
    // The worker was down for a while.
    assert!(sim.now().duration_since(before)? >= Duration::from_millis(50));
    Ok(())
}

#[foretime::test(runs = 40)]
async fn a_worker_that_is_cut_off_is_given_tasks_for_a_minute_at_most(sim: Sim) -> foretime::Result {
    workers(&sim, 1);
    sim.faults(Faults::none().with(Fault::Cut, 0.1).each_at_most(1));
    // It sends nothing while it polls, so it is cut off within the first second or not at all.
    tokio::time::sleep(Duration::from_secs(70)).await;
    sim.stop_faults();
    assert_eq!(say(&sim, "late", "work").await?, "work");
    let handle = sim.client().get_workflow_handle::<Job>("late");
    let events = handle.fetch_history(WorkflowFetchHistoryOptions::default()).into_events().await?;
    assert!(!events.iter().any(|event| event.event_type() == EventType::WorkflowTaskTimedOut), "a task was lost");
    Ok(())
}

#[foretime::test(runs = 40)]
async fn a_query_is_answered_though_the_worker_that_has_the_run_in_its_cache_crashes(sim: Sim) -> foretime::Result {
    workers(&sim, 2);
    let options = WorkflowStartOptions::new(QUEUE, "asked").build();
    let job = sim.client().start_workflow(Job::run, "sleep".to_owned(), options).await?;
    sim.sleep(Duration::from_secs(60)).await;
    // From now on, the workers only answer.
    sim.faults(Faults::none().with(Fault::Crash, 0.3).each_at_most(1));
    let asked = sim.now();
    assert!(job.query(Job::is_there, (), WorkflowQueryOptions::default()).await?);
    foretime::sometimes!(sim.now().duration_since(asked)? >= Duration::from_secs(10), "another worker is asked");
    Ok(())
}

#[foretime::test(runs = 30)]
async fn jobs_survive_whatever_happens(sim: Sim) -> foretime::Result {
    workers(&sim, 2);
    sim.faults(Faults::swarm().with(Fault::Crash, 0.05));
    for n in 0..3 {
        assert_eq!(say(&sim, &format!("job-{n}"), "work").await?, "work");
    }
    foretime::sometimes!(sim.ledger().effects().iter().any(|effect| effect.attempt > 1), "an attempt was repeated");
    Ok(())
}

/// How many descriptors this process has open.
fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

#[foretime::test(runs = 10)]
async fn workers_that_crash_leave_no_descriptors_open(sim: Sim) -> foretime::Result {
    workers(&sim, 2);
    sim.faults(Faults::none().with(Fault::Crash, 0.1).each_at_most(100));
    say(&sim, "first", "runtime").await?;
    let first = descriptors();
    for n in 0..30 {
        say(&sim, &format!("job-{n}"), "runtime").await?;
    }
    // Both workers may have an activity with a runtime of its own under way.
    let more = descriptors().saturating_sub(first);
    assert!(more < 20, "{more} more than there were after the first job");
    Ok(())
}

/// The test acts on the outside world itself.
#[foretime::test(runs = 1)]
async fn the_ledger_tells_what_was_done_and_what_has_no_match(sim: Sim) -> foretime::Result {
    let act = |kind: &str, seat: &str, key: &str| foretime::effect(kind, seat).key(key).apply();
    let ledger = sim.ledger();
    ledger.each_matched("reserve", ["release", "ship"])?;
    for (kind, seat, key) in [("reserve", "7", "1"), ("reserve", "8", "2"), ("release", "7", "3"), ("reserve", "7", "4")] {
        act(kind, seat, key);
        act(kind, seat, key);
    }
    assert_eq!((ledger.done("reserve", "7"), ledger.done("release", "7"), ledger.done("release", "8")), (2, 1, 0));
    let last = |seat: &str| ledger.last_of(["reserve", "release"], seat).map(|effect| effect.kind);
    assert_eq!((last("7").as_deref(), last("9")), (Some("reserve"), None));

    // What is recognised does nothing: it settles nothing, and is not last.
    act("release", "7", "3");
    assert_eq!(last("7").as_deref(), Some("reserve"));
    let unmatched = ledger.each_matched("reserve", ["release", "ship"]).expect_err("two are open");
    assert_eq!(unmatched.effect.subject, "8");
    let told = unmatched.to_string();
    assert!(told.starts_with("reserve 8 was done, and no release or ship followed: by test, after 0.0"), "{told}");
    act("ship", "8", "5");
    assert_eq!(ledger.each_matched("reserve", ["release", "ship"]).expect_err("one is open").effect.key.as_deref(), Some("4"));
    act("release", "7", "6");
    ledger.each_matched("reserve", ["release", "ship"])?;
    Ok(())
}

#[foretime::test(runs = 30)]
async fn a_handler_may_sleep_for_days_whatever_happens(sim: Sim) -> foretime::Result {
    workers(&sim, 2);
    sim.faults(Faults::swarm().with(Fault::Crash, 0.05));
    for (days, id) in [(1, "one"), (3, "three")] {
        let asked = sim.now();
        let options = WorkflowUpdateWithStartOptions::new(QUEUE, id, WorkflowIdConflictPolicy::Fail).build();
        let told = sim.client().execute_update_with_start_workflow(Sleeper::run, (), Sleeper::sleep, days * DAY, options);
        assert_eq!(told.await?, days * DAY);
        let slept = sim.now().duration_since(asked)?;
        assert!(slept >= days * DAY && slept < days * DAY + DAY / 24, "{slept:?}");
        sim.client().get_workflow_handle::<Sleeper>(id).get_result(WorkflowGetResultOptions::default()).await?;
    }
    Ok(())
}

/// Signs what workflows return.
struct Signature;

impl WorkflowInterceptor for Signature {
    fn execute<'a>(
        &'a self,
        _ctx: WorkflowInterceptorContext,
        input: ExecuteWorkflowInput,
        next: WorkflowNext<'a, ExecuteWorkflowInput, WorkflowInterceptorFuture<'a, ExecuteWorkflowResult>>,
    ) -> WorkflowInterceptorFuture<'a, ExecuteWorkflowResult> {
        WorkflowInterceptorFuture::new(async move {
            let output = next.run(input).await?;
            let said = output.downcast_ref::<String>().expect("jobs return text");
            Ok(Box::new(format!("{said}, signed")) as Box<dyn WorkflowOutputValue>)
        })
    }
}

/// What the interceptors of a worker add to its workflows, they also add in replays.
#[foretime::test(runs = 10)]
async fn interceptors_of_workflows_run_in_replays(sim: Sim) -> foretime::Result {
    sim.workers(1, |_| {
        let signature = WorkflowInterceptorConstructor::new(|_| Signature);
        let options = WorkerOptions::new(QUEUE).register_workflow::<Job>()?.register_activities(Jobs);
        Ok::<_, temporalio_sdk::WorkflowRegistrationError>(options.workflow_interceptor(signature).build())
    });
    sim.faults(Faults::swarm());
    assert_eq!(say(&sim, "job", "hello").await?, "hello, signed");
    Ok(())
}

/// What falls due for several workflows at one instant happens in any order.
#[foretime::test(runs = 20)]
async fn timeouts_of_one_instant_come_in_any_order(sim: Sim) -> foretime::Result {
    workers(&sim, 1);
    let options = WorkflowStartOptions::new(QUEUE, "hopeless").build();
    let hopeless = sim.client().start_workflow(Hopeless::run, (), options).await?;
    hopeless.get_result(WorkflowGetResultOptions::default()).await?;
    let events = hopeless.fetch_history(WorkflowFetchHistoryOptions::default()).into_events().await?;
    let told = events.iter().find_map(|event| match event.attributes.as_ref()? {
        Attributes::ChildWorkflowExecutionTimedOutEventAttributes(it) => it.workflow_execution.as_ref(),
        _ => None,
    });
    let first = told.map(|execution| execution.workflow_id.as_str());
    foretime::sometimes!(first == Some("elder"), "the elder child is told of first");
    foretime::sometimes!(first == Some("younger"), "the younger child is told of first");
    Ok(())
}

#[foretime::test(runs = 5)]
async fn workflows_carry_search_attributes_of_ones_own(sim: Sim) -> foretime::Result {
    workers(&sim, 1);
    let customer = SearchAttributeKey::<String>::keyword("CustomerId");
    let options = || {
        WorkflowStartOptions::new(QUEUE, "job").search_attributes(SearchAttributes::new([customer.value_set("c-7".to_owned())]))
    };
    let refused = sim.client().start_workflow(Job::run, "work".to_owned(), options().build()).await;
    assert!(refused.is_err(), "nobody has registered CustomerId");

    sim.add_search_attributes([("CustomerId", SearchAttributeType::Keyword)]).await?;
    let job = sim.client().start_workflow(Job::run, "work".to_owned(), options().build()).await?;
    let described = job.describe(Default::default()).await?;
    assert_eq!(described.search_attributes().get(&customer).as_deref(), Some("c-7"));

    let reserved =
        sim.add_search_attributes([("TemporalThings", SearchAttributeType::Int)]).await.expect_err("it is Temporal's");
    assert_eq!(reserved.to_string(), "Search attribute TemporalThings is reserved by system.");
    Ok(())
}

/// What an activity needs may be down for as long as a retry policy lasts.
#[foretime::test(runs = 200)]
async fn all_attempts_that_a_policy_allows_may_fail(sim: Sim) -> foretime::Result {
    workers(&sim, 1);
    sim.faults(Faults::swarm());
    let options = WorkflowStartOptions::new(QUEUE, "jobs").build();
    let jobs = sim.client().start_workflow(FourAttempts::run, (), options).await?;
    let failed = jobs.get_result(WorkflowGetResultOptions::default()).await?;
    foretime::sometimes!(failed > 0, "a job fails four times");
    Ok(())
}
