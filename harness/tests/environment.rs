//! [`foretime::Environment`], from outside: its time, what it registers, and its end.

use std::time::{Duration, Instant, SystemTime};

use foretime::{Environment, SearchAttributeType};
use temporalio_client::{
    Client, Connection, NamespacedClient,
    grpc::{OperatorService, WorkflowService},
    tonic::{Code, IntoRequest},
};
use temporalio_common::protos::temporal::api::{
    enums::v1::IndexedValueType, operatorservice::v1::ListSearchAttributesRequest,
    workflowservice::v1::DescribeNamespaceRequest,
};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{Runtime, Worker, WorkerOptions, WorkflowContext, WorkflowResult};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// More than what the wall adds to virtual time during a test, less than any span that is told apart.
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
async fn a_sleep_that_is_given_up_leaves_time_where_it_is() -> anyhow::Result<()> {
    let environment = Environment::builder().time_skipping(false).start().await?;
    let start = environment.now();

    assert!(tokio::time::timeout(Duration::from_millis(20), environment.sleep(DAY)).await.is_err());

    assert!(environment.now().duration_since(start)? < A_MINUTE);
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
struct Nothing;

#[workflow_methods]
impl Nothing {
    #[run]
    async fn run(_ctx: &mut WorkflowContext<Self>) -> WorkflowResult<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_worker_that_outlives_its_environment_ends_with_an_error() -> anyhow::Result<()> {
    let environment = Environment::start().await?;
    let client = environment.client();
    let runtime = Runtime::from_current_tokio(Default::default())?;
    let options = WorkerOptions::new("nothing").register_workflow::<Nothing>()?.build();
    let mut worker = Worker::new(&runtime, client.clone(), options)?;
    let start_and_drop = async move {
        let options = temporalio_client::WorkflowStartOptions::new("nothing", "nothing").build();
        let handle = client.start_workflow(Nothing::run, (), options).await?;
        handle.get_result(Default::default()).await?;
        drop(environment);
        anyhow::Ok(())
    };

    let (ran, dropped) = tokio::join!(tokio::time::timeout(A_MINUTE, worker.run()), start_and_drop);

    dropped?;
    assert!(ran?.is_err());
    Ok(())
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
