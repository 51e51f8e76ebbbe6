//! The subscription as it was first deployed, before the loyalty discount. Old workers ran this under the same name.

use std::sync::Arc;

use foretime_scenarios::{
    outside::{Charge, Letter, Outside},
    subscription::{Billing, MONTH, Plan, RENEWALS, State, Status, TASK_QUEUE, a_minute, patiently},
};
use temporalio_common::worker::WorkerDeploymentOptions;
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{WorkerOptions, WorkflowContext, WorkflowRegistrationError, WorkflowResult};

#[workflow]
#[derive(Default)]
pub(crate) struct FirstSubscription;

#[workflow_methods]
impl FirstSubscription {
    #[run(name = "Subscription")]
    pub(crate) async fn run(ctx: &mut WorkflowContext<Self>, plan: Plan) -> WorkflowResult<Status> {
        let mut status = Status { state: State::Active, charges: 0, paid_cents: 0 };
        for month in 0..=RENEWALS {
            if month > 0 {
                ctx.timer(MONTH).await;
            }
            let charge = Charge {
                idempotency_key: format!("{}/{month}", ctx.workflow_id()),
                customer: plan.customer.clone(),
                amount_cents: plan.price_cents,
            };
            ctx.execute_activity(Billing::charge, charge, patiently()).await?;
            status.charges += 1;
            status.paid_cents += plan.price_cents;
            if month == 0 {
                let welcome = Letter { customer: plan.customer.clone(), text: "welcome".to_owned() };
                ctx.execute_activity(Billing::send_email, welcome, a_minute()).await?;
            }
        }
        status.state = State::Completed;
        Ok(status)
    }
}

/// The options of an old worker that serves subscriptions.
pub(crate) fn worker(outside: &Arc<Outside>) -> Result<WorkerOptions, WorkflowRegistrationError> {
    let options = WorkerOptions::new(TASK_QUEUE)
        .deployment_options(WorkerDeploymentOptions::from_build_id("first-deploy".to_owned()))
        .register_workflow::<FirstSubscription>()?
        .register_activities(Billing { outside: outside.clone() })
        .build();
    Ok(options)
}
