//! Histories that tests keep, and replays that they ask for.

use std::{
    env, fs,
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use foretime::{Environment, EnvironmentBuilder, Replay, Sim};
use temporalio_client::{WorkflowGetResultOptions, WorkflowStartOptions};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{Runtime, Worker, WorkerOptions, WorkflowContext, WorkflowRegistrationError, WorkflowResult};

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

/// Sleeps for a day the first time that its code runs, and for none after that.
#[workflow]
#[derive(Default)]
struct Fickle;

static HAS_SLEPT: AtomicBool = AtomicBool::new(false);

#[workflow_methods]
impl Fickle {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<()> {
        if !HAS_SLEPT.swap(true, Ordering::Relaxed) {
            ctx.timer(DAY).await;
        }
        Ok(())
    }
}

fn options() -> Result<WorkerOptions, WorkflowRegistrationError> {
    Ok(WorkerOptions::new("naps").register_workflow::<Nap>()?.register_workflow::<Fickle>()?.build())
}

/// Runs a nap, or the fickle workflow, to its end. Returns why its client does not hear of that, if so.
async fn run(builder: EnvironmentBuilder, is_fickle: bool) -> anyhow::Result<Result<(), String>> {
    let environment = builder.start().await?;
    let client = environment.client();
    let runtime = Runtime::from_current_tokio(Default::default())?;
    let mut worker = Worker::new(&runtime, client.clone(), options()?)?;
    let stop = worker.shutdown_handle();
    let test = async {
        let start = WorkflowStartOptions::new("naps", "nap").build();
        let ended = if is_fickle {
            let run = client.start_workflow(Fickle::run, (), start).await?;
            run.get_result(WorkflowGetResultOptions::default()).await
        } else {
            let run = client.start_workflow(Nap::run, (), start).await?;
            run.get_result(WorkflowGetResultOptions::default()).await
        };
        stop();
        anyhow::Ok(ended.map_err(|error| format!("{error:?}")))
    };
    let (ran, ended) = tokio::join!(worker.run(), test);
    ran?;
    ended
}

#[tokio::test]
async fn code_that_is_not_deterministic_is_told_at_the_end_of_its_workflow() -> anyhow::Result<()> {
    let replaying = || Environment::builder().replay(Replay { always: true, closed: true });
    run(replaying(), false).await?.map_err(anyhow::Error::msg)?;
    let told = run(Environment::builder().replay(Replay { always: false, closed: true }), true).await?.expect_err("it differs");
    assert!(told.contains("does not replay") && told.contains("TMPRL1100"), "{told}");
    Ok(())
}

/// An empty folder, and the files that are in it later.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("histories").join(name);
    let _ = fs::remove_dir_all(&folder);
    folder
}

/// The files of one test.
fn files_of(folder: &PathBuf, test: &str) -> Vec<String> {
    let tests: Vec<_> = fs::read_dir(folder).expect("it is there").map(|entry| entry.expect("an entry").file_name()).collect();
    assert_eq!(tests, [test]);
    let files = fs::read_dir(folder.join(test)).expect("it is there");
    let mut files: Vec<String> = files.map(|entry| entry.expect("an entry").file_name().into_string().expect("text")).collect();
    files.sort();
    files
}

#[tokio::test]
async fn an_environment_keeps_what_its_test_has_done() -> anyhow::Result<()> {
    let folder = folder("environment");
    for _ in ["first", "again"] {
        run(Environment::builder().save_histories(&folder), false).await?.map_err(anyhow::Error::msg)?;
        let files = files_of(&folder, "an_environment_keeps_what_its_test_has_done");
        assert!(files.len() == 1 && files[0].starts_with("Nap-") && files[0].contains("-temporal-rust-"), "{files:?}");
    }
    Ok(())
}

#[foretime::test(runs = 6)]
async fn naps(sim: Sim) -> foretime::Result {
    sim.workers(2, |_| options());
    let nap = sim.client().start_workflow(Nap::run, (), WorkflowStartOptions::new("naps", "nap").build()).await?;
    nap.get_result(WorkflowGetResultOptions::default()).await?;
    Ok(())
}

#[test]
fn a_simulation_keeps_one_history_of_each_path() {
    let folder = folder("simulation");
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.args(["--exact", "naps"]).env("FORETIME_SAVE_HISTORIES", &folder);
    assert!(command.output().expect("it runs").status.success());
    let files = files_of(&folder, "naps");
    assert!(files.len() == 1 && files[0].starts_with("Nap-") && files[0].contains("-temporal-rust-"), "{files:?}");
}
