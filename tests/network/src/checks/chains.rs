//! Whether all that clients were told of a workflow can be true at once.

use std::collections::BTreeSet;

use foretime_server::proto::history::history_event::Attributes;

use super::{
    broken::Broken,
    reading::Reading,
    run::{Run, text},
};
use crate::{
    linear::{self, RunTruth, Truth, Verdict},
    nodes::requests::request_id,
    record::call::ClientCall,
};

/// Finds the first workflow of which clients were told what cannot be true.
pub fn check(read: &Reading<'_>) -> Option<Broken> {
    let &Reading { record, runs, .. } = read;
    // Of children, which no client begins, the model knows nothing.
    let calls = record.calls.iter().filter(|call| !is_child(&call.workflow_id, runs));
    let workflow_ids: BTreeSet<&str> = calls.map(|call| call.workflow_id.as_str()).collect();
    workflow_ids.into_iter().find_map(|workflow_id| {
        let calls: Vec<&ClientCall> = record.calls.iter().filter(|call| call.workflow_id == workflow_id).collect();
        let (title, why) = match linear::check(workflow_id, &calls, &truth(workflow_id, runs)) {
            Ok(Verdict::Explained) => return None,
            Ok(Verdict::NotDecided) => ("it could not be decided whether what clients were told can be true", String::new()),
            Err(why) => ("clients were told what cannot be true at once", why.to_string()),
        };
        Some(Broken { title: title.to_owned(), detail: format!("{workflow_id}: {why}"), at_ns: 0, process: None })
    })
}

/// Whether a workflow has a parent.
fn is_child(workflow_id: &str, runs: &[Run]) -> bool {
    let mut of_it = runs.iter().filter(|run| run.workflow_id == workflow_id);
    of_it.any(|run| run.started().is_some_and(|started| started.parent_workflow_execution.is_some()))
}

/// The chain of a workflow's runs.
fn truth(workflow_id: &str, runs: &[Run]) -> Truth {
    Truth { runs: runs.iter().filter(|run| run.workflow_id == workflow_id).map(run_truth).collect() }
}

fn run_truth(run: &Run) -> RunTruth {
    let before = run.started().map(|started| started.continued_execution_run_id.clone());
    let mut truth = RunTruth {
        run_id: run.run_id.clone(),
        continued_from: before.filter(|run_id| !run_id.is_empty()),
        start_request_id: run.nonce().map(|nonce| request_id(&nonce)).unwrap_or_default(),
        status: run.status,
        terminated_for: String::new(),
        signal_nonces: BTreeSet::new(),
        update_ids: BTreeSet::new(),
        is_cancel_requested: false,
    };
    for event in &run.events {
        match &event.attributes {
            Some(Attributes::WorkflowExecutionSignaledEventAttributes(signal)) => {
                truth.signal_nonces.extend(text(signal.input.as_ref()));
            }
            Some(Attributes::WorkflowExecutionUpdateAcceptedEventAttributes(accepted)) => {
                truth.update_ids.insert(accepted.protocol_instance_id.clone());
            }
            Some(Attributes::WorkflowExecutionCancelRequestedEventAttributes(_)) => truth.is_cancel_requested = true,
            Some(Attributes::WorkflowExecutionTerminatedEventAttributes(terminated)) => {
                truth.terminated_for.clone_from(&terminated.reason);
            }
            _ => {}
        }
    }
    truth
}
