//! A theatre that sells seats: the snippets of `docs/simulation.md`, and what that page says of reports.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use foretime::{ActivityFaults, Fault, Faults, Sim, When, proptest::collection::btree_set};
use futures::future::try_join_all;
use temporalio_client::{WorkflowGetResultOptions, WorkflowStartOptions};
use temporalio_common::RetryPolicy;
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::{
    ActivityOptions, ApplicationFailure, WorkerOptions, WorkflowContext, WorkflowRegistrationError, WorkflowResult,
    activities::{ActivityContext, ActivityError},
};

use crate::{assert_says, fails};

const QUEUE: &str = "theatre";

/// The outside world, as a fake in memory. Clones are the same theatre, so it outlives crashes of workers.
#[derive(Clone, Default)]
struct Theatre {
    refunded: Arc<Mutex<BTreeSet<String>>>,
}

#[activities]
impl Theatre {
    #[activity]
    async fn reserve(_ctx: ActivityContext, seat: String) -> Result<(), ActivityError> {
        foretime::effect("reserve", &seat).key(&seat).apply();
        Ok(())
    }

    // README fake: begin
    #[activity]
    async fn charge(self: Arc<Self>, _ctx: ActivityContext, seat: String) -> Result<(), ActivityError> {
        let refunded = self.refunded.lock().expect("nobody panics");
        // An attempt may come late, when the workflow has long given it up.
        if refunded.contains(&seat) {
            return Err(ApplicationFailure::non_retryable(anyhow::anyhow!("the payment was called off")).into());
        }
        foretime::effect("charge", &seat).key(&seat).apply();
        Ok(())
    }
    // README fake: end

    #[activity]
    async fn bill(_ctx: ActivityContext, seat: String) -> Result<(), ActivityError> {
        foretime::effect("charge", &seat).key(&seat).apply();
        Ok(())
    }

    // README own: begin
    #[activity]
    async fn send(_ctx: ActivityContext, seat: String) -> Result<(), ActivityError> {
        tokio::time::sleep(Duration::from_millis(foretime::random("the printer takes", 1..=5_000_u64))).await;
        foretime::effect("send", &seat).key(&seat).apply();
        if foretime::fault("the printer's answer is lost", 0.1) {
            return Err(anyhow::anyhow!("no answer").into());
        }
        Ok(())
    }
    // README own: end

    #[activity]
    async fn refund(self: Arc<Self>, _ctx: ActivityContext, seat: String) -> Result<(), ActivityError> {
        let mut refunded = self.refunded.lock().expect("nobody panics");
        refunded.insert(seat.clone());
        foretime::effect("refund", &seat).key(&seat).apply();
        Ok(())
    }

    #[activity]
    async fn release(_ctx: ActivityContext, seat: String) -> Result<(), ActivityError> {
        foretime::effect("release", &seat).key(&seat).apply();
        Ok(())
    }
}

fn patient() -> ActivityOptions {
    ActivityOptions::start_to_close_timeout(Duration::from_secs(60))
}

/// Three attempts.
fn impatient() -> ActivityOptions {
    let retry_policy = RetryPolicy::builder().maximum_attempts(3).build();
    ActivityOptions::with_start_to_close_timeout(Duration::from_secs(60)).retry_policy(retry_policy).build()
}

mod broken {
    use super::*;

    // README broken: begin
    /// Sells a seat. Returns whether it is sold.
    #[workflow]
    #[derive(Default)]
    pub(crate) struct Sale;

    #[workflow_methods]
    impl Sale {
        #[run(name = "Sale")]
        pub(crate) async fn run(ctx: &mut WorkflowContext<Self>, seat: String) -> WorkflowResult<bool> {
            ctx.execute_activity(Theatre::reserve, seat.clone(), patient()).await?;
            if ctx.execute_activity(Theatre::charge, seat.clone(), impatient()).await.is_err() {
                return Ok(false);
            }
            ctx.timer(Duration::from_secs(60 * 60)).await; // tickets are printed at night
            ctx.execute_activity(Theatre::send, seat, patient()).await?;
            Ok(true)
        }
    }
    // README broken: end

    pub(crate) fn worker(theatre: &Theatre) -> Result<WorkerOptions, WorkflowRegistrationError> {
        Ok(WorkerOptions::new(QUEUE).register_workflow::<Sale>()?.register_activities(theatre.clone()).build())
    }
}

mod repaired {
    use super::*;

    #[workflow]
    #[derive(Default)]
    pub(crate) struct Sale;

    #[workflow_methods]
    impl Sale {
        #[run(name = "Sale")]
        pub(crate) async fn run(ctx: &mut WorkflowContext<Self>, seat: String) -> WorkflowResult<bool> {
            ctx.execute_activity(Theatre::reserve, seat.clone(), patient()).await?;
            // README repaired: begin
            if ctx.execute_activity(Theatre::charge, seat.clone(), impatient()).await.is_err() {
                // It may have been done all the same: what is lost may be the answer.
                ctx.execute_activity(Theatre::refund, seat.clone(), patient()).await?;
                ctx.execute_activity(Theatre::release, seat, patient()).await?;
                return Ok(false);
            }
            // README repaired: end
            ctx.timer(Duration::from_secs(60 * 60)).await;
            ctx.execute_activity(Theatre::send, seat, patient()).await?;
            Ok(true)
        }
    }

    pub(crate) fn worker(theatre: &Theatre) -> Result<WorkerOptions, WorkflowRegistrationError> {
        Ok(WorkerOptions::new(QUEUE).register_workflow::<Sale>()?.register_activities(theatre.clone()).build())
    }
}

/// The activity that charges has another name, and nobody thought of a patch.
mod renamed {
    use super::*;

    #[workflow]
    #[derive(Default)]
    pub(crate) struct Sale;

    #[workflow_methods]
    impl Sale {
        #[run(name = "Sale")]
        pub(crate) async fn run(ctx: &mut WorkflowContext<Self>, seat: String) -> WorkflowResult<bool> {
            ctx.execute_activity(Theatre::reserve, seat.clone(), patient()).await?;
            ctx.execute_activity(Theatre::bill, seat.clone(), impatient()).await?;
            ctx.timer(Duration::from_secs(60 * 60)).await;
            ctx.execute_activity(Theatre::send, seat, patient()).await?;
            Ok(true)
        }
    }

    pub(crate) fn worker(theatre: &Theatre) -> Result<WorkerOptions, WorkflowRegistrationError> {
        Ok(WorkerOptions::new(QUEUE).register_workflow::<Sale>()?.register_activities(theatre.clone()).build())
    }
}

type Worker = fn(&Theatre) -> Result<WorkerOptions, WorkflowRegistrationError>;

// README simulation: begin
async fn sells(sim: Sim, worker: Worker) -> foretime::Result {
    let theatre = Theatre::default();
    sim.workers(2, move |_| worker(&theatre));
    // An attempt fails with this chance, before its work or after it, or takes longer.
    let charges = ActivityFaults::default().fails(0.5).slow(0.2, Duration::from_secs(1)..=Duration::from_secs(90));
    sim.faults(Faults::swarm().activity("Theatre::charge", charges));

    let options = WorkflowStartOptions::new(QUEUE, "sale").build();
    let sale = sim.client().start_workflow(broken::Sale::run, "seat 7".to_owned(), options).await?;
    let is_sold = sale.get_result(WorkflowGetResultOptions::default()).await?;
    sim.sleep(Duration::from_secs(300)).await; // what is late comes meanwhile

    sim.ledger().exactly_once_by_key()?;
    sim.ledger().each_matched("reserve", ["send", "release"])?;
    sim.ledger().each_matched("charge", ["send", "refund"])?;
    let last = sim.ledger().last_of(["reserve", "send", "release"], "seat 7").map(|effect| effect.kind);
    assert_eq!(last.as_deref(), Some(if is_sold { "send" } else { "release" }));
    assert!(sim.ledger().done("send", "seat 7") <= 1);
    foretime::sometimes!(!is_sold, "a seat is not sold");
    Ok(())
}

#[foretime::test(runs = 100, finds = "reserve seat 7 was done, and no send or release followed")]
async fn a_seat_that_is_not_sold_stays_reserved(sim: Sim) -> foretime::Result {
    sells(sim, broken::worker).await
}

#[foretime::test(runs = 100)]
async fn a_seat_that_is_not_sold_is_free_again(sim: Sim) -> foretime::Result {
    sells(sim, repaired::worker).await
}
// README simulation: end

#[foretime::test(runs = 100)]
#[ignore = "fails on purpose"]
async fn sells_no_seat_and_keeps_it(sim: Sim) -> foretime::Result {
    sells(sim, broken::worker).await
}

#[test]
fn an_effect_without_its_match_is_told_as_the_page_shows_it() {
    let text = fails("theatre::sells_no_seat_and_keeps_it", &[]);
    let page = include_str!("../../../docs/simulation.md");
    let sample = page.split("```text\n").find(|block| block.starts_with("seed 2 of theatre::")).expect("the page shows it");
    let sample = sample.split("```").next().unwrap_or_default();
    // Reports of these tests are elsewhere. The page wraps lines, and leaves out what it has dots for.
    let (story, repeat) = sample.split_once("report: ").expect("it names a report");
    let (_, repeat) = repeat.split_once('\n').expect("a command follows");
    let shown: Vec<String> = story.split("...").chain(repeat.split("...")).map(unwrapped).collect();
    let shown: Vec<&str> = shown.iter().map(String::as_str).collect();
    assert!(shown.len() > 3, "{shown:?}");
    assert_says(&unwrapped(&text), &shown);
}

fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

// README deploy: begin
#[foretime::test(runs = 20, finds = "the workflow's code does not fit its own history")]
async fn a_sale_that_is_open_must_replay_on_the_new_code(sim: Sim) -> foretime::Result {
    deploys(sim).await
}

async fn deploys(sim: Sim) -> foretime::Result {
    let theatre = Theatre::default();
    let old = theatre.clone();
    let workers = sim.workers(2, move |_| broken::worker(&old));
    let options = WorkflowStartOptions::new(QUEUE, "sale").build();
    let sale = sim.client().start_workflow(broken::Sale::run, "seat 7".to_owned(), options).await?;
    sim.sleep(Duration::from_secs(10 * 60)).await;
    workers.deploy(move |_| renamed::worker(&theatre)); // it calls Theatre::bill instead of Theatre::charge
    sale.get_result(WorkflowGetResultOptions::default()).await?;
    Ok(())
}
// README deploy: end

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn renames_an_activity(sim: Sim) -> foretime::Result {
    deploys(sim).await
}

#[test]
fn what_the_history_has_and_what_the_new_code_asks_for_is_told() {
    let text = fails("theatre::renames_an_activity", &[]);
    let parting =
        "at event 11 the history has ActivityTaskScheduled Theatre::charge (activity 2); the code asks for Theatre::bill\n";
    assert_says(&text, &[parting, "on version 2 of the code, failed a workflow task of sale (Sale) with", "[TMPRL1100]"]);
}

/// The page's other snippets.
#[foretime::test(runs = 20)]
async fn seats_are_sold_whatever_happens(sim: Sim) -> foretime::Result {
    let theatre = Theatre::default();
    sim.workers(2, move |_| repaired::worker(&theatre));
    // README faults: begin
    let faults = Faults::none()
        .with(Fault::Crash, 0.02)
        .with(Fault::ReplyLost, 0.05)
        .activity("Theatre::send", ActivityFaults::default().slow(0.2, Duration::from_secs(1)..=Duration::from_secs(90)))
        .crash(When::event("ActivityTaskScheduled", 2).of_workflow("sale"), 1)
        .downtime(Duration::from_secs(1)..=Duration::from_secs(600))
        .each_at_most(3);
    sim.faults(faults);
    // README faults: end
    let options = WorkflowStartOptions::new(QUEUE, "sale").build();
    let sale = sim.client().start_workflow(repaired::Sale::run, "seat 7".to_owned(), options).await?;
    // README claims: begin
    let is_sold = sale.get_result(WorkflowGetResultOptions::default()).await?;
    foretime::always!(is_sold == (sim.ledger().done("send", "seat 7") == 1), "who has paid gets a ticket");
    let attempts = sim.ledger().effects().iter().map(|effect| effect.attempt).max();
    foretime::sometimes!(attempts > Some(1), "something was tried again");
    // README claims: end
    Ok(())
}

// README inputs: begin
#[foretime::test(runs = 50)]
async fn each_customer_gets_a_seat(sim: Sim) -> foretime::Result {
    let theatre = Theatre::default();
    sim.workers(2, move |_| repaired::worker(&theatre));
    sim.faults(Faults::swarm());
    let seats = sim.draw("seats", btree_set(1..=20_u8, 1..=4)); // any strategy of proptest
    try_join_all(seats.iter().map(|seat| comes(&sim, *seat))).await?;
    sim.ledger().each_matched("reserve", ["send", "release"])?;
    Ok(())
}

async fn comes(sim: &Sim, seat: u8) -> foretime::Result {
    let customer = sim.client_named(format!("customer {seat}"));
    customer.sleep(Duration::from_secs(customer.random("comes after", 0..=3_600_u64))).await;
    let options = WorkflowStartOptions::new(QUEUE, format!("sale-{seat}")).build();
    let sale = customer.client().start_workflow(repaired::Sale::run, format!("seat {seat}"), options).await?;
    sale.get_result(WorkflowGetResultOptions::default()).await?;
    Ok(())
}
// README inputs: end
