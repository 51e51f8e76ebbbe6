//! An order as a saga: reserve the stock, charge the card, ship the parcel. If a step fails for good, or the order is
//! cancelled, everything that was begun is undone in reverse order. This shows compensations that survive crashes.
//!
//! The trap is the step that failed. It may have happened all the same if its reply was lost, or a late attempt may still be on
//! its way. So a step is noted before it is tried, and its undoing names the same key. The [`Shop`] closes an undone key, so a
//! late attempt bounces off.

#![expect(missing_docs, reason = "the SDK's macros write constants without a docstring")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use foretime::effect;
use serde::{Deserialize, Serialize};
use temporalio_common::{RetryPolicy, worker::WorkerDeploymentOptions};
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::{
    ActivityExecutionError, ActivityOptions, ApplicationFailure, WorkerOptions, WorkflowCancellationToken, WorkflowContext,
    WorkflowContextView, WorkflowRegistrationError, WorkflowResult,
    activities::{ActivityContext, ActivityError},
};

mod simulation;

pub use simulation::simulation;

/// The task queue on which orders are served.
pub const TASK_QUEUE: &str = "orders";

/// What is ordered. The order's id is the workflow's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// What to send.
    pub article: String,
    /// How many of it.
    pub pieces: u32,
    /// The card that pays.
    pub card: String,
    /// How much, in cents.
    pub price_cents: u64,
    /// Where to.
    pub address: String,
}

/// A step of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// Pieces are put aside.
    Reserve,
    /// Money is taken.
    Charge,
    /// The parcel leaves.
    Ship,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reserve => "reserve",
            Self::Charge => "charge",
            Self::Ship => "ship",
        })
    }
}

/// How an order ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The parcel is on its way, and paid.
    Shipped,
    /// This step failed for good: nothing is left of the order.
    Failed(Step),
    /// Somebody cancelled it in time: nothing is left of the order.
    Cancelled,
}

/// A request for a step of an order. Its key is the order's id; for each step the shop knows what it has done for that key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Request {
    /// The order's id.
    pub key: String,
    /// What is ordered.
    pub order: Order,
}

/// The workflow.
#[workflow]
pub struct OrderSaga {
    order: Order,
}

#[workflow_methods]
impl OrderSaga {
    #[init]
    fn new(_ctx: &WorkflowContextView, order: Order) -> Self {
        Self { order }
    }

    /// From the order to the parcel, or back to nothing.
    #[run]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<Outcome> {
        let mut begun = Vec::new();
        for step in [Step::Reserve, Step::Charge, Step::Ship] {
            begun.push(step);
            if let Err(error) = Self::take(ctx, step).await {
                while let Some(step) = begun.pop() {
                    Self::undo(ctx, step).await?;
                }
                let cancelled = matches!(error, ActivityExecutionError::Cancelled(_));
                return Ok(if cancelled { Outcome::Cancelled } else { Outcome::Failed(step) });
            }
        }
        Ok(Outcome::Shipped)
    }

    async fn take(ctx: &WorkflowContext<Self>, step: Step) -> Result<(), ActivityExecutionError> {
        let request = Self::request(ctx);
        match step {
            Step::Reserve => ctx.execute_activity(Shopkeeper::reserve, request, ten_attempts()).await,
            Step::Charge => ctx.execute_activity(Shopkeeper::charge, request, ten_attempts()).await,
            Step::Ship => ctx.execute_activity(Shopkeeper::ship, request, ten_attempts()).await,
        }
    }

    async fn undo(ctx: &WorkflowContext<Self>, step: Step) -> Result<(), ActivityExecutionError> {
        let request = Self::request(ctx);
        match step {
            Step::Reserve => ctx.execute_activity(Shopkeeper::release, request, whatever_happens()).await,
            Step::Charge => ctx.execute_activity(Shopkeeper::refund, request, whatever_happens()).await,
            Step::Ship => ctx.execute_activity(Shopkeeper::recall, request, whatever_happens()).await,
        }
    }

    fn request(ctx: &WorkflowContext<Self>) -> Request {
        Request { key: ctx.workflow_id().to_owned(), order: ctx.state(|this| this.order.clone()) }
    }
}

/// The options of a worker that serves orders, on [`TASK_QUEUE`].
///
/// # Errors
/// Only if a workflow is registered twice, which cannot happen.
pub fn worker(shop: &Shop) -> Result<WorkerOptions, WorkflowRegistrationError> {
    let options = WorkerOptions::new(TASK_QUEUE)
        .deployment_options(WorkerDeploymentOptions::from_build_id("order-saga".to_owned()))
        .register_workflow::<OrderSaga>()?
        .register_activities(Shopkeeper { shop: shop.clone() })
        .build();
    Ok(options)
}

/// For a step: ten attempts, with about nine minutes of pauses in all. Then it has failed for good.
fn ten_attempts() -> ActivityOptions {
    let policy = RetryPolicy::builder().initial_interval(Duration::from_secs(1)).maximum_attempts(10).build();
    ActivityOptions::with_start_to_close_timeout(Duration::from_secs(30)).retry_policy(policy).build()
}

/// For an undoing: no limit of attempts, at most a minute apart. It has a token of its own, so that it goes on when the order
/// is cancelled.
fn whatever_happens() -> ActivityOptions {
    let policy = RetryPolicy::builder().maximum_interval(Duration::from_secs(60)).build();
    ActivityOptions::with_start_to_close_timeout(Duration::from_secs(30))
        .retry_policy(policy)
        .cancellation_token(WorkflowCancellationToken::new())
        .build()
}

/// The activities: each is one request to the shop.
#[derive(Clone, Debug)]
pub struct Shopkeeper {
    /// What they act upon.
    pub shop: Shop,
}

#[activities]
impl Shopkeeper {
    /// Puts pieces aside.
    #[activity]
    pub async fn reserve(self: Arc<Self>, _ctx: ActivityContext, request: Request) -> Result<(), ActivityError> {
        self.shop.take(Step::Reserve, &request)
    }

    /// Takes the money.
    #[activity]
    pub async fn charge(self: Arc<Self>, _ctx: ActivityContext, request: Request) -> Result<(), ActivityError> {
        self.shop.take(Step::Charge, &request)
    }

    /// Sends the parcel.
    #[activity]
    pub async fn ship(self: Arc<Self>, _ctx: ActivityContext, request: Request) -> Result<(), ActivityError> {
        self.shop.take(Step::Ship, &request)
    }

    /// Puts the pieces back, if they were put aside.
    #[activity]
    pub async fn release(self: Arc<Self>, _ctx: ActivityContext, request: Request) -> Result<(), ActivityError> {
        self.shop.undo(Step::Reserve, &request)
    }

    /// Gives the money back, if it was taken.
    #[activity]
    pub async fn refund(self: Arc<Self>, _ctx: ActivityContext, request: Request) -> Result<(), ActivityError> {
        self.shop.undo(Step::Charge, &request)
    }

    /// Calls the parcel back, if it was sent.
    #[activity]
    pub async fn recall(self: Arc<Self>, _ctx: ActivityContext, request: Request) -> Result<(), ActivityError> {
        self.shop.undo(Step::Ship, &request)
    }
}

/// A shop with its stock, its payments and its parcels. Clones are the same shop.
#[derive(Clone, Debug, Default)]
pub struct Shop {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    stock: BTreeMap<String, u32>,
    bad_cards: BTreeSet<String>,
    bad_addresses: BTreeSet<String>,
    replies_to_lose: BTreeMap<String, u32>,
    done: BTreeSet<(String, Step)>,
    undone: BTreeSet<(String, Step)>,
    taken_cents: u64,
    parcels: BTreeSet<String>,
    diary: Vec<String>,
}

impl Shop {
    /// Puts pieces on the shelf.
    pub fn stock_up(&self, article: &str, pieces: u32) {
        *self.state().stock.entry(article.to_owned()).or_default() += pieces;
    }

    /// The bank declines this card from now on.
    pub fn decline_card(&self, card: &str) {
        self.state().bad_cards.insert(card.to_owned());
    }

    /// No carrier goes to this address from now on.
    pub fn close_address(&self, address: &str) {
        self.state().bad_addresses.insert(address.to_owned());
    }

    /// The replies to this order's next requests get lost, whatever those do.
    pub fn lose_replies(&self, key: &str, requests: u32) {
        self.state().replies_to_lose.insert(key.to_owned(), requests);
    }

    /// How many pieces are on the shelf.
    pub fn in_stock(&self, article: &str) -> u32 {
        self.state().stock.get(article).copied().unwrap_or_default()
    }

    /// What the shop has taken and not given back, in cents.
    pub fn taken_cents(&self) -> u64 {
        self.state().taken_cents
    }

    /// The orders whose parcels left and were not called back.
    pub fn parcels(&self) -> BTreeSet<String> {
        self.state().parcels.clone()
    }

    /// Every change, in order, as "charge order-1" or "undo charge order-1".
    pub fn diary(&self) -> Vec<String> {
        self.state().diary.clone()
    }

    fn take(&self, step: Step, request: &Request) -> Result<(), ActivityError> {
        self.state().take(step, request)?;
        effect(step.to_string(), &request.key).key(&request.key).apply();
        self.state().reply(&request.key)
    }

    fn undo(&self, step: Step, request: &Request) -> Result<(), ActivityError> {
        let was_done = self.state().undo(step, request);
        if was_done {
            effect(format!("undo {step}"), &request.key).key(&request.key).apply();
        }
        self.state().reply(&request.key)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self, step: Step, request: &Request) -> Result<(), ActivityError> {
        let id = (request.key.clone(), step);
        if self.undone.contains(&id) {
            return Err(for_good(format!("{} was undone: too late to {step}", request.key)));
        }
        if !self.done.contains(&id) {
            self.carry_out(step, request)?;
            self.done.insert(id);
            self.diary.push(format!("{step} {}", request.key));
        }
        Ok(())
    }

    /// Whether there was something to undo, now or at an earlier request.
    fn undo(&mut self, step: Step, request: &Request) -> bool {
        let id = (request.key.clone(), step);
        let was_done = self.done.contains(&id);
        if self.undone.insert(id) && was_done {
            self.take_back(step, request);
            self.diary.push(format!("undo {step} {}", request.key));
        }
        was_done
    }

    fn carry_out(&mut self, step: Step, Request { key, order }: &Request) -> Result<(), ActivityError> {
        match step {
            Step::Reserve => {
                let shelf = self.stock.entry(order.article.clone()).or_default();
                *shelf = shelf.checked_sub(order.pieces).ok_or_else(|| for_good("out of stock".to_owned()))?;
            }
            Step::Charge if self.bad_cards.contains(&order.card) => return Err(for_good("the card is declined".to_owned())),
            Step::Charge => self.taken_cents += order.price_cents,
            Step::Ship if self.bad_addresses.contains(&order.address) => {
                return Err(for_good("nobody delivers there".to_owned()));
            }
            Step::Ship => {
                self.parcels.insert(key.clone());
            }
        }
        Ok(())
    }

    fn take_back(&mut self, step: Step, Request { key, order }: &Request) {
        match step {
            Step::Reserve => *self.stock.entry(order.article.clone()).or_default() += order.pieces,
            Step::Charge => self.taken_cents -= order.price_cents,
            Step::Ship => {
                self.parcels.remove(key);
            }
        }
    }

    fn reply(&mut self, key: &str) -> Result<(), ActivityError> {
        match self.replies_to_lose.get_mut(key).filter(|left| **left > 0) {
            Some(left) => {
                *left -= 1;
                Err(ApplicationFailure::new("the reply was lost").into())
            }
            None => Ok(()),
        }
    }
}

/// An answer that does not change when asked for again.
fn for_good(reason: String) -> ActivityError {
    ApplicationFailure::non_retryable(reason).into()
}
