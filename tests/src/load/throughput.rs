//! Months-long workflows, many at once, from start to completion.

use std::{process, time::Instant};

use anyhow::Result;

use super::{
    fleet,
    options::Options,
    plan::Plan,
    record::Record,
    server::{Kind, Server, Spec},
    usage::Usage,
    worker::Worker,
};

/// Runs `workflows` workflows on a fresh server. Time stays locked until all are started, so that all are open at once.
///
/// # Errors
/// The server does not start, or breaks; workflows lost are a result, not an error.
pub async fn measure(spec: &Spec, options: &Options, workflows: usize) -> Result<Record> {
    let server = Server::start(spec).await?;
    let (mut control, polls) = (server.connect().await?, server.connect().await?);
    let plan = Plan::months(options.months);
    server.lock(&mut control).await?;

    let (server_before, own_before) = (server.usage()?, Usage::of(process::id())?);
    let start = Instant::now();
    let worker = Worker::start(&polls, &control, &plan, options.pollers);
    fleet::start(&control, workflows, spec.kind == Kind::Dev).await?;
    let started = start.elapsed();
    server.unlock(&mut control).await?;
    let wall = worker.tally.wait(start, options.bounds(), workflows, super::tally::Tally::completed).await?;
    let (server_after, own_after) = (server.usage()?, Usage::of(process::id())?);

    let lost = workflows - fleet::completed(&control, workflows).await?;
    let tally = &worker.tally;
    let cpu_ms = |after: Usage, before: Usage| after.cpu.saturating_sub(before.cpu).as_secs_f64() * 1e3;
    let server_cpu_ms = cpu_ms(server_after, server_before);
    Ok(Record::new("throughput", &spec.name)
        .count("workflows", workflows)
        .count("months", options.months)
        .real("workflow_tasks_per_s", tally.workflow_tasks() as f64 / wall.as_secs_f64())
        .real("workflows_per_s", (workflows - lost) as f64 / wall.as_secs_f64())
        .real("server_cpu_ms_per_workflow", server_cpu_ms / workflows as f64)
        .count("lost", lost)
        .real("wall_s", wall.as_secs_f64())
        .real("starting_s", started.as_secs_f64())
        .real("server_cpu_s", server_cpu_ms / 1e3)
        .real("own_cpu_s", cpu_ms(own_after, own_before) / 1e3)
        .real("server_rss_mib", server_after.rss_bytes as f64 / f64::from(1 << 20))
        .count("failed_calls", tally.failures())
        .notes(&tally.notes()))
}
