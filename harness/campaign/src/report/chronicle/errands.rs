//! The calls of struck clients' processes that came to nothing, as their callers learned of it.

use super::{Interest, Moment, name, spoken};
use crate::{
    log::{ErrandStep, What},
    view::View,
};

/// The moments of all calls that came to nothing.
pub(super) fn moments<'a>(view: &'a View<'a>) -> impl Iterator<Item = Moment> + 'a {
    view.log.entries.iter().filter_map(|entry| {
        let What::Errand { client, number, step } = &entry.what else { return None };
        let (who, client) = (name(view, entry.process?), spoken(client));
        let (text, interest) = match step {
            ErrandStep::Lost => (format!("{who} lost its call {number} to {client}, which ended meanwhile"), Interest::Turn),
            ErrandStep::Panicked => (format!("call {number} to {client} panicked"), Interest::Turn),
            // A caller that tries again and again is refused often.
            ErrandStep::Refused => (format!("{who} was refused its call {number} to {client}, which was down"), Interest::Well),
            ErrandStep::Begins | ErrandStep::Ends | ErrandStep::GivenUp => return None,
        };
        Some(Moment::new(entry.at_ns, entry.step, text, interest))
    })
}
