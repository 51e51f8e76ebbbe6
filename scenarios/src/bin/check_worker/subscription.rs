//! The subscription that production runs: a charge at the start, one after each month, until the plan ends or the customer leaves.
//! What another [`Version`] of the code does otherwise, stands where it does so.

use std::{error::Error, time::Duration};

use serde::{Deserialize, Serialize};
use temporalio_common::search_attributes::SearchAttributeKey;
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{
    ActivityExecutionError, ActivityOptions, CancellableFuture, ChildWorkflowOptions, LocalActivityOptions,
    SyncWorkflowContext, WorkflowContext, WorkflowContextView, WorkflowResult, workflows::select,
};

use crate::{
    billing::{Billing, Charge, Letter},
    receipt::{Invoice, Receipt},
    version::Version,
};

const ONE_MINUTE: Duration = Duration::from_secs(60);
const ONE_DAY: Duration = Duration::from_secs(24 * 60 * 60);
const LOYALTY_DISCOUNT_CENTS: u64 = 500;
const CUSTOMER: SearchAttributeKey<String> = SearchAttributeKey::keyword("Customer");

/// What the customer signed up for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    customer: String,
    /// The price of a month before tax, in cents.
    price_cents: u64,
    renewals: u32,
}

/// What the query `status` answers, and what the workflow returns.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Status {
    state: State,
    charges: u32,
    paid_cents: u64,
}

/// Whether a subscription goes on.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Active,
    Cancelled,
    Completed,
}

/// The workflow, in one version.
#[workflow]
pub(crate) struct Subscription {
    version: Version,
    status: Status,
    price_cents: u64,
    cancel_requested: bool,
}

impl Subscription {
    /// A subscription that runs this version of the code.
    pub(crate) fn of(version: Version) -> Self {
        let status = Status { state: State::Active, charges: 0, paid_cents: 0 };
        Self { version, status, price_cents: 0, cancel_requested: false }
    }
}

#[workflow_methods(factory_only)]
impl Subscription {
    /// Charges now and after each month; ends `completed` or `cancelled`.
    #[run]
    pub(crate) async fn run(ctx: &mut WorkflowContext<Self>, plan: Plan) -> WorkflowResult<Status> {
        ctx.state_mut(|this| this.price_cents = plan.price_cents);
        begin(ctx, &plan).await?;
        for month in 1..=plan.renewals {
            before_month(ctx, &plan, month).await?;
            if cancelled_within_a_month(ctx).await? {
                return Ok(end(ctx, State::Cancelled));
            }
            let amount_cents = amount_cents(ctx, month).await?;
            charge(ctx, &plan, month, amount_cents).await?;
        }
        Ok(end(ctx, State::Completed))
    }

    /// The customer leaves.
    #[signal]
    pub(crate) fn cancel(&mut self, _ctx: &mut SyncWorkflowContext<Self>) {
        self.cancel_requested = true;
    }

    /// Where the subscription stands.
    #[query]
    pub(crate) fn status(&self, _ctx: &WorkflowContextView) -> Status {
        self.status.clone()
    }

    /// From the next charge on, a month costs this; answers what it cost before. Both are in cents.
    #[update]
    pub(crate) async fn change_price(
        ctx: &mut WorkflowContext<Self>,
        price_cents: u64,
    ) -> Result<u64, Box<dyn Error + Send + Sync>> {
        let before_cents = ctx.state_mut(|this| std::mem::replace(&mut this.price_cents, price_cents));
        let customer = ctx.workflow_id().to_owned();
        send(ctx, &customer, &format!("the price is now {price_cents}")).await?;
        if runs(ctx, Version::Update) {
            send(ctx, &customer, "we are sorry").await?;
        }
        Ok(before_cents)
    }
}

/// The first charge, a welcome, and the receipt.
async fn begin(ctx: &WorkflowContext<Subscription>, plan: &Plan) -> WorkflowResult<()> {
    if runs(ctx, Version::SearchAttributes) {
        ctx.upsert_search_attributes([CUSTOMER.value_set(plan.customer.clone())]);
    }
    let amount_cents = amount_cents(ctx, 0).await?;
    if runs(ctx, Version::Reordered) {
        welcome(ctx, plan).await?;
        charge(ctx, plan, 0, amount_cents).await?;
    } else {
        charge(ctx, plan, 0, amount_cents).await?;
        welcome(ctx, plan).await?;
    }
    receipt(ctx, plan).await
}

/// What is done before the wait of a month: nothing, in most versions.
async fn before_month(ctx: &WorkflowContext<Subscription>, plan: &Plan, month: u32) -> WorkflowResult<()> {
    let reminds = match ctx.state(|this| this.version) {
        Version::Added => true,
        Version::Patched => ctx.patched("reminder"),
        _ => false,
    };
    if reminds {
        send(ctx, &plan.customer, &format!("month {month} begins")).await?;
    }
    if runs(ctx, Version::LocalActivity) {
        ctx.execute_local_activity(Billing::quota, month, within_a_minute()).await?;
    }
    Ok(())
}

async fn cancelled_within_a_month(ctx: &WorkflowContext<Subscription>) -> WorkflowResult<bool> {
    let days = if runs(ctx, Version::Timer) { 31 } else { 30 };
    let mut month = ctx.timer(ONE_DAY * days);
    let cancelled = select! {
        cancelled = ctx.wait_condition(|this| this.cancel_requested) => { cancelled?; true }
        _ = &mut month => false
    };
    if cancelled {
        month.cancel();
    }
    Ok(cancelled)
}

/// What the month costs, tax included, in cents.
async fn amount_cents(ctx: &WorkflowContext<Subscription>, month: u32) -> WorkflowResult<u64> {
    let full_price_cents = ctx.state(|this| this.price_cents);
    let price_cents = if is_loyal(ctx, month) { full_price_cents - LOYALTY_DISCOUNT_CENTS } else { full_price_cents };
    Ok(ctx.execute_local_activity(Billing::rate, price_cents, within_a_minute()).await?)
}

/// A change made while subscriptions were running: from the seventh month on, loyalty costs less.
fn is_loyal(ctx: &WorkflowContext<Subscription>, month: u32) -> bool {
    month >= 7 && (runs(ctx, Version::Removed) || ctx.patched("loyalty-discount"))
}

/// Takes so much money for one month.
async fn charge(ctx: &WorkflowContext<Subscription>, plan: &Plan, month: u32, amount_cents: u64) -> WorkflowResult<()> {
    let separator = if runs(ctx, Version::Input) { '-' } else { '/' };
    let idempotency_key = format!("{}{separator}{month}", ctx.workflow_id());
    let charge = Charge { idempotency_key, customer: plan.customer.clone(), amount_cents };
    ctx.execute_activity(Billing::charge, charge, a_minute()).await?;
    ctx.state_mut(|this| {
        this.status.charges += 1;
        this.status.paid_cents += amount_cents;
    });
    Ok(())
}

/// The first letter.
async fn welcome(ctx: &WorkflowContext<Subscription>, plan: &Plan) -> WorkflowResult<()> {
    if runs(ctx, Version::Forgotten) {
        let message = Letter { customer: plan.customer.clone(), text: "welcome".to_owned() };
        return Ok(ctx.execute_activity(Billing::send_message, message, a_minute()).await?);
    }
    Ok(send(ctx, &plan.customer, "welcome").await?)
}

/// Sends one letter.
async fn send(ctx: &WorkflowContext<Subscription>, customer: &str, text: &str) -> Result<(), ActivityExecutionError> {
    let letter = Letter { customer: customer.to_owned(), text: text.to_owned() };
    ctx.execute_activity(Billing::send_letter, letter, a_minute()).await
}

/// Waits for the child workflow that writes the receipt.
async fn receipt(ctx: &WorkflowContext<Subscription>, plan: &Plan) -> WorkflowResult<()> {
    let paid_cents = ctx.state(|this| this.status.paid_cents);
    let letter = Letter { customer: plan.customer.clone(), text: format!("paid: {paid_cents}") };
    let options = ChildWorkflowOptions::workflow_id(format!("{}-receipt", ctx.workflow_id()));
    if runs(ctx, Version::Child) {
        ctx.start_child_workflow(Invoice::run, letter, options).await?.result().await?;
    } else {
        ctx.start_child_workflow(Receipt::run, letter, options).await?.result().await?;
    }
    Ok(())
}

fn end(ctx: &WorkflowContext<Subscription>, state: State) -> Status {
    ctx.state_mut(|this| {
        this.status.state = state;
        this.status.clone()
    })
}

/// Whether the worker runs this version.
fn runs(ctx: &WorkflowContext<Subscription>, version: Version) -> bool {
    ctx.state(|this| this.version == version)
}

/// A minute for each attempt.
pub(crate) fn a_minute() -> ActivityOptions {
    ActivityOptions::start_to_close_timeout(ONE_MINUTE)
}

/// A minute for each attempt of a local activity.
fn within_a_minute() -> LocalActivityOptions {
    LocalActivityOptions::builder().start_to_close_timeout(ONE_MINUTE).build()
}
