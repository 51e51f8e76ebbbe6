//! Queries on schedules (`prepareSchedulerQuery` in `service/frontend/workflow_handler.go`, `service/worker/scheduler/query.go` and
//! `schedule_id_query_rewriter.go`). A schedule's workflow id is its id with something before it. The real server rewrites what a query
//! asks of ids, so that both are found, and then adds the query to one of its own.

use super::{
    column::{Column, SCHEDULE_ID, SystemColumn},
    convert::malformed,
    filter::{Comparison, Filter, Scalar},
    grammar,
    query::ListFilter,
};
use crate::engine::{
    kernel::error::{Error, Result},
    rules::{schedule::check::WORKFLOW_ID_PREFIX, search_attributes::Registry},
};

const PAUSED: &str = "TemporalSchedulePaused";

impl ListFilter {
    /// Reads a query on schedules. Of the server's own search attributes they are found by one alone: whether they are paused.
    ///
    /// # Errors
    /// INVALID_ARGUMENT, as for [`ListFilter::read`], or it names what schedules are not found by.
    pub(crate) fn read_of_schedules(query: &str, registry: &Registry) -> Result<Self> {
        let mut filter = Self::read_with(query, registry, true)?;
        if let Some(name) = filter.columns.iter().find(|name| Registry::is_reserved(name) && *name != PAUSED) {
            return Err(Error::invalid(format!("invalid query filter for schedules: cannot filter on {name:?}")));
        }
        let mut asks_for_ids = false;
        filter.condition = filter.condition.map(|condition| with_both_ids(condition, &mut asks_for_ids));
        // What is rewritten loses its order. What is not is added as it stands, which not every query survives.
        if !asks_for_ids && !query.trim().is_empty() {
            let malformed = |error| Error::invalid(format!("invalid query: {}", malformed(error)));
            grammar::check_of_schedules(query).map_err(malformed)?;
        }
        Ok(filter)
    }
}

/// The condition, true also for what has the prefix before the ids that it asks for.
fn with_both_ids(filter: Filter, asks_for_ids: &mut bool) -> Filter {
    match filter {
        Filter::And(all) => Filter::And(all.into_iter().map(|filter| with_both_ids(filter, asks_for_ids)).collect()),
        Filter::Or(any) => Filter::Or(any.into_iter().map(|filter| with_both_ids(filter, asks_for_ids)).collect()),
        Filter::Not(filter) => Filter::Not(with_both_ids(*filter, asks_for_ids).into()),
        Filter::IsNull { ref column, .. } if is_schedule_id(column) => {
            *asks_for_ids = true;
            filter
        }
        Filter::Compare { ref column, .. } | Filter::In { ref column, .. } | Filter::StartsWith { ref column, .. }
            if is_schedule_id(column) =>
        {
            *asks_for_ids = true;
            let is_negated = match &filter {
                Filter::Compare { comparison, .. } => *comparison == Comparison::NotEqual,
                Filter::In { is_negated, .. } | Filter::StartsWith { is_negated, .. } => *is_negated,
                _ => false,
            };
            let both = vec![prefixed(filter.clone()), filter];
            if is_negated { Filter::And(both) } else { Filter::Or(both) }
        }
        other => other,
    }
}

fn prefixed(mut filter: Filter) -> Filter {
    let add = |text: &mut String| text.insert_str(0, WORKFLOW_ID_PREFIX);
    match &mut filter {
        Filter::Compare { value: Scalar::Text(id), .. } => add(id),
        Filter::StartsWith { prefix, .. } => add(prefix),
        Filter::In { values, .. } => {
            for value in values {
                if let Scalar::Text(id) = value {
                    add(id);
                }
            }
        }
        _ => {}
    }
    filter
}

fn is_schedule_id(column: &Column) -> bool {
    column.alias == SCHEDULE_ID && column.is(SystemColumn::WorkflowId)
}
