//! Scripts that run on our own service.

use std::time::Duration;

use foretime_server::{engine::time::Time, proto::enums::EventType};

use super::{drive::Drive, payload};
use crate::{
    checks::replay,
    plan::{
        activity::Activity,
        digest::Digest,
        draw::Draw,
        script::{AtParentsClose, Ending, Script, Step},
    },
};

const SECOND: Duration = Duration::from_secs(1);

pub(crate) fn script(nonce: &str, steps: impl IntoIterator<Item = Step>) -> Script {
    Script { nonce: nonce.to_owned(), so_far: Digest::default(), steps: steps.into_iter().collect(), ending: Ending::Complete }
}

/// An activity that succeeds at once, in its first attempt of at most three.
pub(crate) fn activity(nonce: &str) -> Activity {
    Activity {
        activity_type: "charge".to_owned(),
        nonce: nonce.to_owned(),
        fails: 0,
        attempts_max: 3,
        takes_ms: 10,
        start_to_close_ms: 2_000,
        heartbeats: false,
        is_effect: false,
    }
}

/// One of each kind of step.
pub(crate) fn one_of_each() -> Script {
    let child = script("n.c4", [Step::Activity(activity("n.c4/a0")), Step::Signals { count: 1, within_ms: 50 }]);
    script(
        "n",
        [
            Step::Marker { name: "version-0".to_owned() },
            Step::Activity(Activity { fails: 1, ..activity("n/a1") }),
            Step::Signals { count: 2, within_ms: 60_000 },
            Step::Activities(vec![activity("n/a3.0"), Activity { takes_ms: 5, ..activity("n/a3.1") }]),
            Step::Child { script: Box::new(child), at_parents_close: AtParentsClose::Terminated },
            Step::Memo { value: "n/m5".to_owned() },
            Step::Timer { ms: 86_400_000 },
        ],
    )
}

/// Runs [`one_of_each`] with two signals.
pub(crate) fn run_one_of_each() -> Drive {
    let mut drive = Drive::new();
    drive.starts("order", &one_of_each());
    drive.passes(2 * SECOND);
    assert!(drive.signals("order", "s1") && drive.signals("order", "s2"));
    drive.runs_to_the_end();
    drive
}

/// The result of the last run of a workflow, which has completed.
#[track_caller]
fn result(drive: &Drive, workflow_id: &str) -> String {
    use foretime_server::proto::history::history_event::Attributes;
    let histories = drive.histories(workflow_id);
    let last = histories.last().and_then(|history| history.last()).and_then(|event| event.attributes.clone());
    let Some(Attributes::WorkflowExecutionCompletedEventAttributes(completed)) = last else { panic!("{last:?}") };
    payload::text(completed.result.as_ref())
}

/// The types of the last run's events, workflow tasks left out.
fn event_types(drive: &Drive, workflow_id: &str) -> Vec<EventType> {
    use EventType as E;
    let is_task = |of: &E| matches!(of, E::WorkflowTaskScheduled | E::WorkflowTaskStarted | E::WorkflowTaskCompleted);
    let last = drive.histories(workflow_id).pop().unwrap();
    last.iter().map(|event| event.event_type()).filter(|of| !is_task(of)).collect()
}

#[track_caller]
fn check_all(drive: &Drive) {
    for history in drive.all_histories() {
        assert_eq!(replay::check(&history), Ok(()));
    }
}

#[test]
fn a_script_with_each_kind_of_step_completes() {
    use EventType as E;
    let drive = run_one_of_each();
    assert_eq!(
        result(&drive, "order"),
        "n: signals [s1, s2]; updates []; outcomes [a1 n/a1 done in attempt 2, a3.0 n/a3.0 done in attempt 1, \
         a3.1 n/a3.1 done in attempt 1, \
         c4 (n.c4: signals []; updates []; outcomes [a0 n.c4/a0 done in attempt 1])]"
    );
    let expected = [
        E::WorkflowExecutionStarted,
        E::MarkerRecorded,
        E::ActivityTaskScheduled,
        E::ActivityTaskStarted,
        E::ActivityTaskCompleted,
        E::TimerStarted,
        E::WorkflowExecutionSignaled,
        E::WorkflowExecutionSignaled,
        E::TimerCanceled,
        E::ActivityTaskScheduled,
        E::ActivityTaskScheduled,
        E::ActivityTaskStarted,
        E::ActivityTaskCompleted,
        E::ActivityTaskStarted,
        E::ActivityTaskCompleted,
        E::StartChildWorkflowExecutionInitiated,
        E::ChildWorkflowExecutionStarted,
        E::ChildWorkflowExecutionCompleted,
        E::WorkflowPropertiesModified,
        E::TimerStarted,
        E::TimerFired,
        E::WorkflowExecutionCompleted,
    ];
    assert_eq!(event_types(&drive, "order"), expected);
    check_all(&drive);
}

#[test]
fn what_fails_for_good_or_times_out_is_noted_and_the_script_goes_on() {
    let fails = Activity { fails: 9, attempts_max: 2, ..activity("n/a0") };
    let hangs = Activity { takes_ms: 2_001, attempts_max: 1, ..activity("n/a1") };
    let beats = Activity { takes_ms: 1_900, heartbeats: true, ..activity("n/a2") };
    let gives_up = Script { ending: Ending::Fail { message: "no".to_owned() }, ..script("n.c3", []) };
    let child = Step::Child { script: Box::new(gives_up), at_parents_close: AtParentsClose::Abandoned };
    let mut drive = Drive::new();
    drive.starts("order", &script("n", [Step::Activity(fails), Step::Activity(hangs), Step::Activity(beats), child]));
    drive.runs_to_the_end();
    assert_eq!(
        result(&drive, "order"),
        "n: signals []; updates []; outcomes [a0 failed: n/a0 failed in attempt 2, a1 timed out, \
         a2 n/a2 done in attempt 1, c3 failed: no]"
    );
    check_all(&drive);
}

#[test]
fn signals_that_do_not_come_are_not_waited_for_for_ever() {
    let mut drive = Drive::new();
    drive.starts("order", &script("n", [Step::Signals { count: 2, within_ms: 3_000 }]));
    drive.passes(SECOND);
    assert!(drive.signals("order", "s1"));
    drive.runs_to_the_end();
    assert_eq!(drive.elapsed(), 3 * SECOND);
    assert_eq!(result(&drive, "order"), "n: signals [s1]; updates []; outcomes []");
    check_all(&drive);
}

#[test]
fn a_timer_that_has_fired_already_is_not_cancelled() {
    let mut drive = Drive::new();
    drive.starts("order", &script("n", [Step::Signals { count: 2, within_ms: 1_000 }]));
    drive.passes(SECOND / 2);
    drive.thinks_for(SECOND);
    assert!(drive.signals("order", "s1"));
    drive.passes(SECOND / 4);
    assert!(drive.signals("order", "s2"), "it comes while the worker has the task, as does the end of the timer");
    drive.runs_to_the_end();
    assert_eq!(result(&drive, "order"), "n: signals [s1, s2]; updates []; outcomes []");
    assert!(!event_types(&drive, "order").contains(&EventType::TimerCanceled));
    check_all(&drive);
}

#[test]
fn a_signal_that_comes_while_the_script_ends_is_not_lost() {
    let mut drive = Drive::new();
    drive.thinks_for(SECOND);
    drive.starts("order", &script("n", []));
    drive.passes(SECOND / 2);
    assert!(drive.signals("order", "s1"));
    drive.runs_to_the_end();
    assert_eq!(drive.unhandled_count, 1);
    assert_eq!(result(&drive, "order"), "n: signals [s1]; updates []; outcomes []");
    check_all(&drive);
}

#[test]
fn a_chain_of_runs_adds_up_what_it_has_seen() {
    let wait = || Step::Signals { count: 1, within_ms: 60_000 };
    let second = script("n~1", [wait(), Step::Activity(activity("n~1/a1"))]);
    let first = script("n", [wait(), Step::Activity(activity("n/a1"))]);
    let mut drive = Drive::new();
    drive.starts("order", &Script { ending: Ending::ContinueAsNew(Box::new(second)), ..first });
    for nonce in ["s1", "s2"] {
        drive.passes(SECOND);
        assert!(drive.signals("order", nonce));
    }
    drive.runs_to_the_end();
    assert_eq!(drive.histories("order").len(), 2);
    assert_eq!(
        result(&drive, "order"),
        "n~1: signals [s1, s2]; updates []; outcomes [a1 n/a1 done in attempt 1, a1 n~1/a1 done in attempt 1]"
    );
    check_all(&drive);
}

#[test]
fn a_cancel_request_ends_it() {
    let mut drive = Drive::new();
    drive.starts("order", &script("n", [Step::Timer { ms: 60_000 }]));
    drive.passes(SECOND);
    drive.cancels("order");
    drive.runs_to_the_end();
    assert_eq!(drive.elapsed(), SECOND);
    assert_eq!(event_types(&drive, "order").last(), Some(&EventType::WorkflowExecutionCanceled));
    check_all(&drive);
}

#[test]
fn updates_are_completed_or_rejected_with_the_task_that_brings_them() {
    let mut drive = Drive::new();
    drive.starts("order", &script("n", [Step::Timer { ms: 10_000 }]));
    drive.passes(SECOND);
    let bad = drive.updates("order", "u0-bad");
    drive.passes(SECOND);
    assert_eq!(drive.outcome_of(bad), Err("u0-bad is rejected".to_owned()));
    assert_eq!(event_types(&drive, "order"), [EventType::WorkflowExecutionStarted, EventType::TimerStarted]);
    assert!(drive.signals("order", "s1"));
    drive.passes(SECOND);
    drive.thinks_for(SECOND);
    let (first, second) = (drive.updates("order", "u1"), drive.updates("order", "u2-bad"));
    drive.passes(SECOND / 2);
    assert!(drive.signals("order", "s2"));
    let third = drive.updates("order", "u3");
    drive.passes(3 * SECOND);
    assert_eq!(drive.outcome_of(first), Ok("u1 after 1 signals".to_owned()));
    assert_eq!(drive.outcome_of(second), Err("u2-bad is rejected".to_owned()));
    assert_eq!(drive.outcome_of(third), Ok("u3 after 2 signals".to_owned()));
    drive.runs_to_the_end();
    assert_eq!(result(&drive, "order"), "n: signals [s1, s2]; updates [u1, u3]; outcomes []");
    check_all(&drive);
}

#[test]
fn a_query_hears_of_all_signals() {
    let mut drive = Drive::new();
    drive.starts("order", &script("n", [Step::Timer { ms: 10_000 }]));
    drive.passes(SECOND);
    assert!(drive.signals("order", "s1"));
    let query = drive.queries("order");
    drive.passes(SECOND);
    assert_eq!(drive.answer_of(query), "n after 1 signals");
    drive.runs_to_the_end();
    let query = drive.queries("order");
    drive.passes(SECOND);
    assert_eq!(drive.answer_of(query), "n after 1 signals");
}

#[test]
fn a_run_whose_input_is_no_script_fails() {
    let mut drive = Drive::new();
    drive.starts("order", &one_of_each());
    let mut history = drive.histories("order").pop().unwrap();
    assert_eq!(super::decide(&history, &[]).messages, []);
    history[0].attributes = None;
    let decision = super::decide(&history, &[]);
    assert_eq!(decision.commands, [super::commands::fail("the input of the run is no script")]);
}

/// Drawn scripts with a client that interferes and a worker that does badly: all commands are accepted, all runs end, and each history
/// is the one that its script makes.
#[test]
fn drawn_scripts_end_in_spite_of_everything() {
    let (mut unhandled_count, mut run_count, mut updated_count) = (0, 0, 0);
    for seed in 0..60 {
        let mut draw = Draw::new(seed);
        let drawn = Script::draw(&mut |bound| draw.below(bound), "n", 0);
        let mut drive = Drive::hard(seed);
        drive.starts("order", &drawn);
        let mut count = 0;
        while drive.is_any_open() {
            drive.steps(Time::MAX);
            count += 1;
            match draw.below(12) {
                0 | 1 => drop(drive.signals("order", &format!("s{count}"))),
                2 => drop(drive.updates("order", &format!("u{count}"))),
                3 => drop(drive.updates("order", &format!("u{count}-bad"))),
                4 => drop(drive.queries("order")),
                _ if draw.once_in(200) => drive.cancels("order"),
                _ => {}
            }
            // Who never rests is never done: signals that always come while a run ends keep it from ending.
            if count > 60 {
                drive.runs_to_the_end();
            }
        }
        unhandled_count += drive.unhandled_count;
        for history in drive.all_histories() {
            assert_eq!(replay::check(&history), Ok(()), "seed {seed}");
            run_count += 1;
            let is_accepted = |of: EventType| of == EventType::WorkflowExecutionUpdateAccepted;
            updated_count += history.iter().filter(|event| is_accepted(event.event_type())).count();
        }
    }
    assert!(unhandled_count > 0 && run_count > 80 && updated_count > 60, "{unhandled_count} {run_count} {updated_count}");
}
