//! A start that the service has accepted began one run, however often it was sent; one that it has refused began none. What clients
//! were told of it is so. A start's request id is known as long as its run is the current one of the workflow id, so one that is sent
//! again after another run has followed may begin a second run.

use foretime_server::proto::{
    enums::WorkflowIdConflictPolicy, errordetails::WorkflowExecutionAlreadyStartedFailure, google::rpc,
    workflowservice::SignalWithStartWorkflowExecutionRequest,
};
use prost::Message;
use tonic::{Code, Status};

use super::{
    attempts::{Attempt, Attempts, Granted, Kind, key_of},
    broken::Broken,
    reading::Reading,
    run::{Run, find},
};
use crate::record::call::{ClientCall, Given};

/// Checks starts, those with a signal too.
pub fn check(read: &Reading<'_>) -> Option<Broken> {
    let &Reading { record, runs, ref attempts, .. } = read;
    let of_attempts = attempts.iter().find_map(|((kind, workflow_id, nonce), attempts)| match kind {
        Kind::Start | Kind::SignalWithStart => of_start(*kind, workflow_id, nonce, attempts, runs),
        Kind::Signal | Kind::Update | Kind::Cancel | Kind::Terminate => None,
    });
    of_attempts.or_else(|| record.calls.iter().find_map(|call| heard(call, attempts, runs)))
}

fn of_start(kind: Kind, workflow_id: &str, nonce: &str, attempts: &[Attempt<'_>], runs: &[Run]) -> Option<Broken> {
    let of_workflow: Vec<_> = runs.iter().filter(|run| run.workflow_id == workflow_id).collect();
    let is_begun = |run: &Run| run.is_first_of_chain() && run.nonce().is_some_and(|it| it == nonce);
    let last = attempts.last()?.exchange;
    if let Some(broken) = attempts.iter().find_map(|attempt| granted(attempt, workflow_id, nonce, runs)) {
        return Some(broken);
    }
    let terminates = kind == Kind::SignalWithStart && attempts.iter().any(|attempt| is_terminating(attempt));
    let twice = of_workflow.windows(2).find(|pair| is_begun(pair[0]) && is_begun(pair[1]));
    if let Some(twice) = twice.filter(|_| !terminates) {
        let detail = format!("{nonce} began {} and {}", twice[0].name(), twice[1].name());
        return Some(Broken::at(last, "a start that was sent again began a second run", detail));
    }
    let begun: Vec<_> = of_workflow.iter().filter(|run| is_begun(run)).collect();
    let refused_for_itself = attempts.iter().find_map(|attempt| {
        let run_id = run_in_the_way(attempt.refusal()?)?;
        begun.iter().find(|run| run.run_id == run_id).map(|run| (attempt, run))
    });
    if let Some((attempt, run)) = refused_for_itself {
        let detail = format!("{nonce} was refused because of {}", run.name());
        return Some(Broken::at(attempt.exchange, "a start was refused because of the run that it began itself", detail));
    }
    let possible = attempts.iter().filter(|attempt| attempt.may_count()).count();
    (begun.len() > possible).then(|| {
        let detail = format!("{nonce} began {} runs, and was not refused {possible} times", begun.len());
        Broken::at(last, "a start began more runs than the service acknowledged", detail)
    })
}

/// What the service said that an attempt has begun.
fn granted(attempt: &Attempt<'_>, workflow_id: &str, nonce: &str, runs: &[Run]) -> Option<Broken> {
    let Some(Granted::Started { run_id, started }) = &attempt.granted else { return None };
    let (title, detail) = misfit(run_id, *started, workflow_id, nonce, runs)?;
    Some(Broken::at(attempt.exchange, title, detail))
}

/// What a client was told in the end.
fn heard(call: &ClientCall, attempts: &Attempts<'_>, runs: &[Run]) -> Option<Broken> {
    let (_, Ok(Given::Started { run_id, started })) = call.ended.as_ref()? else { return None };
    let key = key_of(call)?;
    let said = Granted::Started { run_id: run_id.clone(), started: *started };
    if !attempts.get(&key).iter().any(|attempt| attempt.granted.as_ref() == Some(&said)) {
        let title = "a client was told of a run that the service never gave it";
        return Some(Broken::told(call, title, format!("run {run_id}, started: {started}")));
    }
    let (title, detail) = misfit(run_id, *started, &call.workflow_id, &key.2, runs)?;
    Some(Broken::told(call, title, detail))
}

/// Why a run cannot be the one that a start was given.
fn misfit(run_id: &str, started: bool, workflow_id: &str, nonce: &str, runs: &[Run]) -> Option<(&'static str, String)> {
    let Some(run) = find(runs, run_id).filter(|run| run.workflow_id == workflow_id) else {
        return Some(("a start was given a run that its workflow never had", format!("{nonce} was given {run_id}")));
    };
    let has_nonce = run.nonce().is_some_and(|it| it == nonce);
    (started && !has_nonce).then(|| {
        let title = "a start was told that it began a run that another start began";
        (title, format!("{nonce} was given {}, whose nonce is {:?}", run.name(), run.nonce()))
    })
}

/// Whether it begins a run also where one is running. The service looks for its request id after that, so each attempt does.
fn is_terminating(attempt: &Attempt<'_>) -> bool {
    let request = SignalWithStartWorkflowExecutionRequest::decode(attempt.exchange.request.as_ref());
    request.is_ok_and(|it| it.workflow_id_conflict_policy() == WorkflowIdConflictPolicy::TerminateExisting)
}

/// The run because of which a start was refused.
fn run_in_the_way(refusal: &Status) -> Option<String> {
    if refusal.code() != Code::AlreadyExists {
        return None;
    }
    let status = rpc::Status::decode(refusal.details()).ok()?;
    let detail = status.details.first()?;
    WorkflowExecutionAlreadyStartedFailure::decode(detail.value.as_slice()).ok().map(|it| it.run_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::sample::{History, Talk, already_started, start_call};

    fn title(talk: &Talk, runs: &[Run]) -> Option<String> {
        check(&Reading::of(&talk.record(), runs)).map(|broken| broken.title)
    }

    #[test]
    fn a_start_that_was_sent_again_and_began_one_run_is_as_it_must_be() {
        let mut talk = Talk::default();
        talk.start("w", "n-1").unanswered();
        talk.start("w", "n-1").started("r-1", true);
        talk.start("w", "n-1").started("r-1", true);
        let mut record = talk.record();
        record.calls.push(start_call("w", "n-1", "r-1", true));
        let runs = [History::started("w", "r-1", "n-1").continued("r-2").run(), History::of("w", "r-2").completed("r").run()];
        assert_eq!(check(&Reading::of(&record, &runs)), None);
    }

    #[test]
    fn a_start_that_was_sent_again_does_not_begin_a_second_run() {
        let mut talk = Talk::default();
        talk.start("w", "n-1").started("r-1", true);
        talk.start("w", "n-1").started("r-2", true);
        let runs = [
            History::started("w", "r-1", "n-1").completed("r").run(),
            History::started("w", "r-2", "n-1").completed("r").run(),
        ];
        assert_eq!(title(&talk, &runs).as_deref(), Some("a start that was sent again began a second run"));
        // Unless another run came between, after which the first request id is not known any more.
        let [first, second] = runs;
        let runs = [first, History::started("w", "r-3", "n-3").completed("r").run(), second];
        assert_eq!(title(&talk, &runs), None);
    }

    #[test]
    fn a_refused_start_has_begun_no_run() {
        let mut talk = Talk::default();
        talk.start("w", "n-1").refused(Code::AlreadyExists);
        let runs = [History::started("w", "r-1", "n-1").completed("r").run()];
        assert_eq!(title(&talk, &runs).as_deref(), Some("a start began more runs than the service acknowledged"));
    }

    #[test]
    fn a_start_is_not_refused_because_of_its_own_run() {
        let mut talk = Talk::default();
        talk.start("w", "n-1").started("r-1", true);
        talk.start("w", "n-1").refused_with(already_started("r-1"));
        let runs = [History::started("w", "r-1", "n-1").completed("r").run()];
        assert_eq!(title(&talk, &runs).as_deref(), Some("a start was refused because of the run that it began itself"));
    }

    #[test]
    fn a_start_is_given_a_run_that_is_there_and_its_own_if_it_began_it() {
        let mut talk = Talk::default();
        talk.start("w", "n-1").started("r-1", true);
        assert_eq!(title(&talk, &[]).as_deref(), Some("a start was given a run that its workflow never had"));
        let runs = [History::started("w", "r-1", "n-2").completed("r").run()];
        assert_eq!(title(&talk, &runs).as_deref(), Some("a start was told that it began a run that another start began"));
        let mut talk = Talk::default();
        talk.start("w", "n-1").started("r-1", false);
        assert_eq!(title(&talk, &runs), None);
    }

    #[test]
    fn a_client_is_told_what_the_service_said() {
        let mut talk = Talk::default();
        talk.start("w", "n-1").started("r-1", true);
        let mut record = talk.record();
        record.calls.push(start_call("w", "n-1", "r-2", true));
        let runs = [History::started("w", "r-1", "n-1").completed("r").run()];
        let broken = check(&Reading::of(&record, &runs)).expect("a made-up run");
        assert_eq!(broken.title, "a client was told of a run that the service never gave it");
    }
}
