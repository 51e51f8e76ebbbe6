//! Workers. The [`registry`] owns which of them have shut down, and the polls ask it. [`calls`] has the RPC by which a worker
//! says so.

mod calls;
pub(crate) mod registry;
