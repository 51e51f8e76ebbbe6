//! Many open workflows: what each costs in memory and time, and whether that grows with their number.

use std::time::Instant;

use anyhow::Result;

use super::{
    fleet,
    options::Options,
    plan::Plan,
    record::Record,
    server::{Kind, Server, Spec},
    tally::Tally,
    worker::Worker,
};

/// Months that lie behind an aged workflow: with the one it sleeps in it has 9 x 11 = 99 events.
const PAST_MONTHS: usize = 8;

/// Opens `count` workflows of 99 events on a fresh server, under locked time, and reads what they weigh.
///
/// # Errors
/// The server does not start, or breaks.
pub async fn measure_memory(spec: &Spec, options: &Options, count: usize) -> Result<Record> {
    let plan = Plan::aged(PAST_MONTHS);
    let opened = Opened::new(spec, options, &plan, count).await?;
    let record = Record::new("memory", &spec.name).count("workflows", count).count("events_each", plan.open_events());
    Ok(opened.describe(record, count))
}

/// Opens `count` workflows that sleep in their first month, on a fresh server, under locked time; then lets time skip, which
/// completes them all. The dev server's workflows stay open: what skips time there is set at their start.
///
/// # Errors
/// The server does not start, or breaks.
pub async fn measure_linearity(spec: &Spec, options: &Options, count: usize) -> Result<Record> {
    let mut opened = Opened::new(spec, options, &Plan::months(1), count).await?;
    let record = opened.describe(Record::new("linear", &spec.name).count("workflows", count), count);
    if spec.kind == Kind::Dev {
        return Ok(record);
    }
    let before = opened.server.usage()?;
    let start = Instant::now();
    opened.server.unlock(&mut opened.control).await?;
    let wall = opened.worker.tally.wait(start, options.bounds(), count, Tally::completed).await?;
    let cpu = opened.server.usage()?.cpu.saturating_sub(before.cpu);
    let lost = count - fleet::completed(&opened.control, count).await?;
    let each = |time: f64| time * 1e6 / count as f64;
    Ok(record
        .real("complete_us_each", each(wall.as_secs_f64()))
        .real("complete_cpu_us_each", each(cpu.as_secs_f64()))
        .count("lost", lost)
        .count("failed_calls", opened.worker.tally.failures())
        .notes(&opened.worker.tally.notes()))
}

/// A server with open workflows, and what it took to open them.
struct Opened {
    server: Server,
    control: super::link::Link,
    worker: Worker,
    wall_s: f64,
    cpu_s: f64,
    rss_growth_bytes: f64,
    rss_bytes: f64,
}

impl Opened {
    async fn new(spec: &Spec, options: &Options, plan: &Plan, count: usize) -> Result<Self> {
        let server = Server::start(spec).await?;
        let (mut control, polls) = (server.connect().await?, server.connect().await?);
        server.lock(&mut control).await?;
        let worker = Worker::start(&polls, &control, plan, options.pollers);
        let before = server.usage()?;
        let start = Instant::now();
        fleet::start(&control, count, false).await?;
        let wall = worker.tally.wait(start, options.bounds(), count, Tally::last_timers).await?;
        let after = server.usage()?;
        Ok(Self {
            wall_s: wall.as_secs_f64(),
            cpu_s: after.cpu.saturating_sub(before.cpu).as_secs_f64(),
            rss_growth_bytes: after.rss_bytes as f64 - before.rss_bytes as f64,
            rss_bytes: after.rss_bytes as f64,
            server,
            control,
            worker,
        })
    }

    fn describe(&self, record: Record, count: usize) -> Record {
        let each = |figure: f64| figure / count as f64;
        record
            .count("not_opened", count.saturating_sub(self.worker.tally.last_timers()))
            .real("rss_kib_each", each(self.rss_growth_bytes) / 1024.0)
            .real("rss_mib", self.rss_bytes / f64::from(1 << 20))
            .real("open_us_each", each(self.wall_s) * 1e6)
            .real("open_cpu_us_each", each(self.cpu_s) * 1e6)
    }
}
