//! The world outside the workflow: a payment gateway that can fail, and an outbox. It keeps a diary of everything that
//! happened, in the time of the server that ran it. So a test can read what a customer and the bank would have seen.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use foretime::effect;
use serde::{Deserialize, Serialize};

/// A payment. The gateway takes the money once for each idempotency key, however often it is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// Names the payment.
    pub idempotency_key: String,
    /// Who pays.
    pub customer: String,
    /// How much, in cents.
    pub amount_cents: u64,
}

/// A message to, or about, a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// The customer.
    pub customer: String,
    /// What it says.
    pub text: String,
}

/// How a request to the gateway fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The request does not arrive: no money is taken.
    Unreachable,
    /// The money is taken, but the caller never learns it. Asking again must not take it twice.
    ReplyLost,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreachable => "the gateway is unreachable",
            Self::ReplyLost => "the gateway's reply was lost",
        })
    }
}

impl std::error::Error for Fault {}

/// Something that happened outside, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When the activity behind it was started, according to the server: virtual time where time skips.
    pub at: SystemTime,
    /// What happened.
    pub event: Event,
}

/// What can happen outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The gateway took the money.
    Charged(Charge),
    /// The gateway recognised the idempotency key and took nothing.
    Recognised(Charge),
    /// The request failed. After [`Fault::ReplyLost`] an [`Event::Charged`] precedes this.
    Failed(Charge, Fault),
    /// The customer got an email.
    Emailed(Letter),
    /// A human was told.
    Escalated(Letter),
}

/// The gateway and the outbox, with their diary.
#[derive(Debug, Default)]
pub struct Outside {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    down: bool,
    faults: BTreeMap<String, VecDeque<Fault>>,
    charged: BTreeSet<String>,
    diary: Vec<Entry>,
}

impl State {
    fn next_fault(&mut self, idempotency_key: &str) -> Option<Fault> {
        let planned = self.faults.get_mut(idempotency_key).and_then(VecDeque::pop_front);
        if self.down { Some(Fault::Unreachable) } else { planned }
    }
}

impl Outside {
    /// Makes the next requests with this idempotency key fail, one fault each. After them the gateway works again.
    pub fn fail_charge(&self, idempotency_key: &str, faults: impl IntoIterator<Item = Fault>) {
        self.state().faults.entry(idempotency_key.to_owned()).or_default().extend(faults);
    }

    /// Takes the gateway down for good: every further request is [`Fault::Unreachable`].
    pub fn take_gateway_down(&self) {
        self.state().down = true;
    }

    /// Asks the gateway for money.
    ///
    /// # Errors
    /// The [`Fault`] that was planned for this request.
    pub fn charge(&self, at: SystemTime, charge: Charge) -> Result<(), Fault> {
        let fault = self.state().next_fault(&charge.idempotency_key);
        if fault != Some(Fault::Unreachable) {
            effect("charge", &charge.customer).key(&charge.idempotency_key).apply();
        }
        let mut state = self.state();
        if fault != Some(Fault::Unreachable) {
            let new = state.charged.insert(charge.idempotency_key.clone());
            let event = if new { Event::Charged } else { Event::Recognised };
            state.diary.push(Entry { at, event: event(charge.clone()) });
        }
        match fault {
            None => Ok(()),
            Some(fault) => {
                state.diary.push(Entry { at, event: Event::Failed(charge, fault) });
                Err(fault)
            }
        }
    }

    /// Sends an email to the customer.
    pub fn email(&self, at: SystemTime, letter: Letter) {
        self.state().diary.push(Entry { at, event: Event::Emailed(letter) });
    }

    /// Hands the customer's case to a human.
    pub fn escalate(&self, at: SystemTime, letter: Letter) {
        self.state().diary.push(Entry { at, event: Event::Escalated(letter) });
    }

    /// All that happened so far, in order.
    pub fn diary(&self) -> Vec<Entry> {
        self.state().diary.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
