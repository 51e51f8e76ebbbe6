//! Lists and counts beside many open workflows.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use foretime_server::proto::workflowservice::{CountWorkflowExecutionsRequest, ListWorkflowExecutionsRequest};

use super::{
    fleet::{NAMESPACE, workflow_id},
    open::Opened,
    options::Options,
    plan::Plan,
    record::{Record, median},
    server::Spec,
};

/// How often each query is asked.
const TIMES: usize = 20;
/// The real server's listings are late.
const LISTED_WITHIN: Duration = Duration::from_secs(60);

/// Asks queries of each kind on a server where `count` workflows are open: how long the calls take, and how many they find.
///
/// # Errors
/// The server does not start, or breaks, or does not open all of them, or does not list them.
pub async fn measure(spec: &Spec, options: &Options, count: usize) -> Result<Vec<Record>> {
    let mut opened = Opened::new(spec, options, &Plan::months(1), count).await?;
    ensure!(opened.all(count), "{}: not all workflows are open", spec.name);
    await_listed(&mut opened, count).await?;
    let one = format!("WorkflowId = '{}'", workflow_id(count / 2));
    let mut records = Vec::new();
    for query in [
        &one,
        "WorkflowType = 'subscription'",
        "ExecutionStatus = 'Running'",
        "ExecutionStatus = 'Failed'",
        "StartTime > '2020-01-01T00:00:00Z'",
        "WorkflowId STARTS_WITH 'nothing'",
        "",
    ] {
        records.push(listed(&mut opened, spec, query).await?.count("workflows", count));
    }
    for query in ["", "GROUP BY ExecutionStatus", "ExecutionStatus = 'Running'", "WorkflowType = 'subscription'"] {
        records.push(counted(&mut opened, spec, query).await?.count("workflows", count));
    }
    Ok(records)
}

async fn await_listed(opened: &mut Opened, count: usize) -> Result<()> {
    let start = Instant::now();
    let request = CountWorkflowExecutionsRequest { namespace: NAMESPACE.to_owned(), query: String::new() };
    while opened.control.call(request.clone()).await.context("a count")?.count != count as i64 {
        ensure!(start.elapsed() < LISTED_WITHIN, "not all workflows are listed");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

async fn listed(opened: &mut Opened, spec: &Spec, query: &str) -> Result<Record> {
    let request =
        ListWorkflowExecutionsRequest { namespace: NAMESPACE.to_owned(), query: query.to_owned(), ..Default::default() };
    let mut times = Vec::new();
    let mut found = 0;
    for _ in 0..TIMES {
        let start = Instant::now();
        found = opened.control.call(request.clone()).await?.executions.len();
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(record(spec, "list", query, found, times))
}

async fn counted(opened: &mut Opened, spec: &Spec, query: &str) -> Result<Record> {
    let request = CountWorkflowExecutionsRequest { namespace: NAMESPACE.to_owned(), query: query.to_owned() };
    let mut times = Vec::new();
    let mut found = 0;
    for _ in 0..TIMES {
        let start = Instant::now();
        found = usize::try_from(opened.control.call(request.clone()).await?.count)?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(record(spec, "count", query, found, times))
}

fn record(spec: &Spec, call: &'static str, query: &str, found: usize, times: Vec<f64>) -> Record {
    let slowest = times.iter().copied().fold(0.0, f64::max);
    Record::new("list", &spec.name)
        .words("call", call)
        .words("query", query)
        .count("found", found)
        .real("median_ms", median(times))
        .real("slowest_ms", slowest)
}
