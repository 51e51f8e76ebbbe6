//! Conducts the check: starts the worker, waits until it polls, and gives it the chosen histories.

use std::collections::BTreeSet;

use foretime_examine::{
    conduct::{self, Checked, Conducted, Contents, Terms},
    examine::{Decoder, Family},
    gather::Gathered,
    redact::Saved,
};

use super::{Plan, options::Limits, progress::Progress, session::Session};
use crate::failure::{Failure, warn};

/// What can run with --strict, before it does.
const STRICT_GO: &str = "--strict: Go's SDK tells what the code asks for only when it runs each workflow task live; no activity and no local \
                         activity runs, but code behind !workflow.IsReplaying() does, and side effects behind versions that are not recorded";

/// Checks what was gathered.
///
/// # Errors
/// The address is taken, or the worker's program cannot be started.
pub(super) async fn conduct(plan: &Plan, gathered: &Gathered, progress: &Progress) -> Result<Conducted, Failure> {
    let chosen = conduct::chosen(gathered, |recorded| plan.queue_of(recorded));
    let queues: BTreeSet<String> = chosen.iter().map(|it| it.task_queue().to_owned()).collect();
    let mut conducted = Conducted::default();
    if chosen.is_empty() {
        return Ok(conducted);
    }
    let mut session = Session::start(plan.address, plan.launch.clone())?;
    progress.waiting();
    conducted.checked = match session.attendance(&queues, &plan.limits).await {
        Ok(pollers) => {
            if plan.strict && pollers.values().flatten().any(|poller| Family::of(&poller.client_name) == Family::Go) {
                warn(STRICT_GO);
            }
            progress.checking(chosen.len());
            let Limits { answer_timeout, jobs, .. } = plan.limits;
            let contents = Contents {
                decoder: plan.codec.as_ref().map(|codec| codec as &dyn Decoder),
                telling: plan.telling,
                redaction: plan.redaction.as_ref(),
            };
            let terms = Terms { strict: plan.strict, answer_timeout, jobs: jobs as usize, hold: plan.hold, contents };
            conduct::all(terms, &session.server, &mut session.worker, &pollers, chosen, progress).await
        }
        Err(why) => chosen.into_iter().map(|it| it.unchecked(&why)).collect(),
    };
    if !session.refused_calls.is_empty() {
        let calls = session.refused_calls.join(", ");
        conducted.remarks.push(format!("the worker's program called {calls}; nothing begins on the server of a check"));
    }
    session.stop().await;
    conducted.remarks.extend(incomparable(plan, &conducted.checked));
    conducted.remarks.extend(saved(&conducted.checked));
    Ok(conducted)
}

/// What of the payloads could not be compared.
fn incomparable(plan: &Plan, checked: &[Checked]) -> Option<String> {
    let counts = checked.iter().map(|it| it.examined.incomparable_count).filter(|count| *count > 0);
    let (histories, fields) = counts.fold((0, 0), |(histories, fields), count| (histories + 1, fields + count));
    let advice = match plan.codec {
        None => "only their codec can read them; with --codec-endpoint, a codec server decodes them",
        Some(_) => "the codec server has not decoded them",
    };
    (fields > 0).then(|| format!("the payloads of {fields} fields in {histories} histories could not be compared: {advice}"))
}

/// What was saved, redacted.
fn saved(checked: &[Checked]) -> Vec<String> {
    let all: Vec<&Saved> = checked.iter().filter_map(|it| it.saved.as_ref()?.as_ref().ok()).collect();
    let saved = all.iter().map(|it| format!("saved {}, redacted; it replays", it.path.display()));
    let encrypted_count: usize = all.iter().map(|it| it.encrypted_count).sum();
    let encrypted =
        (encrypted_count > 0).then(|| format!("{encrypted_count} payloads are encrypted and were saved as they are"));
    saved.chain(encrypted).collect()
}
