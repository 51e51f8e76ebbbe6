//! A day of operations in a simulation: reports by a schedule, shipments that get stuck, and an operator who looks after both.
//! Whatever happens, each report is there for its instant, each parcel went once to the address that came last, and what the
//! server lists and counts is what happened.

use std::{collections::BTreeMap, time::Duration};

use foretime::{
    Failure, Faults, SearchAttributeType, Sim,
    proptest::{collection::vec, prelude::Strategy, sample::select},
};
use futures::future::{try_join, try_join_all};
use temporalio_client::{WorkflowExecutionStatus, WorkflowSignalOptions, WorkflowStartOptions};
use temporalio_common::protos::temporal::api::history::v1::{HistoryEvent, history_event::Attributes};

use super::{
    Depot, STAGE, Shipment, TASK_QUEUE, broken,
    operator::{Operator, some_rounds},
    timetable::a_timetable,
    worker,
};
use crate::people::{few_named, in_time, span};

const HOUR: Duration = Duration::from_secs(60 * 60);
const ADDRESSES: [&str; 3] = ["Basel", "Chur", "Olten"];
/// Longer than what may be left of a wait between attempts.
const PATIENCE_HOURS: u32 = 24;

/// A few shipments, and a schedule beside them.
///
/// # Errors
/// What did not hold.
pub async fn simulation(sim: Sim) -> foretime::Result {
    let depot = Depot::default();
    let at_work = depot.clone();
    sim.add_search_attributes([(STAGE.name(), SearchAttributeType::Keyword)]).await?;
    sim.dynamic_config("frontend.WorkflowPauseEnabled", "true");
    sim.workers(2, move |_| worker(&at_work));
    sim.faults(Faults::swarm());
    let timetable = sim.draw("timetable", a_timetable());
    let orders = sim.draw("orders", a_few_orders());
    let (closed_after, closed_for) = sim.draw("the depot is closed after, and for", (span(HOUR * 6), span(HOUR * 12)));
    let rounds = sim.draw("rounds", some_rounds());
    let mut operator = Operator::new(&sim);
    let close = async {
        tokio::time::sleep(closed_after).await;
        depot.close(true);
        tokio::time::sleep(closed_for).await;
        depot.close(false);
        Ok::<(), Failure>(())
    };
    let shipments = async {
        try_join(try_join_all(orders.iter().map(|order| order.is_placed(&sim))), operator.look_after(&rounds)).await?;
        Ok(())
    };
    let (base_s, _) = try_join(timetable.keep(&sim), try_join(close, shipments)).await?;
    // What has failed often waits for hours. An action after the end of the schedule would be seen, too.
    sim.stop_faults();
    tokio::time::sleep(HOUR * 8).await;
    timetable.assert_reported(&sim, &depot, base_s).await?;
    all_end(&mut operator).await?;
    for order in &orders {
        order.assert_shipped(&sim, &depot, &operator).await?;
    }
    counts_are_true(&mut operator, orders.len()).await?;
    delete_some(&mut operator).await?;
    sim.ledger().exactly_once_by_key()?;
    operator.sometimes();
    Ok(())
}

/// One shipment that passes on no key. When all is over, somebody resets it.
///
/// # Errors
/// What did not hold.
pub async fn simulation_of_broken(sim: Sim) -> foretime::Result {
    let depot = Depot::default();
    let at_work = depot.clone();
    sim.add_search_attributes([(STAGE.name(), SearchAttributeType::Keyword)]).await?;
    sim.workers(1, move |_| broken::worker(&at_work));
    let order = Order { id: "chair", after: Duration::ZERO, addresses: vec![(sim.draw("told after", span(HOUR)), "Basel")] };
    order.is_placed(&sim).await?;
    let mut operator = Operator::new(&sim);
    all_end(&mut operator).await?;
    for shipment in operator.find("ExecutionStatus = 'Completed'").await? {
        operator.reset(shipment.id(), shipment.run_id()).await?;
    }
    all_end(&mut operator).await?;
    sim.ledger().exactly_once_by_key()?;
    Ok(())
}

/// An order, and when its customer says where it goes.
#[derive(Clone, Debug)]
struct Order {
    id: &'static str,
    /// How long after the start it is placed.
    after: Duration,
    /// How long after the one before.
    addresses: Vec<(Duration, &'static str)>,
}

fn a_few_orders() -> impl Strategy<Value = Vec<Order>> {
    let addresses = vec((span(HOUR * 4), select(&ADDRESSES)), 0..=2);
    few_named(&["chair", "desk", "lamp"], (span(HOUR * 6), addresses), |id, (after, addresses)| Order { id, after, addresses })
}

impl Order {
    async fn is_placed(&self, sim: &Sim) -> foretime::Result {
        tokio::time::sleep(self.after).await;
        let options = WorkflowStartOptions::new(TASK_QUEUE, self.id).build();
        sim.client().start_workflow(Shipment::run, (), options).await?;
        let shipment = sim.client().get_workflow_handle::<Shipment>(self.id);
        for (after, address) in &self.addresses {
            tokio::time::sleep(*after).await;
            let options = WorkflowSignalOptions::default();
            in_time(shipment.signal(Shipment::address, (*address).to_owned(), options).await)?;
        }
        Ok(())
    }

    /// The parcel went once, to the address that its run knew last when it asked for that.
    async fn assert_shipped(&self, sim: &Sim, depot: &Depot, operator: &Operator<'_>) -> foretime::Result {
        assert_eq!(sim.ledger().done("ship", self.id), 1, "{} was shipped", self.id);
        let effects = sim.ledger().effects();
        let asked = effects.iter().filter(|it| it.kind == "ship" && it.subject == self.id).count();
        foretime::sometimes!(asked > 1, "a parcel is asked for again, and recognised");
        let went = depot.shipped(self.id).unwrap_or_else(|| panic!("{} was shipped", self.id));
        let history = operator.backwards(self.id, &went.run_id).await?;
        assert_eq!(Some(went.address), last_address(&history), "the address of {}", self.id);
        Ok(())
    }
}

/// The address that a run knew when it asked to ship. Its events are given from the last to the first.
fn last_address(backwards: &[HistoryEvent]) -> Option<String> {
    let at = |id: i64| backwards.iter().find(|event| event.event_id == id).and_then(|event| event.attributes.as_ref());
    let completed = backwards.iter().find_map(|event| match event.attributes.as_ref()? {
        Attributes::ActivityTaskScheduledEventAttributes(it) if it.activity_type.as_ref()?.name == "Staff::ship" => {
            Some(it.workflow_task_completed_event_id)
        }
        _ => None,
    })?;
    let Attributes::WorkflowTaskCompletedEventAttributes(completed) = at(completed)? else { return None };
    backwards.iter().filter(|event| event.event_id < completed.started_event_id).find_map(|event| {
        let Attributes::WorkflowExecutionSignaledEventAttributes(it) = event.attributes.as_ref()? else { return None };
        serde_json::from_slice(&it.input.as_ref()?.payloads.first()?.data).ok()
    })
}

/// Waits until no shipment is open, and repairs what is in the way.
async fn all_end(operator: &mut Operator<'_>) -> foretime::Result {
    for _ in 0..PATIENCE_HOURS {
        operator.clean_up().await?;
        tokio::time::sleep(HOUR).await;
        let open = operator.find("ExecutionStatus IN ('Running', 'Paused')").await?;
        if open.is_empty() {
            return Ok(());
        }
    }
    let open = operator.find("ExecutionStatus IN ('Running', 'Paused')").await?;
    let open: Vec<_> = open.iter().map(|shipment| (shipment.id(), shipment.status())).collect();
    panic!("shipments have not ended in a day: {open:?}");
}

/// Each order has one run, and another for each reset. One of them ends as it should. A reset terminated the others, unless they had
/// ended meanwhile.
async fn counts_are_true(operator: &mut Operator<'_>, orders: usize) -> foretime::Result {
    let runs = operator.find("CloseTime IS NOT NULL").await?;
    assert_eq!(runs.len(), orders + operator.resets, "the runs of all shipments");
    let mut by_status: BTreeMap<String, usize> = BTreeMap::new();
    for run in &runs {
        *by_status.entry(format!("{:?}", run.status())).or_default() += 1;
    }
    assert_eq!(operator.counts().await?, by_status, "what is counted is what is listed");
    let completed = by_status.get("Completed").copied().unwrap_or_default();
    let terminated = by_status.get("Terminated").copied().unwrap_or_default();
    assert_eq!(completed + terminated, runs.len(), "nothing failed");
    foretime::always!(completed >= orders, "each order has a run that completed");
    let shipped = operator.find(&format!("{} = 'shipped' AND ExecutionStatus = 'Completed'", STAGE.name())).await?;
    foretime::always!(shipped.len() == completed, "a shipment that completed was shipped");
    Ok(())
}

/// Resets one that is over: its run stays as it was, and there is another. Then deletes some, and they are gone.
async fn delete_some(operator: &mut Operator<'_>) -> foretime::Result {
    let completed = operator.find("ExecutionStatus = 'Completed'").await?;
    if let Some(shipment) = completed.first() {
        let is_reset = operator.reset(shipment.id(), shipment.run_id()).await?;
        all_end(operator).await?;
        let again = operator.find("ExecutionStatus = 'Completed'").await?;
        assert_eq!(again.len(), completed.len() + usize::from(is_reset), "those that were over, and a reset");
    }
    let terminated = operator.find("ExecutionStatus = 'Terminated'").await?;
    foretime::sometimes!(!terminated.is_empty(), "a run that was reset is deleted");
    if let Some(run) = terminated.first() {
        assert_eq!(run.status(), WorkflowExecutionStatus::Terminated);
        operator.delete(run.id(), run.run_id()).await?;
        assert_eq!(operator.delete_all("ExecutionStatus = 'Terminated'").await?, terminated.len() - 1, "the others");
    }
    let left = operator.find("ExecutionStatus != 'Completed'").await?;
    foretime::always!(left.is_empty(), "what was deleted is not listed");
    Ok(())
}
