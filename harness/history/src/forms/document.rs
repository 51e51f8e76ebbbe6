//! Where the events are in JSON: in `events`, in the `history` of a reply, in lists of either, or bare, one after another.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{
    Recorded, Unreadable,
    message::{Step, Transcoder},
    scalar,
    schema::{Member, Message, Scalar, Schema},
    value::Value,
};
use crate::wire;

/// What was found so far.
pub(super) struct Found {
    pub(super) transcoder: Transcoder,
    histories: Vec<Grown>,
    event: Option<&'static Message>,
    /// Keys of objects that are no histories, to say what the file has instead.
    keys: Vec<String>,
}

/// A history and what may go on with it.
struct Grown {
    recorded: Recorded,
    first_id: i64,
    last_id: i64,
}

/// One JSON value that is, or has in it, any number of histories.
pub(super) struct Document<'f> {
    pub(super) found: &'f mut Found,
}

/// What is said around the events.
#[derive(Default)]
struct Around {
    workflow_id: Option<String>,
    run_id: Option<String>,
    namespace: Option<String>,
}

impl Found {
    pub(super) fn new(schema: &'static Schema) -> Self {
        let event = match schema.events.kind {
            Scalar::Message(place) => Some(schema.message(place)),
            _ => None,
        };
        Self { transcoder: Transcoder::new(schema), histories: Vec::new(), event, keys: Vec::new() }
    }

    /// All histories, the events of each in the order of their ids.
    pub(super) fn into_histories(self) -> Result<Vec<Recorded>, Unreadable> {
        if self.histories.is_empty() {
            let keys = self.keys.join(", ");
            return Err(Unreadable::new(match keys.is_empty() {
                true => "is JSON, but holds no events".to_owned(),
                false => format!("is JSON, but holds no events: it has {keys}"),
            }));
        }
        Ok(self.histories.into_iter().map(Grown::in_order).collect())
    }

    /// Takes what the transcoder has written: events that go on with the last history, or begin another.
    fn take(&mut self) {
        let encoded = self.transcoder.output.split_off(0);
        let mut ids = wire::events(&encoded).map(|event| event.id);
        let Some(first_id) = ids.next() else { return };
        let last_id = ids.last().unwrap_or(first_id);
        let last = self.histories.last_mut();
        match last.filter(|last| last.goes_on_with(first_id)) {
            Some(last) => {
                last.recorded.encoded.extend_from_slice(&encoded);
                last.recorded.has_more = false;
                last.last_id = last_id;
            }
            None => {
                let recorded = Recorded { encoded, ..Recorded::default() };
                self.histories.push(Grown { recorded, first_id, last_id });
            }
        }
    }
}

impl Grown {
    /// Whether an event of this id is the next page, or the next of bare events. Some are written from the last to the first.
    const fn goes_on_with(&self, id: i64) -> bool {
        let is_up = self.first_id <= self.last_id;
        let is_down = self.first_id >= self.last_id && self.last_id > 1;
        is_up && id > 1 && id == self.last_id + 1 || is_down && id == self.last_id - 1
    }

    /// Replies of `GetWorkflowExecutionHistoryReverse`, and what was made of them, have the last event first.
    fn in_order(mut self) -> Recorded {
        if self.first_id > self.last_id {
            let events: Vec<&[u8]> = wire::encoded_events(&self.recorded.encoded).collect();
            let mut output = super::output::Output::default();
            for event in events.into_iter().rev() {
                output.bytes(1, event);
            }
            self.recorded.encoded = output.split_off(0);
        }
        self.recorded
    }
}

/// What the key of an object means here.
enum Part {
    Events,
    /// More histories, or one.
    Within(&'static str),
    RawHistory,
    Execution,
    WorkflowId,
    RunId,
    Namespace,
    NextPageToken,
    /// The object is an event.
    OfEvent(Option<&'static Member>),
    Other,
}

/// Reads a key.
struct PartKey<'f>(&'f mut Found);

impl<'de> DeserializeSeed<'de> for PartKey<'_> {
    type Value = Part;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Part, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for PartKey<'_> {
    type Value = Part;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Part, E> {
        const KEYS_TOLD_MAX: usize = 6;
        Ok(match name {
            "events" => Part::Events,
            "history" => Part::Within("history"),
            "histories" => Part::Within("histories"),
            "items" => Part::Within("items"),
            "workflows" => Part::Within("workflows"),
            "rawHistory" | "raw_history" => Part::RawHistory,
            "execution" | "workflowExecution" | "workflow_execution" => Part::Execution,
            "workflowId" | "workflow_id" => Part::WorkflowId,
            "runId" | "run_id" => Part::RunId,
            "namespace" => Part::Namespace,
            "nextPageToken" | "next_page_token" => Part::NextPageToken,
            "eventId" | "event_id" | "eventType" | "event_type" | "eventTime" | "event_time" | "attributes" => {
                Part::OfEvent(self.0.event.and_then(|event| event.member(name)))
            }
            _ if name.ends_with("EventAttributes") || name.ends_with("event_attributes") => {
                Part::OfEvent(self.0.event.and_then(|event| event.member(name)))
            }
            _ => {
                let key = format!("{name:?}");
                let keys = &mut self.0.keys;
                if keys.len() < KEYS_TOLD_MAX && self.0.histories.is_empty() && !keys.contains(&key) {
                    keys.push(key);
                }
                Part::Other
            }
        })
    }
}

impl<'de> DeserializeSeed<'de> for Document<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a history, an event, or a list of them")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let found = self.found;
        for index in 0.. {
            found.transcoder.path_push(Step::Index(index));
            let next = list.next_element_seed(Document { found: &mut *found })?;
            found.transcoder.path_pop();
            if next.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let found = self.found;
        let (start, mut around, mut has_more) = (found.histories.len(), Around::default(), false);
        while let Some(part) = object.next_key_seed(PartKey(found))? {
            match part {
                Part::Events => {
                    let transcoder = &mut found.transcoder;
                    let events = &transcoder.schema.events;
                    transcoder.within(Step::Field("events"), |it| object.next_value_seed(Value::of(events, it)))?;
                    found.take();
                }
                Part::Within(name) => {
                    found.transcoder.path_push(Step::Field(name));
                    object.next_value_seed(Document { found: &mut *found })?;
                    found.transcoder.path_pop();
                }
                Part::RawHistory => {
                    for blob in object.next_value::<Option<Vec<Blob>>>()?.unwrap_or_default() {
                        let bytes = scalar::base64(&blob.data).ok_or_else(|| A::Error::custom("a blob that is not base64"))?;
                        found.transcoder.output.raw(|output| output.extend_from_slice(&bytes));
                    }
                    found.take();
                }
                Part::Execution => around.execution(object.next_value()?),
                Part::WorkflowId => around.workflow_id = object.next_value()?,
                Part::RunId => around.run_id = object.next_value()?,
                Part::Namespace => around.namespace = object.next_value()?,
                Part::NextPageToken => has_more = is_token(&object.next_value()?),
                Part::OfEvent(member) => found.event(member, &mut object)?,
                Part::Other => drop(object.next_value::<IgnoredAny>()?),
            }
        }
        let start = start.min(found.histories.len());
        for grown in &mut found.histories[start..] {
            around.tell(&mut grown.recorded);
        }
        if let Some(last) = found.histories.last_mut()
            && has_more
        {
            last.recorded.has_more = true;
        }
        Ok(())
    }
}

impl Found {
    /// The rest of an object that is an event, whose key `member` stands for was read.
    fn event<'de, A: MapAccess<'de>>(&mut self, member: Option<&'static Member>, object: &mut A) -> Result<(), A::Error> {
        let Some(message) = self.event else { return Ok(()) };
        let open = self.transcoder.output.open(self.transcoder.schema.events.number);
        self.transcoder.members(message, Some(member), object)?;
        let event = self.transcoder.output.since(open).to_owned();
        self.transcoder.known_type(&event)?;
        if wire::Event::of(&event).is_none() {
            return Err(A::Error::custom("an event without an id"));
        }
        self.transcoder.output.close(open);
        self.take();
        Ok(())
    }
}

/// Whether this token asks for a page. It is base64, or bytes as serde has them; that of the last page is empty.
fn is_token(token: &serde_json::Value) -> bool {
    token.as_str().is_some_and(|token| !token.is_empty()) || token.as_array().is_some_and(|token| !token.is_empty())
}

/// A batch of events as the server stores it.
#[derive(serde::Deserialize)]
struct Blob {
    data: String,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Execution {
    #[serde(alias = "workflow_id")]
    workflow_id: Option<String>,
    #[serde(alias = "run_id")]
    run_id: Option<String>,
}

impl Around {
    fn execution(&mut self, execution: Option<Execution>) {
        if let Some(Execution { workflow_id, run_id }) = execution {
            self.workflow_id = workflow_id.or(self.workflow_id.take());
            self.run_id = run_id.or(self.run_id.take());
        }
    }

    /// What is nearest to the events holds.
    fn tell(&self, recorded: &mut Recorded) {
        let fill = |known: &mut Option<String>, around: &Option<String>| {
            if known.is_none() {
                *known = around.clone().filter(|id| !id.is_empty());
            }
        };
        fill(&mut recorded.workflow_id, &self.workflow_id);
        fill(&mut recorded.run_id, &self.run_id);
        fill(&mut recorded.namespace, &self.namespace);
    }
}
