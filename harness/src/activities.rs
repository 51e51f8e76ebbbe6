//! Activities under simulation. An interceptor around each attempt knows which attempt it is and makes it go wrong as the plan
//! of faults says. The activity's own code is unchanged.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::{Duration, SystemTime},
};

use foretime_campaign::{
    attempt::Attempt,
    faults::{
        Deed,
        plan::{ActivityFailure, Mishap, Slow},
    },
    log::{Outcome, SlowWhen, Span, Struck, What},
    process::ProcessId,
};
use temporalio_sdk::{
    ApplicationFailure,
    activities::ActivityError,
    interceptors::{ActivityInboundInterceptor, ExecuteActivityInput, ExecuteActivityOutput, Next},
};

use crate::world::{About, State, World, attempt};

/// An attempt that has begun. It is under way until this is dropped.
struct Begun<'a> {
    world: &'a World,
    process: ProcessId,
    number: u64,
    /// Its span in the log, if spans are kept.
    span: Option<usize>,
}

impl Begun<'_> {
    /// Notes that its code has ended.
    fn end(&self, is_ok: bool) {
        let Some(span) = self.span else { return };
        self.world.enter(|state| {
            let now_ns = state.now_ns();
            if state.lives.is_alive(self.process) {
                state.log.end_span(span, now_ns, if is_ok { Outcome::Completed } else { Outcome::Failed });
            }
        });
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        self.world.enter(|state| state.under_way.end(self.number));
    }
}

/// The interceptor of one life of a worker.
#[derive(Debug)]
pub(crate) struct Activities {
    pub(crate) world: Arc<World>,
    pub(crate) process: ProcessId,
}

impl ActivityInboundInterceptor for Activities {
    fn execute_activity<'a>(
        &'a self,
        input: ExecuteActivityInput,
        next: Next<'a, ExecuteActivityInput, ExecuteActivityOutput<'a>>,
    ) -> ExecuteActivityOutput<'a> {
        let info = input.activity_info();
        let attempt = Attempt {
            workflow_id: info.workflow_id.clone().unwrap_or_default(),
            run_id: info.workflow_run_id.clone().unwrap_or_default(),
            activity_id: info.activity_id.clone(),
            activity_type: info.activity_type.clone(),
            attempt: info.attempt,
        };
        let left = info.deadline.and_then(|deadline| deadline.duration_since(SystemTime::now()).ok());
        let patience = [left, info.heartbeat_timeout].into_iter().flatten().filter(|it| !it.is_zero()).min();
        let run = async move {
            let Some((mishap, begun)) = self.begin(&attempt, patience) else {
                // The process has been killed; it runs no code of the activity.
                return std::future::pending().await;
            };
            let outcome = match mishap.failure {
                Some(failure) if !failure.after_work => {
                    self.slowly(&attempt, std::future::ready(()), mishap.slow).await;
                    Err(failed(&failure))
                }
                failure => {
                    let work = attempt::within(begun.number, attempt.clone(), next.run(input));
                    let outcome = self.slowly(&attempt, work, mishap.slow).await;
                    if mishap.hangs {
                        std::future::pending::<()>().await;
                    }
                    failure.map_or(outcome, |failure| Err(failed(&failure)))
                }
            };
            // Completing it later has nothing to do with this process.
            begun.end(matches!(outcome, Ok(_) | Err(ActivityError::WillCompleteAsync)));
            outcome
        };
        Box::pin(run)
    }
}

impl Activities {
    /// Does the work, with a delay where one is planned.
    async fn slowly<T>(&self, attempt: &Attempt, work: impl Future<Output = T>, slow: Option<Slow>) -> T {
        let Some(Slow { latency, after_awaits }) = slow else { return work.await };
        let mut work = pin!(work);
        let mut awaits = 0;
        let done = poll_fn(|context| {
            if awaits == after_awaits {
                return Poll::Ready(None);
            }
            let polled = work.as_mut().poll(context);
            awaits += 1;
            polled.map(Some)
        });
        let done = done.await;
        let when = match &done {
            Some(_) => SlowWhen::After,
            None if after_awaits == 0 => SlowWhen::Before,
            None => SlowWhen::Amid,
        };
        let slow = Struck::ActivitySlow { attempt: attempt.clone(), by: latency, when };
        self.world.enter(|state| state.note_mishap(self.process, slow));
        tokio::time::sleep(latency).await;
        match done {
            Some(done) => done,
            None => work.await,
        }
    }

    /// Begins an attempt that is given up after `patience`; `None` if its process is killed first.
    fn begin(&self, attempt: &Attempt, patience: Option<Duration>) -> Option<(Mishap, Begun<'_>)> {
        self.world.enter(|state| {
            if !state.lives.is_alive(self.process) {
                return None;
            }
            let kept = state.log.is_detailed().then(|| attempt.clone());
            let deed = Deed::Attempt { activity_type: &attempt.activity_type, patience };
            let verdict = state.verdict(self.process, deed, About { attempt: kept, workflow_id: None });
            if verdict.is_crash() {
                return None;
            }
            state.activity_begins(&attempt.activity_type);
            let mishap = verdict.mishap;
            state.note_mishaps(self.process, attempt, &mishap);
            let span = if state.log.is_detailed() { Some(state.begin_span(self.process, attempt)) } else { None };
            let number = state.under_way.begin(self.process, attempt.clone());
            Some((mishap, Begun { world: &self.world, process: self.process, number, span }))
        })
    }
}

impl State {
    fn begin_span(&mut self, process: ProcessId, attempt: &Attempt) -> usize {
        self.log.begin_span(Span {
            process,
            from_ns: self.now_ns(),
            to_ns: None,
            type_name: attempt.activity_type.clone(),
            workflow_id: attempt.workflow_id.clone(),
            run_id: attempt.run_id.clone(),
            activity_id: Some(attempt.activity_id.clone()),
            attempt: attempt.attempt,
            resumes_from: self.heartbeat_before(attempt),
            from_step: 0,
            to_step: None,
            outcome: Outcome::Open,
        })
    }

    /// Notes what befalls this attempt, except for slowness, which is noted when it happens.
    fn note_mishaps(&mut self, process: ProcessId, attempt: &Attempt, mishap: &Mishap) {
        if let Some(failure) = &mishap.failure {
            let ActivityFailure { after_work, error_type } = failure.clone();
            self.note_mishap(process, Struck::ActivityFailure { attempt: attempt.clone(), error_type, after_work });
        }
        if mishap.hangs {
            self.note_mishap(process, Struck::ActivityHang { attempt: attempt.clone() });
        }
    }

    /// Notes that something befalls an attempt, unless its process has been killed.
    fn note_mishap(&mut self, process: ProcessId, struck: Struck) {
        if self.lives.is_alive(process) {
            self.note(Some(process), What::Fault(struck));
        }
    }
}

fn failed(failure: &ActivityFailure) -> ActivityError {
    let when = if failure.after_work { "after its work" } else { "before its work" };
    let source = std::io::Error::other(format!("simulated: the attempt failed {when}"));
    let failure = ApplicationFailure::builder(source).type_name(failure.error_type.clone()).build();
    ActivityError::from(failure)
}
