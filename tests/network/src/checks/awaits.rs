//! Who awaited a workflow was told how it ended: the last run of its chain, that run's status and its result.

use foretime_server::proto::{enums::WorkflowExecutionStatus, history::history_event::Attributes};
use tonic::Code;

use super::{
    broken::Broken,
    reading::Reading,
    run::{Run, find, text},
};
use crate::record::call::{Asked, ClientCall, Given};

/// What is wrong, and the particulars.
type Wrong = (&'static str, String);

/// Checks what awaiting clients were told.
pub fn check(read: &Reading<'_>) -> Option<Broken> {
    let &Reading { record, runs, .. } = read;
    record.calls.iter().find_map(|call| {
        let (title, detail) = match &call.asked {
            Asked::Await { run_id } => of_await(call, run_id, runs),
            Asked::Describe { run_id } => of_description(call, run_id, runs),
            _ => None,
        }?;
        Some(Broken::told(call, title, detail))
    })
}

fn of_await(call: &ClientCall, asked_run_id: &str, runs: &[Run]) -> Option<Wrong> {
    let (run_id, status, result) = match &call.ended.as_ref()?.1 {
        Ok(Given::Closed { run_id, status, result }) => (run_id, *status, result),
        Ok(given) => return Some(("who awaited a workflow was told something else", format!("{given:?}"))),
        Err(refused) if refused.code == Code::NotFound && find(runs, asked_run_id).is_some() => {
            let detail = format!("run {asked_run_id}: {}", refused.text);
            return Some(("who awaited a run was told that it is not there", detail));
        }
        Err(_) => return None,
    };
    if run_id.is_empty() {
        return of_unnamed(call, status, result.as_ref(), runs);
    }
    let Some(run) = find(runs, run_id).filter(|run| run.workflow_id == call.workflow_id) else {
        return Some(("who awaited a workflow was told of a run that it never had", format!("run {run_id}")));
    };
    if !asked_run_id.is_empty() && end_of_chain(runs, asked_run_id).is_none_or(|end| end.run_id != *run_id) {
        let detail = format!("awaited run {asked_run_id}, was told of {}", run.name());
        return Some(("who awaited a run was told of the end of another chain", detail));
    }
    misfit(run, status, result.as_ref())
}

/// Who awaited the current run, and learned no run id, was told of one of the ends of its workflow.
fn of_unnamed(call: &ClientCall, status: WorkflowExecutionStatus, result: Option<&String>, runs: &[Run]) -> Option<Wrong> {
    let of_workflow = runs.iter().filter(|run| run.workflow_id == call.workflow_id);
    let mut misfits = of_workflow.map(|run| misfit(run, status, result));
    let first = misfits.next().unwrap_or_else(|| {
        Some(("who awaited a workflow was told of a run that it never had", "there is no run at all".to_owned()))
    })?;
    if misfits.any(|misfit| misfit.is_none()) { None } else { Some(first) }
}

/// Why the end of a run cannot be the one that was told.
fn misfit(run: &Run, status: WorkflowExecutionStatus, result: Option<&String>) -> Option<Wrong> {
    if let Some(next) = run.next_run_id() {
        let detail = format!("{} was followed by {next}", run.name());
        return Some(("who awaited a workflow was told of an end after which it went on", detail));
    }
    if run.close_event().is_none() {
        return Some(("who awaited a workflow was told of an end that never came", run.name()));
    }
    if run.status != status {
        let detail = format!("{}: told {status:?}, is {:?}", run.name(), run.status);
        return Some(("who awaited a workflow was told another status than it has", detail));
    }
    let written = result_of(run);
    (written.as_ref() != result).then(|| {
        let detail = format!("{}: told {result:?}, is {written:?}", run.name());
        ("who awaited a workflow was told another result than it has", detail)
    })
}

/// A description of a closed run tells how it ended. While it is open the record does not have its status.
fn of_description(call: &ClientCall, asked_run_id: &str, runs: &[Run]) -> Option<Wrong> {
    let (_, Ok(Given::Described { run_id, status })) = call.ended.as_ref()? else { return None };
    let Some(run) = find(runs, run_id).filter(|run| run.workflow_id == call.workflow_id) else {
        return Some(("a client was told of a run that its workflow never had", format!("run {run_id}")));
    };
    if !asked_run_id.is_empty() && asked_run_id != run_id {
        let detail = format!("asked for run {asked_run_id}, was told of {}", run.name());
        return Some(("a client was told of another run than it asked for", detail));
    }
    (*status != WorkflowExecutionStatus::Running && *status != run.status).then(|| {
        let detail = format!("{}: told {status:?}, is {:?}", run.name(), run.status);
        ("a client was told of an end of a run that never came", detail)
    })
}

/// The last run of the chain that a run is in.
fn end_of_chain<'a>(runs: &'a [Run], run_id: &str) -> Option<&'a Run> {
    let mut run = find(runs, run_id)?;
    // A chain has no more runs than there are.
    for _ in runs {
        match run.next_run_id() {
            Some(next) => run = find(runs, next)?,
            None => return Some(run),
        }
    }
    None
}

/// The text of the result of a run that completed.
fn result_of(run: &Run) -> Option<String> {
    match run.close_event()?.attributes.as_ref()? {
        Attributes::WorkflowExecutionCompletedEventAttributes(it) => text(it.result.as_ref()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;
    use crate::{
        checks::sample::{History, closed, described},
        record::call::Refused,
    };

    fn chain() -> [Run; 3] {
        [
            History::of("w", "r-1").continued("r-2").run(),
            History::of("w", "r-2").completed("done").run(),
            History::of("w", "r-3").terminated("enough").run(),
        ]
    }

    fn title(call: ClientCall) -> Option<String> {
        let record = Record { calls: vec![call], ..Record::default() };
        check(&Reading::of(&record, &chain())).map(|broken| broken.title)
    }

    const COMPLETED: WorkflowExecutionStatus = WorkflowExecutionStatus::Completed;
    const TERMINATED: WorkflowExecutionStatus = WorkflowExecutionStatus::Terminated;

    #[test]
    fn who_awaits_is_told_of_the_end_of_the_chain() {
        assert_eq!(title(closed("w", "r-1", "r-2", COMPLETED, Some("done"))), None);
        assert_eq!(title(closed("w", "", "r-2", COMPLETED, Some("done"))), None);
        assert_eq!(title(closed("w", "", "r-3", TERMINATED, None)), None);
        let never = ClientCall { ended: None, ..closed("w", "", "r-3", TERMINATED, None) };
        assert_eq!(title(never), None);
    }

    #[test]
    fn who_awaits_is_not_told_of_an_end_that_was_none() {
        let status = WorkflowExecutionStatus::ContinuedAsNew;
        let expected = Some("who awaited a workflow was told of an end after which it went on");
        assert_eq!(title(closed("w", "", "r-1", status, None)).as_deref(), expected);
        let expected = Some("who awaited a workflow was told of a run that it never had");
        assert_eq!(title(closed("w", "", "r-4", COMPLETED, None)).as_deref(), expected);
        let open = [History::of("w", "r-1").signaled("s-1").run()];
        let record = Record { calls: vec![closed("w", "", "r-1", COMPLETED, None)], ..Record::default() };
        let broken = check(&Reading::of(&record, &open)).expect("an end that never came");
        assert_eq!(broken.title, "who awaited a workflow was told of an end that never came");
    }

    #[test]
    fn who_awaits_a_run_is_told_of_its_own_chain() {
        let expected = Some("who awaited a run was told of the end of another chain");
        assert_eq!(title(closed("w", "r-1", "r-3", TERMINATED, None)).as_deref(), expected);
    }

    #[test]
    fn who_awaits_and_learns_no_run_id_is_told_of_some_end_of_the_workflow() {
        assert_eq!(title(closed("w", "", "", COMPLETED, Some("done"))), None);
        assert_eq!(title(closed("w", "", "", TERMINATED, None)), None);
        assert!(title(closed("w", "", "", COMPLETED, Some("gone"))).is_some());
        assert!(title(closed("w", "", "", WorkflowExecutionStatus::ContinuedAsNew, None)).is_some());
        assert!(title(closed("v", "", "", TERMINATED, None)).is_some());
    }

    #[test]
    fn who_awaits_is_told_the_status_and_the_result() {
        let expected = Some("who awaited a workflow was told another status than it has");
        assert_eq!(title(closed("w", "", "r-2", TERMINATED, None)).as_deref(), expected);
        let expected = Some("who awaited a workflow was told another result than it has");
        assert_eq!(title(closed("w", "", "r-2", COMPLETED, Some("gone"))).as_deref(), expected);
        assert_eq!(title(closed("w", "", "r-2", COMPLETED, None)).as_deref(), expected);
    }

    #[test]
    fn who_awaits_a_run_that_is_there_is_not_told_that_it_is_not() {
        let refused = Refused { code: Code::NotFound, text: "no".to_owned(), details: bytes::Bytes::new() };
        let call = |run_id| ClientCall { ended: Some((9, Err(refused.clone()))), ..closed("w", run_id, "", COMPLETED, None) };
        assert_eq!(title(call("r-1")).as_deref(), Some("who awaited a run was told that it is not there"));
        assert_eq!(title(call("")), None);
    }

    #[test]
    fn a_description_of_a_closed_run_tells_how_it_ended() {
        assert_eq!(title(described("w", "r-1", "r-1", WorkflowExecutionStatus::Running)), None);
        assert_eq!(title(described("w", "", "r-2", COMPLETED)), None);
        let expected = Some("a client was told of an end of a run that never came");
        assert_eq!(title(described("w", "", "r-2", TERMINATED)).as_deref(), expected);
        let expected = Some("a client was told of another run than it asked for");
        assert_eq!(title(described("w", "r-1", "r-2", COMPLETED)).as_deref(), expected);
    }
}
