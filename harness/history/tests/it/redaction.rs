//! A redacted history has nothing of what its run was about, and everything else.

use foretime_history::{
    Summary,
    json::canonical,
    redact::{Keep, Redacted, redact},
};
use serde_json::Value;

use super::{ORDER, decoded};

fn redacted(keep: &[&str]) -> Redacted {
    let keep = Keep(keep.iter().map(|pattern| pattern.parse().expect("a pattern")).collect());
    redact(ORDER, &keep).expect("it can be redacted")
}

/// The payloads and texts of a history by their places, apart from what stays.
fn texts(value: &Value, path: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(all) => all.iter().for_each(|(key, value)| texts(value, &format!("{path}.{key}"), found)),
        Value::Array(all) => all.iter().enumerate().for_each(|(at, value)| texts(value, &format!("{path}[{at}]"), found)),
        Value::String(text) => found.push((path.to_owned(), text.clone())),
        _ => {}
    }
}

fn changed(one: &[u8], other: &[u8]) -> Vec<String> {
    let all = |encoded| {
        let mut found = Vec::new();
        texts(&canonical(encoded).expect("a history"), "", &mut found);
        found
    };
    let (one, other) = (all(one), all(other));
    assert_eq!(one.len(), other.len());
    let differ = one.iter().zip(&other).filter(|(one, other)| {
        assert_eq!(one.0, other.0);
        one.1 != other.1
    });
    let names = differ.map(|(one, _)| one.0.rsplit('.').next().unwrap_or_default().to_owned());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names.dedup();
    names
}

#[test]
fn contents_change_and_nothing_else_does() {
    let made = redacted(&[]);
    assert_eq!(changed(ORDER, &made.encoded), ["data", "identity", "name"]);
    let (before, after) = (Summary::of(ORDER), Summary::of(&made.encoded));
    assert_eq!(format!("{before:?}"), format!("{after:?}"), "neither the path nor the patches are others");
    assert_eq!(made.encoded.len(), ORDER.len());
    let text = canonical(&made.encoded).expect("a history").to_string();
    // "tea", which is the input of the workflow and of an activity; "card", with which a signal came; and who started it.
    for gone in ["InRlYSI=", "ImNhcmQi", "13623@vm", "worker-b6fad"] {
        assert!(!text.contains(gone), "{gone}");
    }
}

#[test]
fn the_same_value_gets_the_same_stand_in_every_time() {
    let made = redacted(&[]);
    assert_eq!(decoded(&made.encoded), decoded(&redacted(&[]).encoded));
    let history = canonical(&made.encoded).expect("a history");
    let input = &history["events"][0]["workflowExecutionStartedEventAttributes"]["input"]["payloads"][0]["data"];
    assert_eq!(&history["events"][6]["activityTaskScheduledEventAttributes"]["input"]["payloads"][0]["data"], input);
}

#[test]
fn what_is_to_be_kept_is_named_by_what_it_is_of() {
    let data = |keep: &[&str]| {
        let history = canonical(&redacted(keep).encoded).expect("a history");
        let input = |event: usize, name: &str| history["events"][event][name]["input"]["payloads"][0]["data"] == "InRlYSI=";
        [input(0, "workflowExecutionStartedEventAttributes"), input(6, "activityTaskScheduledEventAttributes")]
    };
    assert_eq!(data(&["charge:$"]), [false, true]);
    assert_eq!(data(&["Order:$"]), [true, false]);
    assert_eq!(data(&["$"]), [true, true]);
    // What activities answer is theirs.
    let made = redacted(&["charge:$.a[*]"]);
    let history = canonical(&made.encoded).expect("a history");
    let result = &history["events"][8]["activityTaskCompletedEventAttributes"]["result"]["payloads"][0]["data"];
    // {"a":["tea",1,1.5,null],"b":1}, in which b is another number.
    let (kept, all) = ("eyJhIjpbInRlYSIsMSwxLjUsbnVsbF0sImIi", "eyJhIjpbInRlYSIsMSwxLjUsbnVsbF0sImIiOjF9");
    assert!(result.as_str().is_some_and(|data| data.starts_with(kept) && data != all), "{result}");
    for named in ["pay:$", "why", "charge:$"] {
        assert!(redacted(&[]).replaced.contains(named), "{named}");
    }
}
