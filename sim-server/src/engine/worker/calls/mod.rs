//! [`shutdown`] is how a worker says that it ends. [`heartbeats`] has what workers tell of themselves, and who asks for it.

mod heartbeats;
mod shutdown;
