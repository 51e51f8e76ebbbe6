//! The index of all executions: their order, and where those are that have a value in a column.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
    iter::Peekable,
};

use crate::{
    engine::{
        execution::{found::micros, machine::Row},
        kernel::key::{Key, NamespaceId, RunKey},
        rules::{
            list_filter::{self, Cell, Column, ListFilter, Needle, Scalar, Sought, Source, SystemColumn},
            search_attributes::Registry,
        },
    },
    proto::enums::{IndexedValueType as Type, WorkflowExecutionStatus as Status},
};

/// The search attribute that says what is no workflow.
pub(super) const DIVISION: &str = "TemporalNamespaceDivision";
/// Random bits of a run id of which the order is made: those behind its time, which the start time before it has.
const RUN_ID_BITS: u128 = (1 << 76) - 1;
/// How many are looked up among those with a value between two others. Where there are more, it is soon found who is meant.
const SPAN_MAX: usize = 2000;
/// Before all others.
const FIRST: Place =
    Place { close_micros: Reverse(i64::MAX), start_micros: Reverse(i64::MAX), run: 0, key: Key::Run(RunKey(0)) };

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
    fn new(row: &Row<'_>, is_closed: bool, key: Key) -> Self {
        let close_micros = row.close_time.filter(|_| is_closed).map_or(i64::MAX, micros);
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

/// By what a value in a column is found: a hash of the column's name, and of the value. Numbers and instants have no hash, but a number
/// that is in their order. Two values can have one mark.
type Mark = (u64, u64);

/// What is kept of an execution besides its places, to find these again. Its ids, its type and its start time do not change.
#[derive(Debug)]
struct Entry {
    status: i32,
    is_closed: bool,
    is_divided: bool,
    /// Of the search attributes.
    attributes: Box<[Mark]>,
}

/// The executions of a namespace, either those in a division or those in none.
#[derive(Debug, Default)]
struct Shelf {
    order: BTreeSet<Place>,
    /// The closed ones.
    by_status: BTreeMap<i32, BTreeSet<Place>>,
    status_counts: BTreeMap<i32, usize>,
    by_value: BTreeSet<(Mark, Place)>,
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
            if let Some(of) = value_type {
                attributes.extend(marks_of_cell(name, &Cell::of(payload, of)));
            }
        }
        let is_divided = row.search_attributes.contains_key(DIVISION);
        let (status, is_closed) = (row.status as i32, row.close_time.is_some());
        let entry = Entry { status, is_closed, is_divided, attributes: attributes.into() };
        let shelf = self.shelves.entry((row.namespace, is_divided)).or_default();
        let place = Place::new(row, is_closed, key);
        shelf.order.insert(place);
        if is_closed {
            shelf.by_status.entry(status).or_default().insert(place);
        }
        *shelf.status_counts.entry(status).or_default() += 1;
        shelf.by_value.extend(marks(row, &entry).map(|mark| (mark, place)));
        self.entries.insert(key, entry);
    }

    /// An execution is no more, whose row is or was this.
    pub(super) fn remove(&mut self, key: Key, row: &Row<'_>) {
        let Some(entry) = self.entries.remove(&key) else { return };
        let Some(shelf) = self.shelves.get_mut(&(row.namespace, entry.is_divided)) else { return };
        let place = Place::new(row, entry.is_closed, key);
        let was_there = shelf.order.remove(&place);
        debug_assert!(was_there, "what an execution is ordered by has changed besides its close: {place:?}");
        if let Some(places) = shelf.by_status.get_mut(&entry.status) {
            places.remove(&place);
        }
        if let Some(count) = shelf.status_counts.get_mut(&entry.status) {
            *count -= 1;
        }
        for mark in marks(row, &entry) {
            shelf.by_value.remove(&(mark, place));
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

    /// How many the filter means outside divisions, if that can be told without a look at each. Two texts with one hash would be
    /// counted as one: among a million texts, that is one chance in thirty million.
    pub(super) fn count(&self, namespace: NamespaceId, filter: &ListFilter) -> Option<usize> {
        if filter.mentions_division {
            return None;
        }
        let Some(shelf) = self.shelves.get(&(namespace, false)) else { return Some(0) };
        if filter.is_unconditional() {
            return Some(shelf.order.len());
        }
        let (column, value) = filter.only_equality()?;
        match Search::of(&[Needle { column, value: Sought::Value(value) }])?.1 {
            Search::Status(status) => Some(shelf.status_counts.get(&(status as i32)).copied().unwrap_or(0)),
            Search::Values(marks) if matches!(value, Scalar::Text(_)) => {
                Some(marks.into_iter().map(|mark| shelf.marked(mark, FIRST).count()).sum())
            }
            Search::Values(_) | Search::Span(..) | Search::Places(_) => None,
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
        let first = from.unwrap_or(FIRST);
        let searches = filter.needles().into_iter().filter_map(|group| Search::of(&group));
        let searches = searches.filter_map(|(rank, search)| match search {
            Search::Span(from, to) => Some((rank, Search::Places(self.between(from, to, first)?))),
            other => Some((rank, other)),
        });
        match searches.min_by_key(|(rank, _)| *rank).map(|(_, search)| search) {
            Some(Search::Values(marks)) => match marks[..] {
                [mark] => Box::new(self.marked(mark, first)),
                _ => Box::new(merged(marks.into_iter().map(move |mark| self.marked(mark, first)))),
            },
            Some(Search::Places(places)) => Box::new(places.into_iter()),
            Some(Search::Status(status)) if [Status::Running, Status::Paused].contains(&status) => {
                Box::new(self.order.range(first..).take_while(|place| place.is_open()).copied())
            }
            Some(Search::Status(status)) => {
                let status = status as i32;
                let closed = self.by_status.get(&status).map(|places| places.range(first..)).into_iter().flatten();
                Box::new(closed.copied())
            }
            Some(Search::Span(..)) | None => Box::new(self.order.range(first..).copied()),
        }
    }

    /// Where those are that have a value of this mark, from a place on.
    fn marked(&self, mark: Mark, first: Place) -> impl Iterator<Item = Place> {
        self.by_value.range((mark, first)..).take_while(move |(of, _)| *of == mark).map(|(_, place)| *place)
    }

    /// Where those are whose marks are from one to another, from a place on; `None` if they are many.
    fn between(&self, from: Mark, to: Mark, first: Place) -> Option<BTreeSet<Place>> {
        let all = self.by_value.range((from, FIRST)..).take_while(|(mark, _)| *mark <= to).take(SPAN_MAX + 1);
        let places: Vec<Place> = all.map(|(_, place)| *place).collect();
        (places.len() <= SPAN_MAX).then(|| places.into_iter().filter(|place| *place >= first).collect())
    }
}

/// What is in one at least of these, each of which is in order: in order, and once.
fn merged(all: impl Iterator<Item = impl Iterator<Item = Place>>) -> impl Iterator<Item = Place> {
    let mut all: Vec<_> = all.map(Iterator::peekable).collect();
    std::iter::from_fn(move || {
        let next = *all.iter_mut().filter_map(Peekable::peek).min()?;
        for places in &mut all {
            places.next_if_eq(&next);
        }
        Some(next)
    })
}

/// What a search begins with.
enum Search {
    /// With one of these marks.
    Values(Vec<Mark>),
    /// With a mark from one to another.
    Span(Mark, Mark),
    /// In these places.
    Places(BTreeSet<Place>),
    Status(Status),
}

impl Search {
    /// What finds the rows that have one of these, and how many others it may find: the lower, the fewer.
    fn of(group: &[Needle<'_>]) -> Option<(u8, Self)> {
        if let [Needle { column, value: Sought::Value(Scalar::Int(status)) }] = group
            && column.source == Source::System(SystemColumn::ExecutionStatus)
        {
            let status = Status::try_from(i32::try_from(*status).ok()?).ok()?;
            return Some((4, Self::Status(status)));
        }
        if let [Needle { column, value: Sought::Span(from, to) }] = group {
            let (_, name) = indexed(column).filter(|_| !matches!(column.value_type, Type::Keyword | Type::KeywordList))?;
            let (from, to) = (from.map_or(Some(0), rank), to.map_or(Some(u64::MAX), |to| Some(rank(to)?.saturating_add(1))));
            return Some((2, Self::Span((hash(name), from?), (hash(name), to?))));
        }
        let mut worst = 0;
        let mut marks = Vec::new();
        for Needle { column, value } in group {
            let (of_column, name) = indexed(column)?;
            worst = worst.max(of_column);
            marks.push(match value {
                Sought::Value(value) => mark_of_scalar(name, value)?,
                Sought::Word(word) => (hash(name), hash(*word)),
                Sought::Span(..) => return None,
            });
        }
        Some((worst, Self::Values(marks)))
    }
}

/// The name under which a column's values are indexed, and how many rows may have one value: the lower, the fewer.
fn indexed(column: &Column) -> Option<(u8, &str)> {
    match &column.source {
        Source::System(SystemColumn::RunId) => Some((0, "RunId")),
        Source::System(SystemColumn::WorkflowId) => Some((0, "WorkflowId")),
        Source::Attribute(name) if is_indexed(column.value_type) => Some((1, name)),
        Source::System(SystemColumn::WorkflowType) => Some((3, "WorkflowType")),
        _ => None,
    }
}

/// Whether equal values of this type are found by their hash.
fn is_indexed(value_type: Type) -> bool {
    value_type != Type::Text
}

/// The marks by which an execution is found.
fn marks(row: &Row<'_>, entry: &Entry) -> impl Iterator<Item = Mark> {
    let system = [("WorkflowId", row.id), ("RunId", row.run_id), ("WorkflowType", row.type_name)];
    system.into_iter().map(|(name, text)| (hash(name), hash(text))).chain(entry.attributes.iter().copied())
}

fn marks_of_cell(name: &str, cell: &Cell<'_>) -> Vec<Mark> {
    let values = match cell {
        Cell::Text(text) => vec![hash(&**text)],
        Cell::Texts(keywords) => {
            let words = keywords.iter().flat_map(|keyword| list_filter::of_keyword(keyword));
            words.map(|word| hash(word.as_str())).collect()
        }
        Cell::Int(value) | Cell::Millis(value) => vec![in_order(*value as f64)],
        Cell::Double(value) => vec![in_order(*value)],
        Cell::Bool(value) => vec![u64::from(*value)],
        Cell::Micros(_) | Cell::Null => Vec::new(),
    };
    values.into_iter().map(|value| (hash(name), value)).collect()
}

/// `None`: no attribute has this value, or it is not known.
fn mark_of_scalar(name: &str, value: &Scalar) -> Option<Mark> {
    let value = match value {
        Scalar::Text(text) => hash(&**text),
        Scalar::Bool(value) => u64::from(*value),
        // An attribute's instants have milliseconds.
        Scalar::Micros(value) if value % 1000 != 0 => return None,
        number => rank(number)?,
    };
    Some((hash(name), value))
}

/// A number or an instant among those of attributes. Neighbours may have the same.
fn rank(value: &Scalar) -> Option<u64> {
    Some(match value {
        Scalar::Int(value) => in_order(*value as f64),
        Scalar::Double(value) => in_order(*value),
        Scalar::Micros(value) => in_order(value.div_euclid(1000) as f64),
        Scalar::Text(_) | Scalar::Bool(_) => return None,
    })
}

/// Numbers in the order of those that they stand for. Equal ones are equal.
fn in_order(value: f64) -> u64 {
    let bits = if value == 0.0 { 0 } else { value.to_bits() };
    if value < 0.0 { !bits } else { bits | 1 << 63 }
}

fn hash<T: Hash + ?Sized>(value: &T) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
