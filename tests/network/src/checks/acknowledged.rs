//! What clients did to workflows is in the histories: a signal, a termination or a request to cancel that the service has accepted, as
//! often as it has accepted it, and once at most in each run. A request id counts within its run, so a signal that is sent again
//! after its run has closed may be in the next run as well.

use foretime_server::proto::history::history_event::Attributes;

use super::{
    attempts::{Attempt, Attempts, Kind, key_of},
    broken::Broken,
    clock::Clock,
    reading::Reading,
    run::{Run, is_text, meant},
};
use crate::record::call::ClientCall;

/// Checks signals, terminations and requests to cancel.
pub fn check(read: &Reading<'_>) -> Option<Broken> {
    let &Reading { record, runs, ref attempts, ref clock, .. } = read;
    let of_attempts = attempts.iter().find_map(|((kind, workflow_id, mark), attempts)| {
        let noun = match kind {
            Kind::Signal => "signal",
            Kind::Terminate => "termination",
            Kind::Cancel => return cancels(attempts, workflow_id, runs, clock),
            Kind::Start | Kind::SignalWithStart | Kind::Update => return None,
        };
        let copies = copies_of(*kind, mark, workflow_id, runs);
        counts(noun, mark, attempts, &copies)
    });
    of_attempts.or_else(|| record.calls.iter().find_map(|call| heard(call, attempts)))
}

/// The run of each event that has the mark.
fn copies_of<'a>(kind: Kind, mark: &str, workflow_id: &str, runs: &'a [Run]) -> Vec<&'a Run> {
    let has_it = |attributes: &Attributes| match (kind, attributes) {
        (Kind::Signal, Attributes::WorkflowExecutionSignaledEventAttributes(it)) => is_text(it.input.as_ref(), mark),
        (Kind::Terminate, Attributes::WorkflowExecutionTerminatedEventAttributes(it)) => it.reason == mark,
        (Kind::Cancel, Attributes::WorkflowExecutionCancelRequestedEventAttributes(it)) => it.cause == mark,
        _ => false,
    };
    let of_run =
        |run: &'a Run| run.events.iter().filter(move |event| event.attributes.as_ref().is_some_and(has_it)).map(move |_| run);
    runs.iter().filter(|run| run.workflow_id == workflow_id).flat_map(of_run).collect()
}

/// The events of a call against its attempts.
fn counts(noun: &str, mark: &str, attempts: &[Attempt<'_>], copies: &[&Run]) -> Option<Broken> {
    let last = attempts.last()?.exchange;
    if let Some(twice) = copies.windows(2).find(|pair| pair[0].run_id == pair[1].run_id) {
        let detail = format!("{mark} is twice in {}", twice[0].name());
        return Some(Broken::at(last, format!("a {noun} that was sent again is in a history twice"), detail));
    }
    let accepted: Vec<_> = attempts.iter().filter(|attempt| attempt.granted.is_some()).collect();
    if let (Some(first), []) = (accepted.first(), copies) {
        let title = format!("a {noun} that the service acknowledged is in no history");
        return Some(Broken::at(first.exchange, title, format!("{mark} is in no run of its workflow")));
    }
    let possible = attempts.iter().filter(|attempt| attempt.may_count()).count();
    if copies.len() > possible {
        let title = format!("a {noun} is in more histories than the service acknowledged it for");
        let detail = format!("{mark} is in {} runs, and was not refused {possible} times", copies.len());
        return Some(Broken::at(last, title, detail));
    }
    let is_named = |run: &Run| attempts.iter().any(|it| it.run_id.is_empty() || it.run_id == run.run_id);
    let astray = copies.iter().find(|run| !is_named(run))?;
    let detail = format!("{mark} is in {}, which no attempt named", astray.name());
    Some(Broken::at(last, format!("a {noun} for one run is in the history of another"), detail))
}

/// A request to cancel is accepted without an event if the run is closed, or is to be cancelled already.
fn cancels(attempts: &[Attempt<'_>], workflow_id: &str, runs: &[Run], clock: &Clock) -> Option<Broken> {
    let last = attempts.last()?;
    if !last.reason.is_empty()
        && let Some(broken) = counts_of_cancel(attempts, &copies_of(Kind::Cancel, &last.reason, workflow_id, runs))
    {
        return Some(broken);
    }
    attempts.iter().filter(|attempt| attempt.granted.is_some()).find_map(|attempt| {
        let step = attempt.exchange.arrived_step;
        let (earliest_ns, latest_ns) = (clock.at_least(step), clock.at_most(step));
        let candidates = meant(runs, workflow_id, &attempt.run_id);
        let next_begun_ns = |at: usize| candidates.get(at + 1).map_or(i64::MAX, |next| next.begun_ns());
        let is_explained = |(at, run): (usize, &&Run)| {
            let may_be_current = run.begun_ns() <= latest_ns && next_begun_ns(at) >= earliest_ns;
            let is_requested =
                |attributes: &Attributes| matches!(attributes, Attributes::WorkflowExecutionCancelRequestedEventAttributes(_));
            let has_request = run.events.iter().any(|event| event.attributes.as_ref().is_some_and(is_requested));
            may_be_current && (has_request || run.closed_ns() <= latest_ns)
        };
        if candidates.iter().enumerate().any(is_explained) {
            return None;
        }
        let title = "a request to cancel that the service acknowledged is in no history, though the workflow was running";
        Some(Broken::at(attempt.exchange, title, format!("the request to cancel {workflow_id}")))
    })
}

/// The events of a request to cancel: at most one for each attempt that was not refused.
fn counts_of_cancel(attempts: &[Attempt<'_>], copies: &[&Run]) -> Option<Broken> {
    let last = attempts.last()?;
    let possible = attempts.iter().filter(|attempt| attempt.may_count()).count();
    if copies.len() <= possible && copies.windows(2).all(|pair| pair[0].run_id != pair[1].run_id) {
        let astray = copies.iter().find(|run| !attempts.iter().any(|it| it.run_id.is_empty() || it.run_id == run.run_id))?;
        let detail = format!("{} is in {}, which no attempt named", last.reason, astray.name());
        return Some(Broken::at(last.exchange, "a request to cancel one run is in the history of another", detail));
    }
    let title = "a request to cancel is in histories more often than the service acknowledged it";
    Some(Broken::at(last.exchange, title, format!("{} is there {} times", last.reason, copies.len())))
}

/// What a client was told is what the service has said.
fn heard(call: &ClientCall, attempts: &Attempts<'_>) -> Option<Broken> {
    let (_, Ok(given)) = call.ended.as_ref()? else { return None };
    let key = key_of(call)?;
    if attempts.get(&key).iter().any(|attempt| attempt.granted.is_some()) {
        return None;
    }
    let title = "a client was told that a call was done which the service never acknowledged";
    Some(Broken::told(call, title, format!("{:?} was answered with {given:?}", call.asked)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::sample::{History, Talk, signal_call};

    #[test]
    fn a_signal_that_is_in_the_history_once_is_as_it_must_be() {
        let mut talk = Talk::default();
        talk.signal("w", "", "s-1").refused(tonic::Code::Unavailable);
        talk.signal("w", "", "s-1").done();
        talk.signal("w", "", "s-1").done();
        let runs = [History::of("w", "r").signaled("s-1").completed("r").run()];
        assert_eq!(check(&Reading::of(&talk.record(), &runs)), None);
    }

    #[test]
    fn a_signal_that_nobody_heard_of_may_be_in_the_history() {
        let mut talk = Talk::default();
        talk.signal("w", "", "s-1").unanswered();
        let runs = [History::of("w", "r").signaled("s-1").completed("r").run()];
        assert_eq!(check(&Reading::of(&talk.record(), &runs)), None);
    }

    #[test]
    fn an_acknowledged_signal_that_is_in_no_history_is_lost() {
        let mut talk = Talk::default();
        talk.signal("w", "", "s-1").done();
        let broken = check(&Reading::of(&talk.record(), &[History::of("w", "r").completed("r").run()])).expect("a lost signal");
        assert_eq!(broken.title, "a signal that the service acknowledged is in no history");
        assert_eq!(broken.at_ns, 2);
    }

    #[test]
    fn a_signal_that_is_in_a_history_twice_was_counted_twice() {
        let mut talk = Talk::default();
        talk.signal("w", "", "s-1").done();
        talk.signal("w", "", "s-1").done();
        let runs = [History::of("w", "r").signaled("s-1").signaled("s-1").completed("r").run()];
        let broken = check(&Reading::of(&talk.record(), &runs)).expect("a doubled signal");
        assert_eq!(broken.title, "a signal that was sent again is in a history twice");
    }

    #[test]
    fn a_signal_that_was_sent_again_may_reach_the_next_run_too_but_not_by_itself() {
        let runs = [
            History::of("w", "r-1").signaled("s-1").continued("r-2").run(),
            History::of("w", "r-2").signaled("s-1").completed("r").run(),
        ];
        let mut talk = Talk::default();
        talk.signal("w", "", "s-1").done();
        let broken = check(&Reading::of(&talk.record(), &runs)).expect("a signal that the service sent on");
        assert_eq!(broken.title, "a signal is in more histories than the service acknowledged it for");
        talk.signal("w", "", "s-1").done();
        assert_eq!(check(&Reading::of(&talk.record(), &runs)), None);
    }

    #[test]
    fn a_signal_that_was_refused_is_nowhere() {
        let mut talk = Talk::default();
        talk.signal("w", "", "s-1").refused(tonic::Code::NotFound);
        let runs = [History::of("w", "r").signaled("s-1").completed("r").run()];
        let broken = check(&Reading::of(&talk.record(), &runs)).expect("a refused signal that counted");
        assert_eq!(broken.title, "a signal is in more histories than the service acknowledged it for");
    }

    #[test]
    fn a_signal_for_one_run_is_not_in_another() {
        let mut talk = Talk::default();
        talk.signal("w", "r-1", "s-1").done();
        let runs = [History::of("w", "r-2").signaled("s-1").completed("r").run()];
        let broken = check(&Reading::of(&talk.record(), &runs)).expect("a signal that went astray");
        assert_eq!(broken.title, "a signal for one run is in the history of another");
    }

    #[test]
    fn a_termination_is_found_by_its_reason() {
        let mut talk = Talk::default();
        talk.terminate("w", "", "enough").done();
        assert_eq!(check(&Reading::of(&talk.record(), &[History::of("w", "r").terminated("enough").run()])), None);
        let broken = check(&Reading::of(&talk.record(), &[History::of("w", "r").terminated("other").run()]))
            .expect("a lost termination");
        assert_eq!(broken.title, "a termination that the service acknowledged is in no history");
    }

    #[test]
    fn a_request_to_cancel_one_run_is_not_in_the_history_of_another() {
        let mut talk = Talk::default();
        talk.cancel("w", "r-1", "c-1").done();
        let runs = [
            History::of("w", "r-1").completed("r").run(),
            History::of("w", "r-2").cancel_requested("c-1").completed("r").run(),
        ];
        let broken = check(&Reading::of(&talk.record(), &runs)).expect("a request to cancel that went astray");
        assert_eq!(broken.title, "a request to cancel one run is in the history of another");
    }

    #[test]
    fn a_request_to_cancel_leaves_an_event_unless_the_run_was_closed_or_is_to_be_cancelled_already() {
        let mut talk = Talk::default();
        talk.cancel("w", "", "c-1").done();
        let requested = [History::of("w", "r").cancel_requested("c-1").completed("r").run()];
        assert_eq!(check(&Reading::of(&talk.record(), &requested)), None);
        let by_another = [History::of("w", "r").cancel_requested("c-2").completed("r").run()];
        assert_eq!(check(&Reading::of(&talk.record(), &by_another)), None);
        let closed = [History::of("w", "r").completed("r").run()];
        assert_eq!(check(&Reading::of(&talk.record(), &closed)), None);
        // The signal after it shows that the run was open then.
        talk.signal("w", "", "s-1").done();
        let open = [History::of("w", "r").signaled("s-1").completed("r").run()];
        let broken = check(&Reading::of(&talk.record(), &open)).expect("a lost request to cancel");
        let title = "a request to cancel that the service acknowledged is in no history, though the workflow was running";
        assert_eq!(broken.title, title);
    }

    #[test]
    fn a_client_is_not_told_of_what_the_service_never_said() {
        let mut talk = Talk::default();
        talk.signal("w", "", "s-1").refused(tonic::Code::NotFound);
        let mut record = talk.record();
        record.calls.push(signal_call("w", "s-1"));
        let broken = check(&Reading::of(&record, &[History::of("w", "r").completed("r").run()])).expect("a made-up answer");
        assert_eq!(broken.title, "a client was told that a call was done which the service never acknowledged");
    }
}
