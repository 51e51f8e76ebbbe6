//! What is listed: all as it is now or, where listings are late, as it was a while ago.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use super::index::Index;
use crate::engine::{
    execution::{found::PastRow, machine::Row},
    kernel::{
        key::{Key, NamespaceId},
        time::Time,
    },
    rules::search_attributes::Registry,
};

/// What is known of all executions, to find them.
#[derive(Debug, Default)]
pub(crate) struct Visibility {
    pub(super) index: Index,
    /// Only where listings are late.
    pub(super) lag: Option<Lag>,
}

/// Listings that are late.
#[derive(Debug)]
pub(super) struct Lag {
    span: Duration,
    /// What is listed, as it was.
    pub(super) shown: BTreeMap<Key, PastRow>,
    /// What is to be listed and when (virtual), in order; `None`: no more.
    coming: VecDeque<(Time, Key, Option<PastRow>)>,
}

impl Visibility {
    /// Listings are late by this (virtual) time.
    pub(crate) fn new(lag: Duration) -> Self {
        let lag = (!lag.is_zero()).then(|| Lag { span: lag, shown: BTreeMap::new(), coming: VecDeque::new() });
        Self { index: Index::default(), lag }
    }

    /// An execution is new, or has changed.
    pub(super) fn record(&mut self, now: Time, key: Key, row: &Row<'_>, registry: &Registry) {
        match &mut self.lag {
            None => self.index.record(key, row, registry),
            Some(lag) => lag.coming.push_back((now + lag.span, key, Some(PastRow::new(row)))),
        }
    }

    /// An execution is no more, whose last row is this.
    pub(super) fn remove(&mut self, now: Time, key: Key, row: &Row<'_>) {
        match &mut self.lag {
            None => self.index.remove(key, row),
            Some(lag) => lag.coming.push_back((now + lag.span, key, None)),
        }
    }

    /// Lists what is due by now.
    pub(super) fn catch_up<'a>(&mut self, now: Time, registry: impl Fn(NamespaceId) -> &'a Registry) {
        let Self { index, lag: Some(lag) } = self else { return };
        while lag.coming.front().is_some_and(|(due, ..)| *due <= now) {
            let Some((_, key, row)) = lag.coming.pop_front() else { return };
            if let Some(before) = lag.shown.remove(&key) {
                index.remove(key, &before.row());
            }
            if let Some(row) = row {
                index.record(key, &row.row(), registry(row.row().namespace));
                lag.shown.insert(key, row);
            }
        }
    }
}
