//! The soak: runs every scenario over thousands of seeds, each seed twice in two processes, while other processes keep the
//! cores busy. No pair of runs may differ in a single step. With `--once` it is the benchmark of simulations. With `--hashes`
//! it writes down the hash of each run, to compare two builds.

use std::{
    fs,
    path::{Path, PathBuf},
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
use foretime::{Campaign, CampaignError, Summary};
use foretime_scenarios::{
    account, approval, cron_billing, fan_out, onboarding, operations, order_saga, rolling_deploy, subscription, transfer,
};
use serde_json::json;

/// Runs every scenario over many seeds, each twice, and compares.
#[derive(Parser)]
#[command(name = "soak", after_help = EXAMPLES)]
struct Options {
    /// How many seeds of each scenario [default: 1000, with --hashes 200]
    #[arg(long)]
    seeds: Option<u64>,
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
    /// Run each seed once, and write its hash to this file: a line with scenario, seed and hash, sorted. `diff` compares two of them.
    #[arg(long, value_name = "FILE")]
    hashes: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  soak --seeds 2000 --load 4
  FORETIME_JOBS=1 soak --once --seeds 500 --json
  soak --hashes before.txt             then, with another build, after.txt; diff before.txt after.txt";

/// How often memory is read. Simulations come and go many times a second, and each grows during its life.
const LOOK_EVERY: Duration = Duration::from_millis(50);

fn main() -> ExitCode {
    let options = Options::parse();
    let _load = Load::start(if is_parent() { options.load } else { 0 });
    if is_parent() && !options.json {
        println!(
            "{:>13} {:>7} {:>7} {:>7} {:>9} {:>8} {:>8} {:>12}",
            "scenario", "seeds", "twice", "faults", "years", "a second", "a core", "MiB"
        );
    }
    let all: Result<Vec<Summary>, String> = [
        run(&options, "a year", subscription::a_year),
        run(&options, "six weeks", subscription::six_weeks),
        run(&options, "subscription", subscription::simulation),
        run(&options, "order saga", order_saga::simulation),
        run(&options, "account", account::simulation),
        run(&options, "onboarding", onboarding::simulation),
        run(&options, "transfer", transfer::simulation),
        run(&options, "approval", approval::simulation),
        run(&options, "cron billing", cron_billing::simulation),
        run(&options, "fan-out", fan_out::simulation),
        run(&options, "deploy", rolling_deploy::simulation),
        run(&options, "operations", operations::simulation),
    ]
    .into_iter()
    .filter_map(Result::transpose)
    .collect();
    match all {
        Ok(all) => {
            let with_faults: Vec<Summary> = all.iter().filter(|summary| faults(summary) > 0).cloned().collect();
            if with_faults.len() > 1 {
                Row::of("mixed", &with_faults, None).print(options.json);
            }
            if let Some(file) = options.hashes.filter(|_| is_parent())
                && let Err(error) = write_hashes(&file, &all)
            {
                eprintln!("soak: cannot write {}: {error}", file.display());
                return ExitCode::from(2);
            }
            ExitCode::from(u8::from(all.iter().any(|summary| summary.failed_seed().is_some())))
        }
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

/// Runs one scenario; `None` if it is not wanted.
fn run<F>(
    options: &Options,
    name: &str,
    simulation: impl Fn(foretime::Sim) -> F + Clone + Send + Sync + 'static,
) -> Result<Option<Summary>, String>
where
    F: Future<Output = foretime::Result> + 'static,
{
    if options.only.as_ref().is_some_and(|only| only != name) {
        return Ok(None);
    }
    // A process that runs seeds does nothing else.
    let memory = is_parent().then(Memory::watch);
    let twice_every = if options.once || options.hashes.is_some() { u64::MAX } else { 1 };
    let seeds = options.seeds.unwrap_or(if options.hashes.is_some() { 200 } else { 1000 });
    let summary = match Campaign::new(name).runs(seeds).twice_every(twice_every).run(simulation) {
        Ok(summary) => summary,
        Err(CampaignError::NotGood(summary)) => *summary,
        Err(error) => return Err(error.to_string()),
    };
    let (first_mib, last_mib) = memory.map(Memory::stop).unwrap_or_default();
    Row::of(name, std::slice::from_ref(&summary), Some((first_mib, last_mib))).print(options.json);
    // A rare case that no run reached is no failure here: the caller chooses how many seeds run.
    if summary.failed_seed().is_some() {
        eprintln!("{summary}");
    }
    Ok(Some(summary))
}

/// One line for each run.
fn write_hashes(file: &Path, all: &[Summary]) -> std::io::Result<()> {
    let of_scenario = |summary: &Summary| {
        let lines = summary.hashes.iter().map(|(seed, hash)| format!("{}\t{seed:04}\t{hash:016x}\n", summary.test));
        lines.collect::<Vec<_>>()
    };
    let mut lines: Vec<String> = all.iter().flat_map(of_scenario).collect();
    lines.sort();
    fs::write(file, lines.concat())
}

fn faults(summary: &Summary) -> u64 {
    summary.faults.values().sum()
}

/// The figures of one scenario, or of several together.
struct Row<'a> {
    name: &'a str,
    seeds: u64,
    twice: u64,
    good: bool,
    faults: u64,
    years: f64,
    a_second: f64,
    a_second_core: f64,
    /// Resident memory in the first tenth of the time, and in the last.
    mib: Option<(u64, u64)>,
}

impl<'a> Row<'a> {
    fn of(name: &'a str, all: &[Summary], mib: Option<(u64, u64)>) -> Self {
        let sum = |of: fn(&Summary) -> u64| all.iter().map(of).sum::<u64>();
        let (seeds, twice) = (sum(|summary| summary.runs), sum(|summary| summary.twice_count));
        let elapsed_s: f64 = all.iter().map(|summary| summary.elapsed.as_secs_f64()).sum();
        let core_s: f64 = all.iter().map(|summary| summary.elapsed.as_secs_f64() * summary.jobs as f64).sum();
        Self {
            name,
            seeds,
            twice,
            good: all.iter().all(|summary| summary.failed_seed().is_none()),
            faults: sum(faults),
            years: all.iter().map(Summary::virtual_years).sum(),
            a_second: (seeds + twice) as f64 / elapsed_s,
            a_second_core: (seeds + twice) as f64 / core_s,
            mib,
        }
    }

    fn print(&self, as_json: bool) {
        let Self { name, seeds, twice, good, faults, years, a_second, a_second_core, mib } = self;
        let (first_mib, last_mib) = mib.unzip();
        if as_json {
            let row = json!({
                "scenario": name, "seeds": seeds, "twice": twice, "good": good, "faults": faults, "virtual_years": years,
                "simulations_per_s": a_second, "simulations_per_s_core": a_second_core,
                "memory_first_mib": first_mib, "memory_last_mib": last_mib,
            });
            return println!("{row}");
        }
        let mib = mib.map_or_else(String::new, |(first, last)| format!("{first:>5} {last:>6}"));
        println!("{name:>13} {seeds:>7} {twice:>7} {faults:>7} {years:>9.1} {a_second:>8.1} {a_second_core:>8.1} {mib}");
    }
}

/// Processes that only keep cores busy.
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

/// Watches the memory of this process and of all its descendants.
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

    /// The mean in the first tenth of the time and in the last; MiB.
    fn stop(self) -> (u64, u64) {
        self.stop.store(true, Ordering::Relaxed);
        self.watcher.join().unwrap_or_default()
    }
}

fn first_and_last(seen: &[u64]) -> (u64, u64) {
    let tenth = seen.len().div_ceil(10);
    let mean = |part: &[u64]| part.iter().sum::<u64>() / (part.len() as u64).max(1);
    (mean(&seen[..tenth]), mean(&seen[seen.len() - tenth..]))
}

/// The memory of this process, its children and theirs. Shared memory counts for each of them.
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
