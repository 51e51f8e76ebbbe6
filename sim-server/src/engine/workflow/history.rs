//! One run's history, stored encoded: a decoded `HistoryEvent` costs 2 KiB, its bytes about 50.
//!
//! The bytes are those of a `temporal.api.history.v1.History` message, in pieces that never move: a buffer that grows leaves holes in
//! memory that a hundred thousand open workflows multiply.

use prost::{Message, encoding::message};

use crate::proto::history::{History as HistoryProto, HistoryEvent};

/// The tag of `History.events`.
const EVENTS_TAG: u32 = 1;

/// Set in `History::ends` on the last event of a batch.
const LAST_OF_BATCH: u32 = 1 << 31;

/// What the first piece of a history has room for. Most have a few events.
const FIRST_PIECE_BYTES: usize = 512;
/// What each other piece has room for, unless one event needs more.
const PIECE_BYTES: usize = 1024;

/// Written events, ids 1 to `last_id`, in batches: what one transaction writes is never torn apart by a page.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct History {
    pieces: Vec<Piece>,
    /// Where each event ends, counted from the beginning of the history, with [`LAST_OF_BATCH`].
    ends: Vec<u32>,
}

/// Some whole events.
#[derive(Clone, Debug, PartialEq)]
struct Piece {
    /// Where it begins, counted from the beginning of the history.
    start: usize,
    bytes: Vec<u8>,
}

impl Piece {
    fn end(&self) -> usize {
        self.start + self.bytes.len()
    }
}

impl History {
    pub(crate) fn push(&mut self, event: &HistoryEvent) {
        debug_assert_eq!(event.event_id, self.next_id());
        append(self.room_for(message::encoded_len(EVENTS_TAG, event)), event);
        self.ends.push(u32::try_from(self.size_bytes()).unwrap_or(u32::MAX) & !LAST_OF_BATCH);
    }

    /// The bytes of the last piece, with room for as many more.
    fn room_for(&mut self, count: usize) -> &mut Vec<u8> {
        let has_room = |piece: &Piece| piece.bytes.capacity() - piece.bytes.len() >= count;
        if !self.pieces.last().is_some_and(has_room) {
            let usual = if self.pieces.is_empty() { FIRST_PIECE_BYTES } else { PIECE_BYTES };
            self.pieces.push(Piece { start: self.size_bytes(), bytes: Vec::with_capacity(usual.max(count)) });
        }
        let last = self.pieces.len() - 1;
        &mut self.pieces[last].bytes
    }

    /// What is written from now on belongs to another batch.
    pub(crate) fn end_batch(&mut self) {
        if let Some(end) = self.ends.last_mut() {
            *end |= LAST_OF_BATCH;
        }
    }

    pub(crate) fn last_id(&self) -> i64 {
        self.ends.len() as i64
    }

    pub(crate) fn next_id(&self) -> i64 {
        self.last_id() + 1
    }

    pub(crate) fn size_bytes(&self) -> usize {
        self.pieces.last().map_or(0, Piece::end)
    }

    /// The encoded events `from..until` (ids), as a `History` message.
    pub(crate) fn encoded(&self, from: i64, until: i64) -> Vec<u8> {
        let (start, end) = (self.start_of(from), self.start_of(until));
        let mut bytes = Vec::with_capacity(end.saturating_sub(start));
        let first = self.pieces.partition_point(|piece| piece.end() <= start);
        for piece in self.pieces[first..].iter().take_while(|piece| piece.start < end) {
            bytes.extend_from_slice(&piece.bytes[start.max(piece.start) - piece.start..end.min(piece.end()) - piece.start]);
        }
        bytes
    }

    /// A page that starts at `from`: up to `batch_count_max` whole batches and about `bytes_max` bytes.
    pub(crate) fn page(&self, from: i64, until: i64, batch_count_max: usize, bytes_max: usize) -> Page {
        let start = self.start_of(from);
        let mut page = Page { end: from, is_full: false };
        for _ in 0..batch_count_max {
            let batch_end = self.batch_end(page.end).min(until);
            if page.end >= until || page.end > from && self.start_of(batch_end) - start > bytes_max {
                return page;
            }
            page.end = batch_end;
        }
        page.is_full = true;
        page
    }

    /// Where a page starts that ends before `until` and is read backwards: up to `batch_count_max` whole batches and about `bytes_max`
    /// bytes.
    pub(crate) fn page_back(&self, until: i64, batch_count_max: usize, bytes_max: usize) -> i64 {
        let end = self.start_of(until);
        let mut from = until;
        for _ in 0..batch_count_max {
            let batch = self.batch_start(from);
            if from <= 1 || from < until && end - self.start_of(batch) > bytes_max {
                break;
            }
            from = batch;
        }
        from
    }

    /// The first event of the batch that ends before `until`.
    fn batch_start(&self, until: i64) -> i64 {
        (1..until).rev().find(|&id| id == 1 || self.ends_batch(id - 1)).unwrap_or(1)
    }

    /// The events `from..until` (ids), each batch the bytes of a `History` message.
    pub(crate) fn batches(&self, from: i64, until: i64) -> impl Iterator<Item = Vec<u8>> {
        let mut next = from;
        std::iter::from_fn(move || {
            if next >= until {
                return None;
            }
            let start = next;
            next = self.batch_end(start).min(until);
            Some(self.encoded(start, next))
        })
    }

    /// The end (exclusive) of the batch that event `id` is in.
    fn batch_end(&self, id: i64) -> i64 {
        let first = usize::try_from(id - 1).unwrap_or(0);
        let rest = self.ends.get(first..).unwrap_or_default();
        let count = rest.iter().position(|end| end & LAST_OF_BATCH != 0).map_or(rest.len(), |last| last + 1);
        id + count as i64
    }

    /// Event `id`, decoded.
    pub(crate) fn get(&self, id: i64) -> Option<HistoryEvent> {
        if id < 1 || id > self.last_id() {
            return None;
        }
        let (start, end) = (self.start_of(id), self.start_of(id + 1));
        let piece = &self.pieces[self.pieces.partition_point(|piece| piece.end() <= start)];
        let page = HistoryProto::decode(&piece.bytes[start - piece.start..end - piece.start]).ok()?;
        page.events.into_iter().next()
    }

    /// The events before `until`, as a history of its own.
    pub(crate) fn before(&self, until: i64) -> Self {
        let count = usize::try_from(until - 1).unwrap_or(0).min(self.ends.len());
        let bytes = self.encoded(1, until);
        let pieces = if bytes.is_empty() { Vec::new() } else { vec![Piece { start: 0, bytes }] };
        Self { pieces, ends: self.ends[..count].to_vec() }
    }

    /// Whether event `id` is the last of its batch.
    pub(crate) fn ends_batch(&self, id: i64) -> bool {
        let end = usize::try_from(id - 1).ok().and_then(|index| self.ends.get(index));
        end.is_some_and(|end| end & LAST_OF_BATCH != 0)
    }

    /// Gives back spare room: a closed history does not grow.
    pub(crate) fn shrink(&mut self) {
        if let Some(last) = self.pieces.last_mut() {
            last.bytes.shrink_to_fit();
        }
        self.pieces.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    fn start_of(&self, id: i64) -> usize {
        if id <= 1 {
            0
        } else {
            self.ends.get(id as usize - 2).map_or(self.size_bytes(), |&end| (end & !LAST_OF_BATCH) as usize)
        }
    }
}

/// A page of history.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    /// Its end (exclusive).
    pub(crate) end: i64,
    /// It has as many batches as it may; the real server then gives a token, though nothing may follow.
    pub(crate) is_full: bool,
}

/// Appends `event` to the bytes of a `History` message.
pub(crate) fn append(bytes: &mut Vec<u8>, event: &HistoryEvent) {
    message::encode(EVENTS_TAG, event, bytes);
}
