//! Fan-out: a parent has many items processed by children, a batch at a time, and continues as new after each batch with
//! the rest. This shows child workflows, and histories that stay short however much there is to do.
//!
//! The traps are the end of a run, which takes its children with it, so all of a batch are waited for first; and the item
//! that fails for good, which is counted and does not stop the others.

#![expect(missing_docs, reason = "the SDK's macros write constants without a docstring")]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use foretime::effect;
use serde::{Deserialize, Serialize};
use temporalio_common::{RetryPolicy, worker::WorkerDeploymentOptions};
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::{
    ActivityOptions, ApplicationFailure, ChildWorkflowExecutionError, ChildWorkflowOptions, ContinueAsNewOptions,
    WorkerOptions, WorkflowContext, WorkflowContextView, WorkflowRegistrationError, WorkflowResult, WorkflowTermination,
    activities::{ActivityContext, ActivityError},
    workflows::join_all,
};

/// The task queue on which jobs and their items are served.
pub const TASK_QUEUE: &str = "fan-out";
/// How many items are processed at once.
pub const BATCH: usize = 5;

/// What is left to do, and what came of the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The items, in order.
    pub items: Vec<u64>,
    /// What came of those before them; nothing yet when the job is started.
    pub tally: Tally,
}

/// What came of the items so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// How many were processed.
    pub processed: u64,
    /// What they came to together.
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

    /// A batch; the rest is for the next run.
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

    /// What came of an item; `None` if it failed for good.
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

/// What makes a worker serve jobs and their items, on [`TASK_QUEUE`].
///
/// # Errors
/// None that can happen: a workflow registered twice.
pub fn worker(mill: &Mill) -> Result<WorkerOptions, WorkflowRegistrationError> {
    let options = WorkerOptions::new(TASK_QUEUE)
        .deployment_options(WorkerDeploymentOptions::from_build_id("fan-out".to_owned()))
        .register_workflow::<FanOut>()?
        .register_workflow::<ProcessItem>()?
        .register_activities(Miller { mill: mill.clone() })
        .build();
    Ok(options)
}

/// A minute for each attempt, ten between them at most, as many as it takes.
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

/// A mill, which makes the square of what it is given. Clones are the same mill.
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
    /// This item is a stone: it cannot be ground, ever.
    pub fn stone(&self, item: u64) {
        self.state().stones.insert(item);
    }

    /// This item is ground, but jams the mill, so often: the caller does not get what came of it.
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
