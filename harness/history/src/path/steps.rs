//! A history as steps: what came to the code, and what it did then.
//!
//! Where the code does nothing, what came counts to the next step, and within a step, what came has no order and no number. So it
//! does not matter which of several events came first, or whether they came to one workflow task or to several.

use std::{borrow::Cow, collections::HashMap};

use foretime_server::proto::enums::EventType;

use crate::{attributes::Row, markers, wire};

/// An event without its ids and times.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Word<'h> {
    /// Its `EventType`.
    pub(super) kind: i32,
    /// The name of what it is about, if it has one.
    pub(super) name: Cow<'h, str>,
    /// Of a marker of a patch or local activity, which one.
    pub(super) detail: String,
}

/// What came, and what the code did then.
#[derive(Clone, Debug, Default)]
pub(super) struct Step<'h> {
    pub(super) came: Vec<Word<'h>>,
    pub(super) did: Vec<Word<'h>>,
}

/// The steps of a history.
pub(super) fn steps(history: &[u8]) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    let mut step = Step::default();
    let mut names: HashMap<i64, &str> = HashMap::new();
    for event in wire::events(history) {
        let Some(side) = Side::of(&event) else { continue };
        let row = Row::of(&event);
        let name = match row.name(&event) {
            "" => row.began(&event).and_then(|began| names.get(&began).copied()).unwrap_or_default(),
            name => name,
        };
        if !name.is_empty() {
            names.insert(event.id, name);
        }
        let word = Word { kind: event.kind, name: Cow::Borrowed(name), detail: detail(&event) };
        match side {
            Side::Did => step.did.push(word),
            Side::Came => {
                if !step.did.is_empty() {
                    steps.push(std::mem::take(&mut step));
                }
                step.came.push(word);
            }
        }
    }
    steps.push(step);
    for step in &mut steps {
        step.came.sort_unstable();
        step.came.dedup();
    }
    steps
}

enum Side {
    Came,
    Did,
}

impl Side {
    /// `None` for what the code does not see: workflow tasks and what only the server does.
    fn of(event: &wire::Event<'_>) -> Option<Self> {
        use EventType as E;
        match E::try_from(event.kind).ok()? {
            E::WorkflowTaskScheduled | E::WorkflowTaskStarted | E::WorkflowTaskCompleted => None,
            E::WorkflowTaskFailed | E::WorkflowTaskTimedOut | E::ActivityTaskStarted => None,
            E::WorkflowExecutionOptionsUpdated | E::WorkflowExecutionUpdateAdmitted => None,
            E::WorkflowExecutionPaused | E::WorkflowExecutionUnpaused => None,
            E::WorkflowExecutionTimeSkippingTransitioned | E::Unspecified => None,
            E::WorkflowExecutionUpdateAccepted | E::WorkflowExecutionUpdateCompleted => Some(Self::Did),
            _ if Row::of(event).is_of_command() => Some(Self::Did),
            _ => Some(Self::Came),
        }
    }
}

fn detail(event: &wire::Event<'_>) -> String {
    if event.kind != EventType::MarkerRecorded as i32 {
        return String::new();
    }
    match markers::patch(event.attributes) {
        Some(markers::Patch { id, version }) => {
            let id = id.unwrap_or_default();
            version.map_or_else(|| id.clone(), |version| format!("{id} {version}"))
        }
        None => markers::local_activity(event.attributes).unwrap_or_default(),
    }
}
