//! One thing that workflow code asks for, read from a command or from the event that the command has written.

use foretime_server::engine::rules::commands::command_of;
use foretime_server::proto::{
    command::Command,
    enums::{CommandType, EventType},
    history::HistoryEvent,
};
use prost::Message as _;
use prost_reflect::{DynamicMessage, ReflectMessage, Value};

use super::fields;
use crate::{
    descriptors,
    markers::{self, Patch},
    payload::Telling,
    wire::Message,
};

/// Results of what workers do by themselves: local activities and side effects.
const LOCAL_WORK: [&str; 5] = ["core_local_activity", "LocalActivity", "SideEffect", "MutableSideEffect", "core_side_effect"];
/// SDKs write it along with each patch and version.
const CHANGE_VERSION: &str = "TemporalChangeVersion";

/// One thing that workflow code asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    kind: CommandType,
    /// Of an event, its type and id.
    event_type: Option<EventType>,
    event_id: Option<i64>,
    attributes: DynamicMessage,
    marker: Option<Marker>,
}

/// What a marker stands for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Marker {
    /// A patch, or a version of a change.
    Patch {
        /// The id of the patch or the change.
        id: String,
        /// The version, where there are several.
        version: Option<i64>,
    },
    /// The result of a local activity or a side effect.
    LocalWork(String),
    /// Any other.
    Other(String),
}

impl Marker {
    pub(super) fn is_of_local_work(&self) -> bool {
        matches!(self, Self::LocalWork(_))
    }
}

impl Step {
    /// What an encoded event says that the code asked for; `None` if no command writes such an event.
    pub fn of_event(event: &[u8]) -> Option<Self> {
        let head = EventHead::decode(event).ok()?;
        let kind = command_of(head.event_type())?;
        let message = DynamicMessage::decode(descriptors::of::<HistoryEvent>()?, event).ok()?;
        Some(Self::new(kind, Some(&head), attributes(&message)?))
    }

    /// What an encoded command asks for.
    pub fn of_command(command: &[u8]) -> Option<Self> {
        let kind = CommandHead::decode(command).ok()?.command_type();
        let message = DynamicMessage::decode(descriptors::of::<Command>()?, command).ok()?;
        Some(Self::new(kind, None, attributes(&message)?))
    }

    fn new(kind: CommandType, event: Option<&EventHead>, attributes: DynamicMessage) -> Self {
        let marker = (kind == CommandType::RecordMarker).then(|| marker(&attributes));
        let (event_type, event_id) = (event.map(EventHead::event_type), event.map(|event| event.event_id));
        Self { kind, event_type, event_id, attributes, marker }
    }

    /// The command that asks for it.
    pub fn kind(&self) -> CommandType {
        self.kind
    }

    /// The type of the event or of the command, as JSON spells it without its prefix.
    pub fn kind_name(&self) -> String {
        match self.event_type {
            Some(event_type) => camel_case(event_type.as_str_name().trim_start_matches("EVENT_TYPE_")),
            None => self.command_name(),
        }
    }

    /// The type of the command, also of an event that such a command writes.
    pub fn command_name(&self) -> String {
        camel_case(self.kind.as_str_name().trim_start_matches("COMMAND_TYPE_"))
    }

    /// The fields that are set, for people.
    pub fn shown_fields(&self, telling: Telling) -> Vec<(String, String)> {
        fields::shown_fields(&self.attributes, telling)
    }

    /// Whether it ends the run.
    pub fn closes_the_workflow(&self) -> bool {
        use CommandType as C;
        matches!(
            self.kind,
            C::CompleteWorkflowExecution
                | C::FailWorkflowExecution
                | C::CancelWorkflowExecution
                | C::ContinueAsNewWorkflowExecution
        )
    }

    /// The event that the history has of it; `None` on the code's side.
    pub fn event_id(&self) -> Option<i64> {
        self.event_id
    }

    /// Of a marker, what it stands for.
    pub fn marker(&self) -> Option<&Marker> {
        self.marker.as_ref()
    }

    /// Its attributes, as the API has them.
    pub(super) fn attributes(&self) -> &DynamicMessage {
        &self.attributes
    }

    /// What it is called: the type of an activity, the id of a timer, the name of a signal. Empty where it has no name.
    pub fn name(&self) -> String {
        let text = |name: &str| self.attributes.get_field_by_name(name).and_then(|value| value.as_str().map(str::to_owned));
        match &self.marker {
            Some(Marker::Patch { id, version: None }) => return id.clone(),
            Some(Marker::Patch { id, version: Some(version) }) => return format!("{id}, version {version}"),
            Some(Marker::LocalWork(name) | Marker::Other(name)) => return name.clone(),
            None => {}
        }
        let typed = ["activity_type", "workflow_type"].iter().find_map(|name| {
            let value = self.attributes.get_field_by_name(name)?;
            let name = value.as_message()?.get_field_by_name("name")?.as_str()?.to_owned();
            Some(name).filter(|name| !name.is_empty())
        });
        typed.or_else(|| text("signal_name")).or_else(|| text("operation")).or_else(|| text("timer_id")).unwrap_or_default()
    }

    /// Whether it merely goes along with something else that is compared: the search attribute that SDKs write with each patch.
    pub(super) fn is_incidental(&self) -> bool {
        if self.kind != CommandType::UpsertWorkflowSearchAttributes {
            return false;
        }
        let attributes = self.attributes.get_field_by_name("search_attributes");
        let fields = attributes.as_deref().and_then(Value::as_message).and_then(|it| it.get_field_by_name("indexed_fields"));
        let names = fields.as_deref().and_then(Value::as_map);
        names.is_some_and(|names| !names.is_empty() && names.keys().all(|name| name.as_str() == Some(CHANGE_VERSION)))
    }
}

/// An event without its attributes.
#[derive(prost::Message)]
struct EventHead {
    #[prost(int64, tag = "1")]
    event_id: i64,
    #[prost(enumeration = "EventType", tag = "3")]
    event_type: i32,
}

/// A command without its attributes.
#[derive(prost::Message)]
struct CommandHead {
    #[prost(enumeration = "CommandType", tag = "1")]
    command_type: i32,
}

/// The attributes of a command or an event: the one that is set of its many fields of that name.
fn attributes(message: &DynamicMessage) -> Option<DynamicMessage> {
    let descriptor = message.descriptor();
    let oneof = descriptor.oneofs().find(|oneof| oneof.name() == "attributes")?;
    let field = oneof.fields().find(|field| message.has_field(field))?;
    message.get_field(&field).as_message().cloned()
}

fn marker(attributes: &DynamicMessage) -> Marker {
    let encoded = attributes.encode_to_vec();
    if let Some(Patch { id, version }) = markers::patch(Message(&encoded)) {
        return Marker::Patch { id: id.unwrap_or_default(), version };
    }
    let name = attributes.get_field_by_name("marker_name").and_then(|it| it.as_str().map(str::to_owned)).unwrap_or_default();
    match LOCAL_WORK.contains(&name.as_str()) {
        true => Marker::LocalWork(markers::local_activity(Message(&encoded)).unwrap_or(name)),
        false => Marker::Other(name),
    }
}

/// `TIMER_STARTED` is `TimerStarted`.
fn camel_case(name: &str) -> String {
    name.split('_').map(|word| format!("{}{}", &word[..1.min(word.len())], word[1.min(word.len())..].to_lowercase())).collect()
}
