//! An account that lives on updates: money comes in and goes out at the counter, and everybody hears the balance. A payment
//! that the account does not cover is refused by a validator. After a few entries the account continues as new, once every
//! payment that has begun is made.
//!
//! The trap is the handler of a payment, which waits for an activity: the money must be set aside before it waits, and the run
//! must not end while it does.

#![expect(missing_docs, reason = "the SDK's macros write constants without a docstring")]

use std::{
    collections::BTreeMap,
    error::Error,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use foretime::{ActivityFaults, Faults, Sim, effect};
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use temporalio_client::{
    Client, WorkflowExecuteUpdateOptions, WorkflowGetResultOptions, WorkflowHandle, WorkflowSignalOptions,
    WorkflowStartOptions, errors::WorkflowUpdateError, tonic::Code,
};
use temporalio_common::{RetryPolicy, worker::WorkerDeploymentOptions};
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::{
    ActivityOptions, ContinueAsNewOptions, SyncWorkflowContext, WorkerOptions, WorkflowContext, WorkflowContextView,
    WorkflowRegistrationError, WorkflowResult,
    activities::{ActivityContext, ActivityError},
};

use crate::people::Dice;

/// The task queue on which accounts are kept.
pub const TASK_QUEUE: &str = "accounts";
/// A run with so many entries continues as new.
pub const ENTRIES_MAX: usize = 4;
/// The time between two visits of a customer, at most.
const BETWEEN_VISITS: Duration = Duration::from_secs(60 * 60);
/// How long a customer waits until they ask again.
const BEFORE_ANOTHER_TRY: Duration = Duration::from_secs(10);

/// What a run begins with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// The balance, in cents.
    pub balance_cents: i64,
}

/// Money that goes out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Names the payment.
    pub key: String,
    /// How much, in cents.
    pub cents: i64,
}

/// The workflow.
#[workflow]
pub struct Account {
    balance_cents: i64,
    entries: usize,
    is_closed: bool,
}

#[workflow_methods]
impl Account {
    #[init]
    fn new(_ctx: &WorkflowContextView, opening: Opening) -> Self {
        Self { balance_cents: opening.balance_cents, entries: 0, is_closed: false }
    }

    /// Until the account is closed. Returns the balance, in cents.
    #[run]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<i64> {
        ctx.wait_condition(|this| this.is_closed || this.entries >= ENTRIES_MAX).await?;
        while !ctx.all_handlers_finished() {
            ctx.timer(Duration::from_secs(1)).await;
        }
        let (balance_cents, is_closed) = ctx.state(|this| (this.balance_cents, this.is_closed));
        if is_closed {
            return Ok(balance_cents);
        }
        match ctx.continue_as_new(Opening { balance_cents }, ContinueAsNewOptions::default())? {}
    }

    /// Money comes in. Returns the balance, in cents.
    #[update]
    pub fn pay_in(&mut self, _ctx: &mut SyncWorkflowContext<Self>, cents: i64) -> i64 {
        self.entries += 1;
        self.balance_cents += cents;
        self.balance_cents
    }

    /// Money goes out. Returns the balance, in cents; none if the payment was not made.
    #[update]
    pub async fn pay_out(ctx: &mut WorkflowContext<Self>, payment: Payment) -> Option<i64> {
        ctx.state_mut(|this| {
            this.entries += 1;
            this.balance_cents -= payment.cents;
        });
        let policy = RetryPolicy::builder().maximum_interval(Duration::from_secs(60)).build();
        let options = ActivityOptions::with_start_to_close_timeout(Duration::from_secs(30)).retry_policy(policy).build();
        ctx.execute_activity(Counter::hand_over, payment, options).await.ok()?;
        Some(ctx.state(|this| this.balance_cents))
    }

    /// Nobody takes more than there is.
    #[update_validator(pay_out)]
    fn check_pay_out(&self, _ctx: &WorkflowContextView, payment: &Payment) -> Result<(), Box<dyn Error + Send + Sync>> {
        if payment.cents > self.balance_cents {
            return Err(format!("{} is more than {}", payment.cents, self.balance_cents).into());
        }
        Ok(())
    }

    /// The account is to be closed.
    #[signal]
    pub fn close(&mut self, _ctx: &mut SyncWorkflowContext<Self>) {
        self.is_closed = true;
    }
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

/// A few customers share an account, pay in and take out. Whatever happens, the balance is what came in less what was handed
/// over, each payment is handed over once, and nobody takes more than there is.
///
/// # Errors
/// What did not hold.
pub async fn simulation(sim: Sim) -> foretime::Result {
    let mut dice = Dice::of(&sim);
    let till = Till::default();
    let at_work = till.clone();
    sim.workers(2, move |_| worker(&at_work));
    let slow = ActivityFaults::default().slow(0.3, Duration::from_millis(500)..=Duration::from_secs(40));
    sim.faults(Faults::swarm().activity("Counter::hand_over", slow.fails(0.1)));
    let options = WorkflowStartOptions::new(TASK_QUEUE, "account").build();
    sim.client().start_workflow(Account::run, Opening::default(), options).await?;
    let names = dice.few_of(&["ada", "bob", "eve"]);
    let customers: Vec<Customer> = names.iter().map(|name| Customer::draw(name, &mut dice)).collect();
    let told = try_join_all(customers.iter().map(|customer| customer.comes_and_goes(&sim))).await?;
    let account = sim.client().get_workflow_handle::<Account>("account");
    account.signal(Account::close, (), WorkflowSignalOptions::default()).await?;
    let balance_cents = account.get_result(WorkflowGetResultOptions::default()).await?;
    let (cents_in, cents_out) = told.iter().fold((0, 0), |(cents_in, cents_out), told| (cents_in + told.0, cents_out + told.1));
    foretime::always!(balance_cents == cents_in - cents_out, "the balance is what came in less what went out");
    foretime::always!(till.cents_out() == cents_out, "what is told to be handed over is");
    foretime::always!(balance_cents >= 0, "nobody takes more than there is");
    sim.ledger().exactly_once_by_key()?;
    Ok(())
}

type Handle = WorkflowHandle<Client, Account>;

/// A customer of the simulation: what they do, and how long after the act before.
struct Customer {
    name: &'static str,
    does: Vec<(Duration, i64)>,
}

impl Customer {
    fn draw(name: &'static str, dice: &mut Dice) -> Self {
        let act = |dice: &mut Dice| {
            let cents = 100 * (1 + i64::try_from(dice.below(9)).unwrap_or_default());
            (dice.span(BETWEEN_VISITS), if dice.once_in(2) { cents } else { -cents })
        };
        let count = 1 + dice.below(4);
        Self { name, does: (0..count).map(|_| act(dice)).collect() }
    }

    /// Returns what came in and what went out, in cents.
    async fn comes_and_goes(&self, sim: &Sim) -> foretime::Result<(i64, i64)> {
        let account = sim.client().get_workflow_handle::<Account>("account");
        let (mut cents_in, mut cents_out) = (0, 0);
        for (number, (after, cents)) in self.does.iter().enumerate() {
            tokio::time::sleep(*after).await;
            let key = format!("{}/{number}", self.name);
            let told = self.does_one(&account, &key, *cents).await?;
            match told {
                Some(_) if *cents > 0 => cents_in += cents,
                Some(_) => cents_out -= cents,
                None => {}
            }
        }
        Ok((cents_in, cents_out))
    }

    /// Returns the balance; none if the account does not cover the payment. An account whose worker is in trouble is asked
    /// again, under the same id.
    async fn does_one(&self, account: &Handle, key: &str, cents: i64) -> foretime::Result<Option<i64>> {
        loop {
            let options = WorkflowExecuteUpdateOptions::builder().update_id(key.to_owned()).build();
            let told = if cents > 0 {
                account.execute_update(Account::pay_in, cents, options).await.map(Some)
            } else {
                let payment = Payment { key: key.to_owned(), cents: -cents };
                account.execute_update(Account::pay_out, payment, options).await
            };
            match told {
                Err(WorkflowUpdateError::Failed(_)) => return Ok(None),
                Err(WorkflowUpdateError::Rpc(status)) if status.code() == Code::FailedPrecondition => {
                    tokio::time::sleep(BEFORE_ANOTHER_TRY).await;
                }
                told => return Ok(told?),
            }
        }
    }
}
