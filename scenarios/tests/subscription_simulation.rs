//! A year of a subscription, in many worlds.

use std::{sync::Arc, time::Duration};

use foretime::{Faults, Sim};
use foretime_scenarios::{
    outside::Outside,
    subscription::{self, Plan, State, Subscription, TASK_QUEUE},
};
use temporalio_client::{WorkflowGetResultOptions, WorkflowStartOptions};

#[foretime::test(runs = 20)]
async fn a_year(sim: Sim) -> foretime::Result {
    let outside = Arc::new(Outside::default());
    let at_work = outside.clone();
    sim.workers(2, move |_| subscription::worker(&at_work));
    let options = WorkflowStartOptions::new(TASK_QUEUE, "year").build();
    let year = sim.client().start_workflow(Subscription::run, Plan::standard("ada"), options).await?;
    let status = year.get_result(WorkflowGetResultOptions::default()).await?;
    assert_eq!(status.state, State::Completed);
    assert_eq!(status.charges, 13);
    Ok(())
}

#[foretime::test(runs = 50)]
async fn a_year_of_trouble(sim: Sim) -> foretime::Result {
    let outside = Arc::new(Outside::default());
    let at_work = outside.clone();
    sim.workers(2, move |_| subscription::worker(&at_work));
    sim.faults(Faults::swarm());
    let options = WorkflowStartOptions::new(TASK_QUEUE, "year").build();
    let year = sim.client().start_workflow(Subscription::run, Plan::standard("ada"), options).await?;
    tokio::time::sleep(Duration::from_secs(45 * 24 * 3600)).await;
    let status = year.get_result(WorkflowGetResultOptions::default()).await?;
    assert_ne!(status.state, State::Active);
    Ok(())
}
