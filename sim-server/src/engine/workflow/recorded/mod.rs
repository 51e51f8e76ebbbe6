//! A run's history and what it tells.
//!
//! [`Recorded::write`] appends an event and applies it ([`apply`]). Nothing else changes what history tells ([`told`]), so a
//! run can be rebuilt by applying its events ([`Recorded::rebuild`]). What history does not tell is in [`super::volatile`].

mod apply;
mod told;
mod worker;

use std::{collections::BTreeMap, ops::Deref};

pub(in crate::engine) use told::{Child, Parent, RunPause, ScheduledActivity};

use super::history::History;
use crate::{
    engine::rules::{
        payloads::{self, ExternalPayloads},
        search_attributes::written,
    },
    proto::{common::Payload, history::HistoryEvent},
};
use told::Told;

/// The search attributes that no event tells of.
const UNWRITTEN: [&str; 4] = ["TemporalPauseInfo", "TemporalReportedProblems", EXTERNAL_COUNT, EXTERNAL_SIZE];

/// What a closed run is found by, if payloads of it are stored elsewhere.
const EXTERNAL_COUNT: &str = "TemporalExternalPayloadCount";
const EXTERNAL_SIZE: &str = "TemporalExternalPayloadSizeBytes";

/// A history, and what it tells. All may read what it tells, through [`Deref`].
#[derive(Debug, PartialEq)]
pub(in crate::engine) struct Recorded {
    history: History,
    told: Told,
}

impl Deref for Recorded {
    type Target = Told;

    fn deref(&self) -> &Told {
        &self.told
    }
}

impl Recorded {
    /// The record of a new run.
    pub(super) fn new(run_id: String) -> Self {
        Self { history: History::default(), told: Told::new(run_id) }
    }

    /// The record that this history makes. Batches are the history's own.
    pub(super) fn rebuild(run_id: String, history: History) -> Self {
        let mut told = Told::new(run_id);
        for id in 1..history.next_id() {
            if let Some(mut event) = history.get(id) {
                told.apply(&mut event);
            }
        }
        Self { history, told }
    }

    /// Appends an event, which gets its id, and applies it. What is remembered of it is taken out of it: an event is large, and
    /// not copied without need.
    pub(super) fn write(&mut self, event: &mut HistoryEvent) -> i64 {
        event.event_id = self.history.next_id();
        self.history.push(event);
        self.told.apply(event);
        event.event_id
    }

    /// Sets a search attribute that the server keeps, and that no event tells of; without values it takes it away. It is here all
    /// the same, since a run is found by one set of search attributes.
    pub(super) fn note_unwritten(&mut self, name: &str, values: &[String]) {
        debug_assert!(UNWRITTEN.contains(&name), "{name} may be written");
        if values.is_empty() {
            self.told.search_attributes.remove(name);
        } else {
            written::set_keywords(&mut self.told.search_attributes, name, values);
        }
    }

    /// Sets the search attributes that say what payloads of it are stored elsewhere.
    pub(super) fn note_external_payloads(&mut self) {
        let ExternalPayloads { count, size_bytes } = self.told.external_payloads;
        if count > 0 {
            written::set_int(&mut self.told.search_attributes, EXTERNAL_COUNT, count);
            written::set_int(&mut self.told.search_attributes, EXTERNAL_SIZE, size_bytes);
        }
    }

    /// The search attributes that are described. Those on payloads stored elsewhere are for lists alone.
    pub(super) fn described_search_attributes(&self) -> BTreeMap<String, Payload> {
        let all =
            self.told.search_attributes.iter().filter(|(name, _)| ![EXTERNAL_COUNT, EXTERNAL_SIZE].contains(&name.as_str()));
        all.map(|(name, payload)| (name.clone(), payloads::without_external(payload))).collect()
    }

    /// Takes over what no event tells of.
    pub(super) fn copy_unwritten(&mut self, from: &Self) {
        for name in UNWRITTEN {
            match from.told.search_attributes.get(name) {
                Some(value) => self.told.search_attributes.insert(name.to_owned(), value.clone()),
                None => self.told.search_attributes.remove(name),
            };
        }
    }

    /// What is written from now on belongs to another batch.
    pub(super) fn end_batch(&mut self) {
        self.history.end_batch();
    }

    /// Gives back spare room: a closed history does not grow.
    pub(super) fn shrink(&mut self) {
        self.history.shrink();
    }

    pub(in crate::engine) fn history(&self) -> &History {
        &self.history
    }
}
