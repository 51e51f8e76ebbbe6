//! What the attributes of each type of event have in common, as numbers of fields, in a table made once from the descriptors:
//! a new type of event has its row by itself.

use std::sync::OnceLock;

use foretime_server::proto::enums::EventType;
use prost_reflect::{Kind, MessageDescriptor};

use crate::{descriptors, wire};

/// The attributes of a type of event.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    /// `workflow_task_completed_event_id`, which the events have that a workflow task's commands wrote.
    completed: Option<u32>,
    /// The fields, from the outermost on, that name what the event is about: an activity's type, a signal's name.
    name: Vec<u32>,
    /// The id of the event that began what this one is about, and that may name it.
    began: Option<u32>,
}

/// Fields that name what an event is about.
const NAMES: [&str; 6] =
    ["activity_type.name", "workflow_type.name", "signal_name", "marker_name", "accepted_request.input.name", "operation"];
/// Fields that hold the id of the event that began what an event is about.
const BEGAN: [&str; 3] = ["initiated_event_id", "accepted_event_id", "scheduled_event_id"];

impl Row {
    /// The row of the type of an event; an empty one for a type that we do not know.
    pub(crate) fn of(event: &wire::Event<'_>) -> &'static Self {
        static EMPTY: Row = Row { completed: None, name: Vec::new(), began: None };
        static TABLE: OnceLock<Vec<Row>> = OnceLock::new();
        let table = TABLE.get_or_init(|| table().unwrap_or_default());
        usize::try_from(event.kind).ok().and_then(|kind| table.get(kind)).unwrap_or(&EMPTY)
    }

    /// The id of the event with which the workflow task ended whose commands wrote this event; `None` for other events.
    pub(crate) fn completed(&self, event: &wire::Event<'_>) -> Option<i64> {
        self.completed.map(|field| event.attributes.number(field)).filter(|id| *id != 0)
    }

    /// Whether events of this type are what commands write. Updates have commands too, but no field that says so.
    pub(crate) const fn is_of_command(&self) -> bool {
        self.completed.is_some()
    }

    /// The name of what the event is about; empty if it has none.
    pub(crate) fn name<'b>(&self, event: &wire::Event<'b>) -> &'b str {
        let Some((last, outer)) = self.name.split_last() else { return "" };
        outer.iter().fold(event.attributes, |message, field| message.message(*field)).text(*last)
    }

    /// The id of the event that began what this one is about.
    pub(crate) fn began(&self, event: &wire::Event<'_>) -> Option<i64> {
        self.began.map(|field| event.attributes.number(field)).filter(|id| *id != 0)
    }
}

fn table() -> Option<Vec<Row>> {
    let Kind::Message(event) = descriptors::history()?.get_field_by_name("events")?.kind() else { return None };
    let mut table = Vec::new();
    for field in event.oneofs().find(|oneof| oneof.name() == "attributes")?.fields() {
        let name = field.name().strip_suffix("_event_attributes")?;
        let event_type = EventType::from_str_name(&format!("EVENT_TYPE_{}", name.to_ascii_uppercase()))?;
        let Kind::Message(attributes) = field.kind() else { return None };
        let number = |name: &str| attributes.get_field_by_name(name).map(|field| field.number());
        let row = Row {
            completed: number("workflow_task_completed_event_id"),
            name: NAMES.iter().find_map(|path| numbers(&attributes, path)).unwrap_or_default(),
            began: BEGAN.iter().find_map(|name| number(name)),
        };
        let place = usize::try_from(event_type as i32).ok()?;
        if table.len() <= place {
            table.resize(place + 1, Row::default());
        }
        table[place] = row;
    }
    Some(table)
}

/// The numbers of the fields of a path with dots; `None` if the message has no such fields.
fn numbers(message: &MessageDescriptor, path: &str) -> Option<Vec<u32>> {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let field = message.get_field_by_name(first)?;
    let mut all = vec![field.number()];
    if let Some(rest) = rest {
        let Kind::Message(inner) = field.kind() else { return None };
        all.extend(numbers(&inner, rest)?);
    }
    Some(all)
}
