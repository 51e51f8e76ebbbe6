//! The forms that are read.

use foretime_history::{events::Index, forms::read};
use foretime_server::proto::{
    common::Payload,
    enums::EventType,
    history::{History, HistoryEvent, history_event::Attributes},
};
use prost::Message;
use serde_json::{Value, json};

use super::{ORDER, ORDER_CLI, decoded, one, until};

/// Reads a history of one event with these attributes.
fn attributes(attributes: &str, value: &Value) -> Attributes {
    let event = json!({ "eventId": 1, "eventType": "EVENT_TYPE_TIMER_STARTED", attributes: value });
    let mut history = decoded(&one(json!({ "events": [event] }).to_string().as_bytes()).encoded);
    history.events.remove(0).attributes.expect("it has attributes")
}

/// Reads the data of signal input that is written like this, as text.
fn input(value: &Value) -> Vec<(String, String)> {
    let Attributes::WorkflowExecutionSignaledEventAttributes(signaled) =
        attributes("workflowExecutionSignaledEventAttributes", &json!({ "input": value }))
    else {
        panic!("not a signal")
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let shown = |it: &Payload| (text(it.metadata.get("encoding").map_or(b"", Vec::as_slice)), text(&it.data));
    signaled.input.unwrap_or_default().payloads.iter().map(shown).collect()
}

fn plain(data: &str) -> (String, String) {
    ("json/plain".to_owned(), data.to_owned())
}

#[test]
fn json_of_the_cli_is_the_protobuf_of_the_server() {
    assert_eq!(decoded(&one(ORDER_CLI.as_bytes()).encoded), decoded(ORDER));
    assert_eq!(one(ORDER).encoded, ORDER);
}

#[test]
fn enums_have_older_names_and_the_rust_sdk_has_names_of_its_own() {
    assert_eq!(decoded(&one(include_bytes!("../../fixtures/order.camel-case.json")).encoded), decoded(ORDER));
    let report = one(include_bytes!("../../fixtures/report.json"));
    assert_eq!(decoded(&one(include_bytes!("../../fixtures/report.rust-sdk.json")).encoded), decoded(&report.encoded));
}

#[test]
fn readable_payloads_of_the_web_ui_are_data_again() {
    let mut expected = decoded(ORDER);
    let mut seen = decoded(&one(include_bytes!("../../fixtures/order.ui-readable.json")).encoded);
    // How the data was written is lost: spaces, and here 1.50.
    for history in [&mut expected, &mut seen] {
        let result = history.events.last_mut().unwrap().attributes.as_mut().unwrap();
        let Attributes::WorkflowExecutionCompletedEventAttributes(completed) = result else { panic!("it completed") };
        let data = &mut completed.result.as_mut().unwrap().payloads[0].data;
        *data = serde_json::from_slice::<Value>(data).unwrap().to_string().into_bytes();
        for event in &mut history.events {
            if let Some(Attributes::MarkerRecordedEventAttributes(marker)) = &mut event.attributes {
                for payload in marker.details.values_mut().flat_map(|it| &mut it.payloads).filter(|it| !it.data.is_empty()) {
                    payload.data = serde_json::from_slice::<Value>(&payload.data).unwrap().to_string().into_bytes();
                }
            }
            if let Some(Attributes::ActivityTaskCompletedEventAttributes(completed)) = &mut event.attributes {
                for payload in &mut completed.result.as_mut().unwrap().payloads {
                    payload.data = serde_json::from_slice::<Value>(&payload.data).unwrap().to_string().into_bytes();
                }
            }
        }
    }
    assert_eq!(seen, expected);
}

#[test]
fn the_shorthand_of_the_http_api_is_payloads_again() {
    let history = decoded(&one(include_bytes!("../../fixtures/order.http.json")).encoded);
    let Some(Attributes::WorkflowExecutionStartedEventAttributes(started)) = &history.events[0].attributes else {
        panic!("it started")
    };
    assert_eq!(started.input, {
        let Some(Attributes::WorkflowExecutionStartedEventAttributes(started)) = &decoded(ORDER).events[0].attributes else {
            panic!("it started")
        };
        started.input.clone()
    });
    assert_eq!(started.memo.as_ref().unwrap().fields["why"].data, b"\"test\"");
    assert_eq!(history.events.len(), decoded(ORDER).events.len());
}

#[test]
fn payloads_in_shorthand_keep_how_they_are_written() {
    let base64 = json!({ "metadata": { "encoding": "anNvbi9wbGFpbg==" }, "data": "MQ" });
    assert_eq!(input(&json!({ "payloads": [base64] })), [plain("1")]);
    assert_eq!(
        input(&json!([base64, null, 3, "x", {}])),
        [plain("1"), ("binary/null".to_owned(), String::new()), plain("3"), plain("\"x\""), plain("{}")]
    );
    let of_user = json!({ "metadata": { "encoding": 7 }, "data": "x" });
    assert_eq!(input(&json!([of_user])), [plain(&of_user.to_string())]);
    let message = json!({ "_protoMessageType": "a.B", "c": 1 });
    assert_eq!(input(&json!([message])), [("json/protobuf".to_owned(), r#"{"c":1}"#.to_owned())]);
    let readable = json!({ "metadata": { "encoding": "json/plain" }, "data": { "a": [1] } });
    assert_eq!(input(&json!({ "payloads": [readable] })), [plain(r#"{"a":[1]}"#)]);
    let text = r#"{"events": [{"eventId": "1", "workflowExecutionSignaledEventAttributes": {"input": [{"z": 1.50, "a b": "c \" d"}]}}]}"#;
    let compact = br#"{"z":1.50,"a b":"c \" d"}"#;
    assert!(one(text.as_bytes()).encoded.windows(compact.len()).any(|window| window == compact));
}

#[test]
fn scalars_are_read_in_all_forms() {
    let timer = |value: &Value| match attributes("timerStartedEventAttributes", value) {
        Attributes::TimerStartedEventAttributes(timer) => timer,
        _ => panic!("not a timer"),
    };
    let expected = timer(&json!({ "timerId": "5", "startToFireTimeout": "1.5s", "workflowTaskCompletedEventId": "4" }));
    assert_eq!(expected.workflow_task_completed_event_id, 4);
    for same in [
        json!({ "timer_id": "5", "start_to_fire_timeout": "1.500000000s", "workflow_task_completed_event_id": 4 }),
        json!({ "timerId": "5", "startToFireTimeout": 1_500_000_000_i64, "workflowTaskCompletedEventId": 4.0 }),
        json!({ "timerId": "5", "startToFireTimeout": { "seconds": 1, "nanos": 500_000_000 }, "workflowTaskCompletedEventId": "4" }),
        json!({ "timerId": "5", "startToFireTimeout": "1s500ms", "workflowTaskCompletedEventId": "4", "ofNewServer": [{}] }),
    ] {
        assert_eq!(timer(&same), expected, "{same}");
    }
    for event_type in [json!("EVENT_TYPE_TIMER_STARTED"), json!("TimerStarted"), json!("TIMER_STARTED"), json!(17), json!("17")]
    {
        let text = json!([{ "eventId": "1", "eventType": event_type }]).to_string();
        assert_eq!(decoded(&one(text.as_bytes()).encoded).events[0].event_type(), EventType::TimerStarted);
    }
}

#[test]
fn histories_are_found_wherever_they_are() {
    let expected = decoded(ORDER);
    let history: Value = serde_json::from_str(ORDER_CLI).unwrap();
    let events = history["events"].as_array().unwrap();
    let lines = |values: &[Value]| values.iter().map(|value| format!("{value}\n")).collect::<String>();
    let reversed: Vec<Value> = events.iter().rev().cloned().collect();
    let pages = |at: usize| {
        [&events[..at], &events[at..]].map(|page| json!({ "history": { "events": page }, "nextPageToken": "eA==" }))
    };
    for text in [
        json!({ "history": history }).to_string(),
        json!(events).to_string(),
        json!({ "events": reversed }).to_string(),
        lines(events),
        lines(&pages(3)),
        json!(pages(5)).to_string(),
        format!("\u{feff}{ORDER_CLI}"),
    ] {
        assert_eq!(decoded(&one(text.as_bytes()).encoded), expected);
    }
    let utf_16: Vec<u8> = "\u{feff}".encode_utf16().chain(ORDER_CLI.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    assert_eq!(decoded(&one(&utf_16).encoded), expected);
    for text in
        [json!([history, history]).to_string(), lines(&[history.clone(), history.clone()]), format!("{ORDER_CLI}{ORDER_CLI}")]
    {
        let all = read(text.as_bytes()).unwrap();
        assert_eq!(all.iter().map(|it| decoded(&it.encoded)).collect::<Vec<_>>(), [expected.clone(), expected.clone()]);
    }
}

#[test]
fn a_page_without_the_next_is_told() {
    let page = |token: Value| json!({ "history": { "events": [{ "eventId": "1" }] }, "nextPageToken": token });
    let last = json!({ "history": { "events": [{ "eventId": "2" }] } });
    assert!(one(page(json!("eA==")).to_string().as_bytes()).has_more);
    assert!(!one(page(json!("")).to_string().as_bytes()).has_more);
    assert!(!one(json!([page(json!("eA==")), last]).to_string().as_bytes()).has_more);
    assert!(!one(ORDER).has_more);
}

#[test]
fn ids_around_the_events_are_told() {
    let event = json!({ "eventId": "1" });
    let around = json!({ "events": [event], "workflowId": "w", "run_id": "r", "namespace": "n" });
    let execution =
        json!({ "execution": { "workflowId": "w", "runId": "r" }, "history": { "events": [event] }, "namespace": "n" });
    let report =
        json!({ "workflows": [{ "workflow_id": "w", "run_id": "r", "history": { "events": [event] } }], "namespace": "n" });
    for text in [around, execution, report] {
        let recorded = one(text.to_string().as_bytes());
        let ids = [recorded.workflow_id, recorded.run_id, recorded.namespace];
        assert_eq!(ids.each_ref().map(Option::as_deref), [Some("w"), Some("r"), Some("n")]);
    }
}

#[test]
fn protobuf_may_have_messages_around_the_history() {
    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let mut all = vec![number << 3 | 2];
        prost::encode_length_delimiter(bytes.len(), &mut all).unwrap();
        [all, bytes.to_owned()].concat()
    }
    let delimited = History::decode(ORDER).unwrap().encode_length_delimited_to_vec();
    let blob = |history: &[u8]| field(2, &field(2, history));
    let raw = [blob(until(ORDER, 3)), blob(&ORDER[Index::of(ORDER).span(4, i64::MAX)])].concat();
    let reply = [field(1, ORDER), field(3, b"token")].concat();
    assert!(one(&reply).has_more);
    for bytes in [&reply, &field(1, &reply), &raw, &delimited] {
        assert_eq!(decoded(&one(bytes).encoded), decoded(ORDER));
    }
    let export = [field(1, &field(1, ORDER)), field(1, &field(1, ORDER))].concat();
    for bytes in [&export, &delimited.repeat(2)] {
        assert_eq!(read(bytes).unwrap().len(), 2);
    }
}

#[test]
fn an_unknown_event_that_workers_may_ignore_is_kept() {
    let events = json!([{ "eventId": "1", "eventType": "Strange", "workerMayIgnore": true, "strangeEventAttributes": {} }]);
    let expected = HistoryEvent { event_id: 1, worker_may_ignore: true, ..HistoryEvent::default() };
    assert_eq!(decoded(&one(events.to_string().as_bytes()).encoded).events, [expected]);
}
