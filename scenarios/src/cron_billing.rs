//! Billing by cron: on the first of each month at 9:00 in Berlin, over a year with daylight saving. This shows a workflow
//! with a cron schedule, and a result that one run leaves to the next.
//!
//! The trap is the month that was missed: when all workers are down over the first, or a run fails, the schedule does not
//! make up for it. So a run bills every month that fell due since the last one billed, which it knows from the result of
//! the last run that had one, and each bill has its month in its key.

#![expect(missing_docs, reason = "the SDK's macros write constants without a docstring")]

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use foretime::effect;
use jiff::{Timestamp, ToSpan, Zoned, civil::Time, tz::TimeZone};
use serde::{Deserialize, Serialize};
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

/// The task queue on which bills are written.
pub const TASK_QUEUE: &str = "billing";
/// When: goes into `WorkflowStartOptions::cron_schedule`.
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
}

/// What a run leaves to the next.
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
        let start = ctx.start_time().and_then(|start| Timestamp::try_from(start).ok()).unwrap_or_default();
        let statement = last_statement(ctx).unwrap_or(Statement { billed_until_s: start.as_second(), months: 0 });
        Self { contract, statement }
    }

    /// Writes the bill of this month, and of those that were missed.
    #[run]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<Statement> {
        // Asked again after each bill: the next month may have begun before this one's was written.
        while let Some(due) = Self::next_due(ctx) {
            let Contract { customer, price_cents } = ctx.state(|this| this.contract.clone());
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

/// The result of the last run of this workflow that had one: the SDK hands it on undecoded.
fn last_statement(ctx: &WorkflowContextView) -> Option<Statement> {
    let payloads = ctx.raw().last_completion_result.clone()?.payloads;
    let converter = PayloadConverter::default();
    let workflow = SerializationContextData::Workflow(WorkflowSerializationContext::new());
    converter.from_payloads(&SerializationContext::new(&workflow, &converter), payloads).ok()
}

/// The first time of [`SCHEDULE`] after this one. No clock is read, and the zones are those compiled in: a replay by the
/// same build comes to the same.
fn first_due_after(last: Timestamp) -> Option<Zoned> {
    let last = last.to_zoned(TimeZone::get(TIME_ZONE).ok()?);
    let this_month = last.first_of_month().ok()?;
    [this_month.clone(), this_month.checked_add(1.month()).ok()?]
        .into_iter()
        .filter_map(|first| first.date().to_datetime(Time::constant(HOUR, 0, 0, 0)).to_zoned(first.time_zone().clone()).ok())
        .find(|due| *due > last)
}

/// What makes a worker write bills, on [`TASK_QUEUE`].
///
/// # Errors
/// None that can happen: a workflow registered twice.
pub fn worker(books: &Books) -> Result<WorkerOptions, WorkflowRegistrationError> {
    let options = WorkerOptions::new(TASK_QUEUE)
        .deployment_options(WorkerDeploymentOptions::from_build_id("cron-billing".to_owned()))
        .register_workflow::<MonthlyBilling>()?
        .register_activities(Clerk { books: books.clone() })
        .build();
    Ok(options)
}

/// For a bill: 32 attempts within about a day, then this run fails, and the next one makes up for it.
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
    /// Locks the books, or opens them again; nothing can be written into locked ones.
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
