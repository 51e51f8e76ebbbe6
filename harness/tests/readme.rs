//! A month in a test: the whole of what it takes.

use std::time::Duration;

use temporalio_client::{WorkflowGetResultOptions, WorkflowStartOptions};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{Runtime, Worker, WorkerOptions, WorkflowContext, WorkflowResult};

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

#[tokio::test]
async fn a_month() -> anyhow::Result<()> {
    let environment = foretime::Environment::start().await?;
    let client = environment.client();
    let options = WorkerOptions::new("months").register_workflow::<Month>()?.build();
    let mut worker = Worker::new(&Runtime::from_current_tokio(Default::default())?, client.clone(), options)?;
    let stop_worker = worker.shutdown_handle();

    let start = environment.now();
    let test = async {
        let month = client.start_workflow(Month::run, (), WorkflowStartOptions::new("months", "month").build()).await?;
        let answer = month.get_result(WorkflowGetResultOptions::default()).await;
        stop_worker();
        anyhow::Ok(answer?)
    };
    let (worked, answer) = tokio::join!(worker.run(), test);
    worked?;

    assert_eq!(answer?, "a month later");
    assert!(environment.now().duration_since(start)? >= DAY * 30);
    Ok(())
}
