//! The columns of the SQL store, such as `Keyword01`, in which the real server keeps custom search attributes: DescribeNamespace tells
//! them, and UpdateNamespace can set them. Nothing is kept in columns here.

use std::collections::BTreeMap;

use crate::engine::{
    kernel::error::{Error, Result},
    rules::{names, search_attributes::Registry},
};

/// The name of the search attribute in each column that has one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Columns(BTreeMap<String, String>);

impl Columns {
    /// The columns of these search attributes (name to `IndexedValueType`). One that has none yet gets the first that is free.
    pub(crate) fn of(&self, attributes: &BTreeMap<String, i32>) -> BTreeMap<String, String> {
        let mut columns = self.0.clone();
        // One that the store does not have is kept, and holds nothing.
        let is_held = |column: &str, name: &str| attributes.get(name).copied() == type_of(column);
        columns.retain(|column, name| type_of(column).is_none() || is_held(column, name));
        for (name, kind) in attributes {
            if columns.values().any(|kept| kept == name) {
                continue;
            }
            let prefix = names::indexed_value(*kind);
            let free = (1..100).map(|n| format!("{prefix}{n:02}")).find(|column| !columns.contains_key(column));
            columns.extend(free.map(|column| (column, name.clone())));
        }
        columns
    }

    /// These columns, as a request changes them: an empty name frees one (`upsertCustomSearchAttributesAliases`). What is asked for
    /// a name that has a column already is ignored.
    ///
    /// # Errors
    /// A column has another name already.
    pub(crate) fn changed(
        current: BTreeMap<String, String>,
        asked: BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>> {
        let mut changed = current.clone();
        for (column, name) in asked {
            if name.is_empty() {
                changed.remove(&column);
            } else if current.values().any(|taken| *taken == name) {
                continue;
            } else if current.contains_key(&column) {
                return Err(Error::invalid("Custom search attribute field name already allocated."));
            } else {
                changed.insert(column, name);
            }
        }
        Ok(changed)
    }

    /// Remembers these columns. Returns the search attributes that they hold: name to `IndexedValueType`.
    pub(crate) fn set(&mut self, columns: BTreeMap<String, String>) -> BTreeMap<String, i32> {
        self.0 = columns;
        self.0.iter().filter_map(|(column, name)| Some((name.clone(), type_of(column)?))).collect()
    }
}

/// The type of a column's values; `None` if the store has no such column.
fn type_of(column: &str) -> Option<i32> {
    Registry::slot_type(column).map(|kind| kind as i32)
}
