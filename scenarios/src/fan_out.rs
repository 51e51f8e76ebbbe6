//! Fan-out: a parent has many items processed by children, a batch at a time. After each batch it continues as new with the
//! rest. This shows child workflows, and histories that stay short however much there is to do.
//!
//! There are two traps. The end of a run takes its children with it, so the run first waits for the whole batch. An item may
//! fail for good; it is counted and does not stop the others.

#![expect(missing_docs, reason = "the SDK's macros write constants without a docstring")]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use foretime::{
    Faults, Sim, effect,
    proptest::{collection::vec, prelude::*},
};
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use temporalio_client::{
    WorkflowCancelOptions, WorkflowGetResultOptions, WorkflowStartOptions, errors::WorkflowGetResultError,
};
use temporalio_common::{RetryPolicy, worker::WorkerDeploymentOptions};
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::{
    ActivityOptions, ApplicationFailure, ChildWorkflowExecutionError, ChildWorkflowOptions, ContinueAsNewOptions,
    WorkerOptions, WorkflowContext, WorkflowContextView, WorkflowRegistrationError, WorkflowResult, WorkflowTermination,
    activities::{ActivityContext, ActivityError},
    workflows::join_all,
};

use crate::people::{few_named, in_one_of_three, in_time, span};

/// The task queue on which jobs and their items are served.
pub const TASK_QUEUE: &str = "fan-out";
/// How many items are processed at once.
pub const BATCH: usize = 5;

/// What is left to do, and the results so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The items, in order.
    pub items: Vec<u64>,
    /// The results of the items before them; empty when the job is started.
    pub tally: Tally,
}

/// The results so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// How many were processed.
    pub processed: u64,
    /// The sum of their results.
    pub sum: u64,
    /// Those that failed for good.
    pub failed: Vec<u64>,
    /// How many runs this took.
    pub runs: u32,
}

impl Tally {
    fn seen(&self) -> usize {
        usize::try_from(self.processed).unwrap_or(usize::MAX).saturating_add(self.failed.len())
    }
}

/// An item on its way to the mill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Names it: the job, and the item's place in it.
    pub key: String,
    /// The item.
    pub value: u64,
}

/// The parent.
#[workflow]
pub struct FanOut {
    job: Job,
}

#[workflow_methods]
impl FanOut {
    #[init]
    fn new(_ctx: &WorkflowContextView, job: Job) -> Self {
        Self { job }
    }

    /// Processes a batch and leaves the rest to the next run.
    #[run]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<Tally> {
        let Job { mut items, mut tally } = ctx.state(|this| this.job.clone());
        let rest = items.split_off(BATCH.min(items.len()));
        let first = tally.seen();
        let batch = items.iter().enumerate().map(|(place, value)| {
            let key = format!("{}/{}", ctx.workflow_id(), first + place);
            Self::process(ctx, Item { key, value: *value })
        });
        let outcomes = join_all(batch).await;
        if ctx.cancellation_token().is_cancelled() {
            return Err(WorkflowTermination::cancelled());
        }
        for (value, outcome) in items.into_iter().zip(outcomes) {
            match outcome? {
                Some(result) => {
                    tally.processed += 1;
                    tally.sum += result;
                }
                None => tally.failed.push(value),
            }
        }
        tally.runs += 1;
        if rest.is_empty() {
            return Ok(tally);
        }
        match ctx.continue_as_new(Job { items: rest, tally }, ContinueAsNewOptions::default())? {}
    }

    /// The result of an item; `None` if it failed for good.
    async fn process(ctx: &WorkflowContext<Self>, item: Item) -> WorkflowResult<Option<u64>> {
        let options = ChildWorkflowOptions::workflow_id(item.key.clone());
        let child = ctx.start_child_workflow(ProcessItem::run, item, options).await?;
        match child.result().await {
            Ok(result) => Ok(Some(result)),
            Err(ChildWorkflowExecutionError::Failed(_)) => Ok(None),
            Err(other) => Err(other.into()),
        }
    }
}

/// The child.
#[workflow]
#[derive(Default)]
pub struct ProcessItem;

#[workflow_methods]
impl ProcessItem {
    /// One item.
    #[run]
    pub async fn run(ctx: &mut WorkflowContext<Self>, item: Item) -> WorkflowResult<u64> {
        Ok(ctx.execute_activity(Miller::grind, item, until_it_is_done()).await?)
    }
}

/// The options of a worker that serves jobs and their items, on [`TASK_QUEUE`].
///
/// # Errors
/// Only if a workflow is registered twice, which cannot happen.
pub fn worker(mill: &Mill) -> Result<WorkerOptions, WorkflowRegistrationError> {
    let options = WorkerOptions::new(TASK_QUEUE)
        .deployment_options(WorkerDeploymentOptions::from_build_id("fan-out".to_owned()))
        .register_workflow::<FanOut>()?
        .register_workflow::<ProcessItem>()?
        .register_activities(Miller { mill: mill.clone() })
        .build();
    Ok(options)
}

/// A minute for each attempt, at most ten minutes between attempts, and no limit of attempts.
fn until_it_is_done() -> ActivityOptions {
    let policy = RetryPolicy::builder().maximum_interval(Duration::from_secs(10 * 60)).build();
    ActivityOptions::with_start_to_close_timeout(Duration::from_secs(60)).retry_policy(policy).build()
}

/// The activities.
#[derive(Clone, Debug)]
pub struct Miller {
    /// What they act upon.
    pub mill: Mill,
}

#[activities]
impl Miller {
    /// Grinds an item, once for its key.
    #[activity]
    pub async fn grind(self: Arc<Self>, _ctx: ActivityContext, item: Item) -> Result<u64, ActivityError> {
        self.mill.grind(&item)
    }
}

/// A mill, which squares what it is given. Clones are the same mill.
#[derive(Clone, Debug, Default)]
pub struct Mill {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    stones: BTreeSet<u64>,
    jams: BTreeMap<u64, u32>,
    ground: BTreeMap<String, u64>,
}

impl Mill {
    /// Makes this item a stone: it can never be ground.
    pub fn stone(&self, item: u64) {
        self.state().stones.insert(item);
    }

    /// Makes this item jam the mill this many times: it is ground, but the caller does not get the result.
    pub fn jam(&self, item: u64, times: u32) {
        self.state().jams.insert(item, times);
    }

    /// What was ground, by its key.
    pub fn ground(&self) -> BTreeMap<String, u64> {
        self.state().ground.clone()
    }

    fn grind(&self, Item { key, value }: &Item) -> Result<u64, ActivityError> {
        if self.state().stones.contains(value) {
            return Err(ApplicationFailure::non_retryable(format!("{value} is a stone")).into());
        }
        effect("grind", value.to_string()).key(key).apply();
        let mut state = self.state();
        state.ground.insert(key.clone(), *value);
        match state.jams.get_mut(value).filter(|left| **left > 0) {
            Some(left) => {
                *left -= 1;
                Err(ApplicationFailure::new(format!("{value} jams the mill")).into())
            }
            None => Ok(value * value),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One or two jobs, with stones among their items and items that jam the mill. One job may be cancelled. Whatever happens, the
/// tally matches the items, each item was ground once, and a cancelled job begins no other batch.
///
/// # Errors
/// What did not hold.
pub async fn simulation(sim: Sim) -> foretime::Result {
    let mill = Mill::default();
    let stones = BTreeSet::from([7, 13]);
    for stone in &stones {
        mill.stone(*stone);
    }
    mill.jam(3, 2);
    let at_work = mill.clone();
    sim.workers(2, move |_| worker(&at_work));
    sim.faults(Faults::swarm());
    let orders = sim.draw("jobs", one_or_two_orders());
    let tallies = try_join_all(orders.iter().map(|order| order.job(&sim, &mill))).await?;
    for (order, tally) in orders.iter().zip(&tallies) {
        if let Some(tally) = tally {
            assert_tally_is_right(order.id, &order.items, tally, &stones, &mill);
        }
    }
    sim.ledger().exactly_once_by_key()?;
    foretime::sometimes!(tallies.iter().any(Option::is_none), "a job is cancelled in time");
    foretime::sometimes!(tallies.iter().flatten().any(|tally| tally.runs == 3), "a job takes three runs");
    Ok(())
}

/// A job of the simulation.
#[derive(Clone, Debug)]
struct Order {
    id: &'static str,
    items: Vec<u64>,
    cancelled_after: Option<Duration>,
}

/// One in three is cancelled, some of them at once.
fn one_or_two_orders() -> impl Strategy<Value = Vec<Order>> {
    let soon = prop_oneof![span(Duration::from_millis(200)), span(Duration::from_secs(60))];
    few_named(&["one", "two"], (vec(1..=15_u64, 0..=12), in_one_of_three(soon)), |id, (items, cancelled_after)| Order {
        id,
        items,
        cancelled_after,
    })
}

impl Order {
    /// Runs it. Returns nothing if it is cancelled.
    async fn job(&self, sim: &Sim, mill: &Mill) -> foretime::Result<Option<Tally>> {
        let job = Job { items: self.items.clone(), tally: Tally::default() };
        sim.client().start_workflow(FanOut::run, job, WorkflowStartOptions::new(TASK_QUEUE, self.id).build()).await?;
        let job = sim.client().get_workflow_handle::<FanOut>(self.id);
        let mut begun = usize::MAX;
        if let Some(after) = self.cancelled_after {
            tokio::time::sleep(after).await;
            if in_time(job.cancel(WorkflowCancelOptions::default()).await)? {
                // The batch that is being ground, or the one that has just begun.
                begun = batches(self.id, mill) + 1;
            }
        }
        match job.get_result(WorkflowGetResultOptions::default()).await {
            Ok(tally) => Ok(Some(tally)),
            Err(WorkflowGetResultError::Cancelled { .. }) => {
                tokio::time::sleep(Duration::from_secs(60 * 60)).await;
                foretime::always!(batches(self.id, mill) <= begun, "a cancelled job begins no other batch");
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// How many batches of a job have been in the mill.
fn batches(id: &str, mill: &Mill) -> usize {
    let ground = mill.ground();
    let places = ground.keys().filter_map(|key| key.strip_prefix(id)?.strip_prefix('/')?.parse::<usize>().ok());
    places.map(|place| place / BATCH + 1).max().unwrap_or(0)
}

fn assert_tally_is_right(id: &str, items: &[u64], tally: &Tally, stones: &BTreeSet<u64>, mill: &Mill) {
    let (failed, good): (Vec<u64>, Vec<u64>) = items.iter().partition(|item| stones.contains(item));
    let expected = Tally {
        processed: good.len() as u64,
        sum: good.iter().map(|item| item * item).sum(),
        failed,
        runs: u32::try_from(items.len().div_ceil(BATCH).max(1)).unwrap_or(u32::MAX),
    };
    assert_eq!(*tally, expected, "{id} of {items:?}");
    let key = |(place, item): (usize, &u64)| (format!("{id}/{place}"), *item);
    let expected = items.iter().enumerate().filter(|(_, item)| !stones.contains(item)).map(key);
    let ground = mill.ground().into_iter().filter(|(key, _)| key.starts_with(&format!("{id}/")));
    assert_eq!(ground.collect::<BTreeMap<_, _>>(), expected.collect(), "{id} of {items:?}");
}
