//! ShutdownWorker. What the worker still has in hand, it may finish.

use crate::{
    engine::{Engine, kernel::error::Result, matching::queues::QueueKind},
    proto::workflowservice::{ShutdownWorkerRequest, ShutdownWorkerResponse},
};

impl Engine {
    /// ShutdownWorker: the worker's polls end, unless that is switched off, and its sticky queue counts as gone.
    pub(in crate::engine) fn shutdown_worker(&mut self, request: ShutdownWorkerRequest) -> Result<ShutdownWorkerResponse> {
        let namespace = self.resolve(&request.namespace)?;
        self.hear_of_workers(namespace, request.worker_heartbeat.into_iter().collect());
        if self.switches.shutdowns_end_polls && !request.worker_instance_key.is_empty() {
            let worker = self.workers.shut_down(&request.worker_instance_key);
            for ticket in self.matching.polls_of(&request.worker_instance_key) {
                self.end_poll(ticket);
            }
            if let Some(worker) = worker {
                self.matching.dismiss_worker(worker, self.wall());
            }
        }
        if !request.sticky_task_queue.is_empty() {
            let queue = self.matching.queue(namespace, QueueKind::Workflow, &request.sticky_task_queue);
            for key in self.matching.close_sticky(queue) {
                self.transact(key, |run, cx| run.leave_sticky(cx));
            }
        }
        Ok(ShutdownWorkerResponse::default())
    }
}
