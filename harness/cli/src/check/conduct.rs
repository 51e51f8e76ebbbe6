//! Conducts the check: starts the worker, waits until it polls, and gives it the chosen histories.

use std::collections::BTreeSet;

use foretime_examine::{
    conduct::{self, Conducted, Terms},
    gather::Gathered,
};

use super::{Plan, options::Limits, progress::Progress, session::Session};
use crate::failure::Failure;

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
            progress.checking(chosen.len());
            let Limits { answer_timeout, jobs, .. } = plan.limits;
            let terms = Terms { strict: plan.strict, answer_timeout, jobs: jobs as usize, hold: plan.hold };
            conduct::all(terms, &session.server, &mut session.worker, &pollers, chosen, progress).await
        }
        Err(why) => chosen.into_iter().map(|it| it.unchecked(&why)).collect(),
    };
    session.stop().await;
    Ok(conducted)
}
