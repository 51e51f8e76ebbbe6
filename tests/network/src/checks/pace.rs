//! The server's time never goes slower than the clock of its machine, and never back. It may go faster: it skips. But it does not while
//! a worker is at work.

use std::collections::BTreeMap;

use foretime_server::proto::testservice::GetCurrentTimeResponse;

use super::{attempts::answer, broken::Broken, clock, reading::Reading, run::instant_ns, tasks::Work};
use crate::record::{Record, exchange::Exchange};

/// What passes by itself in one instant: each step of the simulation takes some nanoseconds.
const STEPS_NS: i64 = 5_000_000;

/// Checks the pace of the server's time.
pub fn check(read: &Reading<'_>) -> Option<Broken> {
    fell_behind(read).or_else(|| ran_ahead(read))
}

/// The first task of which the server took an answer, but whose time it did not wait for. It waits for a worker that it knows to be there
/// (its connection is), and that has not failed at the same before.
fn ran_ahead(read: &Reading<'_>) -> Option<Broken> {
    let &Reading { record, runs, ref tasks, .. } = read;
    tasks.reports.iter().filter(|report| report.ends_task() && report.is_accepted()).find_map(|report| {
        let task = tasks.task_of(report).filter(|task| task.exchange.connection == report.exchange.connection)?;
        if matches!(task.work, Work::Workflow { attempt: 2.., .. } | Work::Query) {
            return None;
        }
        let (handed_ns, ..) = task.exchange.answered.as_ref()?;
        let passed_ns = wall_ns(record, *handed_ns, report.exchange.arrived_ns);
        let gone_ns = clock::time_of(report, tasks, runs)?.saturating_sub(task.started_ns);
        let detail = || format!("{gone_ns} ns within {passed_ns} ns, at {}", task.name());
        let title = "time skipped while a worker was at work";
        (gone_ns > passed_ns.saturating_add(STEPS_NS)).then(|| Broken::at(report.exchange, title, detail()))
    })
}

fn fell_behind(read: &Reading<'_>) -> Option<Broken> {
    let record = read.record;
    instants(read).windows(2).find_map(|pair| {
        let [earlier, later] = pair else { return None };
        let passed_ns = wall_ns(record, earlier.wall_ns, later.wall_ns);
        let gone_ns = later.server_ns.saturating_sub(earlier.server_ns);
        let methods = [earlier, later].map(|it| &it.exchange.method);
        let detail = || format!("{gone_ns} ns within {passed_ns} ns, from a {} to a {}", methods[0], methods[1]);
        let title = "the server's time fell behind its machine's clock";
        (gone_ns < passed_ns).then(|| Broken::at(later.exchange, title, detail()))
    })
}

/// What time it was on the server, and by the clock of the network, at some instant.
struct Instant<'a> {
    /// Its place among all arrivals and answers.
    step: u64,
    server_ns: i64,
    wall_ns: u64,
    /// The message that tells of it.
    exchange: &'a Exchange,
}

/// All instants of which it is known how late it was, in order.
fn instants<'a>(read: &Reading<'a>) -> Vec<Instant<'a>> {
    let &Reading { record, ref tasks, ref clock, .. } = read;
    let arrivals: BTreeMap<u64, &Exchange> = record.exchanges.iter().map(|it| (it.arrived_step, it)).collect();
    let arrived = |step: u64, server_ns: i64| {
        let exchange = *arrivals.get(&step)?;
        Some(Instant { step, server_ns, wall_ns: exchange.arrived_ns, exchange })
    };
    let mut instants: Vec<_> = clock.instants().iter().filter_map(|(step, server_ns)| arrived(*step, *server_ns)).collect();
    instants.extend(record.exchanges.iter().filter_map(|it| arrived(it.arrived_step, looked_at(it)?)));
    // A task starts when it is handed out, be it to a poll that has waited or to one that has just come.
    instants.extend(tasks.handed.iter().filter(|task| task.work != Work::Query).filter_map(|task| {
        let (wall_ns, step, _) = task.exchange.answered.as_ref()?;
        Some(Instant { step: *step, server_ns: task.started_ns, wall_ns: *wall_ns, exchange: task.exchange })
    }));
    instants.sort_by_key(|instant| (instant.step, instant.server_ns));
    instants
}

/// What the server's clock showed to who asked; nanoseconds.
fn looked_at(exchange: &Exchange) -> Option<i64> {
    let is_look = exchange.method == "GetCurrentTime";
    is_look.then(|| answer::<GetCurrentTimeResponse>(exchange))??.time.as_ref().map(instant_ns)
}

/// How long the server's machine ran between two instants, in nanoseconds.
fn wall_ns(record: &Record, from_ns: u64, to_ns: u64) -> i64 {
    let stood = record.stood.iter().filter(|(until_ns, _)| (from_ns..=to_ns).contains(until_ns));
    let stood_ns: u64 = stood.map(|(_, span_ns)| span_ns).sum();
    i64::try_from(to_ns.saturating_sub(from_ns).saturating_sub(stood_ns)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use foretime_server::engine::Connection;

    use super::*;
    use crate::checks::sample::{Activity, History, Talk};

    const S_NS: u64 = 1_000_000_000;

    /// A signal comes some seconds after another, by the clock of the machine, and is in the history as much later as the server says.
    fn title(wall_s: u64, server_s: i64, stood_s: u64) -> Option<String> {
        let mut talk = Talk::default();
        talk.signal("w", "", "s-1").done();
        talk.signal("w", "", "s-2").done();
        let history = History::of("w", "r").at_s(100).signaled("s-1").at_s(100 + server_s).signaled("s-2");
        let mut record = talk.record();
        record.exchanges[1].arrived_ns = record.exchanges[0].arrived_ns + wall_s * S_NS;
        record.stood = vec![(5 * S_NS, stood_s * S_NS)];
        check(&Reading::of(&record, &[history.run()])).map(|broken| broken.title)
    }

    /// A worker is given an activity in second 10 of the server's time, and completes it some seconds of its own later, which is in the
    /// history in this second. `stays`: on the same connection.
    fn title_at_work(wall_s: u64, at_s: i64, stays: bool) -> Option<String> {
        let mut talk = Talk::default();
        let task = Activity { token: "a", workflow_id: "w", run_id: "r", activity_id: "act", attempt: 3, at_s: 10 };
        talk.poll_activity_task().activity_task(task);
        talk.complete_activity("a", "done").done();
        let history = History::of("w", "r").activity_scheduled("act").at_s(at_s).activity_completed("act", 3, "done");
        let mut record = talk.record();
        let handed_ns = record.exchanges[0].answered.as_ref().map_or(0, |(at_ns, ..)| *at_ns);
        record.exchanges[1].arrived_ns = handed_ns + wall_s * S_NS;
        if !stays {
            record.exchanges[1].connection = Connection(2);
        }
        check(&Reading::of(&record, &[history.run()])).map(|broken| broken.title)
    }

    #[test]
    fn time_does_not_skip_while_a_worker_is_at_work() {
        assert_eq!(title_at_work(5, 15, true), None);
        assert_eq!(title_at_work(5, 16, true).as_deref(), Some("time skipped while a worker was at work"));
        // A worker whose connection has closed may be gone.
        assert_eq!(title_at_work(5, 16, false), None);
    }

    #[test]
    fn the_servers_time_does_not_fall_behind_the_clock_of_its_machine() {
        assert_eq!(title(60, 60, 0), None);
        assert_eq!(title(60, 3_600, 0), None);
        let expected = Some("the server's time fell behind its machine's clock");
        assert_eq!(title(60, 59, 0).as_deref(), expected);
        assert_eq!(title(0, -1, 0).as_deref(), expected);
        // The machine stood still meanwhile, and its clock with it.
        assert_eq!(title(60, 40, 20), None);
        assert_eq!(title(60, 39, 20).as_deref(), expected);
    }
}
