//! The broken versions: the simulation must find and report what is wrong with each.

use foretime::{Result, Sim};
use foretime_scenarios::{account, approval, operations, rolling_deploy, transfer};

#[foretime::test(runs = 200, finds = "was done twice, without an idempotency key")]
async fn a_transfer_without_keys(sim: Sim) -> Result {
    transfer::simulation_of_broken(sim).await
}

#[foretime::test(runs = 200, finds = "Activity type of scheduled event 'Channels::")]
async fn an_approval_by_hash_map(sim: Sim) -> Result {
    approval::simulation_of_broken(sim).await
}

#[foretime::test(
    runs = 200,
    finds = "event 'Adjuster::pay' does not match activity type of activity command 'Adjuster::check'"
)]
async fn a_deploy_without_a_patch(sim: Sim) -> Result {
    rolling_deploy::simulation_of_broken(sim).await
}

#[foretime::test(runs = 200, finds = "a replay runs none of their validators")]
async fn an_account_whose_validator_reserves(sim: Sim) -> Result {
    account::simulation_of_reserving_validator(sim).await
}

#[foretime::test(runs = 200, finds = "and the update \"pay_out\"")]
async fn an_account_that_abandons_handlers(sim: Sim) -> Result {
    account::simulation_of_unfinished_handlers(sim).await
}

#[foretime::test(runs = 200, finds = ", again under another id")]
async fn an_account_whose_customers_ask_again_under_another_id(sim: Sim) -> Result {
    account::simulation_of_hasty_customers(sim).await
}

#[foretime::test(runs = 200, finds = "was done twice, without an idempotency key")]
async fn a_shipment_without_keys_that_an_operator_resets(sim: Sim) -> Result {
    operations::simulation_of_broken(sim).await
}
