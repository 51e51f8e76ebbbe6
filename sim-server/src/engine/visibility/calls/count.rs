//! The RPC that counts executions.

use std::collections::BTreeMap;

use super::find::{check_executable, division_of};
use crate::{
    engine::{
        Engine,
        kernel::error::Result,
        rules::{
            list_filter::{GroupBy, ListFilter},
            names,
            search_attributes::written,
        },
    },
    proto::{
        enums::WorkflowExecutionStatus as Status,
        workflowservice::{
            CountWorkflowExecutionsRequest, CountWorkflowExecutionsResponse,
            count_workflow_executions_response::AggregationGroup,
        },
    },
};

impl Engine {
    /// CountWorkflowExecutions.
    pub(in crate::engine) fn count_workflow_executions(
        &mut self,
        request: CountWorkflowExecutionsRequest,
    ) -> Result<CountWorkflowExecutionsResponse> {
        let namespace = self.resolve(&request.namespace)?;
        let filter = ListFilter::read(&request.query, &self.namespaces.get(namespace).search_attributes)?;
        let operation = if filter.group_by.is_some() { "CountExecutions" } else { "CountWorkflowExecutions" };
        check_executable(&filter, operation)?;
        let group =
            |value: &str, count: usize| AggregationGroup { group_values: vec![written::keyword(value)], count: count as i64 };
        let groups: Vec<AggregationGroup> = match filter.group_by {
            None => {
                let count = self.visibility.index.count(namespace, &filter);
                let count = count.unwrap_or_else(|| self.found(namespace, &filter, None, None).count());
                return Ok(CountWorkflowExecutionsResponse { count: count as i64, groups: Vec::new() });
            }
            Some(GroupBy::Status) => {
                let counts = if filter.is_unconditional() && !filter.mentions_division {
                    self.visibility.index.status_counts(namespace)
                } else {
                    count_by(self.found(namespace, &filter, None, None).map(|(_, row)| row.status as i32))
                };
                let named = |status| Status::try_from(status).map(names::status).unwrap_or_default();
                counts.into_iter().map(|(status, count)| group(&named(status), count)).collect()
            }
            Some(GroupBy::Division) => {
                let divisions = self.found(namespace, &filter, None, None).map(|(_, row)| division_of(&row));
                let counts = count_by(divisions);
                counts.into_iter().map(|(division, count)| group(&division.unwrap_or_default(), count)).collect()
            }
        };
        Ok(CountWorkflowExecutionsResponse { count: groups.iter().map(|group| group.count).sum(), groups })
    }
}

fn count_by<T: Ord>(values: impl Iterator<Item = T>) -> BTreeMap<T, usize> {
    let mut counts = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    counts
}
