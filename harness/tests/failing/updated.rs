//! Updates: what is told of them from their callers to their handlers and back.

use std::{error::Error, fs, time::Duration};

use foretime::{Faults, Sim, When};
use temporalio_client::{
    Client, WorkflowExecuteUpdateOptions, WorkflowHandle, WorkflowStartOptions, errors::WorkflowUpdateError,
};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{WorkerOptions, WorkflowContext, WorkflowContextView, WorkflowRegistrationError, WorkflowResult};

use crate::{assert_says, fails, report};

const QUEUE: &str = "tables";

/// Takes bookings, each of which takes a minute, and closes at once with a booking of all 100 seats.
#[workflow]
#[derive(Default)]
struct Table {
    is_closed: bool,
}

#[workflow_methods]
impl Table {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<()> {
        ctx.wait_condition(|table| table.is_closed).await?;
        Ok(())
    }

    #[update]
    async fn book(ctx: &mut WorkflowContext<Self>, seats: u32) -> u32 {
        ctx.state_mut(|table| table.is_closed = seats == 100);
        ctx.timer(Duration::from_secs(60)).await;
        seats
    }

    #[update_validator(book)]
    fn check_book(&self, _ctx: &WorkflowContextView, seats: &u32) -> Result<(), Box<dyn Error + Send + Sync>> {
        if *seats == 13 { Err("thirteen is unlucky".into()) } else { Ok(()) }
    }
}

fn worker() -> Result<WorkerOptions, WorkflowRegistrationError> {
    Ok(WorkerOptions::new(QUEUE).register_workflow::<Table>()?.build())
}

async fn table(sim: &Sim, faults: Faults) -> foretime::Result<WorkflowHandle<Client, Table>> {
    sim.workers(1, |_| worker());
    sim.faults(faults);
    let options = WorkflowStartOptions::new(QUEUE, "table").build();
    sim.client().start_workflow(Table::run, (), options).await?;
    Ok(sim.client().get_workflow_handle("table"))
}

async fn book(table: &WorkflowHandle<Client, Table>, seats: u32, update_id: &str) -> Result<u32, WorkflowUpdateError> {
    let options = WorkflowExecuteUpdateOptions::builder().update_id(update_id.to_owned()).build();
    table.execute_update(Table::book, seats, options).await
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn is_booked_while_a_worker_crashes(sim: Sim) -> foretime::Result {
    let crash = Faults::none().crash(When::event("WorkflowExecutionUpdateAccepted", 1), 1);
    book(&table(&sim, crash).await?, 4, "four").await?;
    Err("and so it went")?
}

#[test]
fn an_update_is_told_from_its_caller_to_its_handlers_and_back() {
    let text = fails("updated::is_booked_while_a_worker_crashes", &[]);
    assert_says(
        &text,
        &[
            "and so it went",
            "worker 1 crashed when WorkflowExecutionUpdateAccepted number 1 of table was written.",
            r#"table accepted the update "book" (4) from the test."#,
            r#"worker 1 went on with the update "book" (4) of table."#,
            r#"table completed the update "book" (4)."#,
        ],
    );
    let folder = report("updated::is_booked_while_a_worker_crashes", "1");
    let timeline = fs::read_to_string(folder.join("timeline.txt")).expect("a timeline");
    assert_says(
        &timeline,
        &[
            "book (four of table, awaited here) began",
            "book (four of table, handled here) began",
            "crash",
            "book (four of table, handled here) began",
            "book (four of table, handled here) completed",
            "book (four of table, awaited here) completed",
        ],
    );
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn is_booked_in_haste(sim: Sim) -> foretime::Result {
    let table = table(&sim, Faults::none()).await?;
    let in_haste = tokio::time::timeout(Duration::from_secs(5), book(&table, 2, "two")).await;
    assert!(in_haste.is_err(), "it takes a minute");
    book(&table, 2, "two, please").await?;
    book(&table, 100, "all").await?;
    Ok(())
}

#[test]
fn what_goes_wrong_with_updates_is_told() {
    let text = fails("updated::is_booked_in_haste", &[]);
    assert_says(
        &text,
        &[
            "Workflow Update failed because the Workflow completed before the Update completed",
            r#"the test stopped waiting for the update "book" (2) of table."#,
            r#"table accepted the update "book" (2) from the test, again under another id."#,
            r#"table accepted the update "book" (100) from the test."#,
            r#"table completed, with the update "book" (100) not finished."#,
        ],
    );
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn is_booked_by_thirteen(sim: Sim) -> foretime::Result {
    book(&table(&sim, Faults::none()).await?, 13, "thirteen").await?;
    Ok(())
}

#[test]
fn a_rejection_which_no_history_tells_of_is_told() {
    let rejected = r#"worker 1 rejected the update "book" (13) of table: thirteen is unlucky."#;
    assert_says(&fails("updated::is_booked_by_thirteen", &[]), &["thirteen is unlucky", rejected]);
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn is_booked_while_it_waits(sim: Sim) -> foretime::Result {
    let table = table(&sim, Faults::none()).await?;
    tokio::time::timeout(Duration::from_secs(30), book(&table, 4, "four")).await??;
    Ok(())
}

#[test]
fn a_handler_that_runs_is_something_that_its_workflow_waits_for() {
    let text = fails("updated::is_booked_while_it_waits", &[]);
    assert_says(&text, &["table (Table) waited for 1 timer and 1 handler of an update"]);
}
