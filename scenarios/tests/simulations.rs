//! All scenarios in many worlds. What each is about, and what must hold in the end, stands beside its workflow.

use foretime_scenarios::subscription;

#[foretime::test(runs = 40)]
async fn subscriptions(sim: foretime::Sim) -> foretime::Result {
    subscription::simulation(sim).await
}
