//! An account in a simulation: a few customers share it, pay in and take out, while the bank pays interest. They are impatient,
//! and ask again. Whatever happens, the balance is what came in less what was handed over, each payment is handed over once,
//! and nobody takes more than there is.

use std::{cell::Cell, time::Duration};

use foretime::{ActivityFaults, Faults, Sim, StateMachine, proptest::prelude::*};
use temporalio_client::{
    WorkflowExecuteUpdateOptions, WorkflowGetResultOptions, WorkflowIdConflictPolicy, WorkflowSignalOptions,
    WorkflowUpdateWithStartOptions,
    errors::{WorkflowUpdateError, WorkflowUpdateWithStartError},
    tonic::Code,
};
use temporalio_sdk::{WorkerOptions, WorkflowRegistrationError};

use super::{Account, NOT_COVERED, Opening, Payment, TASK_QUEUE, Till, broken, worker};
use crate::people::{a_few, span};

const ACCOUNT: &str = "account";
/// The time between two visits of a customer, at most.
const BETWEEN_VISITS: Duration = Duration::from_secs(60 * 60);
/// How long a customer waits at the counter.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long an account whose worker is in trouble is left alone.
const BEFORE_ANOTHER_TRY: Duration = Duration::from_secs(10);

/// A few customers and an account.
///
/// # Errors
/// What did not hold.
pub async fn simulation(sim: Sim) -> foretime::Result {
    of(sim, worker, Customers::default()).await
}

/// The same with a validator that changes state.
///
/// # Errors
/// What did not hold.
pub async fn simulation_of_reserving_validator(sim: Sim) -> foretime::Result {
    of(sim, broken::reserving::worker, Customers::default()).await
}

/// The same with runs that end while payments are being made.
///
/// # Errors
/// What did not hold.
pub async fn simulation_of_unfinished_handlers(sim: Sim) -> foretime::Result {
    of(sim, broken::unfinished::worker, Customers::default()).await
}

/// The same with customers who ask again under another id: what they ask for is done twice. The account does not run empty:
/// otherwise they could be refused when they ask again, which is another story of the same bug.
///
/// # Errors
/// What did not hold.
pub async fn simulation_of_hasty_customers(sim: Sim) -> foretime::Result {
    of(sim, worker, Customers { are_hasty: true, opened_with_cents: 100_000, ..Customers::default() }).await
}

async fn of(
    sim: Sim,
    worker: fn(&Till) -> Result<WorkerOptions, WorkflowRegistrationError>,
    customers: Customers,
) -> foretime::Result {
    let till = Till::default();
    let at_work = till.clone();
    sim.workers(2, move |_| worker(&at_work));
    let slow = ActivityFaults::default().slow(0.3, Duration::from_millis(500)..=Duration::from_secs(40));
    sim.faults(Faults::swarm().activity("Counter::hand_over", slow.fails(0.1)));
    let count = sim.draw("customers", a_few(1..=3));
    sim.run_clients("customer", count, 1..=5, &customers).await?;
    if !customers.have_account.get() {
        return Ok(()); // nobody paid in
    }
    let account = sim.client().get_workflow_handle::<Account>(ACCOUNT);
    account.signal(Account::close, (), WorkflowSignalOptions::default()).await?;
    let balance_cents = account.get_result(WorkflowGetResultOptions::default()).await?;
    let cents_in = customers.opened_with_cents + customers.cents_in.get();
    let cents_out = customers.cents_out.get();
    foretime::always!(balance_cents == cents_in - cents_out, "the balance is what came in less what went out");
    foretime::always!(till.cents_out() == cents_out, "what is told to be handed over is");
    foretime::always!(balance_cents >= 0, "nobody takes more than there is");
    sim.ledger().exactly_once_by_key()?;
    Ok(())
}

/// What a customer does, or the bank meanwhile. The first payment opens the account.
#[derive(Clone, Debug)]
enum Visit {
    PaysIn { cents: i64 },
    TakesOut { cents: i64 },
    BringsInterest { cents: i64 },
}

/// The customers, and what they were told.
#[derive(Debug, Default)]
struct Customers {
    /// The bug: those who ask again do so under another id.
    are_hasty: bool,
    /// What the first payment finds in the account.
    opened_with_cents: i64,
    have_account: Cell<bool>,
    /// How many payments were asked for.
    payments: Cell<usize>,
    /// What came in, and what was handed over.
    cents_in: Cell<i64>,
    cents_out: Cell<i64>,
}

impl StateMachine for Customers {
    type Action = Visit;

    fn actions(&self) -> impl Strategy<Value = Visit> {
        let cents = || (1..=9_i64).prop_map(|number| 100 * number);
        prop_oneof![
            5 => cents().prop_map(|cents| Visit::PaysIn { cents }),
            4 => cents().prop_map(|cents| Visit::TakesOut { cents }),
            1 => cents().prop_map(|cents| Visit::BringsInterest { cents }),
        ]
    }

    fn precondition(&self, visit: &Visit) -> bool {
        self.have_account.get() || matches!(visit, Visit::PaysIn { .. })
    }

    async fn perform(&self, sim: &Sim, visit: Visit) -> foretime::Result {
        match visit {
            Visit::PaysIn { cents } => {
                if self.asks(sim, true, cents).await?.is_some() {
                    self.have_account.set(true);
                    self.cents_in.update(|sum| sum + cents);
                }
            }
            Visit::TakesOut { cents } => {
                if self.asks(sim, false, cents).await?.is_some() {
                    self.cents_out.update(|sum| sum + cents);
                }
            }
            Visit::BringsInterest { cents } => {
                let account = sim.client().get_workflow_handle::<Account>(ACCOUNT);
                account.signal(Account::interest, cents, WorkflowSignalOptions::default()).await?;
                self.cents_in.update(|sum| sum + cents);
            }
        }
        sim.sleep(sim.random("absence", span(BETWEEN_VISITS))).await;
        Ok(())
    }
}

impl Customers {
    /// Asks until there is an answer. Returns the balance; none if the account does not cover the payment.
    async fn asks(&self, sim: &Sim, is_in: bool, cents: i64) -> foretime::Result<Option<i64>> {
        self.payments.update(|count| count + 1);
        let payment = &Payment { key: format!("payment-{}", self.payments.get()), cents };
        let mut tries = 0;
        loop {
            tries += 1;
            let update_id = if self.are_hasty { format!("{}/{tries}", payment.key) } else { payment.key.clone() };
            let told = async {
                if is_in {
                    self.pay_in(sim, payment, update_id).await.map(Some)
                } else {
                    pay_out(sim, payment, update_id).await
                }
            };
            match tokio::time::timeout(PATIENCE, told).await {
                Err(_) => foretime::sometimes!(true, "a customer loses patience, and asks again"),
                Ok(Err(WorkflowUpdateError::Failed(failure))) if failure.message.contains(NOT_COVERED) => {
                    foretime::sometimes!(true, "a payment is refused");
                    return Ok(None);
                }
                Ok(Err(WorkflowUpdateError::Rpc(status))) if status.code() == Code::FailedPrecondition => {
                    tokio::time::sleep(BEFORE_ANOTHER_TRY).await;
                }
                Ok(told) => return Ok(told?),
            }
        }
    }

    async fn pay_in(&self, sim: &Sim, payment: &Payment, update_id: String) -> Result<i64, WorkflowUpdateError> {
        let options = WorkflowUpdateWithStartOptions::new(TASK_QUEUE, ACCOUNT, WorkflowIdConflictPolicy::UseExisting);
        let options = options.update_id(update_id).build();
        let opening = Opening { balance_cents: self.opened_with_cents, ..Opening::default() };
        let told =
            sim.client().execute_update_with_start_workflow(Account::run, opening, Account::pay_in, payment.clone(), options);
        told.await.map_err(|error| match error {
            WorkflowUpdateWithStartError::Update(error) => error,
            other => WorkflowUpdateError::Other(other.into()),
        })
    }
}

async fn pay_out(sim: &Sim, payment: &Payment, update_id: String) -> Result<Option<i64>, WorkflowUpdateError> {
    let account = sim.client().get_workflow_handle::<Account>(ACCOUNT);
    let options = WorkflowExecuteUpdateOptions::builder().update_id(update_id).build();
    account.execute_update(Account::pay_out, payment.clone(), options).await
}
