//! Whether the service answers everybody when nothing is wrong any more.

use foretime_server::proto::enums::EventType;
use tonic::Code;

use super::{Broken, Run, reading::Reading};
use crate::{
    nodes::client::INSPECTOR,
    record::call::{Asked, ClientCall},
};

/// Checks that all calls were answered of the client that comes last, when the network is well and everything has closed.
pub fn check(read: &Reading<'_>) -> Option<Broken> {
    let &Reading { record, runs, .. } = read;
    let mut of_inspector = record.calls.iter().filter(|call| call.client == INSPECTOR);
    let unanswered = of_inspector.find(|call| !matches!(call.ended, Some((_, Ok(_)))) && !is_excused(call, runs))?;
    let heard = match &unanswered.ended {
        Some((_, Err(refused))) => format!("{:?}: {}", refused.code, refused.text),
        _ => "nothing".to_owned(),
    };
    let detail = format!("{:?}: it heard {heard}", unanswered.asked);
    Some(Broken::told(unanswered, "a call was not answered though nothing was wrong any more", detail))
}

/// Whether the call is a query of a run that closed before a worker had answered a task of it: there is no state to tell of.
fn is_excused(call: &ClientCall, runs: &[Run]) -> bool {
    let last = runs.iter().rfind(|run| run.workflow_id == call.workflow_id);
    let has_state =
        last.is_some_and(|run| run.events.iter().any(|event| event.event_type() == EventType::WorkflowTaskCompleted));
    let is_refused = matches!(&call.ended, Some((_, Err(refused))) if refused.code == Code::FailedPrecondition);
    matches!(call.asked, Asked::Query { .. }) && is_refused && !has_state
}
