//! A subscription in many worlds: the whole of what it takes.

use std::time::Duration;

use foretime::{Faults, Sim};
use temporalio_client::{WorkflowGetResultOptions, WorkflowStartOptions};
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::{
    ActivityOptions, WorkerOptions, WorkflowContext, WorkflowRegistrationError, WorkflowResult,
    activities::{ActivityContext, ActivityError},
};

const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Three months of a subscription.
#[workflow]
#[derive(Default)]
struct Subscription;

#[workflow_methods]
impl Subscription {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<u32> {
        for month in 1..=3_u32 {
            let options = ActivityOptions::start_to_close_timeout(Duration::from_secs(60));
            ctx.execute_activity(Billing::charge, month, options).await?;
            ctx.timer(MONTH).await;
        }
        Ok(3)
    }
}

struct Billing;

#[activities]
impl Billing {
    #[activity]
    async fn charge(_ctx: ActivityContext, month: u32) -> Result<(), ActivityError> {
        // Here your code talks to your payment gateway, and in the test to a fake of it. The fake tells Foretime what it did
        // to the world. Take the key away, and the test finds a seed in which a customer pays twice.
        let _ = foretime::effect("charge", format!("month {month}")).key(format!("subscription/{month}")).apply();
        Ok(())
    }
}

/// The options that your `main` gives to its worker.
fn worker() -> Result<WorkerOptions, WorkflowRegistrationError> {
    Ok(WorkerOptions::new("billing").register_workflow::<Subscription>()?.register_activities(Billing).build())
}

#[foretime::test(runs = 100)]
async fn a_subscriber_is_charged_once_a_month(sim: Sim) -> foretime::Result {
    sim.workers(2, |_| worker());
    sim.faults(Faults::swarm());

    let options = WorkflowStartOptions::new("billing", "subscription").build();
    let subscription = sim.client().start_workflow(Subscription::run, (), options).await?;
    sim.sleep(MONTH).await; // virtual; in a simulation tokio::time::sleep is the same
    assert_eq!(subscription.get_result(WorkflowGetResultOptions::default()).await?, 3);

    let charges = sim.ledger().effects();
    foretime::sometimes!(charges.len() > 3, "a charge was tried again");
    sim.ledger().exactly_once_by_key()?;
    Ok(())
}
