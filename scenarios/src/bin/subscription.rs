//! The main job: the subscription of a year in about a hundred worlds, each with its own faults, and the results.

use std::{path::Path, process::ExitCode, time::Duration};

use anstream::{eprintln, println};
use anstyle::{AnsiColor, Style};
use clap::Parser;
use foretime::{Campaign, CampaignError, Summary};
use foretime_scenarios::subscription;
use serde_json::json;

/// Simulates subscriptions for a year of virtual time, in many worlds.
///
/// Real workers of the official Rust SDK charge their customers month by month, while workers crash, replies are lost and the
/// payment gateway fails. Each world follows from its seed, and repeats exactly.
#[derive(Parser)]
#[command(name = "subscription", after_help = EXAMPLES)]
struct Options {
    /// How many worlds.
    #[arg(long, default_value_t = 300)]
    runs: u64,
    /// Print one JSON document instead.
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  subscription --runs 2000
  FORETIME_SEED=17 subscription        one world again, with its report
  FORETIME_JOBS=1 subscription --json";

fn main() -> ExitCode {
    let options = Options::parse();
    let campaign = Campaign::new("subscription").runs(options.runs).shows_one();
    let summary = match campaign.run(subscription::simulation) {
        Ok(summary) => summary,
        Err(CampaignError::NotGood(summary)) => *summary,
        Err(error) => {
            eprintln!("subscription: {error}");
            return ExitCode::from(2);
        }
    };
    if options.json {
        println!("{:#}", to_json(&summary));
    } else {
        tell(&summary);
    }
    ExitCode::from(u8::from(!summary.is_good()))
}

fn tell(summary: &Summary) {
    let bold = Style::new().bold();
    let dim = Style::new().dimmed();
    println!(
        "{bold}{} worlds, {:.0} virtual years{bold:#} in {}",
        summary.runs,
        summary.virtual_years(),
        said(summary.elapsed)
    );
    println!("{dim}{} times as fast as life, on {}{dim:#}", thousands(summary.speed_up()), several(summary.jobs, "core"));
    println!();
    let most = summary.faults.values().copied().max().unwrap_or(1).max(1);
    let red = AnsiColor::Red.on_default();
    for (fault, count) in &summary.faults {
        let bar = "█".repeat(usize::try_from(count * 40 / most).unwrap_or(0).max(1));
        println!("  {fault:>18} {count:>6} {red}{bar}{red:#}");
    }
    println!();
    let effects = format!("{} effects on the outside world, none of them twice", summary.effects);
    println!("  {:>18} {:>6} {effects}", "workflows", summary.workflow_runs);
    println!("  {:>18} {:>6} after a worker had lost its cache", "replays", summary.replays);
    println!("  {:>18} {:>6} whole and cut, accepted by the official replayer", "histories", summary.replays_checked);
    println!("  {:>18} {:>6} equal in every step", "seeds run twice", summary.twice_count);
    if let Some((seed, took)) = summary.slowest {
        println!("  {:>18} {:>6} seed {seed}", "slowest", said(took));
    }
    println!();
    if summary.is_good() {
        let green = AnsiColor::Green.on_default().bold();
        println!("{green}Every customer was billed once a month, whatever happened.{green:#}");
    } else {
        println!("{summary}");
    }
    if let (Some(report), Some((seed, faults))) = (&summary.report, summary.most_faults) {
        println!("{dim}Look at seed {seed}, with its {faults} faults: {}{dim:#}", page(report));
    }
}

fn to_json(summary: &Summary) -> serde_json::Value {
    json!({
        "runs": summary.runs,
        "good": summary.is_good(),
        "failed_seed": summary.failed_seed(),
        "virtual_years": summary.virtual_years(),
        "elapsed_ms": u64::try_from(summary.elapsed.as_millis()).unwrap_or(u64::MAX),
        "jobs": summary.jobs,
        "speed_up": summary.speed_up(),
        "faults": summary.faults,
        "workflow_runs": summary.workflow_runs,
        "effects": summary.effects,
        "replays": summary.replays,
        "replays_checked": summary.replays_checked,
        "twice": summary.twice_count,
        "slowest_seed": summary.slowest.map(|(seed, _)| seed),
        "slowest_ms": summary.slowest.map(|(_, took)| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
        "report": summary.report.as_deref().map(page),
    })
}

fn page(report: &Path) -> String {
    report.join("report.html").display().to_string()
}

fn said(span: Duration) -> String {
    if span < Duration::from_secs(1) { format!("{} ms", span.as_millis()) } else { format!("{:.1} s", span.as_secs_f64()) }
}

fn several(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A large number, with its thousands set apart.
fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}
