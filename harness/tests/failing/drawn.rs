//! What tests draw for themselves: inputs, chance, and faults of their own, each found together with what else it takes.

use std::{cell::Cell, time::Duration};

use foretime::{
    Faults, Sim, StateMachine,
    proptest::{char::range, collection::vec, prelude::*},
};
use temporalio_client::{WorkflowGetResultOptions, WorkflowStartOptions};
use temporalio_common::RetryPolicy;
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::{
    ActivityOptions, WorkerOptions, WorkflowContext, WorkflowRegistrationError, WorkflowResult,
    activities::{ActivityContext, ActivityError},
};

use crate::{assert_says, fails};

/// Orders above this amount go another way in the shop.
const LARGE: u32 = 700;

#[workflow]
#[derive(Default)]
struct Order;

#[workflow_methods]
impl Order {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>, (way, amount): (String, u32)) -> WorkflowResult<()> {
        let options = ActivityOptions::with_start_to_close_timeout(Duration::from_secs(20))
            .retry_policy(RetryPolicy::builder().initial_interval(Duration::from_secs(1)).build())
            .build();
        ctx.execute_activity(Shop::redeem, (way, amount), options).await?;
        Ok(())
    }
}

struct Shop;

#[activities]
impl Shop {
    #[activity]
    async fn redeem(_ctx: ActivityContext, (way, amount): (String, u32)) -> Result<(), ActivityError> {
        match &*way {
            // The mistake: what is large is reviewed, and nobody thought of the key there.
            "coupon" if amount > LARGE => drop(foretime::effect("redeem", "coupon 7").apply()),
            "coupon" | "mended coupon" => drop(foretime::effect("redeem", "coupon 7").key("coupon 7").apply()),
            // The mistake: a lost reply is taken for a failure, and another gateway is asked.
            "gateway" => {
                let _ = foretime::effect("charge", "card 7").key("first gateway").apply();
                if foretime::fault("the first gateway's reply is lost", 0.2) {
                    let _ = foretime::effect("charge", "card 7").key("second gateway").apply();
                }
            }
            "patience" => {
                let took_ms = foretime::random("the gateway takes", 0..=5_000_u64);
                tokio::time::sleep(Duration::from_millis(took_ms)).await;
                foretime::always!(took_ms < 3_000, "the gateway is quick");
            }
            _ => {}
        }
        Ok(())
    }
}

pub(crate) fn worker() -> Result<WorkerOptions, WorkflowRegistrationError> {
    Ok(WorkerOptions::new("orders").register_workflow::<Order>()?.register_activities(Shop).build())
}

pub(crate) async fn order(sim: &Sim, way: &str, amount: u32) -> foretime::Result {
    let options = WorkflowStartOptions::new("orders", format!("order-{way}")).build();
    let run = sim.client().start_workflow(Order::run, (way.to_owned(), amount), options).await?;
    run.get_result(WorkflowGetResultOptions::default()).await?;
    Ok(())
}

#[foretime::test(runs = 1000)]
#[ignore = "fails on purpose"]
async fn coupon(sim: Sim) -> foretime::Result {
    sim.workers(2, |_| worker());
    sim.faults(Faults::swarm());
    let amount = sim.draw("amount", 1..=1_000_u32);
    let _unused = sim.draw("note", prop_oneof![Just("none"), Just("urgent")]);
    order(&sim, "coupon", amount).await?;
    sim.ledger().exactly_once_by_key()?;
    Ok(())
}

#[test]
fn an_input_and_a_fault_are_found_together_and_each_made_least() {
    let text = fails("drawn::coupon", &[]);
    assert_says(
        &text,
        &[
            "redeem coupon 7 was done twice",
            "\n  amount = 701\n",
            "Without that one fault the run passes.",
            "What doomed this one lies between.",
            "FORETIME_ONLY=",
            ",input:",
        ],
    );
}

#[foretime::test(runs = 100)]
#[ignore = "fails on purpose"]
async fn gateway(sim: Sim) -> foretime::Result {
    sim.workers(1, |_| worker());
    sim.faults(Faults::swarm());
    order(&sim, "gateway", 1).await?;
    let charges = sim.ledger().effects();
    assert_eq!(charges.len(), 1, "card 7 pays once");
    Ok(())
}

#[test]
fn a_fault_of_the_tests_own_is_told_and_named() {
    let text = fails("drawn::gateway", &[]);
    assert_says(
        &text,
        &[
            "card 7 pays once",
            "the first gateway's reply is lost, for Shop::redeem of order-gateway, attempt",
            "Without that one fault the run passes.",
            "FORETIME_ONLY=custom:",
        ],
    );
}

#[foretime::test(runs = 100)]
#[ignore = "fails on purpose"]
async fn patience(sim: Sim) -> foretime::Result {
    sim.workers(1, |_| worker());
    order(&sim, "patience", 1).await
}

#[test]
fn chance_is_as_near_to_harmless_as_the_failure_allows() {
    let text = fails("drawn::patience", &[]);
    assert_says(
        &text,
        &["not always: the gateway is quick", "the gateway takes of order-patience = 3000", "It takes no fault."],
    );
}

/// What clients do with one account, which each of them reads before it writes.
#[derive(Clone, Debug)]
enum Action {
    Deposit { cents: u32 },
    Withdraw { cents: u32 },
}

#[derive(Default)]
struct Account {
    balance_cents: Cell<u32>,
    expected_cents: Cell<u32>,
}

impl StateMachine for Account {
    type Action = Action;

    fn actions(&self) -> impl Strategy<Value = Action> {
        prop_oneof![
            3 => (1..=500_u32).prop_map(|cents| Action::Deposit { cents }),
            1 => (1..=500_u32).prop_map(|cents| Action::Withdraw { cents }),
        ]
    }

    fn precondition(&self, action: &Action) -> bool {
        !matches!(action, Action::Withdraw { cents } if *cents > self.balance_cents.get())
    }

    async fn perform(&self, sim: &Sim, action: Action) -> foretime::Result {
        let change = |balance: u32| match &action {
            Action::Deposit { cents } => balance + cents,
            Action::Withdraw { cents } => balance - cents,
        };
        self.expected_cents.set(change(self.expected_cents.get()));
        let read = self.balance_cents.get();
        // The mistake: somebody else may come between.
        sim.sleep(Duration::from_millis(sim.random("think", 0..=20_u64))).await;
        self.balance_cents.set(change(read));
        Ok(())
    }
}

#[foretime::test(runs = 100)]
#[ignore = "fails on purpose"]
async fn account(sim: Sim) -> foretime::Result {
    let account = Account::default();
    sim.run_clients("customer", 3, 0..=6, &account).await?;
    assert_eq!(account.balance_cents, account.expected_cents, "nothing is lost");
    Ok(())
}

#[test]
fn what_clients_do_at_the_same_time_is_told_with_the_fewest_actions() {
    let text = fails("drawn::account", &[]);
    assert_says(&text, &["nothing is lost", "actions of customer-"]);
    let actions = text.lines().filter(|line| line.contains(" did Deposit { cents: 1 }.")).count();
    assert_eq!(actions, 2, "two deposits of a cent suffice:\n{text}");
    assert_eq!(text.matches(" = []").count(), 1, "the third customer does nothing:\n{text}");
}

#[foretime::test(runs = 100)]
#[ignore = "fails on purpose"]
async fn name(sim: Sim) -> foretime::Result {
    let name: String = sim.draw("name", vec(range('a', 'z'), 0..=12)).into_iter().collect();
    let name = sim.draw("full name", Just(name));
    assert!(!name.contains('q'), "customer {name} cannot pay");
    Ok(())
}

#[test]
fn a_message_with_what_was_drawn_is_the_same_with_a_simpler_one() {
    let text = fails("drawn::name", &[]);
    assert_says(&text, &["customer q cannot pay", "full name = \"q\"", "It takes no fault."]);
}

#[foretime::test(runs = 100)]
#[ignore = "fails on purpose"]
async fn stay(sim: Sim) -> foretime::Result {
    let from = sim.draw("from", 0..=1_000_u32);
    let to = sim.draw("to", 0..=1_000_u32);
    assert!(from <= to, "the stay ends before it begins");
    Ok(())
}

#[test]
fn an_input_is_made_simpler_again_when_another_is() {
    assert_says(&fails("drawn::stay", &[]), &["from = 1\n", "to = 0\n", "It takes no fault."]);
}

#[foretime::test(runs = 100)]
#[ignore = "fails on purpose"]
async fn upload(sim: Sim) -> foretime::Result {
    let bytes = sim.draw("bytes", vec(any::<u8>(), 0..=3_000));
    assert!(bytes.len() < 3, "it is too long");
    Ok(())
}

#[test]
fn a_long_list_is_soon_a_short_one() {
    assert_says(&fails("drawn::upload", &[]), &["bytes = [0, 0, 0]\n", "It takes no fault."]);
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn nothing(sim: Sim) -> foretime::Result {
    let _ = sim.draw("nothing", any::<u8>().prop_filter("there is none", |_| false));
    Ok(())
}

#[test]
fn where_a_strategy_found_no_value_is_told() {
    let text = fails("drawn::nothing", &[]);
    assert_says(&text, &["no nothing could be drawn: ", "at harness/tests/failing/drawn.rs:"]);
}

#[test]
fn names_that_lead_nowhere_are_told() {
    let only = |names| fails("drawn::nothing", &[("FORETIME_SEED", "1"), ("FORETIME_ONLY", names)]);
    assert_says(&only("none,input:5c31d08e:3s"), &["was not drawn in this run, which did not ask for it: input:5c31d08e"]);
    let text = fails("drawn::nothing", &[("FORETIME_ONLY", "none")]);
    assert_says(&text, &["FORETIME_ONLY is of one seed: say which with FORETIME_SEED."]);
}
