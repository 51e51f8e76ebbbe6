//! Activities. An [`attempt`] is what a worker does and what the server waits for; whose activity it is does not matter to it. What
//! workers get is in [`reply`], what they say in [`calls`].

pub(crate) mod attempt;
mod calls;
pub(crate) mod reply;
