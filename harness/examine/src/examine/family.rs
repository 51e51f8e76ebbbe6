//! What differs between the SDKs. `docs/check.md` says where each was watched.

use foretime_server::{engine::rules::sdk, proto::foretimeservice::Manner};

use super::Subject;

/// SDKs that replay in the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// On sdk-core: Python, TypeScript, .NET, Ruby, Rust.
    Core,
    /// Also PHP, whose workers are in Go.
    Go,
    /// Java and what else runs on its virtual machine.
    Java,
}

impl Family {
    /// The family of the SDK that calls itself so in the header `client-name`.
    pub fn of(client_name: &str) -> Self {
        match sdk::Family::of(client_name) {
            sdk::Family::Go => Self::Go,
            sdk::Family::Java => Self::Java,
            // Most SDKs stand on it, new ones too.
            sdk::Family::Core | sdk::Family::Unknown => Self::Core,
        }
    }

    /// How a history is given to its workers.
    pub(super) fn manner(self) -> Manner {
        match self {
            Self::Core | Self::Java => Manner::TaskWithQuery,
            Self::Go => Manner::Task,
        }
    }

    /// The last event that a worker must see to answer with what a task, from 0, asks for.
    pub(super) fn before_commands(self, subject: &Subject, task: usize) -> i64 {
        let of_task = &subject.tasks[task];
        subject.last_answer(task).unwrap_or(match self {
            // With the event of its completion, it is a replay: Java's SDK would go on live without it, and run local activities. It also
            // has the flags of the SDK that recorded it.
            Self::Core | Self::Java => of_task.completed_event_id,
            Self::Go => of_task.started_event_id,
        })
    }

    /// The first event that is new to a worker which has seen the history up to another.
    pub(super) fn next_event(self, subject: &Subject, seen_event_id: i64) -> i64 {
        let is_completion = subject.tasks.binary_search_by_key(&seen_event_id, |task| task.completed_event_id).is_ok();
        // sdk-core looks at a last completion without going on to it.
        if self == Self::Core && is_completion { seen_event_id } else { seen_event_id + 1 }
    }
}
