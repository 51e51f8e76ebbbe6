//! Stories, commands that repeat, reports.

use std::{fs, time::Duration};

use foretime::{ActivityFaults, Fault, Faults, Sim, When};
use temporalio_client::{WorkflowCancelOptions, WorkflowIdConflictPolicy, WorkflowStartOptions, WorkflowTerminateOptions};

use crate::{
    assert_says, fails, report, reports,
    trouble::{QUEUE, Trouble, trouble, trouble_at_most, workflows_alone_on},
};

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn leaves_an_activity_behind(sim: Sim) -> foretime::Result {
    trouble(sim, "go on as new while acting", Faults::none()).await?;
    panic!("and that was it");
}

#[test]
fn an_activity_that_a_run_leaves_behind_is_told_and_is_no_earlier_attempt_of_the_next_run() {
    let text = fails("told::leaves_an_activity_behind", &[]);
    assert_says(
        &text,
        &[
            "and that was it",
            r#"run 1 of trouble continued as new with "charge", with Hands::act not finished."#,
            "run 2 of trouble completed",
        ],
    );
    assert!(!text.contains("attempt 1 of Hands::act (run 2 of trouble) began"), "{text}");
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn goes_on(sim: Sim) -> foretime::Result {
    trouble(sim, "go on", Faults::none()).await?;
    Err("it forgot two")?
}

#[test]
fn an_error_says_where_the_body_gave_up() {
    let (line, _) = (1..).zip(include_str!("told.rs").lines()).find(|(_, it)| it.contains("it forgot two")).expect("a line");
    assert_says(&fails("told::goes_on", &[]), &["it forgot two", &format!("at harness/tests/failing/told.rs:{line}:")]);
}

#[test]
fn the_heartbeat_from_which_an_attempt_goes_on_is_told() {
    let text = fails("told::goes_on", &[]);
    assert_says(
        &text,
        &["it forgot two", "attempt 2 of Hands::act (trouble) began on worker ", ", with the last heartbeat (3)."],
    );
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn is_told_from_outside(sim: Sim) -> foretime::Result {
    sim.workers(1, |_| workflows_alone_on("quiet"));
    trouble(sim.clone(), "signal from an activity", Faults::none()).await?;
    let options = WorkflowStartOptions::new(QUEUE, "patient").build();
    let patient = sim.client().start_workflow(Trouble::run, "wait for ever".to_owned(), options).await?;
    sim.sleep(Duration::from_secs(1)).await;
    patient.cancel(WorkflowCancelOptions::default()).await?;
    let desk = sim.client_named("front-desk");
    let patient = desk.client().get_workflow_handle::<Trouble>("patient");
    patient.terminate(WorkflowTerminateOptions::builder().reason("enough").build()).await?;
    Err("and so it went")?
}

#[test]
fn who_signals_cancels_and_terminates_is_told_and_who_serves_what() {
    assert_says(
        &fails("told::is_told_from_outside", &[("FORETIME_FIRST", "3")]),
        &[
            r#"trouble was signalled "hint" (7) by worker "#,
            "patient was asked to cancel by the test.",
            "patient was terminated by front desk (enough).",
            r#"Worker 1 serves "quiet", worker 2 and worker 3 "trouble"."#,
        ],
    );
    let timeline = fs::read_to_string(report("told::is_told_from_outside", "3").join("timeline.txt")).expect("a timeline");
    let reaches = "reaches the server with RequestCancelWorkflowExecution";
    assert_says(
        &timeline,
        &[reaches, "patient was asked to cancel by the test\n", "patient was terminated by front desk (enough)\n"],
    );
}

#[foretime::test(runs = 20)]
#[ignore = "fails on purpose"]
async fn charges_slowly(sim: Sim) -> foretime::Result {
    let failing = ActivityFaults::default().fails(0.5);
    trouble(sim, "charge slowly", Faults::none().activity("Hands::act", failing)).await
}

#[test]
fn an_attempt_that_failed_after_its_work_is_told_when_the_work_is_done() {
    let text = fails("told::charges_slowly", &[]);
    let done = r#"did "charge card 7 (visa)" after "#;
    assert_says(&text, &["was done twice", done, "The attempt failed after its work was done.", "did it again after "]);
}

#[foretime::test(runs = 300)]
#[ignore = "fails on purpose"]
async fn waits_for_half_a_minute(sim: Sim) -> foretime::Result {
    let done = trouble(sim, "charge with a key", Faults::none().with(Fault::Crash, 0.01).each_at_most(1));
    tokio::time::timeout(Duration::from_secs(30), done).await.map_err(|_| "it takes half a minute")?
}

#[test]
fn an_attempt_that_the_server_waits_for_in_vain_is_told() {
    let text = fails("told::waits_for_half_a_minute", &[]);
    assert_says(&text, &["it takes half a minute", "the server still waited for Hands::act of trouble (attempt 1)", "worker "]);
}

#[foretime::test(runs = 20)]
#[ignore = "fails on purpose"]
async fn has_one_attempt(sim: Sim) -> foretime::Result {
    trouble(sim, "act once", Faults::none().crash(When::event("ActivityTaskScheduled", 1), 1)).await
}

#[test]
fn an_attempt_that_was_given_to_the_dead_is_told_when_it_was_the_last() {
    let text = fails("told::has_one_attempt", &[]);
    let given = "Hands::act of trouble timed out for good: activity StartToClose timeout, since attempt 1, which worker 1 was given, \
                 never reached its code.";
    assert_says(&text, &["worker 1 crashed", given]);
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn comes_too_late(sim: Sim) -> foretime::Result {
    let span = Duration::from_secs(65);
    let faults = Faults::none().activity("Hands::act", ActivityFaults::default().slow(1.0, span..=span)).each_at_most(1);
    let ledger = sim.ledger();
    trouble(sim, "charge with a key", faults).await?;
    tokio::time::sleep(Duration::from_secs(60 * 60)).await;
    if ledger.effects().len() > 1 { Err("it came too late".into()) } else { Ok(()) }
}

#[test]
fn an_attempt_that_completes_after_its_workflow_is_told() {
    let text = fails("told::comes_too_late", &[("FORETIME_FIRST", "5")]);
    let slow = ", on worker 2, took 1 min 5 s longer, at the end of its work";
    let late = "attempt 1 of Hands::act (trouble) completed on worker ";
    assert_says(&text, &[slow, "attempt 2 of", late, ", after trouble was over."]);
}

#[foretime::test(runs = 10)]
#[ignore = "fails on purpose"]
async fn charges_too_slowly(sim: Sim) -> foretime::Result {
    let span = Duration::from_secs(65);
    let faults = Faults::none().activity("Hands::act", ActivityFaults::default().slow(1.0, span..=span)).each_at_most(1);
    trouble(sim.clone(), "charge slowly", faults).await?;
    sim.sleep(Duration::from_secs(60)).await;
    sim.ledger().exactly_once_by_key()?;
    Ok(())
}

#[test]
fn an_attempt_may_be_slow_before_its_work_and_between_its_awaits() {
    let texts: Vec<String> =
        (1..=10).map(|seed| fails("told::charges_too_slowly", &[("FORETIME_SEED", &seed.to_string())])).collect();
    let late = "in attempt 1, which had been given up, without an idempotency key.";
    for (when, then) in [("before", late), ("in the middle of", late), ("at the end of", "in attempt 2, without")] {
        let slow = format!("took 1 min 5 s longer, {when} its work.");
        let text = texts.iter().find(|text| text.contains(&slow)).unwrap_or_else(|| panic!("no \"{slow}\": {texts:#?}"));
        assert_says(text, &["charge card 7 (visa) was done twice", &slow, "did it again", then]);
    }
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn signals_a_stranger(sim: Sim) -> foretime::Result {
    trouble(sim, "signal a stranger", Faults::none()).await?;
    Err("nobody was told".into())
}

#[test]
fn what_the_server_refuses_to_an_activity_is_told() {
    let text = fails("told::signals_a_stranger", &[]);
    assert_says(
        &text,
        &["nobody was told", "was refused SignalWorkflowExecution for stranger: workflow not found.", "Hands::act of trouble"],
    );
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn signals_at_its_end(sim: Sim) -> foretime::Result {
    trouble(sim, "signal and end", Faults::none()).await?;
    Err("nobody was told".into())
}

#[test]
fn what_is_sent_in_the_task_that_closes_a_workflow_is_told() {
    let never = "trouble signalled nobody \"hint\" in the workflow task that closed it: the server never sends such a signal.";
    assert_says(&fails("told::signals_at_its_end", &[]), &["nobody was told", never]);
}

#[foretime::test(runs = 20)]
#[ignore = "fails on purpose"]
async fn signals_a_new_child(sim: Sim) -> foretime::Result {
    trouble(sim, "signal a new child", Faults::none()).await
}

#[test]
fn what_one_task_asks_for_may_be_done_in_any_order() {
    let too_early =
        "could not signal number \"hint\": the server had not yet started it, for which the same workflow task asked.";
    assert_says(
        &fails("told::signals_a_new_child", &[]),
        &[too_early, "number was terminated (by parent close policy), since trouble failed.", "It takes no fault."],
    );
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn starts_what_is_there(sim: Sim) -> foretime::Result {
    sim.workers(1, |_| workflows_alone_on("quiet"));
    for what in ["wait for ever", "charge"] {
        let policy = WorkflowIdConflictPolicy::UseExisting;
        let options = WorkflowStartOptions::new("quiet", "patient").id_conflict_policy(policy).build();
        sim.client().start_workflow(Trouble::run, what.to_owned(), options).await?;
    }
    Err("nothing was charged".into())
}

#[test]
fn that_a_start_came_to_an_open_run_is_told() {
    let text = fails("told::starts_what_is_there", &[]);
    assert_says(&text, &["nothing was charged", "the test asked to start patient, and was given its run, which was open."]);
}

#[foretime::test(runs = 20)]
#[ignore = "fails on purpose"]
async fn signals_twice(sim: Sim) -> foretime::Result {
    trouble(sim, "signal twice", Faults::none()).await
}

#[test]
fn signals_that_come_in_another_order_than_they_were_sent_are_told() {
    let swapped =
        "number was signalled \"hint\" (2) before \"hint\" (1), which trouble sent first: on what one workflow task asks";
    assert_says(&fails("told::signals_twice", &[]), &["in order", swapped, "It takes no fault."]);
}

#[foretime::test(runs = 100)]
#[ignore = "fails on purpose"]
async fn says_nothing(sim: Sim) -> foretime::Result {
    trouble_at_most(sim, "charge with a key", Faults::none().with(Fault::DeadlineExceeded, 0.1), 1).await
}

#[test]
fn whose_outcome_was_lost_is_told() {
    let text = fails("told::says_nothing", &[]);
    let lost = "sent RespondActivityTaskCompleted for Hands::act of trouble (attempt 1), which was lost: it waits 30.0 s for an answer.";
    assert_says(&text, &["it was asked for too often", lost, "attempt 2 of Hands::act (trouble) began on worker"]);
}

#[test]
fn a_run_that_is_repeated_has_the_same_story() {
    let moments = |text: &str| text.lines().filter(|line| line.starts_with("  After ")).map(str::to_owned).collect::<Vec<_>>();
    let found = fails("told::says_nothing", &[]);
    let repeat = found.lines().find(|line| line.starts_with("repeat: ")).expect("it says how to repeat it");
    let value = |name: &str| repeat.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('=')).expect("it is said");
    let (seed, only) = (value("FORETIME_SEED"), value("FORETIME_ONLY"));
    let again = fails("told::says_nothing", &[("FORETIME_SEED", seed), ("FORETIME_ONLY", only)]);
    assert_eq!(moments(&again), moments(&found));
}

#[foretime::test(runs = 300)]
#[ignore = "fails on purpose"]
async fn says_nothing_twice(sim: Sim) -> foretime::Result {
    let faults = Faults::none().with(Fault::DeadlineExceeded, 0.3).with(Fault::Crash, 0.02).with(Fault::Restart, 0.02);
    trouble_at_most(sim, "charge with a key", faults, 2).await
}

#[test]
fn a_failure_that_takes_two_faults_is_told_with_the_first_two_in_one_place() {
    let text = fails("told::says_nothing_twice", &[]);
    assert_says(&text, &["attempt 2 of", "attempt 3 of", "Without any one of these 2 faults the run passes."]);
    let only = text.split("FORETIME_ONLY=").nth(1).and_then(|rest| rest.split([' ', '@']).next()).expect("which faults");
    let [first, second] = only.split(',').collect::<Vec<_>>()[..] else { panic!("two faults: {only}") };
    assert_eq!(first.strip_suffix(":1"), second.strip_suffix(":2"), "{only}");
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn walks_a_map_and_is_tried_again(sim: Sim) -> foretime::Result {
    let failing = ActivityFaults::default().fails(0.9);
    trouble(sim, "walk a map", Faults::none().activity("Hands::act", failing)).await
}

#[test]
fn a_failure_without_any_fault_comes_first() {
    let text = fails("told::walks_a_map_and_is_tried_again", &[]);
    let in_another_way = "With the faults that its seed draws the run fails in another way: charge card 7 was done twice";
    assert_says(&text, &["asks for something else when it is replayed", "It takes no fault.", in_another_way, "ONLY=none"]);
}

#[foretime::test(runs = 200)]
#[ignore = "fails on purpose"]
async fn charges_twice(sim: Sim) -> foretime::Result {
    trouble(sim, "charge", Faults::none().with(Fault::Crash, 0.05)).await
}

#[test]
fn a_charge_made_twice_is_told_as_a_story_and_repeats() {
    let text = fails("told::charges_twice", &[("FORETIME_JOBS", "1")]);
    assert_says(
        &text,
        &[
            "charge card 7 was done twice, without an idempotency key",
            "did \"charge card 7\"",
            "crashed after its side effect, before it could say so",
            "did it again",
            "Without that one fault the run passes.",
        ],
    );
    let failure =
        |text: &str| text.lines().find(|line| line.starts_with("seed ")).map(str::to_owned).expect("the line with the seed");
    let seed = failure(&text).split(' ').nth(1).expect("the seed").to_owned();
    let repeat = text.lines().find_map(|line| line.strip_prefix("repeat: ")).expect("the command that repeats it");
    assert!(
        repeat.ends_with("cargo test -p foretime --test failing -- --exact told::charges_twice --include-ignored --nocapture"),
        "{text}"
    );
    let variables: Vec<(&str, &str)> = repeat.split(' ').map_while(|word| word.split_once('=')).collect();
    assert_eq!(variables[0], ("FORETIME_SEED", &*seed));

    // The printed command, and the draws alone, give the same run.
    let report = report("told::charges_twice", &seed);
    let trace = fs::read_to_string(report.join("trace.txt")).expect("the trace");
    let repeated = fails("told::charges_twice", &variables);
    assert_eq!(failure(&repeated), failure(&text));
    assert_eq!(fs::read_to_string(report.join("trace.txt")).expect("the trace"), trace);

    // It makes no difference which thread runs whose code.
    fails("told::charges_twice", &[&*variables, &[("FORETIME_THREADS", "system")]].concat());
    assert_eq!(fs::read_to_string(report.join("trace.txt")).expect("the trace"), trace);
    let tape = report.join("tape.json");
    let kept = reports().join("kept-tape.json");
    fs::copy(&tape, &kept).expect("a copy of the tape");
    let repeated = fails("told::charges_twice", &[("FORETIME_TAPE", kept.to_str().expect("a path in UTF-8"))]);
    assert_eq!(failure(&repeated), failure(&text));
    assert_eq!(fs::read_to_string(report.join("trace.txt")).expect("the trace"), trace);
}

#[foretime::test(runs = 200)]
#[ignore = "fails on purpose"]
async fn charges_in_a_task(sim: Sim) -> foretime::Result {
    trouble(sim, "charge in a task", Faults::swarm()).await
}

#[foretime::test(runs = 200)]
#[ignore = "fails on purpose"]
async fn charges_on_a_thread(sim: Sim) -> foretime::Result {
    trouble(sim, "charge on a thread", Faults::swarm()).await
}

#[test]
fn what_an_activity_does_in_a_task_or_on_a_thread_of_its_own_is_its_doing() {
    for test in ["told::charges_in_a_task", "told::charges_on_a_thread"] {
        let again = ["charge card 7 was done twice", "in attempt 1 of Hands::act (activity 1 of trouble)", "did it again"];
        assert_says(&fails(test, &[]), &again);
    }
}

#[test]
fn a_report_has_a_page_a_timeline_and_histories_that_the_replayer_loads() {
    let text = fails("refused::connects", &[("FORETIME_SEED", "3")]);
    let report = report("refused::connects", "3");
    assert_says(&text, &[report.join("report.html").to_str().expect("a path in UTF-8")]);
    let page = fs::read_to_string(report.join("report.html")).expect("the page");
    assert_says(&page, &["<!", "opened a network socket", "FORETIME_SEED=3 cargo test"]);
    assert_says(&fs::read_to_string(report.join("timeline.txt")).expect("the timeline"), &["worker-", "cannot be simulated"]);
    let history = fs::read(report.join("histories").join("001-trouble.json")).expect("the history");
    let history: serde_json::Value = serde_json::from_slice(&history).expect("JSON");
    let first = &history["events"][0];
    assert_eq!((&first["eventId"], &first["eventType"]), (&"1".into(), &"EVENT_TYPE_WORKFLOW_EXECUTION_STARTED".into()));
    assert_eq!(first["workflowExecutionStartedEventAttributes"]["workflowType"]["name"], "Trouble");
    let of_rust =
        fs::read(report.join("histories").join("rust-sdk").join("001-trouble.json")).expect("the Rust SDK's own form");
    temporalio_client::WorkflowHistory::from_json(&of_rust).expect("the Rust SDK loads it");
}
