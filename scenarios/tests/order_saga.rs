//! Orders, tested: what is left in the shop after each way in which an order can end.

use std::{collections::BTreeSet, time::Duration};

use foretime::Environment;
use foretime_scenarios::{
    order_saga::{self, Order, OrderSaga, Outcome, Shop, Step, TASK_QUEUE},
    worker::beside,
};
use temporalio_client::{Client, WorkflowCancelOptions, WorkflowGetResultOptions, WorkflowHandle, WorkflowStartOptions};

#[tokio::test]
async fn an_order_is_shipped() -> anyhow::Result<()> {
    let shop = shop();
    assert_eq!(outcome(&shop, "ok").await?, Outcome::Shipped);
    assert_eq!(shop.diary(), ["reserve ok", "charge ok", "ship ok"]);
    assert_eq!((shop.in_stock("lamp"), shop.taken_cents()), (8, 4_000));
    assert_eq!(shop.parcels(), BTreeSet::from(["ok".to_owned()]));
    Ok(())
}

#[tokio::test]
async fn replies_that_get_lost_change_nothing() -> anyhow::Result<()> {
    let shop = shop();
    shop.lose_replies("lossy", 5);
    assert_eq!(outcome(&shop, "lossy").await?, Outcome::Shipped);
    assert_eq!(shop.diary(), ["reserve lossy", "charge lossy", "ship lossy"]);
    assert_eq!((shop.in_stock("lamp"), shop.taken_cents()), (8, 4_000));
    Ok(())
}

#[tokio::test]
async fn an_address_nobody_goes_to_undoes_charge_and_reservation() -> anyhow::Result<()> {
    let shop = shop();
    shop.close_address("Moon");
    assert_eq!(outcome(&shop, "far").await?, Outcome::Failed(Step::Ship));
    assert_eq!(shop.diary(), ["reserve far", "charge far", "undo charge far", "undo reserve far"]);
    assert_nothing_is_left(&shop);
    Ok(())
}

#[tokio::test]
async fn a_declined_card_undoes_the_reservation() -> anyhow::Result<()> {
    let shop = shop();
    shop.decline_card("4711");
    assert_eq!(outcome(&shop, "poor").await?, Outcome::Failed(Step::Charge));
    assert_eq!(shop.diary(), ["reserve poor", "undo reserve poor"]);
    assert_nothing_is_left(&shop);
    Ok(())
}

/// All ten replies to the first step get lost, and one to its undoing. The step failed for good, but it happened.
#[tokio::test]
async fn a_step_that_failed_but_happened_is_undone() -> anyhow::Result<()> {
    let shop = shop();
    shop.lose_replies("unsure", 11);
    assert_eq!(outcome(&shop, "unsure").await?, Outcome::Failed(Step::Reserve));
    assert_eq!(shop.diary(), ["reserve unsure", "undo reserve unsure"]);
    assert_nothing_is_left(&shop);
    Ok(())
}

/// The order is cancelled while the first step is between two attempts, after it happened.
#[tokio::test]
async fn a_cancelled_order_is_undone() -> anyhow::Result<()> {
    let (environment, shop) = (Environment::start().await?, shop());
    shop.lose_replies("off", 9);
    let outcome = beside(environment.client(), order_saga::worker(&shop)?, async {
        let order = order(&environment.client(), "off").await?;
        environment.sleep(Duration::from_secs(100)).await?;
        order.cancel(WorkflowCancelOptions::default()).await?;
        Ok(order.get_result(WorkflowGetResultOptions::default()).await?)
    })
    .await?;
    assert_eq!(outcome, Outcome::Cancelled);
    assert_eq!(shop.diary(), ["reserve off", "undo reserve off"]);
    assert_nothing_is_left(&shop);
    Ok(())
}

fn shop() -> Shop {
    let shop = Shop::default();
    shop.stock_up("lamp", 10);
    shop
}

fn assert_nothing_is_left(shop: &Shop) {
    assert_eq!((shop.in_stock("lamp"), shop.taken_cents(), shop.parcels()), (10, 0, BTreeSet::new()));
}

/// Sees an order of two lamps through.
async fn outcome(shop: &Shop, id: &str) -> anyhow::Result<Outcome> {
    let environment = Environment::start().await?;
    beside(environment.client(), order_saga::worker(shop)?, async {
        Ok(order(&environment.client(), id).await?.get_result(WorkflowGetResultOptions::default()).await?)
    })
    .await
}

async fn order(client: &Client, id: &str) -> anyhow::Result<WorkflowHandle<Client, OrderSaga>> {
    let (article, card, address) = ("lamp".to_owned(), "4711".to_owned(), "Moon".to_owned());
    let order = Order { article, pieces: 2, card, price_cents: 4_000, address };
    client.start_workflow(OrderSaga::run, order, WorkflowStartOptions::new(TASK_QUEUE, id).build()).await?;
    Ok(client.get_workflow_handle::<OrderSaga>(id.to_owned()))
}
