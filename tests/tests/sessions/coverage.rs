//! What a campaign reached. A campaign that never grants an RPC, or never sees an event that the service can write, proves less
//! than it claims.

use std::collections::BTreeSet;

use foretime_server::{
    proto::{enums::EventType, history::HistoryEvent},
    rpc::table::TABLE,
};

/// What the service never writes: what no server writes of updates, Nexus, and the consequences of administrative calls.
const UNWRITTEN: [EventType; 14] = {
    use EventType as E;
    [
        E::Unspecified,
        E::WorkflowExecutionUpdateRejected,
        E::WorkflowPropertiesModifiedExternally,
        E::ActivityPropertiesModifiedExternally,
        E::WorkflowExecutionTimeSkippingTransitioned,
        E::NexusOperationScheduled,
        E::NexusOperationStarted,
        E::NexusOperationCompleted,
        E::NexusOperationFailed,
        E::NexusOperationCanceled,
        E::NexusOperationTimedOut,
        E::NexusOperationCancelRequested,
        E::NexusOperationCancelRequestCompleted,
        E::NexusOperationCancelRequestFailed,
    ]
};

/// What was seen, in one session or in all.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    event_types: BTreeSet<i32>,
    answered: BTreeSet<String>,
    refused: BTreeSet<String>,
}

impl Coverage {
    pub(crate) fn saw_events(&mut self, events: &[HistoryEvent]) {
        self.event_types.extend(events.iter().map(|event| event.event_type));
    }

    pub(crate) fn saw_answer(&mut self, method: &str, granted: bool) {
        if granted {
            self.answered.insert(method.to_owned())
        } else {
            self.refused.insert(method.to_owned())
        };
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.event_types.extend(other.event_types);
        self.answered.extend(other.answered);
        self.refused.extend(other.refused);
    }

    /// Checks that each served RPC was granted and refused at least once, and that each event was written.
    pub(crate) fn assert_complete(&self) {
        let served: Vec<_> = TABLE.iter().filter(|row| row.is_bound()).map(|row| row.method).collect();
        // There is no archive, and no other cluster.
        const GRANTS_NOTHING: [&str; 3] = ["ListArchivedWorkflowExecutions", "AddOrUpdateRemoteCluster", "RemoveRemoteCluster"];
        let never_granted: Vec<_> =
            served.iter().filter(|method| !self.answered.contains(**method) && !GRANTS_NOTHING.contains(*method)).collect();
        assert!(never_granted.is_empty(), "never granted: {never_granted:?}");
        // Only damaged bytes are refused here, which is rare.
        const TAKE_NEARLY_ANYTHING: [&str; 17] = [
            "DescribeTaskQueue",
            "GetClusterInfo",
            "ExplainTime",
            "GetCurrentTime",
            "GetSearchAttributes",
            "GetSystemInfo",
            "GetTime",
            "ListNamespaces",
            "ListSearchAttributes",
            "LockTimeSkipping",
            "RemoveSearchAttributes",
            "Settle",
            "ShutdownWorker",
            "SkipTime",
            "Sleep",
            "SleepUntil",
            "UnlockTimeSkippingWithSleep",
        ];
        let is_missing = |method: &&&str| !self.refused.contains(**method) && !TAKE_NEARLY_ANYTHING.contains(*method);
        let never_refused: Vec<_> = served.iter().filter(is_missing).collect();
        assert!(never_refused.is_empty(), "never refused: {never_refused:?}");
        let all = (0..=60).filter_map(|value| EventType::try_from(value).ok());
        let is_unseen = |of: &EventType| !UNWRITTEN.contains(of) && !self.event_types.contains(&(*of as i32));
        let unseen: Vec<_> = all.filter(is_unseen).collect();
        assert!(unseen.is_empty(), "no history has {unseen:?}");
    }
}
