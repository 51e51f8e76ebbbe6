//! Task queues. [`queues`] owns the tasks and the polls that wait, and decides which task meets which poll. Machines put their
//! tasks there, and take them away, in their transactions. [`attendance`] knows whether a worker will come for them, which time waits
//! for. What it means to start a task is for the room to say that the task
//! comes from. [`calls`] has the polls, [`describe`] has DescribeTaskQueue.

mod attendance;
mod calls;
mod describe;
pub(crate) mod queues;
