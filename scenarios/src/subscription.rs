//! A subscription: 29.99 when it starts and after every 30 days, for a year. The gateway that takes the money is flaky, the
//! customer may cancel at any time, and the price was changed while subscriptions were running. A year of sleeping, retrying
//! and waiting in one `async fn`: this is what Temporal is for, and what nobody wants to wait for in a test.
//!
//! [`Subscription`] is the workflow: it decides, and touches nothing. [`Billing`] holds the activities: they touch the world
//! ([`Outside`]), and may fail and be repeated, which is why a charge carries an idempotency key.
//! `tests/subscription.rs` shows how to test all of it within milliseconds.

#![expect(missing_docs, reason = "the SDK's macros write constants without a docstring")]

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::{
    ActivityExecutionError, ActivityOptions, CancellableFuture, SyncWorkflowContext, WorkflowContext, WorkflowContextView,
    WorkflowResult,
    activities::{ActivityContext, ActivityError},
    workflows::select,
};

use crate::outside::{Charge, Letter, Outside};

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

/// Where a subscription stands: what the query `status` answers, and what the workflow returns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Whether it goes on, or why not.
    pub state: State,
    /// How many charges went through.
    pub charges: u32,
    /// What they came to, in cents.
    pub paid_cents: u64,
}

/// Whether a subscription goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It does.
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

    /// The customer leaves. A charge that is under way is seen through; no other follows.
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

    /// Loyalty costs less from the seventh month on. This came when subscriptions were running already: one that has been
    /// charged for its seventh month by the old code keeps the old price, and its history still replays; `patched` sees to it.
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

/// For a charge: five attempts, 2, 4, 8 and 16 seconds apart.
pub fn patiently() -> ActivityOptions {
    let policy = temporalio_common::RetryPolicy::builder()
        .initial_interval(Duration::from_secs(2))
        .backoff_coefficient(2.0)
        .maximum_attempts(5)
        .build();
    ActivityOptions::with_start_to_close_timeout(Duration::from_secs(60)).retry_policy(policy).build()
}

/// For everything else: a minute for each attempt, as many as it takes.
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
    /// Takes the money, once for an idempotency key.
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

/// The server's time, which may be virtual; an activity's own clock shows the wall's.
fn now(ctx: &ActivityContext) -> SystemTime {
    ctx.info().started_time.unwrap_or(SystemTime::UNIX_EPOCH)
}
