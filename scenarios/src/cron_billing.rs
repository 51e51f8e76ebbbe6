//! Billing by cron: on the first of each month at 9:00 in Berlin, over a year with daylight saving. This shows a workflow with
//! a cron schedule, and a result that one run passes to the next.
//!
//! The trap is the missed month. If all workers are down over the first, or a run fails, the schedule does not make up for it.
//! So a run bills every month that fell due since the last one billed, and each bill has its month in its key. It knows the
//! last one billed from the result of the last run that had one. Until a run has a result, the contract sets the start: a run
//! knows only its own start, which is too late if the run before it failed.

#![expect(missing_docs, reason = "the SDK's macros write constants without a docstring")]

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use foretime::{Faults, Sim, effect, proptest::prelude::Strategy};
use jiff::{Timestamp, ToSpan, Zoned, civil::Time, tz::TimeZone};
use serde::{Deserialize, Serialize};
use temporalio_client::{WorkflowStartOptions, WorkflowTerminateOptions};
use temporalio_common::{
    RetryPolicy,
    data_converters::{
        GenericPayloadConverter, PayloadConverter, SerializationContext, SerializationContextData, WorkflowSerializationContext,
    },
    worker::WorkerDeploymentOptions,
};
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::{
    ActivityOptions, ApplicationFailure, WorkerOptions, WorkflowContext, WorkflowContextView, WorkflowRegistrationError,
    WorkflowResult,
    activities::{ActivityContext, ActivityError},
};

use crate::people::span;

/// The task queue on which bills are written.
pub const TASK_QUEUE: &str = "billing";
/// The schedule, for `WorkflowStartOptions::cron_schedule`.
pub const SCHEDULE: &str = "CRON_TZ=Europe/Berlin 0 9 1 * *";
/// The time zone of [`SCHEDULE`].
pub const TIME_ZONE: &str = "Europe/Berlin";
/// The hour of [`SCHEDULE`].
pub const HOUR: i8 = 9;

/// Who pays how much a month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contract {
    /// Who pays.
    pub customer: String,
    /// How much a month, in cents.
    pub price_cents: u64,
    /// The start, in seconds since the epoch: months that fall due after this are billed.
    pub since_s: i64,
}

/// What a run passes to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// When the last month that was billed fell due, in seconds since the epoch.
    pub billed_until_s: i64,
    /// How many months were billed, by all runs so far.
    pub months: u32,
}

/// A bill: written once for its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bill {
    /// Names the bill, by its month.
    pub key: String,
    /// Who pays.
    pub customer: String,
    /// The month, such as `2026-03`.
    pub month: String,
    /// How much, in cents.
    pub amount_cents: u64,
}

/// The workflow.
#[workflow]
pub struct MonthlyBilling {
    contract: Contract,
    statement: Statement,
}

#[workflow_methods]
impl MonthlyBilling {
    #[init]
    fn new(ctx: &WorkflowContextView, contract: Contract) -> Self {
        let statement = last_statement(ctx).unwrap_or(Statement { billed_until_s: contract.since_s, months: 0 });
        Self { contract, statement }
    }

    /// Writes the bill of this month, and of those that were missed.
    #[run]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<Statement> {
        // Checked again after each bill: the next month may have begun before this one's bill was written.
        while let Some(due) = Self::next_due(ctx) {
            let Contract { customer, price_cents, .. } = ctx.state(|this| this.contract.clone());
            let month = due.strftime("%Y-%m").to_string();
            let key = format!("{}/{month}", ctx.workflow_id());
            let bill = Bill { key, customer, month, amount_cents: price_cents };
            ctx.execute_activity(Clerk::bill, bill, for_a_day()).await?;
            ctx.state_mut(|this| {
                this.statement.billed_until_s = due.timestamp().as_second();
                this.statement.months += 1;
            });
        }
        Ok(ctx.state(|this| this.statement))
    }

    fn next_due(ctx: &WorkflowContext<Self>) -> Option<Zoned> {
        let now = Timestamp::try_from(ctx.workflow_time()?).ok()?;
        let last = Timestamp::from_second(ctx.state(|this| this.statement.billed_until_s)).ok()?;
        first_due_after(last).filter(|due| due.timestamp() <= now)
    }
}

/// The result of the last run of this workflow that had one. The SDK passes it on undecoded.
fn last_statement(ctx: &WorkflowContextView) -> Option<Statement> {
    let payloads = ctx.raw().last_completion_result.clone()?.payloads;
    let converter = PayloadConverter::default();
    let workflow = SerializationContextData::Workflow(WorkflowSerializationContext::new());
    converter.from_payloads(&SerializationContext::new(&workflow, &converter), payloads).ok()
}

/// The first time of [`SCHEDULE`] after this one. No clock is read, and the time zones are compiled in, so a replay by the same
/// build gives the same result.
fn first_due_after(last: Timestamp) -> Option<Zoned> {
    let last = last.to_zoned(TimeZone::get(TIME_ZONE).ok()?);
    let this_month = last.first_of_month().ok()?;
    [this_month.clone(), this_month.checked_add(1.month()).ok()?]
        .into_iter()
        .filter_map(|first| first.date().to_datetime(Time::constant(HOUR, 0, 0, 0)).to_zoned(first.time_zone().clone()).ok())
        .find(|due| *due > last)
}

/// The options of a worker that writes bills, on [`TASK_QUEUE`].
///
/// # Errors
/// Only if a workflow is registered twice, which cannot happen.
pub fn worker(books: &Books) -> Result<WorkerOptions, WorkflowRegistrationError> {
    let options = WorkerOptions::new(TASK_QUEUE)
        .deployment_options(WorkerDeploymentOptions::from_build_id("cron-billing".to_owned()))
        .register_workflow::<MonthlyBilling>()?
        .register_activities(Clerk { books: books.clone() })
        .build();
    Ok(options)
}

/// For a bill: 32 attempts within about a day. Then this run fails, and the next one makes up for it.
fn for_a_day() -> ActivityOptions {
    let policy = RetryPolicy::builder().maximum_interval(Duration::from_secs(60 * 60)).maximum_attempts(32).build();
    ActivityOptions::with_start_to_close_timeout(Duration::from_secs(60)).retry_policy(policy).build()
}

/// The activities.
#[derive(Clone, Debug)]
pub struct Clerk {
    /// What they act upon.
    pub books: Books,
}

#[activities]
impl Clerk {
    /// Writes a bill, once for its key.
    #[activity]
    pub async fn bill(self: Arc<Self>, ctx: ActivityContext, bill: Bill) -> Result<(), ActivityError> {
        self.books.bill(ctx.info().started_time.unwrap_or(SystemTime::UNIX_EPOCH), bill)
    }
}

/// The books that the bills are in. Clones are the same books.
#[derive(Clone, Debug, Default)]
pub struct Books {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    locked: bool,
    bills: Vec<(SystemTime, Bill)>,
}

impl Books {
    /// Locks the books, or opens them again. Nothing can be written into locked books.
    pub fn lock(&self, locked: bool) {
        self.state().locked = locked;
    }

    /// The bills, with the time of the request that wrote each.
    pub fn bills(&self) -> Vec<(SystemTime, Bill)> {
        self.state().bills.clone()
    }

    fn bill(&self, at: SystemTime, bill: Bill) -> Result<(), ActivityError> {
        if self.state().locked {
            return Err(ApplicationFailure::new("the books are locked").into());
        }
        effect("bill", &bill.customer).key(&bill.key).apply();
        let mut state = self.state();
        if state.bills.iter().all(|(_, known)| known.key != bill.key) {
            state.bills.push((at, bill));
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const CUSTOMER: &str = "ada";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What happens in a simulation.
#[derive(Clone, Debug)]
struct Year {
    /// When the customer comes.
    begins_after: Duration,
    /// When the books are locked, and for how long.
    locked_after: Duration,
    locked_for: Duration,
    /// When no further bill is waited for.
    over_after: Duration,
}

fn a_year() -> impl Strategy<Value = Year> {
    let over_after = span(DAY * 40).prop_map(|more| DAY * 370 + more);
    (span(DAY * 40), span(DAY * 250), span(DAY * 80), over_after).prop_map(
        |(begins_after, locked_after, locked_for, over_after)| Year { begins_after, locked_after, locked_for, over_after },
    )
}

/// A customer for a little more than a year, with books that are locked for a while. (Several customers would not affect each
/// other.) Whatever happens, each first of a month is billed once, in order, and not before nine.
///
/// # Errors
/// What did not hold.
pub async fn simulation(sim: Sim) -> foretime::Result {
    let start = sim.now();
    let books = Books::default();
    let at_work = books.clone();
    sim.workers(2, move |_| worker(&at_work));
    sim.faults(Faults::swarm());
    let year = sim.draw("year", a_year());
    let begun = begin(&sim, CUSTOMER, year.begins_after);
    let close_books = async {
        tokio::time::sleep(year.locked_after).await;
        books.lock(true);
        tokio::time::sleep(year.locked_for).await;
        books.lock(false);
    };
    let (begun, ()) = futures::future::join(begun, close_books).await;
    let year_over = start + year.over_after;
    tokio::time::sleep(year_over.duration_since(sim.now())?).await;
    // Bills that fall due at this moment are still written before everything ends.
    sim.stop_faults();
    tokio::time::sleep(DAY * 2).await;
    let billing = sim.client().get_workflow_handle::<MonthlyBilling>(format!("billing-{CUSTOMER}"));
    billing.terminate(WorkflowTerminateOptions::default()).await?;
    assert_is_billed(CUSTOMER, &books, begun?, year_over)?;
    sim.ledger().exactly_once_by_key()?;
    Ok(())
}

/// Starts the billing of a customer after a while. Returns when.
async fn begin(sim: &Sim, customer: &str, after: Duration) -> foretime::Result<SystemTime> {
    tokio::time::sleep(after).await;
    let begun_at = sim.now();
    let since_s = Timestamp::try_from(begun_at)?.as_second();
    let contract = Contract { customer: customer.to_owned(), price_cents: 2_999, since_s };
    let options = WorkflowStartOptions::new(TASK_QUEUE, format!("billing-{customer}")).cron_schedule(SCHEDULE.to_owned());
    sim.client().start_workflow(MonthlyBilling::run, contract, options.build()).await?;
    Ok(begun_at)
}

/// Each first from the beginning on must have its bill, in order. What fell due after `until` may have one.
fn assert_is_billed(customer: &str, books: &Books, begun_at: SystemTime, until: SystemTime) -> foretime::Result {
    let bills = books.bills().into_iter().filter(|(_, bill)| bill.customer == customer);
    let bills: Vec<(SystemTime, String)> = bills.map(|(at, bill)| (at, bill.month)).collect();
    let mut due = Vec::new();
    let begun_in = Timestamp::try_from(begun_at)?.in_tz(TIME_ZONE)?.date().first_of_month();
    for month in 0..24 {
        let first = begun_in.checked_add(month.months())?.at(HOUR, 0, 0, 0).in_tz(TIME_ZONE)?;
        if SystemTime::from(first.timestamp()) > begun_at {
            due.push((SystemTime::from(first.timestamp()), first.strftime("%Y-%m").to_string()));
        }
    }
    let months: Vec<&String> = bills.iter().map(|(_, month)| month).collect();
    assert!(months.iter().copied().eq(due.iter().map(|(_, month)| month).take(months.len())), "{customer}: {months:?}");
    let must = due.iter().filter(|(at, _)| *at <= until).count();
    assert!(months.len() >= must, "{customer} has bills for {months:?}, but not for all of {:?}", &due[..must]);
    for ((at, _), (due_at, _)) in bills.iter().zip(&due) {
        foretime::always!(at >= due_at, "no bill is written before it is due");
        let late = at.duration_since(*due_at).unwrap_or_default();
        foretime::sometimes!(late > Duration::from_secs(20 * 24 * 60 * 60), "a month that was missed is billed later");
    }
    Ok(())
}
