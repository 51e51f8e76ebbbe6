//! Compares the commands that a worker answers a workflow task with, with the events that the history has of that task.
//!
//! The SDKs' replayers look at kinds, and mostly at names and ids. Here everything that the code asks for is compared: inputs, spans,
//! options, results. [`step`] reads a command and an event into the same form, a [`step::Step`], field by field as the API names them.
//! [`fields`] compares two of them. [`compare()`] walks over both sides and finds the first difference, [`compare_as_replayers`] the first
//! that an SDK's replayer would find.

mod fields;
mod step;

pub use fields::FieldDifference;
pub use step::{Marker, Step};

use foretime_server::proto::command::Command;
use prost::Message;

use crate::payload::Telling;

/// The first difference between what a task has recorded and what its code asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The recorded side; `None` if the code asks for more than is recorded.
    pub recorded: Option<Step>,
    /// The code's side; `None` if it asks for less than is recorded.
    pub asked: Option<Step>,
    /// The fields that differ, if both sides are of one kind and name.
    pub fields: Vec<FieldDifference>,
}

/// What came of a comparison.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// The first difference; `None` if none was found.
    pub difference: Option<Difference>,
    /// The patch or version that the code has newly recorded here. What follows it was not compared.
    pub patched: Option<String>,
    /// Whether the code waits for a local activity or a side effect whose marker it did not see, so that the rest was not compared.
    pub is_cut_short: bool,
    /// How many fields could not be compared, because only their codec can read their payloads.
    pub incomparable_count: usize,
}

/// Compares the events that a task's commands have written with the commands that the code answers now. Events that no command
/// writes are ignored. The values of fields that differ are told as `telling` says.
pub fn compare<'a>(events: impl IntoIterator<Item = &'a [u8]>, commands: &[Command], telling: Telling) -> Comparison {
    let mut incomparable_count = 0;
    let mut comparison = first_difference(events, commands, telling, Counts::Everything, &mut incomparable_count);
    comparison.incomparable_count = incomparable_count;
    comparison
}

/// The same, but looks only at what the replayers of the core's SDKs look at: kinds, and the types and ids of activities and children.
/// They skip a patch that is not recorded.
pub fn compare_as_replayers<'a>(
    events: impl IntoIterator<Item = &'a [u8]>,
    commands: &[Command],
    telling: Telling,
) -> Option<Difference> {
    first_difference(events, commands, telling, Counts::Identity, &mut 0).difference
}

/// What of two steps counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counts {
    Everything,
    Identity,
}

fn first_difference<'a>(
    events: impl IntoIterator<Item = &'a [u8]>,
    commands: &[Command],
    telling: Telling,
    counts: Counts,
    incomparable_count: &mut usize,
) -> Comparison {
    let recorded: Vec<Step> = events.into_iter().filter_map(Step::of_event).filter(|step| !step.is_incidental()).collect();
    let mut recorded = recorded.into_iter().peekable();
    let mut is_after_local_work = false;
    for command in commands {
        let Some(asked) = Step::of_command(&command.encode_to_vec()) else { continue };
        if asked.is_incidental() {
            continue;
        }
        // Local work leaves its marker where it ended, which is not known before it runs.
        while recorded.next_if(|step| step.marker().is_some_and(Marker::is_of_local_work)).is_some() {
            is_after_local_work = true;
        }
        if let Some(Marker::Patch { id, .. }) = asked.marker()
            && recorded.peek().is_none_or(|step| step.marker() != asked.marker())
        {
            if counts == Counts::Identity {
                continue;
            }
            return Comparison { patched: Some(id.clone()), ..Comparison::default() };
        }
        let Some(step) = recorded.next() else { return differing(None, Some(asked), Vec::new()) };
        let fields = fields::compared(&step, &asked, telling);
        *incomparable_count += fields.incomparable_count;
        let mut differences = fields.differences;
        if counts == Counts::Identity {
            differences.retain(FieldDifference::is_of_identity);
        }
        if step.kind() != asked.kind() || !differences.is_empty() {
            return differing(Some(step), Some(asked), differences);
        }
    }
    while recorded.next_if(|step| step.marker().is_some_and(Marker::is_of_local_work)).is_some() {
        is_after_local_work = true;
    }
    match recorded.next() {
        None => Comparison::default(),
        Some(_) if is_after_local_work => Comparison { is_cut_short: true, ..Comparison::default() },
        Some(step) => differing(Some(step), None, Vec::new()),
    }
}

fn differing(recorded: Option<Step>, asked: Option<Step>, fields: Vec<FieldDifference>) -> Comparison {
    Comparison { difference: Some(Difference { recorded, asked, fields }), ..Comparison::default() }
}
