//! A query that is understood: which executions it means.

use std::collections::BTreeSet;

use super::{
    column::{Column, Found},
    convert,
    filter::{Comparison, Filter, Needle, Scalar},
};
use crate::engine::{
    kernel::error::{Error, Result},
    rules::search_attributes::Registry,
};

/// A query that is understood.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ListFilter {
    /// `None`: all are meant.
    pub(super) condition: Option<Filter>,
    /// By what a count is divided.
    pub(crate) group_by: Option<GroupBy>,
    /// Whether it speaks of divisions. If not, it means what is in none.
    pub(crate) mentions_division: bool,
    /// What the real server's database says, which cannot execute the query.
    pub(crate) database_error: Option<String>,
    /// What it calls the columns that it names.
    pub(crate) columns: BTreeSet<String>,
}

/// By what a count may be divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GroupBy {
    Status,
    Division,
}

/// All are meant.
pub(crate) static ALL: ListFilter =
    ListFilter { condition: None, group_by: None, mentions_division: false, database_error: None, columns: BTreeSet::new() };

impl ListFilter {
    /// Reads a query on executions of the namespace that has these search attributes.
    ///
    /// # Errors
    /// INVALID_ARGUMENT: it is no query, or names what is not there, or compares what cannot be compared.
    pub(crate) fn read(query: &str, registry: &Registry) -> Result<Self> {
        Self::read_with(query, registry, false)
    }

    pub(super) fn read_with(query: &str, registry: &Registry, is_of_schedules: bool) -> Result<Self> {
        convert::read(query, registry, is_of_schedules).map_err(|refusal| Error::invalid(format!("invalid query: {refusal}")))
    }

    /// Whether this execution is meant, apart from its division.
    pub(crate) fn matches(&self, row: &impl Found) -> bool {
        self.condition.as_ref().is_none_or(|condition| condition.test(row) == Some(true))
    }

    /// Whether it means all, apart from divisions.
    pub(crate) fn is_unconditional(&self) -> bool {
        self.condition.is_none()
    }

    /// The column and its value, if it asks for nothing but that they are equal.
    pub(crate) fn only_equality(&self) -> Option<(&Column, &Scalar)> {
        match &self.condition {
            Some(Filter::Compare { column, comparison: Comparison::Equal, value }) => Some((column, value)),
            _ => None,
        }
    }

    /// What all that is meant has: of each group, one at least.
    pub(crate) fn needles(&self) -> Vec<Vec<Needle<'_>>> {
        self.condition.as_ref().map(Filter::needles).unwrap_or_default()
    }
}
