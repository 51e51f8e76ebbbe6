//! The order in which the server did what one workflow task asked for.

use std::collections::BTreeMap;

use foretime_server::proto::{common::Payloads, history::history_event::Attributes};

use super::{Interest, Moment, NO_STEP, history::brief};
use crate::view::View;

/// A signal, by its name and its content.
type Signal = String;

/// Signals of one workflow to another, by their ids.
type Between = (String, String);

/// The signals that one workflow task sent to one workflow and that arrived in another order.
pub(super) fn swapped(view: &View<'_>) -> Vec<Moment> {
    let mut sent: BTreeMap<(Between, i64), Vec<Signal>> = BTreeMap::new();
    let mut came: BTreeMap<Between, Vec<(u64, Signal)>> = BTreeMap::new();
    for run in view.runs() {
        let id = run.workflow_id();
        for event in run.events_from(1) {
            match &event.attributes {
                Some(Attributes::SignalExternalWorkflowExecutionInitiatedEventAttributes(it)) => {
                    let to = it.workflow_execution.as_ref().map_or_else(String::new, |it| it.workflow_id.clone());
                    let of_task = ((id.to_owned(), to), it.workflow_task_completed_event_id);
                    sent.entry(of_task).or_default().push(signal(&it.signal_name, it.input.as_ref()));
                }
                Some(Attributes::WorkflowExecutionSignaledEventAttributes(it)) => {
                    let (Some(from), Some(at_ns)) = (&it.external_workflow_execution, view.starts_at.event_ns(&event)) else {
                        continue;
                    };
                    let came_so = signal(&it.signal_name, it.input.as_ref());
                    came.entry((from.workflow_id.clone(), id.to_owned())).or_default().push((at_ns, came_so));
                }
                _ => {}
            }
        }
    }
    let of_task = sent.into_iter().filter_map(|((between, _), sent)| first_swap(&sent, came.get(&between)?, &between));
    of_task.collect()
}

/// The first signal that arrived before one that was sent before it. Signals that arrived several times are skipped, since they
/// cannot be told apart.
fn first_swap(sent: &[Signal], came: &[(u64, Signal)], (from, to): &Between) -> Option<Moment> {
    let when = |signal: &Signal| {
        let mut those = came.iter().enumerate().filter(|(_, (_, it))| it == signal).map(|(index, _)| index);
        those.next().filter(|_| those.next().is_none())
    };
    let is_swapped = |(first, second): &(&Signal, &Signal)| when(second).zip(when(first)).is_some_and(|(it, of)| it < of);
    let (first, second) = sent.iter().zip(sent.iter().skip(1)).find(is_swapped)?;
    let (at_ns, _) = came.get(when(second)?)?;
    let text = format!(
        "{to} was signalled {second} before {first}, which {from} sent first: on what one workflow task asks of it the server works side by side"
    );
    Some(Moment::new(*at_ns, NO_STEP, text, Interest::Wrong))
}

fn signal(name: &str, input: Option<&Payloads>) -> Signal {
    format!("\"{name}\"{}", brief(input))
}
