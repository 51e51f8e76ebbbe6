//! Bugs of the SDK with local activities, which look like mistakes of the workflow.

use std::time::Duration;

use foretime::{Fault, Faults, Sim};
use temporalio_client::{WorkflowGetResultOptions, WorkflowStartOptions};
use temporalio_common::RetryPolicy;
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::{
    LocalActivityOptions, WorkerOptions, WorkflowContext, WorkflowRegistrationError, WorkflowResult,
    activities::{ActivityContext, ActivityError},
};

use crate::{assert_says, fails};

const QUEUE: &str = "local";

struct Nap;

#[activities]
impl Nap {
    #[activity]
    async fn take(_ctx: ActivityContext, seconds: u64) -> Result<(), ActivityError> {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        Ok(())
    }
}

/// Takes a nap of so many seconds, within five seconds and two attempts. Tells why it had none, if that is wanted.
#[workflow]
#[derive(Default)]
struct Drowsy;

#[workflow_methods]
impl Drowsy {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>, (seconds, tells): (u64, bool)) -> WorkflowResult<String> {
        let retry_policy = RetryPolicy::builder().maximum_attempts(2).build();
        let options =
            LocalActivityOptions::builder().start_to_close_timeout(Duration::from_secs(5)).retry_policy(retry_policy).build();
        let nap = ctx.execute_local_activity(Nap::take, seconds, options).await;
        ctx.timer(Duration::from_secs(1)).await;
        Ok(nap.err().filter(|_| tells).map_or_else(String::new, |error| error.to_string()))
    }
}

async fn drowsy(sim: &Sim, seconds: u64, tells: bool) -> foretime::Result {
    sim.workers(2, |_| -> Result<WorkerOptions, WorkflowRegistrationError> {
        Ok(WorkerOptions::new(QUEUE).register_workflow::<Drowsy>()?.register_activities(Nap).build())
    });
    let options = WorkflowStartOptions::new(QUEUE, "drowsy").build();
    let drowsy = sim.client().start_workflow(Drowsy::run, (seconds, tells), options).await?;
    drowsy.get_result(WorkflowGetResultOptions::default()).await?;
    Ok(())
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn tells_of_a_timeout(sim: Sim) -> foretime::Result {
    drowsy(&sim, 20, true).await
}

#[test]
fn the_sdks_two_errors_of_one_timeout_are_told_as_the_sdks() {
    let text = fails("local::tells_of_a_timeout", &[]);
    let of_sdk = "the SDK gives drowsy another error of a local activity's timeout when it is replayed";
    assert_says(&text, &[of_sdk, "Local Activity timed out", "a bug of the SDK", "docs/determinism.md", "as_timeout()"]);
    assert!(!text.contains("HashMap"), "{text}");
}

#[foretime::test(runs = 3000)]
#[ignore = "fails on purpose"]
async fn meets_a_late_result(sim: Sim) -> foretime::Result {
    sim.faults(Faults::none().with(Fault::Eviction, 0.9).with(Fault::ActivityHang, 0.5));
    drowsy(&sim, 0, false).await
}

#[test]
fn a_late_result_that_the_core_holds_against_the_history_is_told_as_the_sdks() {
    let text = fails("local::meets_a_late_result", &[]);
    let of_sdk = "the SDK's core takes the late result of a local activity for another way of the code";
    assert_says(&text, &[of_sdk, "but history said it completed!", "a bug of the SDK's core", "without(Fault::Eviction)"]);
    assert!(!text.contains("its code asked for something else"), "{text}");
}
