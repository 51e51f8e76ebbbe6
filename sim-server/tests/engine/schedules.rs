//! Schedules in virtual time: when they act, what they make up for, and what of them moves the clock.

use foretime_server::{
    config::{Config, Personality, TimeMode},
    engine::time::Time,
    proto::{
        common::SearchAttributes,
        enums::{IndexedValueType, ScheduleOverlapPolicy as Policy},
        foretimeservice::ExplainTimeRequest,
        history::history_event::Attributes,
        operatorservice::{AddSearchAttributesRequest, RemoveSearchAttributesRequest},
        schedule::{
            BackfillRequest, IntervalSpec, Schedule, ScheduleAction, ScheduleInfo, SchedulePatch, SchedulePolicies,
            ScheduleSpec, ScheduleState, TriggerImmediatelyRequest, schedule_action::Action,
        },
        workflow::NewWorkflowExecutionInfo,
        workflowservice::*,
    },
};

use crate::support::{transcript::START, worker::WORKER, *};

/// The first whole minute after the start of a transcript is this far away: it starts at 22:13:20.
const TO_FIRST_MINUTE: u64 = 40;
const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// Starts the workflow `wf` each time that this span of whole seconds has passed since the epoch.
fn every(interval_s: u64) -> Schedule {
    let spec = ScheduleSpec {
        interval: vec![IntervalSpec { interval: span(seconds(interval_s)), phase: None }],
        ..ScheduleSpec::default()
    };
    let workflow = NewWorkflowExecutionInfo {
        workflow_id: "wf".to_owned(),
        workflow_type: workflow_type("W"),
        task_queue: task_queue(QUEUE),
        ..NewWorkflowExecutionInfo::default()
    };
    let action = Some(ScheduleAction { action: Some(Action::StartWorkflow(workflow)) });
    Schedule { spec: Some(spec), action, ..Schedule::default() }
}

fn overlapping(schedule: Schedule, policy: Policy) -> Schedule {
    let policies = SchedulePolicies { overlap_policy: policy.into(), ..SchedulePolicies::default() };
    Schedule { policies: Some(policies), ..schedule }
}

fn limited(schedule: Schedule, remaining_actions: i64) -> Schedule {
    let state = ScheduleState { limited_actions: true, remaining_actions, ..ScheduleState::default() };
    Schedule { state: Some(state), ..schedule }
}

fn creation(schedule: Schedule) -> CreateScheduleRequest {
    CreateScheduleRequest {
        namespace: NAMESPACE.to_owned(),
        schedule_id: "s".to_owned(),
        schedule: Some(schedule),
        request_id: "create".to_owned(),
        ..CreateScheduleRequest::default()
    }
}

fn update(schedule: Schedule) -> UpdateScheduleRequest {
    UpdateScheduleRequest {
        namespace: NAMESPACE.to_owned(),
        schedule_id: "s".to_owned(),
        schedule: Some(schedule),
        ..UpdateScheduleRequest::default()
    }
}

fn patch(patch: SchedulePatch) -> PatchScheduleRequest {
    PatchScheduleRequest {
        namespace: NAMESPACE.to_owned(),
        schedule_id: "s".to_owned(),
        patch: Some(patch),
        ..PatchScheduleRequest::default()
    }
}

fn pause() -> PatchScheduleRequest {
    patch(SchedulePatch { pause: "for now".to_owned(), ..SchedulePatch::default() })
}

fn unpause() -> PatchScheduleRequest {
    patch(SchedulePatch { unpause: "again".to_owned(), ..SchedulePatch::default() })
}

fn trigger() -> PatchScheduleRequest {
    let trigger_immediately = Some(TriggerImmediatelyRequest::default());
    patch(SchedulePatch { trigger_immediately, ..SchedulePatch::default() })
}

fn description() -> DescribeScheduleRequest {
    DescribeScheduleRequest { namespace: NAMESPACE.to_owned(), schedule_id: "s".to_owned() }
}

impl Transcript {
    fn creates_schedule(&mut self, schedule: Schedule) {
        self.calls(creation(schedule));
    }

    #[track_caller]
    fn schedule_info(&mut self) -> ScheduleInfo {
        self.calls(description()).info.expect("its info")
    }

    #[track_caller]
    fn schedule_state(&mut self) -> ScheduleState {
        self.calls(description()).schedule.and_then(|schedule| schedule.state).expect("its state")
    }

    /// When the last actions were due and taken, since the start of the transcript.
    #[track_caller]
    fn actions(&mut self) -> Vec<(std::time::Duration, std::time::Duration)> {
        let since = |stamp: Option<prost_types::Timestamp>| Time::from_proto(&stamp.expect("a time")).since(START);
        let actions = self.schedule_info().recent_actions;
        actions.into_iter().map(|action| (since(action.schedule_time), since(action.actual_time))).collect()
    }
}

fn awaited() -> Transcript {
    Transcript::with(Config { personality: Personality::DevServer, time: TimeMode::Awaited, ..Config::default() })
}

#[test]
fn time_skips_from_action_to_action() {
    let mut t = Transcript::skipping();
    t.creates_schedule(limited(every(HOUR), 24 * 365));
    for _ in 0..24 * 365 {
        t.time_skips();
        t.runs_workflow_task([complete("done")]);
    }
    assert_eq!(t.elapsed().as_secs(), 24 * 365 * HOUR - (START.as_nanos() / 1_000_000_000) as u64 % HOUR);
    assert_eq!(t.schedule_info().action_count, 24 * 365);
    t.time_skips();
    assert_eq!(t.next_deadline(), None, "it has acted for the last time");
}

/// What the real server's ListScheduleMatchingTimes says: there is a 29th of February, half past two is left out on the 31st of
/// March, and of its two on the 27th of October the second is taken.
#[test]
fn a_year_of_local_time() {
    let mut t = Transcript::skipping();
    let cron_string = vec!["CRON_TZ=Europe/Berlin 30 2 27,29,31 * *".to_owned()];
    let spec = Some(ScheduleSpec { cron_string, ..ScheduleSpec::default() });
    t.creates_schedule(limited(Schedule { spec, ..every(HOUR) }, 30));
    let mut ids = Vec::new();
    for _ in 0..30 {
        t.time_skips();
        let task = t.polls_workflow_task(WORKER);
        t.completes(&task, [complete("done")]);
        ids.push(task.workflow_execution.clone().unwrap_or_default().workflow_id);
    }
    let months = [
        ("2023-11", "27T01 29T01"),
        ("2023-12", "27T01 29T01 31T01"),
        ("2024-01", "27T01 29T01 31T01"),
        ("2024-02", "27T01 29T01"),
        ("2024-03", "27T01 29T01"),
        ("2024-04", "27T00 29T00"),
        ("2024-05", "27T00 29T00 31T00"),
        ("2024-06", "27T00 29T00"),
        ("2024-07", "27T00 29T00 31T00"),
        ("2024-08", "27T00 29T00 31T00"),
        ("2024-09", "27T00 29T00"),
        ("2024-10", "27T01 29T01 31T01"),
    ];
    let of_month =
        |(month, hours): (&'static str, &'static str)| hours.split(' ').map(move |hour| format!("wf-{month}-{hour}:30:00Z"));
    assert_eq!(ids, months.into_iter().flat_map(of_month).collect::<Vec<_>>());
}

#[test]
fn a_search_attribute_that_is_removed_is_not_shown() {
    let mut t = Transcript::new();
    let namespace = NAMESPACE.to_owned();
    let add = |name: &str| AddSearchAttributesRequest {
        namespace: namespace.clone(),
        search_attributes: [(name.to_owned(), IndexedValueType::Keyword.into())].into(),
    };
    t.calls(add("Stays"));
    t.calls(add("Goes"));
    let both = ["Stays", "Goes"].map(|name| (name.to_owned(), payload("x")));
    let search_attributes = Some(SearchAttributes { indexed_fields: both.into() });
    t.calls(CreateScheduleRequest { search_attributes, ..creation(every(HOUR)) });
    t.calls(RemoveSearchAttributesRequest { namespace: namespace.clone(), search_attributes: vec!["Goes".to_owned()] });
    let names = |shown: Option<SearchAttributes>| shown.unwrap_or_default().indexed_fields.into_keys().collect::<Vec<_>>();
    assert_eq!(names(t.calls(description()).search_attributes), ["Stays"]);
    let listed = t.calls(ListSchedulesRequest { namespace, ..ListSchedulesRequest::default() }).schedules.remove(0);
    assert_eq!(names(listed.search_attributes), ["Stays"]);
}

#[test]
fn an_action_is_taken_at_its_very_instant() {
    let mut t = Transcript::skipping();
    let mut schedule = limited(overlapping(every(60), Policy::AllowAll), 10);
    schedule.spec.get_or_insert_default().jitter = span(seconds(30));
    t.creates_schedule(schedule);
    for count in 1..=10 {
        t.time_skips();
        t.runs_workflow_task([complete("done")]);
        assert_eq!(t.schedule_info().action_count, count);
    }
    let actions = t.actions();
    assert!(actions.iter().all(|(due, taken)| due == taken), "{actions:?}");
    assert!(actions.iter().any(|(due, _)| due.subsec_millis() != 0), "{actions:?}");
}

#[test]
fn the_workflow_knows_when_it_was_due() {
    let mut t = Transcript::new();
    t.creates_schedule(every(60));
    t.time_passes(seconds(TO_FIRST_MINUTE));
    let started = t.events_of("wf-2023-11-14T22:14:00Z", 1).remove(0);
    assert_eq!(Time::from_proto(&started.event_time.expect("a time")).since(START), seconds(TO_FIRST_MINUTE));
    let Some(Attributes::WorkflowExecutionStartedEventAttributes(started)) = started.attributes else { panic!("{started:?}") };
    assert_eq!(started.identity, "temporal-scheduler-default-s");
    let shown: Vec<_> = started.search_attributes.unwrap_or_default().indexed_fields.into_iter().collect();
    let shown: Vec<_> = shown.iter().map(|(name, value)| format!("{name} {}", String::from_utf8_lossy(&value.data))).collect();
    assert_eq!(shown, ["TemporalScheduledById \"s\"", "TemporalScheduledStartTime \"2023-11-14T22:14:00Z\""]);
}

#[test]
fn a_paused_schedule_does_not_move_the_clock() {
    let mut t = Transcript::skipping();
    t.creates_schedule(every(HOUR));
    assert!(t.next_deadline().is_some());
    t.calls(pause());
    assert_eq!(t.next_deadline(), None);
    t.time_skips();
    assert_eq!(t.elapsed(), seconds(0));
    t.calls(unpause());
    assert!(t.next_deadline().is_some());
    t.calls(DeleteScheduleRequest {
        namespace: NAMESPACE.to_owned(),
        schedule_id: "s".to_owned(),
        ..DeleteScheduleRequest::default()
    });
    assert_eq!(t.next_deadline(), None);
}

#[test]
fn the_time_of_a_pause_is_not_made_up_for() {
    let mut t = Transcript::new();
    t.creates_schedule(overlapping(every(60), Policy::AllowAll));
    t.calls(pause());
    t.time_passes(seconds(HOUR));
    t.calls(unpause());
    assert_eq!(t.schedule_info().action_count, 0);
    t.time_passes(seconds(60));
    assert_eq!(t.schedule_info().action_count, 1);
}

#[test]
fn what_a_sleeping_server_misses_is_made_up_for() {
    let mut t = Transcript::new();
    t.creates_schedule(overlapping(every(60), Policy::BufferAll));
    t.wall_leaps(seconds(600));
    let info = t.schedule_info();
    assert_eq!((info.action_count, info.buffer_size, info.missed_catchup_window), (1, 9, 0));
    let mut t = Transcript::new();
    let mut schedule = overlapping(every(60), Policy::BufferAll);
    schedule.policies.get_or_insert_default().catchup_window = span(seconds(120));
    t.creates_schedule(schedule);
    t.wall_leaps(seconds(600));
    let info = t.schedule_info();
    assert_eq!((info.action_count, info.buffer_size, info.missed_catchup_window), (1, 1, 8));
}

#[test]
fn an_update_does_not_look_back() {
    let mut t = Transcript::new();
    t.creates_schedule(every(DAY));
    t.time_passes(seconds(HOUR));
    t.calls(update(overlapping(every(60), Policy::AllowAll)));
    assert_eq!(t.schedule_info().action_count, 0);
    let first = t.schedule_info().future_action_times[0];
    assert_eq!(Time::from_proto(&first).since(START), seconds(HOUR + TO_FIRST_MINUTE));
    t.time_passes(seconds(60));
    assert_eq!(t.schedule_info().action_count, 1);
}

#[test]
fn a_failure_pauses_when_it_is_seen() {
    let mut t = Transcript::new();
    let mut schedule = every(60);
    schedule.policies = Some(SchedulePolicies { pause_on_failure: true, ..SchedulePolicies::default() });
    t.creates_schedule(schedule);
    t.time_passes(seconds(TO_FIRST_MINUTE));
    t.runs_workflow_task([fail(failure("it broke"))]);
    t.time_passes(seconds(60));
    let state = t.schedule_state();
    assert!(state.paused);
    assert_eq!(state.notes, "paused due to workflow failure: wf-2023-11-14T22:14:00Z: it broke");
    assert_eq!(t.schedule_info().action_count, 1, "what was due then is dropped");
    assert!(t.next_deadline().is_none_or(|until| until > seconds(DAY)));
}

#[test]
fn what_waits_starts_when_the_chain_before_it_ends() {
    let mut t = Transcript::new();
    t.creates_schedule(overlapping(limited(every(60), 2), Policy::BufferOne));
    t.time_passes(seconds(TO_FIRST_MINUTE));
    t.time_passes(seconds(1));
    t.runs_workflow_task([continue_as_new(next_run())]);
    t.time_passes(seconds(60));
    assert_eq!(t.schedule_info().action_count, 1);
    t.runs_workflow_task([complete("the result")]);
    let info = t.schedule_info();
    assert_eq!((info.action_count, info.buffer_size), (2, 0));
    let started = t.events_of("wf-2023-11-14T22:15:00Z", 1).remove(0).attributes;
    let Some(Attributes::WorkflowExecutionStartedEventAttributes(started)) = started else { panic!("{started:?}") };
    assert_eq!(started.last_completion_result, payloads("the result"));
}

#[test]
fn a_schedule_that_has_nothing_more_to_do_is_gone_after_a_week() {
    let mut t = Transcript::new();
    t.creates_schedule(limited(every(60), 1));
    t.time_passes(seconds(TO_FIRST_MINUTE));
    t.runs_workflow_task([complete("done")]);
    assert_eq!(t.next_deadline(), None, "the clock does not move for that");
    t.time_passes(seconds(7 * DAY - 1));
    assert_eq!(t.schedule_info().action_count, 1);
    t.time_passes(seconds(1));
    t.refuses(description(), "NotFound: schedule not found");
    t.refuses(trigger(), "NotFound: workflow execution already completed");
    t.calls(CreateScheduleRequest { request_id: "again".to_owned(), ..creation(every(60)) });
    assert_eq!(t.schedule_info().action_count, 0);
}

#[test]
fn a_backfill_goes_on_at_ten_actions_a_second() {
    let mut t = Transcript::skipping();
    t.creates_schedule(overlapping(every(60), Policy::AllowAll));
    t.calls(pause());
    let backfill = BackfillRequest {
        start_time: Some((Time::EPOCH + seconds(HOUR)).to_proto()),
        end_time: Some((Time::EPOCH + seconds(HOUR + 24 * 60)).to_proto()),
        overlap_policy: 0,
    };
    t.calls(patch(SchedulePatch { backfill_request: vec![backfill], ..SchedulePatch::default() }));
    assert_eq!(t.schedule_info().action_count, 10);
    t.time_passes(seconds(1));
    assert_eq!(t.schedule_info().action_count, 20);
    t.time_passes(seconds(1));
    assert_eq!(t.schedule_info().action_count, 25);
}

#[test]
fn what_does_not_fit_into_the_buffer_is_dropped() {
    let mut t = Transcript::new();
    t.creates_schedule(every(60));
    t.calls(patch(SchedulePatch { backfill_request: vec![BackfillRequest::default(); 1005], ..SchedulePatch::default() }));
    assert_eq!(t.schedule_info().buffer_dropped, 5);
    t.calls(trigger());
    let mut buffered = overlapping(every(1), Policy::BufferAll);
    buffered.spec.get_or_insert_default().end_time = Some((START + seconds(DAY)).to_proto());
    t.calls(update(buffered));
    t.wall_leaps(seconds(1200));
    let info = t.schedule_info();
    assert_eq!((info.buffer_size, info.buffer_dropped), (1000, 205));
}

#[test]
fn time_skips_to_an_action_only_while_somebody_waits() {
    let mut t = awaited();
    t.creates_schedule(limited(every(HOUR), 3));
    t.time_skips();
    assert_eq!(t.elapsed(), seconds(0));
    t.starts_with(StartWorkflowExecutionRequest { task_queue: task_queue(QUEUE), ..start("order") });
    t.runs_workflow_task([]);
    let close = t.awaits_close_of("order");
    t.time_skips();
    assert_eq!(t.schedule_info().action_count, 1);
    t.gives_up(&close);
    t.runs_workflow_task([complete("done")]);
    t.time_skips();
    assert_eq!(t.schedule_info().action_count, 1);
}

#[test]
fn the_clock_says_what_it_goes_to() {
    let mut t = Transcript::new();
    t.creates_schedule(every(HOUR));
    let next = t.calls(ExplainTimeRequest {}).next_deadline.expect("something is due");
    assert_eq!(next.name, "the next action of schedule s");
}

#[test]
fn what_is_not_there_is_not_found() {
    let mut t = Transcript::new();
    let missing = "NotFound: workflow not found for ID: temporal-sys-scheduler:s";
    t.refuses(description(), missing);
    t.refuses(update(every(60)), missing);
    t.refuses(pause(), missing);
    t.creates_schedule(every(60));
    t.refuses(
        CreateScheduleRequest { request_id: "another".to_owned(), ..creation(every(60)) },
        "AlreadyExists: schedule \"s\" is already registered",
    );
    let short = "InvalidArgument: Invalid schedule spec: interval is too small";
    t.refuses(update(every(0)), short);
}

#[test]
fn a_deleted_schedule_is_kept_as_long_as_closed_workflows_are() {
    let mut t = Transcript::with(Config { personality: Personality::DevServer, deletes_expired: true, ..Config::default() });
    t.calls(creation(every(HOUR)));
    t.calls(DeleteScheduleRequest { namespace: NAMESPACE.to_owned(), schedule_id: "s".to_owned(), ..Default::default() });
    let times = ListScheduleMatchingTimesRequest {
        namespace: NAMESPACE.to_owned(),
        schedule_id: "s".to_owned(),
        start_time: Some(prost_types::Timestamp { seconds: 0, nanos: 0 }),
        end_time: Some(prost_types::Timestamp { seconds: HOUR as i64, nanos: 0 }),
    };
    assert_eq!(t.calls(times.clone()).start_time.len(), 1);
    t.time_passes(seconds(DAY - 1));
    assert_eq!(t.calls(times.clone()).start_time.len(), 1);
    assert_eq!(t.next_deadline(), Some(seconds(1)));
    t.time_passes(seconds(1));
    t.refuses(times, "NotFound: workflow not found for ID: temporal-sys-scheduler:s");
    t.calls(CreateScheduleRequest { request_id: "again".to_owned(), ..creation(every(HOUR)) });
}
