//! Finding executions, and telling of changes of what they are found by.

use super::list::LIST;
use crate::engine::{
    Engine,
    execution::{
        machine::{Machine, Row},
        store::Store,
    },
    kernel::{
        error::{Error, Result},
        key::{Key, NamespaceId},
    },
    rules::list_filter::{Cell, Found, ListFilter},
    schedule::Schedule,
    visibility::index::{DIVISION, Place},
    workflow::run::Run,
};
use crate::proto::{common::WorkflowExecution, enums::IndexedValueType};

impl Engine {
    /// The workflows that a query means, in the order in which they are listed. What is in a division is not meant, unless the
    /// query speaks of divisions.
    ///
    /// # Errors
    /// INVALID_ARGUMENT: the query is none. UNAVAILABLE: the real server's database does not execute it.
    pub(in crate::engine) fn find_workflows(&self, namespace: NamespaceId, query: &str) -> Result<Vec<WorkflowExecution>> {
        let filter = self.read_filter(namespace, query, LIST)?;
        // What is listed late may be deleted already, so it is known by its row alone.
        let workflows = |(place, row): (Place, Row<'_>)| match place.key {
            Key::Run(_) => Some(WorkflowExecution { workflow_id: row.id.to_owned(), run_id: row.run_id.to_owned() }),
            Key::Schedule(_) => None,
        };
        Ok(self.found(namespace, &filter, None, None).filter_map(workflows).collect())
    }

    /// Reads a query. `operation` names what the query is for, as the database's errors do.
    pub(in crate::engine::visibility) fn read_filter(
        &self,
        namespace: NamespaceId,
        query: &str,
        operation: &str,
    ) -> Result<ListFilter> {
        let filter = ListFilter::read(query, &self.namespaces.get(namespace).search_attributes)?;
        check_executable(&filter, operation)?;
        Ok(filter)
    }

    /// Time has passed: what is listed late is listed when it is due.
    pub(in crate::engine) fn catch_up_listings(&mut self) {
        let now = self.domain.now();
        let namespaces = &self.namespaces;
        self.visibility.catch_up(now, |namespace| &namespaces.get(namespace).search_attributes);
    }

    /// What a filter means, in order, from a place on.
    pub(in crate::engine::visibility) fn found<'a>(
        &'a self,
        namespace: NamespaceId,
        filter: &'a ListFilter,
        division: Option<&'a str>,
        from: Option<Place>,
    ) -> impl Iterator<Item = (Place, Row<'a>)> {
        let is_divided = (!filter.mentions_division).then_some(division.is_some());
        let candidates = self.visibility.index.candidates(namespace, filter, is_divided, from);
        candidates.filter_map(move |place| {
            let row = self.listed_row(place.key)?;
            let is_of_division = division.is_none() || filter.mentions_division || division_of(&row).as_deref() == division;
            (is_of_division && filter.matches(&row)).then_some((place, row))
        })
    }

    /// What an execution is like, as it is listed.
    pub(in crate::engine::visibility) fn listed_row(&self, key: Key) -> Option<Row<'_>> {
        match &self.visibility.lag {
            Some(lag) => lag.shown.get(&key).map(|row| row.row()),
            None => Some(row_of(&self.runs, &self.schedules, key)),
        }
    }

    /// An execution is new, or what it is found by has changed.
    pub(in crate::engine) fn record_row(&mut self, key: Key) {
        let Self { visibility, namespaces, runs, schedules, domain, .. } = self;
        let row = row_of(runs, schedules, key);
        visibility.record(domain.now(), key, &row, &namespaces.get(row.namespace).search_attributes);
    }

    /// An execution is about to be deleted, and is no longer listed.
    pub(in crate::engine) fn remove_row(&mut self, key: Key) {
        let Self { visibility, runs, schedules, domain, .. } = self;
        let row = row_of(runs, schedules, key);
        visibility.remove(domain.now(), key, &row);
    }
}

/// What an execution is like now.
fn row_of<'a>(runs: &'a Store<Run>, schedules: &'a Store<Schedule>, key: Key) -> Row<'a> {
    match key {
        Key::Run(run) => runs.get(run).row(),
        Key::Schedule(schedule) => schedules.get(schedule).row(),
    }
}

/// The division that an execution is in.
pub(in crate::engine::visibility) fn division_of(row: &Row<'_>) -> Option<String> {
    match Cell::of(row.attribute(DIVISION)?, IndexedValueType::Keyword) {
        Cell::Text(text) => Some(text.into_owned()),
        _ => None,
    }
}

/// Refuses what the real server's database does not execute.
pub(super) fn check_executable(filter: &ListFilter, operation: &str) -> Result<()> {
    match &filter.database_error {
        Some(error) => Err(Error::Unavailable(format!("{operation} operation failed.: {error}"))),
        None => Ok(()),
    }
}
