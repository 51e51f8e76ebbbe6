//! The soak: every scenario over thousands of seeds, each seed twice in two processes, while other processes keep the cores
//! busy. Not one pair of runs may differ in one step. With `--once` it is the benchmark of simulations.

use std::{
    fs,
    process::{Child, Command, ExitCode, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use anstream::{eprintln, println};
use clap::Parser;
use foretime::{Campaign, Summary};
use foretime_scenarios::{approval, cron_billing, fan_out, onboarding, order_saga, rolling_deploy, subscription, transfer};
use serde_json::{Value, json};

/// Runs every scenario over many seeds, each twice, and compares.
#[derive(Parser)]
#[command(name = "soak", after_help = EXAMPLES)]
struct Options {
    /// How many seeds of each scenario.
    #[arg(long, default_value_t = 1000)]
    seeds: u64,
    /// How many other processes compute for nothing meanwhile.
    #[arg(long, default_value_t = 0)]
    load: usize,
    /// Run each seed once: to measure speed.
    #[arg(long)]
    once: bool,
    /// Only the scenario of this name.
    #[arg(long)]
    only: Option<String>,
    /// Print a line of JSON for each scenario.
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  soak --seeds 2000 --load 4
  FORETIME_JOBS=1 soak --once --seeds 500 --json";

/// How often memory is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let options = Options::parse();
    let _load = Load::start(if is_parent() { options.load } else { 0 });
    if is_parent() && !options.json {
        println!(
            "{:>13} {:>7} {:>7} {:>7} {:>9} {:>8} {:>8} {:>12}",
            "scenario", "seeds", "twice", "faults", "years", "a second", "a core", "MiB"
        );
    }
    let all: Result<Vec<bool>, String> = [
        run(&options, "a year", subscription::a_year),
        run(&options, "six weeks", subscription::six_weeks),
        run(&options, "subscription", subscription::simulation),
        run(&options, "order saga", order_saga::simulation),
        run(&options, "onboarding", onboarding::simulation),
        run(&options, "transfer", transfer::simulation),
        run(&options, "approval", approval::simulation),
        run(&options, "cron billing", cron_billing::simulation),
        run(&options, "fan-out", fan_out::simulation),
        run(&options, "deploy", rolling_deploy::simulation),
    ]
    .into_iter()
    .collect();
    match all {
        Ok(all) => ExitCode::from(u8::from(all.contains(&false))),
        Err(error) => {
            eprintln!("soak: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether this is the process that a person started, not one of those in which seeds run.
fn is_parent() -> bool {
    std::env::var_os("FORETIME_SOCKET").is_none()
}

/// Runs one scenario; whether all was well.
fn run<F>(
    options: &Options,
    name: &str,
    simulation: impl Fn(foretime::Sim) -> F + Clone + Send + Sync + 'static,
) -> Result<bool, String>
where
    F: Future<Output = foretime::Result> + 'static,
{
    if options.only.as_ref().is_some_and(|only| only != name) {
        return Ok(true);
    }
    // A process that runs seeds does nothing else.
    let memory = is_parent().then(Memory::watch);
    let twice_every = if options.once { u64::MAX } else { 1 };
    let summary = Campaign::new(name).runs(options.seeds).twice_every(twice_every).run(simulation)?;
    let (first_mib, last_mib) = memory.map(Memory::stop).unwrap_or_default();
    let simulations = summary.runs + summary.twice_count;
    let a_second = simulations as f64 / summary.elapsed.as_secs_f64();
    if options.json {
        println!("{}", to_json(&summary, a_second, first_mib, last_mib));
    } else {
        let faults: u64 = summary.faults.values().sum();
        println!(
            "{name:>13} {:>7} {:>7} {faults:>7} {:>9.1} {a_second:>8.1} {:>8.1} {first_mib:>5} {last_mib:>6}",
            summary.runs,
            summary.twice_count,
            summary.virtual_years(),
            a_second / summary.jobs as f64
        );
    }
    // A rare case that no run came to is no failure here: how many seeds run is the caller's choice.
    let all_passed = summary.failed_seed().is_none();
    if !all_passed {
        eprintln!("{summary}");
    }
    Ok(all_passed)
}

fn to_json(summary: &Summary, a_second: f64, first_mib: u64, last_mib: u64) -> Value {
    json!({
        "scenario": summary.test,
        "seeds": summary.runs,
        "twice": summary.twice_count,
        "good": summary.failed_seed().is_none(),
        "faults": summary.faults.values().sum::<u64>(),
        "virtual_years": summary.virtual_years(),
        "simulations_per_s": a_second,
        "simulations_per_s_core": a_second / summary.jobs as f64,
        "memory_first_mib": first_mib,
        "memory_last_mib": last_mib,
    })
}

/// Processes that compute for nothing.
struct Load(Vec<Child>);

impl Load {
    fn start(count: usize) -> Self {
        let busy = || Command::new("sh").args(["-c", "while :; do :; done"]).stdin(Stdio::null()).spawn();
        Self((0..count).filter_map(|_| busy().ok()).collect())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Watches the memory of this process and of all that come of it.
struct Memory {
    stop: Arc<AtomicBool>,
    watcher: JoinHandle<(u64, u64)>,
}

impl Memory {
    fn watch() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let watcher = thread::spawn(move || {
            let mut seen = Vec::new();
            loop {
                thread::sleep(LOOK_EVERY);
                if stopped.load(Ordering::Relaxed) {
                    return first_and_last(&seen);
                }
                seen.push(resident_mib());
            }
        });
        Self { stop, watcher }
    }

    /// The middle of what was seen in the first tenth of the time, and in the last; MiB.
    fn stop(self) -> (u64, u64) {
        self.stop.store(true, Ordering::Relaxed);
        self.watcher.join().unwrap_or_default()
    }
}

fn first_and_last(seen: &[u64]) -> (u64, u64) {
    let tenth = seen.len().div_ceil(10);
    let middle = |part: &[u64]| {
        let mut part = part.to_vec();
        part.sort_unstable();
        part.get(part.len() / 2).copied().unwrap_or_default()
    };
    (middle(&seen[..tenth]), middle(&seen[seen.len() - tenth..]))
}

/// What this process, its children and theirs hold in memory. What they share counts for each.
fn resident_mib() -> u64 {
    let me = std::process::id();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let statuses: Vec<(u32, u32, u64)> = numbers
        .filter_map(|number| {
            let status = fs::read_to_string(format!("/proc/{number}/status")).ok()?;
            let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next();
            Some((number, field("PPid:")?.parse().ok()?, field("VmRSS:")?.parse().ok()?))
        })
        .collect();
    let children: Vec<u32> = statuses.iter().filter(|(_, parent, _)| *parent == me).map(|(number, ..)| *number).collect();
    let ours = statuses.iter().filter(|(number, parent, _)| *number == me || *parent == me || children.contains(parent));
    ours.map(|(.., kib)| kib).sum::<u64>() / 1024
}
