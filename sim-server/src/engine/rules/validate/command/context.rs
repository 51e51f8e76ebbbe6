//! What a command is checked against, and how it is refused.

use std::{collections::BTreeMap, time::Duration};

use prost::Message;

use crate::{
    engine::{
        kernel::error::Error,
        rules::{limits::Limits, names, search_attributes::Registry},
    },
    proto::{
        common::{Memo, Payload},
        enums::WorkflowTaskFailedCause as Cause,
    },
};

/// A refused command: why the workflow task fails, and whether the workflow ends with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// For the WorkflowTaskFailed event.
    pub cause: Cause,
    /// The real server's text.
    pub message: String,
    /// The workflow is terminated (by "history-service", with [`Self::text`] as the reason) after the task has failed.
    pub terminate: bool,
}

impl Rejected {
    /// A rejection that fails the workflow task.
    pub fn fails(cause: Cause, message: impl Into<String>) -> Self {
        Self { cause, message: message.into(), terminate: false }
    }

    /// A rejection that terminates the workflow.
    pub fn ends(cause: Cause, message: impl Into<String>) -> Self {
        Self { cause, message: message.into(), terminate: true }
    }

    /// The text for the worker and for the event's failure: "BadCancelTimerAttributes: ...".
    pub fn text(&self) -> String {
        let cause = names::cause(self.cause);
        if self.message.is_empty() { cause } else { format!("{cause}: {}", self.message) }
    }

    /// Turns a refused request into a rejection for this cause.
    pub(super) fn because(cause: Cause) -> impl Fn(Error) -> Self + Copy {
        move |error| Self::fails(cause, text(error))
    }
}

/// The text of a refusal by the checks that commands and requests share. These are all `InvalidArgument`.
pub(super) fn text(error: Error) -> String {
    match error {
        Error::InvalidArgument(text) => text,
        other => format!("{other:?}"),
    }
}

/// The run whose workflow task was completed, in its state before the command.
#[derive(Clone, Copy, Debug)]
pub struct CommandContext<'a> {
    /// The run's namespace, by name.
    pub namespace: &'a str,
    /// The run's workflow id.
    pub workflow_id: &'a str,
    /// The run's workflow type.
    pub workflow_type: &'a str,
    /// The run's (normal) task queue.
    pub task_queue: &'a str,
    /// The run timeout; zero is unlimited.
    pub run_timeout: Duration,
    /// The execution timeout; zero is unlimited.
    pub execution_timeout: Duration,
    /// The workflow task timeout.
    pub task_timeout: Duration,
    /// The run's search attributes.
    pub search_attributes: &'a BTreeMap<String, Payload>,
    /// The run's memo.
    pub memo: &'a BTreeMap<String, Payload>,
    /// The limits.
    pub limits: &'a Limits,
    /// The search attributes of the run's namespace.
    pub registry: &'a Registry,
}

impl CommandContext<'_> {
    pub(super) fn blob(&self, size: usize, cause: Cause, message: impl Into<String>) -> Result<(), Rejected> {
        if size > self.limits.blob_size_max_bytes {
            return Err(Rejected::ends(cause, message));
        }
        Ok(())
    }

    pub(super) fn memo_size(&self, memo: Option<&Memo>, cause: Cause, message: impl Into<String>) -> Result<(), Rejected> {
        if memo.map_or(0, Message::encoded_len) > self.limits.memo_size_max_bytes {
            return Err(Rejected::ends(cause, message));
        }
        Ok(())
    }

    /// An id or name that must be set and may not be long.
    pub(super) fn named(&self, cause: Cause, field: &str, command: &str, value: &str) -> Result<(), Rejected> {
        let (length, limit) = (value.len(), self.limits.id_length_max);
        if length == 0 {
            return Err(Rejected::fails(cause, format!("{field} is not set on {command}.")));
        }
        if length > limit {
            let message = format!("{field} on {command} exceeds length limit. {field}={value} Length={length} Limit={limit}");
            return Err(Rejected::fails(cause, message));
        }
        Ok(())
    }

    /// Commands reach other namespaces only if `system.enableCrossNamespaceCommands` is on, and it is off.
    pub(super) fn same_namespace(&self, cause: Cause, target: &str) -> Result<(), Rejected> {
        if target.is_empty() || target == self.namespace {
            return Ok(());
        }
        Err(Rejected::fails(cause, "cross namespace commands are not allowed"))
    }
}
