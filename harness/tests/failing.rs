//! Simulations that fail, and what is said of them. Each failing one is an ignored test; the test beside it runs it in a
//! process of its own, as a person would, and reads what it prints.

use std::{
    collections::HashMap,
    env, fs,
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use foretime::{ActivityFaults, Fault, Faults, Sim, When};
use temporalio_client::{WorkflowGetResultOptions, WorkflowStartOptions};
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::{
    ActivityOptions, ChildWorkflowOptions, ContinueAsNewOptions, SignalWorkflowOptions, SyncWorkflowContext, WorkerOptions,
    WorkflowContext, WorkflowRegistrationError, WorkflowResult,
    activities::{ActivityContext, ActivityError},
};

const QUEUE: &str = "trouble";

/// Does one thing that it should not.
#[workflow]
#[derive(Default)]
struct Trouble;

#[workflow_methods]
impl Trouble {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>, what: String) -> WorkflowResult<()> {
        match what.as_str() {
            "wait for ever" => ctx.wait_condition(|_| false).await?,
            "panic" => panic!("the workflow has had enough"),
            "walk a map" => {
                let rooms: HashMap<u32, ()> = (0..8).map(|room| (room, ())).collect();
                for room in rooms.keys() {
                    let options = ActivityOptions::start_to_close_timeout(Duration::from_secs(60));
                    ctx.execute_activity(Hands::act, format!("room {room}"), options).await?;
                }
            }
            "sleep" => std::thread::sleep(Duration::from_secs(20)),
            "wait for a while" => drop(ctx.timer(Duration::from_secs(60 + by_chance())).await),
            "ask a child by chance" => drop(ask_a_child(ctx, by_chance()).await?),
            "ask a child of chance" => drop(ask_a_child(ctx, 100).await?),
            "go on as new while acting" => {
                let options = ActivityOptions::start_to_close_timeout(Duration::from_secs(60));
                let _acting = ctx.execute_activity(Hands::act, "charge".to_owned(), options);
                ctx.continue_as_new("charge".to_owned(), ContinueAsNewOptions::default())?;
            }
            "signal nobody" => {
                let nobody = ctx.external_workflow("nobody", None);
                let told = nobody.signal(Number::hint, 7, SignalWorkflowOptions::default()).await;
                assert!(told.is_err(), "there is nobody");
                ctx.wait_condition(|_| false).await?;
            }
            "act itself" => drop(foretime::effect("mail", "ada").apply()),
            _ => {
                let options = ActivityOptions::start_to_close_timeout(Duration::from_secs(60));
                ctx.execute_activity(Hands::act, what, options).await?;
            }
        }
        Ok(())
    }
}

async fn ask_a_child(ctx: &mut WorkflowContext<Trouble>, asked: u64) -> WorkflowResult<u64> {
    let options = ChildWorkflowOptions::workflow_id("number".to_owned());
    Ok(ctx.start_child_workflow(Number::run, asked, options).await?.result().await?)
}

/// Which of eight comes first in a map: another in each process.
fn by_chance() -> u64 {
    let rooms: HashMap<u64, ()> = (0..8).map(|room| (room, ())).collect();
    rooms.into_keys().next().unwrap_or_default()
}

/// Says a number, or, asked for 100, another whenever it is asked.
#[workflow]
#[derive(Default)]
struct Number;

#[workflow_methods]
impl Number {
    #[run]
    async fn run(_ctx: &mut WorkflowContext<Self>, asked: u64) -> WorkflowResult<u64> {
        Ok(if asked == 100 { by_chance() } else { asked })
    }

    #[signal]
    fn hint(&mut self, _ctx: &mut SyncWorkflowContext<Self>, _number: u64) {}
}

struct Hands;

#[activities]
impl Hands {
    #[activity]
    async fn act(ctx: ActivityContext, what: String) -> Result<(), ActivityError> {
        match what.as_str() {
            "connect" => drop(tokio::net::TcpStream::connect("127.0.0.1:9").await),
            "fork" => fork(),
            "spin" => spin_without_end(),
            "fail" => return Err(anyhow::anyhow!("the disk is full").into()),
            "go on" => go_on(&ctx).await?,
            "charge in a task" => {
                let charging = tokio::spawn(async { foretime::effect("charge", "card 7").apply() });
                charging.await.map_err(anyhow::Error::from)?;
            }
            "charge on a thread" => {
                let charging = tokio::task::spawn_blocking(|| foretime::effect("charge", "card 7").apply());
                charging.await.map_err(anyhow::Error::from)?;
            }
            "look at memory" => look_at_memory(),
            "look at the process" => drop(foretime::effect("seen", std::process::id().to_string()).apply()),
            _ => drop(foretime::effect("charge", "card 7").apply()),
        }
        Ok(())
    }
}

/// Fails after three steps; the next attempt knows of them.
async fn go_on(ctx: &ActivityContext) -> Result<(), ActivityError> {
    if ctx.heartbeat_details().deserialize::<u32>()?.is_none() {
        ctx.record_heartbeat(3_u32).await?;
        return Err(anyhow::anyhow!("the disk is full").into());
    }
    Ok(())
}

/// Where memory lies goes into the trace.
fn look_at_memory() {
    #[repr(align(256))]
    struct Aligned([u8; 3]);
    let small: Vec<Box<u64>> = (0..4).map(Box::new).collect();
    let large = vec![0_u8; 3 << 20];
    assert!(large.iter().all(|byte| *byte == 0), "memory that is asked for as zeros is");
    let aligned = Box::new(Aligned([1, 2, 3]));
    assert_eq!((aligned.0[2], (&raw const *aligned) as usize % 256), (3, 0));
    let mut grown = vec![7_u16];
    grown.extend((0..9000).map(|n| n % 11));
    assert_eq!((grown[0], grown[9000]), (7, 8999 % 11));
    let beside = std::thread::spawn(|| format!("{:p}", Box::new(9_u8))).join().unwrap_or_default();
    let [stack, next] = [(); 2].map(|()| std::thread::spawn(stack_mib).join().unwrap_or_default());
    assert_eq!(stack, next, "a thread that has ended leaves its stack to the next");
    let seen = format!("{:p} {:p} {:p} {aligned:p} {:p} {beside}", small[0], small[3], large.as_ptr(), grown.as_ptr());
    foretime::effect("seen", format!("{seen}, stacks at {:#x} and {stack:#x} MiB", stack_mib())).apply();
}

/// Where the stack of this thread lies.
fn stack_mib() -> usize {
    let local = 0_u8;
    (&raw const local) as usize >> 20
}

/// The standard library starts a program that is to run as some user by a fork; one that is not, in another way.
fn fork() {
    assert!(Command::new("true").status().expect("a program is started").success());
    let me = fs::metadata("/proc/self").map_or(0, |of_process| of_process.uid());
    let error = Command::new("true").uid(me).status().expect_err("a fork is refused");
    foretime::effect("not forked", error.to_string()).apply();
}

fn spin_without_end() {
    static NEVER: AtomicBool = AtomicBool::new(false);
    while !NEVER.load(Ordering::Relaxed) {
        std::hint::spin_loop();
    }
}

fn worker() -> Result<WorkerOptions, WorkflowRegistrationError> {
    let options = WorkerOptions::new(QUEUE);
    Ok(options.register_workflow::<Trouble>()?.register_workflow::<Number>()?.register_activities(Hands).build())
}

async fn trouble(sim: Sim, what: &str, faults: Faults) -> foretime::Result {
    sim.workers(2, |_| worker());
    sim.faults(faults);
    run_on(&sim, QUEUE, what).await?;
    sim.ledger().exactly_once_by_key()?;
    Ok(())
}

/// Starts the workflow on this task queue, and waits for its end.
async fn run_on(sim: &Sim, queue: &str, what: &str) -> foretime::Result {
    let options = WorkflowStartOptions::new(queue, "trouble").build();
    let run = sim.client().start_workflow(Trouble::run, what.to_owned(), options).await?;
    run.get_result(WorkflowGetResultOptions::default()).await?;
    Ok(())
}

/// Runs the ignored test of this name. Its output; it must have failed.
fn fails(name: &str, variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.args(["--exact", name, "--ignored", "--nocapture"]).env("RUST_BACKTRACE", "0");
    command.env("FORETIME_REPORTS", reports());
    let output = command.envs(variables.iter().copied()).output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{name} should fail:\n{text}");
    text
}

fn reports() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("reports")
}

#[track_caller]
fn assert_says(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let at = rest.find(part).unwrap_or_else(|| panic!("\"{part}\" is not there, or not in its place:\n{text}"));
        rest = &rest[at + part.len()..];
    }
}

#[foretime::test(runs = 5)]
#[ignore = "fails on purpose"]
async fn connects(sim: Sim) -> foretime::Result {
    trouble(sim, "connect", Faults::none()).await
}

#[test]
fn a_network_socket_is_refused_in_plain_words() {
    let text = fails("connects", &[]);
    assert_says(&text, &["worker-", "opened a network socket, which a simulation refuses", "fake", "repeat: FORETIME_SEED="]);
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn forks(sim: Sim) -> foretime::Result {
    trouble(sim, "fork", Faults::none()).await
}

#[test]
fn a_fork_is_refused_in_plain_words() {
    assert_says(&fails("forks", &[]), &["worker-", "forked, which a simulation refuses", "another process", "fake"]);
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn spins(sim: Sim) -> foretime::Result {
    trouble(sim, "spin", Faults::none()).await
}

#[test]
fn a_thread_that_keeps_its_turn_is_named_with_what_it_does() {
    let text = fails("spins", &[("FORETIME_PATIENCE", "2s")]);
    assert_says(&text, &["a thread does not give up its turn", "thread \"worker-", "it is computing", "spin_without_end"]);
}

#[foretime::test(runs = 10)]
#[ignore = "fails on purpose"]
async fn looks_at_the_process(sim: Sim) -> foretime::Result {
    trouble(sim, "look at the process", Faults::none()).await
}

#[test]
fn two_runs_of_a_seed_that_differ_are_shown_at_their_first_difference() {
    let text = fails("looks_at_the_process", &[]);
    assert_says(
        &text,
        &["seed 10", "the same seed gave two different runs", "both ran:", "then one:", "does seen", "the other:", "does seen"],
    );
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn looks_at_memory(sim: Sim) -> foretime::Result {
    trouble(sim, "look at memory", Faults::none()).await?;
    Err("enough seen".into())
}

#[test]
fn memory_lies_where_it_lay_whoever_runs_and_whatever_is_kept_for_the_report() {
    let trace = || {
        let report = reports().join("failing").join("looks_at_memory").join("seed-1");
        fs::read_to_string(report.join("trace.txt")).expect("the trace")
    };
    // Both runs keep nothing, the third, for the report, everything: a difference would be told.
    let text = fails("looks_at_memory", &[("FORETIME_TWICE", "1")]);
    assert_says(&text, &["seed 1", "enough seen"]);
    let first = trace();
    assert!(first.contains("0x10"), "memory lies in the region of the program:\n{first}");
    assert!(first.contains("stacks at 0x300"), "stacks lie in theirs:\n{first}");
    fails("looks_at_memory", &[("FORETIME_THREADS", "system")]);
    assert_eq!(trace(), first);
}

#[foretime::test(runs = 3)]
#[ignore = "fails on purpose"]
async fn misspells_an_activity(sim: Sim) -> foretime::Result {
    let failing = ActivityFaults::default().fails(0.1);
    trouble(sim, "act", Faults::none().activity("Hands::act", failing.clone()).activity("Hands::atc", failing)).await
}

#[foretime::test(runs = 3)]
#[ignore = "fails on purpose"]
async fn misspells_an_event(sim: Sim) -> foretime::Result {
    trouble(sim, "act", Faults::none().crash(When::event("ActivityTaskSchedulde", 1), 1)).await
}

#[test]
fn faults_for_what_does_not_exist_are_no_test() {
    let text = fails("misspells_an_activity", &[]);
    assert_says(&text, &["never held in 3 runs: an attempt of Hands::atc, which has faults of its own, begins"]);
    assert!(!text.contains("Hands::act,"), "{text}");
    assert_says(&fails("misspells_an_event", &[]), &["there is no event \"ActivityTaskSchedulde\"", "ActivityTaskScheduled"]);
}

#[foretime::test(runs = 5)]
#[ignore = "fails on purpose"]
async fn waits_for_ever(sim: Sim) -> foretime::Result {
    trouble(sim, "wait for ever", Faults::none()).await
}

#[test]
fn a_run_that_cannot_go_on_says_who_waits() {
    let text = fails("waits_for_ever", &[]);
    assert_says(&text, &["nothing will ever happen again", "trouble (Trouble) waits for a signal", "test: "]);
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn misspells_its_queue(sim: Sim) -> foretime::Result {
    sim.workers(1, |_| worker());
    run_on(&sim, "truoble", "charge").await
}

#[test]
fn a_task_queue_that_nobody_serves_is_named() {
    let text = fails("misspells_its_queue", &[]);
    assert_says(&text, &[r#"no worker serves task queue "truoble": they serve "trouble""#]);
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn forgets_the_activities(sim: Sim) -> foretime::Result {
    sim.workers(1, |_| WorkerOptions::new(QUEUE).register_workflow::<Trouble>().map(|options| options.build()));
    run_on(&sim, QUEUE, "charge").await
}

#[test]
fn activities_that_are_registered_nowhere_are_named() {
    let text = fails("forgets_the_activities", &[]);
    assert_says(&text, &["waits for activity Hands::act", r#"no worker of task queue "trouble" has any activity registered"#]);
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn signals_nobody(sim: Sim) -> foretime::Result {
    trouble(sim, "signal nobody", Faults::none()).await
}

#[test]
fn a_signal_that_nobody_got_is_told() {
    let text = fails("signals_nobody", &[]);
    assert_says(&text, &["nothing will ever happen again", r#"trouble could not signal nobody "hint": it did not run."#]);
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn leaves_an_activity_behind(sim: Sim) -> foretime::Result {
    trouble(sim, "go on as new while acting", Faults::none()).await?;
    panic!("and that was it");
}

#[test]
fn an_activity_that_a_run_leaves_behind_is_told_and_is_no_earlier_attempt_of_the_next_run() {
    let text = fails("leaves_an_activity_behind", &[]);
    assert_says(&text, &["and that was it", "trouble continued as new, with Hands::act still under way.", "trouble completed"]);
    assert!(!text.contains("attempt 1 of Hands::act (trouble) began"), "{text}");
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn gives_up_waiting(sim: Sim) -> foretime::Result {
    let waits = Duration::from_secs(24 * 60 * 60);
    tokio::time::timeout(waits, trouble(sim, "fail", Faults::none())).await??;
    Ok(())
}

#[test]
fn an_activity_that_is_tried_again_and_again_is_told_with_its_last_failure() {
    let text = fails("gives_up_waiting", &[]);
    assert_says(&text, &["Hands::act of trouble was at attempt ", "the one before failed: the disk is full"]);
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn goes_on(sim: Sim) -> foretime::Result {
    trouble(sim, "go on", Faults::none()).await?;
    Err("it forgot two".into())
}

#[test]
fn the_heartbeat_from_which_an_attempt_goes_on_is_told() {
    let text = fails("goes_on", &[]);
    assert_says(
        &text,
        &["it forgot two", "attempt 2 of Hands::act (trouble) began on worker ", ", with the last heartbeat (3)."],
    );
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn fails_for_ever(sim: Sim) -> foretime::Result {
    trouble(sim, "fail", Faults::none()).await
}

#[test]
fn a_run_that_gets_nowhere_says_which_activity_fails() {
    let text = fails("fails_for_ever", &[]);
    assert_says(
        &text,
        &["nothing has come of the last", "trouble (Trouble) waits for activity Hands::act (attempt ", "the disk is full"],
    );
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn walks_a_map(sim: Sim) -> foretime::Result {
    trouble(sim, "walk a map", Faults::none()).await
}

#[test]
fn an_activity_with_another_input_in_the_replay_is_found() {
    let text = fails("walks_a_map", &[]);
    let said = ["asks for something else when it is replayed", "activity Hands::act (", "was scheduled with \"room "];
    assert_says(&text, &said);
}

#[foretime::test(runs = 5)]
#[ignore = "fails on purpose"]
async fn waits_by_chance(sim: Sim) -> foretime::Result {
    trouble(sim, "wait for a while", Faults::none()).await
}

#[foretime::test(runs = 5)]
#[ignore = "fails on purpose"]
async fn asks_a_child_by_chance(sim: Sim) -> foretime::Result {
    trouble(sim, "ask a child by chance", Faults::none()).await
}

#[foretime::test(runs = 5)]
#[ignore = "fails on purpose"]
async fn asks_a_child_of_chance(sim: Sim) -> foretime::Result {
    trouble(sim, "ask a child of chance", Faults::none()).await
}

#[test]
fn whatever_else_a_replay_asks_for_otherwise_is_found() {
    let finds = |test: &str, what: &str| assert_says(&fails(test, &[]), &["asks for something else when it is replayed", what]);
    finds("waits_by_chance", "timer 1 was started with 6");
    finds("asks_a_child_by_chance", "the child number (Number) was started with ");
    finds("asks_a_child_of_chance", "the workflow completed with ");
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn sleeps_in_workflow_code(sim: Sim) -> foretime::Result {
    trouble(sim, "sleep", Faults::none()).await
}

#[test]
fn workflow_code_that_sleeps_on_its_thread_is_found() {
    let text = fails("sleeps_in_workflow_code", &[]);
    assert_says(&text, &["workflow code on worker-", "sleeps on its thread", "std::thread::sleep, for 20s", "ctx.timer(..)"]);
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn acts_in_workflow_code(sim: Sim) -> foretime::Result {
    trouble(sim, "act itself", Faults::none()).await
}

#[test]
fn an_effect_of_workflow_code_is_found_by_its_replay() {
    let text = fails("acts_in_workflow_code", &[]);
    assert_says(&text, &["workflow code did \"mail ada\" when it was replayed", "belongs in an activity"]);
}

#[foretime::test(runs = 5)]
#[ignore = "fails on purpose"]
async fn panics(sim: Sim) -> foretime::Result {
    trouble(sim, "panic", Faults::none()).await
}

#[test]
fn a_panic_is_named_with_seed_process_time_and_place() {
    let text = fails("panics", &[]);
    assert_says(&text, &["seed 1 of panics", "worker-", "panicked: the workflow has had enough", "after 0.", "failing.rs:"]);
}

#[foretime::test(runs = 3)]
#[ignore = "fails on purpose"]
async fn claims(sim: Sim) -> foretime::Result {
    foretime::sometimes!(sim.seed() > 100, "the seed is large");
    Ok(())
}

#[test]
fn what_never_held_in_any_run_fails_the_test() {
    assert_says(&fails("claims", &[]), &["sometimes! never held in 3 runs: the seed is large"]);
}

#[foretime::test(runs = 3)]
#[ignore = "fails on purpose"]
async fn claims_too_much(sim: Sim) -> foretime::Result {
    foretime::always!(sim.seed() < 2, "the seed is small");
    Ok(())
}

#[test]
fn what_does_not_always_hold_fails_the_run() {
    let text = fails("claims_too_much", &[("FORETIME_JOBS", "1")]);
    assert_says(&text, &["seed 2", "not always: the seed is small", "failing.rs:"]);
}

#[foretime::test(runs = 200)]
#[ignore = "fails on purpose"]
async fn charges_twice(sim: Sim) -> foretime::Result {
    trouble(sim, "charge", Faults::none().with(Fault::Crash, 0.05)).await
}

#[test]
fn a_charge_made_twice_is_told_as_a_story_and_repeats() {
    let text = fails("charges_twice", &[("FORETIME_JOBS", "1")]);
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
    assert!(repeat.ends_with("cargo test -p foretime --test failing -- --exact charges_twice --nocapture"), "{text}");
    let variables: Vec<(&str, &str)> = repeat.split(' ').map_while(|word| word.split_once('=')).collect();
    assert_eq!(variables[0], ("FORETIME_SEED", &*seed));

    // What the command says, and the draws alone, give the same run.
    let report = reports().join("failing").join("charges_twice").join(format!("seed-{seed}"));
    let trace = fs::read_to_string(report.join("trace.txt")).expect("the trace");
    let repeated = fails("charges_twice", &variables);
    assert_eq!(failure(&repeated), failure(&text));
    assert_eq!(fs::read_to_string(report.join("trace.txt")).expect("the trace"), trace);

    // Who carries whose code makes no difference.
    fails("charges_twice", &[&*variables, &[("FORETIME_THREADS", "system")]].concat());
    assert_eq!(fs::read_to_string(report.join("trace.txt")).expect("the trace"), trace);
    let tape = report.join("tape.json");
    let kept = reports().join("kept-tape.json");
    fs::copy(&tape, &kept).expect("a copy of the tape");
    let repeated = fails("charges_twice", &[("FORETIME_TAPE", kept.to_str().expect("a path in UTF-8"))]);
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
    for test in ["charges_in_a_task", "charges_on_a_thread"] {
        let again = ["charge card 7 was done twice", "in attempt 1 of Hands::act (activity 1 of trouble)", "did it again"];
        assert_says(&fails(test, &[]), &again);
    }
}

#[test]
fn a_report_has_a_page_a_timeline_and_histories_that_the_replayer_loads() {
    let text = fails("connects", &[("FORETIME_SEED", "3")]);
    let report = reports().join("failing").join("connects").join("seed-3");
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
