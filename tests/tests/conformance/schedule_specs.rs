//! When schedules act: what specs are refused for, their canonical form, and the times that match.

#![expect(deprecated, reason = "exclusions in text are deprecated, and served all the same")]

use foretime_server::proto::schedule::{CalendarSpec, IntervalSpec, Range, Schedule, ScheduleSpec, StructuredCalendarSpec};
use foretime_server::proto::workflowservice::*;
use foretime_tests::{schedules::*, script::*};
use prost_types::Duration;

crate::scripts![
    refused_cron_strings,
    refused_calendars,
    refused_intervals,
    refused_zones,
    canonical_cron_strings,
    canonical_calendars,
    calendars,
    cron_strings,
    intervals,
    exclusions,
    start_and_end,
    the_clocks_go_forward,
    the_clocks_go_back,
    zones_with_odd_clocks,
    nothing_matches,
    a_thousand_at_most,
    a_zone_of_its_own,
];

fn cron(strings: &[&str]) -> ScheduleSpec {
    ScheduleSpec { cron_string: strings.iter().map(|text| (*text).to_owned()).collect(), ..Default::default() }
}

fn zoned(spec: ScheduleSpec, zone: &str) -> ScheduleSpec {
    ScheduleSpec { timezone_name: zone.to_owned(), ..spec }
}

fn every(interval_s: i64, phase_s: i64) -> ScheduleSpec {
    ScheduleSpec { interval: vec![interval(interval_s, phase_s)], ..Default::default() }
}

fn interval(interval_s: i64, phase_s: i64) -> IntervalSpec {
    let span = |seconds| Some(Duration { seconds, nanos: 0 });
    IntervalSpec { interval: span(interval_s), phase: span(phase_s) }
}

fn range(start: i32, end: i32, step: i32) -> Vec<Range> {
    vec![Range { start, end, step }]
}

/// Every day at midnight.
fn daily() -> StructuredCalendarSpec {
    StructuredCalendarSpec {
        second: range(0, 0, 0),
        minute: range(0, 0, 0),
        hour: range(0, 0, 0),
        day_of_month: range(1, 31, 1),
        month: range(1, 12, 1),
        day_of_week: range(0, 6, 1),
        ..Default::default()
    }
}

fn structured(calendar: StructuredCalendarSpec) -> ScheduleSpec {
    ScheduleSpec { structured_calendar: vec![calendar], ..Default::default() }
}

fn calendar(calendar: CalendarSpec) -> ScheduleSpec {
    ScheduleSpec { calendar: vec![calendar], ..Default::default() }
}

/// What becomes of a spec: a refusal, or its canonical form.
async fn canonical(s: &Script, spec: ScheduleSpec) {
    let schedule = Schedule { spec: Some(spec), ..s.new_schedule("wf") };
    let create = CreateScheduleRequest { schedule: Some(schedule), ..s.new_create_schedule("s") };
    match s.client.call(create).await {
        Err(status) => s.show::<CreateScheduleRequest>(&Err(status)),
        Ok(_) => {
            let reply = s.client.call(s.new_describe_schedule("s")).await.expect("it is described");
            s.show_message("spec", &reply.schedule.unwrap_or_default().spec.unwrap_or_default());
            s.client.call(s.new_delete_schedule("s")).await.expect("it is deleted");
        }
    }
}

async fn all_canonical(s: &Script, strings: &[&str]) {
    for text in strings {
        s.step(text);
        canonical(s, cron(&[text])).await;
    }
}

async fn refused_cron_strings(s: &Script) {
    let strings = [
        "",
        "* * * *",
        "* * * * * * * *",
        "@reboot",
        "@every",
        "@every x",
        "@every 5",
        "@every 5x",
        "@every .s",
        "@every 0.5s",
        "@every -5s",
        "@every 1h/2h",
        "@every 1h/1s/3",
        "@every 99999999h",
        "1/2/3 * * * *",
        "5/ * * * *",
        "5/x * * * *",
        "5/0 * * * *",
        "5/99999999999999999999 * * * *",
        "5/2147483648 * * * *",
        "1-2-3 * * * *",
        "3-1 * * * *",
        "59-60 * * * *",
        "1, 2 * * * *",
        "x y 0 13 8",
        "* * * * m",
        "* * * * * 1999",
    ];
    all_canonical(s, &strings).await;
}

async fn refused_calendars(s: &Script) {
    let wrong = |change: fn(&mut StructuredCalendarSpec)| {
        let mut wrong = daily();
        change(&mut wrong);
        structured(wrong)
    };
    s.step("every field");
    canonical(
        s,
        wrong(|it| {
            it.second = range(60, 0, 0);
            it.minute = range(5, 4, 0);
            it.hour = range(1, 0, -1);
            it.day_of_month = range(0, 0, 0);
            it.month = range(1, 13, 0);
            it.year = range(1999, 2101, 0);
            it.day_of_week = range(7, 0, 0);
            it.comment = "x".repeat(201);
        }),
    )
    .await;
    s.step("in text");
    let in_text = CalendarSpec { second: "60".to_owned(), month: "j".to_owned(), ..Default::default() };
    canonical(s, calendar(in_text.clone())).await;
    s.step("an exclusion in text");
    canonical(s, ScheduleSpec { exclude_calendar: vec![in_text], ..Default::default() }).await;
    s.step("an exclusion is not looked at");
    let mut odd = daily();
    odd.second = range(60, 0, 0);
    canonical(s, ScheduleSpec { exclude_structured_calendar: vec![odd], ..Default::default() }).await;
}

async fn refused_intervals(s: &Script) {
    let half = IntervalSpec { interval: Some(Duration { seconds: 0, nanos: 500_000_000 }), phase: None };
    let mixed = IntervalSpec { interval: Some(Duration { seconds: 10, nanos: -5 }), phase: None };
    let nanos = IntervalSpec { interval: Some(Duration { seconds: 10, nanos: 2_000_000_000 }), phase: None };
    let long = interval(315_576_000_001, 0);
    let phase = IntervalSpec { phase: Some(Duration { seconds: 1, nanos: -1 }), ..interval(20, 0) };
    let all = [half, IntervalSpec::default(), interval(5, 5), interval(5, -1), mixed, nanos, long, phase];
    for interval in all {
        canonical(s, ScheduleSpec { interval: vec![interval], ..Default::default() }).await;
    }
}

async fn refused_zones(s: &Script) {
    all_canonical(s, &["TZ=UTC", "CRON_TZ=Nowhere/x * * * * *", "CRON_TZ=europe/berlin * * * * *", "CRON_TZ=../x * * * * *"])
        .await;
    s.step("two zones");
    canonical(s, cron(&["1 * * * *", "CRON_TZ=UTC 2 * * * *"])).await;
    canonical(s, zoned(cron(&["CRON_TZ=UTC 2 * * * *"]), "Europe/Berlin")).await;
    let data = ScheduleSpec { timezone_data: b"TZif".to_vec(), ..Default::default() };
    canonical(s, ScheduleSpec { cron_string: vec!["CRON_TZ=UTC 2 * * * *".to_owned()], ..data.clone() }).await;
    s.step("no zone");
    canonical(s, data).await;
    canonical(s, zoned(ScheduleSpec::default(), "nope")).await;
}

async fn canonical_cron_strings(s: &Script) {
    let strings = [
        "@hourly",
        "@yearly # y",
        "@weekly",
        "@every 1.5d/3h",
        "@every 2h # foo",
        "TZ=UTC * * * * *",
        "CRON_TZ= 1 * * * *",
        "CRON_TZ=Local 1 * * * *",
        "CRON_TZ=US/Pacific 0 12 * * MON-FRI # hello # there",
        "5/4294967297 * * * *",
        "* * * * 7",
        "* * * * 0-7",
        "* * * * 3-7",
        "* * * * 1-7/2",
        "* * * * 7/2",
        "* * * janu,FEB-mar tues",
        "* * * * * *",
        "* * * * * 2030/5",
        "5-5 */1 5/10 * *",
        "1-3,7 2 3 4 5 6",
        "0 1 2 3 4 5 2030",
    ];
    for text in strings {
        s.step(text);
        canonical(s, cron(&[text])).await;
    }
    s.step("a zone of the spec");
    canonical(s, zoned(cron(&["2 * * * *"]), "Europe/Berlin")).await;
    canonical(s, zoned(cron(&["CRON_TZ=UTC 2 * * * *", "@every 1h"]), "UTC")).await;
}

async fn canonical_calendars(s: &Script) {
    s.step("the defaults");
    canonical(s, calendar(CalendarSpec { comment: "midnight".to_owned(), ..Default::default() })).await;
    s.step("all fields");
    let all = CalendarSpec {
        second: "1".to_owned(),
        minute: "1-5/2".to_owned(),
        hour: "*/6".to_owned(),
        day_of_month: "1,15".to_owned(),
        month: "*/2".to_owned(),
        year: "*,2030".to_owned(),
        day_of_week: " sat-7 ".to_owned(),
        comment: String::new(),
    };
    canonical(s, calendar(all.clone())).await;
    s.step("in this order");
    let spec = ScheduleSpec {
        structured_calendar: vec![daily()],
        calendar: vec![all.clone()],
        cron_string: vec!["1 2 3 4 5".to_owned(), "@every 1h/1m".to_owned()],
        interval: vec![interval(60, 0)],
        exclude_calendar: vec![all],
        exclude_structured_calendar: vec![daily()],
        start_time: Some(instant("2026-01-01T00:00:00Z")),
        end_time: Some(instant("2026-02-01T00:00:00Z")),
        jitter: Some(Duration { seconds: -5, nanos: 0 }),
        timezone_name: "Asia/Kolkata".to_owned(),
        ..Default::default()
    };
    canonical(s, spec).await;
}

async fn calendars(s: &Script) {
    s.step("every day");
    s.matching_times("s", structured(daily()), "2026-02-26T00:00:00Z", "2026-03-02T00:00:00Z").await;
    s.step("steps");
    let steps =
        StructuredCalendarSpec { second: range(10, 50, 20), minute: range(58, 0, 0), hour: range(22, 23, 1), ..daily() };
    s.matching_times("s", structured(steps), "2026-01-01T22:58:30Z", "2026-01-02T23:00:00Z").await;
    s.step("the last of February");
    let leap = StructuredCalendarSpec { day_of_month: range(29, 0, 0), month: range(2, 0, 0), ..daily() };
    s.matching_times("s", structured(leap), "2026-01-01T00:00:00Z", "2037-01-01T00:00:00Z").await;
    s.step("both day fields must match");
    let friday = StructuredCalendarSpec { day_of_month: range(13, 0, 0), day_of_week: range(5, 0, 0), ..daily() };
    s.matching_times("s", structured(friday), "2026-01-01T00:00:00Z", "2028-01-01T00:00:00Z").await;
    s.step("years, up to the last");
    let years =
        StructuredCalendarSpec { year: range(2090, 2100, 5), month: range(12, 0, 0), day_of_month: range(31, 0, 0), ..daily() };
    s.matching_times("s", structured(years), "2026-01-01T00:00:00Z", "2200-01-01T00:00:00Z").await;
    s.step("two calendars, some times in both");
    let spec = ScheduleSpec {
        structured_calendar: vec![daily(), StructuredCalendarSpec { hour: range(0, 23, 12), ..daily() }],
        ..Default::default()
    };
    s.matching_times("s", spec, "2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z").await;
}

async fn cron_strings(s: &Script) {
    for (text, from, to) in [
        ("*/20 9-10 * * mon-fri", "2026-01-02T00:00:00Z", "2026-01-05T12:00:00Z"),
        ("0 0 13 * 5", "2026-01-01T00:00:00Z", "2027-12-31T00:00:00Z"),
        ("30 0 0 1 1 * 2030/20", "2026-01-01T00:00:00Z", "2100-12-31T00:00:00Z"),
        ("@monthly", "2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z"),
        ("@every 90m/7m", "2026-01-01T00:00:00Z", "2026-01-01T06:00:00Z"),
        ("CRON_TZ=America/New_York 0 9 * * *", "2026-03-07T00:00:00Z", "2026-03-09T23:00:00Z"),
    ] {
        s.step(text);
        s.matching_times("s", cron(&[text]), from, to).await;
    }
}

async fn intervals(s: &Script) {
    s.step("an hour and 300 s");
    s.matching_times("s", every(3600, 300), "2026-01-01T00:04:59Z", "2026-01-01T03:05:00Z").await;
    s.step("the first of all");
    s.matching_times("s", every(86_400 * 365, 5), "1969-01-01T00:00:00Z", "1973-01-01T00:00:00Z").await;
    s.step("fractions of a second are cut");
    let fraction = IntervalSpec { interval: Some(Duration { seconds: 1, nanos: 999_999_999 }), phase: None };
    let spec = ScheduleSpec { interval: vec![fraction], ..Default::default() };
    s.matching_times("s", spec, "2026-01-01T00:00:00.5Z", "2026-01-01T00:00:03Z").await;
    s.step("two intervals");
    let spec = ScheduleSpec { interval: vec![interval(7, 0), interval(5, 1)], ..Default::default() };
    s.matching_times("s", spec, "2026-01-01T00:00:00Z", "2026-01-01T00:00:20Z").await;
    s.step("too long to come");
    s.matching_times("s", every(315_576_000_000, 0), "2026-01-01T00:00:00Z", "2200-01-01T00:00:00Z").await;
}

async fn exclusions(s: &Script) {
    s.step("not on Sundays, nor on the second");
    let second = StructuredCalendarSpec { day_of_month: range(2, 0, 0), ..daily() };
    let sundays = StructuredCalendarSpec { day_of_week: range(0, 0, 0), ..daily() };
    let spec = ScheduleSpec { exclude_structured_calendar: vec![second, sundays], ..structured(daily()) };
    s.matching_times("s", spec, "2025-12-31T12:00:00Z", "2026-01-06T00:00:00Z").await;
    s.step("in text, of an interval");
    let noon = CalendarSpec { hour: "12".to_owned(), minute: "*".to_owned(), ..Default::default() };
    let spec = ScheduleSpec { exclude_calendar: vec![noon], ..every(1800, 0) };
    s.matching_times("s", spec, "2026-01-01T11:00:00Z", "2026-01-01T14:00:00Z").await;
    s.step("in the zone of the spec");
    let spec = ScheduleSpec {
        exclude_calendar: vec![CalendarSpec::default()],
        ..zoned(every(6 * 3600, 3600 * 5), "America/New_York")
    };
    s.matching_times("s", spec, "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z").await;
}

async fn start_and_end(s: &Script) {
    let bounded = |start: &str, end: &str| ScheduleSpec {
        start_time: Some(instant(start)),
        end_time: Some(instant(end)),
        ..every(60, 0)
    };
    s.step("both are within");
    let spec = bounded("2026-01-01T00:01:00Z", "2026-01-01T00:03:00Z");
    s.matching_times("s", spec, "2025-01-01T00:00:00Z", "2027-01-01T00:00:00Z").await;
    s.step("fractions");
    let spec = bounded("2026-01-01T00:01:00.5Z", "2026-01-01T00:02:59.9Z");
    s.matching_times("s", spec, "2025-01-01T00:00:00Z", "2027-01-01T00:00:00Z").await;
    s.step("the other way round");
    let spec = bounded("2026-01-01T00:03:00Z", "2026-01-01T00:01:00Z");
    s.matching_times("s", spec, "2025-01-01T00:00:00Z", "2027-01-01T00:00:00Z").await;
    s.step("the end of the question is within, its start is not");
    s.matching_times("s", every(60, 0), "2026-01-01T00:00:00Z", "2026-01-01T00:02:00Z").await;
    s.step("a question the other way round");
    s.matching_times("s", every(60, 0), "2026-01-02T00:00:00Z", "2026-01-01T00:02:00Z").await;
}

async fn the_clocks_go_forward(s: &Script) {
    for (zone, from, to) in [
        ("Europe/Berlin", "2026-03-28T23:30:00Z", "2026-03-29T03:00:00Z"),
        ("America/New_York", "2026-03-08T05:00:00Z", "2026-03-08T09:00:00Z"),
        ("Europe/London", "2026-03-28T23:30:00Z", "2026-03-29T03:00:00Z"),
    ] {
        s.step(zone);
        s.matching_times("s", zoned(cron(&["*/30 * * * *"]), zone), from, to).await;
    }
    s.step("half past two is left out");
    s.matching_times("s", zoned(cron(&["30 2 * * *"]), "Europe/Berlin"), "2026-03-27T12:00:00Z", "2026-03-31T00:00:00Z").await;
}

async fn the_clocks_go_back(s: &Script) {
    for (zone, from, to) in [
        ("Europe/Berlin", "2026-10-24T23:30:00Z", "2026-10-25T03:00:00Z"),
        ("America/New_York", "2026-11-01T04:00:00Z", "2026-11-01T08:00:00Z"),
        ("Europe/London", "2026-10-24T23:30:00Z", "2026-10-25T03:00:00Z"),
    ] {
        s.step(zone);
        s.matching_times("s", zoned(cron(&["*/30 * * * *"]), zone), from, to).await;
    }
    s.step("half past two comes twice");
    s.matching_times("s", zoned(cron(&["30 2 * * *"]), "Europe/Berlin"), "2026-10-23T12:00:00Z", "2026-10-27T00:00:00Z").await;
    s.step("looked at between the two");
    s.matching_times("s", zoned(cron(&["30 2 * * *"]), "Europe/Berlin"), "2026-10-25T01:00:00Z", "2026-10-26T00:00:00Z").await;
}

async fn zones_with_odd_clocks(s: &Script) {
    s.step("half an hour");
    let lord_howe = zoned(cron(&["*/15 1-2 * * *"]), "Australia/Lord_Howe");
    s.matching_times("s", lord_howe.clone(), "2026-10-03T14:00:00Z", "2026-10-03T17:00:00Z").await;
    s.matching_times("s", lord_howe, "2026-04-04T13:45:00Z", "2026-04-04T17:00:00Z").await;
    s.step("midnight is left out");
    let sao_paulo = |text: &str| zoned(cron(&[text]), "America/Sao_Paulo");
    s.matching_times("s", sao_paulo("0 0 * * *"), "2018-11-02T12:00:00Z", "2018-11-06T12:00:00Z").await;
    s.step("and with it, all of that Sunday");
    s.matching_times("s", sao_paulo("0 */6 * * sun"), "2018-11-02T12:00:00Z", "2018-11-12T12:00:00Z").await;
    s.step("a day is left out");
    s.matching_times("s", zoned(cron(&["0 12 * * *"]), "Pacific/Apia"), "2011-12-28T00:00:00Z", "2012-01-01T12:00:00Z").await;
    s.step("two hours");
    s.matching_times("s", zoned(cron(&["30 * * * *"]), "Antarctica/Troll"), "2026-03-28T23:00:00Z", "2026-03-29T04:00:00Z")
        .await;
    s.matching_times("s", zoned(cron(&["30 * * * *"]), "Antarctica/Troll"), "2026-10-24T22:00:00Z", "2026-10-25T04:00:00Z")
        .await;
}

async fn nothing_matches(s: &Script) {
    s.step("nothing is asked for");
    s.matching_times("s", ScheduleSpec::default(), "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z").await;
    s.step("the 30th of February");
    s.matching_times("s", cron(&["0 0 30 2 *"]), "2026-01-01T00:00:00Z", "2099-01-01T00:00:00Z").await;
    s.step("a year that has passed");
    s.matching_times("s", cron(&["0 0 1 1 * 2020"]), "2026-01-01T00:00:00Z", "2099-01-01T00:00:00Z").await;
    s.step("a calendar without months");
    let none = StructuredCalendarSpec { month: Vec::new(), ..daily() };
    s.matching_times("s", structured(none), "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z").await;
}

async fn a_thousand_at_most(s: &Script) {
    s.create_schedule("s", Schedule { spec: Some(every(1, 0)), ..s.new_schedule("wf") }).await;
    let request = s.new_matching_times("s", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
    let times = s.client.call(request).await.expect("the times").start_time;
    s.note(format_args!("{} times, the last {}", times.len(), times[times.len() - 1]));
    s.delete_schedule("s").await;
    s.step("without bounds");
    let request = s.new_matching_times("s", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
    let _ = s.call(ListScheduleMatchingTimesRequest { start_time: None, ..request.clone() }).await;
    let _ = s.call(ListScheduleMatchingTimesRequest { end_time: None, ..request }).await;
}

/// A TZif file whose clocks are 5:30 h ahead.
fn tzif() -> Vec<u8> {
    let mut data = b"TZif".to_vec();
    data.extend([0; 16]);
    for count in [0_u32, 0, 0, 0, 1, 4] {
        data.extend(count.to_be_bytes());
    }
    data.extend(19_800_i32.to_be_bytes());
    data.extend([0, 0]);
    data.extend(b"ODD\0");
    data
}

async fn a_zone_of_its_own(s: &Script) {
    let spec = ScheduleSpec { timezone_data: tzif(), ..zoned(structured(daily()), "Odd") };
    s.matching_times("s", spec, "2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z").await;
}
