//! Has the worker attend: starts it as its SDK needs it, and gives it the histories.

use std::collections::BTreeSet;

use foretime_examine::{
    conduct::{self, Conducted, Pollers, Terms},
    examine::{Family, REPLAY_NAMESPACE},
    gather::Gathered,
};
use foretime_server::proto::foretimeservice::Poller;

use super::{Plan, options::Limits, session::Session, worker::Launch};
use crate::failure::Failure;

/// Checks what was gathered.
///
/// # Errors
/// The address is taken, or the worker's program cannot be started.
pub(super) async fn conduct(plan: &Plan, gathered: &Gathered, progress: impl Fn(usize)) -> Result<Conducted, Failure> {
    let chosen = conduct::chosen(gathered, |recorded| plan.queue_of(recorded));
    let queues: BTreeSet<String> = chosen.iter().map(|it| it.task_queue().to_owned()).collect();
    let mut conducted = Conducted::default();
    if chosen.is_empty() {
        return Ok(conducted);
    }
    let (mut session, pollers) = match started(plan, &queues, &mut conducted.remarks).await? {
        Ok(started) => started,
        Err(why) => {
            conducted.checked = chosen.into_iter().map(|it| it.unchecked(&why)).collect();
            return Ok(conducted);
        }
    };
    let Limits { answer_timeout, jobs, .. } = plan.limits;
    let terms = Terms { strict: plan.strict, answer_timeout, jobs: jobs as usize };
    conducted.checked = conduct::all(terms, &session.server, &mut session.worker, &pollers, chosen, progress).await;
    session.stop().await;
    Ok(conducted)
}

type Started = (Session, Pollers);

/// Starts the worker. Go's compares everything only in a namespace of its own, so it is started again there, if it can be.
async fn started(
    plan: &Plan,
    queues: &BTreeSet<String>,
    remarks: &mut Vec<String>,
) -> Result<Result<Started, String>, Failure> {
    let mut session = Session::start(plan.address, plan.launch.clone())?;
    let pollers = match session.attendance(queues, &plan.limits).await {
        Ok(pollers) => pollers,
        Err(why) => {
            session.stop().await;
            return Ok(Err(why));
        }
    };
    let is_go = |poller: &Poller| Family::of(&poller.client_name) == Family::Go && poller.namespace != REPLAY_NAMESPACE;
    if !pollers.values().flatten().any(is_go) {
        return Ok(Ok((session, pollers)));
    }
    let limited = "Go's SDK compares commands with events in the namespace ReplayNamespace alone; elsewhere it does not look at what a \
                   run's last task asks for, so only Foretime's own comparison does";
    let Some(launch) = &plan.launch else {
        remarks.push(format!("{limited}. Start the worker with TEMPORAL_NAMESPACE={REPLAY_NAMESPACE} to have all checked"));
        return Ok(Ok((session, pollers)));
    };
    session.stop().await;
    let launch = Launch { namespace: REPLAY_NAMESPACE.to_owned(), ..launch.clone() };
    let mut session = Session::start(plan.address, Some(launch))?;
    match session.attendance(queues, &plan.limits).await {
        Ok(pollers) => {
            if pollers.values().flatten().any(is_go) {
                remarks.push(format!("{limited}. The worker does not take its namespace from TEMPORAL_NAMESPACE"));
            }
            Ok(Ok((session, pollers)))
        }
        Err(why) => {
            session.stop().await;
            Ok(Err(why))
        }
    }
}
