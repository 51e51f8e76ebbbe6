//! What operators did, as moments: no history tells of most of it.

use super::{Interest, Moment, RunNames, name};
use crate::{
    operation::{Deed, Operation, Target, Which},
    view::View,
};

/// The moments of all that operators did.
pub(super) fn moments(view: &View<'_>, names: &RunNames) -> Vec<Moment> {
    let moment = |it: &Operation| {
        let text = format!("{} {}", name(view, it.process), sentence(view, names, it));
        Moment::new(it.at_ns, it.step, text, Interest::Turn)
    };
    view.operations.iter().map(moment).collect()
}

/// What was done, such as `paused Staff::ship of order-7: it is stuck`.
pub(in crate::report) fn sentence(view: &View<'_>, names: &RunNames, operation: &Operation) -> String {
    let (before, after) = words(operation.deed);
    let why = if operation.reason.is_empty() { String::new() } else { format!(": {}", operation.reason) };
    format!("{before} {}{after}{why}", target(view, names, operation))
}

fn words(deed: Deed) -> (&'static str, String) {
    let before = match deed {
        Deed::Pause => "paused",
        Deed::Unpause => "unpaused",
        Deed::ChangeOptions => "changed the options of",
        Deed::Reset { event_id: Some(event_id) } => return ("reset", format!(" to its event {event_id}")),
        Deed::Reset { event_id: None } => return ("reset", String::new()),
        Deed::Terminate => "terminated",
        Deed::Cancel => "canceled",
        Deed::Signal => "signaled",
        Deed::Delete => "deleted",
        Deed::Create => "created",
        Deed::Change => "changed",
        Deed::Trigger => "triggered",
        Deed::Backfill => "backfilled",
    };
    (before, String::new())
}

fn target(view: &View<'_>, names: &RunNames, operation: &Operation) -> String {
    match &operation.to {
        Target::Workflow { workflow_id, run_id } => names.name(workflow_id, run_id).to_owned(),
        Target::Activity { workflow_id, run_id, which } => {
            let of = names.name(workflow_id, run_id);
            match which {
                Which::Type(name) => format!("{name} of {of}"),
                Which::Id(id) => {
                    let type_name = type_of(view, workflow_id, id).unwrap_or_else(|| format!("activity {id}"));
                    format!("{type_name} of {of}")
                }
                Which::All => format!("all activities of {of}"),
            }
        }
        Target::Schedule(id) => format!("the schedule {id}"),
        Target::Found { filter, activities } => of_many(activities.as_ref(), &format!("the workflows that `{filter}` finds")),
        Target::Listed { workflow_ids, activities } => of_many(activities.as_ref(), &workflow_ids.join(", ")),
    }
}

fn of_many(activities: Option<&Which>, workflows: &str) -> String {
    match activities {
        None => workflows.to_owned(),
        Some(Which::Type(name)) => format!("{name} of {workflows}"),
        Some(Which::Id(id)) => format!("activity {id} of {workflows}"),
        Some(Which::All) => format!("all activities of {workflows}"),
    }
}

/// The type of an activity, if an attempt of it has begun.
fn type_of(view: &View<'_>, workflow_id: &str, activity_id: &str) -> Option<String> {
    let is_it = |span: &&crate::log::Span| span.workflow_id == workflow_id && span.activity_id.as_deref() == Some(activity_id);
    view.log.spans.iter().find(is_it).map(|span| span.type_name.clone())
}
