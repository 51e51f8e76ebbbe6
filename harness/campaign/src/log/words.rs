//! The words for what happened: a label of a word or two, and the rest. They go into traces and reports, and only people read
//! them.

use std::fmt;

use super::{
    Call, Crash, Custom, Done, Drawn, Entry, ErrandStep, LifeStep, Passage, Refusal, SlowWhen, Span, Struck, Way, What,
};
use crate::{attempt::Attempt, effects::Applied, process::Ending, words::brief};

impl Entry {
    /// What happened, in a word or two.
    pub fn label(&self) -> String {
        match &self.what {
            What::Message { passage, rpc, .. } => format!("{} {rpc}", passage.words()),
            What::Refusal(refusal) => format!("is refused {}", refusal.rpc),
            What::Fault(Struck::Custom(custom)) => custom.name.clone(),
            What::Fault(struck) => struck.name().to_owned(),
            What::Input(_) => "draws".to_owned(),
            What::Action { client, .. } => format!("{client} does"),
            What::Effect(done) => done.verb().to_owned(),
            What::Life(step) => step.words().to_owned(),
            What::Errand { number, step, .. } => step.label(*number),
            What::Panic { .. } => "panics".to_owned(),
            What::Finding(wrong) => wrong.kind().name().to_owned(),
        }
    }

    /// The rest.
    pub fn detail(&self) -> String {
        match &self.what {
            What::Message { bytes_count, .. } => format!("{bytes_count} bytes"),
            What::Refusal(Refusal { text, .. }) => text.clone(),
            What::Fault(struck) => struck.detail(),
            What::Input(drawn) => drawn.to_string(),
            What::Action { action, .. } => action.clone(),
            What::Effect(done) => format!("{} ({})", done.what(), done.circumstances()),
            What::Life(step) => step.detail(),
            What::Errand { client, step, .. } => step.detail(client),
            What::Panic { message, place } => format!("{message} ({place})"),
            What::Finding(wrong) => wrong.title(),
        }
    }
}

impl Span {
    /// The activity or workflow, and the attempt.
    pub fn detail(&self) -> String {
        let Self { workflow_id, activity_id, attempt, .. } = self;
        match activity_id {
            Some(activity_id) => format!("{activity_id} of {workflow_id}, attempt {attempt}"),
            None => format!("{workflow_id}, attempt {attempt}"),
        }
    }
}

impl Passage {
    const fn words(self) -> &'static str {
        match self {
            Self::Sent => "sends",
            Self::SentInVain => "sends in vain",
            Self::Arrived => "reaches the server with",
            Self::ArrivedAgain => "reaches the server again with",
            Self::Answered => "is answered",
        }
    }
}

impl Struck {
    fn detail(&self) -> String {
        match self {
            Self::Crash(crash) | Self::ClusterCrash(crash) => crash.detail(),
            Self::Restart(place) => with_about(&place.moment(), &place.about()),
            Self::ReplyLost(Call { rpc, .. })
            | Self::Duplicate(Call { rpc, .. })
            | Self::Unavailable(Call { rpc, .. })
            | Self::ResourceExhausted(Call { rpc, .. })
            | Self::DeadlineExceeded { call: Call { rpc, .. }, .. }
            | Self::HeartbeatLost(Call { rpc, .. }) => rpc.clone(),
            Self::Delay { call, way, by } => format!("{}: {}, by {}", call.rpc, way.words(), brief(*by)),
            Self::Eviction { cache_size } => kept(*cache_size),
            Self::ActivityFailure { attempt, .. } | Self::ActivitySlow { attempt, .. } | Self::ActivityHang { attempt } => {
                format!("{attempt}: {}", self.how())
            }
            Self::Cut { .. } => "from the server".to_owned(),
            Self::Custom(custom) => custom.whom(),
            Self::Network(network) => network.detail(),
        }
    }

    /// How it strikes; empty if there is no more to say.
    pub fn how(&self) -> String {
        match self {
            Self::DeadlineExceeded { timeout: span, .. } | Self::Cut { span } => brief(*span),
            Self::Eviction { cache_size } => kept(*cache_size),
            Self::ActivityFailure { error_type, after_work, .. } => {
                format!("{error_type}, {} its work", if *after_work { "after" } else { "before" })
            }
            Self::ActivitySlow { by, when, .. } => format!("{} longer, {}", brief(*by), when.words()),
            Self::ActivityHang { .. } => "after its work".to_owned(),
            _ => String::new(),
        }
    }
}

impl Custom {
    /// Whom it befalls; empty for the test itself.
    pub fn whom(&self) -> String {
        self.attempt.as_ref().map_or_else(|| self.of.clone(), Attempt::to_string)
    }
}

/// As people read it: `plan = Monthly`.
impl fmt::Display for Drawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.name, self.value)
    }
}

impl Crash {
    fn detail(&self) -> String {
        let meanwhile: Vec<String> = self.meanwhile.iter().map(Attempt::to_string).collect();
        with_about(&self.place.moment(), &format!("{}{}", self.place.about(), meanwhile.join(" and ")))
    }
}

fn with_about(moment: &str, about: &str) -> String {
    if about.is_empty() { moment.to_owned() } else { format!("{moment} ({about})") }
}

/// What a worker with a small cache keeps.
fn kept(cache_size: usize) -> String {
    match cache_size {
        0 => "it keeps no workflow".to_owned(),
        1 => "it keeps one workflow".to_owned(),
        _ => format!("it keeps {cache_size} workflows"),
    }
}

impl Way {
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Request => "the request",
            Self::Reply => "the reply",
        }
    }
}

impl SlowWhen {
    const fn words(self) -> &'static str {
        match self {
            Self::Before => "before its work",
            Self::Amid => "in the middle of its work",
            Self::After => "at the end of its work",
        }
    }
}

impl Done {
    /// Includes to whom or what.
    pub fn what(&self) -> String {
        format!("{} {}", self.kind, self.subject)
    }

    pub(crate) fn key(&self) -> String {
        self.key.as_ref().map_or_else(|| "without a key".to_owned(), |key| format!("key {key}"))
    }

    fn verb(&self) -> &'static str {
        if self.applied == Applied::First { "does" } else { "asks again for" }
    }

    /// What was done or asked for again.
    pub fn title(&self) -> String {
        if self.applied == Applied::First { self.what() } else { format!("{} {}", self.verb(), self.what()) }
    }

    /// The key, and the attempt, if one did it.
    pub fn circumstances(&self) -> String {
        match self.attempt.attempt {
            0 => self.key(),
            attempt => format!("{}, attempt {attempt}", self.key()),
        }
    }
}

impl ErrandStep {
    fn label(self, number: u64) -> String {
        let does = match self {
            Self::Begins => "begins",
            Self::Ends => "ends",
            Self::Lost => "loses",
            Self::Refused => "is refused",
            Self::GivenUp => "gives up",
            Self::Panicked => "panics in",
        };
        format!("{does} call {number}")
    }

    fn detail(self, client: &str) -> String {
        match self {
            Self::Begins | Self::Ends | Self::GivenUp | Self::Panicked => String::new(),
            Self::Lost => format!("{client} ended meanwhile"),
            Self::Refused => format!("{client} is down"),
        }
    }
}

impl LifeStep {
    const fn words(&self) -> &'static str {
        match self {
            Self::Starts { .. } => "starts",
            Self::AskedToStop { deploy: None } => "is asked to stop",
            Self::AskedToStop { deploy: Some(_) } => "makes room for other code",
            Self::Killed { .. } => "is killed",
            Self::Ends(_) => "ends",
        }
    }

    /// The rest.
    pub fn detail(&self) -> String {
        match self {
            Self::Starts { number: 1 } => String::new(),
            Self::Starts { number } => format!("again, start {number}"),
            Self::AskedToStop { deploy: None } => "for a restart".to_owned(),
            Self::AskedToStop { deploy: Some(version) } => format!("for a deploy of version {}", version + 1),
            Self::Killed { grace } => format!("it did not stop within {} s", grace.as_secs()),
            Self::Ends(Ending::Panic) => "panicked".to_owned(),
            Self::Ends(Ending::Own(error)) => error.clone().unwrap_or_default(),
            Self::Ends(Ending::Crash | Ending::Shutdown) => String::new(),
        }
    }
}
