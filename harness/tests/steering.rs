//! What steers the runs of a simulation from outside, and clients with other options.

use std::{
    env,
    process::Command,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use foretime::Sim;
use temporalio_client::{ClientOptions, NamespacedClient, WorkflowGetResultOptions, WorkflowStartOptions};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{WorkerOptions, WorkflowContext, WorkflowRegistrationError, WorkflowResult};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Sleeps for a day.
#[workflow]
#[derive(Default)]
struct Nap;

#[workflow_methods]
impl Nap {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<()> {
        ctx.timer(DAY).await;
        Ok(())
    }
}

async fn nap(sim: &Sim) -> foretime::Result {
    sim.workers(2, |_| Ok::<_, WorkflowRegistrationError>(WorkerOptions::new("naps").register_workflow::<Nap>()?.build()));
    let nap = sim.client().start_workflow(Nap::run, (), WorkflowStartOptions::new("naps", "nap").build()).await?;
    sim.sleep(DAY / 2).await;
    nap.get_result(WorkflowGetResultOptions::default()).await?;
    Ok(())
}

#[foretime::test(runs = 12)]
async fn naps(sim: Sim) -> foretime::Result {
    nap(&sim).await?;
    println!("seed {} is awake", sim.seed());
    eprintln!("and well");
    Ok(())
}

#[foretime::test(runs = 10)]
async fn a_client_may_have_another_namespace(mut sim: Sim) -> foretime::Result {
    sim.use_client_options(ClientOptions::new("bedroom").build()).await?;
    assert_eq!(sim.client().namespace(), "bedroom");
    nap(&sim).await
}

#[foretime::test(runs = 100)]
async fn a_run_begins_on_a_day_that_it_draws(_sim: Sim) -> foretime::Result {
    let since_s = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    foretime::sometimes!(since_s == 1_767_225_600, "a run begins with the plain 2026");
    foretime::sometimes!((1_835_395_200..1_835_481_600).contains(&since_s), "a run begins on the leap day, 2028-02-29");
    Ok(())
}

/// 2027-03-28T00:30:00Z.
const IN_SPRING_S: u64 = 1_806_193_800;

#[foretime::test(runs = 3, starts_at = "2027-03-28T00:30:00Z")]
async fn naps_in_spring(sim: Sim) -> foretime::Result {
    let since_s = sim.now().duration_since(UNIX_EPOCH)?.as_secs();
    foretime::always!((IN_SPRING_S..IN_SPRING_S + 60).contains(&since_s), "it begins on 2027-03-28 at 00:30");
    nap(&sim).await
}

#[test]
fn the_date_of_a_test_holds_without_simulation_too() {
    let (passed, text) = run_test("naps_in_spring", &[("FORETIME_STAGED", "1")]);
    assert!(passed && text.contains("naps_in_spring: ran once"), "{text}");
}

#[test]
fn the_date_of_the_environment_goes_before_that_of_the_test() {
    for variables in [
        &[("FORETIME_STARTS_AT", "2027-03-29T00:30:00Z")][..],
        &[("FORETIME_STARTS_AT", "2027-03-29T00:30:00Z"), ("FORETIME_STAGED", "1")],
    ] {
        let (passed, text) = run_test("naps_in_spring", variables);
        assert!(!passed && text.contains("not always: it begins on 2027-03-28 at 00:30"), "{text}");
    }
}

/// A program that runs seeds. Here it is compiled only: nobody calls its `main`.
#[expect(dead_code, reason = "the `main` of a program")]
mod program {
    use std::process::ExitCode;

    use foretime::{Campaign, Sim};

    async fn simulation(sim: Sim) -> foretime::Result {
        super::nap(&sim).await
    }

    // README: begin
    fn main() -> ExitCode {
        match Campaign::new("a year").runs(10_000).run(simulation) {
            Ok(summary) => {
                println!("{summary}");
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        }
    }
    // README: end
}

/// Runs the test `naps` with these environment variables. Returns whether it passed, and what it printed.
fn run(variables: &[(&str, &str)]) -> (bool, String) {
    run_test("naps", variables)
}

/// The same for any test here.
fn run_test(name: &str, variables: &[(&str, &str)]) -> (bool, String) {
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.args(["--exact", name, "--nocapture"]).env("RUST_BACKTRACE", "0");
    let output = command.envs(variables.iter().copied()).output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text)
}

#[track_caller]
fn assert_passes(variables: &[(&str, &str)], says: &str) {
    let (passed, text) = run(variables);
    assert!(passed && text.contains(says), "\"{says}\" is not there:\n{text}");
}

#[test]
fn a_test_runs_as_many_seeds_as_it_says_or_the_environment_does() {
    assert_passes(&[], "naps: 12 runs in ");
    assert_passes(&[("FORETIME_RUNS", "3")], "naps: 3 runs in ");
    assert_passes(&[("FORETIME_SEED", "7")], "naps: 1 runs in ");
}

#[test]
fn what_a_seed_prints_is_shown_if_a_person_asks_for_the_seed() {
    assert_passes(&[("FORETIME_SEED", "7")], "seed 7 is awake\nand well\n");
    let (passed, text) = run(&[("FORETIME_FIRST", "7"), ("FORETIME_RUNS", "1")]);
    assert!(passed && !text.contains("is awake"), "{text}");
}

#[test]
fn all_seeds_run_twice_if_wanted() {
    assert_passes(&[("FORETIME_TWICE", "1"), ("FORETIME_RUNS", "5"), ("FORETIME_JOBS", "2")], "5 seeds ran twice");
}

#[test]
fn a_budget_takes_the_place_of_a_number_of_runs() {
    let (passed, text) = run(&[("FORETIME_BUDGET", "1500ms"), ("FORETIME_RUNS", "1")]);
    let runs: u64 = text.split("naps: ").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok()).expect("how many runs");
    assert!(passed && runs > 1, "{text}");
}

#[test]
fn what_is_not_understood_is_named() {
    let (passed, text) = run(&[("FORETIME_BUDGET", "5 parsecs")]);
    assert!(!passed && text.contains("FORETIME_BUDGET=5 parsecs") && text.contains("FORETIME_JOBS=n"), "{text}");
    let (passed, text) = run(&[("FORETIME_RUNS", "many")]);
    assert!(!passed && text.contains("FORETIME_RUNS=many is not a number"), "{text}");
    let (passed, text) = run(&[("FORETIME_RUNS", "0")]);
    assert!(!passed && text.contains("FORETIME_RUNS=0: there must be one at least"), "{text}");
    let (passed, text) = run(&[("FORETIME_ONLY", "crash-1@two")]);
    assert!(!passed && text.contains("FORETIME_ONLY=crash-1@two: two is not the number of an order"), "{text}");
    let (passed, text) = run(&[("FORETIME_ONLY", "crush-1")]);
    assert!(!passed && text.contains("FORETIME_ONLY=crush-1: crush-1 is no fault"), "{text}");
    let (passed, text) = run(&[("FORETIME_TAPE", "/nowhere")]);
    assert!(!passed && text.contains("cannot read the tape /nowhere"), "{text}");
}

#[test]
fn a_test_runs_once_where_nothing_is_simulated() {
    assert_passes(&[("FORETIME_STAGED", "1")], "nothing is simulated here");
    assert_passes(&[("FORETIME_STAGED", "1")], "naps: ran once, without simulation");
}
