//! From exec to the first answered RPC.

use anyhow::Result;

use super::{
    record::{Record, median},
    server::{Server, Spec},
};

/// Starts the server this many times, one after another.
///
/// # Errors
/// A start that fails.
pub async fn measure(spec: &Spec, starts: usize) -> Result<Record> {
    let mut times_ms = Vec::with_capacity(starts);
    let mut memory_mib = Vec::with_capacity(starts);
    for _ in 0..starts {
        let server = Server::start(spec).await?;
        times_ms.push(server.startup.as_secs_f64() * 1e3);
        memory_mib.push(server.usage()?.rss_bytes as f64 / f64::from(1 << 20));
    }
    let slowest = times_ms.iter().copied().fold(0.0, f64::max);
    Ok(Record::new("startup", &spec.name)
        .count("starts", starts)
        .real("first_answer_median_ms", median(times_ms))
        .real("first_answer_slowest_ms", slowest)
        .real("idle_rss_median_mib", median(memory_mib)))
}
