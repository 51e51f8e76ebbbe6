//! The sentences for faults: what struck whom, where, and for how long.

use std::time::Duration;

use super::{AT_WORK_TOLD_MAX, Teller};
use crate::{
    attempt,
    effects::Record,
    log::{Call, Crash, Entry, Network, Span, Struck, What},
    process::Role,
    report::chronicle,
    words::{after, brief, capital},
};

/// A worker that is down for at least this long is worth mentioning.
const LONG_DOWN_NS: u64 = 5_000_000_000;

impl<'a> Teller<'a> {
    /// Tells of a fault, or that a worker was killed because it did not stop.
    pub(super) fn tell_of(&mut self, entry: &'a Entry) {
        let who = self.name(entry.process);
        let sentence = match &entry.what {
            What::Fault(struck) => happened(self, struck, entry, &who),
            _ => format!("{who} was killed: {}", entry.detail()),
        };
        self.point(entry, format!("{} {sentence}.", capital(&after(entry.at_ns))));
    }

    /// The moment of a crash, with the attempt of an activity that it is about, and how that ended.
    pub(super) fn with_attempt(&self, crash: &Crash) -> String {
        match &crash.attempt {
            Some(attempt) => crash.place.moment_of(&self.names.subject(attempt)),
            None => crash.place.moment(),
        }
    }

    /// The moment of a crash, with what its worker was doing.
    pub(super) fn moment(&self, entry: &Entry, crash: &Crash) -> String {
        let moment = if crash.attempt.is_some() {
            self.with_attempt(crash)
        } else {
            crash.place.exact_moment(crash.workflow_id.as_deref())
        };
        let amid = chronicle::under_way(self.view, entry.at_ns).into_iter();
        let amid = amid.filter(|span| Some(span.process) == entry.process && span.is_open_at(entry.step));
        let amid: Vec<String> = amid.map(|span| self.subject_of(span)).collect();
        if amid.is_empty() || amid.len() > AT_WORK_TOLD_MAX || amid.iter().any(|attempt| moment.contains(attempt)) {
            return moment;
        }
        format!("{moment}, in the middle of {}", amid.join(" and "))
    }

    /// An attempt, in the form of [`chronicle::RunNames::subject`].
    pub(super) fn subject_of(&self, span: &Span) -> String {
        attempt::subject(&span.type_name, self.names.name(&span.workflow_id, &span.run_id), span.attempt)
    }

    /// Those that a crash of the whole cluster takes along.
    pub(super) fn all_others(&self) -> &'static str {
        let has_clients = self.view.lives.iter().any(|life| matches!(life.role, Role::Client(_)));
        if has_clients { "all other workers and clients" } else { "all other workers" }
    }

    /// What a fault of the network did, if it may have kept the server from learning what was done.
    pub(super) fn kept_back(&self, entry: &Entry, network: Network, done: &Record) -> Option<String> {
        let is_its_machine = entry.process.is_none_or(|process| process == done.process);
        let span_ns = u64::try_from(network.span().as_nanos()).unwrap_or(u64::MAX);
        let is_then = entry.at_ns.saturating_add(span_ns) >= done.at_ns;
        let who = entry.process.map(|process| chronicle::name(self.view, process));
        (is_its_machine && is_then).then(|| format!("{}.", capital(&network.sentence(who.as_deref()))))
    }

    /// How long the process was down after a crash, if that was long.
    pub(super) fn downtime(&self, crash: &Entry) -> String {
        let Some(name) = crash.process.map(|process| &self.view.life(process).name) else { return String::new() };
        let next = self.view.lives.iter().find(|life| life.name == *name && life.from_ns > crash.at_ns);
        let down_ns = next.map(|life| life.from_ns - crash.at_ns).filter(|down_ns| *down_ns >= LONG_DOWN_NS);
        down_ns.map_or_else(String::new, |down_ns| format!(", and was down for {}", brief(Duration::from_nanos(down_ns))))
    }
}

/// What a fault did to a process, as a sentence without its end.
fn happened(teller: &Teller<'_>, struck: &Struck, entry: &Entry, who: &str) -> String {
    let how = struck.how();
    let of = |call: &Call| {
        let subject =
            call.outcome_of.as_ref().map(|attempt| teller.names.subject(attempt)).or_else(|| call.workflow_id.clone());
        subject.map_or_else(|| call.rpc.clone(), |subject| format!("{} for {subject}", call.rpc))
    };
    match struck {
        Struck::Crash(crash) => format!("{who} crashed {}{}", teller.moment(entry, crash), teller.downtime(entry)),
        Struck::ClusterCrash(crash) => {
            format!("{who} and {} crashed {}{}", teller.all_others(), teller.moment(entry, crash), teller.downtime(entry))
        }
        Struck::Restart(_) => format!("{who} was asked to stop, in good order, and to start again"),
        Struck::Cut { .. } => format!("{who} was cut off from the server, for {how}"),
        Struck::Custom(custom) => match custom.whom() {
            whom if whom.is_empty() => custom.name.clone(),
            whom => format!("{}, for {whom}, on {who}", custom.name),
        },
        Struck::Network(network) => network.sentence(entry.process.map(|_| who)),
        Struck::Eviction { .. } => format!("{who} started with a small cache ({how})"),
        Struck::ActivityFailure { attempt, .. } => {
            format!("{}, began on {who}, and was made to fail ({how})", teller.names.in_run(attempt))
        }
        Struck::ActivitySlow { attempt, .. } => format!("{}, on {who}, took {how}", teller.names.in_run(attempt)),
        Struck::ActivityHang { attempt } => format!("{}, was made to hang on {who} {how}", teller.names.in_run(attempt)),
        Struck::ReplyLost(call) => format!("{who} never got the reply to {}", of(call)),
        Struck::Duplicate(call) => format!("{who} sent {}, which reached the server twice", of(call)),
        Struck::Delay { call, way, by } => {
            format!("{} of {} of {who} was delayed by {}", way.words(), of(call), brief(*by))
        }
        Struck::Unavailable(call) | Struck::ResourceExhausted(call) => {
            format!("{who} failed to reach the server with {} ({})", of(call), struck.fault().name())
        }
        Struck::DeadlineExceeded { call, .. } => {
            format!("{who} sent {}, which was lost: it waits {how} for an answer", of(call))
        }
        Struck::HeartbeatLost(_) => format!("a heartbeat of {who} was lost"),
    }
}
