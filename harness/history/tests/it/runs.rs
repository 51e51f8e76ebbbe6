//! What is said of a run.

use std::collections::BTreeSet;

use foretime_history::{
    NotWhole, Summary, Task,
    events::Index,
    path::{class, describe},
    tasks, whole,
};
use prost::Message;
use serde_json::{Value, json};

use super::{ORDER, decoded, one, until};

/// The history of these events, as `type, attributes` each; ids are counted from 1.
fn history(events: &[(&str, Value)]) -> Vec<u8> {
    let event = |(index, (name, attributes)): (usize, &(&str, Value))| {
        let key = format!("{}{}EventAttributes", name[..1].to_lowercase(), &name[1..]);
        json!({ "eventId": index + 1, "eventType": name, key: attributes })
    };
    let events: Vec<Value> = events.iter().enumerate().map(event).collect();
    one(json!({ "events": events }).to_string().as_bytes()).encoded
}

/// A run that starts, then goes through these steps, each a workflow task; ids are the caller's concern only in attributes.
struct Run(Vec<(&'static str, Value)>);

impl Run {
    fn new() -> Self {
        Self(vec![("WorkflowExecutionStarted", json!({ "workflowType": { "name": "Order" }, "attempt": 1 }))])
    }

    fn task(mut self) -> Self {
        let id = self.0.len();
        self.0.push(("WorkflowTaskScheduled", json!({})));
        self.0.push(("WorkflowTaskStarted", json!({ "scheduledEventId": id + 1 })));
        self.0.push(("WorkflowTaskCompleted", json!({ "scheduledEventId": id + 1, "startedEventId": id + 2 })));
        self
    }

    fn event(mut self, name: &'static str, attributes: Value) -> Self {
        self.0.push((name, attributes));
        self
    }

    /// An activity that is scheduled and done, and the workflow task after that.
    fn activity(mut self, name: &str) -> Self {
        let id = self.0.len() + 1;
        let completed = id - 1;
        self.0.push((
            "ActivityTaskScheduled",
            json!({ "activityId": id.to_string(), "activityType": { "name": name }, "workflowTaskCompletedEventId": completed }),
        ));
        self.0.push(("ActivityTaskStarted", json!({ "scheduledEventId": id })));
        self.0.push(("ActivityTaskCompleted", json!({ "scheduledEventId": id, "startedEventId": id + 1 })));
        self.task()
    }

    fn completed(self) -> Vec<u8> {
        let id = self.0.len();
        history(&self.event("WorkflowExecutionCompleted", json!({ "workflowTaskCompletedEventId": id })).0)
    }
}

fn times(run: Run, count: usize, act: impl Fn(Run) -> Run) -> Run {
    (0..count).fold(run, |run, _| act(run))
}

#[test]
fn loops_count_once() {
    let run = |count| times(Run::new().task(), count, |run| run.activity("charge").activity("ship")).completed();
    assert_eq!(class(&run(3)), class(&run(20)));
    assert_ne!(class(&run(3)), class(&Run::new().task().activity("charge").activity("charge").activity("charge").completed()));
    assert_eq!(describe(&run(3)), "activity charge → activity ship → activity charge ↺ → activity ship → completes");
    let nested =
        |inner| times(Run::new().task(), 4, |run| times(run.activity("order"), inner, |run| run.activity("item"))).completed();
    assert_eq!(class(&nested(3)), class(&nested(7)));
}

#[test]
fn names_count_and_ids_do_not() {
    let signaled = |name: &str| {
        let run = Run::new().task().activity("charge");
        run.event("WorkflowExecutionSignaled", json!({ "signalName": name, "identity": name })).task().completed()
    };
    assert_eq!(class(&signaled("pay")), class(&signaled("pay")));
    assert_ne!(class(&signaled("pay")), class(&signaled("cancel")));
    let patched = |id: &str, version: &str| {
        let payloads = |text: &str| json!([serde_json::from_str::<Value>(text).unwrap()]);
        let details = json!({ "changeId": payloads(id), "version": payloads(version) });
        let marker = json!({ "markerName": "Version", "details": details, "workflowTaskCompletedEventId": 4 });
        Run::new().task().event("MarkerRecorded", marker).completed()
    };
    assert_ne!(class(&patched("\"a\"", "1")), class(&patched("\"a\"", "2")));
    assert_eq!(describe(&patched("\"a\"", "2")), "version a 2, completes");
    assert_eq!(Summary::of(&patched("\"a\"", "2")).patches, BTreeSet::from(["a".to_owned()]));
}

#[test]
fn patches_have_ids_in_old_markers_too() {
    let marker = |details: Value| {
        let marker = json!({ "markerName": "core_patch", "details": details, "workflowTaskCompletedEventId": 4 });
        Run::new().task().event("MarkerRecorded", marker).completed()
    };
    let bare = json!({ "payloads": [{ "metadata": { "encoding": "YmluYXJ5L3BsYWlu" }, "data": "Z2lmdA==" }] });
    let old = marker(json!({ "patch_id": bare, "deprecated": bare }));
    let new = marker(json!({ "patch-data": [{ "id": "gift", "deprecated": false }] }));
    assert_eq!([&old, &new].map(|run| Summary::of(run).patches), [(); 2].map(|()| BTreeSet::from(["gift".to_owned()])));
    assert_eq!(class(&old), class(&new));
    assert_eq!(
        describe(&marker(json!({ "patch-data": { "payloads": [{ "data": "eA==", "metadata": { "encoding": "eC95" } }] } }))),
        "patch (unreadable), completes"
    );
}

#[test]
fn the_order_of_what_comes_together_does_not_matter() {
    let signaled = |names: [&str; 2], is_at_once: bool| {
        let run = Run::new().task();
        let signal = |run: Run, name: &str| run.event("WorkflowExecutionSignaled", json!({ "signalName": name }));
        let run = signal(run, names[0]);
        signal(if is_at_once { run } else { run.task() }, names[1]).task().completed()
    };
    let expected = class(&signaled(["a", "b"], true));
    assert_eq!([signaled(["b", "a"], true), signaled(["a", "b"], false)].map(|run| class(&run)), [expected; 2]);
}

#[test]
fn a_summary_is_what_is_recorded() {
    let summary = Summary::of(ORDER);
    assert_eq!((summary.workflow_type.as_str(), summary.task_queue.as_str()), ("Order", "orders"));
    assert_eq!(summary.workflow_id.as_deref(), Some("order-1"));
    assert_eq!(summary.run_id.unwrap().len(), 36);
    assert!(!summary.is_open);
    let count = decoded(ORDER).events.len();
    assert_eq!((summary.events_count, summary.last_event_id), (count, i64::try_from(count).unwrap()));
    assert!(summary.started.unwrap() > std::time::SystemTime::UNIX_EPOCH);
    assert_eq!(summary.first_sdk.clone().unwrap().name, "temporal-python");
    assert_eq!(summary.last_sdk, summary.first_sdk, "it is recorded only once");
    assert_eq!(summary.patches, BTreeSet::from(["gift-wrap".to_owned()]));
    assert!(Summary::of(until(ORDER, 10)).is_open);
    let of_nothing = Summary::of(&[]);
    assert_eq!((of_nothing.events_count, of_nothing.run_id), (0, None));
}

#[test]
fn a_run_after_a_reset_has_the_id_of_its_own() {
    let mut run = Run::new();
    run.0[0].1["originalExecutionRunId"] = json!("before");
    let run = run.event("WorkflowTaskScheduled", json!({})).event("WorkflowTaskStarted", json!({ "scheduledEventId": 2 }));
    let reset = json!({ "cause": "ResetWorkflow", "baseRunId": "before", "newRunId": "after" });
    assert_eq!(Summary::of(&history(&run.event("WorkflowTaskFailed", reset).0)).run_id.as_deref(), Some("after"));
}

#[test]
fn missing_events_are_noticed() {
    assert_eq!(whole(ORDER), Ok(()));
    assert_eq!(whole(&[]), Err(NotWhole::Empty));
    let without = |at: usize| {
        let mut history = decoded(ORDER);
        history.events.remove(at);
        history.encode_to_vec()
    };
    assert_eq!(whole(&without(0)), Err(NotWhole::Beginning { first_event_id: 2 }));
    assert_eq!(whole(&without(4)), Err(NotWhole::Gap { after_event_id: 4, next_event_id: 6 }));
    assert_eq!(NotWhole::Beginning { first_event_id: 2 }.to_string(), "begins with event 2: those before it are missing");
}

#[test]
fn tasks_have_the_events_that_their_commands_wrote() {
    let tasks: Vec<Task> = tasks(ORDER);
    let history = decoded(ORDER);
    for task in &tasks {
        let written = history.events.iter().filter(|event| {
            let attributes = event.attributes.as_ref();
            attributes.and_then(|it| it.workflow_task_completed_event_id()) == Some(task.completed_event_id)
        });
        let ids: Vec<i64> = written.map(|event| event.event_id).collect();
        assert_eq!(task.commands.clone().map(Iterator::collect::<Vec<_>>).unwrap_or_default(), ids, "{task:?}");
        assert!(task.scheduled_event_id < task.started_event_id && task.started_event_id < task.completed_event_id);
        assert_eq!(task.sdk.as_ref().unwrap().name, "temporal-python");
        assert!(task.build_id.is_some());
    }
    assert_eq!(tasks.iter().map(|task| task.number).collect::<Vec<_>>(), (1..=tasks.len()).collect::<Vec<_>>());
    assert_eq!(tasks[0].commands.clone().map(|it| *it.start()), Some(tasks[0].completed_event_id + 1));
}

#[test]
fn events_are_found_by_their_ids() {
    let (events, index) = (decoded(ORDER).events, Index::of(ORDER));
    let end = i64::try_from(events.len()).unwrap() + 1;
    for (first, last) in (0..=end).flat_map(|first| (0..=end).map(move |last| (first, last))) {
        let within: Vec<_> = events.iter().filter(|event| (first..=last).contains(&event.event_id)).cloned().collect();
        assert_eq!(decoded(&ORDER[index.span(first, last)]).events, within, "{first} to {last}");
    }
}
