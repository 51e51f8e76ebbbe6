//! Billing by cron, tested: what was billed and when, by the wall clock in Berlin.

use std::time::{Duration, SystemTime};

use foretime::Environment;
use foretime_scenarios::{
    cron_billing::{self, Books, Contract, HOUR, MonthlyBilling, SCHEDULE, TASK_QUEUE, TIME_ZONE},
    worker::beside,
};
use jiff::{Timestamp, ToSpan, Zoned, civil::Time, tz::TimeZone};
use temporalio_client::{
    Client, WorkflowGetResultOptions, WorkflowHandle, WorkflowStartOptions, WorkflowTerminateOptions,
    errors::WorkflowGetResultError,
};
use temporalio_common::HasWorkflowDefinition;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn a_year_of_bills_at_nine_in_summer_and_in_winter() -> anyhow::Result<()> {
    let (environment, books) = (Environment::start().await?, Books::default());
    let start = environment.now();
    let mut ended_at = start;
    beside(environment.client(), cron_billing::worker(&books)?, async {
        begin(&environment).await?;
        environment.sleep(DAY * 365).await?;
        end(&environment.client()).await?;
        ended_at = environment.now();
        environment.sleep(DAY * 60).await?;
        Ok(())
    })
    .await?;

    assert_a_bill_a_month(&books, start, ended_at)?;
    let mut hours_utc = Vec::new();
    for (at, bill) in books.bills() {
        let local = in_berlin(at)?;
        assert_eq!((local.day(), local.hour(), local.minute()), (1, HOUR, 0), "{local}");
        assert_eq!(bill.month, local.strftime("%Y-%m").to_string());
        hours_utc.push(local.with_time_zone(TimeZone::UTC).hour());
    }
    hours_utc.sort_unstable();
    hours_utc.dedup();
    assert_eq!(hours_utc, [7, 8]);
    Ok(())
}

/// The books are locked for 75 days. The runs in that time fail, and the next one that succeeds makes up for them.
#[tokio::test]
async fn months_that_were_missed_are_billed_later() -> anyhow::Result<()> {
    let (environment, books) = (Environment::start().await?, Books::default());
    let start = environment.now();
    beside(environment.client(), cron_billing::worker(&books)?, async {
        begin(&environment).await?;
        environment.sleep(DAY * 100).await?;
        books.lock(true);
        environment.sleep(DAY * 75).await?;
        books.lock(false);
        environment.sleep(DAY * 190).await?;
        end(&environment.client()).await
    })
    .await?;
    assert_a_bill_a_month(&books, start, environment.now())
}

/// The books are locked from the beginning. The run that fails is the first, and leaves nothing to the next.
#[tokio::test]
async fn a_first_month_that_was_missed_is_billed_later() -> anyhow::Result<()> {
    let (environment, books) = (Environment::start().await?, Books::default());
    let start = environment.now();
    books.lock(true);
    beside(environment.client(), cron_billing::worker(&books)?, async {
        begin(&environment).await?;
        environment.sleep(DAY * 45).await?;
        assert_eq!(books.bills(), []);
        books.lock(false);
        environment.sleep(DAY * 50).await?;
        end(&environment.client()).await
    })
    .await?;
    assert_a_bill_a_month(&books, start, environment.now())
}

/// There is no worker for 75 days: two firsts pass within the first run.
#[tokio::test]
async fn months_without_a_worker_are_billed_later() -> anyhow::Result<()> {
    let (environment, books) = (Environment::start().await?, Books::default());
    let start = environment.now();
    let first_run = begin(&environment).await?;
    environment.sleep(DAY * 75).await?;
    assert_eq!(books.bills(), []);
    beside(environment.client(), cron_billing::worker(&books)?, async {
        // A task without a worker does not hold time for long. So the test awaits the run, and with it the worker.
        let ended = first_run.get_result(WorkflowGetResultOptions::builder().follow_runs(false).build()).await.err();
        assert!(matches!(ended, Some(WorkflowGetResultError::ContinuedAsNew)), "{ended:?}");
        environment.sleep(DAY * 190).await?;
        end(&environment.client()).await
    })
    .await?;
    assert_a_bill_a_month(&books, start, environment.now())
}

fn assert_a_bill_a_month(books: &Books, start: SystemTime, end: SystemTime) -> anyhow::Result<()> {
    let nine = Time::constant(HOUR, 0, 0, 0);
    let (start, end) = (in_berlin(start)?, in_berlin(end)?);
    let mut due = start.first_of_month()?.with().time(nine).build()?;
    let mut expected = Vec::new();
    while due <= end {
        if due > start {
            expected.push(due.strftime("%Y-%m").to_string());
        }
        due = due.checked_add(1.month())?;
    }
    let billed: Vec<String> = books.bills().into_iter().map(|(_, bill)| bill.month).collect();
    assert_eq!(billed, expected);
    Ok(())
}

fn in_berlin(at: SystemTime) -> anyhow::Result<Zoned> {
    Ok(Timestamp::try_from(at)?.to_zoned(TimeZone::get(TIME_ZONE)?))
}

/// Starts the billing. Returns a handle of its first run.
async fn begin(environment: &Environment) -> anyhow::Result<WorkflowHandle<Client, impl HasWorkflowDefinition + use<>>> {
    let since_s = Timestamp::try_from(environment.now())?.as_second();
    let contract = Contract { customer: "ada".to_owned(), price_cents: 2_999, since_s };
    let options = WorkflowStartOptions::new(TASK_QUEUE, "billing-ada").cron_schedule(SCHEDULE.to_owned()).build();
    Ok(environment.client().start_workflow(MonthlyBilling::run, contract, options).await?)
}

/// Ends it, whichever run it is in.
async fn end(client: &Client) -> anyhow::Result<()> {
    let billing = client.get_workflow_handle::<MonthlyBilling>("billing-ada");
    Ok(billing.terminate(WorkflowTerminateOptions::default()).await?)
}
