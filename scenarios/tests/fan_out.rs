//! Fan-out, tested: the results of all items, and in how many runs.

use std::time::Duration;

use foretime::Environment;
use foretime_scenarios::{
    fan_out::{self, FanOut, Job, Mill, TASK_QUEUE, Tally},
    worker::beside,
};
use temporalio_client::{
    Client, WorkflowCancelOptions, WorkflowGetResultOptions, WorkflowHandle, WorkflowStartOptions,
    errors::WorkflowGetResultError,
};

#[tokio::test]
async fn twelve_items_take_three_runs() -> anyhow::Result<()> {
    let mill = Mill::default();
    let tally = tally(&mill, (1..=12).collect()).await?;
    assert_eq!(tally, Tally { processed: 12, sum: (1..=12).map(|item| item * item).sum(), failed: Vec::new(), runs: 3 });
    assert_eq!(mill.ground(), (0..12).map(|place| (format!("job/{place}"), place + 1)).collect());
    Ok(())
}

#[tokio::test]
async fn a_stone_does_not_stop_the_others() -> anyhow::Result<()> {
    let mill = Mill::default();
    mill.stone(3);
    mill.jam(4, 3);
    let tally = tally(&mill, vec![1, 2, 3, 3, 4, 4, 5]).await?;
    assert_eq!(tally, Tally { processed: 5, sum: 1 + 4 + 16 + 16 + 25, failed: vec![3, 3], runs: 2 });
    assert_eq!(mill.ground().len(), 5);
    Ok(())
}

#[tokio::test]
async fn nothing_to_do_is_done_at_once() -> anyhow::Result<()> {
    assert_eq!(tally(&Mill::default(), Vec::new()).await?, Tally { runs: 1, ..Tally::default() });
    Ok(())
}

/// One item jams the mill for a long time. The job is cancelled meanwhile, and begins no other batch.
#[tokio::test]
async fn a_cancelled_job_ends_with_its_batch() -> anyhow::Result<()> {
    let (environment, mill) = (Environment::start().await?, Mill::default());
    mill.jam(7, 100);
    beside(environment.client(), fan_out::worker(&mill)?, async {
        let job = begin(&environment.client(), (1..=12).collect()).await?;
        environment.sleep(Duration::from_secs(60 * 60)).await?;
        job.cancel(WorkflowCancelOptions::default()).await?;
        let result = job.get_result(WorkflowGetResultOptions::default()).await;
        assert!(matches!(result, Err(WorkflowGetResultError::Cancelled { .. })), "{result:?}");
        environment.sleep(Duration::from_secs(60 * 60)).await?;
        Ok(())
    })
    .await?;
    assert_eq!(mill.ground().len(), 10);
    Ok(())
}

async fn tally(mill: &Mill, items: Vec<u64>) -> anyhow::Result<Tally> {
    let environment = Environment::start().await?;
    beside(environment.client(), fan_out::worker(mill)?, async {
        Ok(begin(&environment.client(), items).await?.get_result(WorkflowGetResultOptions::default()).await?)
    })
    .await
}

async fn begin(client: &Client, items: Vec<u64>) -> anyhow::Result<WorkflowHandle<Client, FanOut>> {
    let job = Job { items, tally: Tally::default() };
    client.start_workflow(FanOut::run, job, WorkflowStartOptions::new(TASK_QUEUE, "job").build()).await?;
    Ok(client.get_workflow_handle::<FanOut>("job".to_owned()))
}
