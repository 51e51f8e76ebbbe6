//! Search attributes of a namespace: which exist, their types, and what may be written into them (`common/searchattribute/`,
//! and `service/frontend/operator_handler.go` on a SQL store, as the dev server has).

mod value;
pub(crate) mod written;

pub(crate) use value::decode as json;

use std::collections::BTreeMap;

use prost::{Message, length_delimiter_len};

use super::{limits::Limits, names};
use crate::{
    engine::kernel::error::{Error, Result},
    proto::{
        common::SearchAttributes,
        enums::IndexedValueType::{self, Bool, Datetime, Double, Int, Keyword, KeywordList, Text},
    },
};

/// Kept in columns of their own. Nobody sets them by hand.
const SYSTEM: &[(&str, IndexedValueType)] = &[
    ("WorkflowId", Keyword),
    ("RunId", Keyword),
    ("WorkflowType", Keyword),
    ("StartTime", Datetime),
    ("ExecutionTime", Datetime),
    ("CloseTime", Datetime),
    ("ExecutionStatus", Keyword),
    ("TaskQueue", Keyword),
    ("HistoryLength", Int),
    ("ExecutionDuration", Int),
    ("StateTransitionCount", Int),
    ("HistorySizeBytes", Int),
    ("ParentWorkflowId", Keyword),
    ("ParentRunId", Keyword),
    ("RootWorkflowId", Keyword),
    ("RootRunId", Keyword),
];

/// Stored beside the custom ones. Users may set them, for compatibility.
const PREDEFINED_OPEN: &[(&str, IndexedValueType)] = &[
    ("TemporalChangeVersion", KeywordList),
    ("BinaryChecksums", KeywordList),
    ("BuildIds", KeywordList),
    ("BatcherNamespace", Keyword),
    ("BatcherUser", Keyword),
    ("TemporalScheduledStartTime", Datetime),
    ("TemporalScheduledById", Keyword),
    ("TemporalSchedulePaused", Bool),
    ("TemporalNamespaceDivision", Keyword),
    ("TemporalPauseInfo", KeywordList),
    ("TemporalReportedProblems", KeywordList),
];

/// Stored beside the custom ones. Only the server sets them.
const PREDEFINED_CLOSED: &[(&str, IndexedValueType)] = &[
    ("TemporalWorkerDeploymentVersion", Keyword),
    ("TemporalWorkflowVersioningBehavior", Keyword),
    ("TemporalWorkerDeployment", Keyword),
    ("TemporalUsedWorkerDeploymentVersions", KeywordList),
    ("TemporalExternalPayloadCount", Int),
    ("TemporalExternalPayloadSizeBytes", Int),
];

/// How many custom ones of each type a namespace of a SQL store can have.
const SLOTS: &[(IndexedValueType, usize)] =
    &[(Bool, 3), (Int, 3), (Double, 3), (Datetime, 3), (Keyword, 10), (KeywordList, 3), (Text, 3)];

const RESERVED: &[&str] = &["NamespaceId", "MemoEncoding", "Memo", "VisibilityTaskKey"];
const RESERVED_PREFIX: &str = "Temporal";
const METADATA_TYPE: &str = "type";

/// The search attributes of one namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry {
    namespace: String,
    custom: BTreeMap<String, IndexedValueType>,
}

impl Registry {
    /// A namespace without custom search attributes.
    pub fn new(namespace: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), custom: BTreeMap::new() }
    }

    /// A namespace with these custom ones (name to `IndexedValueType`), of whatever names.
    pub(crate) fn of(namespace: &str, custom: &BTreeMap<String, i32>) -> Self {
        let typed = |(name, value_type): (&String, &i32)| Some((name.clone(), IndexedValueType::try_from(*value_type).ok()?));
        Self { namespace: namespace.to_owned(), custom: custom.iter().filter_map(typed).collect() }
    }

    /// Adds custom ones, name to `IndexedValueType`: all or none. One that exists stays as it is, whatever its type.
    ///
    /// # Errors
    /// `InvalidArgument` for an empty request, a reserved name, an unknown type, or no free slot of that type.
    pub fn add(&mut self, attributes: &BTreeMap<String, i32>) -> Result<()> {
        Self::check_new(attributes)?;
        let mut custom = self.custom.clone();
        for (name, &value_type) in attributes {
            let value_type = IndexedValueType::try_from(value_type).unwrap_or_default();
            // One without a name is taken, and is nowhere.
            if name.is_empty() || custom.contains_key(name) {
                continue;
            }
            let used = custom.values().filter(|&&used| used == value_type).count();
            if used >= slots(value_type) {
                let value_type = names::indexed_value(value_type as i32);
                return Err(Error::invalid(format!(
                    "Unable to create search attributes: cannot have more than {used} search attribute of type {value_type}."
                )));
            }
            custom.insert(name.clone(), value_type);
        }
        self.custom = custom;
        Ok(())
    }

    /// The part of [`Self::add`] that depends on no namespace: something is to be added, nothing reserved, of known types.
    pub(crate) fn check_new(attributes: &BTreeMap<String, i32>) -> Result<()> {
        if attributes.is_empty() {
            return Err(nothing_named());
        }
        for (name, &value_type) in attributes {
            if Self::is_reserved(name) {
                return Err(Error::invalid(format!("Search attribute {name} is reserved by system.")));
            }
            if IndexedValueType::try_from(value_type).is_err() {
                return Err(Error::invalid(format!("Unknown search attribute type: {value_type}.")));
            }
        }
        Ok(())
    }

    /// Removes custom ones: all or none. An unknown name is ignored.
    ///
    /// # Errors
    /// `InvalidArgument` for an empty request or the name of a system attribute.
    pub fn remove(&mut self, names: &[String]) -> Result<()> {
        Self::check_old(names)?;
        let not_custom = |name: &&String| !self.custom.contains_key(*name) && (fixed(name).is_some() || Self::is_slot(name));
        if let Some(name) = names.iter().find(not_custom) {
            return Err(Error::invalid(format!("Unable to remove non-custom search attributes: {name}.")));
        }
        self.custom.retain(|name, _| !names.contains(name));
        Ok(())
    }

    /// The part of [`Self::remove`] that depends on no namespace: something is to be removed.
    pub(crate) fn check_old(names: &[String]) -> Result<()> {
        if names.is_empty() { Err(nothing_named()) } else { Ok(()) }
    }

    /// The custom ones, name to `IndexedValueType`.
    pub fn custom(&self) -> BTreeMap<String, i32> {
        self.custom.iter().map(|(name, &value_type)| (name.clone(), value_type as i32)).collect()
    }

    /// All that the store knows, name to `IndexedValueType`: the system's, the predefined, and its columns for custom ones.
    pub(crate) fn stored() -> BTreeMap<String, i32> {
        let slots = slot_names().map(|(name, value_type)| (name, value_type as i32));
        Self::system().into_iter().chain(slots).collect()
    }

    /// The system and predefined ones, name to `IndexedValueType`.
    pub fn system() -> BTreeMap<String, i32> {
        let all = [SYSTEM, PREDEFINED_OPEN, PREDEFINED_CLOSED].concat();
        all.into_iter().map(|(name, value_type)| (name.to_owned(), value_type as i32)).collect()
    }

    /// The type of a custom search attribute.
    pub(crate) fn custom_type(&self, name: &str) -> Option<IndexedValueType> {
        self.custom.get(name).copied()
    }

    /// The type of what every namespace has: system and predefined attributes, and the columns that wait for custom ones.
    pub(crate) fn fixed_type(name: &str) -> Option<IndexedValueType> {
        fixed(name).or_else(|| slot(name))
    }

    /// The type of a column that waits for a custom attribute, such as `Keyword01`.
    pub(crate) fn slot_type(name: &str) -> Option<IndexedValueType> {
        slot(name)
    }

    /// Whether this is a column that waits for a custom attribute, such as `Keyword01`.
    pub(crate) fn is_slot(name: &str) -> bool {
        slot(name).is_some()
    }

    /// Whether no custom one can have this name (`sadefs.IsReserved`).
    pub(crate) fn is_reserved(name: &str) -> bool {
        fixed(name).is_some() || RESERVED.contains(&name) || name.starts_with(RESERVED_PREFIX)
    }

    /// The type of a search attribute of any kind.
    pub fn type_of(&self, name: &str) -> Option<IndexedValueType> {
        self.custom.get(name).copied().or_else(|| fixed(name))
    }

    /// Refuses what may not be written: unknown or system attributes, values of another type, too many, too large.
    pub fn validate(&self, attributes: &SearchAttributes, limits: &Limits) -> Result<()> {
        self.known(attributes)?;
        self.typed(attributes, limits)?;
        self.sized(attributes, limits)
    }

    /// The first part of [`Self::validate`]: every custom name is one of this namespace.
    pub(crate) fn known(&self, attributes: &SearchAttributes) -> Result<()> {
        let unknown = |name: &&String| fixed(name).is_none() && !self.custom.contains_key(*name);
        match attributes.indexed_fields.keys().find(unknown) {
            Some(name) => {
                let namespace = &self.namespace;
                Err(Error::invalid(format!("Namespace {namespace} has no mapping defined for search attribute {name}")))
            }
            None => Ok(()),
        }
    }

    /// The second part of [`Self::validate`]: not too many, none of the system's, each of its type.
    pub(crate) fn typed(&self, attributes: &SearchAttributes, limits: &Limits) -> Result<()> {
        let count = attributes.indexed_fields.len();
        if count > limits.search_attributes_max {
            let limit = limits.search_attributes_max;
            return Err(Error::invalid(format!("number of search attributes {count} exceeds limit {limit}")));
        }
        for (name, payload) in &attributes.indexed_fields {
            if lookup(SYSTEM, name).is_some() || lookup(PREDEFINED_CLOSED, name).is_some() {
                return Err(Error::invalid(format!("{name} attribute can't be set in SearchAttributes")));
            }
            let Some(value_type) = self.type_of(name) else {
                return Err(Error::invalid(format!("search attribute {name} is not defined")));
            };
            if !value::has_type(payload, value_type) {
                return Err(Error::invalid(format!(
                    "invalid value for search attribute {name} of type {}: {}",
                    names::indexed_value(value_type as i32),
                    value::text(payload)
                )));
            }
        }
        Ok(())
    }

    /// The third part of [`Self::validate`]: sizes, of each and of all. For an upsert the whole merged set counts.
    pub(crate) fn sized(&self, attributes: &SearchAttributes, limits: &Limits) -> Result<()> {
        for (name, payload) in &attributes.indexed_fields {
            let (size, limit) = (payload.data.len(), limits.search_attribute_size_max_bytes);
            if size > limit {
                return Err(Error::invalid(format!("search attribute {name} value size {size} exceeds size limit {limit}")));
            }
        }
        let (total, limit) = (self.stored_size(attributes), limits.search_attributes_size_max_bytes);
        if total > limit {
            return Err(Error::invalid(format!("total size of search attributes {total} exceeds size limit {limit}")));
        }
        Ok(())
    }

    /// Writes each one's type into its payload's metadata, unless the sender did: histories and answers carry it.
    pub fn set_types(&self, attributes: &mut SearchAttributes) {
        for (name, payload) in &mut attributes.indexed_fields {
            let settable = lookup(SYSTEM, name).is_none();
            if let Some(value_type) = self.type_of(name).filter(|_| settable) {
                let value_type = names::indexed_value(value_type as i32);
                payload.metadata.entry(METADATA_TYPE.to_owned()).or_insert_with(|| value_type.into_bytes());
            }
        }
    }

    /// Bytes of the message with the names that the SQL store gives its columns, such as `Keyword01`.
    fn stored_size(&self, attributes: &SearchAttributes) -> usize {
        let of_field = |size: usize| 1 + length_delimiter_len(size) + size;
        let of_entry = |(name, payload): (&String, &crate::proto::common::Payload)| {
            let stored_name = match self.custom.get(name) {
                Some(&value_type) => names::indexed_value(value_type as i32).len() + "01".len(),
                None => name.len(),
            };
            of_field(of_field(stored_name) + of_field(payload.encoded_len()))
        };
        attributes.indexed_fields.iter().map(of_entry).sum()
    }
}

fn nothing_named() -> Error {
    Error::invalid("SearchAttributes are not set on request.")
}

fn lookup(table: &[(&str, IndexedValueType)], name: &str) -> Option<IndexedValueType> {
    table.iter().find(|(known, _)| *known == name).map(|&(_, value_type)| value_type)
}

/// The type of a search attribute that every namespace has.
fn fixed(name: &str) -> Option<IndexedValueType> {
    [SYSTEM, PREDEFINED_OPEN, PREDEFINED_CLOSED].into_iter().find_map(|table| lookup(table, name))
}

fn slots(value_type: IndexedValueType) -> usize {
    SLOTS.iter().find(|(known, _)| *known == value_type).map_or(0, |&(_, count)| count)
}

/// The columns that the SQL store has for custom attributes, such as `Keyword01`.
fn slot_names() -> impl Iterator<Item = (String, IndexedValueType)> {
    SLOTS.iter().flat_map(|&(value_type, count)| {
        let prefix = names::indexed_value(value_type as i32);
        (1..=count).map(move |number| (format!("{prefix}{number:02}"), value_type))
    })
}

/// The type of the column of this name.
fn slot(name: &str) -> Option<IndexedValueType> {
    slot_names().find(|(known, _)| known == name).map(|(_, value_type)| value_type)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::common::Payload;

    fn registry() -> Registry {
        let mut registry = Registry::new("default");
        let types = [("K", Keyword), ("T", Text), ("I", Int), ("D", Double), ("B", Bool), ("W", Datetime), ("L", KeywordList)];
        registry.add(&types.map(|(name, value_type)| (name.to_owned(), value_type as i32)).into()).expect("free slots");
        registry
    }

    fn json(data: &str) -> Payload {
        Payload { metadata: [("encoding".to_owned(), b"json/plain".to_vec())].into(), data: data.into(), ..Payload::default() }
    }

    fn of(name: &str, payload: Payload) -> SearchAttributes {
        SearchAttributes { indexed_fields: [(name.to_owned(), payload)].into() }
    }

    #[test]
    fn values_are_checked_by_name_and_type() {
        let cases = [
            ("Nope", "1", "Namespace default has no mapping defined for search attribute Nope"),
            ("WorkflowId", "\"w\"", "WorkflowId attribute can't be set in SearchAttributes"),
            ("TemporalWorkerDeployment", "\"w\"", "TemporalWorkerDeployment attribute can't be set in SearchAttributes"),
            ("TemporalChangeVersion", "[\"v\"]", ""),
            ("I", "1.5", "invalid value for search attribute I of type Int: 1.5"),
            ("I", "\"x\"", "invalid value for search attribute I of type Int: x"),
            ("K", "123", "invalid value for search attribute K of type Keyword: 123"),
            (
                "K",
                "{\"b\":[1,null],\"a\":true}",
                "invalid value for search attribute K of type Keyword: map[a:true b:[1 <nil>]]",
            ),
            ("D", "\"1e30\"", "invalid value for search attribute D of type Double: 1e30"),
            ("B", "1e30", "invalid value for search attribute B of type Bool: 1e+30"),
            ("W", "\"yesterday\"", "invalid value for search attribute W of type Datetime: yesterday"),
            ("L", "\"x\"", "invalid value for search attribute L of type KeywordList: x"),
            ("I", "1", ""),
            ("I", "[1,2]", "invalid value for search attribute I of type Int: [1 2]"),
            ("I", "[1]", ""),
            ("I", "[]", ""),
            ("I", "null", ""),
            ("K", "[\"a\"]", ""),
            ("L", "[\"a\",\"b\"]", ""),
            ("W", "\"2026-01-02T03:04:05.6+02:00\"", ""),
            ("D", "1", ""),
        ];
        for (name, data, expected) in cases {
            let outcome = if expected.is_empty() { Ok(()) } else { Err(Error::invalid(expected)) };
            assert_eq!(registry().validate(&of(name, json(data)), &Limits::default()), outcome, "{name} {data}");
        }
    }

    #[test]
    fn sizes_and_counts_are_limited() {
        let limits = Limits::default();
        let long = json(&format!("\"{}\"", "x".repeat(2047)));
        let expected = Error::invalid("search attribute K value size 2049 exceeds size limit 2048");
        assert_eq!(registry().validate(&of("K", long), &limits), Err(expected));

        let mut few = limits.clone();
        few.search_attributes_size_max_bytes = 50;
        // What protoc makes of the attribute under its stored name, Keyword01.
        let stored = of("Keyword01", json(&format!("\"{}\"", "x".repeat(20)))).encoded_len();
        let expected = Error::invalid(format!("total size of search attributes {stored} exceeds size limit 50"));
        assert_eq!(registry().validate(&of("K", json(&format!("\"{}\"", "x".repeat(20)))), &few), Err(expected));

        few.search_attributes_max = 0;
        assert_eq!(
            registry().validate(&of("K", json("1")), &few),
            Err(Error::invalid("number of search attributes 1 exceeds limit 0"))
        );
    }

    #[test]
    fn attributes_are_added_and_removed() {
        let mut registry = registry();
        let add = |registry: &mut Registry, name: &str, value_type: i32| registry.add(&[(name.to_owned(), value_type)].into());
        let invalid = |text: &str| Err(Error::invalid(text));
        assert_eq!(registry.add(&BTreeMap::new()), invalid("SearchAttributes are not set on request."));
        assert_eq!(add(&mut registry, "RunId", 2), invalid("Search attribute RunId is reserved by system."));
        assert_eq!(add(&mut registry, "TemporalX", 2), invalid("Search attribute TemporalX is reserved by system."));
        assert_eq!(add(&mut registry, "X", 99), invalid("Unknown search attribute type: 99."));
        assert_eq!(add(&mut registry, "K", 3), Ok(()));
        assert_eq!(registry.type_of("K"), Some(Keyword));
        let three = [("I2".to_owned(), 3), ("I3".to_owned(), 3), ("I4".to_owned(), 3)].into();
        let full = "Unable to create search attributes: cannot have more than 3 search attribute of type Int.";
        assert_eq!(registry.add(&three), invalid(full));
        assert_eq!(registry.type_of("I2"), None);

        let remove = |registry: &mut Registry, name: &str| registry.remove(&[name.to_owned()]);
        assert_eq!(remove(&mut registry, "RunId"), invalid("Unable to remove non-custom search attributes: RunId."));
        assert_eq!(remove(&mut registry, "Keyword01"), invalid("Unable to remove non-custom search attributes: Keyword01."));
        assert_eq!(remove(&mut registry, "never"), Ok(()));
        assert_eq!(remove(&mut registry, "K"), Ok(()));
        assert_eq!(registry.type_of("K"), None);
    }

    #[test]
    fn types_are_written_once() {
        let mut attributes = of("K", json("\"a\""));
        let mut other = json("1");
        other.metadata.insert("type".to_owned(), b"Keyword".to_vec());
        attributes.indexed_fields.insert("I".to_owned(), other);
        registry().set_types(&mut attributes);
        let types: Vec<_> = attributes.indexed_fields.values().map(|payload| payload.metadata["type"].clone()).collect();
        assert_eq!(types, [b"Keyword".to_vec(), b"Keyword".to_vec()]);
    }
}
