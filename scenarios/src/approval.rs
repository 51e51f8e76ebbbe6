//! An approval: a request waits for a yes or a no. The approver is reminded after a day, the manager is asked after three, and
//! after a week the answer is no. This shows a human in a workflow, deadlines, and an activity that heartbeats. [`broken`]
//! shows workflow code that does not replay.
//!
//! The trap is the answer that comes as the deadline passes. Whatever comes first in the history counts. It is decided once, so
//! what is announced is what the workflow returns.

#![expect(missing_docs, reason = "the SDK's macros write constants without a docstring")]

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use foretime::effect;
use serde::{Deserialize, Serialize};
use temporalio_common::{RetryPolicy, worker::WorkerDeploymentOptions};
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::{
    ActivityOptions, CancellableFuture, SyncWorkflowContext, WorkerOptions, WorkflowContext, WorkflowContextView,
    WorkflowRegistrationError, WorkflowResult,
    activities::{ActivityContext, ActivityError},
    workflows::select,
};

mod simulation;

pub use simulation::{simulation, simulation_of_broken};

/// The task queue on which requests are served.
pub const TASK_QUEUE: &str = "approvals";
/// A day.
pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The days after which the approver is reminded, the manager is asked, and the request is rejected.
pub const DEADLINES_DAYS: [u32; 3] = [1, 3, 7];
/// How many pages of a request's papers are filed, each with a heartbeat.
pub const PAGES: u32 = 12;

/// What is asked for. Its id is the workflow's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// What it is for.
    pub title: String,
    /// Who decides.
    pub approver: String,
    /// Who decides if the approver does not.
    pub manager: String,
}

/// How it was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decision {
    /// Yes, from this person.
    Approved(String),
    /// No, from this person.
    Rejected(String),
    /// Nobody answered for a week: no.
    Expired,
}

/// A message to somebody about a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Names the message.
    pub key: String,
    /// Who gets it.
    pub to: String,
    /// What it says.
    pub text: String,
}

/// The workflow.
#[workflow]
pub struct Approval {
    request: Request,
    decision: Option<Decision>,
}

#[workflow_methods]
impl Approval {
    #[init]
    fn new(_ctx: &WorkflowContextView, request: Request) -> Self {
        Self { request, decision: None }
    }

    /// From the question to the answer.
    #[run]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<Decision> {
        let start = ctx.workflow_time().unwrap_or(SystemTime::UNIX_EPOCH);
        let Request { approver, manager, .. } = ctx.state(|this| this.request.clone());
        let [reminder, escalation, end] = DEADLINES_DAYS.map(|days| start + DAY * days);
        for (to, text, answer_by) in
            [(&approver, "please decide", reminder), (&approver, "reminder", escalation), (&manager, "escalation", end)]
        {
            Self::tell(ctx, to, text).await?;
            Self::wait_for_decision_until(ctx, answer_by).await?;
            if ctx.state(|this| this.decision.is_some()) {
                break;
            }
        }
        let decision = ctx.state_mut(|this| this.decision.get_or_insert(Decision::Expired).clone());
        let papers = Papers { key: ctx.workflow_id().to_owned(), decision: decision.clone() };
        ctx.execute_activity(Office::file, papers, heartbeating()).await?;
        Self::tell(ctx, &approver, &format!("{decision:?}")).await?;
        Ok(decision)
    }

    /// Somebody says yes. The first answer counts.
    #[signal]
    pub fn approve(&mut self, _ctx: &mut SyncWorkflowContext<Self>, by: String) {
        self.decision.get_or_insert(Decision::Approved(by));
    }

    /// Somebody says no. The first answer counts.
    #[signal]
    pub fn reject(&mut self, _ctx: &mut SyncWorkflowContext<Self>, by: String) {
        self.decision.get_or_insert(Decision::Rejected(by));
    }

    /// The decision, once there is one.
    #[query]
    pub fn decision(&self, _ctx: &WorkflowContextView) -> Option<Decision> {
        self.decision.clone()
    }

    async fn wait_for_decision_until(ctx: &WorkflowContext<Self>, moment: SystemTime) -> WorkflowResult<()> {
        let now = ctx.workflow_time().unwrap_or(moment);
        let span = moment.duration_since(now).unwrap_or_default();
        if span.is_zero() || ctx.state(|this| this.decision.is_some()) {
            return Ok(());
        }
        let mut timer = ctx.timer(span);
        let decided = select! {
            decided = ctx.wait_condition(|this| this.decision.is_some()) => { decided?; true }
            _ = &mut timer => false
        };
        if decided {
            timer.cancel();
        }
        Ok(())
    }

    async fn tell(ctx: &WorkflowContext<Self>, to: &str, text: &str) -> WorkflowResult<()> {
        let note = Note { key: format!("{}/{text}", ctx.workflow_id()), to: to.to_owned(), text: text.to_owned() };
        Ok(ctx.execute_activity(Office::tell, note, a_minute()).await?)
    }
}

/// The options of a worker that serves requests, on [`TASK_QUEUE`].
///
/// # Errors
/// Only if a workflow is registered twice, which cannot happen.
pub fn worker(desk: &Desk) -> Result<WorkerOptions, WorkflowRegistrationError> {
    let options = WorkerOptions::new(TASK_QUEUE)
        .deployment_options(WorkerDeploymentOptions::from_build_id("approval".to_owned()))
        .register_workflow::<Approval>()?
        .register_activities(Office { desk: desk.clone() })
        .build();
    Ok(options)
}

/// A minute for each attempt, at most ten minutes between attempts, and no limit of attempts.
fn a_minute() -> ActivityOptions {
    let policy = RetryPolicy::builder().maximum_interval(Duration::from_secs(10 * 60)).build();
    ActivityOptions::with_start_to_close_timeout(Duration::from_secs(60)).retry_policy(policy).build()
}

/// Long work: two hours for each attempt, but a minute without a heartbeat ends it.
fn heartbeating() -> ActivityOptions {
    let policy = RetryPolicy::builder().maximum_interval(Duration::from_secs(10 * 60)).build();
    ActivityOptions::with_start_to_close_timeout(2 * Duration::from_secs(60 * 60))
        .heartbeat_timeout(Duration::from_secs(60))
        .retry_policy(policy)
        .build()
}

/// What is filed when a request is decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Papers {
    /// Names them: the request's id.
    pub key: String,
    /// What was decided.
    pub decision: Decision,
}

/// The activities.
#[derive(Clone, Debug)]
pub struct Office {
    /// What they act upon.
    pub desk: Desk,
}

#[activities]
impl Office {
    /// Writes to somebody, once for the note's key.
    #[activity]
    pub async fn tell(self: Arc<Self>, ctx: ActivityContext, note: Note) -> Result<(), ActivityError> {
        self.desk.tell(ctx.info().started_time.unwrap_or(SystemTime::UNIX_EPOCH), note);
        Ok(())
    }

    /// Files the papers page by page. Another attempt goes on after the last page whose heartbeat arrived. Heartbeats may be
    /// lost, so the desk knows each page by its key.
    #[activity]
    pub async fn file(self: Arc<Self>, ctx: ActivityContext, papers: Papers) -> Result<(), ActivityError> {
        let filed = ctx.heartbeat_details().deserialize::<u32>()?.unwrap_or_default();
        for page in filed..PAGES {
            tokio::time::sleep(self.desk.page_takes).await;
            self.desk.file(&papers, page);
            ctx.record_heartbeat(page + 1).await?;
        }
        Ok(())
    }
}

/// The desk that notes and papers end up on. Clones are the same desk.
#[derive(Clone, Debug, Default)]
pub struct Desk {
    page_takes: Duration,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    notes: Vec<(SystemTime, Note)>,
    pages: Vec<(u32, Papers)>,
}

impl Desk {
    /// A desk at which a page takes this long to file; `default()` files in no time.
    pub fn with_pages_of(page_takes: Duration) -> Self {
        Self { page_takes, ..Self::default() }
    }

    /// The notes that were written, with the time of the request.
    pub fn notes(&self) -> Vec<(SystemTime, Note)> {
        self.state().notes.clone()
    }

    /// The pages that were filed.
    pub fn pages(&self) -> Vec<(u32, Papers)> {
        self.state().pages.clone()
    }

    fn tell(&self, at: SystemTime, note: Note) {
        effect("tell", &note.to).key(&note.key).apply();
        let mut state = self.state();
        if state.notes.iter().all(|(_, known)| known.key != note.key) {
            state.notes.push((at, note));
        }
    }

    fn file(&self, papers: &Papers, page: u32) {
        effect("file", format!("page {page} of {}", papers.key)).key(format!("{}/{page}", papers.key)).apply();
        let mut state = self.state();
        if state.pages.iter().all(|(known_page, known)| (*known_page, &known.key) != (page, &papers.key)) {
            state.pages.push((page, papers.clone()));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The bug: the workflow walks over a std `HashMap` to start its activities. Each map has its own order, so a replay starts
/// other activities first, and the server's history does not match: nondeterminism. A worker that keeps the workflow in its
/// sticky cache from the first day to the last never notices.
pub mod broken {
    use std::collections::HashMap;

    use super::*;

    /// Asks on every channel at once and takes the first answer. Otherwise it is the same.
    #[workflow]
    pub struct Approval {
        request: Request,
        decision: Option<Decision>,
    }

    #[workflow_methods]
    impl Approval {
        #[init]
        fn new(_ctx: &WorkflowContextView, request: Request) -> Self {
            Self { request, decision: None }
        }

        /// From the question to the answer.
        #[run]
        pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<Decision> {
            let Request { title, approver, manager } = ctx.state(|this| this.request.clone());
            let channels = HashMap::from([("mail", &approver), ("chat", &approver), ("phone", &manager), ("letter", &manager)]);
            for (channel, to) in channels {
                let note = Note { key: format!("{}/{channel}", ctx.workflow_id()), to: to.clone(), text: title.clone() };
                match channel {
                    "mail" => ctx.execute_activity(Channels::mail, note, a_minute()).await?,
                    "chat" => ctx.execute_activity(Channels::chat, note, a_minute()).await?,
                    "phone" => ctx.execute_activity(Channels::phone, note, a_minute()).await?,
                    _ => ctx.execute_activity(Channels::letter, note, a_minute()).await?,
                }
            }
            let mut week = ctx.timer(DAY * DEADLINES_DAYS[2]);
            let decided = select! {
                decided = ctx.wait_condition(|this| this.decision.is_some()) => { decided?; true }
                _ = &mut week => false
            };
            if decided {
                week.cancel();
            }
            Ok(ctx.state_mut(|this| this.decision.get_or_insert(Decision::Expired).clone()))
        }

        /// Somebody says yes. The first answer counts.
        #[signal]
        pub fn approve(&mut self, _ctx: &mut SyncWorkflowContext<Self>, by: String) {
            self.decision.get_or_insert(Decision::Approved(by));
        }
    }

    /// A worker with this workflow.
    ///
    /// # Errors
    /// Only if a workflow is registered twice, which cannot happen.
    pub fn worker(desk: &Desk) -> Result<WorkerOptions, WorkflowRegistrationError> {
        let options = WorkerOptions::new(TASK_QUEUE)
            .deployment_options(WorkerDeploymentOptions::from_build_id("approval-by-hash-map".to_owned()))
            .register_workflow::<Approval>()?
            .register_activities(Channels { desk: desk.clone() })
            .build();
        Ok(options)
    }

    /// The activities. Nothing is wrong with them.
    #[derive(Clone, Debug)]
    pub struct Channels {
        /// What they act upon.
        pub desk: Desk,
    }

    #[activities]
    impl Channels {
        /// Writes a mail.
        #[activity]
        pub async fn mail(self: Arc<Self>, ctx: ActivityContext, note: Note) -> Result<(), ActivityError> {
            self.desk.tell(ctx.info().started_time.unwrap_or(SystemTime::UNIX_EPOCH), note);
            Ok(())
        }

        /// Writes in the chat.
        #[activity]
        pub async fn chat(self: Arc<Self>, ctx: ActivityContext, note: Note) -> Result<(), ActivityError> {
            self.desk.tell(ctx.info().started_time.unwrap_or(SystemTime::UNIX_EPOCH), note);
            Ok(())
        }

        /// Rings up.
        #[activity]
        pub async fn phone(self: Arc<Self>, ctx: ActivityContext, note: Note) -> Result<(), ActivityError> {
            self.desk.tell(ctx.info().started_time.unwrap_or(SystemTime::UNIX_EPOCH), note);
            Ok(())
        }

        /// Writes a letter.
        #[activity]
        pub async fn letter(self: Arc<Self>, ctx: ActivityContext, note: Note) -> Result<(), ActivityError> {
            self.desk.tell(ctx.info().started_time.unwrap_or(SystemTime::UNIX_EPOCH), note);
            Ok(())
        }
    }
}
