//! The check against the engine: what a busy cluster writes is legal, event by event, and damage to it is found.

use std::{collections::BTreeSet, sync::LazyLock};

use foretime_server::proto::{enums::EventType, history::HistoryEvent};

use crate::grammar;

mod cluster;
mod commands;
mod draws;
mod mutations;

const SEEDS: u64 = 100;

/// The histories of some busy clusters.
static HISTORIES: LazyLock<Vec<Vec<HistoryEvent>>> = LazyLock::new(|| (0..SEEDS).flat_map(cluster::histories).collect());

/// What the engine never writes: updates, Nexus, and the consequences of administrative calls.
const UNWRITTEN: [EventType; 21] = {
    use EventType as E;
    [
        E::Unspecified,
        E::WorkflowExecutionUpdateAdmitted,
        E::WorkflowExecutionUpdateAccepted,
        E::WorkflowExecutionUpdateRejected,
        E::WorkflowExecutionUpdateCompleted,
        E::WorkflowPropertiesModifiedExternally,
        E::ActivityPropertiesModifiedExternally,
        E::UpsertWorkflowSearchAttributes,
        E::WorkflowExecutionOptionsUpdated,
        E::WorkflowExecutionPaused,
        E::WorkflowExecutionUnpaused,
        E::WorkflowExecutionTimeSkippingTransitioned,
        E::NexusOperationScheduled,
        E::NexusOperationStarted,
        E::NexusOperationCompleted,
        E::NexusOperationFailed,
        E::NexusOperationCanceled,
        E::NexusOperationTimedOut,
        E::NexusOperationCancelRequested,
        E::NexusOperationCancelRequestCompleted,
        E::NexusOperationCancelRequestFailed,
    ]
};

#[test]
fn what_a_busy_cluster_writes_is_legal() {
    let mut seen = BTreeSet::new();
    for (at, events) in HISTORIES.iter().enumerate() {
        let violations = grammar::check(events);
        assert!(violations.is_empty(), "history {at}: {violations:#?}\n{}", shown(events));
        seen.extend(events.iter().map(|event| event.event_type));
    }
    let all = (0..=60).filter_map(|value| EventType::try_from(value).ok()).filter(|event_type| !UNWRITTEN.contains(event_type));
    let missing: Vec<_> = all.filter(|event_type| !seen.contains(&(*event_type as i32))).collect();
    assert!(missing.is_empty(), "no history has {missing:?}");
}

#[test]
fn so_is_what_it_had_written_at_any_moment() {
    for events in HISTORIES.iter().filter(|events| events.len() < 80) {
        for end in 0..events.len() {
            let violations = grammar::check(&events[..end]);
            assert!(violations.is_empty(), "{violations:#?}\n{}", shown(&events[..end]));
        }
    }
}

/// A history for people, an event a line.
fn shown(events: &[HistoryEvent]) -> String {
    let line = |event: &HistoryEvent| {
        let at = event.event_time.as_ref().map(|at| format!("{}.{:09}", at.seconds, at.nanos));
        format!("{:>4} {} {:?}\n", event.event_id, at.unwrap_or_default(), event.attributes)
    };
    events.iter().map(line).collect()
}
