//! What is refused since a run would grow too large by it. No RPC of its own.

use crate::engine::{
    Engine,
    kernel::{
        effects::SERVER_IDENTITY,
        error::{Error, Result},
        key::RunKey,
    },
    workflow::growth::Growth,
};

impl Engine {
    /// Lets a run grow by so much; or terminates it, if a limit is passed.
    ///
    /// # Errors
    /// `InvalidArgument` with the reason, once the run is terminated.
    pub(in crate::engine) fn check_growth(&mut self, key: RunKey, growth: Growth) -> Result<()> {
        let Some(reason) = self.runs.get(key).excess(&self.limits, growth) else { return Ok(()) };
        self.transact(key, |run, cx| run.terminate(cx, reason, None, SERVER_IDENTITY, Vec::new()));
        self.refusal_has_effect = true;
        Err(Error::invalid(reason))
    }

    /// Whether the run is closed, be it that it is too large to be told of anything more, and is terminated now.
    pub(in crate::engine::workflow) fn is_over(&mut self, key: RunKey) -> bool {
        let _ = self.check_growth(key, self.runs.get(key).waking());
        !self.runs.get(key).is_running()
    }
}
