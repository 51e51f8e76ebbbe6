//! A row as queries see it (`common/persistence/visibility/store/sql/visibility_store.go`): what is known only of what has
//! closed is nothing before, and instants have microseconds.

use std::{borrow::Cow, collections::BTreeMap};

use super::machine::Row;
use crate::{
    engine::{
        kernel::{key::NamespaceId, time::Time},
        rules::list_filter::{Cell, Found, SystemColumn},
    },
    proto::{common::Payload, enums::WorkflowExecutionStatus},
};

/// Microseconds since the epoch.
pub(crate) fn micros(at: Time) -> i64 {
    at.as_nanos().div_euclid(1000)
}

impl Found for Row<'_> {
    fn system(&self, column: SystemColumn) -> Cell<'_> {
        use SystemColumn as C;
        let text = |text| Cell::Text(Cow::Borrowed(text));
        let of_closed = |value: i64| self.close_time.map_or(Cell::Null, |_| Cell::Int(value));
        match column {
            C::WorkflowId => text(self.id),
            C::RunId => text(self.run_id),
            C::WorkflowType => text(self.type_name),
            C::StartTime => Cell::Micros(micros(self.start_time)),
            C::ExecutionTime => Cell::Micros(micros(self.execution_time)),
            C::CloseTime => self.close_time.map_or(Cell::Null, |at| Cell::Micros(micros(at))),
            C::ExecutionStatus => Cell::Int(i64::from(self.status as i32)),
            C::TaskQueue => text(self.task_queue),
            C::HistoryLength => of_closed(self.history_length),
            C::ExecutionDuration => {
                self.close_time.map_or(Cell::Null, |at| Cell::Int(at.as_nanos().saturating_sub(self.execution_time.as_nanos())))
            }
            C::StateTransitionCount => of_closed(self.transition_count),
            C::HistorySizeBytes => of_closed(self.history_size_bytes),
            C::ParentWorkflowId => self.parent.map_or(Cell::Null, |(id, _)| text(id)),
            C::ParentRunId => self.parent.map_or(Cell::Null, |(_, run_id)| text(run_id)),
            C::RootWorkflowId => text(self.root.0),
            C::RootRunId => text(self.root.1),
        }
    }

    fn attribute(&self, name: &str) -> Option<&Payload> {
        self.search_attributes.get(name)
    }
}

/// A row as it was.
#[derive(Clone, Debug)]
pub(crate) struct PastRow {
    namespace: NamespaceId,
    id: String,
    run_id: String,
    type_name: String,
    task_queue: String,
    status: WorkflowExecutionStatus,
    start_time: Time,
    execution_time: Time,
    close_time: Option<Time>,
    parent: Option<(String, String)>,
    root: (String, String),
    history_length: i64,
    history_size_bytes: i64,
    transition_count: i64,
    memo: BTreeMap<String, Payload>,
    search_attributes: BTreeMap<String, Payload>,
}

impl PastRow {
    pub(crate) fn new(row: &Row<'_>) -> Self {
        let owned = |(id, run_id): (&str, &str)| (id.to_owned(), run_id.to_owned());
        Self {
            namespace: row.namespace,
            id: row.id.to_owned(),
            run_id: row.run_id.to_owned(),
            type_name: row.type_name.to_owned(),
            task_queue: row.task_queue.to_owned(),
            status: row.status,
            start_time: row.start_time,
            execution_time: row.execution_time,
            close_time: row.close_time,
            parent: row.parent.map(owned),
            root: owned(row.root),
            history_length: row.history_length,
            history_size_bytes: row.history_size_bytes,
            transition_count: row.transition_count,
            memo: row.memo.clone(),
            search_attributes: row.search_attributes.clone(),
        }
    }

    pub(crate) fn row(&self) -> Row<'_> {
        Row {
            namespace: self.namespace,
            id: &self.id,
            run_id: &self.run_id,
            type_name: &self.type_name,
            task_queue: &self.task_queue,
            status: self.status,
            start_time: self.start_time,
            execution_time: self.execution_time,
            close_time: self.close_time,
            parent: self.parent.as_ref().map(|(id, run_id)| (&**id, &**run_id)),
            root: (&self.root.0, &self.root.1),
            history_length: self.history_length,
            history_size_bytes: self.history_size_bytes,
            transition_count: self.transition_count,
            memo: &self.memo,
            search_attributes: &self.search_attributes,
        }
    }
}
