//! What the service says of itself, and of the cluster that it is: there is no other.

use crate::engine::{
    Context, Engine,
    kernel::{
        error::{Error, Result},
        tickets::Answer,
    },
    rules::validate,
};
use crate::proto::{
    operatorservice::{
        AddOrUpdateRemoteClusterRequest, AddOrUpdateRemoteClusterResponse, ClusterMetadata, ListClustersRequest,
        ListClustersResponse, RemoveRemoteClusterRequest, RemoveRemoteClusterResponse,
    },
    taskqueue::TaskQueuePartitionMetadata,
    workflowservice::{
        GetClusterInfoRequest, GetClusterInfoResponse, GetSystemInfoRequest, GetSystemInfoResponse,
        ListTaskQueuePartitionsRequest, ListTaskQueuePartitionsResponse, get_system_info_response,
    },
};

/// The version of the real server whose behaviour this one follows.
pub(crate) const SERVER_VERSION: &str = "1.32.0";
/// The name of the cluster, as in the real dev server.
pub(super) const CLUSTER: &str = "active";
const CLUSTER_ID: &str = "foretime";
const SHARD_COUNT: i32 = 1;
const FAILOVER_VERSION: i64 = 1;

/// The clients that the real server says it supports, with their versions (`common/headers/version_checker.go`).
const SUPPORTED_CLIENTS: [(&str, &str); 8] = [
    ("Nexus-go-sdk", "<2.0.0"),
    ("temporal-cli", "<2.0.0"),
    ("temporal-go", "<2.0.0"),
    ("temporal-java", "<2.0.0"),
    ("temporal-php", "<2.0.0"),
    ("temporal-server", "<2.0.0"),
    ("temporal-typescript", "<2.0.0"),
    ("temporal-ui", "<3.0.0"),
];

impl Engine {
    /// GetSystemInfo. Each capability is one that is honoured; but build ids route nothing. Without theirs, SDKs do not say them.
    pub(in crate::engine) fn get_system_info(
        &mut self,
        _request: GetSystemInfoRequest,
        context: &Context<'_, '_>,
    ) -> Result<Answer<GetSystemInfoResponse>> {
        self.skipping.locks.begin(context.caller.connection);
        let capabilities = get_system_info_response::Capabilities {
            signal_and_query_header: true,
            internal_error_differentiation: true,
            activity_failure_include_heartbeat: true,
            encoded_failure_attributes: true,
            build_id_based_versioning: true,
            upsert_memo: true,
            eager_workflow_start: true,
            sdk_metadata: true,
            supports_schedules: true,
            count_group_by_execution_status: true,
            ..get_system_info_response::Capabilities::default()
        };
        let server_version = SERVER_VERSION.to_owned();
        Ok(Answer::Now(GetSystemInfoResponse { server_version, capabilities: Some(capabilities) }))
    }

    /// GetClusterInfo.
    pub(in crate::engine) fn get_cluster_info(&mut self, _request: GetClusterInfoRequest) -> Result<GetClusterInfoResponse> {
        let supported = SUPPORTED_CLIENTS.map(|(client, versions)| (client.to_owned(), versions.to_owned()));
        Ok(GetClusterInfoResponse {
            supported_clients: supported.into_iter().collect(),
            server_version: SERVER_VERSION.to_owned(),
            cluster_id: CLUSTER_ID.to_owned(),
            // The real dev server does not look for newer versions.
            version_info: None,
            cluster_name: CLUSTER.to_owned(),
            history_shard_count: SHARD_COUNT,
            persistence_store: "memory".to_owned(),
            visibility_store: "memory".to_owned(),
            initial_failover_version: FAILOVER_VERSION,
            failover_version_increment: 10,
        })
    }

    /// OperatorService ListClusters: this one.
    pub(in crate::engine) fn list_clusters(&mut self, request: ListClustersRequest) -> Result<ListClustersResponse> {
        if !request.next_page_token.is_empty() {
            return Err(Error::InternalTold("error deserializing page token: there is one page".to_owned()));
        }
        let cluster = ClusterMetadata {
            cluster_name: CLUSTER.to_owned(),
            cluster_id: CLUSTER_ID.to_owned(),
            initial_failover_version: FAILOVER_VERSION,
            history_shard_count: SHARD_COUNT,
            is_connection_enabled: true,
            ..ClusterMetadata::default()
        };
        Ok(ListClustersResponse { clusters: vec![cluster], next_page_token: Vec::new() })
    }

    /// OperatorService AddOrUpdateRemoteCluster. This server connects to no other.
    ///
    /// # Errors
    /// Always, as on the real server where it cannot connect.
    pub(in crate::engine) fn add_or_update_remote_cluster(
        &mut self,
        request: AddOrUpdateRemoteClusterRequest,
    ) -> Result<AddOrUpdateRemoteClusterResponse> {
        let address = request.frontend_address;
        let why = "Foretime connects to no other cluster.";
        Err(Error::Unavailable(format!("Unable connect to remote cluster {address} with error: {why}")))
    }

    /// OperatorService RemoveRemoteCluster.
    ///
    /// # Errors
    /// Always: there is no cluster but this one.
    pub(in crate::engine) fn remove_remote_cluster(
        &mut self,
        request: RemoveRemoteClusterRequest,
    ) -> Result<RemoveRemoteClusterResponse> {
        if request.cluster_name == CLUSTER {
            let text = "Unable to delete cluster info with error: Cannot delete current cluster metadata.";
            return Err(Error::InternalTold(text.to_owned()));
        }
        Err(Error::not_found("The cluster to be deleted cannot be found in clusters cache."))
    }

    /// ListTaskQueuePartitions: each task queue has one, which has its name.
    pub(in crate::engine) fn list_task_queue_partitions(
        &mut self,
        mut request: ListTaskQueuePartitionsRequest,
    ) -> Result<ListTaskQueuePartitionsResponse> {
        self.resolve(&request.namespace)?;
        let Some(task_queue) = &mut request.task_queue else { return Err(Error::invalid("taskQueue is not set")) };
        validate::task_queue(Some(&mut *task_queue), "", &self.limits)?;
        let partition = TaskQueuePartitionMetadata { key: task_queue.name.clone(), owner_host_name: String::new() };
        Ok(ListTaskQueuePartitionsResponse {
            activity_task_queue_partitions: vec![partition.clone()],
            workflow_task_queue_partitions: vec![partition],
        })
    }
}
