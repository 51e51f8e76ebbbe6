//! What a run began with, and what its clients did: the inputs, the date, the actions.

use super::Teller;
use crate::{
    calendar,
    choices::Input,
    log::{Entry, What},
    time::Start,
    view::View,
    words::{after, capital},
};

/// The most inputs that are told.
const INPUTS_TOLD_MAX: usize = 20;

/// The most actions of clients that are told.
const ACTIONS_TOLD_MAX: usize = 12;

/// With more draws of chance than these, none is told.
const CHANCE_TOLD_MAX: usize = 6;

impl Teller<'_> {
    /// Concludes when the run began, unless it was on the plain date.
    pub(super) fn when_it_began(&mut self) {
        let starts_at = self.view.starts_at;
        if starts_at == Start::PLAIN {
            return;
        }
        self.conclude(format!("It began on {}.", calendar::in_words(starts_at)));
        for change in calendar::changes_in(starts_at, self.view.now_ns) {
            self.conclude(format!("Meanwhile {change}."));
        }
        if self.known.passes_on_plain_date {
            self.conclude(format!("On {} the run passes.", Start::PLAIN.date_time().date()));
        }
    }

    /// Tells what clients of the test did before the failure: the last of it, if it is much.
    pub(super) fn what_clients_did(&mut self) {
        let actions = self.view.log.entries.iter().filter_map(|entry| match &entry.what {
            What::Action { client, action } => {
                Some((entry, format!("{} {client} did {action}.", capital(&after(entry.at_ns)))))
            }
            _ => None,
        });
        let actions: Vec<(&Entry, String)> = actions.collect();
        let skipped = actions.len().saturating_sub(ACTIONS_TOLD_MAX);
        for (entry, sentence) in actions.into_iter().skip(skipped) {
            self.point(entry, sentence);
        }
    }
}

/// The inputs of the run, a line each. Chance is told only if there is little of it.
pub(super) fn inputs(view: &View<'_>) -> Vec<String> {
    let (given, mut chance): (Vec<&Input>, Vec<&Input>) = view.choices.inputs().iter().partition(|input| input.is_given);
    if chance.len() > CHANCE_TOLD_MAX {
        chance.clear();
    }
    let told = given.iter().take(INPUTS_TOLD_MAX).chain(&chance);
    let mut lines: Vec<String> = told.map(|input| format!("{} = {}", input.name, input.value)).collect();
    if given.len() > INPUTS_TOLD_MAX {
        lines.push(format!("{} more inputs are in the report.", given.len() - INPUTS_TOLD_MAX));
    }
    lines
}
