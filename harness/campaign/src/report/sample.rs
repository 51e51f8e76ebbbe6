//! Invented runs that are as realistic as possible: for the tests of the reports, and for working on the page.

use serde_json::{Value, json};

use crate::model::{
    Ended, Event, EventKind, Failure, FaultCount, Life, Outcome, Process, ProcessKind, Report, Span, SpanKind, Workflow,
};

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;
const DAY: u64 = 86_400 * SECOND;
/// 2026-01-01.
const STARTED_AT_UNIX_MS: i64 = 1_767_225_600_000;
const TEST: usize = 0;
const SERVER: usize = 1;

/// A subscription that charges a card without an idempotency key; a worker crashes between the charge and the acknowledgement.
pub(crate) fn double_charge() -> Report {
    let mut run = Run::new(&["worker 1", "worker 2"]);
    run.event(Some(TEST), EventKind::Test, "start workflow sub-1", "Subscription for card 7").workflow("sub-1");
    for month in 0..2 {
        let worker = 2 + month as usize % 2;
        run.workflow_task(worker, "sub-1");
        run.charge(worker, "sub-1", month, 1, false);
        run.workflow_task(worker, "sub-1");
        run.at_ns = (month + 1) * 30 * DAY + 3 * MS;
    }
    run.workflow_task(2, "sub-1");
    run.charge(2, "sub-1", 2, 1, true);
    run.crash(2, "worker 1 crashes", "after the side effect, before the activity completed");
    run.at_ns += 4 * SECOND;
    run.start(2, "v1");
    run.at_ns += 6 * SECOND;
    run.event(
        Some(SERVER),
        EventKind::Log,
        "activity charge timed out (start to close, 10 s); retry in 1 s",
        "attempt 1 of charge/2",
    )
    .workflow("sub-1");
    run.at_ns += SECOND;
    run.charge(3, "sub-1", 2, 2, true);
    run.workflow_task(3, "sub-1");
    run.at_ns = 75 * DAY;
    run.event(Some(TEST), EventKind::Test, "signal cancel to sub-1", "").workflow("sub-1");
    run.workflow_task(2, "sub-1");
    run.event(
        Some(TEST),
        EventKind::Check,
        "exactly once: \"charge\" of card 7",
        "Two effects, by attempts 1 and 2 of charge/2, and neither carried a key.",
    );
    run.report.events.last_mut().expect("just added").important = true;
    run.report.workflows.push(workflow("sub-1", 0));
    run.report.failure = Some(Failure {
        title: "charge of card 7 happened twice".to_owned(),
        detail: "effect \"charge\" on \"card 7\" was applied by 2 attempts of activity charge/2 of workflow sub-1:\n  attempt 1 on worker 1 at 2026-03-02 00:00:00.014\n  attempt 2 on worker 2 at 2026-03-02 00:00:11.048\nNeither carried an idempotency key.".to_owned(),
    });
    run.report.story = [
        "Worker 1 charged card 7 for the third month, 60 days into the run.",
        "It crashed before it could tell the server so.",
        "After 10 seconds the server gave the attempt up and retried; worker 2 charged card 7 again, without an idempotency key.",
    ]
    .map(str::to_owned)
    .to_vec();
    run.report.faults = vec![FaultCount { kind: "worker_crash".to_owned(), count: 1 }];
    run.ended()
}

/// `moments` events within a year on eight processes, most of them uninteresting.
pub(crate) fn year(moments: usize) -> Report {
    let mut run = Run::new(&["worker 1", "worker 2", "worker 3", "worker 4", "worker 5", "worker 6"]);
    let (mut month, mut subscriptions) = (0, 0);
    while run.report.events.len() < moments {
        let done = run.report.events.len() as u64 * 12 / moments as u64;
        if done > month {
            run.at_ns = done * 30 * DAY;
            month = done;
        }
        let worker = 2 + run.random(6) as usize;
        let id = format!("sub-{}", subscriptions % 60);
        subscriptions += 1;
        if subscriptions <= 60 {
            run.event(Some(TEST), EventKind::Test, &format!("start workflow {id}"), "").workflow(&id);
        }
        run.workflow_task(worker, &id);
        match run.random(40) {
            0 => {
                run.charge(worker, &id, month, 1, false);
                run.crash(worker, "crash", "between two steps");
                run.at_ns += SECOND + run.random(9 * SECOND);
                run.start(worker, if month > 5 { "v2" } else { "v1" });
            }
            1 => {
                run.event(Some(SERVER), EventKind::Fault, "reply lost", "RespondActivityTaskCompleted was applied")
                    .fault("reply_lost")
                    .workflow(&id);
                run.at_ns += 10 * SECOND;
            }
            _ => run.charge(worker, &id, month, 1, false),
        }
        run.at_ns += run.random(40 * MS);
    }
    let last = run.report.events.len() * 2 / 3;
    for event in run.report.events[last..].iter_mut().filter(|event| event.kind == EventKind::Fault).take(3) {
        event.important = true;
    }
    run.report.workflows = (0..60).map(|index| workflow(&format!("sub-{index}"), 30)).collect();
    run.report.failure = Some(Failure { title: "sub-17 never finished".to_owned(), detail: String::new() });
    run.report.story = vec!["The reply to worker 3 was lost, and nobody asked again.".to_owned()];
    run.report.faults = ["worker_crash", "reply_lost"].map(|kind| FaultCount { kind: kind.to_owned(), count: 120 }).to_vec();
    run.ended()
}

/// A report in the making.
struct Run {
    report: Report,
    at_ns: u64,
    random: u64,
}

impl Run {
    fn new(workers: &[&str]) -> Self {
        let process = |name: &str, kind, version: Option<&str>| {
            let life = Life { from_ns: 0, to_ns: 0, ended: Ended::Running, version: version.map(str::to_owned) };
            Process { name: name.to_owned(), kind, lives: vec![life] }
        };
        let mut processes = vec![process("test", ProcessKind::Test, None), process("server", ProcessKind::Server, None)];
        processes.extend(workers.iter().map(|name| process(name, ProcessKind::Worker, Some("v1"))));
        let report = Report {
            test: "a_subscriber_is_charged_once_a_month".to_owned(),
            seed: 16_045_690_984_503_098_046,
            failed: true,
            failure: None,
            story: Vec::new(),
            untold: Vec::new(),
            doom: None,
            omitted: None,
            repeat: "FORETIME_SEED=16045690984503098046 cargo test --package billing --test subscription a_subscriber_is_charged_once_a_month".to_owned(),
            started_at_unix_ms: STARTED_AT_UNIX_MS,
            ended_at_ns: 0,
            steps: 0,
            trace_hash: "9f86d081884c7d65".to_owned(),
            faults: Vec::new(),
            processes,
            spans: Vec::new(),
            events: Vec::new(),
            workflows: Vec::new(),
            output: "starting sub-1\nmonth 1: active\nmonth 2: active\n".to_owned(),
        };
        Self { report, at_ns: 0, random: 42 }
    }

    fn random(&mut self, below: u64) -> u64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % below
    }

    fn event(&mut self, process: Option<usize>, kind: EventKind, label: &str, detail: &str) -> &mut Event {
        self.report.steps += 1;
        let (label, detail) = (label.to_owned(), detail.to_owned());
        let (at_ns, step) = (self.at_ns, self.report.steps);
        self.report.events.push(Event {
            at_ns,
            step,
            process,
            kind,
            label,
            detail,
            fault: None,
            important: false,
            workflow_id: None,
            activity_id: None,
        });
        self.report.events.last_mut().expect("just added")
    }

    fn rpc(&mut self, process: usize, method: &str, workflow_id: &str) {
        self.event(Some(process), EventKind::Rpc, method, &format!("{{\"workflowId\": \"{workflow_id}\"}}"))
            .workflow(workflow_id);
        self.at_ns += self.random(3) * MS;
    }

    fn span(&mut self, process: usize, kind: SpanKind, label: &str, workflow_id: &str, ms: u64) -> &mut Span {
        let (from_ns, from_step) = (self.at_ns, Some(self.report.steps + 1));
        self.at_ns += ms * MS;
        let (to_ns, to_step, label, detail) = (self.at_ns, None, label.to_owned(), String::new());
        let (outcome, workflow_id) = (Outcome::Completed, Some(workflow_id.to_owned()));
        self.report.spans.push(Span {
            process,
            from_ns,
            to_ns,
            from_step,
            to_step,
            kind,
            label,
            detail,
            outcome,
            workflow_id,
            activity_id: None,
            update_id: None,
        });
        self.report.spans.last_mut().expect("just added")
    }

    fn workflow_task(&mut self, worker: usize, workflow_id: &str) {
        self.rpc(worker, "PollWorkflowTaskQueue", workflow_id);
        let ms = 1 + self.random(4);
        self.span(worker, SpanKind::WorkflowTask, "workflow task", workflow_id, ms);
        self.rpc(worker, "RespondWorkflowTaskCompleted", workflow_id);
    }

    /// One attempt of the activity. An important charge is one that the failure is about.
    fn charge(&mut self, worker: usize, workflow_id: &str, month: u64, attempt: u32, important: bool) {
        self.rpc(worker, "PollActivityTaskQueue", workflow_id);
        let activity_id = format!("charge/{month}");
        let crashes = important && attempt == 1;
        let (ms, label) = (8 + self.random(30), format!("charge, attempt {attempt}"));
        let span = self.span(worker, SpanKind::Activity, &label, workflow_id, ms);
        span.activity_id = Some(activity_id.clone());
        span.detail = format!("input: {{\"card\": 7, \"month\": {month}}}");
        span.outcome = if crashes { Outcome::Crashed } else { Outcome::Completed };
        let halfway_ns = span.from_ns + 5 * MS;
        let after_ns = std::mem::replace(&mut self.at_ns, halfway_ns);
        let event = self
            .event(Some(worker), EventKind::Effect, "charge card 7", &format!("29.99 for month {month}, no key"))
            .workflow(workflow_id);
        (event.activity_id, event.important) = (Some(activity_id), important);
        self.at_ns = after_ns;
        if !crashes {
            self.rpc(worker, "RespondActivityTaskCompleted", workflow_id);
        }
    }

    fn crash(&mut self, worker: usize, label: &str, detail: &str) {
        let at_ns = self.at_ns;
        let important = label != "crash";
        self.event(Some(worker), EventKind::Fault, label, detail).fault("worker_crash").important = important;
        let life = self.report.processes[worker].lives.last_mut().expect("it lives");
        (life.to_ns, life.ended) = (at_ns, Ended::Crash);
    }

    fn start(&mut self, worker: usize, version: &str) {
        let (from_ns, version) = (self.at_ns, Some(version.to_owned()));
        self.report.processes[worker].lives.push(Life { from_ns, to_ns: from_ns, ended: Ended::Running, version });
    }

    fn ended(mut self) -> Report {
        self.report.ended_at_ns = self.at_ns + SECOND;
        for life in self.report.processes.iter_mut().flat_map(|process| process.lives.last_mut()) {
            life.to_ns = self.report.ended_at_ns;
        }
        self.report
    }
}

impl Event {
    fn workflow(&mut self, id: &str) -> &mut Self {
        self.workflow_id = Some(id.to_owned());
        self
    }

    fn fault(&mut self, kind: &str) -> &mut Self {
        self.fault = Some(kind.to_owned());
        self
    }
}

/// A workflow with a history in the canonical proto JSON.
fn workflow(workflow_id: &str, timers: usize) -> Workflow {
    let payload = json!({"payloads": [{"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": "eyJjYXJkIjo3fQ=="}]});
    let mut events = vec![
        (
            "WORKFLOW_EXECUTION_STARTED",
            json!({"workflowType": {"name": "Subscription"}, "taskQueue": {"name": "subscriptions"}, "input": payload, "attempt": 1}),
        ),
        (
            "WORKFLOW_TASK_SCHEDULED",
            json!({"taskQueue": {"name": "subscriptions"}, "startToCloseTimeout": "10s", "attempt": 1}),
        ),
        ("WORKFLOW_TASK_STARTED", json!({"scheduledEventId": "2", "identity": "worker 1"})),
        ("WORKFLOW_TASK_COMPLETED", json!({"scheduledEventId": "2", "startedEventId": "3", "identity": "worker 1"})),
        (
            "ACTIVITY_TASK_SCHEDULED",
            json!({"activityId": "charge/0", "activityType": {"name": "charge"}, "input": payload, "startToCloseTimeout": "10s"}),
        ),
        (
            "ACTIVITY_TASK_STARTED",
            json!({"scheduledEventId": "5", "identity": "worker 1", "attempt": 2, "lastFailure": {"message": "activity StartToClose timeout"}}),
        ),
        (
            "ACTIVITY_TASK_TIMED_OUT",
            json!({"scheduledEventId": "5", "startedEventId": "6", "retryState": "RETRY_STATE_TIMEOUT"}),
        ),
    ];
    events.extend(
        (0..timers).map(|timer| ("TIMER_STARTED", json!({"timerId": timer.to_string(), "startToFireTimeout": "2592000s"}))),
    );
    let event = |(index, (kind, attributes)): (usize, (&str, Value))| {
        let camel: String = kind
            .to_lowercase()
            .split('_')
            .enumerate()
            .map(|(at, word)| if at == 0 { word.to_owned() } else { word[..1].to_uppercase() + &word[1..] })
            .collect();
        json!({"eventId": (index + 1).to_string(), "eventTime": format!("2026-01-{:02}T00:00:00.{:03}Z", 1 + index / 20, index), "eventType": format!("EVENT_TYPE_{kind}"), format!("{camel}EventAttributes"): attributes})
    };
    let events: Vec<Value> = events.into_iter().enumerate().map(event).collect();
    Workflow {
        workflow_id: workflow_id.to_owned(),
        run_id: format!("0196b8a0-0000-7000-8000-{:012}", workflow_id.len()),
        workflow_type: "Subscription".to_owned(),
        status: "completed".to_owned(),
        history: json!({"events": events}),
        file: Some(format!("target/foretime/histories/{workflow_id}.json")),
    }
}
