//! Priorities (`common/priorities/priority_util.go`).

use crate::{
    engine::kernel::error::{Error, Result},
    proto::common::Priority,
};

const FAIRNESS_KEY_LENGTH_MAX: usize = 64;

/// Refuses negative priorities and weights, and long fairness keys.
pub fn priority(priority: Option<&Priority>) -> Result<()> {
    let Some(priority) = priority else { return Ok(()) };
    if priority.priority_key < 0 {
        Err(Error::invalid("priority key can't be negative"))
    } else if priority.fairness_key.len() > FAIRNESS_KEY_LENGTH_MAX {
        Err(Error::invalid("fairness key length exceeds limit"))
    } else if priority.fairness_weight < 0.0 {
        Err(Error::invalid("must be greater than zero"))
    } else {
        Ok(())
    }
}

/// What counts of a priority (`own`) that goes before another.
pub(crate) fn merged(base: Option<&Priority>, own: Option<Priority>) -> Option<Priority> {
    let Some(base) = base else { return own };
    let Some(own) = own else { return Some(base.clone()) };
    Some(Priority {
        priority_key: if own.priority_key == 0 { base.priority_key } else { own.priority_key },
        fairness_key: if own.fairness_key.is_empty() { base.fairness_key.clone() } else { own.fairness_key },
        fairness_weight: if own.fairness_weight == 0.0 { base.fairness_weight } else { own.fairness_weight },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priorities_are_not_negative() {
        let of = |priority_key, fairness_key: &str, fairness_weight| Priority {
            priority_key,
            fairness_key: fairness_key.to_owned(),
            fairness_weight,
        };
        assert_eq!(priority(None), Ok(()));
        assert_eq!(priority(Some(&of(5, "k", 1.0))), Ok(()));
        assert_eq!(priority(Some(&of(-1, "", 0.0))), Err(Error::invalid("priority key can't be negative")));
        assert_eq!(priority(Some(&of(0, &"k".repeat(65), 0.0))), Err(Error::invalid("fairness key length exceeds limit")));
        assert_eq!(priority(Some(&of(0, "", -0.5))), Err(Error::invalid("must be greater than zero")));
    }
}
