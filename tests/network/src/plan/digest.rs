//! What a workflow of the simulation has seen and done: its result tells it, so that who awaits the result sees what is lost or doubled.

use serde::{Deserialize, Serialize};

/// What a chain of runs has seen and done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// The nonces of the signals, in the order in which they came.
    pub signals: Vec<String>,
    /// The nonces of the updates that were accepted, in the order in which they were.
    pub updates: Vec<String>,
    /// How each step ended, in the order of the steps.
    pub outcomes: Vec<String>,
}

impl Digest {
    /// The result of the run with this nonce.
    pub fn text(&self, nonce: &str) -> String {
        let Self { signals, updates, outcomes } = self;
        format!("{nonce}: {}; updates [{}]; outcomes [{}]", signals_text(signals), updates.join(", "), outcomes.join(", "))
    }
}

/// The part of a result that lists the signals.
pub fn signals_text(nonces: &[String]) -> String {
    format!("signals [{}]", nonces.join(", "))
}
