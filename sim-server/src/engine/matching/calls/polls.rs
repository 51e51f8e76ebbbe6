//! Polls for tasks (`matching_engine.go`).

use std::time::Duration;

use crate::{
    engine::{
        ActivityTaskReply, Context, Engine, Reply, WorkflowTaskReply,
        kernel::{
            error::{Error, Result},
            key::{Connection, NamespaceId},
            tickets::{Answer, Parked, Ticket},
            time::Time,
        },
        matching::queues::{Poller, QueueKind, Seen, Task},
        rules::{sdk::Family, validate, versions},
    },
    proto::{
        common::{WorkerVersionCapabilities, WorkerVersionStamp},
        deployment::WorkerDeploymentOptions,
        taskqueue::TaskQueue,
        workflowservice::{
            PollActivityTaskQueueRequest, PollNexusTaskQueueRequest, PollNexusTaskQueueResponse, PollWorkflowTaskQueueRequest,
        },
    },
};

/// A poll that meets no task ends after this long (`matching.longPollExpirationInterval`).
const LONG_POLL: Duration = Duration::from_secs(60);
/// ... or this long before the caller's own deadline (`returnEmptyTaskTimeBudget`).
const POLL_MARGIN: Duration = Duration::from_secs(1);
/// A long poll with less time than this is refused (`common.MinLongPollTimeout`).
const POLL_MIN: Duration = Duration::from_secs(2);

/// Who polls, where, and for how long.
struct Poll {
    namespace: NamespaceId,
    kind: QueueKind,
    queue: String,
    identity: String,
    worker_instance_key: String,
    connection: Connection,
    family: Family,
    /// Of the started event of a workflow task. That of an activity is not written before it ends.
    worker_version: Option<WorkerVersionStamp>,
    /// The versions that the worker names.
    capabilities: Option<WorkerVersionCapabilities>,
    deployment_options: Option<WorkerDeploymentOptions>,
    /// When (wall) it ends with an empty answer.
    until: Time,
}

impl Engine {
    /// PollWorkflowTaskQueue.
    pub(in crate::engine) fn poll_workflow_task_queue(
        &mut self,
        request: PollWorkflowTaskQueueRequest,
        context: &Context<'_, '_>,
    ) -> Result<Answer<WorkflowTaskReply>> {
        let namespace = self.resolve(&request.namespace)?;
        validate::polls::poll_workflow_task(&request, &self.limits)?;
        let until = self.poll_until(context.deadline)?;
        let PollWorkflowTaskQueueRequest { task_queue, identity, worker_instance_key, .. } = request;
        let (capabilities, deployment_options) = (request.worker_version_capabilities, request.deployment_options);
        let worker_version = versions::of_poll(capabilities.clone(), deployment_options.as_ref());
        let (kind, queue) = (QueueKind::Workflow, name_of(task_queue));
        let (connection, family) = (context.caller.connection, Family::of(&context.caller.client_name));
        Ok(self.poll(
            Poll {
                namespace,
                kind,
                queue,
                identity,
                worker_instance_key,
                connection,
                family,
                worker_version,
                capabilities,
                deployment_options,
                until,
            },
            context.ticket,
        ))
    }

    /// PollActivityTaskQueue.
    pub(in crate::engine) fn poll_activity_task_queue(
        &mut self,
        request: PollActivityTaskQueueRequest,
        context: &Context<'_, '_>,
    ) -> Result<Answer<ActivityTaskReply>> {
        let namespace = self.resolve(&request.namespace)?;
        validate::polls::poll_activity_task(&request, &self.limits)?;
        let until = self.poll_until(context.deadline)?;
        let PollActivityTaskQueueRequest { task_queue, identity, worker_instance_key, .. } = request;
        let (capabilities, deployment_options) = (request.worker_version_capabilities, request.deployment_options);
        let (kind, queue) = (QueueKind::Activity, name_of(task_queue));
        let (connection, family) = (context.caller.connection, Family::of(&context.caller.client_name));
        let worker_version = None;
        Ok(self.poll(
            Poll {
                namespace,
                kind,
                queue,
                identity,
                worker_instance_key,
                connection,
                family,
                worker_version,
                capabilities,
                deployment_options,
                until,
            },
            context.ticket,
        ))
    }

    /// PollNexusTaskQueue: a long poll that meets no task, so that workers with Nexus services can do their other work.
    pub(in crate::engine) fn poll_nexus_task_queue(
        &mut self,
        request: PollNexusTaskQueueRequest,
        context: &Context<'_, '_>,
    ) -> Result<Answer<PollNexusTaskQueueResponse>> {
        let namespace = self.resolve(&request.namespace)?;
        let until = self.poll_until(context.deadline)?;
        let PollNexusTaskQueueRequest { task_queue, identity, worker_instance_key, worker_heartbeat, .. } = request;
        let (capabilities, deployment_options) = (request.worker_version_capabilities, request.deployment_options);
        let queue = name_of(task_queue);
        if queue.is_empty() {
            return Err(Error::invalid("TaskQueue is not set on request."));
        }
        self.hear_of_workers(namespace, worker_heartbeat);
        let (kind, worker_version, connection) = (QueueKind::Nexus, None, context.caller.connection);
        let family = Family::of(&context.caller.client_name);
        Ok(self.poll(
            Poll {
                namespace,
                kind,
                queue,
                identity,
                worker_instance_key,
                connection,
                family,
                worker_version,
                capabilities,
                deployment_options,
                until,
            },
            context.ticket,
        ))
    }

    /// Parks a poll; it is answered when a task comes, or with nothing. A worker that has shut down gets nothing at once.
    fn poll<T: Default>(&mut self, poll: Poll, ticket: Ticket) -> Answer<T> {
        let Poll { namespace, kind, queue, identity, worker_instance_key, connection, family, worker_version, until, .. } =
            poll;
        let seen = Seen { at: self.wall(), capabilities: poll.capabilities, deployment_options: poll.deployment_options };
        let queue = self.matching.queue(namespace, kind, &queue);
        if self.workers.has_shut_down(&worker_instance_key) {
            return Answer::Now(T::default());
        }
        self.tickets.park_long_poll(ticket, Parked::Poll, until);
        let (worker, was_gone) = self.workers.poll(&worker_instance_key, &identity, connection);
        if was_gone {
            self.skipping.holds.mark_worker(worker, false);
        }
        self.matching.park(Poller { ticket, identity, worker_instance_key, worker, family, worker_version, queue }, seen);
        Answer::Parked
    }

    /// When (wall) a long poll ends with an empty answer.
    ///
    /// # Errors
    /// The caller gives up too soon.
    fn poll_until(&self, deadline: Option<Time>) -> Result<Time> {
        let wall = self.wall();
        let Some(deadline) = deadline else { return Ok(wall + LONG_POLL) };
        if deadline.since(wall) < POLL_MIN {
            return Err(Error::FailedPrecondition("Context timeout is too short.".to_owned()));
        }
        Ok((wall + LONG_POLL).min(deadline - POLL_MARGIN))
    }

    /// Ends a parked poll with an empty answer.
    pub(in crate::engine) fn end_poll(&mut self, ticket: Ticket) {
        let reply = match self.matching.unpark(ticket, false, self.wall()) {
            Some(QueueKind::Activity) => Reply::ActivityTask(Box::default()),
            Some(QueueKind::Nexus) => Reply::NexusTask(Box::default()),
            Some(QueueKind::Workflow) | None => Reply::WorkflowTask(Box::default()),
        };
        self.tickets.answer(ticket, Ok(reply));
    }

    /// Lets waiting tasks meet waiting pollers until none can.
    pub(in crate::engine) fn match_tasks(&mut self) {
        while let Some((task, poller)) = self.matching.take_match() {
            let reply = match task {
                Task::Workflow(key) => Reply::WorkflowTask(Box::new(self.start_workflow_task(key, &poller))),
                Task::Activity(key) => {
                    Reply::ActivityTask(Box::new(self.start_activity(key, &poller.identity, Some(poller.worker))))
                }
                Task::Replay(key) => Reply::WorkflowTask(Box::new(self.replay_task_reply(key, &poller))),
                Task::Query(query) => Reply::WorkflowTask(Box::new(self.query_task_reply(query, poller.queue))),
            };
            self.tickets.answer(poller.ticket, Ok(reply));
        }
    }
}

pub(super) fn name_of(task_queue: Option<TaskQueue>) -> String {
    task_queue.map(|queue| queue.name).unwrap_or_default()
}
