//! An account that lives on updates: money comes in and goes out at the counter, and everybody hears the balance. The first
//! payment opens the account. A payment that the account does not cover is refused by a validator. After a few entries the
//! account continues as new, once every payment that has begun is made.
//!
//! An update's id counts within one run only: a customer who missed the answer may ask the next run. So each run hands on what
//! was paid.
//!
//! The trap is the handler of a payment, which waits for an activity: the money must be set aside before it waits, and the run
//! must not end while it does. [`broken`] shows what else goes wrong with updates.

#![expect(missing_docs, reason = "the SDK's macros write constants without a docstring")]

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use foretime::effect;
use serde::{Deserialize, Serialize};
use temporalio_common::{RetryPolicy, worker::WorkerDeploymentOptions};
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::{
    ActivityOptions, ContinueAsNewOptions, SyncWorkflowContext, WorkerOptions, WorkflowContext, WorkflowContextView,
    WorkflowRegistrationError, WorkflowResult,
    activities::{ActivityContext, ActivityError},
};

pub mod broken;
mod simulation;

pub use simulation::{
    simulation, simulation_of_hasty_customers, simulation_of_reserving_validator, simulation_of_unfinished_handlers,
};

/// The task queue on which accounts are kept.
pub const TASK_QUEUE: &str = "accounts";
/// A run with so many entries continues as new.
pub const ENTRIES_MAX: usize = 4;
/// How a validator says no.
const NOT_COVERED: &str = "is more than there is";

/// What a run begins with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// The balance, in cents.
    pub balance_cents: i64,
    /// The keys of the payments that earlier runs made.
    pub paid: BTreeSet<String>,
}

/// Money that comes in or goes out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Names the payment.
    pub key: String,
    /// How much, in cents.
    pub cents: i64,
}

/// What a run knows of the account.
#[derive(Debug)]
struct Book {
    balance_cents: i64,
    /// The keys of the payments that earlier runs made.
    paid: BTreeSet<String>,
    /// The keys of those that this run has begun.
    begun: Vec<String>,
}

impl Book {
    fn open(Opening { balance_cents, paid }: Opening) -> Self {
        Self { balance_cents, paid, begun: Vec::new() }
    }

    /// Enters a payment. Returns whether it is to be made.
    fn enter(&mut self, payment: &Payment) -> bool {
        self.begun.push(payment.key.clone());
        self.is_new(payment)
    }

    /// Whether no earlier run has made it.
    fn is_new(&self, payment: &Payment) -> bool {
        !self.paid.contains(&payment.key)
    }

    /// Money comes in. Returns the balance, in cents.
    fn pay_in(&mut self, payment: &Payment) -> i64 {
        if self.enter(payment) {
            self.balance_cents += payment.cents;
        }
        self.balance_cents
    }

    /// Sets the money aside. Returns whether it is to be handed over.
    fn set_aside(&mut self, payment: &Payment) -> bool {
        let is_new = self.enter(payment);
        if is_new {
            self.balance_cents -= payment.cents;
        }
        is_new
    }

    /// Refuses a payment that is more than there is.
    fn check(&self, payment: &Payment) -> Result<(), Box<dyn Error + Send + Sync>> {
        if self.is_new(payment) && payment.cents > self.balance_cents { Err(NOT_COVERED.into()) } else { Ok(()) }
    }

    fn is_full(&self) -> bool {
        self.begun.len() >= ENTRIES_MAX
    }

    /// What the next run begins with.
    fn hand_on(&self) -> Opening {
        let paid = self.paid.iter().chain(&self.begun).cloned().collect();
        Opening { balance_cents: self.balance_cents, paid }
    }
}

/// The workflow.
#[workflow]
pub struct Account {
    book: Book,
    is_closed: bool,
}

#[workflow_methods]
impl Account {
    #[init]
    fn new(_ctx: &WorkflowContextView, opening: Opening) -> Self {
        Self { book: Book::open(opening), is_closed: false }
    }

    /// Until the account is closed. Returns the balance, in cents.
    #[run(name = "Account")]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<i64> {
        ctx.wait_condition(|this| this.is_closed || this.book.is_full()).await?;
        while !ctx.all_handlers_finished() {
            ctx.timer(Duration::from_secs(1)).await;
        }
        let (next, is_closed) = ctx.state(|this| (this.book.hand_on(), this.is_closed));
        if is_closed {
            return Ok(next.balance_cents);
        }
        match ctx.continue_as_new(next, ContinueAsNewOptions::default())? {}
    }

    /// Money comes in. Returns the balance, in cents.
    #[update]
    pub fn pay_in(&mut self, _ctx: &mut SyncWorkflowContext<Self>, payment: Payment) -> i64 {
        self.book.pay_in(&payment)
    }

    /// Money goes out. Returns the balance, in cents; none if the payment was not made.
    #[update]
    pub async fn pay_out(ctx: &mut WorkflowContext<Self>, payment: Payment) -> Option<i64> {
        if ctx.state_mut(|this| this.book.set_aside(&payment)) {
            ctx.execute_activity(Counter::hand_over, payment, until_handed_over()).await.ok()?;
        }
        Some(ctx.state(|this| this.book.balance_cents))
    }

    /// Nobody takes more than there is.
    #[update_validator(pay_out)]
    fn check_pay_out(&self, _ctx: &WorkflowContextView, payment: &Payment) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.book.check(payment)
    }

    /// The bank pays interest.
    #[signal]
    pub fn interest(&mut self, _ctx: &mut SyncWorkflowContext<Self>, cents: i64) {
        self.book.balance_cents += cents;
    }

    /// The account is to be closed.
    #[signal]
    pub fn close(&mut self, _ctx: &mut SyncWorkflowContext<Self>) {
        self.is_closed = true;
    }
}

/// Half a minute for each attempt, at most a minute between attempts, no limit of attempts.
fn until_handed_over() -> ActivityOptions {
    let policy = RetryPolicy::builder().maximum_interval(Duration::from_secs(60)).build();
    ActivityOptions::with_start_to_close_timeout(Duration::from_secs(30)).retry_policy(policy).build()
}

/// The options of a worker that keeps accounts, on [`TASK_QUEUE`].
///
/// # Errors
/// Only if a workflow is registered twice, which cannot happen.
pub fn worker(till: &Till) -> Result<WorkerOptions, WorkflowRegistrationError> {
    let options = WorkerOptions::new(TASK_QUEUE)
        .deployment_options(WorkerDeploymentOptions::from_build_id("accounts".to_owned()))
        .register_workflow::<Account>()?
        .register_activities(Counter { till: till.clone() })
        .build();
    Ok(options)
}

/// The activities.
#[derive(Clone, Debug)]
pub struct Counter {
    /// What they act upon.
    pub till: Till,
}

#[activities]
impl Counter {
    /// Hands money over, once for a key.
    #[activity]
    pub async fn hand_over(self: Arc<Self>, _ctx: ActivityContext, payment: Payment) -> Result<(), ActivityError> {
        self.till.hand_over(&payment);
        Ok(())
    }
}

/// Where the money is. Clones are the same till.
#[derive(Clone, Debug, Default)]
pub struct Till {
    handed_over: Arc<Mutex<BTreeMap<String, i64>>>,
}

impl Till {
    fn hand_over(&self, payment: &Payment) {
        if self.state().insert(payment.key.clone(), payment.cents).is_none() {
            effect("hand over", payment.cents.to_string()).key(&payment.key).apply();
        }
    }

    /// How much has been handed over, in cents.
    fn cents_out(&self) -> i64 {
        self.state().values().sum()
    }

    fn state(&self) -> MutexGuard<'_, BTreeMap<String, i64>> {
        self.handed_over.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
