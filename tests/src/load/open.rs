//! Many open workflows: what each costs in memory and time, and whether that grows with their number.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::{
    fleet,
    link::Link,
    options::Options,
    plan::Plan,
    record::Record,
    server::{Kind, Server, Spec},
    tally::{End, Tally},
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
/// completes them all. Not so if opening them took the whole limit, nor on the dev server: what skips time there is set at the
/// start of a workflow.
///
/// # Errors
/// The server does not start, or breaks.
pub async fn measure_linearity(spec: &Spec, options: &Options, count: usize) -> Result<Record> {
    let mut opened = Opened::new(spec, options, &Plan::months(1), count).await?;
    let record = opened.describe(Record::new("linear", &spec.name).count("workflows", count), count);
    if spec.kind == Kind::Dev || !opened.all(count) {
        return Ok(record);
    }
    let before = opened.server.usage()?;
    let start = Instant::now();
    opened.server.unlock(&mut opened.control).await?;
    let end = opened.worker.tally.wait(start, options.bounds(), count, Tally::completed).await?;
    let cpu = opened.server.usage()?.cpu.saturating_sub(before.cpu);
    let lost = count - fleet::completed(&opened.control, count, options.bounds().limit).await?;
    let record = record.count("lost", lost).words("ended_by", end.by);
    let record = if lost == 0 {
        let each_us = |time: Duration| time.as_secs_f64() * 1e6 / count as f64;
        record.real("complete_us_each", each_us(end.wall)).real("complete_cpu_us_each", each_us(cpu))
    } else {
        record
    };
    Ok(record.failures(&opened.worker.tally))
}

/// A server with open workflows, and what it took to open them.
struct Opened {
    server: Server,
    control: Link,
    worker: Worker,
    end: End,
    cpu: Duration,
    rss_before: u64,
    rss_after: u64,
}

impl Opened {
    async fn new(spec: &Spec, options: &Options, plan: &Plan, count: usize) -> Result<Self> {
        let server = Server::start(spec).await?;
        let (mut control, polls) = (server.connect().await?, server.connect().await?);
        server.lock(&mut control).await?;
        let worker = Worker::start(&polls, &control, plan, options.pollers);
        let before = server.usage()?;
        let start = Instant::now();
        fleet::start(&control, count, false, options.bounds().limit).await?;
        let end = worker.tally.wait(start, options.bounds(), count, Tally::last_timers).await?;
        let after = server.usage()?;
        let cpu = after.cpu.saturating_sub(before.cpu);
        Ok(Self { server, control, worker, end, cpu, rss_before: before.rss_bytes, rss_after: after.rss_bytes })
    }

    fn all(&self, count: usize) -> bool {
        self.worker.tally.last_timers() >= count
    }

    /// What each costs is said only when all are open: those on their way weigh too.
    fn describe(&self, record: Record, count: usize) -> Record {
        let not_opened = count - self.worker.tally.last_timers().min(count);
        let record = record.count("not_opened", not_opened).real("rss_mib", self.rss_after as f64 / f64::from(1 << 20));
        if !self.all(count) {
            return record.failures(&self.worker.tally);
        }
        let each = |figure: f64| figure / count as f64;
        record
            .real("rss_kib_each", each(self.rss_after as f64 - self.rss_before as f64) / 1024.0)
            .real("open_us_each", each(self.end.wall.as_secs_f64()) * 1e6)
            .real("open_cpu_us_each", each(self.cpu.as_secs_f64()) * 1e6)
    }
}
