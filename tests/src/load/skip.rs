//! Skipping on TestService: a day on an empty server, a second beside open workflows.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use foretime_server::proto::{
    Rpc,
    testservice::{GetCurrentTimeResponse, SleepRequest},
};

use super::{
    link::Link,
    open::Opened,
    options::Options,
    plan::Plan,
    record::{Record, median},
    rpc::{GetCurrentTimeRequest, UnlockTimeSkippingWithSleepRequest},
    server::{Server, Spec},
};

const DAY_SECONDS: i64 = 86_400;
const SECOND: prost_types::Duration = prost_types::Duration { seconds: 1, nanos: 0 };
const DAY: prost_types::Duration = prost_types::Duration { seconds: DAY_SECONDS, nanos: 0 };
/// Calls before those that are measured.
const WARM_UP: usize = 20;

/// Skips this many days by each of the two RPCs, one after the other. A call that skips nothing shows the cost of a round trip.
///
/// # Errors
/// A call fails, or the clock did not move by the days skipped.
pub async fn measure(spec: &Spec, days: usize) -> Result<Vec<Record>> {
    let server = Server::start(spec).await?;
    let mut link = server.connect().await?;
    let mut records = vec![repeat(&server, &mut link, spec, days, "GetCurrentTime", GetCurrentTimeRequest {}).await?];

    let before = now_seconds(&mut link).await?;
    records.push(repeat(&server, &mut link, spec, days, "Sleep", SleepRequest { duration: Some(DAY) }).await?);
    server.lock(&mut link).await?;
    let request = UnlockTimeSkippingWithSleepRequest { duration: Some(DAY) };
    records.push(repeat(&server, &mut link, spec, days, "UnlockTimeSkippingWithSleep", request).await?);
    let skipped = (now_seconds(&mut link).await? - before) / DAY_SECONDS;
    let expected = 2 * (days + WARM_UP) as i64;
    ensure!(skipped == expected, "{}: {skipped} days have passed, not {expected}", spec.name);
    Ok(records)
}

/// Skips this many seconds, one by one, on a server where `count` workflows wait for timers that are a month away.
///
/// # Errors
/// The server does not start, or breaks, or does not open all of them.
pub async fn measure_beside(spec: &Spec, options: &Options, count: usize) -> Result<Record> {
    let mut opened = Opened::new(spec, options, &Plan::months(1), count).await?;
    ensure!(opened.all(count), "{}: not all workflows are open", spec.name);
    let request = UnlockTimeSkippingWithSleepRequest { duration: Some(SECOND) };
    let (server, control) = (&opened.server, &mut opened.control);
    let record = repeat(server, control, spec, options.days, "UnlockTimeSkippingWithSleep", request).await?;
    Ok(record.count("workflows", count))
}

async fn repeat<Q: Rpc + Clone>(
    server: &Server,
    link: &mut Link,
    spec: &Spec,
    times: usize,
    name: &'static str,
    request: Q,
) -> Result<Record> {
    for _ in 0..WARM_UP {
        link.call(request.clone()).await?;
    }
    let before = server.usage()?;
    let mut round_trips = Vec::with_capacity(times);
    for _ in 0..times {
        let start = Instant::now();
        link.call(request.clone()).await?;
        round_trips.push(start.elapsed());
    }
    let cpu = server.usage()?.cpu.saturating_sub(before.cpu);
    let slowest = round_trips.iter().copied().max().unwrap_or_default();
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    Ok(Record::new("skip", &spec.name)
        .words("rpc", name)
        .count("calls", times)
        .real("round_trip_median_us", median(round_trips.into_iter().map(micros).collect()))
        .real("round_trip_slowest_us", micros(slowest))
        .real("server_cpu_us_per_call", micros(cpu) / times as f64))
}

async fn now_seconds(link: &mut Link) -> Result<i64> {
    let GetCurrentTimeResponse { time } = link.call(GetCurrentTimeRequest {}).await?;
    Ok(time.unwrap_or_default().seconds)
}
