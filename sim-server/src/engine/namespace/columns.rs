//! The columns of the SQL store, such as `Keyword01`, in which the real server keeps custom search attributes: DescribeNamespace tells
//! them, and UpdateNamespace can set them. Nothing is kept in columns here.

use std::collections::BTreeMap;

use crate::{
    engine::{
        kernel::error::{Error, Result},
        rules::names,
    },
    proto::enums::IndexedValueType,
};

/// The name of the search attribute in each column that has one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Columns(BTreeMap<String, String>);

impl Columns {
    /// The columns of these search attributes (name to `IndexedValueType`). One that has none yet gets the first that is free.
    pub(crate) fn of(&self, attributes: &BTreeMap<String, i32>) -> BTreeMap<String, String> {
        let mut columns = self.0.clone();
        columns.retain(|column, name| attributes.get(name).is_some_and(|kind| type_of(column) == Some(*kind)));
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

/// The type of a column's values: its name is that of the type, and two digits.
fn type_of(column: &str) -> Option<i32> {
    let (kind, digits) = column.split_at_checked(column.len().checked_sub(2)?)?;
    let is_numbered = digits.bytes().all(|digit| digit.is_ascii_digit());
    let types = (1..=7).filter(|kind| IndexedValueType::try_from(*kind).is_ok());
    types.into_iter().find(|named| is_numbered && names::indexed_value(*named) == kind)
}
