//! Workers. The [`registry`] owns which of them have shut down, and the polls ask it. [`heartbeats`] owns what workers tell of
//! themselves. [`calls`] has the RPCs.

mod calls;
pub(crate) mod heartbeats;
pub(crate) mod registry;
