//! What an activity of the simulation does, as plain data: the JSON that is its input.

use serde::{Deserialize, Serialize};

/// The shortest heartbeat timeout.
const HEARTBEAT_TIMEOUT_MIN_MS: u64 = 1_000;

/// An activity, and the timeouts with which it is scheduled. It has no other bound in time than these and [`Self::attempts_max`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// The name of its type.
    pub activity_type: String,
    /// What no other activity has.
    pub nonce: String,
    /// How many attempts fail before one succeeds.
    pub fails: u32,
    /// How many attempts there are at most; at least 1.
    pub attempts_max: u32,
    /// How long each attempt takes. If that is longer than the timeout, each one times out.
    pub takes_ms: u64,
    /// The start-to-close timeout.
    pub start_to_close_ms: u64,
    /// Whether its attempts heartbeat, and have a timeout for that.
    pub heartbeats: bool,
    /// Whether an attempt that succeeds leaves something behind outside of the workflow.
    pub is_effect: bool,
}

/// One attempt of an activity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempted {
    /// The text of its result, or of its failure.
    pub outcome: Result<String, String>,
    /// How long it takes.
    pub takes_ms: u64,
    /// Whether it heartbeats, several times within the heartbeat timeout.
    pub heartbeats: bool,
    /// The nonce under which it leaves something behind, if it does.
    pub effect: Option<String>,
}

impl Activity {
    /// The heartbeat timeout. `None`: there is none.
    pub fn heartbeat_timeout_ms(&self) -> Option<u64> {
        self.heartbeats.then(|| (self.start_to_close_ms / 3).max(HEARTBEAT_TIMEOUT_MIN_MS))
    }
}

/// What the attempt of this number does; the first is 1. `input`: the data of the activity's one payload. An input that cannot be read
/// fails each attempt.
pub fn attempt(input: &[u8], attempt: u32) -> Attempted {
    let Ok(activity) = serde_json::from_slice::<Activity>(input) else {
        let outcome = Err("the input is not that of an activity".to_owned());
        return Attempted { outcome, takes_ms: 0, heartbeats: false, effect: None };
    };
    let Activity { nonce, fails, takes_ms, heartbeats, is_effect, .. } = activity;
    let fails = attempt <= fails;
    // The result tells which attempt it is of: a late one is not taken for another.
    let outcome = if fails {
        Err(format!("{nonce} failed in attempt {attempt}"))
    } else {
        Ok(format!("{nonce} done in attempt {attempt}"))
    };
    Attempted { outcome, takes_ms, heartbeats, effect: (is_effect && !fails).then_some(nonce) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_attempts_fail_that_are_to_fail_and_leave_nothing_behind() {
        let activity = Activity {
            activity_type: "charge".to_owned(),
            nonce: "n/a0".to_owned(),
            fails: 2,
            attempts_max: 5,
            takes_ms: 70,
            start_to_close_ms: 9_000,
            heartbeats: true,
            is_effect: true,
        };
        assert_eq!(activity.heartbeat_timeout_ms(), Some(3_000));
        let input = serde_json::to_vec(&activity).unwrap();
        let second = attempt(&input, 2);
        assert_eq!(second.outcome, Err("n/a0 failed in attempt 2".to_owned()));
        assert_eq!((second.takes_ms, second.heartbeats, second.effect), (70, true, None));
        let third = attempt(&input, 3);
        assert_eq!(third.outcome, Ok("n/a0 done in attempt 3".to_owned()));
        assert_eq!(third.effect.as_deref(), Some("n/a0"));
        assert_eq!(attempt(b"{}", 1).outcome, Err("the input is not that of an activity".to_owned()));
    }
}
