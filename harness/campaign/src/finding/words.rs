//! The sentences for what is wrong: a title, and the rest. Only people read them.

use std::fmt;

use foretime_history::verdict::Divergence;

use super::{
    Amid, DoesNotReplay, NoWorker, Panicked, Refused, Stuck, TaskFailed, TaskFailure, Unmade, Unreplayed, Whose, Workflow,
    Wrong,
};
use crate::words::{of_core, on_version};

/// What to say about a panic in the SDK's core.
const PANIC_OF_CORE: &str = "\nThat is not your code. Most panics of the SDK's core are assertions for its own developers, which in production are lines \
     in a log: with debug-assertions = false under [profile.dev.package.temporalio-sdk-core] in Cargo.toml they are so here, too.";

/// What to say about a panic in the rest of the SDK.
const PANIC_OF_SDK: &str = "\nThat is the SDK's own code; docs/determinism.md of Foretime has those of its bugs that simulations are known to come upon.";

/// What to say about the error of a local activity that timed out.
const OTHER_TIMEOUT: &str = "\nThat is a bug of the SDK, which is in docs/determinism.md of Foretime: in a replay the error has another text, and no \
     cause. Let nothing that the workflow does or returns depend on which error it is, neither on its text nor on as_timeout().";

/// What to say about the late result of a local activity.
const LATE_LOCAL_ACTIVITY: &str = "\nThat is a bug of the SDK's core, which is in docs/determinism.md of Foretime: the worker lost the run while the local \
     activity was under way, and got it again with the result that another attempt had. In production the next attempt of the \
     workflow task mends it. Faults::swarm().without(Fault::Eviction) avoids it.";

/// What to say about the network and other processes.
const FAKES: &str = "Activities of a simulation act on fakes in memory: what a network or another process does cannot be repeated. Give the \
     worker a fake client instead of the real one.";

/// What to say about effects of workflow code.
const BELONGS_IN_AN_ACTIVITY: &str = "Workflow code runs again whenever a worker has lost its cache, and what it does to the outside world is done again \
     with it. That belongs in an activity.";

impl Wrong {
    /// What is wrong, in a sentence.
    pub fn title(&self) -> String {
        match self {
            Self::NotBegun { title, .. } | Self::TestFailed { title, .. } => title.clone(),
            Self::NoSuchEvent { name } => format!("there is no event \"{name}\" at which a worker could crash"),
            Self::NoWorker(it) => it.title(),
            Self::BodyPanicked => "the test's body panicked".to_owned(),
            Self::Panicked(panicked) => panicked.title(),
            Self::TaskRefused { .. } => "the server failed a workflow task".to_owned(),
            Self::TaskFailed(failed) => failed.reason.title().to_owned(),
            Self::NotReplayed { .. } => "the histories could not be replayed".to_owned(),
            Self::DoesNotReplay(it) => it.title(),
            Self::AsksOtherwise { workflow_id, is_of_sdk: true, .. } => {
                format!("the SDK gives {workflow_id} another error of a local activity's timeout when it is replayed")
            }
            Self::AsksOtherwise { workflow_id, .. } => {
                format!("workflow code of {workflow_id} asks for something else when it is replayed")
            }
            Self::Impure { kind, subject } => format!("workflow code did \"{kind} {subject}\" when it was replayed"),
            Self::SleepsOnThread { worker, .. } => format!("workflow code on {worker} sleeps on its thread"),
            Self::IllegalHistory { workflow_id, event_id, .. } => {
                format!("the history of {workflow_id} is not legal at event {event_id}")
            }
            Self::ClaimBroken { claim, .. } => format!("not always: {claim}"),
            Self::Stuck { how, .. } => how.title(),
            Self::Refused(it) => format!("{} {}, which a simulation refuses", it.process, it.what),
            Self::TurnKept { .. } => "a thread does not give up its turn".to_owned(),
        }
    }

    /// The rest.
    pub fn detail(&self) -> String {
        match self {
            Self::NotBegun { detail, .. } | Self::TestFailed { detail, .. } => detail.clone(),
            Self::NoSuchEvent { .. } => "The API's EventType has the names, as ActivityTaskScheduled.".to_owned(),
            Self::NoWorker(it) => it.detail(),
            Self::BodyPanicked => String::new(),
            Self::Panicked(panicked) => panicked.detail(),
            Self::TaskRefused { of, text } => {
                format!("{}{text}", of.as_ref().map_or_else(String::new, |of| format!("of {of}: ")))
            }
            Self::TaskFailed(failed) => failed.detail(),
            Self::NotReplayed { error } => error.clone(),
            Self::DoesNotReplay(it) => it.detail(),
            Self::AsksOtherwise { text, is_of_sdk, .. } => {
                format!("{text}{}", if *is_of_sdk { OTHER_TIMEOUT } else { "" })
            }
            Self::Impure { .. } => BELONGS_IN_AN_ACTIVITY.to_owned(),
            Self::SleepsOnThread { span, .. } => format!(
                "It calls std::thread::sleep, for {span:?}. Meanwhile the worker does nothing else, and its workflow tasks \
                 time out. A workflow waits with ctx.timer(..)."
            ),
            Self::IllegalHistory { rule, text, .. } => format!("{rule}: {text}. This is a bug in Foretime."),
            Self::ClaimBroken { place, amid, .. } => {
                let amid = amid.as_ref().map_or_else(String::new, |attempt| format!(", in {}", attempt.subject()));
                format!("at {place}{amid}")
            }
            Self::Stuck { how: Stuck::NoEnd { .. }, who_waits } => {
                format!("{who_waits}\nFORETIME_STEPS=n allows for more steps")
            }
            Self::Stuck { who_waits, .. } => who_waits.clone(),
            Self::Refused(it) => it.detail(),
            Self::TurnKept { report } => report.clone(),
        }
    }
}

impl NoWorker {
    fn title(&self) -> String {
        format!("{} cannot be made: {}", self.process, self.error.split('\n').next().unwrap_or_default())
    }

    fn detail(&self) -> String {
        let rest = self.error.split_once('\n').map_or("", |(_, rest)| rest);
        let rest: String = rest.lines().map(|line| format!("{}\n", line.trim())).collect();
        let call = if self.version.is_some_and(|version| version > 0) { "deploy" } else { "sim.workers" };
        let who = match self.whose {
            Unmade::ByClosure => format!("The closure given to {call} returned this error."),
            Unmade::BySdk => format!("The SDK refuses the options that the closure given to {call} returned."),
        };
        format!("{rest}{who} Another start of the worker would only end in the same way.")
    }
}

impl Refused {
    fn detail(&self) -> String {
        let whom = self.whom.iter().map(|whom| format!("for {whom}"));
        let amid = self.amid.iter().map(|attempt| format!("in {}", attempt.subject()));
        let place = self.place.iter().map(|place| format!("at {place}"));
        let known: Vec<String> = whom.chain(amid).chain(place).collect();
        let known = if known.is_empty() { String::new() } else { format!("{}\n", known.join(", ")) };
        format!("{known}{FAKES}")
    }
}

impl Panicked {
    fn title(&self) -> String {
        let whose = match self.whose {
            Whose::User => "",
            Whose::Sdk => "the SDK on ",
            Whose::Core => "the SDK's core on ",
        };
        format!("{whose}{} panicked: {}", self.process, self.message.split('\n').next().unwrap_or_default())
    }

    fn detail(&self) -> String {
        let rest = self.message.split_once('\n').map_or("", |(_, rest)| rest);
        let rest: String = rest.lines().map(|line| format!("{}\n", line.trim())).collect();
        let amid = match &self.amid {
            None => String::new(),
            Some(Amid::Attempt(attempt)) => format!("in {}, ", attempt.subject()),
            Some(Amid::WorkflowTask(of)) => format!("in a workflow task of {of}, "),
        };
        let word = match self.whose {
            Whose::User => "",
            Whose::Sdk => PANIC_OF_SDK,
            Whose::Core => PANIC_OF_CORE,
        };
        format!("{rest}{amid}on thread \"{}\", at {}{word}", self.thread, self.place)
    }
}

impl fmt::Display for Workflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.workflow_id, self.workflow_type)
    }
}

impl TaskFailure {
    const fn title(self) -> &'static str {
        match self {
            Self::CodeDoesNotFit => "the workflow's code does not fit its own history",
            Self::WokenFromOutside => "workflow code waits for something that is not the SDK's",
            Self::Other => "a workflow task failed",
            Self::LateLocalActivity => "the SDK's core takes the late result of a local activity for another way of the code",
        }
    }
}

impl TaskFailed {
    fn detail(&self) -> String {
        let Self { worker, cause, .. } = self;
        let version = on_version(self.version);
        let of = self.of.as_ref().map_or_else(String::new, |of| format!(" of {of}"));
        let input = self.input.as_ref().map_or_else(String::new, |input| format!(", with the input {input}"));
        let word = if self.reason == TaskFailure::LateLocalActivity { LATE_LOCAL_ACTIVITY } else { "" };
        let parting = parting(self.divergence.as_deref());
        format!("{parting}{worker}{version} failed a workflow task{of} with {cause}: {}{input}{word}", of_core(&self.text))
    }
}

/// A line that says where code and history part, if that is known. The line of the SDK's own words follows it.
fn parting(divergence: Option<&Divergence>) -> String {
    divergence.and_then(Divergence::told).map_or_else(String::new, |told| format!("{told}\n"))
}

impl DoesNotReplay {
    fn title(&self) -> String {
        let id = &self.workflow_id;
        match self.when {
            Unreplayed::Whole => format!("the history of {id} does not replay"),
            Unreplayed::Again => format!("the history of {id} replays once, but not again on the same worker"),
            Unreplayed::Cut(event) => format!("the history of {id}, cut at event {event}, does not replay"),
        }
    }

    fn detail(&self) -> String {
        let parting = parting(self.divergence.as_deref());
        format!("{parting}run {} of {}: {}", self.run_id, self.workflow_type, of_core(&self.text))
    }
}

impl Stuck {
    fn title(&self) -> String {
        match self {
            Self::Standstill => "nothing will ever happen again, and the test still waits".to_owned(),
            Self::NoProgress { steps } => format!("nothing has come of the last {steps} steps, and the test still waits"),
            Self::Spins { process } => format!("{process} goes round and round, and no time goes by"),
            Self::NoEnd { steps, days } => format!("no end after {steps} steps and {days} virtual days"),
        }
    }
}
