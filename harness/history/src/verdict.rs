//! What a check says of a history: whether today's code still replays it, and if not, where the two part.

use std::fmt;

use serde::Serialize;

use crate::{
    compare::{self, Step},
    payload::Telling,
};

/// What a check says of one history.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// The code replays it.
    Replays,
    /// The SDK refuses it: in production, the workflow's tasks would fail.
    Breaks(Box<Divergence>),
    /// The SDK accepts it, but the code asks for something else than is recorded.
    Differs(Box<Divergence>),
    /// Nothing can be said.
    CouldNotTell {
        /// Why, as a sentence.
        why: String,
    },
}

/// Where code and history part.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Divergence {
    /// The number of the workflow task whose commands differ, from 1; counted over completed tasks. `None`: unknown.
    pub task: Option<usize>,
    /// The WorkflowTaskStarted event of that task.
    pub task_started_event_id: Option<i64>,
    /// The first recorded event that the code does not ask for as it is; of what the code asks for in addition, the event before which
    /// it does so. `None`: unknown.
    pub event_id: Option<i64>,
    /// What is recorded there; `None` if the code asks for more than is recorded, or if it is unknown.
    pub recorded: Option<Thing>,
    /// What the code asks for instead; `None` if it asks for nothing more, or if it is unknown.
    pub asked: Option<Thing>,
    /// The fields that differ, if both are of one kind.
    pub fields: Vec<compare::FieldDifference>,
    /// What the SDK says, in its own words; empty if it does not object.
    pub message: String,
    /// Where the workflow's code waits before that task.
    pub stack_before: Option<String>,
    /// Where it waits after that task.
    pub stack_after: Option<String>,
    /// The patches and versions that the history has up to there.
    pub patches: Vec<String>,
    /// The SDK that recorded the task, as `name version`.
    pub sdk_recorded: Option<String>,
    /// The SDK that replays it.
    pub sdk_running: Option<String>,
    /// What could be done about it.
    pub suggestion: Option<String>,
}

/// A recorded event or a command, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Thing {
    /// The type of the event or the command, as the API spells it.
    pub kind: String,
    /// The type of the command on both sides: what can be compared.
    pub command: String,
    /// The type of the activity or the child, the id of the timer, the name of the signal; empty if it has no name.
    pub name: String,
    /// Its fields, for people.
    pub fields: Vec<(String, String)>,
}

impl Thing {
    /// Of a step, either side. Its fields are told as `telling` says.
    pub fn of(step: &Step, telling: Telling) -> Self {
        let fields = step.shown_fields(telling);
        Self { kind: step.kind_name(), command: step.command_name(), name: step.name(), fields }
    }
}

impl Thing {
    /// The id of an activity or a child, to follow its type: ` (activity 2)`.
    pub(crate) fn id_told(&self) -> String {
        let field = |name: &str| self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str());
        match (field("activity_id"), field("workflow_id")) {
            (Some(activity_id), _) => format!(" (activity {activity_id})"),
            (None, Some(workflow_id)) => format!(" ({workflow_id})"),
            (None, None) => String::new(),
        }
    }
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name.is_empty() {
            true => f.write_str(&self.kind),
            false => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

impl Divergence {
    /// What divergences of one cause have in common, whatever run they are in.
    pub fn likeness(&self) -> String {
        let thing = |thing: &Option<Thing>| thing.as_ref().map_or_else(|| "nothing".to_owned(), named);
        let fields: Vec<_> = self.fields.iter().map(|it| it.field.as_str()).collect();
        match (&self.recorded, &self.asked) {
            (None, None) => without_numbers(&self.message),
            (recorded, asked) => format!("{} / {} / {}", thing(recorded), thing(asked), fields.join(",")),
        }
    }

    /// What is wrong, as one sentence.
    pub fn sentence(&self) -> String {
        let at = self.event_id.map_or_else(String::new, |id| format!("event {id}: "));
        match (&self.recorded, &self.asked) {
            (Some(recorded), Some(asked)) if recorded.command == asked.command && !self.fields.is_empty() => {
                let fields: Vec<_> = self
                    .fields
                    .iter()
                    .map(|it| format!("{} was {} and is {}", it.field, or_nothing(&it.recorded), or_nothing(&it.asked)))
                    .collect();
                format!("{at}{recorded} is recorded, the code asks for it otherwise: {}", fields.join("; "))
            }
            (Some(recorded), Some(asked)) => format!("{at}{recorded} is recorded, the code asks for {asked}"),
            (Some(recorded), None) => format!("{at}{recorded} is recorded, the code does not ask for it"),
            (None, Some(asked)) => format!("{at}the code asks for {asked}, nothing like it is recorded"),
            (None, None) => {
                let message = self.message.lines().next().unwrap_or("the SDK refuses");
                let fails = if self.message.contains("TMPRL1100") { "" } else { "the code fails: " };
                format!("{at}{fails}{message}")
            }
        }
    }
}

/// Without the id of a timer, which differs from run to run.
fn named(thing: &Thing) -> String {
    if thing.command.ends_with("Timer") { thing.command.clone() } else { format!("{} {}", thing.command, thing.name) }
}

fn or_nothing(text: &str) -> &str {
    if text.is_empty() { "nothing" } else { text }
}

fn without_numbers(text: &str) -> String {
    text.chars().map(|it| if it.is_ascii_digit() { '#' } else { it }).collect()
}
