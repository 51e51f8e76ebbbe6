//! ListSchedules and CountSchedules (`listSchedulesChasm`, `prepareSchedulerQuery` in `workflow_handler.go`). A schedule is found by
//! its id, its search attributes, and whether it is paused.

use super::{
    find::check_executable,
    list::{LIST, page},
};
use crate::{
    engine::{
        Engine,
        execution::machine::Row,
        kernel::{
            error::Result,
            key::{Key, NamespaceId},
        },
        rules::{
            list_filter::{self, ListFilter},
            list_token::ListToken,
            search_attributes::Registry,
        },
        schedule::{
            DIVISION, Schedule,
            calls::describe::{shown_memo, without_hidden},
        },
        visibility::{index::Place, info, token},
    },
    proto::{
        schedule::ScheduleListEntry,
        workflowservice::{CountSchedulesRequest, CountSchedulesResponse, ListSchedulesRequest, ListSchedulesResponse},
    },
};

impl Engine {
    /// ListSchedules.
    pub(in crate::engine) fn list_schedules(&mut self, request: ListSchedulesRequest) -> Result<ListSchedulesResponse> {
        let namespace = self.resolve(&request.namespace)?;
        let filter = self.read_schedule_filter(namespace, &request.query)?;
        let token = ListToken::read(&request.next_page_token)?;
        let found = self.found_schedules(namespace, token.as_ref().map(token::place));
        let found = found.filter(|(_, row)| filter.matches(row));
        let registry = &self.namespaces.get(namespace).search_attributes;
        let entry = |key, row: &Row<'_>| self.listed_schedule(key).map(|schedule| entry(schedule, row, registry));
        let (schedules, next_page_token) = page(found, request.maximum_page_size, token.as_ref(), entry);
        Ok(ListSchedulesResponse { schedules: schedules.into_iter().flatten().collect(), next_page_token })
    }

    /// CountSchedules.
    pub(in crate::engine) fn count_schedules(&mut self, request: CountSchedulesRequest) -> Result<CountSchedulesResponse> {
        let namespace = self.resolve(&request.namespace)?;
        let filter = self.read_schedule_filter(namespace, &request.query)?;
        let found = self.found_schedules(namespace, None).filter(|(_, row)| filter.matches(row));
        Ok(CountSchedulesResponse { count: found.count() as i64, groups: Vec::new() })
    }

    fn read_schedule_filter(&self, namespace: NamespaceId, query: &str) -> Result<ListFilter> {
        let filter = ListFilter::read_of_schedules(query, &self.namespaces.get(namespace).search_attributes)?;
        check_executable(&filter, LIST)?;
        Ok(filter)
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
