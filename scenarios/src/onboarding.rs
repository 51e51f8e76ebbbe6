//! An onboarding: six mails over 30 days. A mail is left out if its step is already done, and none is sent after the customer
//! has unsubscribed. This shows long waits that signals cut short.
//!
//! The trap is a mail that is just being sent, or that has been retried for days. So its activity is cancelled. Before the
//! workflow says "unsubscribed", the [`Mailer`] has the customer on its list of those who get nothing more.

#![expect(missing_docs, reason = "the SDK's macros write constants without a docstring")]

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use foretime::{
    ActivityFaults, Faults, Sim, effect,
    proptest::{option, prelude::Strategy},
};
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use temporalio_client::{WorkflowGetResultOptions, WorkflowSignalOptions, WorkflowStartOptions};
use temporalio_common::{RetryPolicy, worker::WorkerDeploymentOptions};
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::{
    ActivityOptions, ApplicationFailure, CancellableFuture, SyncWorkflowContext, WorkerOptions, WorkflowContext,
    WorkflowContextView, WorkflowRegistrationError, WorkflowResult,
    activities::{ActivityContext, ActivityError},
    workflows::select,
};

use crate::people::{few_named, in_one_of_three, in_time, moment};

/// The task queue on which customers are brought on board.
pub const TASK_QUEUE: &str = "onboarding";
/// A day.
pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The days after the start on which a mail is due, with the step that each mail asks the customer to take.
pub const COURSE: [(u32, &str); 6] =
    [(0, "welcome"), (1, "profile"), (3, "first project"), (7, "invite a friend"), (14, "connect a calendar"), (30, "upgrade")];

/// The result of an onboarding.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The steps about which a mail was sent, in order.
    pub sent: Vec<String>,
    /// The steps that were done before their mail was due.
    pub skipped: Vec<String>,
    /// Whether the customer unsubscribed.
    pub unsubscribed: bool,
}

/// A mail: sent once for a key, however often it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// Names the mail.
    pub key: String,
    /// Who gets it.
    pub customer: String,
    /// What it is about.
    pub step: String,
}

/// The workflow.
#[workflow]
pub struct Onboarding {
    customer: String,
    completed: BTreeSet<String>,
    report: Report,
}

#[workflow_methods]
impl Onboarding {
    #[init]
    fn new(_ctx: &WorkflowContextView, customer: String) -> Self {
        Self { customer, completed: BTreeSet::new(), report: Report::default() }
    }

    /// The course, to its end or until the customer unsubscribes.
    #[run]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<Report> {
        let start = ctx.workflow_time().unwrap_or(SystemTime::UNIX_EPOCH);
        for (day, step) in COURSE {
            if Self::unsubscribed_before(ctx, start + DAY * day).await? {
                break;
            }
            if ctx.state(|this| this.completed.contains(step)) {
                ctx.state_mut(|this| this.report.skipped.push(step.to_owned()));
            } else {
                Self::send(ctx, step).await?;
            }
        }
        // Checked last, since the signal may have come with the answer to the last mail.
        if ctx.state(|this| this.report.unsubscribed) {
            let customer = ctx.state(|this| this.customer.clone());
            ctx.execute_activity(Post::suppress, customer, as_long_as_it_takes()).await?;
        }
        Ok(ctx.state(|this| this.report.clone()))
    }

    /// The customer has taken this step, so the mail about it is no longer needed.
    #[signal]
    pub fn completed_step(&mut self, _ctx: &mut SyncWorkflowContext<Self>, step: String) {
        self.completed.insert(step);
    }

    /// The customer wants no more mails.
    #[signal]
    pub fn unsubscribed(&mut self, _ctx: &mut SyncWorkflowContext<Self>) {
        self.report.unsubscribed = true;
    }

    /// How far it has come.
    #[query]
    pub fn report(&self, _ctx: &WorkflowContextView) -> Report {
        self.report.clone()
    }

    /// Waits until an instant, not for a span: a mail that took long to send does not delay the next.
    async fn unsubscribed_before(ctx: &WorkflowContext<Self>, due: SystemTime) -> WorkflowResult<bool> {
        let now = ctx.workflow_time().unwrap_or(due);
        if let Ok(span) = due.duration_since(now)
            && !span.is_zero()
            && !ctx.state(|this| this.report.unsubscribed)
        {
            let mut timer = ctx.timer(span);
            let fired = select! {
                left = ctx.wait_condition(|this| this.report.unsubscribed) => { left?; false }
                _ = &mut timer => true
            };
            if !fired {
                timer.cancel();
            }
        }
        Ok(ctx.state(|this| this.report.unsubscribed))
    }

    async fn send(ctx: &WorkflowContext<Self>, step: &str) -> WorkflowResult<()> {
        let mail = Mail {
            key: format!("{}/{step}", ctx.workflow_id()),
            customer: ctx.state(|this| this.customer.clone()),
            step: step.to_owned(),
        };
        let mut sending = ctx.execute_activity(Post::send, mail, as_long_as_it_takes());
        let sent = select! {
            sent = &mut sending => { sent?; true }
            left = ctx.wait_condition(|this| this.report.unsubscribed) => { left?; false }
        };
        if sent {
            ctx.state_mut(|this| this.report.sent.push(step.to_owned()));
        } else {
            sending.cancel();
        }
        Ok(())
    }
}

/// The options of a worker that onboards customers, on [`TASK_QUEUE`].
///
/// # Errors
/// Only if a workflow is registered twice, which cannot happen.
pub fn worker(mailer: &Mailer) -> Result<WorkerOptions, WorkflowRegistrationError> {
    let options = WorkerOptions::new(TASK_QUEUE)
        .deployment_options(WorkerDeploymentOptions::from_build_id("onboarding".to_owned()))
        .register_workflow::<Onboarding>()?
        .register_activities(Post { mailer: mailer.clone() })
        .build();
    Ok(options)
}

/// A minute for each attempt, at most an hour between attempts, and no limit of attempts.
fn as_long_as_it_takes() -> ActivityOptions {
    let policy = RetryPolicy::builder().maximum_interval(Duration::from_secs(60 * 60)).build();
    ActivityOptions::with_start_to_close_timeout(Duration::from_secs(60)).retry_policy(policy).build()
}

/// The activities.
#[derive(Clone, Debug)]
pub struct Post {
    /// What they act upon.
    pub mailer: Mailer,
}

#[activities]
impl Post {
    /// Sends a mail once for its key, unless the customer wants none.
    #[activity]
    pub async fn send(self: Arc<Self>, ctx: ActivityContext, mail: Mail) -> Result<(), ActivityError> {
        self.mailer.send(ctx.info().started_time.unwrap_or(SystemTime::UNIX_EPOCH), mail)
    }

    /// Puts the customer on the list of those who get nothing more.
    #[activity]
    pub async fn suppress(self: Arc<Self>, _ctx: ActivityContext, customer: String) -> Result<(), ActivityError> {
        self.mailer.suppress(&customer);
        Ok(())
    }
}

/// A mail service. Clones are the same service.
#[derive(Clone, Debug, Default)]
pub struct Mailer {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// What goes wrong with the next requests to send. After them nothing does.
    planned: VecDeque<Trouble>,
    requests: u32,
    suppressed: BTreeSet<String>,
    sent: Vec<(SystemTime, Mail)>,
}

/// What can go wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It does not arrive.
    Unreachable,
    /// The mail is sent, but the caller never learns it.
    ReplyLost,
}

impl State {
    fn next_trouble(&mut self) -> Option<Trouble> {
        self.requests += 1;
        self.planned.pop_front()
    }

    /// Whether the mail has left, now or at an earlier request.
    fn send(&mut self, at: SystemTime, mail: &Mail) -> bool {
        let known = self.sent.iter().any(|(_, sent)| sent.key == mail.key);
        let sends = !known && !self.suppressed.contains(&mail.customer);
        if sends {
            self.sent.push((at, mail.clone()));
        }
        known || sends
    }
}

impl Mailer {
    /// Plans what goes wrong with the next requests to send.
    pub fn plan(&self, troubles: impl IntoIterator<Item = Trouble>) {
        self.state().planned.extend(troubles);
    }

    /// The mails that left, with the time of the request.
    pub fn sent(&self) -> Vec<(SystemTime, Mail)> {
        self.state().sent.clone()
    }

    /// How often it was asked to send a mail.
    pub fn requests(&self) -> u32 {
        self.state().requests
    }

    /// Whether this customer gets nothing more.
    pub fn suppresses(&self, customer: &str) -> bool {
        self.state().suppressed.contains(customer)
    }

    fn send(&self, at: SystemTime, mail: Mail) -> Result<(), ActivityError> {
        let trouble = self.state().next_trouble();
        if trouble == Some(Trouble::Unreachable) {
            return Err(ApplicationFailure::new("the mail service is unreachable").into());
        }
        let sent = self.state().send(at, &mail);
        if sent {
            effect("mail", &mail.customer).key(&mail.key).apply();
        }
        match trouble {
            Some(_) => Err(ApplicationFailure::new("the reply was lost").into()),
            None => Ok(()),
        }
    }

    fn suppress(&self, customer: &str) {
        effect("suppress", customer).key(customer).apply();
        self.state().suppressed.insert(customer.to_owned());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A few customers who take some of the steps by themselves and may unsubscribe. Whatever happens, no mail comes too early,
/// twice, without need, or after the workflow has said that the customer is unsubscribed.
///
/// # Errors
/// What did not hold.
pub async fn simulation(sim: Sim) -> foretime::Result {
    let mailer = Mailer::default();
    let at_work = mailer.clone();
    sim.workers(2, move |_| worker(&at_work));
    let slow_mail = ActivityFaults::default().slow(0.3, Duration::from_millis(500)..=Duration::from_secs(100));
    sim.faults(Faults::swarm().activity("Post::send", slow_mail.fails(0.05).hangs(0.02)));
    let customers = sim.draw("customers", a_few_customers());
    let courses = try_join_all(customers.iter().map(|customer| customer.takes_course(&sim, &mailer))).await?;
    // Leaves time for what is late.
    tokio::time::sleep(DAY).await;
    for (customer, course) in customers.iter().zip(&courses) {
        customer.assert_mails_are_right(course, &mailer);
    }
    sim.ledger().exactly_once_by_key()?;
    foretime::sometimes!(courses.iter().any(|course| !course.report.skipped.is_empty()), "a mail is not needed");
    Ok(())
}

/// A customer of the simulation: what they do, and how long after the start.
#[derive(Clone, Debug)]
struct Customer {
    name: &'static str,
    does: Vec<(Duration, Act)>,
}

/// Something that a customer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Completes(&'static str),
    Unsubscribes,
}

fn a_few_customers() -> impl Strategy<Value = Vec<Customer>> {
    few_named(&["ada", "bob", "eve"], some_acts(), |name, does| Customer { name, does })
}

/// One in three steps, and every other customer leaves. In the order in which they are done.
fn some_acts() -> impl Strategy<Value = Vec<(Duration, Act)>> {
    let some_day = || moment(COURSE.map(|(day, _)| DAY * day).to_vec(), DAY * 31);
    let steps = COURSE.map(|(_, step)| in_one_of_three(some_day().prop_map(|after| (after, Act::Completes(step)))));
    let leaves = option::of(some_day().prop_map(|after| (after, Act::Unsubscribes)));
    (steps, leaves).prop_map(|(steps, leaves)| {
        let mut does: Vec<(Duration, Act)> = steps.into_iter().chain([leaves]).flatten().collect();
        does.sort_by_key(|(after, _)| *after);
        does
    })
}

/// The result of a course.
struct Course {
    begun_at: SystemTime,
    /// What the customer did in time, and when.
    did: Vec<(SystemTime, Act)>,
    report: Report,
    /// How many mails had left when the workflow ended.
    mails: usize,
}

impl Customer {
    async fn takes_course(&self, sim: &Sim, mailer: &Mailer) -> foretime::Result<Course> {
        let begun_at = sim.now();
        let options = WorkflowStartOptions::new(TASK_QUEUE, self.name).build();
        sim.client().start_workflow(Onboarding::run, self.name.to_owned(), options).await?;
        let course = sim.client().get_workflow_handle::<Onboarding>(self.name);
        let mut did = Vec::new();
        for (after, act) in &self.does {
            let until = begun_at + *after;
            tokio::time::sleep(until.duration_since(sim.now()).unwrap_or_default()).await;
            let options = WorkflowSignalOptions::default();
            let said = match *act {
                Act::Completes(step) => course.signal(Onboarding::completed_step, step.to_owned(), options).await,
                Act::Unsubscribes => course.signal(Onboarding::unsubscribed, (), options).await,
            };
            if in_time(said)? {
                did.push((sim.now(), *act));
            }
        }
        let report = course.get_result(WorkflowGetResultOptions::default()).await?;
        Ok(Course { begun_at, did, report, mails: self.mails(mailer).len() })
    }

    fn mails(&self, mailer: &Mailer) -> Vec<(SystemTime, String)> {
        let of_customer = mailer.sent().into_iter().filter(|(_, mail)| mail.customer == self.name);
        of_customer.map(|(at, mail)| (at, mail.step)).collect()
    }

    fn assert_mails_are_right(&self, course: &Course, mailer: &Mailer) {
        let (mails, Report { sent, skipped, unsubscribed }) = (self.mails(mailer), &course.report);
        let steps: Vec<&String> = mails.iter().map(|(_, step)| step).collect();
        foretime::always!(steps.iter().collect::<BTreeSet<_>>().len() == steps.len(), "no mail is sent twice");
        foretime::always!(course.did.iter().all(|(_, act)| *act != Act::Unsubscribes || *unsubscribed), "who leaves has left");
        foretime::always!(mailer.suppresses(self.name) == *unsubscribed, "who leaves gets nothing more, nobody else");
        if *unsubscribed {
            foretime::always!(mails.len() == course.mails, "no mail after the end");
            assert!(sent.iter().eq(steps.iter().copied().take(sent.len())), "{sent:?}, but {steps:?} were sent");
            foretime::always!(steps.len() <= sent.len() + 1, "only the mail that is on its way may leave as a customer leaves");
        } else {
            foretime::always!(sent.len() + skipped.len() == COURSE.len(), "each step has its mail or needs none");
            assert!(sent.iter().eq(steps.iter().copied()), "{sent:?}, but {steps:?} were sent");
        }
        for (day, step) in COURSE {
            let due_at = course.begun_at + DAY * day;
            let early = mails.iter().any(|(at, of)| of == step && *at < due_at);
            foretime::always!(!early, "no mail comes before its day");
            let done = course.did.iter().any(|(at, act)| *act == Act::Completes(step) && *at < due_at);
            foretime::always!(!(done && sent.iter().any(|of| of == step)), "a step that is done needs no mail");
        }
    }
}
