//! The story of a failed run: what people would say about it in a few sentences, and the moments that they would point at.

use std::{collections::BTreeSet, time::Duration};

use super::{chronicle, statics};
use crate::{
    attempt, calendar,
    choices::Input,
    effects::{Effect, Record, repeated},
    fault::RpcKind,
    finding::{Finding, FindingKind, TaskFailure, Unreplayed, Wrong},
    log::{Call, Crash, Entry, LifeStep, Span, Struck, UpdateSpan, What},
    operation::{Deed, Operation},
    process::{ProcessId, Role},
    result::Known,
    time::Start,
    view::View,
    waiting::{open_runs, queues},
    words::{after, brief, capital, on_version},
};

/// The most faults that are told when it is not clear which of them matter.
const FAULTS_TOLD_MAX: usize = 3;
/// The most faults that are told when all of them matter.
const LEAST_FAULTS_TOLD_MAX: usize = 8;

/// The most inputs that are told.
const INPUTS_TOLD_MAX: usize = 20;

/// The most actions of clients that are told.
const ACTIONS_TOLD_MAX: usize = 12;

/// With more draws of chance than these, none is told.
const CHANCE_TOLD_MAX: usize = 6;

/// The most moments in the report that the story does not tell.
const UNTOLD_MAX: usize = 1000;

/// A worker that is down for at least this long is worth mentioning.
const LONG_DOWN_NS: u64 = 5_000_000_000;

/// The most activities that are told as meeting at the moment of the failure.
const AT_WORK_TOLD_MAX: usize = 4;

/// A story.
#[derive(Debug, Default)]
pub(super) struct Story {
    pub(super) sentences: Vec<String>,
    /// What it tells of the server's work, which has no entry in the log: time and text.
    pub(super) of_server: Vec<(u64, String)>,
    /// The consequences that it does not tell.
    pub(super) untold: Vec<String>,
    /// The steps of the moments that it tells.
    pub(super) important: BTreeSet<u64>,
}

/// Tells it.
pub(super) fn tell(view: &View<'_>, known: &Known) -> Story {
    let mut teller = Teller {
        view,
        known,
        names: chronicle::RunNames::of(view),
        moments: Vec::new(),
        conclusions: Vec::new(),
        of_server: Vec::new(),
        untold: Vec::new(),
        important: BTreeSet::new(),
    };
    let Some(finding) = view.findings.first() else { return Story::default() };
    let kind = finding.wrong.kind();
    match (kind, repeated(view.ledger)) {
        (FindingKind::Test | FindingKind::Claim | FindingKind::Panic | FindingKind::Liveness, Some((first, second))) => {
            teller.done_twice(&first, &second);
        }
        (FindingKind::WorkflowTaskFailed, _) if does_not_fit(&finding.wrong) => teller.code_does_not_fit(finding),
        (FindingKind::Replay, _) => teller.does_not_replay(finding),
        (FindingKind::Test | FindingKind::Claim | FindingKind::Panic | FindingKind::Liveness, None) => {
            teller.last_faults(finding.at_ns);
            teller.what_came_of_it(finding);
            let is_of_test = finding.process.is_none_or(|process| view.life(process).role == Role::Test);
            if kind == FindingKind::Test || kind == FindingKind::Panic && is_of_test {
                queues::that_nobody_serves(view).iter().for_each(|line| teller.conclude(format!("{}.", capital(line))));
                teller.who_still_waited();
            }
            if kind == FindingKind::Claim || kind == FindingKind::Panic && !is_of_test {
                teller.who_was_at_work(finding.at_ns);
            }
        }
        _ => teller.last_faults(finding.at_ns),
    }
    if let Some(served) = chronicle::who_serves_what(view) {
        teller.conclude(format!("{}.", capital(&served)));
    }
    if let Some(changed) = statics::that_workers_changed(view) {
        teller.conclude(changed);
    }
    teller.what_clients_did();
    teller.how_much_it_takes();
    teller.when_it_began();
    teller.point_at_findings();
    teller.story()
}

struct Teller<'a> {
    view: &'a View<'a>,
    known: &'a Known,
    names: chronicle::RunNames,
    /// What happened: time, step and sentence.
    moments: Vec<(u64, u64, String)>,
    /// The closing sentences.
    conclusions: Vec<String>,
    of_server: Vec<(u64, String)>,
    untold: Vec<String>,
    important: BTreeSet<u64>,
}

impl<'a> Teller<'a> {
    fn say(&mut self, at_ns: u64, step: u64, sentence: String) {
        self.moments.push((at_ns, step, sentence));
    }

    fn conclude(&mut self, sentence: String) {
        self.conclusions.push(sentence);
    }

    /// Tells a moment, and points at it.
    fn point(&mut self, entry: &Entry, sentence: String) {
        self.important.insert(entry.step);
        self.say(entry.at_ns, entry.step, sentence);
    }

    fn story(mut self) -> Story {
        self.moments.sort_by_key(|(at_ns, step, _)| (*at_ns, *step));
        let moments = self.moments.into_iter().map(|(_, _, sentence)| sentence);
        let sentences = inputs(self.view).into_iter().chain(moments).chain(self.conclusions).collect();
        Story { sentences, of_server: self.of_server, untold: self.untold, important: self.important }
    }

    /// Tells what a reader would look up next.
    fn what_came_of_it(&mut self, finding: &Finding) {
        let faults_ns: Vec<u64> = self.moments.iter().map(|(at_ns, ..)| *at_ns).collect();
        let failure = format!("{}\n{}", finding.wrong.title(), finding.wrong.detail());
        let light = chronicle::Light {
            faults_ns: &faults_ns,
            takes_them: self.known.is_least,
            failure: &failure,
            usual: self.known.usual.as_deref(),
        };
        let (moments, untold) = chronicle::moments(self.view, finding.at_ns, &light);
        let sentence = |moment: &chronicle::Moment| format!("{} {}.", capital(&after(moment.at_ns)), moment.text);
        for moment in moments {
            self.say(moment.at_ns, moment.step, sentence(&moment));
            if moment.step == chronicle::NO_STEP {
                self.of_server.push((moment.at_ns, moment.text));
            }
        }
        if !untold.is_empty() {
            let more = if untold.len() == 1 { "one more moment is" } else { &format!("{} more moments are", untold.len()) };
            self.conclude(format!("Of what came of it, {more} in the report."));
        }
        self.untold = untold.iter().take(UNTOLD_MAX).map(sentence).collect();
    }

    /// Tells what the open workflows waited for.
    fn who_still_waited(&mut self) {
        let open = open_runs(self.view);
        if (1..=AT_WORK_TOLD_MAX).contains(&open.len()) {
            let waited: Vec<String> = open.iter().map(|(run, waits_for)| format!("{run} waited for {waits_for}")).collect();
            self.conclude(format!("When it failed, {}.", waited.join(", and ")));
        }
    }

    /// Tells which activities met at the moment of the failure.
    fn who_was_at_work(&mut self, at_ns: u64) {
        let under_way = chronicle::under_way(self.view, at_ns);
        if under_way.len() > 1 {
            let at_work = |span: &&Span| {
                let who = self.name(Some(span.process));
                format!("{who} was in {}", self.subject_of(span))
            };
            let told: Vec<String> = under_way.iter().take(AT_WORK_TOLD_MAX).map(at_work).collect();
            self.say(at_ns, u64::MAX, format!("When it failed, {}.", told.join(", and ")));
        }
    }

    fn name(&self, process: Option<ProcessId>) -> String {
        process.map_or_else(|| "the server".to_owned(), |process| chronicle::name(self.view, process))
    }

    fn entries(&self, from_ns: u64, to_ns: u64) -> impl Iterator<Item = &'a Entry> + use<'a> {
        self.view.log.entries.iter().filter(move |entry| (from_ns..=to_ns).contains(&entry.at_ns))
    }

    /// Tells that two attempts made the same effect.
    fn done_twice(&mut self, first: &Record, second: &Record) {
        let effect = &first.effect;
        let what = format!("{} {}", effect.kind, effect.subject);
        for record in [first, second] {
            let of_record = self.entries(record.at_ns, record.at_ns).filter(|entry| matches!(entry.what, What::Effect(_)));
            self.important.extend(of_record.map(|entry| entry.step));
        }
        let attempt_of_first = format!(
            "{} did \"{what}\" {}, in attempt {} of {} ({}).",
            capital(&self.name(Some(first.process))),
            after(first.at_ns),
            effect.attempt,
            effect.activity_type,
            effect.workflow_id
        );
        self.say(first.at_ns, 0, attempt_of_first);
        // Its successor made the effect first: this attempt had long been given up.
        let begun = |record: &Record| record.attempts.first().map(|doer| doer.begun);
        let is_late = begun(second) < begun(first);
        let run_id = |record: &Record| record.attempts.first().map(|doer| doer.attempt.run_id.clone());
        let is_anew = run_id(first) != run_id(second) || second.effect.attempt <= effect.attempt;
        match (!is_late).then(|| self.why_again(first, second)) {
            Some(_) if is_anew && self.was_reset(first, second) => {}
            None => self.why_late(&second.effect),
            // The failure was drawn when the attempt began, and came to pass when its work was done.
            Some(Some((entry, why))) if entry.at_ns < first.at_ns => {
                self.important.insert(entry.step);
                self.say(first.at_ns, 1, why);
            }
            Some(Some((entry, why))) => self.point(entry, why),
            Some(None) => self.say(first.at_ns, 1, "Nobody learned of it in time, so it was tried again.".to_owned()),
        }
        let key = if second.effect.key.is_none() { "without an idempotency key" } else { "with another idempotency key" };
        let who = capital(&self.name(Some(second.process)));
        let late = if is_late { ", which had been given up" } else { "" };
        let again = format!("{who} did it again {}, in attempt {}{late}, {key}.", after(second.at_ns), second.effect.attempt);
        self.say(second.at_ns, u64::MAX, again);
    }

    /// Tells that an operator reset the activity or its workflow between two attempts, if one did.
    fn was_reset(&mut self, first: &Record, second: &Record) -> bool {
        let view = self.view;
        let is_it = |it: &&Operation| {
            matches!(it.deed, Deed::Reset { .. })
                && it.to.workflow_id() == Some(&*first.effect.workflow_id)
                && (first.at_ns..=second.at_ns).contains(&it.at_ns)
        };
        let Some(reset) = view.operations.iter().rfind(is_it) else { return false };
        let did = chronicle::operations::sentence(view, &self.names, reset);
        let who = self.name(Some(reset.process));
        self.say(reset.at_ns, reset.step, format!("{} {who} {did}.", capital(&after(reset.at_ns))));
        true
    }

    /// Tells what delayed the attempt that had this effect.
    fn why_late(&mut self, effect: &Effect) {
        let faults = self.view.log.entries.iter().filter(|entry| entry.fault().is_some());
        let of_attempt: Vec<&Entry> = faults.filter(|entry| is_of_attempt(entry, effect)).collect();
        of_attempt.into_iter().for_each(|entry| self.tell_of(entry));
    }

    /// What made another attempt of an activity necessary although its work was done.
    fn why_again(&self, first: &Record, second: &Record) -> Option<(&'a Entry, String)> {
        let mut faults = self.entries(0, second.at_ns).filter_map(|entry| Some((entry, entry.fault()?)));
        let worker = capital(&self.name(Some(first.process)));
        faults.find_map(|(entry, struck)| {
            let effect = &first.effect;
            let same_process = entry.process == Some(first.process) && entry.at_ns >= first.at_ns;
            let same_activity = is_of_attempt(entry, effect);
            let sentence = match struck {
                Struck::Crash(crash) if same_process => format!("{worker} crashed {}.", self.with_attempt(crash)),
                Struck::ClusterCrash(crash) if entry.at_ns >= first.at_ns => {
                    let (who, moment) = (self.name(entry.process), self.with_attempt(crash));
                    format!("{} and {} crashed {moment}.", capital(&who), self.all_others())
                }
                Struck::ActivityFailure { .. } if same_activity => "The attempt failed after its work was done.".to_owned(),
                Struck::ActivityHang { .. } if same_activity => "The attempt did its work, but never ended.".to_owned(),
                Struck::ActivitySlow { .. } if same_activity => format!("The attempt took {}.", struck.how()),
                Struck::Cut { .. } if same_process => {
                    format!("{worker} was cut off from the server, and could not say so.")
                }
                Struck::HeartbeatLost(_) if same_process => "Its heartbeats were lost.".to_owned(),
                _ if same_process && struck.rpc().map(RpcKind::of) == Some(RpcKind::EndActivity) => {
                    let who = self.name(Some(first.process));
                    format!("What {who} said of it went wrong on the wire ({}).", struck.fault().name())
                }
                _ => return None,
            };
            Some((entry, sentence))
        })
    }

    /// Tells that a worker's code does not fit the history that it was given.
    fn code_does_not_fit(&mut self, finding: &Finding) {
        let process = finding.process;
        let why = self.view.log.entries.iter().rev().find(|entry| {
            let lost_a_cache = matches!(
                entry.fault(),
                Some(
                    Struck::Crash(_)
                        | Struck::ClusterCrash(_)
                        | Struck::Eviction { .. }
                        | Struck::Restart(_)
                        | Struck::Cut { .. }
                )
            );
            lost_a_cache && entry.process.is_some() || deployed(entry).is_some()
        });
        self.deploys(finding.at_ns);
        if let Some(entry) = why.filter(|entry| deployed(entry).is_none()) {
            self.tell_of(entry);
        }
        let version = on_version(process.and_then(|process| self.view.version_of(process)));
        let who = self.name(process);
        let replayed = format!(
            "{} {who}{version} replayed a history, and its code asked for something else than what is written there.",
            capital(&after(finding.at_ns))
        );
        self.say(finding.at_ns, u64::MAX, replayed);
        self.queries(finding.at_ns);
        self.validators(finding.at_ns);
    }

    /// Tells that a history of the run does not replay afterwards.
    fn does_not_replay(&mut self, finding: &Finding) {
        self.deploys(finding.at_ns);
        let when = if let Wrong::DoesNotReplay(it) = &finding.wrong { Some(it.when) } else { None };
        let what_then = match when {
            Some(Unreplayed::Whole | Unreplayed::Cut(_)) => {
                "a worker that had started there, with an empty cache, would have failed"
            }
            Some(Unreplayed::Again) => {
                "its options keep something from one run to the next (in an interceptor, a factory, what they share)"
            }
            None if is_of_sdk(&finding.wrong) => "whatever its code does, the two texts of the SDK differ",
            None => "workflow code must do the same each time (no HashMap's order, no clock, no chance of its own)",
        };
        let title = finding.wrong.title();
        self.conclude(format!("No workflow task of the run failed, but afterwards {title}: {what_then}."));
        if matches!(when, Some(Unreplayed::Whole | Unreplayed::Cut(_))) && !self.has_deploys() {
            self.conclude(
                "No other code was deployed: which way the code takes depends on something that is not in the history (chance, a \
                 clock, the order of a map, tokio::select!, a static)."
                    .to_owned(),
            );
        }
        if is_of_sdk(&finding.wrong) {
            return;
        }
        self.queries(finding.at_ns);
        self.validators(finding.at_ns);
    }

    /// Tells that there were queries. Their handlers may have changed state that a replay does not change.
    fn queries(&mut self, until_ns: u64) {
        let is_query = |entry: &&Entry| entry.reached() == Some("QueryWorkflow");
        let asked = match self.entries(0, until_ns).filter(is_query).count() {
            0 => return,
            1 => "A query was".to_owned(),
            count => format!("{count} queries were"),
        };
        self.conclude(format!("{asked} asked before: a replay answers none, so their handlers must not change anything."));
    }

    /// Tells that validators of updates ran. They may have changed state that a replay does not change.
    fn validators(&mut self, until_ns: u64) {
        let ran = |it: &&UpdateSpan| it.is_handler() && !it.is_replayed && it.from_ns <= until_ns;
        let ran = match self.view.log.updates.iter().filter(ran).count() {
            0 => return,
            1 => "An update had come".to_owned(),
            count => format!("{count} updates had come"),
        };
        self.conclude(format!("{ran} before: a replay runs none of their validators, so these must not change anything."));
    }

    fn has_deploys(&self) -> bool {
        self.view.log.entries.iter().any(|entry| deployed(entry).is_some())
    }

    /// Tells which other versions of the code were deployed before.
    fn deploys(&mut self, at_ns: u64) {
        let mut told = BTreeSet::new();
        for (entry, version) in self.entries(0, at_ns).filter_map(|entry| Some((entry, deployed(entry)?))) {
            if told.insert(version) {
                let when = capital(&after(entry.at_ns));
                self.point(entry, format!("{when} the deploy of version {} of the code began.", version + 1));
            }
        }
    }

    /// Tells the faults before: all, if none can be left out or if they were asked for. Otherwise only the last ones, since it
    /// is not known which matter.
    fn last_faults(&mut self, at_ns: u64) {
        self.deploys(at_ns);
        let are_chosen = self.known.is_least || self.view.choices.which().strikes.is_some();
        let most = if are_chosen { LEAST_FAULTS_TOLD_MAX } else { FAULTS_TOLD_MAX };
        let is_told = |entry: &&Entry| matches!(entry.what, What::Fault(_) | What::Life(LifeStep::Killed { .. }));
        let before: Vec<&Entry> = self.entries(0, at_ns).filter(is_told).collect();
        for entry in before.iter().skip(before.len().saturating_sub(most)) {
            self.tell_of(entry);
        }
    }

    /// Tells of a fault, or that a worker was killed because it did not stop.
    fn tell_of(&mut self, entry: &'a Entry) {
        let who = self.name(entry.process);
        let sentence = match &entry.what {
            What::Fault(struck) => happened(self, struck, entry, &who),
            _ => format!("{who} was killed: {}", entry.detail()),
        };
        self.point(entry, format!("{} {sentence}.", capital(&after(entry.at_ns))));
    }

    /// The moment of a crash, with the attempt of an activity that it is about, and how that ended.
    fn with_attempt(&self, crash: &Crash) -> String {
        match &crash.attempt {
            Some(attempt) => crash.place.moment_of(&self.names.subject(attempt)),
            None => crash.place.moment(),
        }
    }

    /// The moment of a crash, with what its worker was doing.
    fn moment(&self, entry: &Entry, crash: &Crash) -> String {
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
    fn subject_of(&self, span: &Span) -> String {
        attempt::subject(&span.type_name, self.names.name(&span.workflow_id, &span.run_id), span.attempt)
    }

    /// Those that a crash of the whole cluster takes along.
    fn all_others(&self) -> &'static str {
        let has_clients = self.view.lives.iter().any(|life| matches!(life.role, Role::Client(_)));
        if has_clients { "all other workers and clients" } else { "all other workers" }
    }

    /// How long the process was down after a crash, if that was long.
    fn downtime(&self, crash: &Entry) -> String {
        let Some(name) = crash.process.map(|process| &self.view.life(process).name) else { return String::new() };
        let next = self.view.lives.iter().find(|life| life.name == *name && life.from_ns > crash.at_ns);
        let down_ns = next.map(|life| life.from_ns - crash.at_ns).filter(|down_ns| *down_ns >= LONG_DOWN_NS);
        down_ns.map_or_else(String::new, |down_ns| format!(", and was down for {}", brief(Duration::from_nanos(down_ns))))
    }

    /// Concludes whether the failure needs these faults, and tells those that were not told yet. Faults that were asked for are
    /// told, whether or not it is known that all of them matter.
    fn how_much_it_takes(&mut self) {
        if self.known.is_least || self.view.choices.which().strikes.is_some() {
            let faults = self.view.log.entries.iter().filter(|entry| entry.fault().is_some());
            let untold: Vec<&Entry> = faults.filter(|entry| !self.important.contains(&entry.step)).collect();
            for entry in untold.into_iter().take(LEAST_FAULTS_TOLD_MAX) {
                self.tell_of(entry);
            }
        }
        let count: u64 = self.view.faults.values().sum();
        match (self.known.is_least, count, &self.known.otherwise) {
            (_, 0, _) => self.conclude("It takes no fault.".to_owned()),
            (true, 1, _) => self.conclude("Without that one fault the run passes.".to_owned()),
            (true, _, None) => self.conclude(format!("Without any one of these {count} faults the run passes.")),
            (true, _, Some(_)) => self.conclude(format!("Without any one of these {count} faults the run does not fail so.")),
            (false, ..) => {}
        }
    }

    /// Concludes when the run began, unless it was on the plain date.
    fn when_it_began(&mut self) {
        let starts_at = self.view.starts_at;
        if starts_at == Start::PLAIN {
            return;
        }
        self.conclude(format!("It began on {}.", calendar::in_words(starts_at)));
        if self.known.passes_on_plain_date {
            self.conclude(format!("On {} the run passes.", Start::PLAIN.date_time().date()));
        }
    }

    /// Tells what clients of the test did before the failure: the last of it, if it is much.
    fn what_clients_did(&mut self) {
        let actions = self.view.log.entries.iter().filter_map(|entry| match &entry.what {
            What::Action { client, action } => {
                Some((entry, format!("{} {client} did {action}.", capital(&after(entry.at_ns)))))
            }
            _ => None,
        });
        let actions: Vec<(&Entry, String)> = actions.collect();
        let skipped = actions.len().saturating_sub(ACTIONS_TOLD_MAX);
        for (entry, sentence) in actions.into_iter().skip(skipped) {
            self.point(entry, sentence);
        }
    }

    fn point_at_findings(&mut self) {
        let is_finding = |entry: &&Entry| matches!(entry.what, What::Finding(_) | What::Panic { .. });
        let findings = self.view.log.entries.iter().filter(is_finding);
        self.important.extend(findings.map(|entry| entry.step));
    }
}

/// The inputs of the run, a line each. Chance is told only if there is little of it.
fn inputs(view: &View<'_>) -> Vec<String> {
    let (given, mut chance): (Vec<&Input>, Vec<&Input>) = view.choices.inputs().iter().partition(|input| input.is_given);
    if chance.len() > CHANCE_TOLD_MAX {
        chance.clear();
    }
    let told = given.iter().take(INPUTS_TOLD_MAX).chain(&chance);
    let mut lines: Vec<String> = told.map(|input| format!("{} = {}", input.name, input.value)).collect();
    if given.len() > INPUTS_TOLD_MAX {
        lines.push(format!("{} more inputs are in the report.", given.len() - INPUTS_TOLD_MAX));
    }
    lines
}

/// Whether an entry is about the attempt that had this effect.
fn is_of_attempt(entry: &Entry, effect: &Effect) -> bool {
    let of_effect = (&effect.workflow_id, &effect.activity_id, effect.attempt);
    entry.attempt().is_some_and(|it| (&it.workflow_id, &it.activity_id, it.attempt) == of_effect)
}

/// Whether the finding is that a worker's code does not fit a history.
fn does_not_fit(wrong: &Wrong) -> bool {
    matches!(wrong, Wrong::TaskFailed(failed) if failed.reason == TaskFailure::CodeDoesNotFit)
}

/// Whether the finding is that the SDK gives replayed code something else.
fn is_of_sdk(wrong: &Wrong) -> bool {
    matches!(wrong, Wrong::AsksOtherwise { is_of_sdk: true, .. })
}

/// The version of the code (0 is the first) to which a deploy moves a worker, if the entry is one.
fn deployed(entry: &Entry) -> Option<usize> {
    if let What::Life(LifeStep::AskedToStop { deploy }) = entry.what { deploy } else { None }
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
