//! What a completed workflow task asks for. All commands are checked first ([`check`]), then all are applied ([`apply`]):
//! a bad command fails the whole workflow task, and nothing of it remains.

use super::{child::TargetNamespace, events::Extras};
use crate::{
    engine::error::Error,
    proto::{command::command::Attributes, enums::WorkflowTaskFailedCause},
};

mod apply;
mod check;

pub(crate) use apply::Applied;
pub(crate) use check::Checker;

/// A command that can be applied.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) attributes: Attributes,
    pub(crate) extras: Extras,
    /// Where the command is aimed, if at another workflow.
    pub(crate) target: Option<TargetNamespace>,
}

/// Why the commands cannot be applied.
#[derive(Debug)]
pub(crate) enum Unfit {
    /// The workflow task fails.
    TaskFailed {
        cause: WorkflowTaskFailedCause,
        /// The cause's name, and what was wrong.
        message: String,
        /// ... and the workflow with it: a limit was passed.
        terminate: bool,
    },
    /// The call is refused; the worker still has the task.
    Refused(Error),
}
