//! A deploy that rolls over open workflows. For a while old and new code are at work together, and an old worker may get a
//! workflow that a new one has worked on. No code avoids that; the server gives the task out again.

use std::time::Duration;

use foretime::{Faults, Sim, When};
use temporalio_client::{WorkflowGetResultOptions, WorkflowStartOptions};
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::{
    ActivityOptions, WorkerOptions, WorkflowContext, WorkflowRegistrationError, WorkflowResult,
    activities::{ActivityContext, ActivityError},
};

const QUEUE: &str = "orders";

struct Shop;

#[activities]
impl Shop {
    #[activity]
    async fn check(_ctx: ActivityContext, _order: String) -> Result<(), ActivityError> {
        Ok(())
    }

    #[activity]
    async fn charge(_ctx: ActivityContext, order: String) -> Result<(), ActivityError> {
        foretime::effect("charge", &order).key(&order).apply();
        Ok(())
    }
}

/// A version of the workflow, which may check an order before it charges it.
macro_rules! version {
    ($name:ident, |$ctx:ident| $checks:expr) => {
        mod $name {
            use super::*;

            #[workflow]
            #[derive(Default)]
            pub(crate) struct Order;

            #[workflow_methods]
            impl Order {
                #[run(name = "Order")]
                pub(crate) async fn run($ctx: &mut WorkflowContext<Self>, order: String) -> WorkflowResult<()> {
                    $ctx.timer(Duration::from_secs(10)).await;
                    let options = || ActivityOptions::start_to_close_timeout(Duration::from_secs(30));
                    if $checks {
                        $ctx.execute_activity(Shop::check, order.clone(), options()).await?;
                    }
                    $ctx.execute_activity(Shop::charge, order, options()).await?;
                    $ctx.timer(Duration::from_secs(10)).await;
                    Ok(())
                }
            }

            pub(crate) fn worker(_number: usize) -> Result<WorkerOptions, WorkflowRegistrationError> {
                Ok(WorkerOptions::new(QUEUE).register_workflow::<Order>()?.register_activities(Shop).build())
            }
        }
    };
}

version!(without_check, |ctx| false);
version!(with_check, |ctx| ctx.patched("check"));
version!(always_with_check, |ctx| true);

/// Orders every three seconds, with a deploy in the middle. The first worker with the new code crashes after it has worked on
/// an order. The other worker takes the order over, in some worlds still with the old code.
#[foretime::test(runs = 40)]
async fn old_code_may_meet_what_new_code_has_written(sim: Sim) -> foretime::Result {
    let workers = sim.workers(2, without_check::worker);
    sim.faults(Faults::none().crash(When::event("MarkerRecorded", 1), 1));
    let mut orders = Vec::new();
    for number in 0..10 {
        if number == 5 {
            workers.deploy(with_check::worker);
        }
        let order = format!("order-{number}");
        let options = WorkflowStartOptions::new(QUEUE, &order).build();
        orders.push(sim.client().start_workflow(without_check::Order::run, order, options).await?);
        sim.sleep(Duration::from_secs(3)).await;
    }
    for order in orders {
        order.get_result(WorkflowGetResultOptions::default()).await?;
    }
    sim.ledger().exactly_once_by_key()?;
    Ok(())
}

/// When all orders of the old code are closed, no worker gets them again, so the new code needs no patch.
#[foretime::test(runs = 20)]
async fn what_was_closed_before_a_deploy_is_the_old_codes_concern(sim: Sim) -> foretime::Result {
    let workers = sim.workers(2, without_check::worker);
    sim.faults(Faults::swarm());
    for number in 0..6 {
        match number {
            2 => workers.deploy(always_with_check::worker),
            4 => workers.deploy(without_check::worker),
            _ => {}
        }
        // The workers of the earlier version are gone.
        sim.sleep(Duration::from_secs(3600)).await;
        let order = format!("order-{number}");
        let options = WorkflowStartOptions::new(QUEUE, &order).build();
        let order = sim.client().start_workflow(without_check::Order::run, order, options).await?;
        order.get_result(WorkflowGetResultOptions::default()).await?;
    }
    Ok(())
}

/// An order that is open when the new code comes must replay on it.
#[foretime::test(runs = 20, finds = "Nondeterminism error")]
async fn what_is_open_at_a_deploy_is_the_new_codes_concern(sim: Sim) -> foretime::Result {
    let workers = sim.workers(2, without_check::worker);
    let options = WorkflowStartOptions::new(QUEUE, "order").build();
    let order = sim.client().start_workflow(without_check::Order::run, "order".to_owned(), options).await?;
    sim.sleep(Duration::from_secs(15)).await;
    workers.deploy(always_with_check::worker);
    order.get_result(WorkflowGetResultOptions::default()).await?;
    Ok(())
}
