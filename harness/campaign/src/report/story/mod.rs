//! The story of a failed run: what people would say about it in a few sentences, and the moments that they would point at. [`faults`]
//! has the sentences for those, and [`circumstances`] what the run began with.

use std::collections::BTreeSet;

use super::{chronicle, statics};
use crate::{
    effects::{Effect, Record, repeated},
    fault::RpcKind,
    finding::{Finding, FindingKind, TaskFailure, Unreplayed, Wrong},
    log::{Entry, LifeStep, Span, Struck, UpdateSpan, What},
    operation::{Deed, Operation},
    process::{ProcessId, Role},
    result::Known,
    view::View,
    waiting::{open_runs, queues},
    words::{after, capital, on_version},
};

mod circumstances;
mod faults;

/// The most faults that are told when it is not clear which of them matter.
const FAULTS_TOLD_MAX: usize = 3;
/// The most faults that are told when all of them matter.
const LEAST_FAULTS_TOLD_MAX: usize = 8;

/// The most moments in the report that the story does not tell.
const UNTOLD_MAX: usize = 1000;

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
        let sentences = circumstances::inputs(self.view).into_iter().chain(moments).chain(self.conclusions).collect();
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
                Struck::Network(network) => self.kept_back(entry, *network, first)?,
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

    fn point_at_findings(&mut self) {
        let is_finding = |entry: &&Entry| matches!(entry.what, What::Finding(_) | What::Panic { .. });
        let findings = self.view.log.entries.iter().filter(is_finding);
        self.important.extend(findings.map(|entry| entry.step));
    }
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
