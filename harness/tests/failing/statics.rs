//! Statics: each simulated process has its own, and begins with what the test's body has then.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    process::Command,
    sync::{
        LazyLock, Mutex, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use foretime::{Faults, Sim};
use temporalio_client::{WorkflowGetResultOptions, WorkflowStartOptions};
use temporalio_common::RetryPolicy;
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::{
    ActivityOptions, WorkerOptions, WorkflowContext, WorkflowRegistrationError, WorkflowResult,
    activities::{ActivityContext, ActivityError},
};

use crate::{assert_says, fails};

/// The mistake: it is lost in a crash, and another worker has another one.
static DONE: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// What the test's body sets before workers start.
static CURRENCY: OnceLock<String> = OnceLock::new();
static FEE_CENTS: AtomicU32 = AtomicU32::new(0);
static STOCK: Mutex<BTreeMap<&str, u32>> = Mutex::new(BTreeMap::new());

/// What each process makes for itself when it needs it.
static TAXES: LazyLock<Mutex<Vec<u32>>> = LazyLock::new(|| Mutex::new(vec![19]));

#[workflow]
#[derive(Default)]
struct Purchase;

#[workflow_methods]
impl Purchase {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>, what: String) -> WorkflowResult<String> {
        let options = ActivityOptions::with_start_to_close_timeout(Duration::from_secs(20))
            .retry_policy(RetryPolicy::builder().initial_interval(Duration::from_secs(1)).build())
            .build();
        Ok(ctx.execute_activity(Till::buy, what, options).await?)
    }
}

struct Till;

#[activities]
impl Till {
    #[activity]
    async fn buy(_ctx: ActivityContext, what: String) -> Result<String, ActivityError> {
        if what == "book" {
            if !DONE.lock().expect("no panic").contains(&what) {
                let _ = foretime::effect("charge", "card 7").apply();
                DONE.lock().expect("no panic").insert(what);
            }
            return Ok(String::new());
        }
        let fee_cents = FEE_CENTS.fetch_add(1, Ordering::Relaxed);
        *STOCK.lock().expect("no panic").entry("pens").or_default() -= 1;
        let mut taxes = TAXES.lock().expect("no panic");
        taxes.push(7);
        Ok(format!("{fee_cents} {} {taxes:?}", CURRENCY.get().map_or("", |it| it)))
    }
}

fn worker() -> Result<WorkerOptions, WorkflowRegistrationError> {
    Ok(WorkerOptions::new("till").register_workflow::<Purchase>()?.register_activities(Till).build())
}

async fn buy(sim: &Sim, what: &str) -> Result<String, foretime::Failure> {
    let options = WorkflowStartOptions::new("till", format!("purchase-{what}")).build();
    let run = sim.client().start_workflow(Purchase::run, what.to_owned(), options).await?;
    Ok(run.get_result(WorkflowGetResultOptions::default()).await?)
}

#[foretime::test(runs = 1000)]
#[ignore = "fails on purpose"]
async fn remembers_in_a_static(sim: Sim) -> foretime::Result {
    sim.workers(2, |_| worker());
    sim.faults(Faults::swarm());
    buy(&sim, "book").await?;
    sim.ledger().exactly_once_by_key()?;
    Ok(())
}

#[test]
fn what_a_worker_remembers_in_a_static_dies_with_it() {
    let text = fails("statics::remembers_in_a_static", &[]);
    assert_says(
        &text,
        &[
            "charge card 7 was done twice",
            "Workers changed the static failing::statics::DONE: each process has its own, and it dies with it.",
        ],
    );
}

#[foretime::test(runs = 20)]
async fn workers_begin_with_the_statics_of_the_body(sim: Sim) -> foretime::Result {
    CURRENCY.set("EUR".to_owned()).expect("each simulation has a new one");
    FEE_CENTS.store(50, Ordering::Relaxed);
    STOCK.lock().expect("no panic").insert("pens", 2);
    sim.workers(1, |_| worker());
    assert_eq!(buy(&sim, "pen").await?, "50 EUR [19, 7]");
    assert_eq!(FEE_CENTS.load(Ordering::Relaxed), 50, "the body has its own");
    assert_eq!(*TAXES.lock().expect("no panic"), [19], "and makes its own");
    // The memory of a map cannot be had twice.
    assert_eq!(
        STOCK.lock().expect("no panic")["pens"],
        1,
        "what points to memory that the body allocated before is one for all"
    );
    FEE_CENTS.store(60, Ordering::Relaxed);
    assert_eq!(buy(&sim, "pencil").await?, "51 EUR [19, 7, 7]", "a worker keeps its own for as long as it lives");
    Ok(())
}

#[test]
fn runs_with_statics_are_equal() {
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.args(["--exact", "statics::workers_begin_with_the_statics_of_the_body", "--nocapture"]);
    let output = command.env("FORETIME_TWICE", "1").env("FORETIME_REGRESSIONS", "none").output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
