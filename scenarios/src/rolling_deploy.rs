//! A rolling deploy: insurance claims take weeks, and the code changes meanwhile. [`v2`] adds a fraud check before the money is
//! paid, behind `patched`. This shows two versions of one workflow type. [`broken`] is the second version without `patched`.
//!
//! A claim that the first version paid replays without a check; other claims get the check. Neither breaks. The broken version
//! fails only on a claim that was already paid when it was deployed and is still open.

#![expect(missing_docs, reason = "the SDK's macros write constants without a docstring")]

use std::{
    collections::BTreeSet,
    ops::RangeInclusive,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use foretime::{
    Faults, Sim, effect,
    proptest::{option, prelude::*, sample::Index},
};
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use temporalio_client::{WorkflowGetResultOptions, WorkflowStartOptions};
use temporalio_common::{RetryPolicy, worker::WorkerDeploymentOptions};
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::{
    ActivityOptions, WorkerOptions, WorkflowContext, WorkflowRegistrationError, WorkflowResult,
    activities::{ActivityContext, ActivityError},
};

use crate::people::{few, span};

/// The task queue on which claims are served, by all versions.
pub const TASK_QUEUE: &str = "claims";
/// A day.
pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a claim waits for objections before it is paid.
pub const OBJECTIONS: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How long a paid claim stays open.
pub const APPEAL: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A claim. Its id is the workflow's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Who claims.
    pub customer: String,
    /// How much, in cents.
    pub amount_cents: u64,
}

/// How a claim ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The money was paid.
    Paid,
    /// It looked like fraud: nothing was paid. Only [`v2`] looks.
    Refused,
}

/// A request about a claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The claim's id.
    pub key: String,
    /// The claim.
    pub claim: Claim,
}

/// The code of the first deploy.
pub mod v1 {
    use super::*;

    /// The workflow.
    #[workflow]
    #[derive(Default)]
    pub struct ClaimWorkflow;

    #[workflow_methods]
    impl ClaimWorkflow {
        /// A claim, from registration to closing.
        #[run(name = "Claim")]
        pub async fn run(ctx: &mut WorkflowContext<Self>, claim: Claim) -> WorkflowResult<Outcome> {
            let request = Request { key: ctx.workflow_id().to_owned(), claim };
            ctx.execute_activity(Adjuster::register, request.clone(), patiently()).await?;
            ctx.timer(OBJECTIONS).await;
            ctx.execute_activity(Adjuster::pay, request.clone(), patiently()).await?;
            ctx.timer(APPEAL).await;
            ctx.execute_activity(Adjuster::close, request, patiently()).await?;
            Ok(Outcome::Paid)
        }
    }

    /// A worker of the first deploy.
    ///
    /// # Errors
    /// Only if a workflow is registered twice, which cannot happen.
    pub fn worker(files: &Files) -> Result<WorkerOptions, WorkflowRegistrationError> {
        let mut options = options("claims-v1", files);
        options.register_workflow::<ClaimWorkflow>()?;
        Ok(options)
    }
}

/// The code of the second deploy.
pub mod v2 {
    use super::*;

    /// The workflow.
    #[workflow]
    #[derive(Default)]
    pub struct ClaimWorkflow;

    #[workflow_methods]
    impl ClaimWorkflow {
        /// A claim, from registration to closing, with a check before it is paid.
        #[run(name = "Claim")]
        pub async fn run(ctx: &mut WorkflowContext<Self>, claim: Claim) -> WorkflowResult<Outcome> {
            let request = Request { key: ctx.workflow_id().to_owned(), claim };
            ctx.execute_activity(Adjuster::register, request.clone(), patiently()).await?;
            ctx.timer(OBJECTIONS).await;
            let suspicious =
                ctx.patched("fraud-check") && ctx.execute_activity(Adjuster::check, request.clone(), patiently()).await?;
            if !suspicious {
                ctx.execute_activity(Adjuster::pay, request.clone(), patiently()).await?;
            }
            ctx.timer(APPEAL).await;
            ctx.execute_activity(Adjuster::close, request, patiently()).await?;
            Ok(if suspicious { Outcome::Refused } else { Outcome::Paid })
        }
    }

    /// A worker of the second deploy.
    ///
    /// # Errors
    /// Only if a workflow is registered twice, which cannot happen.
    pub fn worker(files: &Files) -> Result<WorkerOptions, WorkflowRegistrationError> {
        let mut options = options("claims-v2", files);
        options.register_workflow::<ClaimWorkflow>()?;
        Ok(options)
    }
}

/// The bug: the second deploy without `patched`.
pub mod broken {
    use super::*;

    /// The workflow.
    #[workflow]
    #[derive(Default)]
    pub struct ClaimWorkflow;

    #[workflow_methods]
    impl ClaimWorkflow {
        /// As in [`v2`], but also for old claims: where their history has the payment, this has the check.
        #[run(name = "Claim")]
        pub async fn run(ctx: &mut WorkflowContext<Self>, claim: Claim) -> WorkflowResult<Outcome> {
            let request = Request { key: ctx.workflow_id().to_owned(), claim };
            ctx.execute_activity(Adjuster::register, request.clone(), patiently()).await?;
            ctx.timer(OBJECTIONS).await;
            let suspicious = ctx.execute_activity(Adjuster::check, request.clone(), patiently()).await?;
            if !suspicious {
                ctx.execute_activity(Adjuster::pay, request.clone(), patiently()).await?;
            }
            ctx.timer(APPEAL).await;
            ctx.execute_activity(Adjuster::close, request, patiently()).await?;
            Ok(if suspicious { Outcome::Refused } else { Outcome::Paid })
        }
    }

    /// A worker of the broken deploy.
    ///
    /// # Errors
    /// Only if a workflow is registered twice, which cannot happen.
    pub fn worker(files: &Files) -> Result<WorkerOptions, WorkflowRegistrationError> {
        let mut options = options("claims-v2-broken", files);
        options.register_workflow::<ClaimWorkflow>()?;
        Ok(options)
    }
}

/// What all versions have in common.
fn options(build_id: &str, files: &Files) -> WorkerOptions {
    WorkerOptions::new(TASK_QUEUE)
        .deployment_options(WorkerDeploymentOptions::from_build_id(build_id.to_owned()))
        .register_activities(Adjuster { files: files.clone() })
        .build()
}

/// A minute for each attempt, at most ten minutes between attempts, and no limit of attempts.
fn patiently() -> ActivityOptions {
    let policy = RetryPolicy::builder().maximum_interval(Duration::from_secs(10 * 60)).build();
    ActivityOptions::with_start_to_close_timeout(Duration::from_secs(60)).retry_policy(policy).build()
}

/// The activities, the same in all versions.
#[derive(Clone, Debug)]
pub struct Adjuster {
    /// What they act upon.
    pub files: Files,
}

#[activities]
impl Adjuster {
    /// Opens the claim's file.
    #[activity]
    pub async fn register(self: Arc<Self>, _ctx: ActivityContext, request: Request) -> Result<(), ActivityError> {
        self.files.note("register", &request);
        Ok(())
    }

    /// Checks for fraud.
    #[activity]
    pub async fn check(self: Arc<Self>, _ctx: ActivityContext, request: Request) -> Result<bool, ActivityError> {
        self.files.note("check", &request);
        Ok(self.files.suspects(&request.claim.customer))
    }

    /// Pays, once for each claim.
    #[activity]
    pub async fn pay(self: Arc<Self>, _ctx: ActivityContext, request: Request) -> Result<(), ActivityError> {
        self.files.note("pay", &request);
        Ok(())
    }

    /// Closes the claim's file.
    #[activity]
    pub async fn close(self: Arc<Self>, _ctx: ActivityContext, request: Request) -> Result<(), ActivityError> {
        self.files.note("close", &request);
        Ok(())
    }
}

/// The files of all claims. Clones are the same files.
#[derive(Clone, Debug, Default)]
pub struct Files {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    suspects: BTreeSet<String>,
    notes: Vec<(String, &'static str)>,
}

impl Files {
    /// Suspects a customer of fraud.
    pub fn suspect(&self, customer: &str) {
        self.state().suspects.insert(customer.to_owned());
    }

    /// What was done for a claim, in order, each step once: "register", "check", "pay", "close".
    pub fn done_for(&self, key: &str) -> Vec<&'static str> {
        self.state().notes.iter().filter(|(of, _)| of == key).map(|(_, what)| *what).collect()
    }

    fn suspects(&self, customer: &str) -> bool {
        self.state().suspects.contains(customer)
    }

    fn note(&self, what: &'static str, request: &Request) {
        effect(what, &request.claim.customer).key(&request.key).apply();
        let mut state = self.state();
        let note = (request.key.clone(), what);
        if !state.notes.contains(&note) {
            state.notes.push(note);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A few claims, begun within a month, with the second version deployed meanwhile. Whatever happens, each claim goes through in
/// the order of one version or the other, and no money is paid unchecked once the deploy is over.
///
/// # Errors
/// What did not hold.
pub async fn simulation(sim: Sim) -> foretime::Result {
    deploys(sim, v2::worker).await
}

/// The same with the version that forgot `patched`.
///
/// # Errors
/// What did not hold.
pub async fn simulation_of_broken(sim: Sim) -> foretime::Result {
    deploys(sim, broken::worker).await
}

/// How many claims there are. At least two: a deploy must come between them.
const CLAIMS: RangeInclusive<usize> = 2..=5;

/// How long a deploy may take, with everything that may go wrong.
const DEPLOY_MAX: Duration = Duration::from_secs(30 * 60);

/// What happens in a simulation.
#[derive(Clone, Debug)]
struct Quarter {
    claims: Vec<Claimant>,
    deployed_after: Duration,
}

/// Somebody who claims.
#[derive(Clone, Debug)]
struct Claimant {
    claims_after: Duration,
    is_suspect: bool,
}

fn a_quarter() -> impl Strategy<Value = Quarter> {
    // After a storm everybody claims at once.
    let claims = prop_oneof![few(a_claimant(Duration::from_secs(10)), CLAIMS), few(a_claimant(DAY * 30), CLAIMS),];
    // Every other deploy is so close to a payment that both versions may work on the claim.
    let before_payment = (any::<Index>(), span(Duration::from_secs(10)));
    (claims, span(DAY * 60), option::of(before_payment)).prop_map(|(claims, some_day, before_payment)| {
        let just_before = |(of, by): (Index, Duration)| of.get(&claims).claims_after + OBJECTIONS - by;
        Quarter { deployed_after: before_payment.map_or(some_day, just_before), claims }
    })
}

/// One in three is suspected of fraud.
fn a_claimant(claims_within: Duration) -> impl Strategy<Value = Claimant> {
    let is_suspect = prop_oneof![2 => Just(false), 1 => Just(true)];
    (span(claims_within), is_suspect).prop_map(|(claims_after, is_suspect)| Claimant { claims_after, is_suspect })
}

async fn deploys(sim: Sim, second: fn(&Files) -> Result<WorkerOptions, WorkflowRegistrationError>) -> foretime::Result {
    let files = Files::default();
    let (first_files, second_files) = (files.clone(), files.clone());
    // For a while both versions are at work. The first fails the workflow tasks of a claim that the second has marked as
    // checked, until the second gets them. That happens in production too, and is not a bug of the code.
    let fleet = sim.workers(2, move |_| v1::worker(&first_files));
    sim.faults(Faults::swarm());
    let Quarter { claims, deployed_after } = sim.draw("quarter", a_quarter());
    let claims: Vec<(String, Claimant)> = (1..).map(|number| format!("claim-{number}")).zip(claims).collect();
    for (id, _) in claims.iter().filter(|(_, claimant)| claimant.is_suspect) {
        files.suspect(id);
    }
    let mut deployed_at = sim.now();
    let deploy = async {
        tokio::time::sleep(deployed_after).await;
        deployed_at = sim.now();
        fleet.deploy(move |_| second(&second_files));
    };
    let claimed = try_join_all(claims.iter().map(|(id, claimant)| claim(&sim, id, claimant.claims_after)));
    let (ended, ()) = futures::future::join(claimed, deploy).await;
    let ended = ended?;
    for ((id, _), (begun_at, outcome)) in claims.iter().zip(&ended) {
        let done = files.done_for(id);
        let is_checked = done.contains(&"check");
        let expected: &[&str] = match (outcome, is_checked) {
            (Outcome::Refused, _) => &["register", "check", "close"],
            (Outcome::Paid, true) => &["register", "check", "pay", "close"],
            (Outcome::Paid, false) => &["register", "pay", "close"],
        };
        assert_eq!(done, expected, "{id} is {outcome:?}");
        let is_refused = *outcome == Outcome::Refused;
        foretime::always!(is_refused == (is_checked && files.suspects(id)), "what is checked and suspicious is refused");
        let is_new = *begun_at + OBJECTIONS >= deployed_at + DEPLOY_MAX;
        foretime::always!(is_checked || !is_new, "after the deploy no claim is paid unchecked");
    }
    sim.ledger().exactly_once_by_key()?;
    let checked = claims.iter().filter(|(id, _)| files.done_for(id).contains(&"check")).count();
    foretime::sometimes!((1..claims.len()).contains(&checked), "a deploy comes between the payments of two claims");
    Ok(())
}

/// Claims after a while and waits for the outcome. Returns when the claim began.
async fn claim(sim: &Sim, id: &str, after: Duration) -> foretime::Result<(SystemTime, Outcome)> {
    tokio::time::sleep(after).await;
    let begun_at = sim.now();
    let claim = Claim { customer: id.to_owned(), amount_cents: 120_000 };
    let options = WorkflowStartOptions::new(TASK_QUEUE, id).build();
    let claim = sim.client().start_workflow(v2::ClaimWorkflow::run, claim, options).await?;
    Ok((begun_at, claim.get_result(WorkflowGetResultOptions::default()).await?))
}
