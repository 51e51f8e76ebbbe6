//! What the official replayer does not compare: with what replayed code asks for an activity, a timer, a child, a signal, or
//! ends, against what is in the history. The core looks at types and ids alone, so code that walks a `HashMap`, draws a random
//! number or reads the clock may ask for something else in each replay, and pass.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use temporalio_common::protos::{
    coresdk::{
        workflow_commands::{signal_external_workflow_execution::Target, workflow_command::Variant},
        workflow_completion::{WorkflowActivationCompletion, workflow_activation_completion::Status},
    },
    temporal::api::{
        common::v1::{Payload, Payloads},
        history::v1::{History, history_event::Attributes},
    },
};
use temporalio_sdk::interceptors::WorkerInterceptor;

/// Only what is written in one of these can be compared: an encrypted payload differs each time by intention.
const COMPARABLE: [&[u8]; 4] = [b"json/plain", b"json/protobuf", b"binary/plain", b"binary/protobuf"];

/// What code may ask for, as it is known in a history.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Wish {
    /// By id.
    Activity(String),
    /// By id.
    Timer(String),
    /// By workflow id.
    Child(String),
    /// By workflow id and the signal's name.
    Signal(String, String),
    /// To be completed.
    Complete,
    /// To be continued as new.
    ContinueAsNew,
}

/// With what it is asked for.
#[derive(Clone, Debug, PartialEq)]
enum With {
    Payloads(Vec<Payload>),
    Span(Duration),
}

/// What the code of some runs asked for, and the first wish that a replay had otherwise. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Commands {
    /// By run id; `None` for what a run asked for more than once under the same name.
    recorded: Arc<BTreeMap<(String, Wish), Option<With>>>,
    difference: Arc<Mutex<Option<Difference>>>,
}

/// A wish that a replay had otherwise than is in the history.
#[derive(Clone, Debug)]
pub(super) struct Difference {
    pub(super) run_id: String,
    /// For people: which, with what there and here.
    pub(super) text: String,
}

impl Commands {
    /// Those of these histories, by run id.
    pub(super) fn of<'a>(histories: impl Iterator<Item = (&'a str, &'a History)>) -> Self {
        let mut recorded = BTreeMap::new();
        for (run_id, history) in histories {
            for (wish, with) in history.events.iter().filter_map(|event| in_history(event.attributes.as_ref()?)) {
                recorded.entry((run_id.to_owned(), wish)).and_modify(|known| *known = None).or_insert(Some(with));
            }
        }
        Self { recorded: Arc::new(recorded), difference: Arc::default() }
    }

    /// The first difference.
    pub(super) fn difference(&self) -> Option<Difference> {
        self.difference.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn look_at(&self, run_id: &str, command: &Variant) {
        let Some((wish, with, what)) = in_command(command) else { return };
        let Some(Some(recorded)) = self.recorded.get(&(run_id.to_owned(), wish)) else { return };
        if differs(recorded, &with) {
            let text =
                format!("{what} with {} in the history, the replayed code asks for it with {}", shown(recorded), shown(&with));
            let mut difference = self.difference.lock().unwrap_or_else(PoisonError::into_inner);
            difference.get_or_insert(Difference { run_id: run_id.to_owned(), text });
        }
    }
}

impl WorkerInterceptor for Commands {
    fn on_workflow_activation_completion<'a, 'b, 'c>(
        &'a self,
        completion: &'b WorkflowActivationCompletion,
    ) -> Pin<Box<dyn Future<Output = ()> + 'c>>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        if let Some(Status::Successful(success)) = &completion.status {
            for command in success.commands.iter().filter_map(|command| command.variant.as_ref()) {
                self.look_at(&completion.run_id, command);
            }
        }
        Box::pin(std::future::ready(()))
    }
}

/// What an event says that was asked for.
fn in_history(event: &Attributes) -> Option<(Wish, With)> {
    let input =
        |payloads: &Option<Payloads>| With::Payloads(payloads.as_ref().map(|it| it.payloads.clone()).unwrap_or_default());
    Some(match event {
        Attributes::ActivityTaskScheduledEventAttributes(it) => (Wish::Activity(it.activity_id.clone()), input(&it.input)),
        Attributes::TimerStartedEventAttributes(it) => {
            (Wish::Timer(it.timer_id.clone()), With::Span(it.start_to_fire_timeout?.try_into().ok()?))
        }
        Attributes::StartChildWorkflowExecutionInitiatedEventAttributes(it) => {
            (Wish::Child(it.workflow_id.clone()), input(&it.input))
        }
        Attributes::SignalExternalWorkflowExecutionInitiatedEventAttributes(it) => {
            let workflow_id = it.workflow_execution.as_ref()?.workflow_id.clone();
            (Wish::Signal(workflow_id, it.signal_name.clone()), input(&it.input))
        }
        Attributes::WorkflowExecutionCompletedEventAttributes(it) => (Wish::Complete, input(&it.result)),
        Attributes::WorkflowExecutionContinuedAsNewEventAttributes(it) => (Wish::ContinueAsNew, input(&it.input)),
        _ => return None,
    })
}

/// What a command asks for, and the beginning of a sentence on it.
fn in_command(command: &Variant) -> Option<(Wish, With, String)> {
    Some(match command {
        Variant::ScheduleActivity(it) => {
            let what = format!("activity {} ({}) was scheduled", it.activity_type, it.activity_id);
            (Wish::Activity(it.activity_id.clone()), With::Payloads(it.arguments.clone()), what)
        }
        Variant::StartTimer(it) => {
            let span = it.start_to_fire_timeout?.try_into().ok()?;
            (Wish::Timer(it.seq.to_string()), With::Span(span), format!("timer {} was started", it.seq))
        }
        Variant::StartChildWorkflowExecution(it) => {
            let what = format!("the child {} ({}) was started", it.workflow_id, it.workflow_type);
            (Wish::Child(it.workflow_id.clone()), With::Payloads(it.input.clone()), what)
        }
        Variant::SignalExternalWorkflowExecution(it) => {
            let workflow_id = match it.target.as_ref()? {
                Target::WorkflowExecution(execution) => execution.workflow_id.clone(),
                Target::ChildWorkflowId(workflow_id) => workflow_id.clone(),
            };
            let what = format!("signal {} was sent to {workflow_id}", it.signal_name);
            (Wish::Signal(workflow_id, it.signal_name.clone()), With::Payloads(it.args.clone()), what)
        }
        Variant::CompleteWorkflowExecution(it) => {
            let result = it.result.iter().cloned().collect();
            (Wish::Complete, With::Payloads(result), "the workflow completed".to_owned())
        }
        Variant::ContinueAsNewWorkflowExecution(it) => {
            (Wish::ContinueAsNew, With::Payloads(it.arguments.clone()), "the workflow continued as new".to_owned())
        }
        _ => return None,
    })
}

/// Whether two surely differ.
fn differs(one: &With, other: &With) -> bool {
    match (one, other) {
        (With::Payloads(one), With::Payloads(other)) => {
            one.len() != other.len() || one.iter().zip(other).any(|(one, other)| payloads_differ(one, other))
        }
        (one, other) => one != other,
    }
}

fn payloads_differ(one: &Payload, other: &Payload) -> bool {
    let (Some(encoding), Some(other_encoding)) = (encoding(one), encoding(other)) else { return false };
    if encoding != other_encoding || one.data == other.data {
        return encoding != other_encoding;
    }
    // The fields of an object have no order.
    let json = |payload: &Payload| serde_json::from_slice::<serde_json::Value>(&payload.data).ok();
    match encoding.starts_with(b"json/") {
        true => json(one) != json(other),
        false => true,
    }
}

fn encoding(payload: &Payload) -> Option<&[u8]> {
    payload.metadata.get("encoding").map(Vec::as_slice).filter(|encoding| COMPARABLE.contains(encoding))
}

fn shown(with: &With) -> String {
    const SHOWN_CHARS_MAX: usize = 200;
    let payloads = match with {
        With::Span(span) => return format!("{span:?}"),
        With::Payloads(payloads) => payloads,
    };
    let shown: Vec<_> = payloads.iter().map(|payload| String::from_utf8_lossy(&payload.data)).collect();
    shown.join(", ").chars().take(SHOWN_CHARS_MAX).collect()
}
