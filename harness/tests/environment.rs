//! [`foretime::Environment`], from outside: its time, what it registers, and its end.

use std::time::{Duration, Instant, SystemTime};

use foretime::{Environment, SearchAttributeType};
use temporalio_client::{
    Client, Connection, NamespacedClient, WorkflowExecutionStatus, WorkflowHandle, WorkflowStartOptions,
    grpc::{OperatorService, WorkflowService},
    tonic::{Code, IntoRequest},
};
use temporalio_common::{
    protos::temporal::api::{
        enums::v1::IndexedValueType, operatorservice::v1::ListSearchAttributesRequest,
        workflowservice::v1::DescribeNamespaceRequest,
    },
    worker::WorkerDeploymentOptions,
};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{Runtime, Worker, WorkerOptions, WorkflowContext, WorkflowResult};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// More than the wall adds to virtual time during a test, and less than any difference that matters here.
const A_MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn time_starts_at_the_walls_and_a_sleep_skips_it() -> anyhow::Result<()> {
    let wall_start = (SystemTime::now(), Instant::now());
    let environment = Environment::start().await?;
    let start = environment.now();
    assert!(start.duration_since(wall_start.0)? < A_MINUTE);

    environment.sleep(DAY * 30).await?;

    assert_close(environment.now().duration_since(start)?, DAY * 30);
    assert!(wall_start.1.elapsed() < A_MINUTE);
    Ok(())
}

#[tokio::test]
async fn sleeps_that_overlap_each_end_at_their_own_instant() -> anyhow::Result<()> {
    let environment = Environment::start().await?;
    let start = environment.now();
    let slept = async |days: u32| {
        environment.sleep(DAY * days).await?;
        anyhow::Ok(environment.now().duration_since(start)?)
    };

    let (long, short, middle) = tokio::try_join!(slept(15), slept(1), slept(7))?;

    assert_close(short, DAY);
    assert_close(middle, DAY * 7);
    assert_close(long, DAY * 15);
    environment.sleep(DAY).await?;
    assert_close(environment.now().duration_since(start)?, DAY * 16);
    Ok(())
}

#[tokio::test]
async fn without_skipping_a_sleep_takes_as_long_as_it_says() -> anyhow::Result<()> {
    let environment = Environment::builder().time_skipping(false).start().await?;
    let wall_start = Instant::now();

    environment.sleep(Duration::from_millis(50)).await?;

    assert!(wall_start.elapsed() >= Duration::from_millis(50));
    Ok(())
}

#[tokio::test]
async fn a_namespace_and_search_attributes_of_ones_own() -> anyhow::Result<()> {
    let environment =
        Environment::builder().namespace("shop").search_attribute("CustomerId", SearchAttributeType::Keyword).start().await?;
    let client = environment.client();
    assert_eq!(client.namespace(), "shop");

    describe_namespace(&client, "shop").await?;
    let request = ListSearchAttributesRequest { namespace: "shop".to_owned() };
    let attributes = connection(&client).list_search_attributes(request.into_request()).await?.into_inner();
    assert_eq!(attributes.custom_attributes.get("CustomerId"), Some(&(IndexedValueType::Keyword as i32)));
    Ok(())
}

#[tokio::test]
async fn a_client_that_outlives_its_environment_is_told_so() -> anyhow::Result<()> {
    let environment = Environment::start().await?;
    let client = environment.client();
    describe_namespace(&client, "default").await?;

    drop(environment);

    let refused = describe_namespace(&client, "default").await.expect_err("there is no server");
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(refused.message(), "the foretime::Environment of this client has been dropped");
    Ok(())
}

#[workflow]
#[derive(Default)]
struct Nap;

#[workflow_methods]
impl Nap {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>, span: Duration) -> WorkflowResult<()> {
        ctx.timer(span).await;
        Ok(())
    }

    /// Returns after the same span once more.
    #[update]
    async fn snore(ctx: &mut WorkflowContext<Self>, span: Duration) -> Duration {
        ctx.timer(span).await;
        span
    }
}

#[tokio::test]
async fn results_and_sleeps_may_be_awaited_at_once() -> anyhow::Result<()> {
    let environment = Environment::start().await?;
    let start = environment.now();
    let passed = || environment.now().duration_since(start);
    let mut worker = worker(&environment)?;
    let stop = worker.shutdown_handle();
    let naps = async {
        let (month, year) = (nap(&environment, "month", DAY * 30).await?, nap(&environment, "year", DAY * 365).await?);
        let woken_after = tokio::try_join!(
            async { anyhow::Ok((month.get_result(Default::default()).await?, passed()?).1) },
            async { Ok((year.get_result(Default::default()).await?, passed()?).1) },
            async { Ok((environment.sleep(DAY * 10).await?, passed()?).1) },
            async { Ok((environment.sleep(DAY * 20).await?, passed()?).1) },
        )?;
        stop();
        anyhow::Ok(woken_after)
    };

    let (ran, woken_after) = tokio::join!(worker.run(), naps);

    ran?;
    let (month, year, ten, twenty) = woken_after?;
    assert_close(year, DAY * 365);
    assert!(ten >= DAY * 10 && twenty >= DAY * 20 && month >= DAY * 30);
    assert!(ten <= twenty && twenty <= month && month <= year, "{ten:?}, {twenty:?}, {month:?}, {year:?}");
    Ok(())
}

#[tokio::test]
async fn an_awaited_update_skips_if_time_is_to_skip() -> anyhow::Result<()> {
    for (skips, span) in [(true, DAY), (false, Duration::from_millis(50))] {
        let environment = Environment::builder().time_skipping(skips).start().await?;
        let (start, wall_start) = (environment.now(), Instant::now());
        let mut worker = worker(&environment)?;
        let stop = worker.shutdown_handle();
        let snore = async {
            let nap = nap(&environment, "nap", DAY * 2).await?;
            let snored = nap.execute_update(Nap::snore, span, Default::default()).await;
            stop();
            anyhow::Ok(snored?)
        };

        let (ran, snored) = tokio::join!(worker.run(), snore);

        ran?;
        assert_eq!(snored?, span);
        assert_close(environment.now().duration_since(start)?, span);
        assert!(skips || wall_start.elapsed() >= span);
    }
    Ok(())
}

#[tokio::test]
async fn it_starts_at_a_date_of_ones_choice() -> anyhow::Result<()> {
    let leap_day = SystemTime::UNIX_EPOCH + DAY * 21_608;
    let environment = Environment::builder().starts_at(leap_day).start().await?;
    assert_close(environment.now().duration_since(leap_day)?, Duration::ZERO);
    environment.skip(DAY).await?;
    assert_close(environment.now().duration_since(leap_day)?, DAY);
    Ok(())
}

#[tokio::test]
async fn calls_at_instants_come_in_order_with_timers() -> anyhow::Result<()> {
    let environment = Environment::start().await?;
    let start = environment.now();
    let passed = || environment.now().duration_since(start);
    let mut worker = worker(&environment)?;
    let stop = worker.shutdown_handle();
    let test = async {
        let nap = nap(&environment, "nap", DAY * 2).await?;
        let told = tokio::try_join!(
            async { environment.at(DAY * 3, async { passed() }).await.map_err(anyhow::Error::from) },
            async { environment.at(DAY, async { passed() }).await.map_err(anyhow::Error::from) },
            async { anyhow::Ok((nap.get_result(Default::default()).await?, passed()).1) },
        );
        stop();
        let (third, first, result) = told?;
        anyhow::Ok((third?, first?, result?))
    };

    let (ran, told) = tokio::join!(worker.run(), test);

    ran?;
    let (third, first, result) = told?;
    assert_close(first, DAY);
    assert_close(third, DAY * 3);
    // Whoever sleeps on takes time along.
    assert!(result >= DAY * 2 && result <= third + A_MINUTE, "{result:?}");
    Ok(())
}

/// The server drives time on another thread, which may be faster than the one that makes the calls.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn joined_calls_at_instants_count_from_the_same_instant() -> anyhow::Result<()> {
    let environment = Environment::start().await?;
    let slow = async {
        std::thread::sleep(Duration::from_millis(20));
        environment.at(DAY, async { environment.now() }).await
    };
    let (second, first) = tokio::try_join!(environment.at(DAY * 2, async { environment.now() }), slow)?;
    let apart = second.duration_since(first)?;
    assert!(apart > DAY - A_MINUTE && apart < DAY + A_MINUTE, "{apart:?}");
    Ok(())
}

#[tokio::test]
async fn after_a_skip_settle_waits_for_the_workers() -> anyhow::Result<()> {
    let environment = Environment::start().await?;
    let mut worker = worker(&environment)?;
    let stop = worker.shutdown_handle();
    let test = async {
        let nap = nap(&environment, "nap", DAY).await?;
        // The timer has to run before the skip begins.
        environment.settle().await?;
        environment.skip(DAY).await?;
        environment.settle().await?;
        let described = nap.describe(Default::default()).await?;
        stop();
        anyhow::Ok(described.status())
    };

    let (ran, status) = tokio::join!(worker.run(), test);

    ran?;
    assert_eq!(status?, WorkflowExecutionStatus::Completed);
    Ok(())
}

#[tokio::test]
async fn it_says_why_time_stands() -> anyhow::Result<()> {
    let environment = Environment::start().await?;
    nap(&environment, "nap", DAY).await?;
    let why = environment.why_time_stands()?;
    assert_eq!(why[0], "no worker polls task queue naps (workflow tasks): the workflow task of workflow nap (Nap) waits there");
    Ok(())
}

#[tokio::test]
async fn a_sleep_that_is_given_up_lifts_no_lock_any_more() -> anyhow::Result<()> {
    let environment = Environment::start().await?;
    let start = environment.now();
    nap(&environment, "nap", DAY).await?;
    let given_up = tokio::time::timeout(Duration::from_millis(20), environment.sleep(DAY * 2)).await;
    assert!(given_up.is_err(), "a task without a worker holds time");

    let mut worker = worker(&environment)?;
    let stop = worker.shutdown_handle();
    let sleep = async {
        let slept = environment.sleep(DAY / 2).await;
        stop();
        slept
    };
    let (ran, slept) = tokio::join!(worker.run(), sleep);

    ran?;
    slept?;
    assert_close(environment.now().duration_since(start)?, DAY / 2);
    Ok(())
}

#[tokio::test]
async fn who_waits_when_the_environment_is_dropped_is_told_so_at_once() -> anyhow::Result<()> {
    let environment = Environment::start().await?;
    let nap = nap(&environment, "nap", DAY).await?;
    let mut result = std::pin::pin!(nap.get_result(Default::default()));
    let waits = tokio::time::timeout(Duration::from_millis(20), &mut result).await;
    assert!(waits.is_err(), "nobody works on it");

    drop(environment);

    let refused = tokio::time::timeout(A_MINUTE, result).await?.expect_err("there is no server");
    assert!(format!("{refused:?}").contains("has been dropped"), "{refused:?}");
    Ok(())
}

fn worker(environment: &Environment) -> anyhow::Result<Worker> {
    let runtime = Runtime::from_current_tokio(Default::default())?;
    let options = WorkerOptions::new("naps")
        .deployment_options(WorkerDeploymentOptions::from_build_id("1".to_owned()))
        .register_workflow::<Nap>()?
        .build();
    Ok(Worker::new(&runtime, environment.client(), options)?)
}

async fn nap(environment: &Environment, id: &str, span: Duration) -> anyhow::Result<WorkflowHandle<Client, Nap>> {
    let client = environment.client();
    client.start_workflow(Nap::run, span, WorkflowStartOptions::new("naps", id).build()).await?;
    Ok(client.get_workflow_handle::<Nap>(id))
}

async fn describe_namespace(client: &Client, namespace: &str) -> Result<(), temporalio_client::tonic::Status> {
    let request = DescribeNamespaceRequest { namespace: namespace.to_owned(), ..Default::default() };
    connection(client).describe_namespace(request.into_request()).await.map(drop)
}

fn connection(client: &Client) -> Connection {
    client.connection().clone()
}

#[track_caller]
fn assert_close(actual: Duration, expected: Duration) {
    assert!(actual >= expected && actual < expected + A_MINUTE, "{actual:?} is not {expected:?}");
}
