//! What the operating system asks the world and reports to it.

use std::{sync::Arc, time::Duration};

use foretime_campaign::{
    finding::{Refused, Wrong},
    process::{ProcessId, Role},
};

use super::{World, attempt, place};
use crate::os::{self, Step, ThreadId};

/// See the module's page.
#[derive(Clone, Debug)]
pub(crate) struct Scheduler(pub(crate) Arc<World>);

impl os::World for Scheduler {
    fn step(&self, now_ns: u64, ready: &[(ThreadId, ProcessId)]) -> Step {
        let mut state = self.0.lock();
        state.now_ns = now_ns;
        state.step(&self.0, ready)
    }

    fn stuck(&self) -> bool {
        self.0.lock().at_a_standstill(&self.0)
    }

    fn refused(&self, process: ProcessId, what: &'static str, whom: Option<String>) {
        let mut state = self.0.lock();
        let refused = Refused {
            process: state.lives.get(process).name.clone(),
            what,
            whom,
            amid: attempt::current().or_else(|| state.under_way.only_one_of(process).cloned()),
            // It takes seconds to find, and only a report shows it.
            place: if state.log.is_detailed() { place::of_user() } else { None },
        };
        state.find(Some(process), Wrong::Refused(Box::new(refused)));
    }

    fn sleeps(&self, thread: ThreadId, process: ProcessId, span: Duration) {
        let mut state = self.0.lock();
        let (life, control) = (state.lives.get(process), state.lives.control(process));
        // Any other code of the user that runs there is an activity's.
        let is_workflow_code = matches!(life.role, Role::Worker(_)) && control.main == thread && attempt::current().is_none();
        if is_workflow_code && !control.is_doomed {
            let worker = life.name.clone();
            state.find(Some(process), Wrong::SleepsOnThread { worker, span });
        }
    }

    fn thread_ended(&self, thread: ThreadId, process: ProcessId) {
        if self.0.lock().lives.control(process).main == thread {
            os::freeze(process);
        }
    }

    fn turn_kept(&self, report: &str) -> bool {
        let Some(mut state) = self.0.try_lock() else { return false };
        state.find(None, Wrong::TurnKept { report: report.to_owned() });
        true
    }
}
