//! Schedules that nobody has deleted. They never end by themselves, so they never count as something that should come to rest.

use foretime_server::engine::ScheduleView;

use crate::{view::View, words::after};

/// One line for each: when it acts next.
pub fn that_are_left(view: &View<'_>) -> Vec<String> {
    let line = |schedule: ScheduleView<'_>| {
        let id = schedule.schedule_id();
        match schedule.next_turn().and_then(|at| view.starts_at.ns_until(at)) {
            _ if schedule.is_paused() => format!("schedule {id} is paused"),
            Some(at_ns) => format!("schedule {id} acts next {}, and again and again: nobody has deleted it", after(at_ns)),
            None => format!("schedule {id} has acted for the last time"),
        }
    };
    view.service.schedules().map(line).collect()
}
