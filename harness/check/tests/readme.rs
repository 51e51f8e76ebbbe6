//! A recorded month is checked with today's code. This program links nothing of simulations.

use std::time::Duration;

use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{WorkerOptions, WorkflowContext, WorkflowRegistrationError, WorkflowResult};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[workflow]
#[derive(Default)]
struct Month;

#[workflow_methods]
impl Month {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<String> {
        ctx.timer(DAY * 30).await;
        Ok("a month later".to_owned())
    }
}

fn worker() -> Result<WorkerOptions, WorkflowRegistrationError> {
    Ok(WorkerOptions::new("months").register_workflow::<Month>()?.build())
}

// README: begin
#[tokio::test]
async fn replays_what_production_recorded() -> foretime_check::Result {
    foretime_check::check(worker()?).histories("tests/histories").strict().run().await
}
// README: end
