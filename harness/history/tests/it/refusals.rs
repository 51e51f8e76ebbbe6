//! What is no history is refused in one clear line.

use foretime_history::forms::read;

use super::{ORDER, ORDER_CLI};

fn refusal(bytes: impl AsRef<[u8]>) -> String {
    read(bytes.as_ref()).expect_err("it is no history").to_string()
}

#[test]
fn what_is_no_history_is_named() {
    let told = [
        (&b""[..], "is empty (0 bytes)"),
        (b" \n", "is blank (2 bytes of whitespace)"),
        (b"hello", "is neither JSON nor protobuf, but other text"),
        (b"\x00\x01\x02\x03", "is neither JSON nor protobuf"),
        (b"\x1f\x8b\x08\x00", "is compressed with gzip: unpack it first"),
        (b"<!DOCTYPE html>", "is HTML or XML, not a history"),
        (b"{}", "is JSON, but holds no events"),
        (br#"{"events": []}"#, "is JSON, but holds no events"),
        (br#"{"code": 5, "message": "workflow not found"}"#, r#"is JSON, but holds no events: it has "code", "message""#),
        (
            b"[1, 2]",
            "is JSON, but no history: line 1, column 2, in [0]: invalid type: integer `1`, expected a history, an event, or a list of them",
        ),
        (b"{\"events\": [\xff]}", "is text, but not UTF-8 from byte 12 on"),
        (
            include_bytes!("../../fixtures/order.txt"),
            "is what `temporal workflow show` prints for people: `--output json` prints the history",
        ),
    ];
    for (bytes, line) in told {
        assert_eq!(refusal(bytes), line);
    }
}

#[test]
fn what_is_cut_off_says_where() {
    let lines = ORDER_CLI.lines().count();
    let half: String = ORDER_CLI.lines().take(lines / 2).map(|line| format!("{line}\n")).collect();
    assert_eq!(refusal(&half), format!("is JSON cut off at line {}", lines / 2 + 1));
    for length in [ORDER.len() - 1, ORDER.len() / 2] {
        let told = refusal(&ORDER[..length]);
        assert!(told.starts_with("is protobuf that is cut off or damaged at byte"), "{told}");
    }
}

#[test]
fn what_is_wrong_in_an_event_says_which_field() {
    let event = |json: &str| refusal(format!("{{\"events\": [\n{{\"eventId\": \"1\"}},\n{json}]}}"));
    let told = [
        (r#"{"eventId": "2", "eventTime": "yesterday"}"#, r#"column 41, in events[1].eventTime: not a time: "yesterday""#),
        (r#"{"eventId": "two"}"#, r#"column 17, in events[1].eventId: "two", where a number is expected"#),
        (r#"{"eventId": "2", "eventType": "Strange"}"#, r#"column 40, in events[1]: events of type "Strange" are not known"#),
        (
            r#"{"eventId": "2", "timerFiredEventAttributes": 3}"#,
            "column 47, in events[1].timerFiredEventAttributes: 3, where an object is expected",
        ),
    ];
    for (json, line) in told {
        assert_eq!(event(json), format!("is JSON, but no history: line 3, {line}"));
    }
    let damaged = format!("{}\n]", ORDER_CLI.trim_end());
    let line = ORDER_CLI.lines().count() + 1;
    assert!(refusal(damaged).starts_with(&format!("is not JSON: line {line}, column 1")));
}

#[test]
fn damaged_protobuf_is_refused() {
    let mut bytes = ORDER.to_owned();
    // Text that is not UTF-8, in the first event.
    let at = bytes.windows(5).position(|window| window == b"Order").unwrap();
    bytes[at] = 0xff;
    assert!(refusal(bytes).starts_with("is protobuf, but no event is at byte 0: "));
}
