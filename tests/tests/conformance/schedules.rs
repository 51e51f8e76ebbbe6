//! Schedules as clients have them: created, described, changed, deleted.

use foretime_server::proto::{
    common::{Memo, Payload, RetryPolicy, SearchAttributes},
    enums::{ScheduleOverlapPolicy, WorkflowIdReusePolicy},
    schedule::{
        IntervalSpec, Schedule, SchedulePatch, SchedulePolicies, ScheduleSpec, ScheduleState, TriggerImmediatelyRequest,
    },
    sdk::UserMetadata,
    workflow::NewWorkflowExecutionInfo,
    workflowservice::*,
};
use foretime_tests::{schedules::*, script::*};
use prost_types::Duration;

crate::scripts![
    a_schedule,
    everything_set,
    refused,
    refused_actions,
    not_there,
    deleted,
    the_same_request_id,
    updated,
    updated_by_token,
    paused,
    policies,
    search_attributes,
    search_attributes_are_written_anew,
    what_is_nil_is_left_out,
    values_of_no_type,
    nothing_to_do,
    large,
];

fn workflow(s: &Script) -> NewWorkflowExecutionInfo {
    NewWorkflowExecutionInfo {
        workflow_id: s.id("wf"),
        workflow_type: Some(workflow_type("W")),
        task_queue: Some(task_queue(s.queue())),
        ..Default::default()
    }
}

/// Once a year, in July: it does not act while a script runs.
fn rarely() -> Option<ScheduleSpec> {
    Some(ScheduleSpec { cron_string: vec!["0 0 1 7 *".to_owned()], ..Default::default() })
}

async fn a_schedule(s: &Script) {
    s.create_schedule("s", Schedule { spec: rarely(), ..s.new_schedule("wf") }).await;
    s.describe_schedule("s").await;
    s.delete_schedule("s").await;
    s.describe_schedule("s").await;
}

async fn everything_set(s: &Script) {
    let map = |name: &str, value: &str| [(name.to_owned(), payload(value))].into();
    let workflow = NewWorkflowExecutionInfo {
        input: payloads("the input"),
        workflow_execution_timeout: seconds(3600.0),
        workflow_run_timeout: seconds(7200.0),
        workflow_task_timeout: seconds(200.0),
        workflow_id_reuse_policy: WorkflowIdReusePolicy::AllowDuplicate.into(),
        retry_policy: Some(RetryPolicy { maximum_attempts: 3, ..Default::default() }),
        memo: Some(Memo { fields: map("note", "the workflow's memo") }),
        search_attributes: Some(SearchAttributes { indexed_fields: map("Colour", "red") }),
        user_metadata: Some(UserMetadata { summary: Some(payload("the summary")), details: None }),
        ..workflow(s)
    };
    let schedule = Schedule {
        spec: rarely(),
        action: action(workflow),
        policies: Some(SchedulePolicies {
            overlap_policy: ScheduleOverlapPolicy::BufferOne.into(),
            catchup_window: seconds(3600.0),
            pause_on_failure: true,
            keep_original_workflow_id: true,
        }),
        state: Some(ScheduleState { notes: "the notes".to_owned(), paused: true, limited_actions: true, remaining_actions: 3 }),
    };
    let request = CreateScheduleRequest {
        schedule: Some(schedule),
        memo: Some(Memo { fields: map("note", "the schedule's memo") }),
        search_attributes: Some(SearchAttributes { indexed_fields: map("Colour", "blue") }),
        ..s.new_create_schedule("s")
    };
    let _ = s.call(request).await;
    s.describe_schedule("s").await;
    s.step("it acts for who asks");
    s.trigger("s", "2026-01-01T00:00:00.5Z", ScheduleOverlapPolicy::Unspecified).await;
    s.await_actions("s", 1).await;
    s.history("wf-2026-01-01T00:00:00Z").await;
    s.describe_schedule("s").await;
}

async fn refused(s: &Script) {
    let new = || s.new_create_schedule("s");
    s.step("a namespace that is not there");
    let _ = s.call(CreateScheduleRequest { namespace: "nowhere".to_owned(), ..new() }).await;
    s.step("ids");
    let _ = s.call(CreateScheduleRequest { schedule_id: "x".repeat(990), ..new() }).await;
    let _ = s.call(CreateScheduleRequest { schedule_id: String::new(), ..new() }).await;
    let _ = s.call(CreateScheduleRequest { request_id: String::new(), ..new() }).await;
    let _ = s.call(CreateScheduleRequest { request_id: "x".repeat(1001), ..new() }).await;
    s.step("search attributes");
    let of = |name: &str, value: &str| Some(SearchAttributes { indexed_fields: [(name.to_owned(), payload(value))].into() });
    let _ = s.call(CreateScheduleRequest { search_attributes: of("Nope", "x"), ..new() }).await;
    let _ = s.call(CreateScheduleRequest { search_attributes: of("Size", "x"), ..new() }).await;
    let _ = s.call(CreateScheduleRequest { search_attributes: of("WorkflowId", "x"), ..new() }).await;
    s.step("updates and patches");
    s.create_schedule("s", s.new_schedule("wf")).await;
    let update = || s.new_update_schedule("s", s.new_schedule("wf"));
    let _ = s.call(UpdateScheduleRequest { schedule: None, ..update() }).await;
    let _ = s.call(UpdateScheduleRequest { schedule: Some(Schedule::default()), ..update() }).await;
    let _ = s.call(UpdateScheduleRequest { memo: Some(Memo::default()), ..update() }).await;
    let _ = s.call(UpdateScheduleRequest { request_id: "x".repeat(1001), ..update() }).await;
    let _ = s.call(UpdateScheduleRequest { search_attributes: of("Nope", "x"), ..update() }).await;
    let _ = s.call(UpdateScheduleRequest { schedule_id: String::new(), ..update() }).await;
    let patch = || s.new_patch("s", SchedulePatch::default());
    let _ = s.call(PatchScheduleRequest { patch: None, ..patch() }).await;
    let _ = s.call(PatchScheduleRequest { request_id: "x".repeat(1001), ..patch() }).await;
    let _ = s.call(PatchScheduleRequest { schedule_id: String::new(), ..patch() }).await;
    for long in [
        SchedulePatch { pause: "x".repeat(1001), ..Default::default() },
        SchedulePatch { unpause: "x".repeat(1001), ..Default::default() },
    ] {
        s.patch("s", long).await;
    }
    s.step("nothing has come of it");
    s.describe_schedule("s").await;
}

async fn refused_actions(s: &Script) {
    let create = async |change: fn(&mut NewWorkflowExecutionInfo)| {
        let mut workflow = workflow(s);
        change(&mut workflow);
        s.create_schedule("s", Schedule { action: action(workflow), ..Default::default() }).await;
    };
    create(|it| it.workflow_id = "x".repeat(981)).await;
    create(|it| it.workflow_type = None).await;
    create(|it| it.workflow_type = Some(workflow_type(&"x".repeat(1001)))).await;
    create(|it| it.task_queue = None).await;
    create(|it| it.task_queue = Some(task_queue(""))).await;
    create(|it| it.task_queue = Some(task_queue("temporal-sys-per-ns-tq"))).await;
    create(|it| it.workflow_execution_timeout = Some(Duration { seconds: -1, nanos: 0 })).await;
    create(|it| it.workflow_run_timeout = Some(Duration { seconds: -1, nanos: 0 })).await;
    create(|it| it.workflow_task_timeout = Some(Duration { seconds: -1, nanos: 0 })).await;
    create(|it| it.cron_schedule = "* * * * *".to_owned()).await;
    create(|it| it.workflow_id_reuse_policy = WorkflowIdReusePolicy::RejectDuplicate.into()).await;
    create(|it| it.search_attributes = Some(SearchAttributes { indexed_fields: [("Nope".to_owned(), payload("x"))].into() }))
        .await;
    s.step("an empty workflow id will do");
    create(|it| it.workflow_id.clear()).await;
    s.describe_schedule("s").await;
}

async fn not_there(s: &Script) {
    s.describe_schedule("s").await;
    s.delete_schedule("s").await;
    s.patch("s", SchedulePatch::default()).await;
    let _ = s.call(s.new_update_schedule("s", s.new_schedule("wf"))).await;
    let _ = s.call(s.new_matching_times("s", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")).await;
    s.step("no id");
    let _ = s.call(DescribeScheduleRequest { schedule_id: String::new(), ..s.new_describe_schedule("s") }).await;
    let _ = s.call(DeleteScheduleRequest { schedule_id: String::new(), ..s.new_delete_schedule("s") }).await;
    s.step("no namespace");
    let _ = s.call(DescribeScheduleRequest { namespace: String::new(), ..s.new_describe_schedule("s") }).await;
    let _ = s.call(DescribeScheduleRequest { namespace: "nowhere".to_owned(), ..s.new_describe_schedule("s") }).await;
}

async fn deleted(s: &Script) {
    let schedule = Schedule { spec: rarely(), ..s.new_schedule("wf") };
    s.create_schedule("s", schedule.clone()).await;
    s.describe_schedule("s").await;
    s.delete_schedule("s").await;
    s.step("it is not there for");
    s.describe_schedule("s").await;
    s.delete_schedule("s").await;
    s.patch("s", SchedulePatch::default()).await;
    let _ = s.call(s.new_update_schedule("s", s.new_schedule("wf"))).await;
    s.step("but its times still are");
    let matching = s.new_matching_times("s", "2026-01-01T00:00:00Z", "2028-01-01T00:00:00Z");
    let times = s.client.call(matching).await.expect("the times");
    s.note(format_args!("{} times", times.start_time.len()));
    s.step("created again");
    s.create_schedule("s", schedule).await;
    s.describe_schedule("s").await;
}

async fn the_same_request_id(s: &Script) {
    let create = s.new_create_schedule("s");
    let _ = s.call(create.clone()).await;
    let _ = s.call(create.clone()).await;
    s.step("of another request");
    let _ = s.call(s.new_create_schedule("s")).await;
    s.step("a patch twice");
    let trigger = TriggerImmediatelyRequest { scheduled_time: Some(instant("2026-01-01T00:00:00Z")), overlap_policy: 0 };
    let patch = s.new_patch("s", SchedulePatch { trigger_immediately: Some(trigger), ..Default::default() });
    let _ = s.call(patch.clone()).await;
    s.await_actions("s", 1).await;
    let _ = s.call(patch).await;
    s.patch("s", SchedulePatch { pause: "over".to_owned(), ..Default::default() }).await;
    s.describe_schedule_once("s", |reply| reply.schedule.as_ref().is_some_and(is_paused)).await;
    s.step("an update twice");
    let update = s.new_update_schedule("s", Schedule { state: notes("one"), ..s.new_schedule("wf") });
    let _ = s.call(update.clone()).await;
    s.await_schedule("s", |reply| info(reply).update_time.is_some()).await;
    let again = Schedule { state: notes("two"), ..s.new_schedule("wf") };
    let _ = s.call(UpdateScheduleRequest { schedule: Some(again), ..update }).await;
    s.patch("s", SchedulePatch { pause: "over".to_owned(), ..Default::default() }).await;
    s.describe_schedule_once("s", |reply| reply.schedule.as_ref().is_some_and(is_paused)).await;
    s.step("a create, when it is deleted");
    s.delete_schedule("s").await;
    let _ = s.call(create).await;
    s.describe_schedule("s").await;
}

fn notes(notes: &str) -> Option<ScheduleState> {
    Some(ScheduleState { notes: notes.to_owned(), ..Default::default() })
}

fn is_paused(schedule: &Schedule) -> bool {
    schedule.state.as_ref().is_some_and(|state| state.paused)
}

fn token(reply: &DescribeScheduleResponse) -> i64 {
    reply.conflict_token.first_chunk().map_or(0, |token| i64::from_be_bytes(*token))
}

async fn updated(s: &Script) {
    s.create_schedule("s", Schedule { spec: rarely(), ..s.new_schedule("wf") }).await;
    let spec = ScheduleSpec {
        interval: vec![IntervalSpec { interval: Some(Duration { seconds: 86_400 * 365, nanos: 0 }), phase: None }],
        ..Default::default()
    };
    let _ = s.call(s.new_update_schedule("s", Schedule { spec: Some(spec), ..s.new_schedule("other") })).await;
    s.describe_schedule_once("s", |reply| token(reply) > 1).await;
    s.step("nothing but an action");
    let _ = s.call(s.new_update_schedule("s", s.new_schedule("other"))).await;
    s.describe_schedule_once("s", |reply| token(reply) > 2).await;
}

async fn updated_by_token(s: &Script) {
    s.create_schedule("s", s.new_schedule("wf")).await;
    let update = |notes_: &str, token: &[u8]| UpdateScheduleRequest {
        conflict_token: token.to_vec(),
        ..s.new_update_schedule("s", Schedule { state: notes(notes_), ..s.new_schedule("wf") })
    };
    s.step("the token of another state: nobody is told");
    let _ = s.call(update("one", &2_i64.to_be_bytes())).await;
    s.step("the token of this state");
    let _ = s.call(update("two", &1_i64.to_be_bytes())).await;
    s.describe_schedule_once("s", |reply| token(reply) > 1).await;
    s.step("no token at all");
    let _ = s.call(update("three", b"short")).await;
    s.describe_schedule_once("s", |reply| token(reply) > 2).await;
    s.step("more than a token");
    let _ = s.call(update("four", &[0, 0, 0, 0, 0, 0, 0, 3, 9])).await;
    s.describe_schedule_once("s", |reply| token(reply) > 3).await;
}

async fn paused(s: &Script) {
    s.create_schedule("s", s.new_schedule("wf")).await;
    s.patch("s", SchedulePatch { pause: "for now".to_owned(), ..Default::default() }).await;
    s.describe_schedule_once("s", |reply| token(reply) > 1).await;
    s.step("twice");
    s.patch("s", SchedulePatch { pause: "still".to_owned(), ..Default::default() }).await;
    s.describe_schedule_once("s", |reply| token(reply) > 2).await;
    s.step("no more");
    s.patch("s", SchedulePatch { unpause: "again".to_owned(), ..Default::default() }).await;
    s.describe_schedule_once("s", |reply| token(reply) > 3).await;
    s.step("both at once");
    s.patch("s", SchedulePatch { pause: "p".to_owned(), unpause: "u".to_owned(), ..Default::default() }).await;
    s.describe_schedule_once("s", |reply| token(reply) > 5).await;
    s.step("at its creation");
    let patch = SchedulePatch { pause: "from the start".to_owned(), ..Default::default() };
    let _ = s.call(CreateScheduleRequest { initial_patch: Some(patch), ..s.new_create_schedule("t") }).await;
    s.describe_schedule_once("t", |reply| token(reply) > 1).await;
}

async fn policies(s: &Script) {
    let cases = [
        (0, None),
        (3, seconds(1.0)),
        (99, seconds(86_400.0)),
        (6, Some(Duration { seconds: -5, nanos: 0 })),
        (5, Some(Duration { seconds: 315_576_000_000, nanos: 0 })),
    ];
    for (overlap_policy, catchup_window) in cases {
        let policies = SchedulePolicies { overlap_policy, catchup_window, ..Default::default() };
        let id = format!("s{overlap_policy}");
        s.create_schedule(&id, Schedule { policies: Some(policies), ..s.new_schedule("wf") }).await;
        s.describe_schedule(&id).await;
    }
}

async fn search_attributes(s: &Script) {
    let of = |pairs: &[(&str, &str)]| SearchAttributes {
        indexed_fields: pairs.iter().map(|(name, value)| ((*name).to_owned(), payload(value))).collect(),
    };
    let create = CreateScheduleRequest { search_attributes: Some(of(&[("Colour", "red")])), ..s.new_create_schedule("s") };
    let _ = s.call(create).await;
    s.describe_schedule("s").await;
    let update =
        |search_attributes| UpdateScheduleRequest { search_attributes, ..s.new_update_schedule("s", s.new_schedule("wf")) };
    s.step("left alone");
    let _ = s.call(update(None)).await;
    s.describe_schedule_once("s", |reply| token(reply) > 1).await;
    s.step("others");
    let _ = s.call(update(Some(of(&[("Colour", "blue")])))).await;
    let blue = of(&[("Colour", "blue")]).indexed_fields["Colour"].data.clone();
    let is_blue = |reply: &DescribeScheduleResponse| {
        let mut all = reply.search_attributes.iter().flat_map(|all| all.indexed_fields.values());
        all.any(|payload| payload.data == blue)
    };
    s.describe_schedule_once("s", |reply| token(reply) > 2 && is_blue(reply)).await;
    s.step("none");
    let _ = s.call(update(Some(SearchAttributes::default()))).await;
    s.describe_schedule_once("s", |reply| token(reply) > 3 && reply.search_attributes.is_none()).await;
}

/// JSON as it is.
fn json(text: &str) -> Payload {
    Payload { data: text.into(), ..payload("") }
}

fn attributes(pairs: &[(&str, Payload)]) -> Option<SearchAttributes> {
    let indexed_fields = pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Some(SearchAttributes { indexed_fields })
}

/// As other clients write them.
async fn search_attributes_are_written_anew(s: &Script) {
    let odd = [
        ("Colour", json(" \"a<b>&c\\u00fc\" ")),
        ("Size", json("123456789012345678")),
        ("Weight", json("1.0")),
        ("Ripe", json(" true")),
        ("Picked", json("\"2026-01-01T00:00:00.500+01:00\"")),
        ("Tags", json("[ \"a\", \"b\" ]")),
    ];
    let create = CreateScheduleRequest { search_attributes: attributes(&odd), ..s.new_create_schedule("s") };
    let _ = s.call(create).await;
    s.describe_schedule("s").await;
    let update =
        |search_attributes| UpdateScheduleRequest { search_attributes, ..s.new_update_schedule("s", s.new_schedule("wf")) };
    s.step("the same are left as they are");
    let _ = s.call(update(attributes(&odd))).await;
    s.describe_schedule_once("s", |reply| token(reply) > 1).await;
    s.step("of another schedule");
    s.create_schedule("t", s.new_schedule("wf")).await;
    let of_t =
        UpdateScheduleRequest { search_attributes: attributes(&odd), ..s.new_update_schedule("t", s.new_schedule("wf")) };
    let _ = s.call(of_t).await;
    s.describe_schedule_once("t", |reply| reply.search_attributes.is_some()).await;
    s.step("nothing takes them away, and the server's own stay");
    let _ =
        s.call(update(attributes(&[("Colour", json("null")), ("Tags", json("[]")), ("BatcherUser", json("\"me\""))]))).await;
    let has_only = |reply: &DescribeScheduleResponse, name: &str| {
        reply.search_attributes.as_ref().is_some_and(|all| all.indexed_fields.keys().eq([name]))
    };
    s.describe_schedule_once("s", |reply| has_only(reply, "BatcherUser")).await;
    let _ = s.call(update(Some(SearchAttributes::default()))).await;
    s.describe_schedule_once("s", |reply| token(reply) > 3).await;
}

async fn what_is_nil_is_left_out(s: &Script) {
    let nils = || [("Colour", json("null")), ("Tags", json("[]")), ("Size", json("3"))];
    let memo = || Memo {
        fields: [("note", json("1")), ("null", json("null")), ("none", Payload::default()), ("ScheduleInfo", json("2"))]
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
    };
    let workflow = NewWorkflowExecutionInfo { search_attributes: attributes(&nils()), memo: Some(memo()), ..workflow(s) };
    let request = CreateScheduleRequest {
        schedule: Some(Schedule { action: action(workflow), ..Default::default() }),
        search_attributes: attributes(&nils()),
        memo: Some(memo()),
        ..s.new_create_schedule("s")
    };
    let _ = s.call(request).await;
    s.trigger("s", "2026-01-01T00:00:00Z", ScheduleOverlapPolicy::Unspecified).await;
    s.await_actions("s", 1).await;
    s.describe_schedule("s").await;
    s.history("wf-2026-01-01T00:00:00Z").await;
}

async fn values_of_no_type(s: &Script) {
    let encoded = |encoding: &str, data: &[u8]| Payload {
        metadata: [("encoding".to_owned(), encoding.into())].into(),
        data: data.to_vec(),
        ..Default::default()
    };
    for value in [
        Payload::default(),
        json("x"),
        encoded("binary/plain", b"\"x\""),
        encoded("nope", b"\xff\0\n\"\\\x7f"),
        Payload { metadata: [("type".to_owned(), b"Keyword".to_vec())].into(), ..json("1 2") },
    ] {
        let search_attributes = attributes(&[("Colour", value)]);
        let _ = s.call(CreateScheduleRequest { search_attributes, ..s.new_create_schedule("s") }).await;
    }
}

async fn nothing_to_do(s: &Script) {
    s.step("no action, no spec");
    let _ = s.call(CreateScheduleRequest { schedule: None, ..s.new_create_schedule("s") }).await;
    s.describe_schedule("s").await;
    s.trigger("s", "2026-01-01T00:00:00Z", ScheduleOverlapPolicy::Unspecified).await;
    s.patch("s", SchedulePatch { pause: "over".to_owned(), ..Default::default() }).await;
    s.describe_schedule_once("s", |reply| token(reply) > 1).await;
    s.step("it has acted for the last time");
    let state = ScheduleState { limited_actions: true, ..Default::default() };
    s.create_schedule("t", Schedule { spec: rarely(), state: Some(state), ..s.new_schedule("wf") }).await;
    s.describe_schedule("t").await;
}

async fn large(s: &Script) {
    let large = |size: usize| NewWorkflowExecutionInfo { input: payloads(&"x".repeat(size)), ..workflow(s) };
    let schedule = |size: usize| Schedule { action: action(large(size)), ..Default::default() };
    s.create_schedule("s", schedule(2 << 20)).await;
    s.create_schedule("s", schedule(1 << 20)).await;
    let _ = s.call(s.new_update_schedule("s", schedule(2 << 20))).await;
    s.step("the memo");
    let memo = Memo { fields: [("note".to_owned(), payload(&"x".repeat(2 << 20)))].into() };
    let _ = s.call(CreateScheduleRequest { memo: Some(memo), ..s.new_create_schedule("t") }).await;
}
