//! Task queues: [`queues`] owns the tasks and pollers that wait, and decides which task meets which poller; [`calls`] has the polls,
//! and what is told of a queue. What starting a task means is the business of the room that the task comes from.

mod calls;
pub(crate) mod queues;
