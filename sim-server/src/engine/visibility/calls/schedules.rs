//! ListSchedules and CountSchedules (`listSchedulesChasm`, `prepareSchedulerQuery` in `workflow_handler.go`). A schedule is found by
//! its id, its search attributes, and whether it is paused.

use std::borrow::Cow;

use super::{
    find::check_executable,
    list::{LIST, page},
};
use crate::{
    engine::{
        Engine,
        execution::machine::Row,
        kernel::{
            error::{Error, Result},
            key::{Key, NamespaceId},
        },
        rules::{
            list_filter::{self, Cell, Found, ListFilter, SystemColumn},
            schedule::check::WORKFLOW_ID_PREFIX,
            search_attributes::Registry,
        },
        schedule::{
            DIVISION, PAUSED, Schedule,
            calls::describe::{shown_memo, without_hidden},
        },
        visibility::{index::Place, info, token::PageToken},
    },
    proto::{
        common::Payload,
        schedule::ScheduleListEntry,
        workflowservice::{CountSchedulesRequest, CountSchedulesResponse, ListSchedulesRequest, ListSchedulesResponse},
    },
};

/// A schedule as queries see it: its workflow id is its id.
struct ScheduleRow<'a>(&'a Row<'a>);

impl Found for ScheduleRow<'_> {
    fn system(&self, column: SystemColumn) -> Cell<'_> {
        match column {
            SystemColumn::WorkflowId => {
                Cell::Text(Cow::Borrowed(self.0.id.strip_prefix(WORKFLOW_ID_PREFIX).unwrap_or(self.0.id)))
            }
            other => self.0.system(other),
        }
    }

    fn attribute(&self, name: &str) -> Option<&Payload> {
        self.0.attribute(name)
    }
}

impl Engine {
    /// ListSchedules.
    pub(in crate::engine) fn list_schedules(&mut self, request: ListSchedulesRequest) -> Result<ListSchedulesResponse> {
        let namespace = self.resolve(&request.namespace)?;
        let filter = self.read_schedule_filter(namespace, &request.query)?;
        let token = PageToken::read(&request.next_page_token)?;
        let found = self.found_schedules(namespace, token.as_ref().map(PageToken::place));
        let found = found.filter(|(_, row)| filter.matches(&ScheduleRow(row)));
        let registry = &self.namespaces.get(namespace).search_attributes;
        let entry = |key, row: &Row<'_>| self.listed_schedule(key).map(|schedule| entry(schedule, row, registry));
        let (schedules, next_page_token) = page(found, request.maximum_page_size, token.as_ref(), entry);
        Ok(ListSchedulesResponse { schedules: schedules.into_iter().flatten().collect(), next_page_token })
    }

    /// CountSchedules.
    pub(in crate::engine) fn count_schedules(&mut self, request: CountSchedulesRequest) -> Result<CountSchedulesResponse> {
        let namespace = self.resolve(&request.namespace)?;
        let filter = self.read_schedule_filter(namespace, &request.query)?;
        let found = self.found_schedules(namespace, None).filter(|(_, row)| filter.matches(&ScheduleRow(row)));
        Ok(CountSchedulesResponse { count: found.count() as i64, groups: Vec::new() })
    }

    /// A query on schedules. Of the server's own search attributes they are found by one alone: whether they are paused.
    fn read_schedule_filter(&mut self, namespace: NamespaceId, query: &str) -> Result<ListFilter> {
        let filter = ListFilter::read_of_schedules(query, &self.namespaces.get(namespace).search_attributes)?;
        check_executable(&filter, LIST)?;
        if let Some(name) = filter.columns.iter().find(|name| Registry::is_reserved(name) && *name != PAUSED) {
            return Err(Error::invalid(format!("invalid query filter for schedules: cannot filter on {name:?}")));
        }
        match &filter.order_error {
            Some(error) => Err(Error::invalid(format!("invalid query: {error}"))),
            None => Ok(filter),
        }
    }

    /// The schedules that there are, in the order in which they are listed, from a place on.
    fn found_schedules(&self, namespace: NamespaceId, from: Option<Place>) -> impl Iterator<Item = (Place, Row<'_>)> {
        self.found(namespace, &list_filter::ALL, Some(DIVISION), from)
            .filter(|(place, _)| self.listed_schedule(place.key).is_some())
    }

    fn listed_schedule(&self, key: Key) -> Option<&Schedule> {
        let Key::Schedule(key) = key else { return None };
        let schedule = self.schedules.get(key);
        schedule.is_open(self.now(schedule.namespace())).then_some(schedule)
    }
}

fn entry(schedule: &Schedule, row: &Row<'_>, registry: &Registry) -> ScheduleListEntry {
    ScheduleListEntry {
        schedule_id: schedule.schedule_id().to_owned(),
        // Where it has none, there is an empty one.
        memo: Some(shown_memo(schedule).unwrap_or_default()),
        search_attributes: without_hidden(info::attributes(row, registry)),
        info: Some(schedule.listed()),
    }
}
