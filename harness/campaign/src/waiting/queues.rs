//! Task queues on which open runs wait for a worker that does not exist. Usually their names are misspelt.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    process::{Life, Role},
    view::View,
};

/// One line for each; none while the queue of some worker is still unknown.
pub fn that_nobody_serves(view: &View<'_>) -> Vec<String> {
    let is_starting = |life: &Life| matches!(life.role, Role::Worker(_)) && life.task_queue.is_none() && life.ended.is_none();
    if view.lives.iter().any(is_starting) {
        return Vec::new();
    }
    let (served_now, ever) = (served(view, |_| true), ever_served(view));
    let acted_on = served(view, |life| life.takes_activities);
    let (of_workflows, of_activities) = awaited(view);
    let there_is = match served_now.is_empty() {
        true => "none serves any".to_owned(),
        false => format!("they serve {}", named(&served_now)),
    };
    let mut lines = Vec::new();
    for queue in of_workflows.union(&of_activities) {
        if !served_now.contains(queue) {
            let any_more = if ever.contains(queue) { " any more" } else { "" };
            lines.push(format!("no worker serves task queue \"{queue}\"{any_more}: {there_is}"));
        } else if of_activities.contains(queue) && !acted_on.contains(queue) {
            lines.push(format!("no worker of task queue \"{queue}\" has any activity registered"));
        }
    }
    lines
}

/// The queues of workers for which `is_so` ever held. Only the last queue of each worker counts: a worker that is down comes
/// back, but perhaps for another queue.
fn served(view: &View<'_>, is_so: impl Fn(&Life) -> bool) -> BTreeSet<String> {
    let last = last_had(view);
    let is_served = |life: &&Life| matches!(life.role, Role::Worker(slot) if last.get(&slot) == life.task_queue.as_ref());
    view.lives.iter().filter(is_served).filter(|life| is_so(life)).filter_map(|life| life.task_queue.clone()).collect()
}

/// The task queue that each worker had last, by its slot.
pub fn last_had(view: &View<'_>) -> BTreeMap<usize, String> {
    let had = view.lives.iter().filter_map(|life| match life.role {
        Role::Worker(slot) => Some((slot, life.task_queue.clone()?)),
        Role::Test | Role::Client(_) | Role::Replayer => None,
    });
    had.collect()
}

/// The task queues that any worker ever had.
fn ever_served(view: &View<'_>) -> BTreeSet<String> {
    view.lives.iter().filter_map(|life| life.task_queue.clone()).collect()
}

/// The task queues of open runs, and those of their activities.
fn awaited(view: &View<'_>) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut of_workflows, mut of_activities) = (BTreeSet::new(), BTreeSet::new());
    for run in view.runs().filter(|run| run.is_open()) {
        of_workflows.insert(run.task_queue().to_owned());
        of_activities.extend(run.open_activities().map(|activity| activity.task_queue().to_owned()));
    }
    (of_workflows, of_activities)
}

fn named(queues: &BTreeSet<String>) -> String {
    queues.iter().map(|queue| format!("\"{queue}\"")).collect::<Vec<_>>().join(", ")
}
