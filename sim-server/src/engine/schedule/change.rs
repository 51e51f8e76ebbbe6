//! What clients change about a schedule: patches and updates (`processPatch`, `processUpdate` in `workflow.go`). A change comes as
//! a request, and is applied in the turn that follows.

use std::{collections::BTreeMap, time::Duration};

use super::schedule::{Schedule, with_defaults};
use crate::{
    engine::{
        execution::Cx,
        kernel::{
            effects::{Effect, Wake},
            time::Time,
        },
        rules::{schedule::spec::Spec, search_attributes::Registry},
    },
    proto::{
        common::Payload,
        schedule::{self as proto, BackfillRequest, SchedulePatch},
    },
};

/// So many backfills wait at most.
const BACKFILLS_MAX: usize = 1000;
/// A backfill starts this long before its start time, so that this is in it.
const BEFORE_START: Duration = Duration::from_millis(1);
/// What a schedule has as a workflow of the real server; clients do not change it.
const RESERVED: [&str; 4] = ["TemporalSchedulePaused", "TemporalNamespaceDivision", "BuildIds", "BinaryChecksums"];

/// A search attribute that an update gives.
#[derive(Debug)]
pub(super) struct Given {
    /// As it came.
    pub(super) data: Vec<u8>,
    /// What is kept of it, if it is another than before. `None`: the attribute is taken away.
    pub(super) kept: Option<Payload>,
}

/// An update of a schedule.
#[derive(Debug)]
pub(super) struct Update {
    /// In its canonical form.
    pub(super) set: proto::Schedule,
    pub(super) spec: Spec,
    /// 0: whatever has changed since.
    pub(super) conflict_token: i64,
    /// `None`: they stay.
    pub(super) search_attributes: Option<BTreeMap<String, Given>>,
}

/// What the next turn applies.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pub(super) patch: Option<SchedulePatch>,
    pub(super) update: Option<Box<Update>>,
}

impl Schedule {
    /// Whether a change with this request id has come.
    fn is_known_change(&mut self, request_id: String) -> bool {
        !request_id.is_empty() && !self.change_ids.insert(request_id)
    }

    /// A patch comes.
    pub(super) fn accept_patch(&mut self, cx: &mut Cx<'_>, patch: SchedulePatch, request_id: String) {
        if !self.is_known_change(request_id) {
            self.pending.patch = Some(patch);
            self.wake(cx);
        }
    }

    /// An update comes.
    pub(super) fn accept_update(&mut self, cx: &mut Cx<'_>, update: Update, request_id: String) {
        if !self.is_known_change(request_id) {
            self.pending.update = Some(Box::new(update));
            self.wake(cx);
        }
    }

    fn wake(&self, cx: &mut Cx<'_>) {
        cx.effects.leave(Effect::Schedule { schedule: self.key, wake: Wake::Turn });
    }

    /// Applies what has come. Whether that was an update.
    pub(super) fn apply_pending(&mut self, now: Time) -> bool {
        let Pending { patch, update } = std::mem::take(&mut self.pending);
        if let Some(patch) = patch {
            self.apply_patch(patch, now);
        }
        update.is_some_and(|update| {
            self.apply_update(*update, now);
            true
        })
    }

    fn apply_patch(&mut self, patch: SchedulePatch, now: Time) {
        if let Some(trigger) = patch.trigger_immediately {
            let at = trigger.scheduled_time.as_ref().map_or(now, Time::from_proto);
            self.add_start(at, at, trigger.overlap_policy, true);
        }
        for backfill in patch.backfill_request {
            if self.backfills.len() >= BACKFILLS_MAX {
                self.info.buffer_dropped += 1;
                continue;
            }
            let start = backfill.start_time.as_ref().map_or(Time::EPOCH, Time::from_proto) - BEFORE_START;
            self.backfills.push_back(BackfillRequest { start_time: Some(start.to_proto()), ..backfill });
        }
        for (notes, paused) in [(patch.pause, true), (patch.unpause, false)] {
            if !notes.is_empty() {
                let state = self.state_mut();
                state.paused = paused;
                state.notes = notes;
                self.has_changed();
            }
        }
    }

    /// An update with the token of another state is dropped without a word.
    fn apply_update(&mut self, update: Update, now: Time) {
        if update.conflict_token != 0 && update.conflict_token != self.conflict_token {
            return;
        }
        self.set = with_defaults(update.set);
        self.spec = update.spec;
        if let Some(search_attributes) = update.search_attributes {
            self.replace_search_attributes(search_attributes);
        }
        self.info.update_time = Some(now.to_proto());
        self.has_changed();
    }

    /// What is not given goes, unless it is one of the server's own (`updateCustomSearchAttributes` in `workflow.go`).
    fn replace_search_attributes(&mut self, given: BTreeMap<String, Given>) {
        let kept = self.search_attributes.iter().filter(|(name, _)| Registry::is_reserved(name));
        let mut all: BTreeMap<_, _> = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
        for (name, Given { data, kept }) in given {
            if RESERVED.contains(&name.as_str()) {
                continue;
            }
            let unchanged = self.search_attributes.get(&name).filter(|before| before.data == data);
            match unchanged.cloned().or(kept) {
                Some(value) => all.insert(name, value),
                None => all.remove(&name),
            };
        }
        self.set_search_attributes(all);
    }
}
