//! The main job: a year of a subscription on a real worker, told month by month, with the virtual and the wall time it took.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use anstream::println;
use anstyle::{AnsiColor, Style};
use anyhow::ensure;
use clap::Parser;
use foretime::Environment;
use foretime_scenarios::{
    outside::{Entry, Event, Fault, Outside},
    subscription::{Billing, MONTH, Plan, State, Status, Subscription, TASK_QUEUE},
    worker::beside,
};
use serde_json::{Value, json};
use temporalio_client::{WorkflowGetResultOptions, WorkflowStartOptions};
use temporalio_sdk::WorkerOptions;

/// Runs a subscription for a year of virtual time, on a real Temporal worker.
///
/// The payment gateway is flaky: some charges need several attempts, seconds apart. Time skips, so the year is over within
/// milliseconds.
#[derive(Parser)]
#[command(name = "subscription")]
struct Options {
    /// Print one JSON document instead of the story.
    #[arg(long)]
    json: bool,
}

/// What came of the year.
struct Year {
    start: SystemTime,
    diary: Vec<Entry>,
    status: Status,
    virtual_time: Duration,
    wall_time: Duration,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let year = a_year().await?;
    if options.json {
        println!("{:#}", year.to_json());
    } else {
        year.tell();
    }
    ensure!(year.status.state == State::Completed, "the year did not end as it should: {:?}", year.status);
    Ok(())
}

async fn a_year() -> anyhow::Result<Year> {
    let outside = Arc::new(Outside::default());
    outside.fail_charge("ada/0", [Fault::Unreachable, Fault::Unreachable]);
    outside.fail_charge("ada/4", [Fault::ReplyLost]);
    outside.fail_charge("ada/9", [Fault::Unreachable; 4]);

    let wall_start = Instant::now();
    let environment = Environment::start().await?;
    let start = environment.now();
    let client = environment.client();
    let billing = Billing { outside: outside.clone() };
    let worker = WorkerOptions::new(TASK_QUEUE).register_workflow::<Subscription>()?.register_activities(billing).build();
    let status = beside(environment.client(), worker, async {
        let options = WorkflowStartOptions::new(TASK_QUEUE, "ada").build();
        let subscription = client.start_workflow(Subscription::run, Plan::standard("ada"), options).await?;
        Ok(subscription.get_result(WorkflowGetResultOptions::default()).await?)
    })
    .await?;
    let virtual_time = environment.now().duration_since(start)?;
    Ok(Year { start, diary: outside.diary(), status, virtual_time, wall_time: wall_start.elapsed() })
}

impl Year {
    fn tell(&self) {
        let (bold, dim) = (Style::new().bold(), Style::new().dimmed());
        println!("{bold}A subscription for a year{bold:#}: 29.99 a month, a flaky gateway, a real worker, virtual time.\n");
        println!("{dim}month  virtual time (UTC)   what happened{dim:#}");
        let mut told = None;
        for entry in &self.diary {
            let month = self.month(entry);
            let label = if told == Some(month) { String::new() } else { month.to_string() };
            told = Some(month);
            let (style, text) = describe(&entry.event);
            println!("{label:>5}  {dim}{}{dim:#}  {style}{text}{style:#}", utc(entry.at).strftime("%Y-%m-%d %H:%M:%S"));
        }
        let Status { state, charges, paid_cents } = &self.status;
        println!(
            "\nThe subscription is {}: {charges} charges, {} in all.",
            json!(state).as_str().unwrap_or("?"),
            money(*paid_cents)
        );
        println!(
            "{bold}{} days{bold:#} of virtual time in {bold}{:.0} ms{bold:#} of wall time: {:.0} million times as fast.",
            self.virtual_time.as_secs() / (24 * 60 * 60),
            self.wall_time.as_secs_f64() * 1e3,
            self.ratio() / 1e6
        );
    }

    fn to_json(&self) -> Value {
        let events: Vec<Value> = self.diary.iter().map(|entry| self.entry_to_json(entry)).collect();
        json!({
            "events": events,
            "status": self.status,
            "virtual_seconds": self.virtual_time.as_secs_f64(),
            "wall_seconds": self.wall_time.as_secs_f64(),
            "ratio": self.ratio(),
        })
    }

    fn entry_to_json(&self, entry: &Entry) -> Value {
        let (event, about, fault) = match &entry.event {
            Event::Charged(charge) => ("charged", json!(charge), None),
            Event::Recognised(charge) => ("recognised", json!(charge), None),
            Event::Failed(charge, fault) => ("failed", json!(charge), Some(fault.to_string())),
            Event::Emailed(letter) => ("emailed", json!(letter), None),
            Event::Escalated(letter) => ("escalated", json!(letter), None),
        };
        json!({
            "month": self.month(entry), "at": utc(entry.at).to_string(), "event": event, "about": about, "fault": fault,
        })
    }

    fn month(&self, entry: &Entry) -> u64 {
        entry.at.duration_since(self.start).unwrap_or_default().as_secs() / MONTH.as_secs()
    }

    fn ratio(&self) -> f64 {
        self.virtual_time.as_secs_f64() / self.wall_time.as_secs_f64()
    }
}

fn describe(event: &Event) -> (Style, String) {
    let (good, bad, plain) = (AnsiColor::Green.on_default(), AnsiColor::Yellow.on_default(), Style::new());
    match event {
        Event::Charged(charge) => (good, format!("charged {}", money(charge.amount_cents))),
        Event::Recognised(charge) => {
            (plain, format!("asked again for {}: it was charged already, and is not charged twice", charge.idempotency_key))
        }
        Event::Failed(_, fault) => (bad, format!("{fault}; the charge is tried again")),
        Event::Emailed(letter) => (plain, format!("email to {}: {}", letter.customer, letter.text)),
        Event::Escalated(letter) => (bad, format!("a human is told about {}: {}", letter.customer, letter.text)),
    }
}

fn money(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

fn utc(at: SystemTime) -> jiff::Timestamp {
    jiff::Timestamp::try_from(at).unwrap_or_default()
}
