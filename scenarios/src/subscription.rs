//! A subscription: 29.99 when it starts and after every 30 days, for a year. The payment gateway is flaky, the customer may
//! cancel at any time, and the price was changed while subscriptions were running. It is a year of sleeping, retrying and
//! waiting in one `async fn`: this is what Temporal is for, and what nobody wants to wait for in a test.
//!
//! [`Subscription`] is the workflow: it decides and touches nothing. [`Billing`] holds the activities: they touch the world
//! ([`Outside`]), and may fail and be repeated. That is why a charge carries an idempotency key. `tests/subscription.rs` shows
//! how to test all of it within milliseconds; [`simulation`] is a year of some customers in which anything may go wrong.

#![expect(missing_docs, reason = "the SDK's macros write constants without a docstring")]

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use foretime::{
    Applied, Faults, Sim,
    proptest::{collection::vec, option, prelude::Strategy, sample::select},
};
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use temporalio_client::{WorkflowGetResultOptions, WorkflowSignalOptions, WorkflowStartOptions};
use temporalio_common::{RetryPolicy, worker::WorkerDeploymentOptions};
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::{
    ActivityExecutionError, ActivityOptions, CancellableFuture, SyncWorkflowContext, WorkerOptions, WorkflowContext,
    WorkflowContextView, WorkflowRegistrationError, WorkflowResult,
    activities::{ActivityContext, ActivityError},
    workflows::select,
};

use crate::{
    outside::{Charge, Event, Fault, Letter, Outside},
    people::{few_named, in_time, moment, span},
};

/// The task queue on which subscriptions are served.
pub const TASK_QUEUE: &str = "subscriptions";
/// How often a subscription is renewed.
pub const RENEWALS: u32 = 12;
/// How long a month is.
pub const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// The month after which loyalty is rewarded, and by how much.
pub const LOYALTY_AFTER_MONTH: u32 = 6;
/// See [`LOYALTY_AFTER_MONTH`].
pub const LOYALTY_DISCOUNT_CENTS: u64 = 500;

/// What the customer signed up for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// Who pays.
    pub customer: String,
    /// The price of a month, in cents.
    pub price_cents: u64,
}

impl Plan {
    /// The usual plan: 29.99 a month.
    pub fn standard(customer: &str) -> Self {
        Self { customer: customer.to_owned(), price_cents: 2_999 }
    }
}

/// The state of a subscription: the answer to the query `status`, and the workflow's result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Whether it goes on, or why not.
    pub state: State,
    /// How many charges went through.
    pub charges: u32,
    /// Their sum, in cents.
    pub paid_cents: u64,
}

/// Whether a subscription goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It goes on.
    Active,
    /// The customer cancelled it.
    Cancelled,
    /// The year is over.
    Completed,
    /// The money could not be taken: a human decides.
    Escalated,
}

/// The workflow.
#[workflow]
pub struct Subscription {
    plan: Plan,
    status: Status,
    cancel_requested: bool,
}

#[workflow_methods]
impl Subscription {
    #[init]
    fn new(_ctx: &WorkflowContextView, plan: Plan) -> Self {
        let status = Status { state: State::Active, charges: 0, paid_cents: 0 };
        Self { plan, status, cancel_requested: false }
    }

    /// A year in the life of a subscription.
    #[run]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<Status> {
        for month in 0..=RENEWALS {
            if month > 0 && Self::cancelled_within_a_month(ctx).await? {
                return Ok(Self::end(ctx, State::Cancelled));
            }
            match Self::charge(ctx, month).await {
                Ok(()) => {}
                Err(ActivityExecutionError::Failed(_)) => {
                    let letter = Self::letter(ctx, format!("the charge for month {month} does not go through"));
                    ctx.execute_activity(Billing::escalate, letter, a_minute()).await?;
                    return Ok(Self::end(ctx, State::Escalated));
                }
                Err(other) => return Err(other.into()),
            }
            if month == 0 {
                let letter = Self::letter(ctx, "welcome".to_owned());
                ctx.execute_activity(Billing::send_email, letter, a_minute()).await?;
            }
        }
        Ok(Self::end(ctx, State::Completed))
    }

    /// The customer leaves. A charge under way is completed; no other follows.
    #[signal]
    pub fn cancel(&mut self, _ctx: &mut SyncWorkflowContext<Self>) {
        self.cancel_requested = true;
    }

    /// Where the subscription stands.
    #[query]
    pub fn status(&self, _ctx: &WorkflowContextView) -> Status {
        self.status.clone()
    }

    async fn cancelled_within_a_month(ctx: &WorkflowContext<Self>) -> WorkflowResult<bool> {
        let mut month = ctx.timer(MONTH);
        let cancelled = select! {
            cancelled = ctx.wait_condition(|this| this.cancel_requested) => { cancelled?; true }
            _ = &mut month => false
        };
        if cancelled {
            month.cancel();
        }
        Ok(cancelled)
    }

    async fn charge(ctx: &WorkflowContext<Self>, month: u32) -> Result<(), ActivityExecutionError> {
        let amount_cents = Self::price_cents(ctx, month);
        let charge = Charge {
            idempotency_key: format!("{}/{month}", ctx.workflow_id()),
            customer: ctx.state(|this| this.plan.customer.clone()),
            amount_cents,
        };
        ctx.execute_activity(Billing::charge, charge, patiently()).await?;
        ctx.state_mut(|this| {
            this.status.charges += 1;
            this.status.paid_cents += amount_cents;
        });
        Ok(())
    }

    /// A loyal customer pays less from the seventh month on. The discount came when subscriptions were already running. One
    /// that the old code has charged for its seventh month keeps the old price. `patched` makes sure of that, so its history
    /// still replays.
    fn price_cents(ctx: &WorkflowContext<Self>, month: u32) -> u64 {
        let full_price_cents = ctx.state(|this| this.plan.price_cents);
        if month > LOYALTY_AFTER_MONTH && ctx.patched("loyalty-discount") {
            full_price_cents - LOYALTY_DISCOUNT_CENTS
        } else {
            full_price_cents
        }
    }

    fn letter(ctx: &WorkflowContext<Self>, text: String) -> Letter {
        Letter { customer: ctx.state(|this| this.plan.customer.clone()), text }
    }

    fn end(ctx: &WorkflowContext<Self>, state: State) -> Status {
        ctx.state_mut(|this| {
            this.status.state = state;
            this.status.clone()
        })
    }
}

/// The options of a worker that serves subscriptions, on [`TASK_QUEUE`].
///
/// # Errors
/// Only if a workflow is registered twice, which cannot happen.
pub fn worker(outside: &Arc<Outside>) -> Result<WorkerOptions, WorkflowRegistrationError> {
    let options = WorkerOptions::new(TASK_QUEUE)
        // Set explicitly; otherwise the SDK would read the whole executable to make a build id, which takes a tenth of a
        // second.
        .deployment_options(WorkerDeploymentOptions::from_build_id("loyalty-discount".to_owned()))
        .register_workflow::<Subscription>()?
        .register_activities(Billing { outside: outside.clone() })
        .build();
    Ok(options)
}

/// For a charge: five attempts, 2, 4, 8 and 16 seconds apart.
pub fn patiently() -> ActivityOptions {
    let policy =
        RetryPolicy::builder().initial_interval(Duration::from_secs(2)).backoff_coefficient(2.0).maximum_attempts(5).build();
    ActivityOptions::with_start_to_close_timeout(Duration::from_secs(60)).retry_policy(policy).build()
}

/// For everything else: a minute for each attempt, and no limit of attempts.
pub fn a_minute() -> ActivityOptions {
    ActivityOptions::start_to_close_timeout(Duration::from_secs(60))
}

/// The activities: the workflow's hands.
#[derive(Clone, Debug)]
pub struct Billing {
    /// What they act upon.
    pub outside: Arc<Outside>,
}

#[activities]
impl Billing {
    /// Takes the money, once for each idempotency key.
    #[activity]
    pub async fn charge(self: Arc<Self>, ctx: ActivityContext, charge: Charge) -> Result<(), ActivityError> {
        Ok(self.outside.charge(now(&ctx), charge)?)
    }

    /// Writes to the customer.
    #[activity]
    pub async fn send_email(self: Arc<Self>, ctx: ActivityContext, letter: Letter) -> Result<(), ActivityError> {
        self.outside.email(now(&ctx), letter);
        Ok(())
    }

    /// Tells a human.
    #[activity]
    pub async fn escalate(self: Arc<Self>, ctx: ActivityContext, letter: Letter) -> Result<(), ActivityError> {
        self.outside.escalate(now(&ctx), letter);
        Ok(())
    }
}

/// The server's time, which may be virtual. An activity's own clock shows the wall's.
fn now(ctx: &ActivityContext) -> SystemTime {
    ctx.info().started_time.unwrap_or(SystemTime::UNIX_EPOCH)
}

/// A few customers and a flaky gateway. Each pays for the months they had, once, and not before a month begins.
///
/// # Errors
/// What did not hold.
pub async fn simulation(sim: Sim) -> foretime::Result {
    let outside = Arc::new(Outside::default());
    let at_work = outside.clone();
    sim.workers(2, move |_| worker(&at_work));
    sim.faults(Faults::swarm());
    let customers = sim.draw("customers", a_few_customers());
    for Customer { name, trouble, .. } in &customers {
        outside.fail_charge(&format!("{name}/{}", trouble.month), trouble.faults.clone());
    }
    let years = try_join_all(customers.iter().map(|customer| customer.year(&sim))).await?;
    // Leaves time for what is late.
    tokio::time::sleep(MONTH).await;
    for (customer, year) in customers.iter().zip(&years) {
        customer.assert_is_billed_right(&outside, year);
    }
    sim.ledger().exactly_once_by_key()?;
    let recognised = sim.ledger().effects().iter().any(|effect| effect.applied == Applied::Repeated);
    foretime::sometimes!(recognised, "the gateway recognises a charge that it is asked for again");
    foretime::sometimes!(years.iter().any(|year| year.status.state == State::Cancelled), "a customer leaves");
    foretime::sometimes!(years.iter().any(|year| year.status.state == State::Escalated), "a human has to decide");
    Ok(())
}

/// One customer's year with one worker, in which nothing goes wrong: the least time that a simulation takes.
///
/// # Errors
/// What did not hold.
pub async fn a_year(sim: Sim) -> foretime::Result {
    let outside = Arc::new(Outside::default());
    let at_work = outside.clone();
    sim.workers(1, move |_| worker(&at_work));
    let customer = Customer { name: "ada", ..Customer::default() };
    let year = customer.year(&sim).await?;
    customer.assert_is_billed_right(&outside, &year);
    Ok(())
}

/// One customer who leaves after six weeks, with two workers, and anything may go wrong. This is the size of simulation that
/// the README begins with.
///
/// # Errors
/// What did not hold.
pub async fn six_weeks(sim: Sim) -> foretime::Result {
    let outside = Arc::new(Outside::default());
    let at_work = outside.clone();
    sim.workers(2, move |_| worker(&at_work));
    sim.faults(Faults::swarm());
    let customer = Customer { name: "ada", leaves_after: Some(MONTH * 3 / 2), ..Customer::default() };
    let year = customer.year(&sim).await?;
    customer.assert_is_billed_right(&outside, &year);
    sim.ledger().exactly_once_by_key()?;
    Ok(())
}

/// A customer of the simulation.
#[derive(Clone, Debug, Default)]
struct Customer {
    name: &'static str,
    begins_after: Duration,
    leaves_after: Option<Duration>,
    trouble: Trouble,
}

/// How the gateway fails the charge of one month.
#[derive(Clone, Debug, Default)]
struct Trouble {
    month: u32,
    /// One for each request, until it works again.
    faults: Vec<Fault>,
}

/// Every other one leaves before the year is over.
fn a_few_customers() -> impl Strategy<Value = Vec<Customer>> {
    let months = (0..=RENEWALS).map(|month| MONTH * month).collect();
    let each = (span(MONTH), option::of(moment(months, MONTH * RENEWALS)), a_trouble());
    few_named(&["ada", "bob", "eve"], each, |name, (begins_after, leaves_after, trouble)| Customer {
        name,
        begins_after,
        leaves_after,
        trouble,
    })
}

fn a_trouble() -> impl Strategy<Value = Trouble> {
    let faults = vec(select(&[Fault::Unreachable, Fault::ReplyLost]), 0..=5);
    (0..=RENEWALS, faults).prop_map(|(month, faults)| Trouble { month, faults })
}

/// The result of a subscription, and when.
struct Year {
    begun_at: SystemTime,
    left_at: Option<SystemTime>,
    status: Status,
}

impl Customer {
    async fn year(&self, sim: &Sim) -> foretime::Result<Year> {
        tokio::time::sleep(self.begins_after).await;
        let begun_at = sim.now();
        let options = WorkflowStartOptions::new(TASK_QUEUE, self.name).build();
        sim.client().start_workflow(Subscription::run, Plan::standard(self.name), options).await?;
        let year = sim.client().get_workflow_handle::<Subscription>(self.name);
        let mut left_at = None;
        if let Some(after) = self.leaves_after {
            tokio::time::sleep(after).await;
            let left = year.signal(Subscription::cancel, (), WorkflowSignalOptions::default()).await;
            left_at = in_time(left)?.then(|| sim.now());
        }
        let status = year.get_result(WorkflowGetResultOptions::default()).await?;
        Ok(Year { begun_at, left_at, status })
    }

    fn assert_is_billed_right(&self, outside: &Outside, year: &Year) {
        let charged = outside.diary().into_iter().filter_map(|entry| match entry.event {
            Event::Charged(charge) if charge.customer == self.name => Some((entry.at, charge)),
            _ => None,
        });
        let charged: Vec<(SystemTime, Charge)> = charged.collect();
        let (count, status) = (u32::try_from(charged.len()).unwrap_or(u32::MAX), &year.status);
        // When a human has to decide, the gateway may have taken the money without saying so.
        let unknown = u32::from(status.state == State::Escalated && count > status.charges);
        assert_eq!(count, status.charges + unknown, "{} has paid for {charged:?}, but: {status:?}", self.name);
        foretime::always!(status.state != State::Active, "a subscription that has ended is not active");
        foretime::always!((status.state == State::Completed) == (status.charges == RENEWALS + 1), "a year has 13 charges");
        for (month, (at, charge)) in (0..).zip(&charged) {
            let discount_cents = if month > LOYALTY_AFTER_MONTH { LOYALTY_DISCOUNT_CENTS } else { 0 };
            assert_eq!(charge.idempotency_key, format!("{}/{month}", self.name));
            assert_eq!(charge.amount_cents, 2_999 - discount_cents);
            foretime::always!(*at >= year.begun_at + MONTH * month, "no month is paid for before it begins");
        }
        let paid_cents: u64 = charged.iter().take(status.charges as usize).map(|(_, charge)| charge.amount_cents).sum();
        assert_eq!(status.paid_cents, paid_cents);
        if let Some(left_at) = year.left_at {
            let after = charged.iter().filter(|(at, _)| *at > left_at).count();
            foretime::always!(after <= 1, "who leaves pays at most for the month that is just being charged");
        }
    }
}
