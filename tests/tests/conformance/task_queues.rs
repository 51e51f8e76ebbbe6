//! Descriptions of task queues.

#![allow(deprecated, reason = "the wire has deprecated fields, and the command line asks for them")]

use foretime_server::proto::{
    common::WorkerVersionCapabilities,
    enums::{DescribeTaskQueueMode, TaskQueueKind, TaskQueueType},
    taskqueue::{TaskQueue, TaskQueueStats, TaskQueueVersionSelection},
    workflowservice::*,
};
use foretime_tests::script::*;

crate::scripts![of_a_backlog, of_pollers, of_nobody, enhanced, enhanced_of_versions, refused];

fn describe(s: &Script) -> DescribeTaskQueueRequest {
    DescribeTaskQueueRequest { namespace: NAMESPACE.to_owned(), task_queue: Some(task_queue(s.queue())), ..Default::default() }
}

/// Shows a description without what ours does not have: rate limits, blocks of task ids, and how many tasks come and go in a second.
/// How old a backlog is shows only as whether it is.
async fn show(s: &Script, request: DescribeTaskQueueRequest) {
    let mut reply = s.client.call(request).await;
    if let Ok(reply) = &mut reply {
        reply.effective_rate_limit = None;
        if let Some(status) = &mut reply.task_queue_status {
            (status.rate_per_second, status.task_id_block, status.read_level, status.ack_level) = (0.0, None, 0, 0);
        }
        reply.stats.iter_mut().chain(reply.stats_by_priority_key.values_mut()).for_each(bare);
        // The real server finds out later how old what waits in one priority is.
        reply.stats_by_priority_key.values_mut().for_each(|stats| stats.approximate_backlog_age = None);
        let types = reply.versions_info.values_mut().flat_map(|version| version.types_info.values_mut());
        types.filter_map(|of_type| of_type.stats.as_mut()).for_each(bare);
    }
    s.show::<DescribeTaskQueueRequest>(&reply);
}

fn bare(stats: &mut TaskQueueStats) {
    (stats.tasks_add_rate, stats.tasks_dispatch_rate) = (0.0, 0.0);
    if let Some(age) = &mut stats.approximate_backlog_age {
        (age.seconds, age.nanos) = (i64::from(age.seconds > 0 || age.nanos > 0), 0);
    }
}

async fn of_a_backlog(s: &Script) {
    s.start("one").await;
    s.start_with(StartWorkflowExecutionRequest {
        priority: Some(foretime_server::proto::common::Priority { priority_key: 1, ..Default::default() }),
        ..s.new_start("urgent")
    })
    .await;
    s.step("the bare description, and the status");
    show(s, describe(s)).await;
    show(s, DescribeTaskQueueRequest { include_task_queue_status: true, ..describe(s) }).await;
    s.step("statistics");
    show(s, DescribeTaskQueueRequest { report_stats: true, ..describe(s) }).await;
    show(s, DescribeTaskQueueRequest { report_stats: true, task_queue_type: TaskQueueType::Activity.into(), ..describe(s) })
        .await;
    show(s, DescribeTaskQueueRequest { report_config: true, ..describe(s) }).await;
}

/// A poll of a worker that names its build, which gets the task.
async fn poll(s: &Script) {
    let capabilities = WorkerVersionCapabilities { build_id: "1".to_owned(), ..Default::default() };
    let poll = PollWorkflowTaskQueueRequest {
        namespace: NAMESPACE.to_owned(),
        task_queue: Some(task_queue(s.queue())),
        identity: "the worker".to_owned(),
        worker_version_capabilities: Some(capabilities),
        ..Default::default()
    };
    assert!(!s.client.call(poll).await.expect("a task").task_token.is_empty());
}

async fn of_pollers(s: &Script) {
    s.start("wf").await;
    poll(s).await;
    show(s, describe(s)).await;
    show(s, DescribeTaskQueueRequest { task_queue_type: TaskQueueType::Activity.into(), ..describe(s) }).await;
}

async fn of_nobody(s: &Script) {
    show(s, DescribeTaskQueueRequest { include_task_queue_status: true, ..describe(s) }).await;
    show(s, DescribeTaskQueueRequest { task_queue_type: TaskQueueType::Nexus.into(), ..describe(s) }).await;
    show(s, DescribeTaskQueueRequest { task_queue_type: 9, ..describe(s) }).await;
}

fn enhanced_describe(s: &Script) -> DescribeTaskQueueRequest {
    DescribeTaskQueueRequest { api_mode: DescribeTaskQueueMode::Enhanced.into(), ..describe(s) }
}

async fn enhanced(s: &Script) {
    s.start("wf").await;
    poll(s).await;
    s.start("waits").await;
    s.step("with all there is");
    show(s, DescribeTaskQueueRequest { report_stats: true, report_pollers: true, ..enhanced_describe(s) }).await;
}

async fn enhanced_of_versions(s: &Script) {
    s.start("waits").await;
    let types = vec![TaskQueueType::Workflow.into()];
    let of = |versions| DescribeTaskQueueRequest {
        report_stats: true,
        report_pollers: true,
        task_queue_types: types.clone(),
        versions: Some(versions),
        ..enhanced_describe(s)
    };
    show(s, of(TaskQueueVersionSelection { build_ids: vec!["1".to_owned(), "2".to_owned()], ..Default::default() })).await;
    show(s, of(TaskQueueVersionSelection { unversioned: true, ..Default::default() })).await;
    show(s, of(TaskQueueVersionSelection { all_active: true, ..Default::default() })).await;
    s.step("of Nexus, and with nothing reported");
    let task_queue_types = vec![TaskQueueType::Nexus.into()];
    show(s, DescribeTaskQueueRequest { task_queue_types, report_task_reachability: true, ..enhanced_describe(s) }).await;
}

async fn refused(s: &Script) {
    let queue = |name: &str, kind: TaskQueueKind| {
        let normal_name = if kind == TaskQueueKind::Sticky { "normal" } else { "" };
        Some(TaskQueue { name: name.to_owned(), kind: kind.into(), normal_name: normal_name.to_owned() })
    };
    for api_mode in [DescribeTaskQueueMode::Unspecified, DescribeTaskQueueMode::Enhanced] {
        s.step(api_mode.as_str_name());
        let like = || DescribeTaskQueueRequest { api_mode: api_mode.into(), ..describe(s) };
        show(s, DescribeTaskQueueRequest { namespace: String::new(), ..like() }).await;
        show(s, DescribeTaskQueueRequest { namespace: "nowhere".to_owned(), ..like() }).await;
        show(s, DescribeTaskQueueRequest { task_queue: None, ..like() }).await;
        show(s, DescribeTaskQueueRequest { task_queue: Some(TaskQueue::default()), ..like() }).await;
        show(s, DescribeTaskQueueRequest { task_queue: queue(&"q".repeat(1001), TaskQueueKind::Normal), ..like() }).await;
        show(s, DescribeTaskQueueRequest { task_queue: queue("/_sys/q/1", TaskQueueKind::Normal), ..like() }).await;
        show(s, DescribeTaskQueueRequest { task_queue: queue("sticky", TaskQueueKind::Sticky), ..like() }).await;
    }
}
