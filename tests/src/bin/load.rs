//! The load bench's command line: see `foretime_tests::load` for what it does and `docs/benchmarks.md` for how to read it.

use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::Parser;
use foretime_tests::load::{
    list, open,
    options::{Measure, Options},
    record::Record,
    server::{Kind, Spec},
    skip, startup, table, throughput,
};

// One thread: the generator must not take from the server the cores that it is measured on.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match measure(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(options: &Options) -> Result<()> {
    let servers = options.servers();
    ensure!(!servers.is_empty(), "no server given: --server NAME=PATH");
    let mut records = Vec::new();
    for &measure in &options.measure {
        run(measure, &servers, options, &mut records).await?;
    }
    if !options.json {
        println!("\n{}", table::render(&records));
    }
    Ok(())
}

async fn run(measure: Measure, servers: &[Spec], options: &Options, records: &mut Vec<Record>) -> Result<()> {
    let mut publish = |new: Vec<Record>| -> Result<()> {
        for record in new {
            println!("{}", serde_json::to_string(&record)?);
            records.push(record);
        }
        Ok(())
    };
    let sizes = match measure {
        Measure::Startup | Measure::Skip => &vec![1],
        Measure::Beside => &options.beside,
        Measure::Throughput => &options.workflows,
        Measure::Memory => &options.aged,
        Measure::Linear => &options.open,
        Measure::List => &options.listed,
    };
    let turns = if matches!(measure, Measure::Startup | Measure::Skip) { 1 } else { options.repeat };
    for &size in sizes {
        for spec in (0..turns).flat_map(|_| servers) {
            publish(match measure {
                Measure::Startup => vec![startup::measure(spec, options.starts).await?],
                Measure::Skip | Measure::Beside if spec.kind == Kind::Dev => Vec::new(),
                Measure::Skip => skip::measure(spec, options.days).await?,
                Measure::Beside => vec![skip::measure_beside(spec, options, size).await?],
                Measure::Throughput => vec![throughput::measure(spec, options, size).await?],
                Measure::Memory => vec![open::measure_memory(spec, options, size).await?],
                Measure::Linear => vec![open::measure_linearity(spec, options, size).await?],
                Measure::List => list::measure(spec, options, size).await?,
            })?;
        }
    }
    Ok(())
}
