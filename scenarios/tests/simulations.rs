//! All scenarios in many worlds. What each is about, and what must hold in the end, is documented beside its workflow.

use foretime::{Result, Sim};
use foretime_scenarios::{
    account, approval, cron_billing, fan_out, onboarding, operations, order_saga, rolling_deploy, subscription, transfer,
};

#[foretime::test(runs = 30)]
async fn subscriptions(sim: Sim) -> Result {
    subscription::simulation(sim).await
}

#[foretime::test(runs = 50)]
async fn orders(sim: Sim) -> Result {
    order_saga::simulation(sim).await
}

#[foretime::test(runs = 60)]
async fn accounts(sim: Sim) -> Result {
    account::simulation(sim).await
}

#[foretime::test(runs = 60)]
async fn onboardings(sim: Sim) -> Result {
    onboarding::simulation(sim).await
}

#[foretime::test(runs = 60)]
async fn transfers(sim: Sim) -> Result {
    transfer::simulation(sim).await
}

#[foretime::test(runs = 50)]
async fn approvals(sim: Sim) -> Result {
    approval::simulation(sim).await
}

#[foretime::test(runs = 40)]
async fn bills(sim: Sim) -> Result {
    cron_billing::simulation(sim).await
}

#[foretime::test(runs = 50)]
async fn jobs(sim: Sim) -> Result {
    fan_out::simulation(sim).await
}

#[foretime::test(runs = 40)]
async fn deploys(sim: Sim) -> Result {
    rolling_deploy::simulation(sim).await
}

#[foretime::test(runs = 240)]
async fn days_of_operations(sim: Sim) -> Result {
    operations::simulation(sim).await
}
