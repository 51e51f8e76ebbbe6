//! An operator at work: a schedule starts a report each hour, shipments get stuck, and somebody looks after both. This shows
//! schedules, list filters, search attributes of one's own, and what an operator repairs with: pauses, resets, changed options,
//! deletions, batches. [`broken`] shows what a reset does without idempotency keys.
//!
//! The trap is the reset. It makes a workflow begin again, so its activities act again on the outside world, while an attempt of the
//! run before may still be on its way. So each activity has a key that follows from the workflow's id, not from the run's. The
//! depot always answers a key as it did the first time, so the workflow returns the address that the parcel went to.

#![expect(missing_docs, reason = "the SDK's macros write constants without a docstring")]

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use foretime::effect;
use serde::{Deserialize, Serialize};
use temporalio_common::{
    RetryPolicy,
    search_attributes::{SearchAttributeKey, Timestamp},
    worker::WorkerDeploymentOptions,
};
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::{
    ActivityOptions, ApplicationFailure, SyncWorkflowContext, WorkerOptions, WorkflowContext, WorkflowContextView,
    WorkflowRegistrationError, WorkflowResult,
    activities::{ActivityContext, ActivityError},
};

mod batches;
mod operator;
mod simulation;
mod timetable;

pub use simulation::{simulation, simulation_of_broken};

/// The task queue of reports and shipments.
pub const TASK_QUEUE: &str = "operations";
/// How far a shipment is: `packing`, `waiting`, `shipping` or `shipped`. It must be registered before the first one starts.
pub const STAGE: SearchAttributeKey<String> = SearchAttributeKey::keyword("Stage");
/// The instant that a schedule started a workflow for.
pub const SCHEDULED_FOR: SearchAttributeKey<Timestamp> = SearchAttributeKey::datetime("TemporalScheduledStartTime");

/// A page of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Names it, by its instant.
    pub key: String,
    /// The instant, in seconds since the epoch.
    pub due_s: i64,
}

/// A report, which a schedule starts. It is about the instant that the schedule started it for, however late it runs.
#[workflow]
pub struct Report {
    series: String,
    due_s: i64,
}

#[workflow_methods]
impl Report {
    #[init]
    fn new(ctx: &WorkflowContextView, series: String) -> Self {
        let due = ctx.search_attributes().and_then(|all| all.get(&SCHEDULED_FOR));
        Self { series, due_s: due.map_or(0, |due| due.seconds()) }
    }

    /// Prints it.
    #[run]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<i64> {
        let (series, due_s) = ctx.state(|this| (this.series.clone(), this.due_s));
        ctx.execute_activity(Staff::print, Page { key: format!("{series}/{due_s}"), due_s }, until_done()).await?;
        Ok(due_s)
    }
}

/// What the staff does with an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    /// Names it: the order's id and what is done.
    pub key: String,
    /// The order.
    pub order: String,
    /// Where it goes, once that is known.
    pub address: Option<String>,
}

/// A shipment. The order's id is the workflow's.
#[workflow]
#[derive(Default)]
pub struct Shipment {
    address: Option<String>,
}

#[workflow_methods]
impl Shipment {
    /// Packs, waits for an address, and ships. Returns where the parcel went.
    #[run]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<String> {
        Self::is_at(ctx, "packing");
        ctx.execute_activity(Staff::pack, Self::parcel(ctx, "pack"), until_done()).await?;
        Self::is_at(ctx, "waiting");
        ctx.wait_condition(|this| this.address.is_some()).await?;
        Self::is_at(ctx, "shipping");
        let went_to = ctx.execute_activity(Staff::ship, Self::parcel(ctx, "ship"), until_done()).await?;
        Self::is_at(ctx, "shipped");
        Ok(went_to)
    }

    /// The customer says where the parcel goes. The last one counts that comes before it is shipped.
    #[signal]
    pub fn address(&mut self, _ctx: &mut SyncWorkflowContext<Self>, address: String) {
        self.address = Some(address);
    }

    fn is_at(ctx: &WorkflowContext<Self>, stage: &str) {
        ctx.upsert_search_attributes([STAGE.value_set(stage.to_owned())]);
    }

    fn parcel(ctx: &WorkflowContext<Self>, what: &str) -> Parcel {
        let order = ctx.workflow_id().to_owned();
        Parcel { key: format!("{order}/{what}"), order, address: ctx.state(|this| this.address.clone()) }
    }
}

/// The options of a worker that serves reports and shipments, on [`TASK_QUEUE`].
///
/// # Errors
/// Only if a workflow is registered twice, which cannot happen.
pub fn worker(depot: &Depot) -> Result<WorkerOptions, WorkflowRegistrationError> {
    let options = WorkerOptions::new(TASK_QUEUE)
        .deployment_options(WorkerDeploymentOptions::from_build_id("operations".to_owned()))
        .register_workflow::<Report>()?
        .register_workflow::<Shipment>()?
        .register_activities(Staff { depot: depot.clone() })
        .build();
    Ok(options)
}

/// A minute for each attempt and no limit of attempts, but up to six hours between them: it pays to have an operator.
fn until_done() -> ActivityOptions {
    let policy = RetryPolicy::builder()
        .initial_interval(Duration::from_secs(60))
        .backoff_coefficient(3.0)
        .maximum_interval(Duration::from_secs(6 * 60 * 60))
        .build();
    ActivityOptions::with_start_to_close_timeout(Duration::from_secs(60)).retry_policy(policy).build()
}

/// The activities.
#[derive(Clone, Debug)]
pub struct Staff {
    /// What they act upon.
    pub depot: Depot,
}

#[activities]
impl Staff {
    /// Prints a page, once for its key.
    #[activity]
    pub async fn print(self: Arc<Self>, ctx: ActivityContext, page: Page) -> Result<(), ActivityError> {
        self.depot.print(&ctx, page)
    }

    /// Packs a parcel, once for its key.
    #[activity]
    pub async fn pack(self: Arc<Self>, _ctx: ActivityContext, parcel: Parcel) -> Result<(), ActivityError> {
        self.depot.pack(&parcel)
    }

    /// Ships a parcel, once for its key. Returns where it went.
    #[activity]
    pub async fn ship(self: Arc<Self>, ctx: ActivityContext, parcel: Parcel) -> Result<String, ActivityError> {
        self.depot.ship(&ctx, Some(&parcel.key), &parcel)
    }
}

/// The bug: shipping passes on no key.
pub mod broken {
    use super::*;

    /// A worker with the same workflows, and these activities.
    ///
    /// # Errors
    /// Only if a workflow is registered twice, which cannot happen.
    pub fn worker(depot: &Depot) -> Result<WorkerOptions, WorkflowRegistrationError> {
        let options = WorkerOptions::new(TASK_QUEUE)
            .deployment_options(WorkerDeploymentOptions::from_build_id("operations-without-keys".to_owned()))
            .register_workflow::<Shipment>()?
            .register_activities(Staff { depot: depot.clone() })
            .build();
        Ok(options)
    }

    /// The activities, under the same names.
    #[derive(Clone, Debug)]
    pub struct Staff {
        /// What they act upon.
        pub depot: Depot,
    }

    #[activities]
    impl Staff {
        /// Packs a parcel, once for its key.
        #[activity]
        pub async fn pack(self: Arc<Self>, _ctx: ActivityContext, parcel: Parcel) -> Result<(), ActivityError> {
            self.depot.pack(&parcel)
        }

        /// Ships a parcel, as often as it is called.
        #[activity]
        pub async fn ship(self: Arc<Self>, ctx: ActivityContext, parcel: Parcel) -> Result<String, ActivityError> {
            self.depot.ship(&ctx, None, &parcel)
        }
    }
}

/// The depot, which can be closed for a while. Clones are the same depot.
#[derive(Clone, Debug, Default)]
pub struct Depot {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    is_closed: bool,
    pages: Vec<(SystemTime, Page)>,
    shipped: BTreeMap<String, Shipped>,
}

/// What became of a parcel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shipped {
    /// Where it went.
    pub address: String,
    /// The run that shipped it.
    pub run_id: String,
}

impl Depot {
    /// Closes the depot, or opens it again. Nothing can be shipped from a closed one.
    pub fn close(&self, is_closed: bool) {
        self.state().is_closed = is_closed;
    }

    /// The pages, with the time at which the server started the attempt that printed each.
    pub fn pages(&self) -> Vec<(SystemTime, Page)> {
        self.state().pages.clone()
    }

    /// What became of an order's parcel, if it was shipped.
    pub fn shipped(&self, order: &str) -> Option<Shipped> {
        self.state().shipped.get(order).cloned()
    }

    fn print(&self, ctx: &ActivityContext, page: Page) -> Result<(), ActivityError> {
        effect("print", page.due_s.to_string()).key(&page.key).apply();
        let mut state = self.state();
        if state.pages.iter().all(|(_, known)| known.key != page.key) {
            state.pages.push((ctx.info().started_time.unwrap_or(SystemTime::UNIX_EPOCH), page));
        }
        Ok(())
    }

    fn pack(&self, parcel: &Parcel) -> Result<(), ActivityError> {
        effect("pack", &parcel.order).key(&parcel.key).apply();
        Ok(())
    }

    fn ship(&self, ctx: &ActivityContext, key: Option<&str>, parcel: &Parcel) -> Result<String, ActivityError> {
        if self.state().is_closed {
            return Err(ApplicationFailure::new("the depot is closed").into());
        }
        let effect = effect("ship", &parcel.order);
        match key {
            Some(key) => effect.key(key).apply(),
            None => effect.apply(),
        };
        let new = Shipped {
            address: parcel.address.clone().unwrap_or_default(),
            run_id: ctx.info().workflow_run_id.clone().unwrap_or_default(),
        };
        Ok(self.state().shipped.entry(parcel.order.clone()).or_insert(new).address.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
