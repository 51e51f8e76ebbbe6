//! How an attempt of an activity is named.

use std::fmt;

/// An attempt of an activity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attempt {
    /// The workflow that asked for the activity.
    pub workflow_id: String,
    /// The run of that workflow.
    pub run_id: String,
    /// The same in all attempts.
    pub activity_id: String,
    /// The type of the activity.
    pub activity_type: String,
    /// Which attempt it is, from 1.
    pub attempt: u32,
}

impl Attempt {
    /// The form that stories use within a sentence.
    pub fn subject(&self) -> String {
        subject(&self.activity_type, &self.workflow_id, self.attempt)
    }
}

/// An attempt within a sentence. `of`: which workflow, or which run.
pub fn subject(activity_type: &str, of: &str, attempt: u32) -> String {
    format!("{activity_type} of {of} (attempt {attempt})")
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}, attempt {}", self.activity_type, self.workflow_id, self.attempt)
    }
}
