//! A transfer: withdraws from one account and deposits to another. If the deposit is refused, the money is given back. This
//! shows idempotency keys: money is neither made nor lost, whatever crashes. [`broken`] shows the same without keys.
//!
//! Two rules make it right. First, a refusal is an answer, but a failure is not: after a failure nobody knows whether the money
//! moved, so the same request is repeated until there is an answer. Second, the [`Bank`] always answers a key as it did the
//! first time, even with a refusal. So a late attempt cannot deposit what was given back meanwhile.

#![expect(missing_docs, reason = "the SDK's macros write constants without a docstring")]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use foretime::effect;
use serde::{Deserialize, Serialize};
use temporalio_common::{
    ActivityDefinition, RetryPolicy, data_converters::TemporalDeserializable, worker::WorkerDeploymentOptions,
};
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::{
    ActivityOptions, ApplicationFailure, TimerOptions, WorkerOptions, WorkflowCancellationToken, WorkflowContext,
    WorkflowContextView, WorkflowRegistrationError, WorkflowResult,
    activities::{ActivityContext, ActivityError},
};

mod simulation;

pub use simulation::{simulation, simulation_of_broken};

/// The task queue on which transfers are served.
pub const TASK_QUEUE: &str = "transfers";

/// What to move. The transfer's id is the workflow's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The account that pays.
    pub from: String,
    /// The account that gets it.
    pub to: String,
    /// How much, in cents.
    pub amount_cents: u64,
}

/// How a transfer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The money is where it should be.
    Done,
    /// Nothing was withdrawn, for this reason.
    NotWithdrawn(Refusal),
    /// The money is back where it was, for this reason.
    GivenBack(Refusal),
}

/// Why the bank does not move money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// There is no such account, or it was closed.
    NoAccount,
    /// There is not enough on it.
    NotEnough,
}

/// A request to the bank.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Booking {
    /// Names the booking.
    pub key: String,
    /// The account.
    pub account: String,
    /// How much, in cents.
    pub amount_cents: u64,
}

/// The bank's answer: a refusal is one too.
pub type Answer = Result<(), Refusal>;

/// The workflow. Once begun it runs to its end: it ignores a cancellation, because half a transfer is none.
#[workflow]
pub struct Transfer {
    order: Order,
}

#[workflow_methods]
impl Transfer {
    #[init]
    fn new(_ctx: &WorkflowContextView, order: Order) -> Self {
        Self { order }
    }

    /// From one account to the other, or not at all.
    #[run]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<Outcome> {
        let (from, to) = ctx.state(|this| (this.order.from.clone(), this.order.to.clone()));
        if let Err(refusal) = Self::answer(ctx, || Teller::withdraw, Self::booking(ctx, "withdraw", &from)).await {
            return Ok(Outcome::NotWithdrawn(refusal));
        }
        if let Err(refusal) = Self::answer(ctx, || Teller::deposit, Self::booking(ctx, "deposit", &to)).await {
            Self::answer(ctx, || Teller::give_back, Self::booking(ctx, "give back", &from)).await;
            return Ok(Outcome::GivenBack(refusal));
        }
        Ok(Outcome::Done)
    }

    /// Asks until there is an answer. Any failure of the activity leaves open whether the money moved.
    async fn answer<A>(ctx: &WorkflowContext<Self>, activity: fn() -> A, booking: Booking) -> A::Output
    where
        A: ActivityDefinition<Input = Booking, Output: TemporalDeserializable>,
    {
        loop {
            if let Ok(answer) = ctx.execute_activity(activity(), booking.clone(), until_answered()).await {
                return answer;
            }
            let a_minute = TimerOptions::builder(Duration::from_secs(60)).cancellation_token(WorkflowCancellationToken::new());
            ctx.timer(a_minute.build()).await;
        }
    }

    fn booking(ctx: &WorkflowContext<Self>, what: &str, account: &str) -> Booking {
        Booking {
            key: format!("{}/{what}", ctx.workflow_id()),
            account: account.to_owned(),
            amount_cents: ctx.state(|this| this.order.amount_cents),
        }
    }
}

/// The options of a worker that serves transfers, on [`TASK_QUEUE`].
///
/// # Errors
/// Only if a workflow is registered twice, which cannot happen.
pub fn worker(bank: &Bank) -> Result<WorkerOptions, WorkflowRegistrationError> {
    let options = WorkerOptions::new(TASK_QUEUE)
        .deployment_options(WorkerDeploymentOptions::from_build_id("transfer".to_owned()))
        .register_workflow::<Transfer>()?
        .register_activities(Teller { bank: bank.clone() })
        .build();
    Ok(options)
}

/// Half a minute for each attempt, at most a minute between attempts, no limit of attempts. Not cancelled with the workflow.
fn until_answered() -> ActivityOptions {
    let policy = RetryPolicy::builder().maximum_interval(Duration::from_secs(60)).build();
    ActivityOptions::with_start_to_close_timeout(Duration::from_secs(30))
        .retry_policy(policy)
        .cancellation_token(WorkflowCancellationToken::new())
        .build()
}

/// The activities: each is one request to the bank.
#[derive(Clone, Debug)]
pub struct Teller {
    /// What they act upon.
    pub bank: Bank,
}

#[activities]
impl Teller {
    /// Takes money from an account, once for its key.
    #[activity]
    pub async fn withdraw(self: Arc<Self>, _ctx: ActivityContext, booking: Booking) -> Result<Answer, ActivityError> {
        self.bank.book(Kind::Withdraw, Some(&booking.key), &booking)
    }

    /// Puts money on an account, once for its key.
    #[activity]
    pub async fn deposit(self: Arc<Self>, _ctx: ActivityContext, booking: Booking) -> Result<Answer, ActivityError> {
        self.bank.book(Kind::Deposit, Some(&booking.key), &booking)
    }

    /// Reverses a withdrawal, once for its key. The bank never refuses that, even for a closed account.
    #[activity]
    pub async fn give_back(self: Arc<Self>, _ctx: ActivityContext, booking: Booking) -> Result<(), ActivityError> {
        self.bank.book(Kind::GiveBack, Some(&booking.key), &booking).map(|_| ())
    }
}

/// The bug: activities of the same names that do not pass on the key. Each attempt is a booking of its own.
pub mod broken {
    use super::*;

    /// A worker with the same workflow, and these activities.
    ///
    /// # Errors
    /// Only if a workflow is registered twice, which cannot happen.
    pub fn worker(bank: &Bank) -> Result<WorkerOptions, WorkflowRegistrationError> {
        let options = WorkerOptions::new(TASK_QUEUE)
            .deployment_options(WorkerDeploymentOptions::from_build_id("transfer-without-keys".to_owned()))
            .register_workflow::<Transfer>()?
            .register_activities(Teller { bank: bank.clone() })
            .build();
        Ok(options)
    }

    /// The activities, under the same names.
    #[derive(Clone, Debug)]
    pub struct Teller {
        /// What they act upon.
        pub bank: Bank,
    }

    #[activities]
    impl Teller {
        /// Takes money from an account, as often as it is called.
        #[activity]
        pub async fn withdraw(self: Arc<Self>, _ctx: ActivityContext, booking: Booking) -> Result<Answer, ActivityError> {
            self.bank.book(Kind::Withdraw, None, &booking)
        }

        /// Puts money on an account, as often as it is called.
        #[activity]
        pub async fn deposit(self: Arc<Self>, _ctx: ActivityContext, booking: Booking) -> Result<Answer, ActivityError> {
            self.bank.book(Kind::Deposit, None, &booking)
        }

        /// Reverses a withdrawal, as often as it is called.
        #[activity]
        pub async fn give_back(self: Arc<Self>, _ctx: ActivityContext, booking: Booking) -> Result<(), ActivityError> {
            self.bank.book(Kind::GiveBack, None, &booking).map(|_| ())
        }
    }
}

/// A bank. Clones are the same bank.
#[derive(Clone, Debug, Default)]
pub struct Bank {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    balances_cents: BTreeMap<String, u64>,
    closed: BTreeSet<String>,
    answers: BTreeMap<String, Answer>,
    replies_to_lose: BTreeMap<Kind, u32>,
}

/// A kind of booking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Money leaves an account.
    Withdraw,
    /// Money comes to an account.
    Deposit,
    /// A withdrawal is reversed.
    GiveBack,
}

impl Bank {
    /// Opens an account with this much on it.
    pub fn open(&self, account: &str, balance_cents: u64) {
        self.state().balances_cents.insert(account.to_owned(), balance_cents);
    }

    /// Closes an account: withdrawals and deposits are refused from now on.
    pub fn close(&self, account: &str) {
        self.state().closed.insert(account.to_owned());
    }

    /// The replies to the next requests of this kind get lost, whatever those do.
    pub fn lose_replies(&self, kind: Kind, requests: u32) {
        self.state().replies_to_lose.insert(kind, requests);
    }

    /// What is on an account, in cents.
    pub fn balance_cents(&self, account: &str) -> u64 {
        self.state().balances_cents.get(account).copied().unwrap_or_default()
    }

    /// What is on all accounts together, in cents.
    pub fn total_cents(&self) -> u64 {
        self.state().balances_cents.values().sum()
    }

    fn book(&self, kind: Kind, key: Option<&str>, booking: &Booking) -> Result<Answer, ActivityError> {
        let answer = self.state().answer(kind, key, booking);
        if answer.is_ok() {
            kind.record(key, &booking.account);
        }
        match self.state().replies_to_lose.get_mut(&kind).filter(|left| **left > 0) {
            Some(left) => {
                *left -= 1;
                Err(ApplicationFailure::new("the reply was lost").into())
            }
            None => Ok(answer),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn answer(&mut self, kind: Kind, key: Option<&str>, booking: &Booking) -> Answer {
        let Some(key) = key else { return self.book(kind, booking) };
        if let Some(known) = self.answers.get(key) {
            return *known;
        }
        let answer = self.book(kind, booking);
        self.answers.insert(key.to_owned(), answer);
        answer
    }

    fn book(&mut self, kind: Kind, Booking { account, amount_cents, .. }: &Booking) -> Answer {
        if kind != Kind::GiveBack && self.closed.contains(account) {
            return Err(Refusal::NoAccount);
        }
        let balance_cents = self.balances_cents.get_mut(account).ok_or(Refusal::NoAccount)?;
        *balance_cents = match kind {
            Kind::Withdraw => balance_cents.checked_sub(*amount_cents).ok_or(Refusal::NotEnough)?,
            Kind::Deposit | Kind::GiveBack => *balance_cents + amount_cents,
        };
        Ok(())
    }
}

impl Kind {
    fn record(self, key: Option<&str>, account: &str) {
        let kind = match self {
            Self::Withdraw => "withdraw",
            Self::Deposit => "deposit",
            Self::GiveBack => "give back",
        };
        let effect = effect(kind, account);
        match key {
            Some(key) => effect.key(key).apply(),
            None => effect.apply(),
        };
    }
}
