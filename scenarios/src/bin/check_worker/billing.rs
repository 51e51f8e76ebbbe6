//! What the subscription does outside of workflow code. Every activity leaves one line in the file that `EFFECTS` names, so that
//! whoever runs the worker sees what it did.

use std::{env, fs::OpenOptions, io::Write};

use serde::{Deserialize, Serialize};
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

/// One payment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Charge {
    /// The gateway takes the money once for each key.
    pub(crate) idempotency_key: String,
    pub(crate) customer: String,
    pub(crate) amount_cents: u64,
}

/// A message to a customer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Letter {
    pub(crate) customer: String,
    pub(crate) text: String,
}

/// The activities.
pub(crate) struct Billing;

#[activities]
impl Billing {
    /// What a month costs with today's tax, in cents. A local activity.
    #[activity]
    pub(crate) async fn rate(_ctx: ActivityContext, price_cents: u64) -> Result<u64, ActivityError> {
        leave_a_line(&format!("rate {price_cents}"))?;
        Ok(price_cents + price_cents / 10)
    }

    /// How many letters a month may bring. A local activity of one later version.
    #[activity]
    pub(crate) async fn quota(_ctx: ActivityContext, month: u32) -> Result<u32, ActivityError> {
        leave_a_line(&format!("quota {month}"))?;
        Ok(3)
    }

    /// Takes the money.
    #[activity]
    pub(crate) async fn charge(_ctx: ActivityContext, charge: Charge) -> Result<(), ActivityError> {
        Ok(leave_a_line(&format!("charge {} {}", charge.idempotency_key, charge.amount_cents))?)
    }

    /// Writes to the customer.
    #[activity]
    pub(crate) async fn send_letter(_ctx: ActivityContext, letter: Letter) -> Result<(), ActivityError> {
        Ok(leave_a_line(&format!("send_letter {} {}", letter.customer, letter.text))?)
    }

    /// Writes to the customer's phone, in one later version.
    #[activity]
    pub(crate) async fn send_message(_ctx: ActivityContext, letter: Letter) -> Result<(), ActivityError> {
        Ok(leave_a_line(&format!("send_message {} {}", letter.customer, letter.text))?)
    }
}

fn leave_a_line(text: &str) -> std::io::Result<()> {
    let Some(path) = env::var_os("EFFECTS") else { return Ok(()) };
    writeln!(OpenOptions::new().append(true).create(true).open(path)?, "{text}")
}
