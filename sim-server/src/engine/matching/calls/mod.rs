//! The RPCs of task queues: [`polls`], and [`describe`] for people who look at a queue.

mod describe;
mod polls;
