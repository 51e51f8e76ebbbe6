//! A worker of subscriptions, as a user writes one: `foretime check` serves it the histories in `tests/check/histories/rust`.
//! `VERSION` picks the version of its code, `TEMPORAL_ADDRESS` and `TEMPORAL_NAMESPACE` say where it connects to.

mod billing;
mod receipt;
mod subscription;
mod version;

use std::env;

use anyhow::Context;
use foretime_scenarios::worker::beside;
use temporalio_client::{Client, ClientOptions, ConnectionOptions, Url};
use temporalio_common::worker::WorkerDeploymentOptions;
use temporalio_sdk::{WorkerOptions, WorkflowRegistrationError};

use crate::{
    billing::Billing,
    receipt::{Invoice, Receipt},
    subscription::Subscription,
    version::Version,
};

const TASK_QUEUE: &str = "subscriptions";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let version = setting("VERSION", "same");
    let options = worker(version.parse()?, version)?;
    beside(connect().await?, options, told_to_stop()).await
}

/// The options of the worker. Its build id is the version's name: the SDK's own would be a hash of the executable.
fn worker(version: Version, name: String) -> Result<WorkerOptions, WorkflowRegistrationError> {
    let options = WorkerOptions::new(TASK_QUEUE)
        .deployment_options(WorkerDeploymentOptions::from_build_id(name))
        .register_workflow_with_factory(move || Subscription::of(version))?
        .register_workflow::<Receipt>()?
        .register_workflow::<Invoice>()?
        .register_activities(Billing)
        .build();
    Ok(options)
}

async fn connect() -> anyhow::Result<Client> {
    let address = setting("TEMPORAL_ADDRESS", "localhost:7233");
    let target = Url::parse(&format!("http://{address}")).with_context(|| format!("TEMPORAL_ADDRESS is {address:?}"))?;
    let connection = ConnectionOptions::new(target).identity("subscription-worker").build();
    let namespace = ClientOptions::new(setting("TEMPORAL_NAMESPACE", "default")).build();
    Client::connect(connection, namespace).await.with_context(|| format!("no server at {address}"))
}

/// What the environment says of `name`.
fn setting(name: &str, default: &str) -> String {
    env::var(name).unwrap_or_else(|_| default.to_owned())
}

/// Waits for the interrupt from the keyboard.
async fn told_to_stop() -> anyhow::Result<()> {
    Ok(tokio::signal::ctrl_c().await?)
}
