//! What workers tell of themselves, and who asks for it.

use foretime_server::proto::{enums::WorkerStatus, worker::WorkerHeartbeat, workflowservice::*};
use proptest::prelude::*;

use super::{Family, QUEUE, Request, WORKER, namespace};
use crate::world::World;

#[derive(Clone, Debug)]
pub(crate) enum Call {
    Tell(Vec<u8>, WorkerStatus),
    List(&'static str, u8),
    Count(&'static str),
    Describe(u8),
}

const QUERIES: [&str; 4] = ["", "WorkerStatus = 'Running'", "StartTime IS NULL OR Nope = 1", "TaskQueue ="];

fn instance(number: u8) -> String {
    format!("instance-{number}")
}

impl Family for Call {
    fn any() -> BoxedStrategy<Self> {
        let statuses = [WorkerStatus::Running, WorkerStatus::ShuttingDown, WorkerStatus::Shutdown];
        let query = || proptest::sample::select(QUERIES.to_vec());
        let tell = (proptest::collection::vec(0_u8..4, 0..3), proptest::sample::select(statuses.to_vec()));
        prop_oneof![
            4 => tell.prop_map(|(workers, status)| Self::Tell(workers, status)),
            2 => (query(), 0_u8..3).prop_map(|(query, size)| Self::List(query, size)),
            2 => query().prop_map(Self::Count),
            2 => (0_u8..5).prop_map(Self::Describe),
        ]
        .boxed()
    }

    fn request(&self, _world: &World) -> Option<Request> {
        Some(match self {
            Self::Tell(workers, status) => {
                let heartbeat = |number: &u8| WorkerHeartbeat {
                    worker_instance_key: instance(*number),
                    task_queue: QUEUE.to_owned(),
                    status: (*status).into(),
                    ..WorkerHeartbeat::default()
                };
                Request::of(&RecordWorkerHeartbeatRequest {
                    // Nothing else about them is refused.
                    namespace: if workers.is_empty() { "nowhere".to_owned() } else { namespace() },
                    identity: WORKER.to_owned(),
                    worker_heartbeat: workers.iter().map(heartbeat).collect(),
                    ..RecordWorkerHeartbeatRequest::default()
                })
            }
            Self::List(query, page_size) => Request::of(&ListWorkersRequest {
                namespace: namespace(),
                query: (*query).to_owned(),
                page_size: (*page_size).into(),
                ..ListWorkersRequest::default()
            }),
            Self::Count(query) => Request::of(&CountWorkersRequest {
                namespace: namespace(),
                query: (*query).to_owned(),
                ..CountWorkersRequest::default()
            }),
            Self::Describe(number) => {
                Request::of(&DescribeWorkerRequest { namespace: namespace(), worker_instance_key: instance(*number) })
            }
        })
    }
}
