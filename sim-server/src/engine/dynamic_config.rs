//! What the dynamic configuration says (`common/dynamicconfig/constants.go`): the limits, and what is switched off.

use std::{collections::BTreeMap, time::Duration};

use jiff::SignedDuration;
use serde_json::Value;

use super::rules::limits::Limits;

/// From which share of the updates that one run may have continue-as-new is suggested.
const UPDATES_SUGGEST_SHARE: f64 = 0.9;

/// Keys, in any case, with values in JSON. A value of another type than its key has counts as not given.
#[derive(Clone, Copy, Debug)]
pub(super) struct DynamicConfig<'a>(pub(super) &'a BTreeMap<String, String>);

impl DynamicConfig<'_> {
    /// The limits, as it changes them. The SDKs' own tests lower some of them.
    pub(super) fn limits(self) -> Limits {
        let mut limits = Limits::default();
        for (key, limit) in [
            ("limit.historyCount.suggestContinueAsNew", &mut limits.history_events_suggest),
            ("limit.historySize.suggestContinueAsNew", &mut limits.history_size_suggest_bytes),
            ("limit.historyCount.error", &mut limits.history_events_max),
            ("limit.historySize.error", &mut limits.history_size_max_bytes),
            ("history.maxInFlightUpdates", &mut limits.updates_in_flight_max),
            ("history.maxInFlightUpdatePayloads", &mut limits.updates_in_flight_max_bytes),
            ("history.maxTotalUpdates", &mut limits.updates_total_max),
            ("history.maxBufferedQueryCount", &mut limits.buffered_queries_max),
            ("history.maximumBufferedEventsBatch", &mut limits.buffered_events_max),
            ("history.maximumBufferedEventsSizeInBytes", &mut limits.buffered_events_max_bytes),
            ("history.workflowTaskCompletionBufferSizeLimit", &mut limits.completion_pages_max_bytes),
            ("system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute", &mut limits.task_problems_reported),
        ] {
            let value = self.value(key).and_then(|value| value.as_u64()).and_then(|value| usize::try_from(value).ok());
            *limit = value.unwrap_or(*limit);
        }
        let share = self.value("history.maxTotalUpdates.suggestContinueAsNewThreshold").and_then(|value| value.as_f64());
        let share = share.unwrap_or(UPDATES_SUGGEST_SHARE);
        limits.updates_suggest = (limits.updates_total_max as f64 * share).ceil() as usize;
        limits.long_poll = self.duration("history.longPollExpirationInterval").unwrap_or(limits.long_poll);
        limits
    }

    /// `system.enableActivityEagerExecution`.
    pub(super) fn has_eager_activities(self) -> bool {
        self.value("system.enableActivityEagerExecution") != Some(Value::Bool(false))
    }

    /// `frontend.sendRawWorkflowHistory`.
    pub(super) fn sends_raw_history(self) -> bool {
        self.value("frontend.sendRawWorkflowHistory") == Some(Value::Bool(true))
    }

    /// `frontend.WorkflowPauseEnabled`.
    pub(super) fn has_workflow_pause(self) -> bool {
        self.value("frontend.WorkflowPauseEnabled") == Some(Value::Bool(true))
    }

    /// `history.enableWorkflowTaskCompletionPagination`.
    pub(super) fn has_completion_pages(self) -> bool {
        self.value("history.enableWorkflowTaskCompletionPagination") == Some(Value::Bool(true))
    }

    /// A text as "20s" or "1m30s".
    fn duration(self, key: &str) -> Option<Duration> {
        let value = self.value(key)?;
        value.as_str()?.parse::<SignedDuration>().ok()?.try_into().ok()
    }

    fn value(self, key: &str) -> Option<Value> {
        let (_, value) = self.0.iter().find(|(given, _)| given.eq_ignore_ascii_case(key))?;
        serde_json::from_str(value).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(key: &str, value: &str) -> Limits {
        DynamicConfig(&BTreeMap::from([(key.to_owned(), value.to_owned())])).limits()
    }

    #[test]
    fn keys_have_no_case_and_values_are_json() {
        assert_eq!(limits("History.MaxBufferedQueryCount", "10000").buffered_queries_max, 10_000);
        assert_eq!(limits("history.longPollExpirationInterval", "\"1m30s\"").long_poll, Duration::from_secs(90));
        let suggested = limits("history.maxTotalUpdates.suggestContinueAsNewThreshold", "0.5").updates_suggest;
        assert_eq!(suggested, Limits::default().updates_total_max / 2);
    }

    #[test]
    fn what_does_not_fit_changes_nothing() {
        for value in ["\"a lot\"", "-1", "nonsense", "true"] {
            assert_eq!(limits("history.maxInFlightUpdates", value), Limits::default(), "{value}");
            assert_eq!(limits("history.longPollExpirationInterval", value), Limits::default(), "{value}");
        }
    }
}
