//! Months-long workflows, many at once, from start to completion.

use std::{process, time::Instant};

use anyhow::Result;

use super::{
    fleet,
    options::Options,
    plan::Plan,
    record::Record,
    server::{Kind, Server, Spec},
    tally::Tally,
    usage::{Usage, machine_cpu},
    worker::Worker,
};

/// Runs `workflows` workflows on a fresh server. Time stays locked until all are started, so that all are open at once,
/// unless the options say otherwise.
///
/// # Errors
/// The server does not start, or breaks. Lost workflows are a result, not an error.
pub async fn measure(spec: &Spec, options: &Options, workflows: usize) -> Result<Record> {
    let server = Server::start(spec).await?;
    let (mut control, polls) = (server.connect().await?, server.connect().await?);
    let plan = Plan::months(options.months);
    if !options.unlocked {
        server.lock(&mut control).await?;
    }

    let before = Reading::of(&server)?;
    let start = Instant::now();
    let worker = Worker::start(&polls, &control, &plan, options.pollers);
    fleet::start(&control, workflows, spec.kind == Kind::Dev, options.bounds().limit).await?;
    let started = start.elapsed();
    if !options.unlocked {
        server.unlock(&mut control).await?;
    }
    let end = worker.tally.wait(start, options.bounds(), workflows, Tally::completed).await?;
    let after = Reading::of(&server)?;

    let lost = workflows - fleet::completed(&control, workflows, options.bounds().limit).await?;
    let wall_s = end.wall.as_secs_f64();
    let [server_s, own_s, machine_s] = [0, 1, 2].map(|which| after.cpu_s[which] - before.cpu_s[which]);
    Ok(Record::new("throughput", &spec.name)
        .count("workflows", workflows)
        .count("months", options.months)
        .real("workflow_tasks_per_s", worker.tally.workflow_tasks() as f64 / wall_s)
        .real("workflows_per_s", (workflows - lost) as f64 / wall_s)
        .real("server_cpu_ms_per_workflow", server_s * 1e3 / workflows as f64)
        .count("lost", lost)
        .words("ended_by", end.by)
        .real("wall_s", wall_s)
        .real("starting_s", started.as_secs_f64())
        .real("server_cpu_s", server_s)
        .real("own_cpu_s", own_s)
        .real("neighbours_cpu_s", (machine_s - server_s - own_s).max(0.0))
        .real("server_rss_mib", after.server_rss_bytes as f64 / f64::from(1 << 20))
        .failures(&worker.tally))
}

/// What has been used so far.
struct Reading {
    /// Of the server, of this process, of the whole machine.
    cpu_s: [f64; 3],
    server_rss_bytes: u64,
}

impl Reading {
    fn of(server: &Server) -> Result<Self> {
        let usage = server.usage()?;
        let cpu = [usage.cpu, Usage::of(process::id())?.cpu, machine_cpu()?];
        Ok(Self { cpu_s: cpu.map(|time| time.as_secs_f64()), server_rss_bytes: usage.rss_bytes })
    }
}
