//! The limits the real server puts on sizes and counts, with its defaults.

use std::time::Duration;

/// Largest value of one search attribute (`limit.searchAttributesSizeOfValue`).
pub(crate) const SEARCH_ATTRIBUTE_MAX_BYTES: usize = 2 * KIB;

/// Sizes in bytes, counts, and timeouts for which a request has limits. `default()` has the values of OSS 1.32
/// (`common/dynamicconfig/constants.go`, `common/primitives/constants.go`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest input, result, details or failure of one event, as it is said to be (`limit.blobSize.error`).
    pub blob_size_told_bytes: usize,
    /// And as it is: what does not exceed the size of a warning is never refused (`common.CheckEventBlobSizeLimit`).
    pub blob_size_max_bytes: usize,
    /// The size from which a warning is due, and to which a failure that is too large is cut (`limit.blobSize.warn`).
    pub blob_size_warn_bytes: usize,
    /// Largest memo, as it is said to be (`limit.memoSize.error`).
    pub memo_size_told_bytes: usize,
    /// And as it is.
    pub memo_size_max_bytes: usize,
    /// The size of a memo from which a warning is due (`limit.memoSize.warn`).
    pub memo_size_warn_bytes: usize,
    /// Longest id, type, task queue, signal name, identity or request id, in bytes (`limit.maxIDLength`).
    pub id_length_max: usize,
    /// Longest build id, in bytes (`limit.workerBuildIdSize`).
    pub build_id_length_max: usize,
    /// Open activities of one run (`limit.numPendingActivities.error`); 0 for no limit, here and in the next three.
    pub pending_activities_max: usize,
    /// Open children of one run (`limit.numPendingChildExecutions.error`).
    pub pending_children_max: usize,
    /// Open signals of one run to other workflows (`limit.numPendingSignals.error`).
    pub pending_signals_max: usize,
    /// Open cancel requests of one run to other workflows (`limit.numPendingCancelRequests.error`).
    pub pending_cancels_max: usize,
    /// Signals that one run accepts (`history.maximumSignalsPerExecution`); 0 for no limit.
    pub signals_max: usize,
    /// Updates of one run that are admitted or accepted and not completed (`history.maxInFlightUpdates`); 0 for no limit.
    pub updates_in_flight_max: usize,
    /// Size of the requests of those that are admitted (`history.maxInFlightUpdatePayloads`); 0 for no limit.
    pub updates_in_flight_max_bytes: usize,
    /// Updates of one run, apart from rejected ones (`history.maxTotalUpdates`); 0 for no limit.
    pub updates_total_max: usize,
    /// The number of updates from which continue-as-new is suggested
    /// (`history.maxTotalUpdates.suggestContinueAsNewThreshold`, a share of the limit); 0 for never.
    pub updates_suggest: usize,
    /// Queries of one run that wait for a workflow task, or are attached to one (`history.maxBufferedQueryCount`).
    pub buffered_queries_max: usize,
    /// Buffered events of one run (`history.maximumBufferedEventsBatch`).
    pub buffered_events_max: usize,
    /// Size of the buffered events of one run (`history.maximumBufferedEventsSizeInBytes`).
    pub buffered_events_max_bytes: usize,
    /// A wait for new events or for an update ends after this long (`history.longPollExpirationInterval`).
    pub long_poll: Duration,
    /// Events of one run (`limit.historyCount.error`).
    pub history_events_max: usize,
    /// The number of events from which continue-as-new is suggested (`limit.historyCount.suggestContinueAsNew`).
    pub history_events_suggest: usize,
    /// Size of the history of one run (`limit.historySize.error`).
    pub history_size_max_bytes: usize,
    /// The history size from which continue-as-new is suggested (`limit.historySize.suggestContinueAsNew`).
    pub history_size_suggest_bytes: usize,
    /// Events on one page of history (`limit.historyMaxPageSize`).
    pub history_page_max: i32,
    /// Size of what is kept of a run besides its history, about as the real server counts it (`limit.mutableStateSize.error`).
    pub state_size_max_bytes: usize,
    /// To which size the failure of a retried activity is cut that is larger (`limit.mutableStateActivityFailureSize.error`).
    pub activity_failure_max_bytes: usize,
    /// One that is no larger than this is kept whole all the same (`limit.mutableStateActivityFailureSize.warn`).
    pub activity_failure_warn_bytes: usize,
    /// Links of one request (`frontend.maxlinksPerRequest`).
    pub links_max: usize,
    /// Largest link (`frontend.linkMaxSize`).
    pub link_size_max_bytes: usize,
    /// Search attributes of one request (`frontend.searchAttributesNumberOfKeysLimit`).
    pub search_attributes_max: usize,
    /// Largest search attribute (`frontend.searchAttributesSizeOfValueLimit`).
    pub search_attribute_size_max_bytes: usize,
    /// All search attributes of a workflow together (`frontend.searchAttributesTotalSizeLimit`).
    pub search_attributes_size_max_bytes: usize,
    /// A run that continues as new within this span of its start waits out the rest (`history.workflowIdReuseMinimalInterval`);
    /// zero: never.
    pub chain_interval_min: Duration,
    /// Open batch operations of one namespace (`frontend.MaxConcurrentBatchOperationPerNamespace`).
    pub batches_max: usize,
    /// How many workflows a batch operation does in a second (`worker.batcherRPS`).
    pub batch_operations_per_second: usize,
    /// Shortest time for which a namespace keeps closed workflows (`system.namespaceMinRetentionLocal`).
    pub retention_min: Duration,
    /// Workflow task timeout if the request sets none (`history.defaultWorkflowTaskTimeout`).
    pub task_timeout_default: Duration,
    /// From this many failures and timeouts of workflow tasks in a row on, they are reported for the search; 0 for never
    /// (`system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute`).
    pub task_problems_reported: usize,
    /// Size of the commands of one completion that wait for its last page; 0 for no limit
    /// (`history.workflowTaskCompletionBufferSizeLimit`).
    pub completion_pages_max_bytes: usize,
    /// Longest workflow task timeout; a longer one is cut to this (`service/history/api/create_workflow_util.go`).
    pub task_timeout_max: Duration,
}

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

impl Default for Limits {
    fn default() -> Self {
        Self {
            blob_size_told_bytes: 2 * MIB,
            blob_size_max_bytes: 2 * MIB,
            blob_size_warn_bytes: 512 * KIB,
            memo_size_told_bytes: 2 * MIB,
            memo_size_max_bytes: 2 * MIB,
            memo_size_warn_bytes: 2 * KIB,
            id_length_max: 1000,
            build_id_length_max: 255,
            pending_activities_max: 2000,
            pending_children_max: 2000,
            pending_signals_max: 2000,
            pending_cancels_max: 2000,
            signals_max: 10_000,
            updates_in_flight_max: 10,
            updates_in_flight_max_bytes: 20 * MIB,
            updates_total_max: 2000,
            updates_suggest: 1800,
            buffered_queries_max: 1,
            long_poll: Duration::from_secs(20),
            buffered_events_max: 100,
            buffered_events_max_bytes: 2 * MIB,
            history_events_max: 50 * KIB,
            history_events_suggest: 4 * KIB,
            history_size_max_bytes: 50 * MIB,
            history_size_suggest_bytes: 4 * MIB,
            history_page_max: 256,
            state_size_max_bytes: 8 * MIB,
            activity_failure_max_bytes: 4 * KIB,
            activity_failure_warn_bytes: 2 * KIB,
            links_max: 10,
            link_size_max_bytes: 4000,
            search_attributes_max: 100,
            search_attribute_size_max_bytes: SEARCH_ATTRIBUTE_MAX_BYTES,
            search_attributes_size_max_bytes: 40 * KIB,
            chain_interval_min: Duration::from_secs(1),
            batches_max: 1,
            batch_operations_per_second: 50,
            retention_min: Duration::from_secs(60 * 60),
            task_timeout_default: Duration::from_secs(10),
            task_problems_reported: 5,
            completion_pages_max_bytes: 40 * MIB,
            task_timeout_max: Duration::from_secs(120),
        }
    }
}
