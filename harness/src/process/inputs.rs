//! What the official replayer does not compare: the input with which replayed code asks for an activity, against that in the
//! history. The core looks at an activity's type and id alone, so code that walks a `HashMap`, draws a random number or reads
//! the clock may ask for something else in each replay, and pass.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use temporalio_common::protos::{
    coresdk::{
        workflow_commands::{ScheduleActivity, workflow_command::Variant},
        workflow_completion::{WorkflowActivationCompletion, workflow_activation_completion::Status},
    },
    temporal::api::{
        common::v1::Payload,
        history::v1::{History, history_event::Attributes},
    },
};
use temporalio_sdk::interceptors::WorkerInterceptor;

/// Only what is written in one of these can be compared: an encrypted payload differs each time by intention.
const COMPARABLE: [&[u8]; 4] = [b"json/plain", b"json/protobuf", b"binary/plain", b"binary/protobuf"];

/// The inputs of the activities of some runs, and the first that a replay asked for otherwise. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Inputs {
    /// By run id and activity id.
    recorded: Arc<BTreeMap<(String, String), Vec<Payload>>>,
    difference: Arc<Mutex<Option<Difference>>>,
}

/// An activity for which a replay asked with another input than is in the history.
#[derive(Clone, Debug)]
pub(super) struct Difference {
    pub(super) run_id: String,
    /// For people: which activity, with which input there and here.
    pub(super) text: String,
}

impl Inputs {
    /// Those of these histories, by run id.
    pub(super) fn of<'a>(histories: impl Iterator<Item = (&'a str, &'a History)>) -> Self {
        let mut recorded = BTreeMap::new();
        for (run_id, history) in histories {
            for event in &history.events {
                if let Some(Attributes::ActivityTaskScheduledEventAttributes(scheduled)) = &event.attributes {
                    let input = scheduled.input.as_ref().map(|input| input.payloads.clone()).unwrap_or_default();
                    recorded.insert((run_id.to_owned(), scheduled.activity_id.clone()), input);
                }
            }
        }
        Self { recorded: Arc::new(recorded), difference: Arc::default() }
    }

    /// The first difference.
    pub(super) fn difference(&self) -> Option<Difference> {
        self.difference.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn look_at(&self, run_id: &str, activity: &ScheduleActivity) {
        let key = (run_id.to_owned(), activity.activity_id.clone());
        let Some(recorded) = self.recorded.get(&key) else { return };
        let differs = recorded.len() != activity.arguments.len()
            || recorded.iter().zip(&activity.arguments).any(|(recorded, asked)| differ(recorded, asked));
        if differs {
            let text = format!(
                "activity {} ({}) was scheduled with {}, the replayed code asks for it with {}",
                activity.activity_type,
                activity.activity_id,
                shown(recorded),
                shown(&activity.arguments)
            );
            let mut difference = self.difference.lock().unwrap_or_else(PoisonError::into_inner);
            difference.get_or_insert(Difference { run_id: run_id.to_owned(), text });
        }
    }
}

impl WorkerInterceptor for Inputs {
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
            for command in &success.commands {
                if let Some(Variant::ScheduleActivity(activity)) = &command.variant {
                    self.look_at(&completion.run_id, activity);
                }
            }
        }
        Box::pin(std::future::ready(()))
    }
}

fn encoding(payload: &Payload) -> Option<&[u8]> {
    payload.metadata.get("encoding").map(Vec::as_slice).filter(|encoding| COMPARABLE.contains(encoding))
}

/// Whether two payloads surely say different things.
fn differ(one: &Payload, other: &Payload) -> bool {
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

fn shown(payloads: &[Payload]) -> String {
    const SHOWN_CHARS_MAX: usize = 200;
    let shown: Vec<_> = payloads.iter().map(|payload| String::from_utf8_lossy(&payload.data)).collect();
    shown.join(", ").chars().take(SHOWN_CHARS_MAX).collect()
}
