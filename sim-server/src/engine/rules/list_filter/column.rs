//! What a query can name: the columns of the real server's table of executions.

use std::borrow::Cow;

use crate::{
    engine::rules::search_attributes::Registry,
    proto::{common::Payload, enums::IndexedValueType},
};

const RESERVED_PREFIX: &str = "Temporal";
/// Predefined, but the SQLite store has no column for it.
const WITHOUT_COLUMN: &str = "BatcherNamespace";
/// Another name of a workflow id.
pub(super) const SCHEDULE_ID: &str = "ScheduleId";
/// Known in queries on schedules. Those of another kind than ours have it.
const NEXT_ACTION_TIME: &str = "ScheduleNextActionTime";

/// A column that a query names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// As the query calls it.
    pub(crate) alias: String,
    pub(crate) source: Source,
    pub(crate) value_type: IndexedValueType,
}

/// Where the values of a column come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    System(SystemColumn),
    /// A search attribute, predefined or custom.
    Attribute(String),
    /// A column that is there for a custom search attribute that the namespace does not have. Which of its columns an attribute
    /// gets is chance on the real server, so here no attribute is found by its column. Or one that no execution has.
    Unused,
    /// The real server knows the attribute, and fails for lack of a column.
    Missing,
}

/// A column that every execution has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SystemColumn {
    WorkflowId,
    RunId,
    WorkflowType,
    StartTime,
    ExecutionTime,
    CloseTime,
    ExecutionStatus,
    TaskQueue,
    HistoryLength,
    ExecutionDuration,
    StateTransitionCount,
    HistorySizeBytes,
    ParentWorkflowId,
    ParentRunId,
    RootWorkflowId,
    RootRunId,
}

/// The value of one execution in one column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(Cow<'a, str>),
    Texts(Vec<String>),
    /// An instant of the server's own, in microseconds since the epoch.
    Micros(i64),
    /// An instant in a search attribute, of which the store keeps milliseconds since the epoch.
    Millis(i64),
}

/// What can be found: a row of the table.
pub(crate) trait Found {
    /// Its value in a system column.
    fn system(&self, column: SystemColumn) -> Cell<'_>;

    /// Its search attribute of this name.
    fn attribute(&self, name: &str) -> Option<&Payload>;
}

impl Column {
    /// The column that a query calls by this name; `None` if there is none.
    pub(crate) fn find(alias: &str, registry: &Registry) -> Option<Self> {
        let custom = registry.custom_type(alias).map(|value_type| (Source::Attribute(alias.to_owned()), value_type));
        let (source, value_type) = custom.or_else(|| fixed(alias)).or_else(|| {
            let stripped = alias.strip_prefix(RESERVED_PREFIX);
            match stripped.unwrap_or(alias) {
                SCHEDULE_ID => fixed("WorkflowId"),
                _ => stripped.map_or_else(|| fixed(&format!("{RESERVED_PREFIX}{alias}")), fixed),
            }
        })?;
        Some(Self { alias: alias.to_owned(), source, value_type })
    }

    /// The column that only a query on schedules calls by this name.
    pub(super) fn of_schedules(alias: &str) -> Option<Self> {
        let column = || Self { alias: alias.to_owned(), source: Source::Unused, value_type: IndexedValueType::Datetime };
        (alias == NEXT_ACTION_TIME).then(column)
    }

    pub(super) fn is(&self, column: SystemColumn) -> bool {
        self.source == Source::System(column)
    }

    pub(super) fn is_attribute(&self, name: &str) -> bool {
        matches!(&self.source, Source::Attribute(attribute) if attribute == name)
    }

    /// Whether the store has no place for it.
    pub(super) fn has_no_place(&self) -> bool {
        self.source == Source::Missing
    }

    /// Its value for one row.
    pub(super) fn cell<'a>(&self, row: &'a impl Found) -> Cell<'a> {
        match &self.source {
            Source::System(column) => row.system(*column),
            Source::Attribute(name) => row.attribute(name).map_or(Cell::Null, |payload| Cell::of(payload, self.value_type)),
            Source::Unused | Source::Missing => Cell::Null,
        }
    }
}

/// A column that every namespace has.
fn fixed(name: &str) -> Option<(Source, IndexedValueType)> {
    let value_type = Registry::fixed_type(name)?;
    let source = match SystemColumn::find(name) {
        Some(column) => Source::System(column),
        None if name == WITHOUT_COLUMN => Source::Missing,
        None if Registry::is_slot(name) => Source::Unused,
        None => Source::Attribute(name.to_owned()),
    };
    Some((source, value_type))
}

impl SystemColumn {
    fn find(name: &str) -> Option<Self> {
        Some(match name {
            "WorkflowId" => Self::WorkflowId,
            "RunId" => Self::RunId,
            "WorkflowType" => Self::WorkflowType,
            "StartTime" => Self::StartTime,
            "ExecutionTime" => Self::ExecutionTime,
            "CloseTime" => Self::CloseTime,
            "ExecutionStatus" => Self::ExecutionStatus,
            "TaskQueue" => Self::TaskQueue,
            "HistoryLength" => Self::HistoryLength,
            "ExecutionDuration" => Self::ExecutionDuration,
            "StateTransitionCount" => Self::StateTransitionCount,
            "HistorySizeBytes" => Self::HistorySizeBytes,
            "ParentWorkflowId" => Self::ParentWorkflowId,
            "ParentRunId" => Self::ParentRunId,
            "RootWorkflowId" => Self::RootWorkflowId,
            "RootRunId" => Self::RootRunId,
            _ => return None,
        })
    }
}
