//! A report made by hand, for tests.

use foretime_history::{
    compare::FieldDifference,
    verdict::{Divergence, Thing},
};

use super::{
    model::{Cause, Counts, History, PatchedHere, Report, RunName, Untold},
    place::Place,
    wording,
};
use crate::patches::Patch;

/// What everything is called whose name an adversary has chosen.
pub(super) const HOSTILE: &str = "</script><img src=x onerror=alert(1)>{{style}}<!--\"'&]]>|`*@team%0A\n::error::x\r\n\u{1b}[31m\u{202e}\u{0}</pre></details>";

/// Something of everything.
pub(super) fn report() -> Report {
    let breaks = cause(0, "breaks", activity_instead_of_timer());
    let differs = cause(0, "differs", other_input());
    let replaying = history("completed.json", "replays");
    let untold = History {
        why: "the worker took the history and did not answer in time".to_owned(),
        ..history("slow.json", "could_not_tell")
    };
    Report {
        foretime: "0.1.0",
        counts: Counts {
            runs: 48_112,
            read: 2_000,
            paths: 4,
            checked: 4,
            replays: 1,
            breaks: 1,
            differs: 1,
            could_not_tell: 1,
            unreadable: 1,
        },
        checked: vec![breaks.example.clone(), differs.example.clone(), replaying, untold.clone()],
        breaks: vec![breaks],
        differs: vec![differs],
        could_not_tell: vec![
            Untold {
                why: "is JSON cut off at line 812".to_owned(),
                of: vec!["histories/half.json".to_owned()],
                files: vec!["histories/half.json".to_owned()],
                runs_count: 1,
                is_unreadable: true,
            },
            Untold {
                why: untold.why.clone() + "; its last lines:\n    Traceback\n    Exit",
                of: vec![untold.name, "histories/slower.json".to_owned()],
                files: untold.file.into_iter().collect(),
                runs_count: 1,
                is_unreadable: false,
            },
        ],
        patched_here: (1..=3)
            .map(|at| PatchedHere { patch: "audit".to_owned(), task: 2, history: format!("histories/{at}.json") })
            .collect(),
        patches: vec![Patch {
            workflow_type: "Subscription".to_owned(),
            id: "loyalty-discount".to_owned(),
            with_count: 7,
            open_without_count: 0,
            closed_without_count: 0,
        }],
        remarks: vec!["histories/slow.json: of 2 tasks not all that the code asks for could be seen".to_owned()],
    }
}

/// Nothing is wrong.
pub(super) fn all_replay() -> Report {
    let report = report();
    Report {
        counts: Counts { runs: 1, read: 1, paths: 1, checked: 1, replays: 1, ..Counts::default() },
        breaks: Vec::new(),
        differs: Vec::new(),
        could_not_tell: Vec::new(),
        patched_here: Vec::new(),
        patches: Vec::new(),
        remarks: Vec::new(),
        checked: vec![history("completed.json", "replays")],
        ..report
    }
}

/// Every text is hostile.
pub(super) fn hostile() -> Report {
    let mut report = report();
    let text = || HOSTILE.to_owned();
    for cause in report.breaks.iter_mut().chain(&mut report.differs) {
        cause.workflow_type = text();
        cause.place = Some(Place { file: text(), line: 1 });
        cause.runs = vec![RunName { workflow_id: text(), run_id: text(), is_open: true }];
        hostile_divergence(&mut cause.divergence);
        hostile_history(&mut cause.example);
    }
    report
        .could_not_tell
        .iter_mut()
        .for_each(|untold| (untold.why, untold.of, untold.files) = (text(), vec![text()], vec![text()]));
    report.patched_here.iter_mut().for_each(|it| (it.patch, it.history) = (text(), text()));
    report.patches.iter_mut().for_each(|it| (it.id, it.workflow_type) = (text(), text()));
    report.remarks = vec![text()];
    report.checked.iter_mut().for_each(hostile_history);
    report
}

fn hostile_divergence(divergence: &mut Divergence) {
    let text = || HOSTILE.to_owned();
    for thing in divergence.recorded.iter_mut().chain(&mut divergence.asked) {
        (thing.kind, thing.name) = (text(), text());
        thing.fields.iter_mut().for_each(|(name, value)| (*name, *value) = (text(), text()));
    }
    divergence.fields.iter_mut().for_each(|it| (it.field, it.recorded, it.asked) = (text(), text(), String::new()));
    divergence.message = text();
    (divergence.stack_before, divergence.stack_after, divergence.suggestion) = (Some(text()), Some(text()), Some(text()));
    (divergence.sdk_recorded, divergence.sdk_running) = (Some(text()), Some(text()));
    divergence.patches = vec![text()];
}

fn hostile_history(history: &mut History) {
    let text = || HOSTILE.to_owned();
    (history.name, history.workflow_type, history.task_queue, history.why) = (text(), text(), text(), text());
    history.file = history.file.take().map(|_| text());
    (history.run.workflow_id, history.run.run_id) = (text(), text());
}

fn cause(at: usize, verdict: &'static str, divergence: Divergence) -> Cause {
    let run = |number: usize| RunName {
        workflow_id: format!("subscription-{number}"),
        run_id: format!("0190-{number}"),
        is_open: number == 1,
    };
    let example = History {
        cause: Some(at),
        why: wording::sentence(&divergence),
        event_id: divergence.event_id,
        task: divergence.task,
        line: Some(412),
        ..history("waiting.json", verdict)
    };
    Cause {
        workflow_type: "Subscription".to_owned(),
        place: (verdict == "breaks").then(|| Place { file: "workflows/subscription.py".to_owned(), line: 31 }),
        divergence,
        example,
        runs_count: 1_204,
        checked_count: 1_204,
        open_count: 1,
        runs: (1..=3).map(run).collect(),
    }
}

fn history(file: &str, verdict: &'static str) -> History {
    History {
        name: format!("histories/{file}"),
        file: Some(format!("histories/{file}")),
        number: None,
        workflow_type: "Subscription".to_owned(),
        task_queue: "subscriptions".to_owned(),
        run: RunName { workflow_id: "subscription-1".to_owned(), run_id: "0190-1".to_owned(), is_open: file == "waiting.json" },
        events_count: 58,
        verdict,
        why: String::new(),
        cause: None,
        event_id: None,
        task: None,
        line: None,
        runs_count: 1,
    }
}

fn thing(kind: &str, command: &str, name: &str, fields: &[(&str, &str)]) -> Thing {
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Thing { kind: kind.to_owned(), command: command.to_owned(), name: name.to_owned(), fields }
}

fn activity_instead_of_timer() -> Divergence {
    Divergence {
        task: Some(4),
        task_started_event_id: Some(22),
        event_id: Some(24),
        recorded: Some(thing("TimerStarted", "StartTimer", "1", &[("timer_id", "1"), ("start_to_fire_timeout", "2592000s")])),
        asked: Some(thing(
            "ScheduleActivityTask",
            "ScheduleActivityTask",
            "audit",
            &[("activity_id", "3"), ("task_queue", "subscriptions"), ("input", "{\"customer\":\"ada\",\"month\":1}")],
        )),
        message: "[TMPRL1100] Nondeterminism error: Timer machine does not handle this event\nin detail".to_owned(),
        stack_before: Some("File \"/app/workflows/subscription.py\", line 28, in run\n  await charge()".to_owned()),
        stack_after: Some("File \"/app/workflows/subscription.py\", line 31, in run\n  await audit()".to_owned()),
        patches: vec!["loyalty-discount".to_owned()],
        sdk_recorded: Some("temporal-python 1.34.0".to_owned()),
        sdk_running: Some("temporal-python 1.35.0".to_owned()),
        suggestion: Some("guard the new code with workflow.patched(\"a-new-name\")".to_owned()),
        ..Divergence::default()
    }
}

fn other_input() -> Divergence {
    let items = "{\"customer\":\"ada\",\"address\":\"12 St James's Square, London\",\"items\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14],\"amount\":";
    let (recorded, asked) = (format!("{items}10}}"), format!("{items}12}}"));
    let same = [("activity_id", "1"), ("task_queue", "subscriptions")];
    Divergence {
        task: Some(1),
        event_id: Some(5),
        recorded: Some(thing(
            "ActivityTaskScheduled",
            "ScheduleActivityTask",
            "charge",
            &[same[0], same[1], ("input", &recorded)],
        )),
        asked: Some(thing("ScheduleActivityTask", "ScheduleActivityTask", "charge", &[same[0], same[1], ("input", &asked)])),
        fields: vec![FieldDifference { field: "input".to_owned(), recorded, asked }],
        ..Divergence::default()
    }
}
