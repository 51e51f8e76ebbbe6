//! Many open workflows: what each costs in memory and time, and whether the cost grows with their number.

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

/// The past months of an aged workflow. With the month in which it sleeps it has 9 x 11 = 99 events.
const PAST_MONTHS: usize = 8;

/// Opens `count` workflows of 99 events on a fresh server, under locked time, and measures their memory.
///
/// # Errors
/// The server does not start, or breaks.
pub async fn measure_memory(spec: &Spec, options: &Options, count: usize) -> Result<Record> {
    let plan = Plan::aged(PAST_MONTHS);
    let opened = Opened::new(spec, options, &plan, count).await?;
    let record = Record::new("memory", &spec.name).count("workflows", count).count("events_each", plan.open_events());
    Ok(opened.describe(record, count))
}

/// Opens `count` workflows that sleep in their first month, on a fresh server, under locked time. Then lets time skip, which
/// completes them all. That step is left out if opening them took the whole limit. It is also left out on the dev server, where
/// time skipping is set at the start of a workflow.
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

/// A server with open workflows, and the time it took to open them.
pub(super) struct Opened {
    pub(super) server: Server,
    pub(super) control: Link,
    worker: Worker,
    end: End,
    cpu: Duration,
    rss_before: u64,
    rss_after: u64,
}

impl Opened {
    pub(super) async fn new(spec: &Spec, options: &Options, plan: &Plan, count: usize) -> Result<Self> {
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

    pub(super) fn all(&self, count: usize) -> bool {
        self.worker.tally.last_timers() >= count
    }

    /// The cost of each is given only if all are open, since those on their way cost memory too.
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
