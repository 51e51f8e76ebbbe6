//! The subscription as it was first deployed, before loyalty was rewarded. Workers of old ran this under the same name.

use foretime_scenarios::{
    outside::{Charge, Letter},
    subscription::{Billing, MONTH, Plan, RENEWALS, State, Status, a_minute, patiently},
};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{WorkflowContext, WorkflowResult};

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
