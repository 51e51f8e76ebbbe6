//! What comes of a run, for the runner.

use std::collections::BTreeMap;

use foretime_campaign::{
    case::Case,
    report,
    result::{Order, RunFailure, RunResult},
};
use foretime_server::engine::View;

use crate::world::{STARTS_AT, World};

/// The result of a run that is over. `service`: the server as it is left.
pub(super) fn of(case: &Case, order: &Order, world: &World, service: View<'_>) -> RunResult {
    let choices = &world.choices;
    let failures = world.findings().iter().map(|it| RunFailure {
        kind: it.wrong.kind(),
        title: it.wrong.title(),
        detail: it.wrong.detail(),
        process: world.name(it.process).to_owned(),
        at_ns: it.at_ns,
        likeness: it.wrong.likeness(),
        bare_likeness: None,
    });
    RunResult {
        starts_at: STARTS_AT.unix_s(),
        hash: world.hash(),
        steps: world.log.steps(),
        draws: choices.count(),
        strikes: choices.strikes().to_vec(),
        opportunities: if choices.which().has_no_strikes() { choices.opportunities() } else { BTreeMap::new() },
        rot: choices.rot(),
        virtual_ns: world.now_ns(),
        failures: failures.collect(),
        faults: world.fault_counts(),
        // Workers keep nothing, and each history is replayed in the end.
        replays: world.log.spans.iter().filter(|span| !span.is_activity()).count() as u64,
        replays_checked: service.runs().count() as u64,
        runs_count: service.runs().count() as u64,
        effects_count: world.record.effects.len() as u64,
        claims: world.claims.clone(),
        detail: world.log.is_detailed().then(|| Box::new(report::detail(case, &world.view(service), order))),
        ..RunResult::empty(order.seed)
    }
}
