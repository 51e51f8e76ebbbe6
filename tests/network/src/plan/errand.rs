//! What a client wants.

use std::time::Duration;

use foretime_server::proto::enums::{WorkflowIdConflictPolicy, WorkflowIdReusePolicy};

use super::{draw::Draw, script::Script};

/// The most errands of a client.
const COUNT_MAX: u64 = 9;
/// How long a client rests between two errands at most.
const REST_MAX: Duration = Duration::from_secs(60);
/// For how long a client tries at least, and at most.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(600));

/// Something that a client wants.
#[derive(Clone, Debug)]
pub struct Errand {
    /// How long it rests before.
    pub rest: Duration,
    /// For how long it tries.
    pub patience: Duration,
    /// The workflow that it is about.
    pub workflow_id: String,
    /// What is in it and in no other.
    pub nonce: String,
    /// What it wants.
    pub wish: Wish,
    /// Whether it means the run that it knows last, not the current one.
    pub means_known_run: bool,
    /// Whether it locks time meanwhile.
    pub locks_time: bool,
}

/// What a client wants.
#[derive(Clone, Debug)]
pub enum Wish {
    /// To start a workflow.
    Start(Box<StartWish>),
    /// To signal it, and to start it if it does not run.
    SignalWithStart(Box<StartWish>),
    /// To signal it.
    Signal,
    /// To update it, and to wait until that is done.
    Update,
    /// To query it.
    Query,
    /// To cancel it.
    Cancel,
    /// To terminate it.
    Terminate,
    /// To wait for its end.
    Await,
    /// To have it described.
    Describe,
}

/// How a workflow is to be started.
#[derive(Clone, Debug)]
pub struct StartWish {
    /// What it does.
    pub script: Script,
    /// What holds if the last run has closed.
    pub reuse: WorkflowIdReusePolicy,
    /// What holds if a run is running.
    pub conflict: WorkflowIdConflictPolicy,
    /// The timeout of its workflow tasks.
    pub task_timeout: Duration,
}

/// What the client wants that comes last: to have each of these workflows described, and to query it.
pub fn of_inspector(workflow_ids: &[String]) -> Vec<Errand> {
    let wishes = workflow_ids.iter().flat_map(|workflow_id| [(workflow_id, Wish::Describe), (workflow_id, Wish::Query)]);
    let errand = |(number, (workflow_id, wish)): (usize, (&String, Wish))| Errand {
        rest: Duration::ZERO,
        patience: PATIENCE.1,
        workflow_id: workflow_id.clone(),
        nonce: format!("inspector.{number}"),
        wish,
        means_known_run: false,
        locks_time: false,
    };
    wishes.enumerate().map(errand).collect()
}

/// The errands of a client, by its number from 1. The first is a start, or there would be little to do.
pub fn all(draw: &mut Draw, client: u64, workflows_count: u64) -> Vec<Errand> {
    let count = draw.between(3, COUNT_MAX);
    (1..=count).map(|number| one(draw, client, number, workflows_count)).collect()
}

fn one(draw: &mut Draw, client: u64, number: u64, workflows_count: u64) -> Errand {
    let workflow_id = format!("order-{}", draw.between(1, workflows_count));
    let is_bad = draw.once_in(4);
    let mut nonce = format!("client-{client}.{number}");
    let wish = match draw.below(if number == 1 { 3 } else { 16 }) {
        0..=2 => Wish::Start(Box::new(StartWish::draw(draw, &nonce))),
        3..=4 => Wish::SignalWithStart(Box::new(StartWish::draw(draw, &nonce).of_signal())),
        5..=7 => Wish::Signal,
        8..=9 => Wish::Update,
        10 => Wish::Query,
        11 => Wish::Cancel,
        12 => Wish::Terminate,
        13 => Wish::Await,
        _ => Wish::Describe,
    };
    if matches!(wish, Wish::Update) && is_bad {
        nonce.push_str("-bad");
    }
    Errand {
        rest: draw.span(Duration::from_millis(1), REST_MAX),
        patience: draw.span(PATIENCE.0, PATIENCE.1),
        workflow_id,
        nonce,
        wish,
        means_known_run: draw.once_in(3),
        locks_time: draw.once_in(4),
    }
}

impl StartWish {
    /// The same wish for a signal with start, which the server does not let fail because a run is running.
    fn of_signal(self) -> Self {
        let conflict = match self.conflict {
            WorkflowIdConflictPolicy::Fail => WorkflowIdConflictPolicy::UseExisting,
            conflict => conflict,
        };
        Self { conflict, ..self }
    }

    fn draw(draw: &mut Draw, nonce: &str) -> Self {
        let reuse = draw.one_of(&[
            WorkflowIdReusePolicy::AllowDuplicate,
            WorkflowIdReusePolicy::AllowDuplicate,
            WorkflowIdReusePolicy::AllowDuplicateFailedOnly,
            WorkflowIdReusePolicy::RejectDuplicate,
        ]);
        let conflict = draw.one_of(&[
            WorkflowIdConflictPolicy::Fail,
            WorkflowIdConflictPolicy::Fail,
            WorkflowIdConflictPolicy::UseExisting,
            WorkflowIdConflictPolicy::TerminateExisting,
        ]);
        // The server refuses the two together.
        let is_refused =
            reuse == WorkflowIdReusePolicy::RejectDuplicate && conflict == WorkflowIdConflictPolicy::TerminateExisting;
        let conflict = if is_refused { WorkflowIdConflictPolicy::UseExisting } else { conflict };
        Self {
            script: Script::draw(&mut |bound| draw.below(bound), nonce, 0),
            reuse,
            conflict,
            task_timeout: draw.one_of(&[Duration::from_secs(1), Duration::from_secs(3), Duration::from_secs(10)]),
        }
    }
}
