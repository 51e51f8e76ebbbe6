//! Lists and counts of executions, with queries of all kinds.

use foretime_server::proto::{
    enums::WorkflowExecutionStatus as Status,
    filter::{StatusFilter, WorkflowExecutionFilter, WorkflowTypeFilter},
    workflowservice::{list_closed_workflow_executions_request as closed, list_open_workflow_executions_request as open, *},
};
use proptest::prelude::*;

use super::{COLOUR, Family, Request, namespace};
use crate::world::World;

#[derive(Clone, Debug)]
pub(crate) enum Call {
    List(Query, u8),
    Scan(Query),
    Count(Query),
    Open(u8),
    Closed(Status),
    Archived,
}

/// A query: what it says, and whether it is cut off.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    conditions: Vec<(&'static str, bool)>,
    is_cut_off: bool,
    is_grouped: bool,
}

const CONDITIONS: [&str; 14] = [
    "WorkflowId = 'wf-1'",
    "WorkflowId STARTS_WITH 'WF'",
    "WorkflowType IN ('W', 'V')",
    "ExecutionStatus = 'Running'",
    "ExecutionStatus != 2",
    "StartTime > '2020-01-01T00:00:00Z'",
    "CloseTime IS NOT NULL",
    "CloseTime BETWEEN 0 AND '2200-01-01T00:00:00Z'",
    "ExecutionDuration < '1h'",
    "HistoryLength >= 5",
    "BuildIds = 'unversioned'",
    "TemporalNamespaceDivision IS NOT NULL",
    "Attribute1 IS NULL",
    "nothing",
];

impl Query {
    fn any() -> impl Strategy<Value = Self> {
        let conditions = proptest::collection::vec((proptest::sample::select(CONDITIONS.to_vec()), any::<bool>()), 0..4);
        (conditions, proptest::bool::weighted(0.1), any::<bool>()).prop_map(|(conditions, is_cut_off, is_grouped)| Self {
            conditions,
            is_cut_off,
            is_grouped,
        })
    }

    fn text(&self) -> String {
        let colour = format!("{COLOUR} = 'red'");
        let parts = self.conditions.iter().map(|(condition, is_negated)| match (*condition, *is_negated) {
            ("nothing", _) => colour.clone(),
            (condition, true) => format!("NOT ({condition})"),
            (condition, false) => condition.to_owned(),
        });
        let mut text = parts.collect::<Vec<_>>().join(if self.is_grouped { " AND " } else { " OR " });
        if self.is_grouped {
            text.push_str(" GROUP BY ExecutionStatus");
        }
        if self.is_cut_off {
            text.pop();
            text.push('(');
        }
        text
    }
}

impl Family for Call {
    fn any() -> BoxedStrategy<Self> {
        let statuses = [Status::Running, Status::Completed, Status::Terminated, Status::ContinuedAsNew];
        prop_oneof![
            3 => (Query::any(), 0_u8..4).prop_map(|(query, page_size)| Self::List(query, page_size)),
            1 => Query::any().prop_map(Self::Scan),
            2 => Query::any().prop_map(Self::Count),
            1 => (0_u8..4).prop_map(Self::Open),
            1 => proptest::sample::select(statuses.to_vec()).prop_map(Self::Closed),
            1 => Just(Self::Archived),
        ]
        .boxed()
    }

    fn request(&self, _world: &World) -> Option<Request> {
        let namespace = namespace();
        Some(match self {
            Self::List(query, page_size) => Request::of(&ListWorkflowExecutionsRequest {
                namespace,
                query: query.text(),
                page_size: i32::from(*page_size),
                ..Default::default()
            }),
            Self::Scan(query) => {
                Request::of(&ScanWorkflowExecutionsRequest { namespace, query: query.text(), ..Default::default() })
            }
            Self::Count(query) => Request::of(&CountWorkflowExecutionsRequest { namespace, query: query.text() }),
            Self::Open(which) => {
                let id = open::Filters::ExecutionFilter(WorkflowExecutionFilter {
                    workflow_id: format!("wf'{which}").replace('\'', if *which == 3 { "'" } else { "-" }),
                    ..Default::default()
                });
                let of_type = open::Filters::TypeFilter(WorkflowTypeFilter { name: "W".to_owned() });
                let filters = if *which == 0 { of_type } else { id };
                Request::of(&ListOpenWorkflowExecutionsRequest { namespace, filters: Some(filters), ..Default::default() })
            }
            Self::Closed(status) => {
                let filters = Some(closed::Filters::StatusFilter(StatusFilter { status: (*status).into() }));
                Request::of(&ListClosedWorkflowExecutionsRequest { namespace, filters, ..Default::default() })
            }
            Self::Archived => Request::of(&ListArchivedWorkflowExecutionsRequest { namespace, ..Default::default() }),
        })
    }
}
