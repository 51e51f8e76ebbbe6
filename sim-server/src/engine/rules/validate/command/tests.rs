use std::time::Duration;

use super::*;
use crate::{
    engine::rules::{limits::Limits, search_attributes::Registry},
    proto::{
        command::{ContinueAsNewWorkflowExecutionCommandAttributes, StartChildWorkflowExecutionCommandAttributes},
        common::{ActivityType, Payloads, RetryPolicy, WorkflowExecution, WorkflowType},
        failure::Failure,
        taskqueue::TaskQueue,
    },
};

type Span = Option<prost_types::Duration>;

fn seconds(seconds: i64) -> Span {
    Some(prost_types::Duration { seconds, nanos: 0 })
}

fn queue(name: &str) -> Option<TaskQueue> {
    Some(TaskQueue { name: name.to_owned(), ..TaskQueue::default() })
}

fn large() -> Payload {
    Payload { data: vec![b'x'; 3 << 20], ..Payload::default() }
}

fn large_input() -> Option<Payloads> {
    Some(Payloads { payloads: vec![large()] })
}

fn attribute(name: &str, payload: Payload) -> Option<SearchAttributes> {
    Some(SearchAttributes { indexed_fields: [(name.to_owned(), payload)].into() })
}

/// Runs `check` against a run of workflow "w", type "T", on queue "q", with a run timeout of 100 s and an execution timeout of
/// 200 s. Returns "ok", or the text and whether the workflow ends.
fn outcome(check: impl FnOnce(&CommandContext<'_>) -> Result<(), Rejected>) -> String {
    let (limits, registry) = (Limits::default(), Registry::new("default"));
    let (memo, search_attributes) = (BTreeMap::new(), BTreeMap::new());
    let context = CommandContext {
        namespace: "default",
        workflow_id: "w",
        workflow_type: "T",
        task_queue: "q",
        run_timeout: Duration::from_secs(100),
        execution_timeout: Duration::from_secs(200),
        task_timeout: Duration::from_secs(15),
        search_attributes: &search_attributes,
        memo: &memo,
        limits: &limits,
        registry: &registry,
    };
    match check(&context) {
        Ok(()) => "ok".to_owned(),
        Err(rejected) if rejected.terminate => format!("END {}", rejected.text()),
        Err(rejected) => rejected.text(),
    }
}

#[test]
fn sequences_end_with_the_closing_command() {
    let of = |types: &[CommandType]| -> Vec<Command> {
        types.iter().map(|&command_type| Command { command_type: command_type as i32, ..Command::default() }).collect()
    };
    use CommandType::{CompleteWorkflowExecution, StartTimer, Unspecified};
    assert_eq!(command_sequence(&of(&[StartTimer, CompleteWorkflowExecution])), Ok(()));
    let text = "invalid command sequence: [CompleteWorkflowExecution, StartTimer], command CompleteWorkflowExecution must be the last command.";
    assert_eq!(command_sequence(&of(&[CompleteWorkflowExecution, StartTimer])), Err(Error::invalid(text)));
    assert_eq!(command_sequence(&of(&[Unspecified])), Err(Error::invalid("unknown command type: Unspecified")));
    let unknown = [Command { command_type: 99, ..Command::default() }];
    assert_eq!(command_sequence(&unknown), Err(Error::invalid("unknown command type: 99")));
    let text = "BadStartTimerAttributes: StartTimerCommandAttributes is not set on StartTimerCommand.";
    assert_eq!(attributes_missing(StartTimer).text(), text);
}

fn activity() -> ScheduleActivityTaskCommandAttributes {
    ScheduleActivityTaskCommandAttributes {
        activity_id: "1".to_owned(),
        activity_type: Some(ActivityType { name: "A".to_owned() }),
        task_queue: queue("q"),
        start_to_close_timeout: seconds(10),
        ..ScheduleActivityTaskCommandAttributes::default()
    }
}

#[test]
fn bad_activities_are_refused() {
    type Change = fn(&mut ScheduleActivityTaskCommandAttributes);
    let cases: &[(Change, &str)] = &[
        (|_| (), "ok"),
        (|a| a.task_queue = None, "taskQueue is not set"),
        (|a| a.task_queue = queue(""), "missing task queue name"),
        (|a| a.activity_id.clear(), "activityId is not set"),
        (|a| a.activity_type = None, "activityType is not set"),
        (|a| a.activity_id = "i".repeat(1001), "activityId exceeds length limit. Length=1001 Limit=1000"),
        (|a| a.heartbeat_timeout = seconds(-1), "invalid HeartbeatTimeout: negative duration"),
        (
            |a| a.start_to_close_timeout = None,
            "a valid StartToCloseTimeout or ScheduleToCloseTimeout must be set on the activity. ActivityId=1 ActivityType=A",
        ),
        (
            |a| a.retry_policy = Some(RetryPolicy { backoff_coefficient: 0.5, ..RetryPolicy::default() }),
            "BackoffCoefficient cannot be less than 1 on retry policy.",
        ),
        (
            |a| a.priority = Some(crate::proto::common::Priority { priority_key: -1, ..Default::default() }),
            "invalid priorities: priority key can't be negative",
        ),
        (
            |a| {
                a.use_workflow_build_id = true;
                a.task_queue = queue("other");
            },
            "Activity with UseCompatibleVersion cannot run on different task queue.",
        ),
        (|a| a.input = large_input(), "END ScheduleActivityTaskCommandAttributes.Input exceeds size limit."),
    ];
    for (change, expected) in cases {
        let mut attributes = activity();
        change(&mut attributes);
        let text = outcome(|context| schedule_activity(&mut attributes, context));
        assert_eq!(text.replace("BadScheduleActivityAttributes: ", ""), *expected);
    }
}

#[test]
fn activity_timeouts_are_completed_and_clamped() {
    // Schedule-to-close, schedule-to-start, start-to-close, heartbeat; the run has 100 s.
    let cases = [
        ([50, 0, 0, 0], [50, 50, 50, 0]),
        ([50, 80, 70, 60], [50, 50, 50, 50]),
        ([0, 0, 10, 0], [100, 100, 10, 0]),
        ([0, 5, 10, 20], [100, 5, 10, 10]),
        ([500, 400, 300, 200], [100, 100, 100, 100]),
    ];
    for (given, expected) in cases {
        let [schedule_to_close_timeout, schedule_to_start_timeout, start_to_close_timeout, heartbeat_timeout] =
            given.map(seconds);
        let mut attributes = ScheduleActivityTaskCommandAttributes {
            schedule_to_close_timeout,
            schedule_to_start_timeout,
            start_to_close_timeout,
            heartbeat_timeout,
            ..activity()
        };
        assert_eq!(outcome(|context| schedule_activity(&mut attributes, context)), "ok");
        let settled = [
            attributes.schedule_to_close_timeout,
            attributes.schedule_to_start_timeout,
            attributes.start_to_close_timeout,
            attributes.heartbeat_timeout,
        ];
        assert_eq!(settled, expected.map(seconds), "{given:?}");
        assert_eq!(attributes.retry_policy.map(|policy| policy.maximum_interval), Some(seconds(100)));
    }
    let mut unlimited = activity();
    let text =
        outcome(|context| schedule_activity(&mut unlimited, &CommandContext { run_timeout: Duration::ZERO, ..*context }));
    assert_eq!(
        (text.as_str(), unlimited.schedule_to_close_timeout, unlimited.schedule_to_start_timeout),
        ("ok", seconds(0), seconds(0))
    );
}

#[test]
fn small_commands_need_their_parts() {
    let timer = |timer_id: &str, timeout| StartTimerCommandAttributes {
        timer_id: timer_id.to_owned(),
        start_to_fire_timeout: seconds(timeout),
    };
    let cases = [
        (timer("", 1), "BadStartTimerAttributes: TimerId is not set on StartTimerCommand.".to_owned()),
        (
            timer("t", -1),
            "BadStartTimerAttributes: An invalid StartToFireTimeout is set on StartTimerCommand: negative duration. TimerId=t"
                .to_owned(),
        ),
        (
            timer(&"t".repeat(1001), 1),
            format!(
                "BadStartTimerAttributes: TimerId on StartTimerCommand exceeds length limit. TimerId={} Length=1001 Limit=1000",
                "t".repeat(1001)
            ),
        ),
        (timer("t", 1), "ok".to_owned()),
    ];
    for (mut attributes, expected) in cases {
        assert_eq!(outcome(|context| start_timer(&mut attributes, context)), expected);
    }
    let text = outcome(|context| cancel_timer(&CancelTimerCommandAttributes::default(), context));
    assert_eq!(text, "BadCancelTimerAttributes: TimerId is not set on CancelTimerCommand.");
    let text = outcome(|context| request_cancel_activity(&RequestCancelActivityTaskCommandAttributes::default(), context));
    assert_eq!(text, "BadRequestCancelActivityAttributes: ScheduledEventId is not set on RequestCancelActivityTaskCommand.");
    let text = outcome(|context| record_marker(&RecordMarkerCommandAttributes::default(), context));
    assert_eq!(text, "BadRecordMarkerAttributes: MarkerName is not set on RecordMarkerCommand.");
    let details = [("d".to_owned(), large_input().expect("an input"))].into();
    let marker = RecordMarkerCommandAttributes { marker_name: "m".to_owned(), details, ..Default::default() };
    let text = outcome(|context| record_marker(&marker, context));
    assert_eq!(text, "END BadRecordMarkerAttributes: RecordMarkerCommandAttributes.Details exceeds size limit.");
}

#[test]
fn closing_commands_are_limited_in_size() {
    let text =
        outcome(|context| complete_workflow(&CompleteWorkflowExecutionCommandAttributes { result: large_input() }, context));
    assert_eq!(
        text,
        "END BadScheduleActivityAttributes: CompleteWorkflowExecutionCommandAttributes.Result exceeds size limit."
    );
    let fail = |failure| outcome(|context| fail_workflow(&FailWorkflowExecutionCommandAttributes { failure }, context));
    assert_eq!(fail(None), "BadFailWorkflowExecutionAttributes: Failure is not set on FailWorkflowExecutionCommand.");
    let large = Failure { message: "x".repeat(3 << 20), ..Failure::default() };
    assert_eq!(
        fail(Some(large)),
        "END BadFailWorkflowExecutionAttributes: FailWorkflowExecutionCommandAttributes.Failure exceeds size limit."
    );
    assert_eq!(fail(Some(Failure::default())), "ok");
    assert_eq!(outcome(|context| cancel_workflow(&CancelWorkflowExecutionCommandAttributes::default(), context)), "ok");
}

#[test]
fn commands_to_other_workflows_need_a_target() {
    let cancel = |namespace: &str, workflow_id: &str, run_id: &str| {
        let attributes = RequestCancelExternalWorkflowExecutionCommandAttributes {
            namespace: namespace.to_owned(),
            workflow_id: workflow_id.to_owned(),
            run_id: run_id.to_owned(),
            ..Default::default()
        };
        let children = ["child".to_owned()].into();
        outcome(|context| request_cancel_external(&attributes, context, &children))
            .replace("BadRequestCancelExternalWorkflowExecutionAttributes: ", "")
    };
    assert_eq!(cancel("default", "x", ""), "ok");
    assert_eq!(cancel("else", "x", ""), "cross namespace commands are not allowed");
    assert_eq!(
        cancel("", "", "r"),
        "WorkflowId is not set on RequestCancelExternalWorkflowExecutionCommand. Namespace= RunId=r"
    );
    assert_eq!(
        cancel("", "x", "r"),
        "Invalid RunId set on RequestCancelExternalWorkflowExecutionCommand. WorkflowId=x RunId=r Namespace="
    );
    assert_eq!(
        cancel("", "child", ""),
        "Start and RequestCancel for child workflow is not allowed in same workflow task. WorkflowId=child RunId= Namespace="
    );

    let signal = |workflow_id: Option<&str>, run_id: &str, signal_name: &str, input| {
        let execution = |id: &str| WorkflowExecution { workflow_id: id.to_owned(), run_id: run_id.to_owned() };
        let attributes = SignalExternalWorkflowExecutionCommandAttributes {
            execution: workflow_id.map(execution),
            signal_name: signal_name.to_owned(),
            input,
            ..Default::default()
        };
        outcome(|context| signal_external(&attributes, context)).replace("BadSignalWorkflowExecutionAttributes: ", "")
    };
    assert_eq!(signal(None, "", "s", None), "Execution is not set on SignalExternalWorkflowExecutionCommand.");
    assert_eq!(
        signal(Some(""), "", "s", None),
        "WorkflowId is not set on SignalExternalWorkflowExecutionCommand. Namespace= RunId= SignalName=s"
    );
    assert_eq!(
        signal(Some("x"), "r", "s", None),
        "Invalid RunId set on SignalExternalWorkflowExecutionCommand. WorkflowId=x Namespace= RunId=r SignalName=s"
    );
    assert_eq!(
        signal(Some("x"), "", "", None),
        "SignalName is not set on SignalExternalWorkflowExecutionCommand. WorkflowId=x Namespace= RunId="
    );
    assert_eq!(
        signal(Some("x"), "", "s", large_input()),
        "END SignalExternalWorkflowExecutionCommandAttributes.Input exceeds size limit."
    );
    assert_eq!(signal(Some("x"), "", "s", None), "ok");
}

#[test]
fn upserts_need_something_to_change() {
    let upsert = |search_attributes| {
        let attributes = UpsertWorkflowSearchAttributesCommandAttributes { search_attributes };
        outcome(|context| upsert_search_attributes(&attributes, context)).replace("BadSearchAttributes: ", "")
    };
    assert_eq!(upsert(None), "SearchAttributes is not set on UpsertWorkflowSearchAttributesCommand.");
    assert_eq!(upsert(Some(SearchAttributes::default())), "IndexedFields is not set on UpsertWorkflowSearchAttributesCommand.");
    assert_eq!(
        upsert(attribute("Nope", Payload::default())),
        "Namespace default has no mapping defined for search attribute Nope"
    );

    let modify = |fields: Option<BTreeMap<String, Payload>>| {
        let attributes = ModifyWorkflowPropertiesCommandAttributes { upserted_memo: fields.map(|fields| Memo { fields }) };
        outcome(|context| modify_properties(&attributes, context)).replace("BadModifyWorkflowPropertiesAttributes: ", "")
    };
    assert_eq!(modify(None), "UpsertedMemo is not set on ModifyWorkflowPropertiesCommand.");
    assert_eq!(modify(Some(BTreeMap::new())), "UpsertedMemo.Fields is not set on ModifyWorkflowPropertiesCommand.");
    assert_eq!(
        modify(Some([("k".to_owned(), large())].into())),
        "END ModifyWorkflowPropertiesCommandAttributes exceeds size limit."
    );
    assert_eq!(modify(Some([("k".to_owned(), Payload::default())].into())), "ok");
}

#[test]
fn a_continued_run_inherits_what_is_open() {
    let mut open = ContinueAsNewWorkflowExecutionCommandAttributes::default();
    assert_eq!(outcome(|context| continue_as_new(&mut open, context)), "ok");
    let expected = ContinueAsNewWorkflowExecutionCommandAttributes {
        workflow_type: Some(WorkflowType { name: "T".to_owned() }),
        task_queue: Some(TaskQueue { name: "q".to_owned(), kind: 1, ..TaskQueue::default() }),
        workflow_run_timeout: seconds(100),
        workflow_task_timeout: seconds(15),
        ..Default::default()
    };
    assert_eq!(open, expected);

    type Change = fn(&mut ContinueAsNewWorkflowExecutionCommandAttributes);
    let cases: &[(Change, &str)] = &[
        (|a| a.workflow_run_timeout = seconds(500), "ok"),
        (
            |a| a.workflow_run_timeout = seconds(-1),
            r#"Invalid WorkflowRunTimeout on ContinueAsNewWorkflowExecutionCommand: negative duration. WorkflowType=T TaskQueue=name:"q"  kind:TASK_QUEUE_KIND_NORMAL"#,
        ),
        (
            |a| a.task_queue = queue("/_sys/x"),
            r#"error validating ContinueAsNewWorkflowExecutionCommand TaskQueue: task queue name cannot start with reserved prefix /_sys/. WorkflowType=T TaskQueue=name:"/_sys/x"  kind:TASK_QUEUE_KIND_NORMAL"#,
        ),
        (
            |a| a.retry_policy = Some(RetryPolicy { maximum_attempts: -1, ..RetryPolicy::default() }),
            r#"invalid WorkflowRetryPolicy on ContinueAsNewWorkflowExecutionCommand: MaximumAttempts cannot be negative on retry policy.. WorkflowType=T TaskQueue=name:"q"  kind:TASK_QUEUE_KIND_NORMAL"#,
        ),
        (|a| a.input = large_input(), "END ContinueAsNewWorkflowExecutionCommandAttributes. Input exceeds size limit."),
    ];
    for (change, expected) in cases {
        let mut attributes = ContinueAsNewWorkflowExecutionCommandAttributes::default();
        change(&mut attributes);
        let text = outcome(|context| continue_as_new(&mut attributes, context));
        assert_eq!(text.replace("BadContinueAsNewAttributes: ", ""), *expected);
        if text == "ok" {
            assert_eq!(attributes.workflow_run_timeout, seconds(200));
        }
    }
    let search_attributes = attribute("WorkflowId", Payload::default());
    let mut attributes = ContinueAsNewWorkflowExecutionCommandAttributes { search_attributes, ..Default::default() };
    let text = outcome(|context| continue_as_new(&mut attributes, context));
    assert!(text.starts_with("BadSearchAttributes: invalid SearchAttributes on ContinueAsNewWorkflowExecutionCommand: WorkflowId attribute can't be set"));
}

#[test]
fn a_child_is_completed_from_its_parent() {
    let child = || StartChildWorkflowExecutionCommandAttributes {
        workflow_id: "c".to_owned(),
        workflow_type: Some(WorkflowType { name: "C".to_owned() }),
        ..Default::default()
    };
    let mut good = StartChildWorkflowExecutionCommandAttributes { workflow_execution_timeout: seconds(60), ..child() };
    assert_eq!(outcome(|context| start_child(&mut good, context)), "ok");
    let expected = StartChildWorkflowExecutionCommandAttributes {
        namespace: "default".to_owned(),
        task_queue: Some(TaskQueue { name: "q".to_owned(), kind: 1, ..TaskQueue::default() }),
        workflow_execution_timeout: seconds(60),
        workflow_run_timeout: seconds(60),
        workflow_task_timeout: seconds(10),
        parent_close_policy: 1,
        workflow_id_reuse_policy: 1,
        ..child()
    };
    assert_eq!(good, expected);

    type Change = fn(&mut StartChildWorkflowExecutionCommandAttributes);
    let cases: &[(Change, &str)] = &[
        (
            |a| a.workflow_id.clear(),
            "Required field WorkflowId is not set on StartChildWorkflowExecutionCommand. WorkflowType=C Namespace=default",
        ),
        (
            |a| a.workflow_type = None,
            "Required field WorkflowType is not set on StartChildWorkflowExecutionCommand. WorkflowId=c Namespace=default",
        ),
        (|a| a.namespace = "else".to_owned(), "cross namespace commands are not allowed"),
        (
            |a| a.workflow_task_timeout = seconds(-1),
            "Invalid WorkflowTaskTimeout on StartChildWorkflowExecutionCommand: negative duration. WorkflowId=c WorkflowType=C Namespace=default",
        ),
        (
            |a| a.cron_schedule = "nope".to_owned(),
            "invalid CronSchedule on StartChildWorkflowExecutionCommand: invalid CronSchedule.. WorkflowId=c WorkflowType=C Namespace=default",
        ),
        (|a| a.input = large_input(), "END StartChildWorkflowExecutionCommandAttributes. Input exceeds size limit."),
    ];
    for (change, expected) in cases {
        let mut attributes = child();
        change(&mut attributes);
        let text = outcome(|context| start_child(&mut attributes, context));
        assert_eq!(text.replace("BadStartChildExecutionAttributes: ", ""), *expected);
    }
}
