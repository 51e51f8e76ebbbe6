//! Stories, commands that repeat, reports.

use std::fs;

use foretime::{Fault, Faults, Sim};

use crate::{assert_says, fails, report, reports, trouble::trouble};

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn leaves_an_activity_behind(sim: Sim) -> foretime::Result {
    trouble(sim, "go on as new while acting", Faults::none()).await?;
    panic!("and that was it");
}

#[test]
fn an_activity_that_a_run_leaves_behind_is_told_and_is_no_earlier_attempt_of_the_next_run() {
    let text = fails("told::leaves_an_activity_behind", &[]);
    assert_says(&text, &["and that was it", "trouble continued as new, with Hands::act not finished.", "trouble completed"]);
    assert!(!text.contains("attempt 1 of Hands::act (trouble) began"), "{text}");
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn goes_on(sim: Sim) -> foretime::Result {
    trouble(sim, "go on", Faults::none()).await?;
    Err("it forgot two".into())
}

#[test]
fn the_heartbeat_from_which_an_attempt_goes_on_is_told() {
    let text = fails("told::goes_on", &[]);
    assert_says(
        &text,
        &["it forgot two", "attempt 2 of Hands::act (trouble) began on worker ", ", with the last heartbeat (3)."],
    );
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
    assert!(repeat.ends_with("cargo test -p foretime --test failing -- --exact told::charges_twice --nocapture"), "{text}");
    let variables: Vec<(&str, &str)> = repeat.split(' ').map_while(|word| word.split_once('=')).collect();
    assert_eq!(variables[0], ("FORETIME_SEED", &*seed));

    // What the command says, and the draws alone, give the same run.
    let report = report("told::charges_twice", &seed);
    let trace = fs::read_to_string(report.join("trace.txt")).expect("the trace");
    let repeated = fails("told::charges_twice", &variables);
    assert_eq!(failure(&repeated), failure(&text));
    assert_eq!(fs::read_to_string(report.join("trace.txt")).expect("the trace"), trace);

    // Who carries whose code makes no difference.
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
