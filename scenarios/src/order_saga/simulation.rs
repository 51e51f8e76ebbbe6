//! Orders in a simulation: too many for the stock, some with a bad card or an address on the Moon, some cancelled. They come in
//! through the shop's API, which crashes, too. Whatever happens, an order is shipped and paid, or nothing is left of it, and stock
//! and money agree with what was shipped.

use std::{collections::BTreeSet, time::Duration};

use foretime::{
    Faults, Sim, StruckClient,
    proptest::{option, prelude::*},
};
use futures::future::try_join_all;
use temporalio_client::{
    WorkflowCancelOptions, WorkflowGetResultOptions, WorkflowIdReusePolicy, WorkflowStartOptions, errors::WorkflowStartError,
    tonic::Code,
};

use super::{Order, OrderSaga, Outcome, Shop, Step, TASK_QUEUE, worker};
use crate::people::{few_named, in_one_of_three, in_time, span};

const ORDERS: [&str; 6] = ["order-1", "order-2", "order-3", "order-4", "order-5", "order-6"];
const STOCK: u32 = 10;
/// How long a customer whose order did not get through waits before they send it again.
const BEFORE_ANOTHER_TRY: Duration = Duration::from_secs(2);
const STEPS: [Step; 3] = [Step::Reserve, Step::Charge, Step::Ship];

/// How a server says that it may be worth another try.
const TROUBLES: [Code; 3] = [Code::Unavailable, Code::ResourceExhausted, Code::DeadlineExceeded];

/// A few customers of a small shop.
///
/// # Errors
/// What did not hold.
pub async fn simulation(sim: Sim) -> foretime::Result {
    let shop = Shop::default();
    shop.stock_up("lamp", STOCK);
    shop.decline_card("4712");
    shop.close_address("Moon");
    let at_work = shop.clone();
    sim.workers(2, move |_| worker(&at_work));
    let api = sim.struck_client();
    sim.faults(Faults::swarm());
    let customers = sim.draw("customers", a_few_customers());
    for customer in &customers {
        shop.lose_replies(customer.id, customer.replies_lost.unwrap_or_default());
    }
    let outcomes = try_join_all(customers.iter().map(|customer| customer.order(&sim, &api))).await?;
    // Leaves time for what is late.
    tokio::time::sleep(Duration::from_secs(60 * 60)).await;
    for (customer, outcome) in customers.iter().zip(&outcomes) {
        customer.assert_all_or_nothing(*outcome, &shop);
    }
    assert_books_balance(&customers, &outcomes, &shop);
    sim.ledger().exactly_once_by_key()?;
    foretime::sometimes!(outcomes.contains(&Outcome::Cancelled), "an order is cancelled in time");
    foretime::sometimes!(outcomes.contains(&Outcome::Failed(Step::Ship)), "all steps of an order are undone");
    Ok(())
}

/// Stock and money must match the shipped orders.
fn assert_books_balance(customers: &[Customer], outcomes: &[Outcome], shop: &Shop) {
    let shipped = || customers.iter().zip(outcomes).filter(|(_, outcome)| **outcome == Outcome::Shipped).map(|(it, _)| it);
    assert_eq!(shop.in_stock("lamp") + shipped().map(|it| it.order.pieces).sum::<u32>(), STOCK);
    assert_eq!(shop.taken_cents(), shipped().map(|it| it.order.price_cents).sum::<u64>());
    assert_eq!(shop.parcels(), shipped().map(|it| it.id.to_owned()).collect::<BTreeSet<_>>());
}

/// A customer: one order, and perhaps a change of mind.
#[derive(Clone, Debug)]
struct Customer {
    id: &'static str,
    order: Order,
    orders_after: Duration,
    cancels_after: Option<Duration>,
    /// How many replies of the shop's partners are lost.
    replies_lost: Option<u32>,
}

fn a_few_customers() -> impl Strategy<Value = Vec<Customer>> {
    let soon = prop_oneof![span(Duration::from_millis(30)), span(Duration::from_secs(1)), span(Duration::from_secs(600)),];
    // A step has ten attempts. If ten replies or more are lost, it fails for good, though it was done.
    let replies_lost = in_one_of_three(prop_oneof![Just(8), Just(11)]);
    let each = (an_order(), span(Duration::from_secs(60)), option::of(soon), replies_lost);
    few_named(&ORDERS, each, |id, (order, orders_after, cancels_after, replies_lost)| Customer {
        id,
        order,
        orders_after,
        cancels_after,
        replies_lost,
    })
}

/// One in four has a bad card, and one in four an address to which nothing is sent.
fn an_order() -> impl Strategy<Value = Order> {
    let pieces = prop_oneof![Just(1), Just(3)];
    let card = prop_oneof![3 => Just("4711"), 1 => Just("4712")];
    let address = prop_oneof![3 => Just("Earth"), 1 => Just("Moon")];
    (pieces, card, address).prop_map(|(pieces, card, address)| Order {
        article: "lamp".to_owned(),
        pieces,
        card: card.to_owned(),
        price_cents: 2_000 * u64::from(pieces),
        address: address.to_owned(),
    })
}

impl Customer {
    async fn order(&self, sim: &Sim, api: &StruckClient) -> foretime::Result<Outcome> {
        tokio::time::sleep(self.orders_after).await;
        while !self.is_taken(api).await? {
            tokio::time::sleep(BEFORE_ANOTHER_TRY).await;
        }
        let order = sim.client().get_workflow_handle::<OrderSaga>(self.id);
        if let Some(after) = self.cancels_after {
            tokio::time::sleep(after).await;
            in_time(order.cancel(WorkflowCancelOptions::default()).await)?;
        }
        Ok(order.get_result(WorkflowGetResultOptions::default()).await?)
    }

    /// Sends the order to the shop. Returns whether the shop says that it has it. If it does not say so, it may have it all the same;
    /// so an order that comes again is not another one, not even when the first is done with.
    async fn is_taken(&self, api: &StruckClient) -> foretime::Result<bool> {
        let (id, order) = (self.id, self.order.clone());
        let taken = api.call(move |client| async move {
            let once = WorkflowIdReusePolicy::RejectDuplicate;
            let options = WorkflowStartOptions::new(TASK_QUEUE, id).id_reuse_policy(once).build();
            client.start_workflow(OrderSaga::run, order, options).await.map(drop)
        });
        match taken.await {
            Ok(Ok(())) => Ok(true),
            Ok(Err(WorkflowStartError::AlreadyStarted { .. })) => {
                foretime::sometimes!(true, "an order comes again");
                Ok(true)
            }
            Ok(Err(WorkflowStartError::Rpc(status))) if TROUBLES.contains(&status.code()) => Ok(false),
            Ok(Err(error)) => Err(error.into()),
            Err(crashed) => {
                foretime::sometimes!(!crashed.is_down(), "the shop's API crashes with an order in its hands");
                Ok(false)
            }
        }
    }

    /// The steps were done in order, and either all of them or all undone in reverse order.
    fn assert_all_or_nothing(&self, outcome: Outcome, shop: &Shop) {
        let diary: Vec<String> = shop.diary().into_iter().filter(|entry| entry.ends_with(self.id)).collect();
        let done = diary.iter().filter(|entry| !entry.starts_with("undo")).count();
        let mut expected: Vec<String> = STEPS[..done].iter().map(|step| format!("{step} {}", self.id)).collect();
        match outcome {
            Outcome::Shipped => foretime::always!(done == STEPS.len(), "a shipped order is reserved, charged and sent"),
            Outcome::Failed(_) | Outcome::Cancelled => {
                expected.extend(STEPS[..done].iter().rev().map(|step| format!("undo {step} {}", self.id)));
            }
        }
        assert_eq!(diary, expected, "{} is {outcome:?}", self.id);
        if let Outcome::Failed(step) = outcome {
            let before = STEPS.iter().take_while(|it| **it != step).count();
            foretime::always!(done == before || done == before + 1, "an order fails in the step after the last that went well");
        }
    }
}
