//! Payloads in `foretime check`: decoded by a codec server, left out, or redacted.

#[path = "common/codec.rs"]
mod codec;
mod common;
#[path = "common/replayer.rs"]
mod replayer;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use codec::{Codec, plain, secret};
use foretime_history::json::canonical;
use foretime_server::proto::{
    common::{Payload, Payloads, WorkflowType},
    enums::EventType,
    history::{
        History, HistoryEvent, WorkflowExecutionCompletedEventAttributes, WorkflowExecutionStartedEventAttributes,
        WorkflowTaskCompletedEventAttributes, WorkflowTaskScheduledEventAttributes, WorkflowTaskStartedEventAttributes,
        history_event::Attributes,
    },
    taskqueue::TaskQueue,
};
use hyper::StatusCode;
use prost::Message;
use serde_json::Value;

const INPUT: &str = r#"{"customer":"Alice Miller","status":"paid","amount":4711}"#;

/// A run that got `INPUT` and has completed with this, in a file.
fn recorded(name: &str, result: Payload) -> PathBuf {
    let list = |payload: Payload| Some(Payloads { payloads: vec![payload] });
    let attributes = [
        Attributes::WorkflowExecutionStartedEventAttributes(WorkflowExecutionStartedEventAttributes {
            workflow_type: Some(WorkflowType { name: "Order".to_owned() }),
            task_queue: Some(TaskQueue { name: replayer::TASK_QUEUE.to_owned(), ..TaskQueue::default() }),
            input: list(plain(INPUT)),
            workflow_id: "order-1".to_owned(),
            original_execution_run_id: "01a22cf8-5d36-7212-8c4a-5fb25a48574f".to_owned(),
            identity: "alice@laptop".to_owned(),
            ..WorkflowExecutionStartedEventAttributes::default()
        }),
        Attributes::WorkflowTaskScheduledEventAttributes(WorkflowTaskScheduledEventAttributes::default()),
        Attributes::WorkflowTaskStartedEventAttributes(WorkflowTaskStartedEventAttributes {
            scheduled_event_id: 2,
            ..WorkflowTaskStartedEventAttributes::default()
        }),
        Attributes::WorkflowTaskCompletedEventAttributes(WorkflowTaskCompletedEventAttributes {
            scheduled_event_id: 2,
            started_event_id: 3,
            ..WorkflowTaskCompletedEventAttributes::default()
        }),
        Attributes::WorkflowExecutionCompletedEventAttributes(WorkflowExecutionCompletedEventAttributes {
            result: list(result),
            workflow_task_completed_event_id: 4,
            ..WorkflowExecutionCompletedEventAttributes::default()
        }),
    ];
    let types = [
        EventType::WorkflowExecutionStarted,
        EventType::WorkflowTaskScheduled,
        EventType::WorkflowTaskStarted,
        EventType::WorkflowTaskCompleted,
        EventType::WorkflowExecutionCompleted,
    ];
    let events = (1..).zip(types).zip(attributes).map(|((event_id, event_type), attributes)| HistoryEvent {
        event_id,
        event_type: event_type.into(),
        attributes: Some(attributes),
        ..HistoryEvent::default()
    });
    let json = canonical(&History { events: events.collect() }.encode_to_vec()).expect("a history");
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("payloads-{name}"));
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("a folder");
    fs::write(path.join("order.json"), json.to_string()).expect("a file");
    path
}

/// Checks the histories in a folder with the worker below, which has these variables.
async fn check(folder: &Path, args: &[&str], variables: &[(&str, &str)]) -> Output {
    let program = std::env::current_exe().expect("this program");
    let folder = folder.to_str().expect("text");
    let worker = ["--", program.to_str().expect("text"), "--exact", "worker_of_the_other_tests", "--ignored"];
    let mut command = common::foretime(&[&["check", folder], args, &worker].concat());
    command.env_clear().envs(variables.iter().copied());
    tokio::task::spawn_blocking(move || command.output().expect("the program runs")).await.expect("its end")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

#[tokio::test]
#[ignore = "is the worker that the other tests start"]
async fn worker_of_the_other_tests() {
    replayer::replay().await;
}

const CODED: [(&str, &str); 2] = [(replayer::RESULT, "\"for Alice\""), (replayer::KEY, "7")];

#[tokio::test]
async fn what_only_a_codec_can_read_is_not_compared_and_that_is_said() {
    let folder = recorded("coded", secret("\"for Bob\"", 5));
    let output = check(&folder, &["--strict"], &CODED).await;
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(text(&output).contains("1 fields in 1 histories could not be compared"), "{}", text(&output));
    assert!(text(&output).contains("--codec-endpoint"), "{}", text(&output));
}

#[tokio::test]
async fn a_codec_server_is_asked_once_for_each_side_and_tells_that_they_are_the_same() {
    let codec = Codec::start(None).await;
    let folder = recorded("same", secret("\"for Alice\"", 5));
    let endpoint = format!("--codec-endpoint=http://{}/{{namespace}}/", codec.address);
    let args = ["--strict", &endpoint, "--codec-auth=Bearer x", "--codec-header=X-Team=a", "--namespace=default"];
    let output = check(&folder, &args, &CODED).await;
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(!text(&output).contains("could not be compared"), "{}", text(&output));
    let asked = codec.asked();
    assert_eq!(asked.iter().map(|asked| asked.count).collect::<Vec<_>>(), [1, 1]);
    assert_eq!(asked[0].path, "/default/decode");
    let header = |name: &str| asked[0].headers.get(name).map(|value| value.to_str().expect("text"));
    assert_eq!(
        [header("x-namespace"), header("authorization"), header("x-team"), header("content-type")],
        [Some("default"), Some("Bearer x"), Some("a"), Some("application/json")]
    );
}

#[tokio::test]
async fn decoded_payloads_that_differ_are_shown_unless_payloads_are_left_out() {
    let codec = Codec::start(None).await;
    let folder = recorded("differs", secret("\"for Bob\"", 5));
    let endpoint = format!("http://{}", codec.address);
    let variables = [&CODED[..], &[("TEMPORAL_CODEC_ENDPOINT", endpoint.as_str())]].concat();
    let output = check(&folder, &["--strict"], &variables).await;
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("for Alice") && text(&output).contains("for Bob"), "{}", text(&output));
    for args in [&["--strict", "--no-payloads"][..], &["--strict", "--no-payloads", "--json"]] {
        let output = check(&folder, args, &variables).await;
        assert_eq!(output.status.code(), Some(1), "{}", text(&output));
        assert!(!text(&output).contains("Alice") && !text(&output).contains("Bob"), "{}", text(&output));
        assert!(text(&output).contains("11 bytes of json/plain"), "{}", text(&output));
    }
}

#[tokio::test]
async fn a_codec_server_that_refuses_leaves_the_answer_open() {
    let codec = Codec::start(Some(StatusCode::FORBIDDEN)).await;
    let folder = recorded("refused", secret("\"for Alice\"", 5));
    let endpoint = format!("--codec-endpoint=http://{}", codec.address);
    let output = check(&folder, &["--strict", &endpoint], &CODED).await;
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    let line = format!("the codec server http://{}/decode refuses: 403 Forbidden: no key for Alice", codec.address);
    assert!(text(&output).contains(&line), "{}", text(&output));
    let output = check(&folder, &["--strict", "--no-payloads", &endpoint], &CODED).await;
    assert!(!text(&output).contains("Alice"), "{}", text(&output));
    let output = check(&folder, &["--strict", "--codec-endpoint=ftp://codec"], &CODED).await;
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
}

#[tokio::test]
async fn failing_code_tells_no_payloads_if_they_are_left_out() {
    let folder = recorded("fails", plain("1"));
    let variables = [(replayer::RESULT, "1"), (replayer::NEEDED, "Carol")];
    let output = check(&folder, &[], &variables).await;
    assert!(output.status.code() == Some(1) && text(&output).contains("Alice"), "{}", text(&output));
    let output = check(&folder, &["--no-payloads"], &variables).await;
    assert!(output.status.code() == Some(1) && !text(&output).contains("Alice"), "{}", text(&output));
}

/// What was saved.
fn saved(folder: &Path) -> Option<Value> {
    let name = "Order/order-1_01a22cf8-5d36-7212-8c4a-5fb25a48574f.json";
    Some(serde_json::from_slice(&fs::read(folder.join(name)).ok()?).expect("JSON"))
}

#[tokio::test]
async fn a_redacted_history_is_saved_if_it_replays() {
    let folder = recorded("redacted", plain("\"for Alice Miller\""));
    let to = folder.with_extension("saved");
    let _ = fs::remove_dir_all(&to);
    let save = format!("--save={}", to.display());
    let output = check(&folder, &["--redact", &save, "--no-payloads"], &[(replayer::RESULT, "1")]).await;
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let history = saved(&to).expect("a file").to_string();
    for gone in ["alice", "QWxpY2Ug"] {
        assert!(!history.contains(gone), "{history}");
    }
    assert!(history.contains("order-1"), "{history}");
    let output = check(&to, &[], &[(replayer::RESULT, "1")]).await;
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
}

#[tokio::test]
async fn what_does_not_replay_any_more_is_not_saved_and_what_has_to_stay_is_named() {
    let folder = recorded("needed", plain("1"));
    let to = folder.with_extension("saved");
    let _ = fs::remove_dir_all(&to);
    let save = format!("--save={}", to.display());
    let variables = [(replayer::RESULT, "1"), (replayer::NEEDED, "paid")];
    let output = check(&folder, &["--redact", &save], &variables).await;
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    assert!(text(&output).contains("could not redact"), "{}", text(&output));
    assert!(text(&output).contains("with --keep-values status it does"), "{}", text(&output));
    assert_eq!(saved(&to), None);
    let output = check(&folder, &["--redact", &save, "--keep-values=status"], &variables).await;
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(saved(&to).is_some(), "{}", text(&output));
}

#[tokio::test]
async fn what_is_saved_beside_reports_without_payloads_has_to_be_redacted() {
    let folder = recorded("asked-wrongly", plain("1"));
    let to = folder.with_extension("saved");
    let output = check(&folder, &["--no-payloads", "--save", to.to_str().expect("text")], &[]).await;
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
}
