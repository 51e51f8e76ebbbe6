//! The child workflow of a subscription. It writes down what was paid first.

use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{WorkflowContext, WorkflowResult};

use crate::{
    billing::{Billing, Letter},
    subscription::a_minute,
};

/// Ends once the letter is sent.
#[workflow]
#[derive(Default)]
pub(crate) struct Receipt;

#[workflow_methods]
impl Receipt {
    #[run]
    pub(crate) async fn run(ctx: &mut WorkflowContext<Self>, letter: Letter) -> WorkflowResult<()> {
        Ok(ctx.execute_activity(Billing::send_letter, letter, a_minute()).await?)
    }
}

/// The receipt under the name that one later version gives it.
#[workflow]
#[derive(Default)]
pub(crate) struct Invoice;

#[workflow_methods]
impl Invoice {
    #[run]
    pub(crate) async fn run(ctx: &mut WorkflowContext<Self>, letter: Letter) -> WorkflowResult<()> {
        Ok(ctx.execute_activity(Billing::send_letter, letter, a_minute()).await?)
    }
}
