//! The answer to a query is true. A worker answers with the nonce of the run and the number of signals that it has seen. So the run is
//! one that the client may have meant, and the worker has seen all signals that were acknowledged before the query was made, and none
//! that was sent after it was answered.

use std::collections::{BTreeMap, BTreeSet};

use foretime_server::proto::history::history_event::Attributes;

use super::{
    broken::Broken,
    reading::Reading,
    run::{Run, meant, text},
};
use crate::record::{
    Record,
    call::{Asked, ClientCall, Given},
};

/// Checks what clients were told that had queried.
pub fn check(read: &Reading<'_>) -> Option<Broken> {
    let &Reading { record, runs, .. } = read;
    let signals = signals(record);
    record.calls.iter().find_map(|call| {
        let (Asked::Query { run_id }, Some((_, Ok(Given::Answered(told))))) = (&call.asked, &call.ended) else { return None };
        let title = untrue(call, told, &meant(runs, &call.workflow_id, run_id), &signals)?;
        Some(Broken::told(call, title, format!("it was told {told:?}")))
    })
}

/// What is wrong with an answer. `runs`: those that may have been meant.
fn untrue(call: &ClientCall, told: &str, runs: &[&Run], signals: &BTreeMap<&str, &ClientCall>) -> Option<&'static str> {
    let Some((nonce, count)) = read(told) else { return Some("the answer to a query was not what its worker says") };
    let mut of_nonce = runs.iter().filter(|run| run.nonce().as_deref() == Some(nonce)).peekable();
    if of_nonce.peek().is_none() {
        return Some("a query was answered by a run that was not meant");
    }
    let bounds: Vec<_> = of_nonce.map(|run| seen(run, call, signals)).collect();
    if bounds.iter().all(|(_, most)| count > *most) {
        return Some("the answer to a query counts signals that had not come");
    }
    let is_true = bounds.iter().any(|(least, most)| (*least..=*most).contains(&count));
    (!is_true).then_some("the answer to a query leaves out signals that had been acknowledged")
}

/// How many signals a run must have seen, and may have seen, to answer a query.
fn seen(run: &Run, query: &ClientCall, signals: &BTreeMap<&str, &ClientCall>) -> (usize, usize) {
    let answered_ns = query.ended.as_ref().map_or(u64::MAX, |(at_ns, _)| *at_ns);
    let inputs = run.events.iter().filter_map(|event| match &event.attributes {
        Some(Attributes::WorkflowExecutionSignaledEventAttributes(it)) => Some(text(it.input.as_ref()).unwrap_or_default()),
        _ => None,
    });
    let (mut least, mut most, mut counted) = (0, 0, BTreeSet::new());
    for input in inputs {
        let signal = signals.get(input.as_str());
        let is_later = signal.is_some_and(|signal| signal.began_ns > answered_ns);
        most += usize::from(!is_later);
        // One that is there twice is the fault of another check.
        let is_earlier = signal.is_some_and(|signal| is_acknowledged_before(signal, query.began_ns));
        least += usize::from(is_earlier && counted.insert(input));
    }
    (least, most)
}

fn is_acknowledged_before(signal: &ClientCall, at_ns: u64) -> bool {
    matches!(&signal.ended, Some((ended_ns, Ok(_))) if *ended_ns < at_ns)
}

/// The calls that send signals, by the nonce of the signal.
fn signals(record: &Record) -> BTreeMap<&str, &ClientCall> {
    let signals = record.calls.iter().filter_map(|call| match &call.asked {
        Asked::Signal { nonce, .. } | Asked::SignalWithStart { nonce, .. } => Some((nonce.as_str(), call)),
        _ => None,
    });
    signals.collect()
}

/// The nonce and the number in `NONCE after N signals`.
fn read(told: &str) -> Option<(&str, usize)> {
    let (nonce, count) = told.strip_suffix(" signals")?.rsplit_once(" after ")?;
    Some((nonce, count.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::sample::{History, query_call, signal_call};

    /// Two signals, of which one was acknowledged before the query began, and one was sent meanwhile.
    fn title(run_id: &str, told: &str) -> Option<String> {
        let earlier =
            ClientCall { began_ns: 1, ended: signal_call("w", "s1").ended.map(|(_, ok)| (10, ok)), ..signal_call("w", "s1") };
        let meanwhile = ClientCall { began_ns: 25, ended: None, ..signal_call("w", "s2") };
        let later = ClientCall { began_ns: 35, ended: None, ..signal_call("w", "s3") };
        let query = query_call("w", run_id, told, 20, 30);
        let record = Record { calls: vec![earlier, query, meanwhile, later], ..Record::default() };
        let runs = [
            History::started("w", "r", "n").continued("s").run(),
            History::started("w", "s", "m").signaled("s1").signaled("s2").signaled("s3").run(),
        ];
        check(&Reading::of(&record, &runs)).map(|broken| broken.title)
    }

    #[test]
    fn an_answer_may_count_a_signal_that_is_not_acknowledged() {
        assert_eq!(title("", "m after 1 signals"), None);
        assert_eq!(title("s", "m after 2 signals"), None);
        assert_eq!(title("", "n after 0 signals"), None);
    }

    #[test]
    fn an_answer_counts_all_signals_that_were_acknowledged() {
        let expected = Some("the answer to a query leaves out signals that had been acknowledged");
        assert_eq!(title("", "m after 0 signals").as_deref(), expected);
    }

    #[test]
    fn an_answer_counts_no_signals_that_came_later() {
        let expected = Some("the answer to a query counts signals that had not come");
        assert_eq!(title("", "m after 3 signals").as_deref(), expected);
        assert_eq!(title("", "n after 1 signals").as_deref(), expected);
    }

    #[test]
    fn an_answer_is_that_of_a_run_that_was_meant() {
        let expected = Some("a query was answered by a run that was not meant");
        assert_eq!(title("r", "m after 1 signals").as_deref(), expected);
        assert_eq!(title("", "o after 1 signals").as_deref(), expected);
    }

    #[test]
    fn an_answer_is_what_its_worker_says() {
        let expected = Some("the answer to a query was not what its worker says");
        assert_eq!(title("", "").as_deref(), expected);
        assert_eq!(title("", "m after some signals").as_deref(), expected);
    }
}
