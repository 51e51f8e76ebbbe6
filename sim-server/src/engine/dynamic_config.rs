//! What the dynamic configuration says (`common/dynamicconfig/constants.go`): the limits, and what is switched off.

use std::{collections::BTreeMap, time::Duration};

use jiff::SignedDuration;
use serde_json::Value;

use super::rules::{limits::Limits, switches::Switches};

/// From which share of the updates that one run may have continue-as-new is suggested.
const UPDATES_SUGGEST_SHARE: f64 = 0.9;
const UPDATES_SUGGEST_KEY: &str = "history.maxTotalUpdates.suggestContinueAsNewThreshold";

/// What a key sets.
type Setting<Of, Value> = fn(&mut Of) -> &mut Value;

/// The limits that are counts or sizes, by their keys.
const COUNTS: &[(&str, Setting<Limits, usize>)] = &[
    ("limit.blobSize.error", |limits| &mut limits.blob_size_told_bytes),
    ("limit.blobSize.warn", |limits| &mut limits.blob_size_warn_bytes),
    ("limit.memoSize.error", |limits| &mut limits.memo_size_told_bytes),
    ("limit.memoSize.warn", |limits| &mut limits.memo_size_warn_bytes),
    ("limit.maxIDLength", |limits| &mut limits.id_length_max),
    ("limit.workerBuildIdSize", |limits| &mut limits.build_id_length_max),
    ("limit.numPendingActivities.error", |limits| &mut limits.pending_activities_max),
    ("limit.numPendingChildExecutions.error", |limits| &mut limits.pending_children_max),
    ("limit.numPendingSignals.error", |limits| &mut limits.pending_signals_max),
    ("limit.numPendingCancelRequests.error", |limits| &mut limits.pending_cancels_max),
    ("limit.historyCount.suggestContinueAsNew", |limits| &mut limits.history_events_suggest),
    ("limit.historySize.suggestContinueAsNew", |limits| &mut limits.history_size_suggest_bytes),
    ("limit.historyCount.error", |limits| &mut limits.history_events_max),
    ("limit.historySize.error", |limits| &mut limits.history_size_max_bytes),
    ("limit.mutableStateSize.error", |limits| &mut limits.state_size_max_bytes),
    ("limit.mutableStateActivityFailureSize.error", |limits| &mut limits.activity_failure_max_bytes),
    ("limit.mutableStateActivityFailureSize.warn", |limits| &mut limits.activity_failure_warn_bytes),
    ("history.maximumSignalsPerExecution", |limits| &mut limits.signals_max),
    ("history.maxInFlightUpdates", |limits| &mut limits.updates_in_flight_max),
    ("history.maxInFlightUpdatePayloads", |limits| &mut limits.updates_in_flight_max_bytes),
    ("history.maxTotalUpdates", |limits| &mut limits.updates_total_max),
    ("history.workflowTaskCompletionBufferSizeLimit", |limits| &mut limits.completion_pages_max_bytes),
    ("system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute", |limits| &mut limits.task_problems_reported),
    ("history.maxBufferedQueryCount", |limits| &mut limits.buffered_queries_max),
    ("history.maximumBufferedEventsBatch", |limits| &mut limits.buffered_events_max),
    ("history.maximumBufferedEventsSizeInBytes", |limits| &mut limits.buffered_events_max_bytes),
    ("frontend.MaxConcurrentBatchOperationPerNamespace", |limits| &mut limits.batches_max),
    ("worker.batcherRPS", |limits| &mut limits.batch_operations_per_second),
    ("frontend.maxlinksPerRequest", |limits| &mut limits.links_max),
    ("frontend.linkMaxSize", |limits| &mut limits.link_size_max_bytes),
    ("frontend.searchAttributesNumberOfKeysLimit", |limits| &mut limits.search_attributes_max),
    ("frontend.searchAttributesSizeOfValueLimit", |limits| &mut limits.search_attribute_size_max_bytes),
    ("frontend.searchAttributesTotalSizeLimit", |limits| &mut limits.search_attributes_size_max_bytes),
];

/// The limits that are spans of time, by their keys.
const SPANS: &[(&str, Setting<Limits, Duration>)] = &[
    ("history.longPollExpirationInterval", |limits| &mut limits.long_poll),
    ("history.defaultWorkflowTaskTimeout", |limits| &mut limits.task_timeout_default),
    ("system.namespaceMinRetentionLocal", |limits| &mut limits.retention_min),
    ("history.workflowIdReuseMinimalInterval", |limits| &mut limits.chain_interval_min),
];

/// What can be switched off, or on, by its keys.
const SWITCHES: &[(&str, Setting<Switches, bool>)] = &[
    ("system.enableActivityEagerExecution", |switches| &mut switches.eager_activities),
    ("system.enableEagerWorkflowStart", |switches| &mut switches.eager_starts),
    ("frontend.enableUpdateWorkflowExecution", |switches| &mut switches.updates),
    ("frontend.enableUpdateWorkflowExecutionAsyncAccepted", |switches| &mut switches.accepted_updates),
    ("frontend.enableBatcher", |switches| &mut switches.batches),
    ("history.externalPayloadsEnabled", |switches| &mut switches.external_payloads),
    ("frontend.sendRawWorkflowHistory", |switches| &mut switches.raw_history),
    ("frontend.WorkerHeartbeatsEnabled", |switches| &mut switches.worker_heartbeats),
    ("frontend.WorkflowPauseEnabled", |switches| &mut switches.workflow_pause),
    ("history.enableWorkflowTaskCompletionPagination", |switches| &mut switches.completion_pages),
    ("frontend.enableCancelWorkerPollsOnShutdown", |switches| &mut switches.shutdowns_end_polls),
];

/// Keys, in any case, with values in JSON. A value of another type than its key has counts as not given.
#[derive(Clone, Copy, Debug)]
pub(super) struct DynamicConfig<'a>(pub(super) &'a BTreeMap<String, String>);

impl DynamicConfig<'_> {
    /// These limits, as it changes them. The SDKs' own tests lower some of them.
    pub(super) fn applied_to(self, mut limits: Limits) -> Limits {
        for (key, of) in COUNTS {
            let value = self.value(key).and_then(|value| value.as_u64()).and_then(|value| usize::try_from(value).ok());
            let limit = of(&mut limits);
            *limit = value.unwrap_or(*limit);
        }
        limits.blob_size_max_bytes = limits.blob_size_told_bytes.max(limits.blob_size_warn_bytes);
        limits.memo_size_max_bytes = limits.memo_size_told_bytes.max(limits.memo_size_warn_bytes);
        for (key, of) in SPANS {
            let limit = of(&mut limits);
            *limit = self.span(key).unwrap_or(*limit);
        }
        let share = self.value(UPDATES_SUGGEST_KEY).and_then(|value| value.as_f64()).filter(|share| *share >= 0.0);
        let share = share.unwrap_or(UPDATES_SUGGEST_SHARE);
        limits.updates_suggest = (limits.updates_total_max as f64 * share).ceil() as usize;
        limits
    }

    /// What is switched on.
    pub(super) fn switches(self) -> Switches {
        let mut switches = Switches::default();
        for (key, of) in SWITCHES {
            let value = match self.value(key) {
                Some(Value::Bool(value)) => Some(value),
                Some(Value::String(text)) => go_bool(&text),
                _ => None,
            };
            let switch = of(&mut switches);
            *switch = value.unwrap_or(*switch);
        }
        switches
    }

    /// A text as "20s" or "1m30s" or "2d", or a number of seconds.
    fn span(self, key: &str) -> Option<Duration> {
        match self.value(key)? {
            Value::Number(seconds) => Duration::try_from_secs_f64(seconds.as_f64()?).ok(),
            Value::String(text) => match text.parse() {
                Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
                Err(_) => text.parse::<SignedDuration>().ok()?.try_into().ok(),
            },
            _ => None,
        }
    }

    fn value(self, key: &str) -> Option<Value> {
        let (_, value) = self.0.iter().find(|(given, _)| given.eq_ignore_ascii_case(key))?;
        serde_json::from_str(value).ok()
    }
}

/// The words that Go takes for a truth value (`strconv.ParseBool`).
fn go_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every key that has an effect.
    fn keys() -> impl Iterator<Item = &'static str> {
        let counts = COUNTS.iter().map(|(key, _)| *key);
        let spans = SPANS.iter().map(|(key, _)| *key);
        let switches = SWITCHES.iter().map(|(key, _)| *key);
        counts.chain(spans).chain(switches).chain([UPDATES_SUGGEST_KEY])
    }

    fn config(key: &str, value: &str) -> (Limits, Switches) {
        let given = BTreeMap::from([(key.to_owned(), value.to_owned())]);
        let config = DynamicConfig(&given);
        (config.applied_to(Limits::default()), config.switches())
    }

    #[test]
    fn keys_have_no_case_and_values_are_json() {
        assert_eq!(config("History.MaxBufferedQueryCount", "10000").0.buffered_queries_max, 10_000);
        for (value, seconds) in [("\"1m30s\"", 90), ("90", 90), ("\"90\"", 90), ("1.0", 1)] {
            assert_eq!(
                config("history.longPollExpirationInterval", value).0.long_poll,
                Duration::from_secs(seconds),
                "{value}"
            );
        }
        let suggested = config(UPDATES_SUGGEST_KEY, "0.5").0.updates_suggest;
        assert_eq!(suggested, Limits::default().updates_total_max / 2);
        assert!(!config("frontend.enablebatcher", "false").1.batches);
        assert!(!config("frontend.enableBatcher", "\"F\"").1.batches);
    }

    #[test]
    fn what_does_not_fit_changes_nothing() {
        let usual = (Limits::default(), Switches::default());
        for value in ["\"a lot\"", "-1", "nonsense", "null", "[1]", "{}"] {
            for key in keys() {
                assert_eq!(config(key, value), usual, "{key}={value}");
            }
        }
        assert_eq!(config("limit.maxIDLength", "50.5"), usual);
        assert_eq!(config("limit.maxIDLength", "true"), usual);
    }

    #[test]
    fn every_key_has_an_effect_of_its_own() {
        let mut seen = Vec::new();
        for key in keys() {
            let outcome = ["3", "false", "true", "0.25"].map(|value| config(key, value));
            assert!(outcome.iter().any(|outcome| *outcome != (Limits::default(), Switches::default())), "{key}");
            assert!(!seen.contains(&outcome), "{key} does what another does");
            seen.push(outcome);
        }
    }

    /// The page has them all, and none besides.
    #[test]
    fn the_page_on_compatibility_lists_every_key() {
        let page = include_str!("../../../docs/compatibility.md");
        let (_, section) = page.split_once("## Dynamic configuration").expect("the section");
        let section = section.split("\n## ").next().unwrap_or_default();
        let list = section.lines().skip_while(|line| !line.starts_with("- ")).take_while(|line| !line.is_empty());
        let list = list.collect::<Vec<_>>().join("\n");
        let mut listed: Vec<&str> = list.split('`').skip(1).step_by(2).collect();
        let mut keys: Vec<&str> = keys().collect();
        listed.sort_unstable();
        keys.sort_unstable();
        assert_eq!(listed, keys);
    }
}
