//! A process that runs seeds. It forks for each order; the child simulates, sends the result and exits.

use std::{
    collections::BTreeMap,
    env,
    fs::File,
    io::Write,
    os::{fd::AsRawFd, unix::net::UnixStream},
    time::{Duration, Instant},
};

use foretime_campaign::{
    case::Case,
    choices::Choices,
    report,
    result::{CORE_VARIABLE, Detail, Line, Order, RunFailure, RunResult, SOCKET_VARIABLE, TEST_VARIABLE},
    time::Start,
};

use foretime_history::fixtures::Keeper;
use prost::Message;
use temporalio_common::protos::temporal::api::history::v1::History;
use temporalio_sdk::WorkerOptions;

use super::options;
use crate::{
    os::{
        self,
        fork::{self, Ended, Side},
        text,
    },
    sim::Body,
    simulation::Simulation,
    world::State,
};

/// Whether this process was started to run seeds.
pub(super) fn is_any() -> bool {
    env::var_os(SOCKET_VARIABLE).is_some()
}

/// Whether this process was started to run seeds of `test`.
pub(super) fn is_child(test: &str) -> bool {
    is_any() && env::var(TEST_VARIABLE).is_ok_and(|it| it == test)
}

/// Takes orders until there are no more, then ends the process.
pub(super) fn serve(case: &Case, crates: &[String], body: impl Fn() -> Body) -> ! {
    if let Some(core) = env::var(CORE_VARIABLE).ok().and_then(|it| it.parse().ok()) {
        fork::stay_on_core(core);
    }
    have_a_build_id();
    if options::carries() {
        text::enlarge_pages();
    }
    os::statics::find(crates);
    os::lay_out();
    let code = match take_orders(case, body) {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("foretime: a process for simulations gives up: {error}");
            1
        }
    };
    fork::exit(code)
}

/// Makes the SDK compute its build id here, once for all simulations. The SDK computes it from the program's file, once in a
/// process. The file appears empty: half a gigabyte, as programs under test have, would take longer than many simulations do.
/// So all workers have build id 00000000, whoever compiled them.
fn have_a_build_id() {
    os::with_empty_own_file(|| drop(WorkerOptions::new("to have a build id").build()));
}

fn take_orders(case: &Case, body: impl Fn() -> Body) -> std::io::Result<()> {
    let mut stream = UnixStream::connect(env::var_os(SOCKET_VARIABLE).unwrap_or_default())?;
    let nowhere = File::create("/dev/null")?;
    // The child reads its order itself. This process does nothing between children that would change its memory, so all of them
    // begin alike.
    while fork::is_something_to_come(stream.as_raw_fd())? {
        let child = match fork::fork()? {
            Side::Child => run(case, body(), stream, &nowhere),
            Side::Parent(child) => child,
        };
        let ended = match fork::wait_for(child)? {
            Ended::Exit(0) => {
                stream.write_all(ENDED_WELL)?;
                continue;
            }
            Ended::Exit(code) => format!("it ended with exit code {code}"),
            Ended::Signal(signal) => format!("it was ended by signal {signal}"),
        };
        write_line(&mut stream, &Line::Ended(Some(ended)))?;
    }
    Ok(())
}

/// `Line::Ended(None)`, as it is sent.
const ENDED_WELL: &[u8] = b"{\"Ended\":null}\n";

/// Runs one simulation, in the forked process. Its output goes into the file that the order names, or else to `nowhere`.
fn run(case: &Case, body: Body, mut stream: UnixStream, nowhere: &File) -> ! {
    let outcome = Order::read(&mut stream).and_then(|order| {
        let redirected = match &order.output {
            Some(output) => File::create(output).and_then(|file| fork::redirect_output(file.as_raw_fd())),
            None => fork::redirect_output(nowhere.as_raw_fd()),
        };
        let result = simulate(case, order, body);
        redirected.and_then(|()| write_line(&mut stream, &Line::Result(Box::new(result))))
    });
    fork::exit(i32::from(outcome.is_err()))
}

fn simulate(case: &Case, mut order: Order, body: Body) -> RunResult {
    let begun = Instant::now();
    let choices = match order.tape.take() {
        Some(tape) => Choices::from_tape(tape),
        None => Choices::from_seed(order.seed, &case.name),
    };
    let simulation = Simulation {
        choices: choices.only(order.only.clone()).redrawn(order.redraw),
        starts_at: order.starts_at.or(case.starts_at).map(Start::from_unix_s),
        is_detailed: order.is_detailed,
        patience: order.patience.unwrap_or(Duration::MAX).min(options::patience()),
        limits: options::limits(),
        carries: options::carries(),
    };
    let world = simulation.run(body);
    let real_us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
    let state = world.lock();
    keep_histories(case, &state);
    result_of(case, &state, &order, real_us)
}

/// Keeps the histories of a run that passes. What a wrong run leaves behind is no example.
fn keep_histories(case: &Case, state: &State) {
    let Some(folder) = options::save_histories().filter(|_| state.findings.is_empty()) else { return };
    if let Err(error) = Keeper::new(folder, Some(case.name.clone())).keep_all(state.service()) {
        eprintln!("foretime: histories cannot be kept: {error}");
    }
}

fn result_of(case: &Case, state: &State, order: &Order, real_us: u64) -> RunResult {
    let name_of = |process: Option<_>| process.map_or_else(|| "server".to_owned(), |it| state.lives.get(it).name.clone());
    let failures = state.findings.iter().map(|it| RunFailure {
        kind: it.wrong.kind(),
        title: it.wrong.title(),
        detail: it.wrong.detail(),
        process: name_of(it.process),
        at_ns: it.at_ns,
        likeness: it.wrong.likeness(),
        bare_likeness: Some(it.wrong.bare_likeness(state.choices.inputs())),
    });
    let failures = failures.collect();
    RunResult {
        seed: order.seed,
        starts_at: state.starts_at().unix_s(),
        hash: state.hash(),
        steps: state.log.steps(),
        draws: state.choices.count(),
        strikes: state.choices.strikes().to_vec(),
        opportunities: if state.choices.which().has_no_strikes() { state.choices.opportunities() } else { BTreeMap::new() },
        inputs: state.choices.inputs().to_vec(),
        rot: state.choices.rot(),
        virtual_ns: state.now_ns(),
        real_us,
        failures,
        faults: state.fault_counts().iter().map(|(fault, count)| (fault.name().to_owned(), *count)).collect(),
        replays: state.replays,
        replays_checked: state.replays_checked,
        runs_count: state.service().runs().count() as u64,
        effects_count: state.ledger.len() as u64,
        claims: state.claims.clone(),
        activities: state.activities.clone(),
        detail: state.log.is_detailed().then(|| Box::new(detail_of(case, state, order))),
    }
}

fn detail_of(case: &Case, state: &State, order: &Order) -> Detail {
    let view = state.view();
    let mut detail = report::detail(case, &view, order);
    detail.of_rust_sdk =
        view.runs().filter_map(|run| Some((run.run_id().to_owned(), of_rust_sdk(&run.encoded_events())?))).collect();
    detail
}

/// The Rust SDK's form of a history, given as the bytes of a `History`; `None` if they are not one. That SDK's replayer (1.1) only
/// loads this form.
fn of_rust_sdk(encoded: &[u8]) -> Option<serde_json::Value> {
    serde_json::to_value(History::decode(encoded).ok()?).ok()
}

fn write_line(stream: &mut UnixStream, line: &Line) -> std::io::Result<()> {
    let mut text = serde_json::to_string(line)?;
    text.push('\n');
    stream.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use foretime_server::proto::{
        enums::EventType,
        history::{History as HistoryProto, HistoryEvent, TimerStartedEventAttributes, history_event::Attributes},
    };

    use super::*;

    #[test]
    fn the_rust_sdk_has_names_of_its_own() {
        let attributes = TimerStartedEventAttributes { timer_id: "7".to_owned(), ..TimerStartedEventAttributes::default() };
        let mut event = HistoryEvent { event_id: 5, ..HistoryEvent::default() };
        event.set_event_type(EventType::TimerStarted);
        event.attributes = Some(Attributes::TimerStartedEventAttributes(attributes));
        let form = of_rust_sdk(&HistoryProto { events: vec![event] }.encode_to_vec()).unwrap();
        let event = &form["events"][0];
        assert_eq!(event["event_type"], EventType::TimerStarted as i32);
        assert_eq!(event["attributes"]["TimerStartedEventAttributes"]["timer_id"], "7");
    }

    #[test]
    fn what_is_no_history_has_no_form() {
        assert_eq!(of_rust_sdk(b"\x0a\xff"), None);
    }
}
