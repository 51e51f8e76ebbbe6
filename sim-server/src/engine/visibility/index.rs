//! The index of all executions: their order, and where those are that have a value in a column.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use crate::{
    engine::{
        execution::{found::micros, machine::Row},
        kernel::key::{Key, NamespaceId, RunKey},
        rules::{
            list_filter::{Cell, Found, ListFilter, Scalar, Source, SystemColumn},
            search_attributes::Registry,
        },
    },
    proto::enums::{IndexedValueType as Type, WorkflowExecutionStatus as Status},
};

/// The search attribute that says what is no workflow.
pub(super) const DIVISION: &str = "TemporalNamespaceDivision";
/// Random bits of a run id of which the order is made: those behind its time, which the start time before it has.
const RUN_ID_BITS: u128 = (1 << 76) - 1;

/// Where an execution stands in the order of all: open ones first, then by when they closed, the last first; of these the last
/// started first; of these by run id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    close_micros: Reverse<i64>,
    start_micros: Reverse<i64>,
    run: u64,
    pub(super) key: Key,
}

impl Place {
    fn new(row: &Row<'_>, key: Key) -> Self {
        let close_micros = row.close_time.map_or(i64::MAX, micros);
        Self::at(close_micros, micros(row.start_time), row.run_id, key)
    }

    /// The place before all with these instants and this run id.
    pub(super) fn first_at(close_micros: i64, start_micros: i64, run_id: &str) -> Self {
        Self::at(close_micros, start_micros, run_id, Key::Run(RunKey(0)))
    }

    fn at(close_micros: i64, start_micros: i64, run_id: &str, key: Key) -> Self {
        let digits: String = run_id.chars().filter(|c| *c != '-').collect();
        let bits = u128::from_str_radix(&digits, 16).unwrap_or_default() & RUN_ID_BITS;
        let run = (bits >> 12) as u64;
        Self { close_micros: Reverse(close_micros), start_micros: Reverse(start_micros), run, key }
    }

    fn is_open(&self) -> bool {
        self.close_micros.0 == i64::MAX
    }
}

/// What is kept of an execution, to find its places again. Its row does not tell: a reset changes when a run has started.
#[derive(Debug)]
struct Entry {
    place: Place,
    status: i32,
    is_divided: bool,
    /// Of the search attributes: a hash of name and value each.
    attributes: Box<[u64]>,
}

/// The executions of a namespace, either those in a division or those in none.
#[derive(Debug, Default)]
struct Shelf {
    order: BTreeSet<Place>,
    /// The closed ones.
    by_status: BTreeMap<i32, BTreeSet<Place>>,
    status_counts: BTreeMap<i32, usize>,
    /// By a hash of column and value. Two values can have one hash.
    by_value: BTreeSet<(u64, Place)>,
}

/// The index of all executions.
#[derive(Debug, Default)]
pub(super) struct Index {
    entries: BTreeMap<Key, Entry>,
    /// By namespace, and whether what is there is in a division.
    shelves: BTreeMap<(NamespaceId, bool), Shelf>,
}

impl Index {
    /// An execution is new, or has changed.
    pub(super) fn record(&mut self, key: Key, row: &Row<'_>, registry: &Registry) {
        self.remove(key, row);
        let mut attributes = Vec::new();
        for (name, payload) in row.search_attributes {
            let value_type = registry.type_of(name).filter(|of| is_indexed(*of));
            attributes.extend(value_type.and_then(|of| hash_of_cell(name, &Cell::of(payload, of))));
        }
        let is_divided = row.search_attributes.contains_key(DIVISION);
        let (status, place) = (row.status as i32, Place::new(row, key));
        let entry = Entry { place, status, is_divided, attributes: attributes.into() };
        let shelf = self.shelves.entry((row.namespace, is_divided)).or_default();
        shelf.order.insert(place);
        if !place.is_open() {
            shelf.by_status.entry(status).or_default().insert(place);
        }
        *shelf.status_counts.entry(status).or_default() += 1;
        shelf.by_value.extend(hashes(row, &entry).map(|hash| (hash, place)));
        self.entries.insert(key, entry);
    }

    /// An execution is no more, whose row is or was this.
    pub(super) fn remove(&mut self, key: Key, row: &Row<'_>) {
        let Some(entry) = self.entries.remove(&key) else { return };
        let Some(shelf) = self.shelves.get_mut(&(row.namespace, entry.is_divided)) else { return };
        let place = entry.place;
        shelf.order.remove(&place);
        if let Some(places) = shelf.by_status.get_mut(&entry.status) {
            places.remove(&place);
        }
        if let Some(count) = shelf.status_counts.get_mut(&entry.status) {
            *count -= 1;
        }
        for hash in hashes(row, &entry) {
            shelf.by_value.remove(&(hash, place));
        }
    }

    /// Those among whom all are that the filter means, in order, from a place on. In a division, in none, or either.
    pub(super) fn candidates(
        &self,
        namespace: NamespaceId,
        filter: &ListFilter,
        is_divided: Option<bool>,
        from: Option<Place>,
    ) -> Box<dyn Iterator<Item = Place> + '_> {
        let shelf = |is_divided| self.shelves.get(&(namespace, is_divided));
        let places = |is_divided| shelf(is_divided).map(|shelf| shelf.candidates(filter, from)).into_iter().flatten();
        match is_divided {
            Some(is_divided) => Box::new(places(is_divided)),
            None => {
                let mut all: Vec<Place> = places(false).chain(places(true)).collect();
                all.sort_unstable();
                Box::new(all.into_iter())
            }
        }
    }

    /// How many there are of each status, outside divisions.
    pub(super) fn status_counts(&self, namespace: NamespaceId) -> BTreeMap<i32, usize> {
        let shelf = self.shelves.get(&(namespace, false));
        let counts = shelf.map(|shelf| shelf.status_counts.clone()).unwrap_or_default();
        counts.into_iter().filter(|(_, count)| *count > 0).collect()
    }
}

impl Shelf {
    fn candidates(&self, filter: &ListFilter, from: Option<Place>) -> Box<dyn Iterator<Item = Place> + '_> {
        let equalities = filter.equalities();
        let best = equalities.into_iter().filter_map(|(column, value)| {
            let (rank, search) = match &column.source {
                Source::System(SystemColumn::WorkflowId) => (0, Search::Value(hash_of_scalar("WorkflowId", value)?)),
                Source::Attribute(name) if is_indexed(column.value_type) => (1, Search::Value(hash_of_scalar(name, value)?)),
                Source::System(SystemColumn::WorkflowType) => (2, Search::Value(hash_of_scalar("WorkflowType", value)?)),
                Source::System(SystemColumn::ExecutionStatus) => match value {
                    Scalar::Int(status) => (3, Search::Status(Status::try_from(i32::try_from(*status).ok()?).ok()?)),
                    _ => return None,
                },
                _ => return None,
            };
            Some((rank, search))
        });
        let first = from.unwrap_or(Place::first_at(i64::MAX, i64::MAX, ""));
        match best.min_by_key(|(rank, _)| *rank).map(|(_, search)| search) {
            Some(Search::Value(hash)) => {
                let of_hash = self.by_value.range((hash, first)..).take_while(move |(of, _)| *of == hash);
                Box::new(of_hash.map(|(_, place)| *place))
            }
            Some(Search::Status(status)) if [Status::Running, Status::Paused].contains(&status) => {
                Box::new(self.order.range(first..).take_while(|place| place.is_open()).copied())
            }
            Some(Search::Status(status)) => {
                let status = status as i32;
                let closed = self.by_status.get(&status).map(|places| places.range(first..)).into_iter().flatten();
                Box::new(closed.copied())
            }
            None => Box::new(self.order.range(first..).copied()),
        }
    }
}

/// What a search begins with.
enum Search {
    Value(u64),
    Status(Status),
}

/// Whether equal values of this type are found by their hash.
fn is_indexed(value_type: Type) -> bool {
    matches!(value_type, Type::Keyword | Type::Int | Type::Double | Type::Bool)
}

/// The hashes by which an execution is found.
fn hashes(row: &Row<'_>, entry: &Entry) -> impl Iterator<Item = u64> {
    let system = [("WorkflowId", SystemColumn::WorkflowId), ("WorkflowType", SystemColumn::WorkflowType)];
    let system = system.map(|(name, column)| hash_of_cell(name, &row.system(column)));
    system.into_iter().flatten().chain(entry.attributes.iter().copied())
}

fn hash_of_cell(name: &str, cell: &Cell<'_>) -> Option<u64> {
    match cell {
        Cell::Text(text) => Some(hash(name, &**text)),
        Cell::Int(value) => Some(hash(name, &number(*value as f64))),
        Cell::Double(value) => Some(hash(name, &number(*value))),
        Cell::Bool(value) => Some(hash(name, value)),
        _ => None,
    }
}

fn hash_of_scalar(name: &str, value: &Scalar) -> Option<u64> {
    match value {
        Scalar::Text(text) => Some(hash(name, &**text)),
        Scalar::Int(value) => Some(hash(name, &number(*value as f64))),
        Scalar::Double(value) => Some(hash(name, &number(*value))),
        Scalar::Bool(value) => Some(hash(name, value)),
        Scalar::Micros(_) => None,
    }
}

/// Equal numbers have equal bits.
fn number(value: f64) -> u64 {
    if value == 0.0 { 0 } else { value.to_bits() }
}

fn hash<T: Hash + ?Sized>(name: &str, value: &T) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    value.hash(&mut hasher);
    hasher.finish()
}
