//! Task queues (`common/tqid/task_queue_validator.go`, `common/primitives/task_queues.go`).

use crate::{
    engine::{
        kernel::error::{Error, Result},
        rules::limits::Limits,
    },
    proto::{enums::TaskQueueKind, taskqueue::TaskQueue},
};

/// What the names of partitions begin with.
pub const RESERVED_PREFIX: &str = "/_sys/";
const INTERNAL_PREFIX: &str = "temporal-sys-per-ns-";
const INTERNAL_WORKER_CONTROLLER: &str = "temporal-sys-worker-controller-per-ns-tq";

/// A task queue that a worker polls. Sets an unspecified kind to NORMAL and an empty name to `default_name`. Refuses an absent
/// queue, and a missing, long or reserved name.
pub fn task_queue(queue: Option<&mut TaskQueue>, default_name: &str, limits: &Limits) -> Result<()> {
    let Some(queue) = queue else { return Err(Error::invalid("taskQueue is not set")) };
    if queue.kind == TaskQueueKind::Unspecified as i32 {
        queue.kind = TaskQueueKind::Normal as i32;
    }
    if queue.name.is_empty() {
        if default_name.is_empty() {
            return Err(Error::invalid("missing task queue name"));
        }
        default_name.clone_into(&mut queue.name);
    }
    length(&queue.name, limits)?;
    if queue.name.starts_with(RESERVED_PREFIX) {
        return Err(Error::invalid(format!("task queue name cannot start with reserved prefix {RESERVED_PREFIX}")));
    }
    // Old SDKs send no normal name with a sticky queue.
    if queue.kind == TaskQueueKind::Sticky as i32 && !queue.normal_name.is_empty() {
        length(&queue.normal_name, limits)?;
    }
    Ok(())
}

/// A task queue that a user chose for a workflow or an activity: as [`task_queue`], but also refuses the server's own queues,
/// unless `parent_queue` (the queue of the workflow that asks; empty if none) is one of them.
pub fn user_task_queue(
    mut queue: Option<&mut TaskQueue>,
    default_name: &str,
    parent_queue: &str,
    limits: &Limits,
) -> Result<()> {
    task_queue(queue.as_deref_mut(), default_name, limits)?;
    let name = queue.map_or("", |queue| queue.name.as_str());
    if !internal(name) || internal(parent_queue) {
        return Ok(());
    }
    let parent = match parent_queue {
        "" => String::new(),
        _ => format!(" (in parent component task queue: {parent_queue})"),
    };
    Err(Error::invalid(format!("cannot use internal per-namespace task queue:{name}{parent}")))
}

fn length(name: &str, limits: &Limits) -> Result<()> {
    if name.len() > limits.id_length_max {
        return Err(Error::invalid("taskQueue length exceeds limit"));
    }
    Ok(())
}

fn internal(name: &str) -> bool {
    name.starts_with(INTERNAL_PREFIX) || name == INTERNAL_WORKER_CONTROLLER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queues_are_checked_and_completed() {
        let cases = [
            (None, "", "", "taskQueue is not set"),
            (Some(""), "", "", "missing task queue name"),
            (Some("/_sys/q/1"), "", "", "task queue name cannot start with reserved prefix /_sys/"),
            (Some("temporal-sys-per-ns-tq"), "", "", "cannot use internal per-namespace task queue:temporal-sys-per-ns-tq"),
            (
                Some("temporal-sys-per-ns-tq"),
                "",
                "q",
                "cannot use internal per-namespace task queue:temporal-sys-per-ns-tq (in parent component task queue: q)",
            ),
            (Some("temporal-sys-per-ns-tq"), "", "temporal-sys-worker-controller-per-ns-tq", "ok temporal-sys-per-ns-tq"),
            (Some(""), "d", "", "ok d"),
            (Some("q"), "d", "", "ok q"),
        ];
        for (name, default_name, parent, expected) in cases {
            let mut queue = name.map(|name| TaskQueue { name: name.to_owned(), ..TaskQueue::default() });
            let outcome = match user_task_queue(queue.as_mut(), default_name, parent, &Limits::default()) {
                Ok(()) => format!("ok {}", queue.as_ref().map_or("", |queue| &queue.name)),
                Err(Error::InvalidArgument(text)) => text,
                Err(other) => format!("{other:?}"),
            };
            assert_eq!(outcome, expected, "{name:?}");
        }
        let mut long = TaskQueue { name: "q".repeat(1001), ..TaskQueue::default() };
        assert_eq!(task_queue(Some(&mut long), "", &Limits::default()), Err(Error::invalid("taskQueue length exceeds limit")));
        let mut plain = TaskQueue { name: "q".to_owned(), ..TaskQueue::default() };
        assert_eq!(task_queue(Some(&mut plain), "", &Limits::default()), Ok(()));
        assert_eq!(plain.kind(), TaskQueueKind::Normal);
    }
}
