//! Transfers in a simulation: several at once between a few accounts, one of which is closed meanwhile. Whatever happens, there
//! is as much money as before, and each account has what the transfers give it.

use std::time::Duration;

use foretime::{ActivityFaults, Faults, Sim, proptest::prelude::*};
use futures::future::try_join_all;
use temporalio_client::{WorkflowGetResultOptions, WorkflowStartOptions};
use temporalio_sdk::{WorkerOptions, WorkflowRegistrationError};

use super::{Bank, Order, Outcome, TASK_QUEUE, Transfer, broken, worker};
use crate::people::{few, span};

const TRANSFERS_MAX: usize = 8;
const ACCOUNTS: [&str; 3] = ["ada", "bob", "eve"];
const OPENED_WITH_CENTS: u64 = 10_000;
/// The span within which all transfers begin.
const RUSH: Duration = Duration::from_secs(2 * 60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// A few transfers between three accounts.
///
/// # Errors
/// What did not hold.
pub async fn simulation(sim: Sim) -> foretime::Result {
    let outcomes = transfers(sim, worker, OPENED_WITH_CENTS).await?;
    let given_back = outcomes.iter().any(|outcome| matches!(outcome, Outcome::GivenBack(_)));
    foretime::sometimes!(given_back, "money is given back");
    let not_withdrawn = outcomes.iter().any(|outcome| matches!(outcome, Outcome::NotWithdrawn(_)));
    foretime::sometimes!(not_withdrawn, "money is not withdrawn");
    Ok(())
}

/// The same with the activities that do not pass on the keys. No account runs empty: otherwise a second withdrawal could be
/// refused, which is another story of the same bug.
///
/// # Errors
/// What did not hold.
pub async fn simulation_of_broken(sim: Sim) -> foretime::Result {
    transfers(sim, broken::worker, OPENED_WITH_CENTS / (2 * TRANSFERS_MAX as u64)).await.map(drop)
}

async fn transfers(
    sim: Sim,
    worker: fn(&Bank) -> Result<WorkerOptions, WorkflowRegistrationError>,
    cents_max: u64,
) -> foretime::Result<Vec<Outcome>> {
    let bank = Bank::default();
    for account in ACCOUNTS {
        bank.open(account, OPENED_WITH_CENTS);
    }
    let at_work = bank.clone();
    sim.workers(2, move |_| worker(&at_work));
    // Some are slower than their timeout, so that an attempt is still on its way when the next one has its answer.
    let slow_bank =
        ActivityFaults::default().slow(0.3, Duration::from_secs(10)..=Duration::from_secs(120)).fails(0.05).hangs(0.02);
    sim.faults(Faults::swarm().activity("Teller::withdraw", slow_bank.clone()).activity("Teller::deposit", slow_bank));
    let orders = sim.draw("transfers", few(a_transfer(cents_max), 1..=TRANSFERS_MAX));
    let closed_after = sim.draw("eve's account is closed after", span(RUSH));
    let close = async {
        tokio::time::sleep(closed_after).await;
        bank.close("eve");
    };
    let transfers = orders.iter().enumerate().map(|(number, (after, order))| transfer(&sim, number, *after, order));
    let (outcomes, ()) = futures::future::join(try_join_all(transfers), close).await;
    let outcomes = outcomes?;
    // Leaves time for what is late.
    tokio::time::sleep(HOUR).await;
    sim.ledger().exactly_once_by_key()?;
    for account in ACCOUNTS {
        assert_eq!(bank.balance_cents(account), balance_cents(account, &orders, &outcomes), "on {account}'s account");
    }
    let opened_with_cents = OPENED_WITH_CENTS * ACCOUNTS.len() as u64;
    foretime::always!(bank.total_cents() == opened_with_cents, "money is neither made nor lost");
    Ok(outcomes)
}

/// A transfer, and when it begins. One in six goes to nobody.
fn a_transfer(cents_max: u64) -> impl Strategy<Value = (Duration, Order)> {
    let is_to_nobody = prop_oneof![5 => Just(false), 1 => Just(true)];
    (span(RUSH), Just(ACCOUNTS).prop_shuffle(), is_to_nobody, 1..=cents_max).prop_map(
        |(after, [from, to, _], is_to_nobody, amount_cents)| {
            let to = if is_to_nobody { "nobody" } else { to };
            (after, Order { from: from.to_owned(), to: to.to_owned(), amount_cents })
        },
    )
}

async fn transfer(sim: &Sim, number: usize, after: Duration, order: &Order) -> foretime::Result<Outcome> {
    tokio::time::sleep(after).await;
    let options = WorkflowStartOptions::new(TASK_QUEUE, format!("transfer-{number}")).build();
    let transfer = sim.client().start_workflow(Transfer::run, order.clone(), options).await?;
    Ok(transfer.get_result(WorkflowGetResultOptions::default()).await?)
}

/// What an account must have after these transfers.
fn balance_cents(account: &str, orders: &[(Duration, Order)], outcomes: &[Outcome]) -> u64 {
    let done = || orders.iter().zip(outcomes).filter(|(_, outcome)| **outcome == Outcome::Done).map(|((_, order), _)| order);
    let came: u64 = done().filter(|order| order.to == account).map(|order| order.amount_cents).sum();
    let went: u64 = done().filter(|order| order.from == account).map(|order| order.amount_cents).sum();
    OPENED_WITH_CENTS + came - went
}
