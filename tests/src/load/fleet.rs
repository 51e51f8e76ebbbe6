//! A fleet of workflows: starting many, and asking the server afterwards what became of each.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use foretime_server::proto::{
    common::{TimeSkippingConfig, WorkflowExecution, WorkflowType},
    enums::WorkflowExecutionStatus,
    workflowservice::{DescribeWorkflowExecutionRequest, StartWorkflowExecutionRequest},
};
use tokio::task::JoinSet;
use tonic::Status;

use super::{
    link::Link,
    plan::{charge, task_queue},
};

/// The namespace of everything here.
pub const NAMESPACE: &str = "default";
/// Starts, or reads, in flight at once.
const CONCURRENCY: usize = 16;
/// How many skips the native protocol may make in one workflow. Its own default of 200 would do, but the server may change it.
const NATIVE_SKIPS: i32 = 1_000;

/// Starts workflows 0 to `count`, or as many as the limit allows. `native_skipping` asks for it in each start, as the dev
/// server requires.
///
/// # Errors
/// The first start that fails. The others may have succeeded.
pub async fn start(link: &Link, count: usize, native_skipping: bool, limit: Duration) -> Result<()> {
    for_each(link, count, limit, move |mut link: Link, index: usize| async move {
        let request = StartWorkflowExecutionRequest {
            namespace: NAMESPACE.to_owned(),
            workflow_id: workflow_id(index),
            workflow_type: Some(WorkflowType { name: "subscription".to_owned() }),
            task_queue: Some(task_queue()),
            input: Some(charge()),
            request_id: format!("start-{index}"),
            time_skipping_config: native_skipping.then(|| TimeSkippingConfig {
                enabled: true,
                max_session_skip_count: NATIVE_SKIPS,
                ..TimeSkippingConfig::default()
            }),
            ..StartWorkflowExecutionRequest::default()
        };
        link.call(request).await.map(|_| ())
    })
    .await
    .context("starting workflows")
}

/// How many of the workflows 0 to `count` are completed according to the server, as far as the limit allows to ask.
///
/// # Errors
/// A read that fails.
pub async fn completed(link: &Link, count: usize, limit: Duration) -> Result<usize> {
    let completed = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&completed);
    for_each(link, count, limit, move |mut link: Link, index: usize| {
        let counter = Arc::clone(&counter);
        async move {
            let execution = WorkflowExecution { workflow_id: workflow_id(index), ..WorkflowExecution::default() };
            let request = DescribeWorkflowExecutionRequest { namespace: NAMESPACE.to_owned(), execution: Some(execution) };
            let info = link.call(request).await?.workflow_execution_info.unwrap_or_default();
            if info.status() == WorkflowExecutionStatus::Completed {
                counter.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        }
    })
    .await
    .context("asking what became of the workflows")?;
    Ok(completed.load(Ordering::Relaxed))
}

/// The id of the workflow with this number.
pub fn workflow_id(index: usize) -> String {
    format!("subscription-{index}")
}

async fn for_each<F>(
    link: &Link,
    count: usize,
    limit: Duration,
    call: impl Fn(Link, usize) -> F + Clone + Send + 'static,
) -> Result<()>
where
    F: Future<Output = Result<(), Status>> + Send,
{
    let end = Instant::now() + limit;
    let next = Arc::new(AtomicUsize::new(0));
    let mut lanes = JoinSet::new();
    for _ in 0..CONCURRENCY.min(count) {
        let (link, next, call) = (link.clone(), Arc::clone(&next), call.clone());
        lanes.spawn(async move {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= count || Instant::now() > end {
                    return Ok::<_, Status>(());
                }
                call(link.clone(), index).await?;
            }
        });
    }
    while let Some(lane) = lanes.join_next().await {
        lane??;
    }
    Ok(())
}
