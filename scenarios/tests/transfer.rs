//! Transfers, tested: who has the money afterwards, and that the total is unchanged.

use std::time::Duration;

use foretime::Environment;
use foretime_scenarios::{
    transfer::{self, Bank, Kind, Order, Outcome, Refusal, TASK_QUEUE, Transfer},
    worker::beside,
};
use temporalio_client::{Client, WorkflowCancelOptions, WorkflowGetResultOptions, WorkflowHandle, WorkflowStartOptions};
use temporalio_sdk::{WorkerOptions, WorkflowRegistrationError};

type Code = fn(&Bank) -> Result<WorkerOptions, WorkflowRegistrationError>;

#[tokio::test]
async fn the_money_arrives() -> anyhow::Result<()> {
    let bank = bank();
    assert_eq!(outcome(&bank, transfer::worker, 300).await?, Outcome::Done);
    assert_eq!(balances(&bank), [700, 300]);
    Ok(())
}

#[tokio::test]
async fn without_enough_nothing_moves() -> anyhow::Result<()> {
    let bank = bank();
    assert_eq!(outcome(&bank, transfer::worker, 1_001).await?, Outcome::NotWithdrawn(Refusal::NotEnough));
    assert_eq!(balances(&bank), [1_000, 0]);
    Ok(())
}

#[tokio::test]
async fn a_refused_deposit_gives_the_money_back_once() -> anyhow::Result<()> {
    let bank = bank();
    bank.close("bob");
    bank.lose_replies(Kind::GiveBack, 3);
    assert_eq!(outcome(&bank, transfer::worker, 300).await?, Outcome::GivenBack(Refusal::NoAccount));
    assert_eq!(balances(&bank), [1_000, 0]);
    Ok(())
}

#[tokio::test]
async fn replies_that_get_lost_move_nothing_twice() -> anyhow::Result<()> {
    let bank = bank();
    bank.lose_replies(Kind::Withdraw, 3);
    bank.lose_replies(Kind::Deposit, 3);
    assert_eq!(outcome(&bank, transfer::worker, 300).await?, Outcome::Done);
    assert_eq!(balances(&bank), [700, 300]);
    Ok(())
}

#[tokio::test]
async fn half_a_transfer_cannot_be_cancelled() -> anyhow::Result<()> {
    let (environment, bank) = (Environment::start().await?, bank());
    bank.lose_replies(Kind::Withdraw, 6);
    let outcome = beside(environment.client(), transfer::worker(&bank)?, async {
        let transfer = begin(&environment.client(), 300).await?;
        environment.sleep(Duration::from_secs(10)).await?;
        transfer.cancel(WorkflowCancelOptions::default()).await?;
        Ok(transfer.get_result(WorkflowGetResultOptions::default()).await?)
    })
    .await?;
    assert_eq!(outcome, Outcome::Done);
    assert_eq!(balances(&bank), [700, 300]);
    Ok(())
}

/// What the simulation must find: without keys a lost reply moves money twice.
#[tokio::test]
async fn the_broken_version_makes_and_loses_money() -> anyhow::Result<()> {
    let bank = bank();
    bank.lose_replies(Kind::Withdraw, 1);
    assert_eq!(outcome(&bank, transfer::broken::worker, 300).await?, Outcome::Done);
    assert_eq!(balances(&bank), [400, 300], "lost");

    let bank = self::bank();
    bank.lose_replies(Kind::Deposit, 1);
    assert_eq!(outcome(&bank, transfer::broken::worker, 300).await?, Outcome::Done);
    assert_eq!(balances(&bank), [700, 600], "made");
    Ok(())
}

fn bank() -> Bank {
    let bank = Bank::default();
    bank.open("ada", 1_000);
    bank.open("bob", 0);
    bank
}

fn balances(bank: &Bank) -> [u64; 2] {
    assert_eq!(bank.total_cents(), bank.balance_cents("ada") + bank.balance_cents("bob"));
    ["ada", "bob"].map(|account| bank.balance_cents(account))
}

async fn outcome(bank: &Bank, code: Code, amount_cents: u64) -> anyhow::Result<Outcome> {
    let environment = Environment::start().await?;
    beside(environment.client(), code(bank)?, async {
        let transfer = begin(&environment.client(), amount_cents).await?;
        Ok(transfer.get_result(WorkflowGetResultOptions::default()).await?)
    })
    .await
}

async fn begin(client: &Client, amount_cents: u64) -> anyhow::Result<WorkflowHandle<Client, Transfer>> {
    let order = Order { from: "ada".to_owned(), to: "bob".to_owned(), amount_cents };
    client.start_workflow(Transfer::run, order, WorkflowStartOptions::new(TASK_QUEUE, "transfer-1").build()).await?;
    Ok(client.get_workflow_handle::<Transfer>("transfer-1".to_owned()))
}
