//! Systems on which nothing is simulated. No thread is ever in a simulation there, and none can be begun.

use std::{sync::Arc, task::Waker};

use super::interface::{ProcessId, Start, ThreadDoes, ThreadId, World};

pub(crate) fn current() -> Option<(ThreadId, ProcessId)> {
    None
}

pub(crate) fn changed_statics() -> Vec<(ProcessId, &'static str)> {
    Vec::new()
}

pub(crate) fn exempt<R>(work: impl FnOnce() -> R) -> R {
    work()
}

pub(crate) fn freeze(_process: ProcessId) {}

pub(crate) fn waits(_process: ProcessId) -> Vec<ThreadDoes> {
    Vec::new()
}

pub(crate) fn wake(_thread: ThreadId, waker: Waker) {
    waker.wake();
}

pub(crate) fn spawn(_process: ProcessId, _name: &str, _work: impl FnOnce() + Send + 'static) -> ThreadId {
    unreachable!("no simulation begins on this system")
}

pub(crate) fn settle() {}

pub(crate) fn run(_start: Start, _world: Arc<dyn World>, _begin: impl FnOnce()) {
    unreachable!("no simulation begins on this system")
}
