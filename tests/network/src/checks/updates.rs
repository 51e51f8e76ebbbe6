//! An update that the service has acknowledged is in the history of its run with the outcome that was told, and each run has it once at
//! most. An update id counts within its run, so one that is sent again after its run has closed may be in the next run as well. One that
//! was told as accepted was in the history by then. The workers of these runs answer each update that comes with a task, so none is
//! rejected by anybody else.

use foretime_server::proto::{enums::UpdateWorkflowExecutionLifecycleStage, history::history_event::Attributes};

use super::{
    attempts::{Attempt, Granted, Kind, outcome_text},
    broken::Broken,
    clock::Clock,
    reading::Reading,
    run::{Run, event_ns, find},
};
use crate::{
    nodes::interpreter::update::rejection_of,
    record::call::{Asked, ClientCall, Given},
};

/// An update in the history of a run.
#[derive(Clone, Debug, Default)]
struct Told {
    accepted_count: usize,
    /// When it was accepted first; nanoseconds of the server's time.
    accepted_ns: Option<i64>,
    completed_count: usize,
    /// The text of its result, or of its failure.
    outcome: Option<Result<String, String>>,
}

/// Checks updates.
pub fn check(read: &Reading<'_>) -> Option<Broken> {
    let &Reading { record, runs, ref attempts, ref clock, .. } = read;
    let of_attempts = attempts.iter().find_map(|((kind, workflow_id, update_id), attempts)| match kind {
        Kind::Update => of_update(workflow_id, update_id, attempts, runs)
            .or_else(|| attempts.iter().find_map(|attempt| of_acceptance(update_id, attempt, runs, clock))),
        _ => None,
    });
    of_attempts.or_else(|| record.calls.iter().find_map(|call| heard(call, runs)))
}

fn of_update(workflow_id: &str, update_id: &str, attempts: &[Attempt<'_>], runs: &[Run]) -> Option<Broken> {
    let last = attempts.last()?.exchange;
    let told: Vec<_> =
        runs.iter().filter(|run| run.workflow_id == workflow_id).map(|run| (run, told(run, update_id))).collect();
    if let Some((run, _)) = told.iter().find(|(_, told)| told.accepted_count > 1 || told.completed_count > 1) {
        let detail = format!("{update_id} is twice in {}", run.name());
        return Some(Broken::at(last, "an update that was sent again is in a history twice", detail));
    }
    let with_it = told.iter().filter(|(_, told)| told.accepted_count > 0).count();
    let possible = attempts.iter().filter(|attempt| attempt.may_reach_a_run()).count();
    if with_it > possible {
        let detail = format!("{update_id} is in {with_it} runs, and was sent {possible} times");
        return Some(Broken::at(last, "an update is in more histories than it was sent for", detail));
    }
    attempts.iter().find_map(|attempt| {
        let Some(Granted::Updated { run_id, outcome, .. }) = &attempt.granted else { return None };
        let (title, detail) = misfit(runs, workflow_id, run_id, update_id, outcome.as_ref()?)?;
        Some(Broken::at(attempt.exchange, title, detail))
    })
}

/// An update that was told as accepted, without an outcome, was in the history when that was told.
fn of_acceptance(update_id: &str, attempt: &Attempt<'_>, runs: &[Run], clock: &Clock) -> Option<Broken> {
    let Some(Granted::Updated { run_id, stage, outcome: None }) = &attempt.granted else { return None };
    let is_told = *stage >= UpdateWorkflowExecutionLifecycleStage::Accepted;
    let (_, step, _) = attempt.exchange.answered.as_ref().filter(|_| is_told)?;
    let told = find(runs, run_id).map(|run| told(run, update_id)).unwrap_or_default();
    let is_in_time = told.accepted_ns.is_some_and(|accepted_ns| accepted_ns <= clock.at_most(*step));
    let title = "an update was told as accepted before it was in the history";
    (!is_in_time).then(|| Broken::at(attempt.exchange, title, format!("{update_id} in run {run_id}")))
}

/// What a client was told in the end.
fn heard(call: &ClientCall, runs: &[Run]) -> Option<Broken> {
    let Asked::Update { update_id, nonce, .. } = &call.asked else { return None };
    let (_, Ok(Given::Updated { run_id, outcome })) = call.ended.as_ref()? else { return None };
    if let Ok(text) = outcome
        && !text.starts_with(nonce)
    {
        let title = "an update was given the outcome of another";
        return Some(Broken::told(call, title, format!("{nonce} was answered with {text}")));
    }
    if let Err(text) = outcome
        && *text != rejection_of(nonce)
    {
        let title = "an update was told as failed, with words that no worker has said of it";
        return Some(Broken::told(call, title, format!("{nonce} was answered with {text}")));
    }
    let (title, detail) = misfit(runs, &call.workflow_id, run_id, update_id, outcome)?;
    Some(Broken::told(call, title, detail))
}

/// Why an update cannot have had this outcome in a run. A rejection leaves no event, and nor does the end of the run before the
/// update's.
fn misfit(
    runs: &[Run],
    workflow_id: &str,
    run_id: &str,
    update_id: &str,
    outcome: &Result<String, String>,
) -> Option<(&'static str, String)> {
    let Some(run) = find(runs, run_id).filter(|run| run.workflow_id == workflow_id) else {
        let title = "an update was told of a run that its workflow never had";
        return Some((title, format!("{update_id} in run {run_id}")));
    };
    let told = told(run, update_id);
    let title = match (outcome, &told.outcome) {
        (Ok(_), None) => "an update that was told as completed is in no history",
        (Ok(said), Some(written)) if written.as_ref() != Ok(said) => "an update was told another outcome than the history has",
        (Err(_), Some(Ok(_))) => "an update that completed was told as failed",
        _ => return None,
    };
    Some((title, format!("{update_id} in {}: told {outcome:?}, written {:?}", run.name(), told.outcome)))
}

fn told(run: &Run, update_id: &str) -> Told {
    let mut told = Told::default();
    for event in &run.events {
        match &event.attributes {
            Some(Attributes::WorkflowExecutionUpdateAcceptedEventAttributes(it)) if it.protocol_instance_id == update_id => {
                told.accepted_count += 1;
                told.accepted_ns.get_or_insert_with(|| event_ns(event));
            }
            Some(Attributes::WorkflowExecutionUpdateCompletedEventAttributes(it))
                if it.meta.as_ref().is_some_and(|meta| meta.update_id == update_id) =>
            {
                told.completed_count += 1;
                told.outcome = it.outcome.clone().and_then(outcome_text);
            }
            _ => {}
        }
    }
    told
}

impl Attempt<'_> {
    /// Whether it may have brought the update into a run. The service may refuse it later than that, because the run closed.
    fn may_reach_a_run(&self) -> bool {
        self.exchange.method == "UpdateWorkflowExecution"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::sample::{History, Talk, update_call};

    fn title(talk: &Talk, runs: &[Run]) -> Option<String> {
        check(&Reading::of(&talk.record(), runs)).map(|broken| broken.title)
    }

    #[test]
    fn an_update_with_the_outcome_that_was_told_is_as_it_must_be() {
        let mut talk = Talk::default();
        talk.update("w", "u-1").unanswered();
        talk.update("w", "u-1").updated("r", Some(Ok("u-1 after 2 signals")));
        talk.update("w", "u-2-bad").updated("r", Some(Err("rejected")));
        talk.update("w", "u-3").updated("r", None);
        talk.update("w", "u-1").accepted("r");
        let mut record = talk.record();
        record.calls.push(update_call("w", "u-1", "r", Ok("u-1 after 2 signals")));
        record.calls.push(update_call("w", "u-2-bad", "r", Err("u-2-bad is rejected")));
        let runs = [History::of("w", "r").updated("u-1", "u-1 after 2 signals").completed("r").run()];
        assert_eq!(check(&Reading::of(&record, &runs)), None);
    }

    #[test]
    fn a_completed_update_is_in_the_history_with_its_outcome() {
        let mut talk = Talk::default();
        talk.update("w", "u-1").updated("r", Some(Ok("u-1 after 2 signals")));
        let without = [History::of("w", "r").completed("r").run()];
        assert_eq!(title(&talk, &without).as_deref(), Some("an update that was told as completed is in no history"));
        let other = [History::of("w", "r").updated("u-1", "u-1 after 1 signals").completed("r").run()];
        assert_eq!(title(&talk, &other).as_deref(), Some("an update was told another outcome than the history has"));
        let astray = [History::of("w", "r-2").updated("u-1", "u-1 after 2 signals").completed("r").run()];
        assert_eq!(title(&talk, &astray).as_deref(), Some("an update was told of a run that its workflow never had"));
    }

    #[test]
    fn an_update_that_completed_is_not_told_as_failed() {
        let mut talk = Talk::default();
        talk.update("w", "u-1").updated("r", Some(Err("no")));
        let runs = [History::of("w", "r").updated("u-1", "u-1 after 1 signals").completed("r").run()];
        assert_eq!(title(&talk, &runs).as_deref(), Some("an update that completed was told as failed"));
    }

    #[test]
    fn an_update_that_was_told_as_accepted_was_in_the_history_by_then() {
        let expected = Some("an update was told as accepted before it was in the history");
        let mut talk = Talk::default();
        talk.update("w", "u-1").accepted("r");
        let without = [History::of("w", "r").completed("r").run()];
        assert_eq!(title(&talk, &without).as_deref(), expected);
        // It came again, after the signal that bounds the time of the first answer.
        talk.signal("w", "", "s-1").done();
        talk.update("w", "u-1").updated("r", Some(Ok("u-1 after 1 signals")));
        let later = History::of("w", "r").at_s(5).signaled("s-1").at_s(6).updated("u-1", "u-1 after 1 signals");
        assert_eq!(title(&talk, &[later.completed("r").run()]).as_deref(), expected);
        let earlier = History::of("w", "r").updated("u-1", "u-1 after 1 signals").at_s(5).signaled("s-1");
        assert_eq!(title(&talk, &[earlier.completed("r").run()]), None);
    }

    #[test]
    fn an_update_is_rejected_by_nobody_but_its_worker() {
        let mut record = Talk::default().record();
        record.calls.push(update_call("w", "u-1", "r", Err("it wasn't processed")));
        let runs = [History::of("w", "r").completed("r").run()];
        let broken = check(&Reading::of(&record, &runs)).expect("a rejection of nobody");
        assert_eq!(broken.title, "an update was told as failed, with words that no worker has said of it");
    }

    #[test]
    fn an_update_that_was_sent_again_counts_once_in_a_run() {
        let mut talk = Talk::default();
        talk.update("w", "u-1").unanswered();
        talk.update("w", "u-1").updated("r", Some(Ok("u-1 after 1 signals")));
        let twice = History::of("w", "r").updated("u-1", "u-1 after 1 signals").updated("u-1", "u-1 after 1 signals");
        let runs = [twice.completed("r").run()];
        assert_eq!(title(&talk, &runs).as_deref(), Some("an update that was sent again is in a history twice"));
    }

    #[test]
    fn an_update_reaches_no_more_runs_than_it_was_sent_to() {
        let mut talk = Talk::default();
        talk.update("w", "u-1").updated("r-1", Some(Ok("u-1 after 1 signals")));
        let runs = [
            History::of("w", "r-1").updated("u-1", "u-1 after 1 signals").continued("r-2").run(),
            History::of("w", "r-2").updated("u-1", "u-1 after 0 signals").completed("r").run(),
        ];
        assert_eq!(title(&talk, &runs).as_deref(), Some("an update is in more histories than it was sent for"));
    }

    #[test]
    fn an_update_is_not_given_the_outcome_of_another() {
        let mut record = Talk::default().record();
        record.calls.push(update_call("w", "u-1", "r", Ok("u-2 after 1 signals")));
        let runs = [History::of("w", "r").updated("u-1", "u-2 after 1 signals").completed("r").run()];
        let broken = check(&Reading::of(&record, &runs)).expect("the outcome of another");
        assert_eq!(broken.title, "an update was given the outcome of another");
    }
}
