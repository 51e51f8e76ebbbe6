//! Carries out, in virtual time, the verdicts on the messages of workers and of struck clients.

use std::time::Duration;

use bytes::Bytes;

use super::{CallId, LONG_POLL, Refused, nanos};
use crate::world::{About, Happening, State};

use foretime_campaign::{
    choices::Label,
    faults::{Deed, Loss, Verdict},
    log::{Call, Struck, Way, What},
    process::ProcessId,
};

/// How long a message is under way.
const LATENCY: (Duration, Duration) = (Duration::from_micros(100), Duration::from_millis(3));

impl State {
    /// What befalls a process in this deed, which is part of this call.
    pub(super) fn verdict_on_call(&mut self, id: CallId, process: ProcessId, deed: Deed<'_>) -> Verdict {
        let Call { outcome_of, workflow_id, .. } = self.logged(id, "");
        self.verdict(process, deed, About { attempt: outcome_of, workflow_id })
    }

    /// Cuts a worker off for this long, from now on.
    pub(super) fn cut_off(&mut self, process: ProcessId, span: Duration) {
        self.lives.control_mut(process).cut_until_ns = self.now_ns + nanos(span);
        self.note(Some(process), What::Fault(Struck::Cut { span }));
        // The server goes on giving tasks to the polls that it has, for as long as a poll lasts there.
        self.agenda.add(self.now_ns + nanos(LONG_POLL), Happening::EndPolls(process));
    }

    /// Loses a request: it does not reach the server. `timeout`: when its sender gives up.
    pub(super) fn lose(&mut self, id: CallId, process: ProcessId, rpc: &str, loss: Loss, timeout: Duration) {
        let call = self.logged(id, rpc);
        let (struck, answer) = match loss {
            Loss::CutOff | Loss::Reply => (None, Err(Refused::unreachable())),
            Loss::Unavailable => (Some(Struck::Unavailable(call)), Err(Refused::unreachable())),
            Loss::ResourceExhausted => (Some(Struck::ResourceExhausted(call)), Err(Refused::busy())),
            Loss::DeadlineExceeded => (Some(Struck::DeadlineExceeded { call, timeout }), Err(Refused::unheard())),
            Loss::Heartbeat => (Some(Struck::HeartbeatLost(call)), Ok(Bytes::new())),
        };
        if let Some(struck) = struck {
            self.note(Some(process), What::Fault(struck));
        }
        let after = if loss == Loss::DeadlineExceeded { nanos(timeout) } else { self.latency() };
        self.agenda.add(self.now_ns + after, Happening::Reply(id, answer));
    }

    pub(in crate::world) fn latency(&mut self) -> u64 {
        let from = nanos(LATENCY.0);
        from + self.choices.below(Label::Latency, nanos(LATENCY.1) - from)
    }

    /// How long a message takes, delayed or not.
    pub(super) fn transit(&mut self, id: CallId, process: ProcessId, way: Way, rpc: &str, delay: Option<Duration>) -> u64 {
        let Some(by) = delay else { return self.latency() };
        let call = self.logged(id, rpc);
        self.note(Some(process), What::Fault(Struck::Delay { call, way, by }));
        nanos(by)
    }

    /// A call, as the log records it.
    pub(super) fn logged(&self, id: CallId, rpc: &str) -> Call {
        let pending = self.wire.pending.get(&id);
        let (outcome_of, workflow_id) =
            pending.map(|call| (call.outcome_of.clone(), call.workflow_id.clone())).unwrap_or_default();
        Call { rpc: rpc.to_owned(), outcome_of, workflow_id }
    }
}
