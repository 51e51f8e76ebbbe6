//! What workers tell of themselves: RecordWorkerHeartbeat, and ListWorkers, CountWorkers and DescribeWorker, which ask for it
//! (`service/matching/handler.go`, `service/matching/workers`).

use serde::{Deserialize, Serialize};

use crate::{
    engine::{
        Engine,
        kernel::{
            error::{Error, Result},
            key::NamespaceId,
        },
        rules::list_filter::WorkerFilter,
    },
    proto::{
        worker::{WorkerHeartbeat, WorkerInfo, WorkerListInfo},
        workflowservice::{
            CountWorkersRequest, CountWorkersResponse, DescribeWorkerRequest, DescribeWorkerResponse, ListWorkersRequest,
            ListWorkersResponse, RecordWorkerHeartbeatRequest, RecordWorkerHeartbeatResponse,
        },
    },
};

/// What the real server's own task queues begin with.
const SYSTEM_PREFIX: &str = "temporal-sys-";

/// The real server's page token: the worker that the next page begins behind.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct PageToken {
    #[serde(rename = "l")]
    last_worker_instance_key: String,
}

impl Engine {
    /// RecordWorkerHeartbeat.
    pub(in crate::engine) fn record_worker_heartbeat(
        &mut self,
        request: RecordWorkerHeartbeatRequest,
    ) -> Result<RecordWorkerHeartbeatResponse> {
        if self.switches.worker_heartbeats {
            let namespace = self.resolve(&request.namespace)?;
            self.hear_of_workers(namespace, request.worker_heartbeat);
        }
        Ok(RecordWorkerHeartbeatResponse::default())
    }

    /// Workers tell of themselves, in a call of their own or with another.
    pub(in crate::engine) fn hear_of_workers(&mut self, namespace: NamespaceId, heartbeats: Vec<WorkerHeartbeat>) {
        if self.switches.worker_heartbeats && !heartbeats.is_empty() {
            let wall = self.wall();
            self.heartbeats.record(namespace, wall, heartbeats);
        }
    }

    /// ListWorkers.
    pub(in crate::engine) fn list_workers(&mut self, request: ListWorkersRequest) -> Result<ListWorkersResponse> {
        let found = self.found_workers(&request.namespace, &request.query, request.include_system_workers)?;
        let (page, next_page_token) = page(found, request.page_size, &request.next_page_token)?;
        #[expect(deprecated, reason = "clients may still read `workers_info`")]
        Ok(ListWorkersResponse {
            workers: page.iter().copied().map(list_info).collect(),
            workers_info: page.into_iter().map(info).collect(),
            next_page_token,
        })
    }

    /// CountWorkers.
    pub(in crate::engine) fn count_workers(&mut self, request: CountWorkersRequest) -> Result<CountWorkersResponse> {
        let found = self.found_workers(&request.namespace, &request.query, request.include_system_workers)?;
        Ok(CountWorkersResponse { count: found.len() as i64 })
    }

    /// The workers that a query means, by their instance keys.
    fn found_workers(&mut self, namespace: &str, query: &str, with_system: bool) -> Result<Vec<&WorkerHeartbeat>> {
        let namespace = self.resolve(namespace)?;
        let filter = WorkerFilter::read(query)?;
        let is_meant = |worker: &&WorkerHeartbeat| {
            (with_system || !worker.task_queue.starts_with(SYSTEM_PREFIX)) && filter.matches(worker)
        };
        Ok(self.heartbeats.of(namespace, self.wall()).filter(is_meant).collect())
    }

    /// DescribeWorker.
    pub(in crate::engine) fn describe_worker(&mut self, request: DescribeWorkerRequest) -> Result<DescribeWorkerResponse> {
        let namespace = self.resolve(&request.namespace)?;
        let worker = self.heartbeats.get(namespace, self.wall(), &request.worker_instance_key);
        let worker = worker.ok_or_else(|| Error::not_found(format!("Worker {} not found", request.worker_instance_key)))?;
        Ok(DescribeWorkerResponse { worker_info: Some(info(worker)) })
    }
}

/// A page of workers, and the token of the next. Without a size it has all.
fn page<'a>(
    mut found: Vec<&'a WorkerHeartbeat>,
    page_size: i32,
    next_page_token: &[u8],
) -> Result<(Vec<&'a WorkerHeartbeat>, Vec<u8>)> {
    if found.is_empty() {
        return Ok((found, Vec::new()));
    }
    if !next_page_token.is_empty() {
        let token: PageToken =
            serde_json::from_slice(next_page_token).map_err(|_| Error::invalid("invalid next_page_token"))?;
        let last = token.last_worker_instance_key;
        found.retain(|worker| worker.worker_instance_key > last);
    }
    let size = usize::try_from(page_size).ok().filter(|size| *size > 0).unwrap_or(usize::MAX);
    if found.len() <= size {
        return Ok((found, Vec::new()));
    }
    found.truncate(size);
    let last = found.last().map(|worker| worker.worker_instance_key.clone()).unwrap_or_default();
    let token = PageToken { last_worker_instance_key: last };
    Ok((found, serde_json::to_vec(&token).unwrap_or_default()))
}

fn info(worker: &WorkerHeartbeat) -> WorkerInfo {
    WorkerInfo { worker_heartbeat: Some(worker.clone()) }
}

fn list_info(worker: &WorkerHeartbeat) -> WorkerListInfo {
    let host = worker.host_info.clone().unwrap_or_default();
    WorkerListInfo {
        worker_instance_key: worker.worker_instance_key.clone(),
        worker_identity: worker.worker_identity.clone(),
        task_queue: worker.task_queue.clone(),
        deployment_version: worker.deployment_version.clone(),
        sdk_name: worker.sdk_name.clone(),
        sdk_version: worker.sdk_version.clone(),
        status: worker.status,
        start_time: worker.start_time,
        host_name: host.host_name,
        worker_grouping_key: host.worker_grouping_key,
        process_id: host.process_id,
        plugins: worker.plugins.clone(),
        drivers: worker.drivers.clone(),
    }
}
