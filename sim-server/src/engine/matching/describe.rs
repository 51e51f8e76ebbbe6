//! Descriptions of task queues: who polls them, and how much waits there (`matching_engine.go`, DescribeTaskQueue).
//!
//! There is one partition, and no queue of a version: what asks by build id finds an empty one. How many tasks come and go in a
//! second is not measured; no queue has a rate limit.

use std::{collections::BTreeMap, time::Duration};

use super::{
    calls::name_of,
    queues::{DEFAULT_PRIORITY, QueueId, QueueKind, Seen},
};
use crate::{
    engine::{
        Engine,
        kernel::{
            error::{Error, Result},
            key::NamespaceId,
            time::span_to_proto,
        },
        rules::validate,
    },
    proto::{
        enums::{BuildIdTaskReachability, DescribeTaskQueueMode, TaskQueueKind, TaskQueueType},
        taskqueue::{
            PollerInfo, TaskQueueStats, TaskQueueStatus, TaskQueueTypeInfo, TaskQueueVersionInfo, TaskQueueVersioningInfo,
        },
        workflowservice::{DescribeTaskQueueRequest, DescribeTaskQueueResponse},
    },
};

/// How the real server calls the workers without a version.
const UNVERSIONED: &str = "__unversioned__";
/// The instant that Go calls zero: nothing was ever changed.
const NEVER: prost_types::Timestamp = prost_types::Timestamp { seconds: -62_135_596_800, nanos: 0 };
/// What a poller may take in a second if nothing else is said.
const UNLIMITED_RATE: f64 = 100_000.0;

impl Engine {
    /// DescribeTaskQueue, in both of its modes. Reports of reachability are given for the workers without a version alone.
    pub(in crate::engine) fn describe_task_queue(
        &mut self,
        mut request: DescribeTaskQueueRequest,
    ) -> Result<DescribeTaskQueueResponse> {
        let namespace = self.resolve(&request.namespace)?;
        let is_enhanced = request.api_mode() == DescribeTaskQueueMode::Enhanced;
        // The first mode also describes partitions, of which ours has none but the root.
        let is_partition = request.task_queue.as_ref().is_some_and(|queue| queue.name.starts_with(validate::RESERVED_PREFIX));
        if is_enhanced || !is_partition {
            validate::task_queue(request.task_queue.as_mut(), "", &self.limits)?;
        }
        if is_enhanced {
            self.queue_description_by_version(namespace, request)
        } else {
            Ok(self.queue_description(namespace, request))
        }
    }

    fn queue_description(&mut self, namespace: NamespaceId, request: DescribeTaskQueueRequest) -> DescribeTaskQueueResponse {
        let kind = kind_of(request.task_queue_type());
        let is_sticky = request.task_queue.as_ref().is_some_and(|queue| queue.kind() == TaskQueueKind::Sticky);
        let queue = self.matching.queue(namespace, kind, &name_of(request.task_queue));
        let backlogs = self.queue_backlog(queue);
        let all = Backlog::sum(&backlogs);
        let status = TaskQueueStatus { backlog_count_hint: all.count, ..TaskQueueStatus::default() };
        let by_priority = backlogs.into_iter().map(|(priority, backlog)| (priority, backlog.stats())).collect();
        let versioning_info = TaskQueueVersioningInfo {
            current_version: UNVERSIONED.to_owned(),
            update_time: Some(NEVER),
            ..TaskQueueVersioningInfo::default()
        };
        DescribeTaskQueueResponse {
            pollers: self.queue_pollers(queue),
            task_queue_status: request.include_task_queue_status.then_some(status),
            versioning_info: (!is_sticky).then_some(versioning_info),
            stats: request.report_stats.then(|| all.stats()),
            stats_by_priority_key: if request.report_stats { by_priority } else { BTreeMap::new() },
            ..DescribeTaskQueueResponse::default()
        }
    }

    /// By build id and type; that of the workers without a version is empty.
    fn queue_description_by_version(
        &mut self,
        namespace: NamespaceId,
        request: DescribeTaskQueueRequest,
    ) -> Result<DescribeTaskQueueResponse> {
        let build_ids = match &request.versions {
            None => vec![String::new()],
            Some(versions) => {
                let unversioned = versions.unversioned.then(String::new);
                versions.build_ids.iter().cloned().chain(unversioned).collect()
            }
        };
        if request.report_task_reachability && build_ids.iter().any(|id| !id.is_empty()) {
            return Err(Error::Unimplemented("The reachability of build ids is not reported by this server.".to_owned()));
        }
        let queue = request.task_queue.unwrap_or_default();
        if queue.kind() == TaskQueueKind::Sticky {
            return Err(Error::invalid(
                "Enhanced DescribeTaskQueue is not valid for a sticky queue, use api_mode=UNSPECIFIED or a normal queue.",
            ));
        }
        let asked: Vec<_> = request.task_queue_types.iter().filter_map(|&it| TaskQueueType::try_from(it).ok()).collect();
        let types = if asked.is_empty() { vec![TaskQueueType::Workflow, TaskQueueType::Activity] } else { asked };
        let mut versions_info = BTreeMap::new();
        for build_id in build_ids {
            let mut info = TaskQueueVersionInfo::default();
            if request.report_task_reachability {
                info.set_task_reachability(BuildIdTaskReachability::Reachable);
            }
            for &of in &types {
                let queue = self.matching.queue(namespace, kind_of(of), &queue.name);
                let is_there = build_id.is_empty();
                let backlog = if is_there { Backlog::sum(&self.queue_backlog(queue)) } else { Backlog::default() };
                let about = TaskQueueTypeInfo {
                    pollers: if is_there && request.report_pollers { self.queue_pollers(queue) } else { Vec::new() },
                    stats: request.report_stats.then(|| backlog.stats()),
                };
                info.types_info.insert(of.into(), about);
            }
            versions_info.insert(build_id, info);
        }
        Ok(DescribeTaskQueueResponse { versions_info, ..DescribeTaskQueueResponse::default() })
    }

    fn queue_pollers(&self, queue: QueueId) -> Vec<PollerInfo> {
        let info = |(identity, seen): (&str, &Seen)| PollerInfo {
            last_access_time: Some(seen.at.to_proto()),
            identity: identity.to_owned(),
            rate_per_second: UNLIMITED_RATE,
            worker_version_capabilities: seen.capabilities.clone(),
            deployment_options: seen.deployment_options.clone(),
        };
        self.matching.pollers_seen(queue).map(info).collect()
    }

    /// What waits in a queue, by priority; that of tasks without one is always there.
    fn queue_backlog(&self, queue: QueueId) -> BTreeMap<i32, Backlog> {
        let mut backlogs: BTreeMap<i32, Backlog> = [(DEFAULT_PRIORITY.into(), Backlog::default())].into();
        for (priority, since) in self.matching.backlog(queue) {
            backlogs.entry(priority.into()).or_default().add(Backlog { count: 1, age: self.wall().since(since) });
        }
        backlogs
    }
}

/// Tasks that wait.
#[derive(Clone, Copy, Debug, Default)]
struct Backlog {
    count: i64,
    /// How long (wall) the oldest of them waits.
    age: Duration,
}

impl Backlog {
    fn add(&mut self, other: Self) {
        self.count += other.count;
        self.age = self.age.max(other.age);
    }

    fn sum(backlogs: &BTreeMap<i32, Self>) -> Self {
        let mut all = Self::default();
        backlogs.values().for_each(|&backlog| all.add(backlog));
        all
    }

    fn stats(self) -> TaskQueueStats {
        TaskQueueStats {
            approximate_backlog_count: self.count,
            approximate_backlog_age: Some(span_to_proto(self.age)),
            ..TaskQueueStats::default()
        }
    }
}

fn kind_of(queue_type: TaskQueueType) -> QueueKind {
    match queue_type {
        TaskQueueType::Activity => QueueKind::Activity,
        TaskQueueType::Nexus => QueueKind::Nexus,
        TaskQueueType::Unspecified | TaskQueueType::Workflow => QueueKind::Workflow,
    }
}
