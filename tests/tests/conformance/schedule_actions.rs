//! What schedules start, and what becomes of it.

use foretime_server::proto::{
    enums::{EventType, ScheduleOverlapPolicy as Policy},
    schedule::{
        IntervalSpec, Schedule, SchedulePatch, SchedulePolicies, ScheduleSpec, ScheduleState, TriggerImmediatelyRequest,
    },
    workflow::NewWorkflowExecutionInfo,
    workflowservice::*,
};
use foretime_tests::{commands::*, schedules::*, script::*, worker::failure};

crate::scripts![
    triggered,
    triggered_twice_at_one_second,
    triggered_at_creation,
    results_go_on,
    failures_go_on,
    paused_on_failure,
    paused_on_timeout,
    not_paused_on_cancellation,
    skipped,
    one_is_buffered,
    all_are_buffered,
    the_other_is_cancelled,
    the_other_is_terminated,
    all_are_allowed,
    none_runs_and_many_are_due,
    a_chain_of_runs_is_one,
    a_retry_goes_on,
    backfilled_bounds,
    many_are_backfilled,
    two_backfills,
    backfilled_while_paused,
    so_many_actions,
    every_second,
    a_deleted_schedule_leaves_its_workflows,
];

/// Every minute, in January 2026.
fn minutely() -> Option<ScheduleSpec> {
    Some(ScheduleSpec {
        interval: vec![IntervalSpec { interval: seconds(60.0), phase: None }],
        start_time: Some(instant("2026-01-01T00:00:00Z")),
        end_time: Some(instant("2026-02-01T00:00:00Z")),
        ..Default::default()
    })
}

fn with(s: &Script, policies: SchedulePolicies) -> Schedule {
    Schedule { spec: minutely(), policies: Some(policies), ..s.new_schedule("wf") }
}

async fn create(s: &Script, policy: Policy) {
    let policies = SchedulePolicies { overlap_policy: policy.into(), ..Default::default() };
    s.create_schedule("s", with(s, policies)).await;
}

const FIRST: &str = "2026-01-01T00:00:00Z";
const SECOND: &str = "2026-01-02T00:00:00Z";
const THIRD: &str = "2026-01-03T00:00:00Z";

fn wf(at: &str) -> String {
    format!("wf-{at}")
}

async fn triggered(s: &Script) {
    create(s, Policy::Unspecified).await;
    s.trigger("s", FIRST, Policy::Unspecified).await;
    s.await_actions("s", 1).await;
    s.describe_schedule("s").await;
    s.history(&wf(FIRST)).await;
    s.describe(&wf(FIRST)).await;
    s.step("it completes");
    s.run_task([complete_workflow("done")]).await;
    s.describe_schedule("s").await;
    s.step("seen by then");
    s.describe_schedule_once("s", |reply| info(reply).recent_actions.iter().all(|action| action.start_workflow_status != 1))
        .await;
}

async fn triggered_twice_at_one_second(s: &Script) {
    create(s, Policy::AllowAll).await;
    s.trigger("s", "2026-01-01T00:00:00.1Z", Policy::Unspecified).await;
    s.await_actions("s", 1).await;
    s.trigger("s", "2026-01-01T00:00:00.9Z", Policy::Unspecified).await;
    s.patch("s", SchedulePatch { pause: "over".to_owned(), ..Default::default() }).await;
    s.describe_schedule_once("s", is_over).await;
    s.step("when the first has closed");
    s.run_task([complete_workflow("done")]).await;
    s.await_restart_interval().await;
    s.trigger("s", "2026-01-01T00:00:00.9Z", Policy::Unspecified).await;
    s.await_actions("s", 2).await;
    s.describe_schedule("s").await;
}

fn is_over(reply: &DescribeScheduleResponse) -> bool {
    reply.schedule.as_ref().and_then(|schedule| schedule.state.as_ref()).is_some_and(|state| state.notes == "over")
}

async fn triggered_at_creation(s: &Script) {
    let trigger = TriggerImmediatelyRequest { overlap_policy: 0, scheduled_time: Some(instant(FIRST)) };
    let patch = SchedulePatch { trigger_immediately: Some(trigger), ..Default::default() };
    let _ = s.call(CreateScheduleRequest { initial_patch: Some(patch), ..s.new_create_schedule("s") }).await;
    s.await_actions("s", 1).await;
    s.describe_schedule("s").await;
}

/// The second part: another action, whose history is shown.
async fn act_again(s: &Script) {
    s.trigger("s", SECOND, Policy::Unspecified).await;
    s.await_actions("s", 2).await;
    s.history(&wf(SECOND)).await;
    s.describe_schedule("s").await;
}

async fn results_go_on(s: &Script) {
    create(s, Policy::Unspecified).await;
    s.trigger("s", FIRST, Policy::Unspecified).await;
    s.run_task([complete_workflow("one")]).await;
    act_again(s).await;
    s.step("a failure leaves the result");
    s.run_task([fail_workflow("two")]).await;
    s.trigger("s", THIRD, Policy::Unspecified).await;
    s.await_actions("s", 3).await;
    s.history(&wf(THIRD)).await;
    s.step("what may overlap takes no part");
    s.trigger("s", "2026-01-04T00:00:00Z", Policy::AllowAll).await;
    s.await_actions("s", 4).await;
    s.history(&wf("2026-01-04T00:00:00Z")).await;
}

async fn failures_go_on(s: &Script) {
    create(s, Policy::Unspecified).await;
    s.trigger("s", FIRST, Policy::Unspecified).await;
    s.run_task([fail_workflow("one")]).await;
    act_again(s).await;
    s.step("until one completes");
    s.run_task([complete_workflow("two")]).await;
    s.trigger("s", THIRD, Policy::Unspecified).await;
    s.await_actions("s", 3).await;
    s.history(&wf(THIRD)).await;
}

async fn paused_on_failure(s: &Script) {
    s.create_schedule("s", with(s, SchedulePolicies { pause_on_failure: true, ..Default::default() })).await;
    s.trigger("s", FIRST, Policy::Unspecified).await;
    s.run_task([fail_workflow("it broke")]).await;
    s.describe_schedule("s").await;
    s.step("by then");
    s.describe_schedule_once("s", |reply| reply.conflict_token != [0, 0, 0, 0, 0, 0, 0, 1]).await;
    s.step("a trigger starts it all the same");
    act_again(s).await;
}

async fn paused_on_timeout(s: &Script) {
    let mut schedule = with(s, SchedulePolicies { pause_on_failure: true, ..Default::default() });
    schedule.action = action(NewWorkflowExecutionInfo {
        workflow_id: s.id("wf"),
        workflow_type: Some(workflow_type("W")),
        task_queue: Some(task_queue(s.queue())),
        workflow_run_timeout: seconds(1.0),
        ..Default::default()
    });
    s.create_schedule("s", schedule).await;
    s.trigger("s", FIRST, Policy::Unspecified).await;
    s.await_actions("s", 1).await;
    s.close_event(&wf(FIRST), "").await;
    s.describe_schedule_once("s", |reply| reply.conflict_token != [0, 0, 0, 0, 0, 0, 0, 1]).await;
}

async fn not_paused_on_cancellation(s: &Script) {
    s.create_schedule("s", with(s, SchedulePolicies { pause_on_failure: true, ..Default::default() })).await;
    s.trigger("s", FIRST, Policy::Unspecified).await;
    s.await_actions("s", 1).await;
    s.terminate(&wf(FIRST)).await;
    act_again(s).await;
}

async fn skipped(s: &Script) {
    create(s, Policy::Skip).await;
    s.trigger("s", FIRST, Policy::Unspecified).await;
    s.await_actions("s", 1).await;
    s.backfill("s", SECOND, "2026-01-02T00:02:00Z", Policy::Unspecified).await;
    s.describe_schedule_once("s", |reply| info(reply).overlap_skipped >= 3).await;
}

async fn one_is_buffered(s: &Script) {
    create(s, Policy::BufferOne).await;
    s.trigger("s", FIRST, Policy::Unspecified).await;
    s.await_actions("s", 1).await;
    s.backfill("s", SECOND, "2026-01-02T00:02:00Z", Policy::Unspecified).await;
    s.describe_schedule_once("s", |reply| info(reply).overlap_skipped >= 2).await;
    s.step("it starts when the first closes");
    s.run_task([complete_workflow("one")]).await;
    s.await_actions("s", 2).await;
    s.describe_schedule("s").await;
    s.history(&wf(SECOND)).await;
}

async fn all_are_buffered(s: &Script) {
    create(s, Policy::BufferAll).await;
    s.trigger("s", FIRST, Policy::Unspecified).await;
    s.await_actions("s", 1).await;
    s.backfill("s", SECOND, "2026-01-02T00:02:00Z", Policy::Unspecified).await;
    s.describe_schedule_once("s", |reply| info(reply).buffer_size >= 3).await;
    for count in 2..=4 {
        s.run_task([complete_workflow("done")]).await;
        s.await_actions("s", count).await;
    }
    s.describe_schedule("s").await;
}

async fn the_other_is_cancelled(s: &Script) {
    create(s, Policy::CancelOther).await;
    s.trigger("s", FIRST, Policy::Unspecified).await;
    s.await_actions("s", 1).await;
    s.trigger("s", SECOND, Policy::Unspecified).await;
    s.await_event(&wf(FIRST), EventType::WorkflowExecutionCancelRequested).await;
    s.describe_schedule_once("s", |reply| info(reply).buffer_size == 1).await;
    s.step("it is told");
    s.run_task([cancel_workflow()]).await;
    s.await_actions("s", 2).await;
    s.history(&wf(FIRST)).await;
    s.describe_schedule("s").await;
}

async fn the_other_is_terminated(s: &Script) {
    create(s, Policy::TerminateOther).await;
    s.trigger("s", FIRST, Policy::Unspecified).await;
    s.await_actions("s", 1).await;
    s.trigger("s", SECOND, Policy::Unspecified).await;
    s.await_actions("s", 2).await;
    s.history(&wf(FIRST)).await;
    s.describe_schedule("s").await;
}

async fn all_are_allowed(s: &Script) {
    create(s, Policy::AllowAll).await;
    s.trigger("s", FIRST, Policy::Unspecified).await;
    s.await_actions("s", 1).await;
    s.backfill("s", SECOND, "2026-01-02T00:02:00Z", Policy::Unspecified).await;
    s.await_actions("s", 4).await;
    s.describe_schedule("s").await;
    s.step("another policy does not wait for them");
    s.trigger("s", THIRD, Policy::Skip).await;
    s.await_actions("s", 5).await;
    s.describe_schedule("s").await;
}

async fn none_runs_and_many_are_due(s: &Script) {
    for policy in [Policy::Skip, Policy::BufferOne, Policy::CancelOther, Policy::TerminateOther] {
        let id = format!("{}", policy as i32);
        s.step(policy.as_str_name());
        let schedule = Schedule { spec: minutely(), ..s.new_schedule(&format!("wf{id}")) };
        s.create_schedule(&id, schedule).await;
        s.backfill(&id, FIRST, "2026-01-01T00:03:00Z", policy).await;
        s.await_actions(&id, 1).await;
        s.describe_schedule(&id).await;
    }
}

async fn a_chain_of_runs_is_one(s: &Script) {
    create(s, Policy::BufferAll).await;
    s.trigger("s", FIRST, Policy::Unspecified).await;
    s.await_actions("s", 1).await;
    s.await_restart_interval().await;
    s.run_task([continue_as_new(Default::default())]).await;
    s.trigger("s", SECOND, Policy::Unspecified).await;
    s.describe_schedule_once("s", |reply| info(reply).buffer_size == 1).await;
    s.step("its last run completes");
    s.run_task([complete_workflow("done")]).await;
    s.await_actions("s", 2).await;
    s.describe_schedule("s").await;
    s.history(&wf(SECOND)).await;
}

async fn a_retry_goes_on(s: &Script) {
    let mut schedule = with(s, SchedulePolicies { pause_on_failure: true, ..Default::default() });
    let retried = NewWorkflowExecutionInfo {
        workflow_id: s.id("wf"),
        workflow_type: Some(workflow_type("W")),
        task_queue: Some(task_queue(s.queue())),
        retry_policy: Some(foretime_server::proto::common::RetryPolicy {
            initial_interval: seconds(1.0),
            maximum_attempts: 2,
            ..Default::default()
        }),
        ..Default::default()
    };
    schedule.action = action(retried);
    s.create_schedule("s", schedule).await;
    s.trigger("s", FIRST, Policy::Unspecified).await;
    s.run_task([fail_workflow("one")]).await;
    s.describe_schedule("s").await;
    s.run_task([fail_workflow("two")]).await;
    s.describe_schedule_once("s", |reply| reply.conflict_token != [0, 0, 0, 0, 0, 0, 0, 1]).await;
}

async fn backfilled_bounds(s: &Script) {
    create(s, Policy::AllowAll).await;
    s.step("both are within");
    s.backfill("s", FIRST, "2026-01-01T00:01:00Z", Policy::Unspecified).await;
    s.await_actions("s", 2).await;
    s.describe_schedule("s").await;
    s.step("not what lies a little before");
    s.backfill("s", "2026-01-02T00:00:00.001Z", "2026-01-02T00:01:59.9Z", Policy::Unspecified).await;
    s.await_actions("s", 3).await;
    s.step("the other way round");
    s.backfill("s", THIRD, FIRST, Policy::Unspecified).await;
    s.patch("s", SchedulePatch { pause: "over".to_owned(), ..Default::default() }).await;
    s.describe_schedule_once("s", is_over).await;
}

async fn many_are_backfilled(s: &Script) {
    create(s, Policy::AllowAll).await;
    s.backfill("s", FIRST, "2026-01-01T00:24:00Z", Policy::Unspecified).await;
    s.await_actions("s", 25).await;
    s.describe_schedule("s").await;
}

async fn two_backfills(s: &Script) {
    create(s, Policy::BufferAll).await;
    s.backfill("s", FIRST, "2026-01-01T00:07:00Z", Policy::BufferAll).await;
    s.await_actions("s", 1).await;
    s.backfill("s", SECOND, "2026-01-02T00:07:00Z", Policy::BufferAll).await;
    s.describe_schedule_once("s", |reply| info(reply).buffer_size >= 15).await;
}

async fn backfilled_while_paused(s: &Script) {
    create(s, Policy::AllowAll).await;
    s.patch("s", SchedulePatch { pause: "for now".to_owned(), ..Default::default() }).await;
    s.await_schedule("s", |reply| reply.conflict_token != [0, 0, 0, 0, 0, 0, 0, 1]).await;
    s.backfill("s", FIRST, "2026-01-01T00:01:00Z", Policy::Unspecified).await;
    s.await_actions("s", 2).await;
    s.describe_schedule("s").await;
}

/// Every second, from now on.
fn secondly() -> Option<ScheduleSpec> {
    let interval = vec![IntervalSpec { interval: seconds(1.0), phase: None }];
    Some(ScheduleSpec { interval, ..Default::default() })
}

async fn so_many_actions(s: &Script) {
    let state = ScheduleState { limited_actions: true, remaining_actions: 2, ..Default::default() };
    let policies = SchedulePolicies { overlap_policy: Policy::AllowAll.into(), ..Default::default() };
    let schedule = Schedule { spec: secondly(), state: Some(state), policies: Some(policies), ..s.new_schedule("wf") };
    s.create_schedule("s", schedule).await;
    let reply = s.await_schedule("s", |reply| info(reply).action_count >= 2).await;
    s.show_message("state", &reply.schedule.unwrap_or_default().state.unwrap_or_default());
    s.note(format_args!("token {:?}", reply.conflict_token));
    s.note(format_args!("{} future times", reply.info.unwrap_or_default().future_action_times.len()));
    s.step("no more by itself");
    tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
    s.note(format_args!("{} actions", s.await_actions("s", 2).await.action_count));
    s.step("but for who asks");
    s.trigger("s", FIRST, Policy::Unspecified).await;
    let reply = s.await_schedule("s", |reply| info(reply).action_count >= 3).await;
    s.show_message("state", &reply.schedule.unwrap_or_default().state.unwrap_or_default());
}

async fn every_second(s: &Script) {
    s.create_schedule("s", Schedule { spec: secondly(), ..s.new_schedule("wf") }).await;
    let info = s.await_actions("s", 1).await;
    let task = s.await_workflow_task().await;
    let execution = task.workflow_execution.clone().unwrap_or_default();
    s.note(format_args!("started as the info says: {}", started(&info) == [execution.clone()]));
    let action = &info.recent_actions[0];
    let nominal = action.schedule_time.unwrap_or_default();
    s.note(format_args!("named after its time: {}", execution.workflow_id == format!("{}-{nominal}", s.id("wf"))));
    s.note(format_args!("it is a whole second: {}", nominal.nanos == 0));
    s.step("the next ones are skipped");
    let info = s.await_schedule("s", |reply| reply.info.as_ref().is_some_and(|info| info.overlap_skipped >= 1)).await;
    s.note(format_args!("{} actions", info.info.unwrap_or_default().action_count));
    s.step("until it closes");
    let _ = s.client.call(s.new_completion(&task, [fail_workflow("no")])).await;
    s.await_actions("s", 2).await;
    s.delete_schedule("s").await;
    let failed = failure("no").message;
    let next = s.await_workflow_task().await.history.unwrap_or_default().events;
    s.note(format_args!("it is told of the failure: {}", format!("{next:?}").contains(&failed)));
}

async fn a_deleted_schedule_leaves_its_workflows(s: &Script) {
    create(s, Policy::BufferAll).await;
    s.backfill("s", FIRST, "2026-01-01T00:01:00Z", Policy::Unspecified).await;
    s.await_actions("s", 1).await;
    s.delete_schedule("s").await;
    s.run_task([complete_workflow("done")]).await;
    s.no_workflow_task().await;
}
