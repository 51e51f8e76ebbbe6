//! What a listing shows of an execution (`visibility_manager_impl.go`). It is less than a description, and instants have
//! microseconds.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    engine::{
        execution::{found::micros, machine::Row},
        kernel::time::{Time, span_to_proto},
        rules::{
            instants::Instant,
            json::text as in_go,
            list_filter::Cell,
            search_attributes::{Registry, json, written},
        },
    },
    proto::{
        common::{Memo, Payload, SearchAttributes, WorkflowExecution, WorkflowType},
        enums::IndexedValueType,
        workflow::WorkflowExecutionInfo,
    },
};

/// What is shown of this execution, in a namespace with these search attributes.
pub(super) fn info(row: &Row<'_>, registry: &Registry) -> WorkflowExecutionInfo {
    let execution = |(id, run_id): (&str, &str)| WorkflowExecution { workflow_id: id.to_owned(), run_id: run_id.to_owned() };
    let shown = |at: Time| Time::from_nanos(micros(at) * 1000).to_proto();
    let mut info = WorkflowExecutionInfo {
        execution: Some(execution((row.id, row.run_id))),
        r#type: Some(WorkflowType { name: row.type_name.to_owned() }),
        start_time: Some(shown(row.start_time)),
        execution_time: Some(shown(row.execution_time)),
        status: row.status.into(),
        memo: Some(Memo { fields: row.memo.clone() }),
        search_attributes: Some(SearchAttributes { indexed_fields: attributes(row, registry) }),
        task_queue: row.task_queue.to_owned(),
        parent_execution: row.parent.map(execution),
        root_execution: Some(execution(row.root)),
        ..WorkflowExecutionInfo::default()
    };
    if let Some(close_time) = row.close_time {
        info.close_time = Some(shown(close_time));
        info.execution_duration = Some(span_to_proto(close_time.since(row.execution_time)));
        info.history_length = row.history_length;
        info.history_size_bytes = row.history_size_bytes;
        info.state_transition_count = row.transition_count;
    }
    info
}

/// The search attributes that the namespace still has.
pub(super) fn attributes(row: &Row<'_>, registry: &Registry) -> BTreeMap<String, Payload> {
    let stored = row.search_attributes.iter().filter_map(|(name, payload)| {
        let value_type = registry.type_of(name)?;
        Some((name.clone(), stored(payload, value_type)?))
    });
    stored.collect()
}

/// A value as the store gives it back, in JSON as Go writes it. What has only one may have come as a list. `None` if nothing is
/// in it.
fn stored(payload: &Payload, value_type: IndexedValueType) -> Option<Payload> {
    if let (IndexedValueType::KeywordList, Cell::Texts(keywords)) = (value_type, Cell::of(payload, value_type)) {
        return Some(written::payload(value_type, in_go(&Value::from(keywords))));
    }
    let value = match json(payload, value_type)? {
        Value::Null => return None,
        Value::Array(items) if items.is_empty() => return None,
        Value::Array(items) => items.into_iter().next()?,
        value => value,
    };
    let value = match (value_type, value) {
        (IndexedValueType::Int, Value::Number(number)) => number.to_string(),
        (IndexedValueType::Datetime, Value::String(text)) => in_go(&Value::from(Instant::read(&text)?.written())),
        (_, value) => in_go(&value),
    };
    Some(written::payload(value_type, value))
}
