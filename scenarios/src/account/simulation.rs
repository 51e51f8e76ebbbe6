//! An account in a simulation: a few customers share it, pay in and take out, while the bank pays interest. They are impatient,
//! and ask again. Whatever happens, the balance is what came in less what was handed over, each payment is handed over once,
//! and nobody takes more than there is.

use std::time::Duration;

use foretime::{ActivityFaults, Faults, Sim};
use futures::future::{try_join, try_join_all};
use temporalio_client::{
    WorkflowExecuteUpdateOptions, WorkflowGetResultOptions, WorkflowIdConflictPolicy, WorkflowSignalOptions,
    WorkflowUpdateWithStartOptions,
    errors::{WorkflowUpdateError, WorkflowUpdateWithStartError},
    tonic::Code,
};
use temporalio_sdk::{WorkerOptions, WorkflowRegistrationError};

use super::{Account, NOT_COVERED, Opening, Payment, TASK_QUEUE, Till, broken, worker};
use crate::people::{Dice, in_time};

const ACCOUNT: &str = "account";
/// The time between two visits of a customer, and between two payments of interest, at most.
const BETWEEN_VISITS: Duration = Duration::from_secs(60 * 60);
/// How long a customer waits at the counter.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long an account whose worker is in trouble is left alone.
const BEFORE_ANOTHER_TRY: Duration = Duration::from_secs(10);

/// How a simulation differs from others.
struct Setting {
    worker: fn(&Till) -> Result<WorkerOptions, WorkflowRegistrationError>,
    /// The bug: customers who ask again do so under another id.
    has_hasty_customers: bool,
}

/// A few customers and an account.
///
/// # Errors
/// What did not hold.
pub async fn simulation(sim: Sim) -> foretime::Result {
    of(sim, &Setting { worker, has_hasty_customers: false }).await
}

/// The same with a validator that changes state.
///
/// # Errors
/// What did not hold.
pub async fn simulation_of_reserving_validator(sim: Sim) -> foretime::Result {
    of(sim, &Setting { worker: broken::reserving::worker, has_hasty_customers: false }).await
}

/// The same with runs that end while payments are being made.
///
/// # Errors
/// What did not hold.
pub async fn simulation_of_unfinished_handlers(sim: Sim) -> foretime::Result {
    of(sim, &Setting { worker: broken::unfinished::worker, has_hasty_customers: false }).await
}

/// The same with customers who ask again under another id: what they ask for is done twice.
///
/// # Errors
/// What did not hold.
pub async fn simulation_of_hasty_customers(sim: Sim) -> foretime::Result {
    of(sim, &Setting { worker, has_hasty_customers: true }).await
}

async fn of(sim: Sim, setting: &Setting) -> foretime::Result {
    let mut dice = Dice::of(&sim);
    let till = Till::default();
    let (at_work, worker) = (till.clone(), setting.worker);
    sim.workers(2, move |_| worker(&at_work));
    let slow = ActivityFaults::default().slow(0.3, Duration::from_millis(500)..=Duration::from_secs(40));
    sim.faults(Faults::swarm().activity("Counter::hand_over", slow.fails(0.1)));
    let names = dice.few_of(&["ada", "bob", "eve"]);
    let customers: Vec<Customer> = names.iter().map(|name| Customer::draw(name, &mut dice)).collect();
    let interest: Vec<Visit> = (0..dice.below(3)).map(|_| Visit::draw(&mut dice)).collect();
    let visits = try_join_all(customers.iter().map(|customer| customer.comes_and_goes(&sim, setting)));
    let (told, interest_cents) = try_join(visits, pay_interest(&sim, &interest)).await?;
    let account = sim.client().get_workflow_handle::<Account>(ACCOUNT);
    account.signal(Account::close, (), WorkflowSignalOptions::default()).await?;
    let balance_cents = account.get_result(WorkflowGetResultOptions::default()).await?;
    let (cents_in, cents_out) = told.iter().fold((interest_cents, 0), |(into, out), told| (into + told.0, out + told.1));
    foretime::always!(balance_cents == cents_in - cents_out, "the balance is what came in less what went out");
    foretime::always!(till.cents_out() == cents_out, "what is told to be handed over is");
    foretime::always!(balance_cents >= 0, "nobody takes more than there is");
    sim.ledger().exactly_once_by_key()?;
    Ok(())
}

/// Returns how much the account got, in cents. There may be none yet.
async fn pay_interest(sim: &Sim, payments: &[Visit]) -> foretime::Result<i64> {
    let mut paid_cents = 0;
    for Visit { after, cents } in payments {
        tokio::time::sleep(*after).await;
        let account = sim.client().get_workflow_handle::<Account>(ACCOUNT);
        if in_time(account.signal(Account::interest, *cents, WorkflowSignalOptions::default()).await)? {
            paid_cents += cents;
        }
    }
    Ok(paid_cents)
}

/// How long after the one before, and how much.
#[derive(Clone, Copy)]
struct Visit {
    after: Duration,
    cents: i64,
}

impl Visit {
    fn draw(dice: &mut Dice) -> Self {
        Self { after: dice.span(BETWEEN_VISITS), cents: 100 * (1 + i64::try_from(dice.below(9)).unwrap_or_default()) }
    }
}

/// A customer, and what they do. The first thing is to pay in, which opens the account.
struct Customer {
    name: &'static str,
    pays_in: Visit,
    /// Whether they pay in or take out.
    then: Vec<(bool, Visit)>,
}

impl Customer {
    fn draw(name: &'static str, dice: &mut Dice) -> Self {
        let pays_in = Visit::draw(dice);
        Self { name, pays_in, then: (0..dice.below(4)).map(|_| (dice.once_in(2), Visit::draw(dice))).collect() }
    }

    /// Returns what came in and what went out, in cents.
    async fn comes_and_goes(&self, sim: &Sim, setting: &Setting) -> foretime::Result<(i64, i64)> {
        let (mut cents_in, mut cents_out) = (0, 0);
        for (number, (is_in, visit)) in std::iter::once(&(true, self.pays_in)).chain(&self.then).enumerate() {
            tokio::time::sleep(visit.after).await;
            let payment = Payment { key: format!("{}/{number}", self.name), cents: visit.cents };
            match asks(sim, *is_in, &payment, setting).await? {
                Some(_) if *is_in => cents_in += visit.cents,
                Some(_) => cents_out += visit.cents,
                None => {}
            }
        }
        Ok((cents_in, cents_out))
    }
}

/// Asks until there is an answer. Returns the balance; none if the account does not cover the payment.
async fn asks(sim: &Sim, is_in: bool, payment: &Payment, setting: &Setting) -> foretime::Result<Option<i64>> {
    let mut tries = 0;
    loop {
        tries += 1;
        let update_id = if setting.has_hasty_customers { format!("{}/{tries}", payment.key) } else { payment.key.clone() };
        let told = async {
            if is_in { pay_in(sim, payment, update_id).await.map(Some) } else { pay_out(sim, payment, update_id).await }
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

async fn pay_in(sim: &Sim, payment: &Payment, update_id: String) -> Result<i64, WorkflowUpdateError> {
    let options = WorkflowUpdateWithStartOptions::new(TASK_QUEUE, ACCOUNT, WorkflowIdConflictPolicy::UseExisting);
    let options = options.update_id(update_id).build();
    let opening = Opening::default();
    let told =
        sim.client().execute_update_with_start_workflow(Account::run, opening, Account::pay_in, payment.clone(), options);
    told.await.map_err(|error| match error {
        WorkflowUpdateWithStartError::Update(error) => error,
        other => WorkflowUpdateError::Other(other.into()),
    })
}

async fn pay_out(sim: &Sim, payment: &Payment, update_id: String) -> Result<Option<i64>, WorkflowUpdateError> {
    let account = sim.client().get_workflow_handle::<Account>(ACCOUNT);
    let options = WorkflowExecuteUpdateOptions::builder().update_id(update_id).build();
    account.execute_update(Account::pay_out, payment.clone(), options).await
}
