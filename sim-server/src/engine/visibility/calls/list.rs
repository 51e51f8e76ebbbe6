//! The RPCs that list executions (`service/frontend/workflow_handler.go`).

use crate::{
    engine::{
        Engine,
        execution::machine::Row,
        kernel::{
            error::{Error, Result},
            key::{Key, NamespaceId},
        },
        rules::{list_token::ListToken, names},
        visibility::{index::Place, info::info, token},
    },
    proto::{
        enums::WorkflowExecutionStatus as Status,
        filter::StartTimeFilter,
        workflow::WorkflowExecutionInfo,
        workflowservice::{
            ListArchivedWorkflowExecutionsRequest, ListArchivedWorkflowExecutionsResponse, ListClosedWorkflowExecutionsRequest,
            ListClosedWorkflowExecutionsResponse, ListOpenWorkflowExecutionsRequest, ListOpenWorkflowExecutionsResponse,
            ListWorkflowExecutionsRequest, ListWorkflowExecutionsResponse, ScanWorkflowExecutionsRequest,
            ScanWorkflowExecutionsResponse, list_closed_workflow_executions_request as closed,
            list_open_workflow_executions_request as open,
        },
    },
};

/// Of executions on a page (`frontend.visibilityMaxPageSize`).
const PAGE_MAX: usize = 1000;
/// Of archived executions on a page (`frontend.visibilityArchivalQueryMaxPageSize`).
const ARCHIVED_PAGE_MAX: i32 = 10_000;

/// As the database's errors name it.
pub(super) const LIST: &str = "ListWorkflowExecutions";

/// Executions, and the token of the next page.
type Page = (Vec<WorkflowExecutionInfo>, Vec<u8>);

impl Engine {
    /// ListWorkflowExecutions.
    pub(in crate::engine) fn list_workflow_executions(
        &mut self,
        request: ListWorkflowExecutionsRequest,
    ) -> Result<ListWorkflowExecutionsResponse> {
        let namespace = self.resolve(&request.namespace)?;
        let (executions, next_page_token) =
            self.page_of_executions(namespace, &request.query, request.page_size, &request.next_page_token)?;
        Ok(ListWorkflowExecutionsResponse { executions, next_page_token })
    }

    /// ScanWorkflowExecutions, which lists.
    pub(in crate::engine) fn scan_workflow_executions(
        &mut self,
        request: ScanWorkflowExecutionsRequest,
    ) -> Result<ScanWorkflowExecutionsResponse> {
        let namespace = self.resolve(&request.namespace)?;
        let (executions, next_page_token) =
            self.page_of_executions(namespace, &request.query, request.page_size, &request.next_page_token)?;
        Ok(ScanWorkflowExecutionsResponse { executions, next_page_token })
    }

    /// ListOpenWorkflowExecutions: a query is made of its filters.
    pub(in crate::engine) fn list_open_workflow_executions(
        &mut self,
        request: ListOpenWorkflowExecutionsRequest,
    ) -> Result<ListOpenWorkflowExecutionsResponse> {
        let namespace = self.resolve(&request.namespace)?;
        let mut query = vec!["ExecutionStatus = 'Running'".to_owned()];
        query.extend(between("StartTime", request.start_time_filter)?);
        query.extend(request.filters.map(|filter| match filter {
            open::Filters::ExecutionFilter(filter) => format!("WorkflowId = '{}'", filter.workflow_id),
            open::Filters::TypeFilter(filter) => format!("WorkflowType = '{}'", filter.name),
        }));
        let (executions, next_page_token) =
            self.page_of_executions(namespace, &query.join(" AND "), request.maximum_page_size, &request.next_page_token)?;
        Ok(ListOpenWorkflowExecutionsResponse { executions, next_page_token })
    }

    /// ListClosedWorkflowExecutions: a query is made of its filters. That on the start time is one on the close time.
    pub(in crate::engine) fn list_closed_workflow_executions(
        &mut self,
        request: ListClosedWorkflowExecutionsRequest,
    ) -> Result<ListClosedWorkflowExecutionsResponse> {
        let namespace = self.resolve(&request.namespace)?;
        let mut query = vec!["ExecutionStatus != 'Running'".to_owned()];
        query.extend(between("CloseTime", request.start_time_filter)?);
        query.extend(match request.filters {
            None => None,
            Some(closed::Filters::ExecutionFilter(filter)) => Some(format!("WorkflowId = '{}'", filter.workflow_id)),
            Some(closed::Filters::TypeFilter(filter)) => Some(format!("WorkflowType = '{}'", filter.name)),
            Some(closed::Filters::StatusFilter(filter)) => {
                let status = match Status::try_from(filter.status) {
                    Ok(Status::Unspecified | Status::Running) => {
                        return Err(Error::invalid("StatusFilter must be specified and must be not Running."));
                    }
                    Ok(status) => names::status(status),
                    Err(_) => filter.status.to_string(),
                };
                Some(format!("ExecutionStatus = '{status}'"))
            }
        });
        let (executions, next_page_token) =
            self.page_of_executions(namespace, &query.join(" AND "), request.maximum_page_size, &request.next_page_token)?;
        Ok(ListClosedWorkflowExecutionsResponse { executions, next_page_token })
    }

    /// ListArchivedWorkflowExecutions: there is no archive, as the dev server has none.
    pub(in crate::engine) fn list_archived_workflow_executions(
        &mut self,
        request: ListArchivedWorkflowExecutionsRequest,
    ) -> Result<ListArchivedWorkflowExecutionsResponse> {
        self.resolve(&request.namespace)?;
        if request.page_size > ARCHIVED_PAGE_MAX {
            return Err(Error::invalid(format!("PageSize is larger than allowed {ARCHIVED_PAGE_MAX}.")));
        }
        Err(Error::invalid("Cluster is not configured for visibility archival."))
    }

    /// A page of what a query means.
    fn page_of_executions(&mut self, namespace: NamespaceId, query: &str, size: i32, token: &[u8]) -> Result<Page> {
        let filter = self.read_filter(namespace, query, LIST)?;
        let token = ListToken::read(token)?;
        let registry = &self.namespaces.get(namespace).search_attributes;
        let found = self.found(namespace, &filter, None, token.as_ref().map(token::place));
        Ok(page(found, size, token.as_ref(), |_, row| info(row, registry)))
    }
}

/// A page of what is found from the place of a token on, as it is shown, and the token of the next page. `size`: of how many; not all
/// sizes will do.
pub(super) fn page<'a, T>(
    found: impl Iterator<Item = (Place, Row<'a>)>,
    size: i32,
    token: Option<&ListToken>,
    mut show: impl FnMut(Key, &Row<'a>) -> T,
) -> (Vec<T>, Vec<u8>) {
    let size = usize::try_from(size).ok().filter(|size| (1..=PAGE_MAX).contains(size)).unwrap_or(PAGE_MAX);
    let mut last = None;
    let shown: Vec<T> = found
        .skip_while(|(_, row)| token.is_some_and(|token| token::is_behind(token, row)))
        .take(size)
        .map(|(place, row)| {
            last = Some(row);
            show(place.key, &row)
        })
        .collect();
    let next = last.filter(|_| shown.len() == size).map(|row| token::at(&row).written()).unwrap_or_default();
    (shown, next)
}

/// The part of a query that a filter on times is.
fn between(column: &str, filter: Option<StartTimeFilter>) -> Result<Option<String>> {
    let filter = filter.unwrap_or_default();
    let (earliest, latest) = (filter.earliest_time.filter(is_set), filter.latest_time.filter(is_set));
    // Go does not write a sign before a year of more than four digits.
    let text = |at: prost_types::Timestamp| at.to_string().trim_start_matches('+').to_owned();
    Ok(match (earliest, latest) {
        (Some(earliest), Some(latest)) => {
            if (earliest.seconds, earliest.nanos) > (latest.seconds, latest.nanos) {
                return Err(Error::invalid("EarliestTime in StartTimeFilter should not be larger than LatestTime."));
            }
            Some(format!("{column} BETWEEN '{}' AND '{}'", text(earliest), text(latest)))
        }
        (Some(earliest), None) => Some(format!("{column} >= '{}'", text(earliest))),
        (None, Some(latest)) => Some(format!("{column} <= '{}'", text(latest))),
        (None, None) => None,
    })
}

/// The year 1 is Go's word for nothing.
fn is_set(at: &prost_types::Timestamp) -> bool {
    const ZERO_SECONDS: i64 = -62_135_596_800;
    (at.seconds, at.nanos) != (ZERO_SECONDS, 0)
}
