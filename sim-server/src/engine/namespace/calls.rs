//! What the service says about itself, and its registries: system info, namespaces, search attributes.

use super::registry::Namespace;
use crate::config::Personality;
use crate::engine::{
    Context, Engine,
    kernel::{
        error::{Error, Result},
        key::NamespaceId,
        tickets::Answer,
        time::{span, span_to_proto},
    },
    rules::search_attributes::Registry,
};
use crate::proto::{
    enums::{ArchivalState, NamespaceState},
    namespace::{NamespaceConfig, NamespaceInfo, namespace_info},
    operatorservice::{
        AddSearchAttributesRequest, AddSearchAttributesResponse, ListSearchAttributesRequest, ListSearchAttributesResponse,
        RemoveSearchAttributesRequest, RemoveSearchAttributesResponse,
    },
    replication::{ClusterReplicationConfig, NamespaceReplicationConfig},
    version::{ReleaseInfo, VersionInfo},
    workflowservice::{
        DescribeNamespaceRequest, DescribeNamespaceResponse, GetClusterInfoRequest, GetClusterInfoResponse,
        GetSearchAttributesRequest, GetSearchAttributesResponse, GetSystemInfoRequest, GetSystemInfoResponse,
        ListNamespacesRequest, ListNamespacesResponse, RegisterNamespaceRequest, RegisterNamespaceResponse,
        UpdateNamespaceRequest, UpdateNamespaceResponse, get_system_info_response,
    },
};

/// The version of the real server whose behaviour this one follows.
pub(crate) const SERVER_VERSION: &str = "1.32.0";
const CLUSTER: &str = "active";

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
            ..get_system_info_response::Capabilities::default()
        };
        let server_version = SERVER_VERSION.to_owned();
        Ok(Answer::Now(GetSystemInfoResponse { server_version, capabilities: Some(capabilities) }))
    }

    /// GetClusterInfo.
    pub(in crate::engine) fn get_cluster_info(&mut self, _request: GetClusterInfoRequest) -> Result<GetClusterInfoResponse> {
        let release = ReleaseInfo { version: SERVER_VERSION.to_owned(), ..ReleaseInfo::default() };
        Ok(GetClusterInfoResponse {
            server_version: SERVER_VERSION.to_owned(),
            cluster_id: "foretime".to_owned(),
            version_info: Some(VersionInfo { current: Some(release), ..VersionInfo::default() }),
            cluster_name: CLUSTER.to_owned(),
            history_shard_count: 1,
            persistence_store: "memory".to_owned(),
            visibility_store: "memory".to_owned(),
            initial_failover_version: 1,
            failover_version_increment: 10,
            ..GetClusterInfoResponse::default()
        })
    }

    /// RegisterNamespace.
    pub(in crate::engine) fn register_namespace(
        &mut self,
        request: RegisterNamespaceRequest,
    ) -> Result<RegisterNamespaceResponse> {
        if request.namespace.is_empty() {
            return Err(Error::invalid("Namespace not set on request."));
        }
        let retention = span(request.workflow_execution_retention_period.as_ref());
        if retention.is_zero() {
            return Err(Error::invalid("A valid retention period is not set on request."));
        }
        let namespace = self.namespaces.register(&request.namespace, &mut self.ids)?;
        namespace.description = request.description;
        namespace.owner_email = request.owner_email;
        namespace.data = request.data;
        namespace.retention = retention;
        Ok(RegisterNamespaceResponse {})
    }

    /// DescribeNamespace, by name or by id.
    pub(in crate::engine) fn describe_namespace(
        &mut self,
        request: DescribeNamespaceRequest,
    ) -> Result<DescribeNamespaceResponse> {
        if request.namespace.is_empty() && request.id.is_empty() {
            return Err(Error::invalid("Namespace not set on request."));
        }
        let id = if request.namespace.is_empty() {
            self.namespaces.by_uuid(&request.id).ok_or_else(|| Error::NamespaceNotFound(request.id.clone()))?
        } else {
            self.resolve(&request.namespace)?
        };
        Ok(self.description(self.namespaces.get(id)))
    }

    /// ListNamespaces: all of them, in the order of their registration.
    pub(in crate::engine) fn list_namespaces(&mut self, _request: ListNamespacesRequest) -> Result<ListNamespacesResponse> {
        let namespaces = self.namespaces.iter().map(|namespace| self.description(namespace)).collect();
        Ok(ListNamespacesResponse { namespaces, next_page_token: Vec::new() })
    }

    /// UpdateNamespace: description, owner, data and retention.
    pub(in crate::engine) fn update_namespace(&mut self, request: UpdateNamespaceRequest) -> Result<UpdateNamespaceResponse> {
        let id = self.resolve(&request.namespace)?;
        let namespace = self.namespaces.get_mut(id);
        if let Some(info) = request.update_info {
            if !info.description.is_empty() {
                namespace.description = info.description;
            }
            if !info.owner_email.is_empty() {
                namespace.owner_email = info.owner_email;
            }
            namespace.data.extend(info.data);
        }
        let retention = request.config.and_then(|config| config.workflow_execution_retention_ttl);
        if retention.is_some() {
            namespace.retention = span(retention.as_ref());
        }
        let DescribeNamespaceResponse { namespace_info, config, replication_config, .. } =
            self.description(self.namespaces.get(id));
        Ok(UpdateNamespaceResponse { namespace_info, config, replication_config, ..UpdateNamespaceResponse::default() })
    }

    fn description(&self, namespace: &Namespace) -> DescribeNamespaceResponse {
        let capabilities = namespace_info::Capabilities {
            eager_workflow_start: true,
            sync_update: true,
            async_update: true,
            worker_poll_complete_on_shutdown: true,
            reported_problems_search_attribute: self.limits.task_problems_reported > 0,
            workflow_pause: self.has_workflow_pause,
            workflow_task_completion_pagination: self.has_completion_pages,
            ..namespace_info::Capabilities::default()
        };
        let limits = namespace_info::Limits {
            blob_size_limit_error: self.limits.blob_size_max_bytes as i64,
            memo_size_limit_error: self.limits.memo_size_max_bytes as i64,
            workflow_task_completion_size_limit_error: self.limits.completion_pages_max_bytes as i64,
            ..namespace_info::Limits::default()
        };
        let info = NamespaceInfo {
            name: namespace.name.clone(),
            state: NamespaceState::Registered.into(),
            description: namespace.description.clone(),
            owner_email: namespace.owner_email.clone(),
            data: namespace.data.clone(),
            id: namespace.uuid.clone(),
            capabilities: Some(capabilities),
            limits: Some(limits),
            supports_schedules: true,
        };
        let config = NamespaceConfig {
            workflow_execution_retention_ttl: Some(span_to_proto(namespace.retention)),
            history_archival_state: ArchivalState::Disabled.into(),
            visibility_archival_state: ArchivalState::Disabled.into(),
            ..NamespaceConfig::default()
        };
        let replication = NamespaceReplicationConfig {
            active_cluster_name: CLUSTER.to_owned(),
            clusters: vec![ClusterReplicationConfig {
                cluster_name: CLUSTER.to_owned(),
                ..ClusterReplicationConfig::default()
            }],
            ..NamespaceReplicationConfig::default()
        };
        DescribeNamespaceResponse {
            namespace_info: Some(info),
            config: Some(config),
            replication_config: Some(replication),
            ..DescribeNamespaceResponse::default()
        }
    }

    /// GetSearchAttributes: those of every namespace, and the columns of the store for the others.
    pub(in crate::engine) fn get_search_attributes(
        &mut self,
        _request: GetSearchAttributesRequest,
    ) -> Result<GetSearchAttributesResponse> {
        Ok(GetSearchAttributesResponse { keys: Registry::stored() })
    }

    /// OperatorService AddSearchAttributes.
    pub(in crate::engine) fn add_search_attributes(
        &mut self,
        request: AddSearchAttributesRequest,
    ) -> Result<AddSearchAttributesResponse> {
        Registry::check_new(&request.search_attributes)?;
        self.change_search_attributes(&request.namespace, |registry| registry.add(&request.search_attributes))?;
        Ok(AddSearchAttributesResponse {})
    }

    /// OperatorService RemoveSearchAttributes.
    pub(in crate::engine) fn remove_search_attributes(
        &mut self,
        request: RemoveSearchAttributesRequest,
    ) -> Result<RemoveSearchAttributesResponse> {
        Registry::check_old(&request.search_attributes)?;
        self.change_search_attributes(&request.namespace, |registry| registry.remove(&request.search_attributes))?;
        Ok(RemoveSearchAttributesResponse {})
    }

    fn change_search_attributes(&mut self, namespace: &str, change: impl Fn(&mut Registry) -> Result<()>) -> Result<()> {
        if self.means_all_namespaces(namespace) {
            return self.namespaces.change_all_search_attributes(&change);
        }
        let id = self.namespace_of_attributes(namespace)?;
        change(&mut self.namespaces.get_mut(id).search_attributes)
    }

    /// OperatorService ListSearchAttributes.
    pub(in crate::engine) fn list_search_attributes(
        &mut self,
        request: ListSearchAttributesRequest,
    ) -> Result<ListSearchAttributesResponse> {
        let custom_attributes = if self.means_all_namespaces(&request.namespace) {
            self.namespaces.common_search_attributes().clone()
        } else {
            let id = self.namespace_of_attributes(&request.namespace)?;
            self.namespaces.get(id).search_attributes.custom()
        };
        Ok(ListSearchAttributesResponse {
            custom_attributes,
            system_attributes: Registry::system(),
            ..ListSearchAttributesResponse::default()
        })
    }

    /// Where the OperatorService looks for a namespace, it has a text of its own.
    fn namespace_of_attributes(&mut self, namespace: &str) -> Result<NamespaceId> {
        if namespace.is_empty() {
            return Err(Error::invalid("Namespace is not set on request."));
        }
        self.resolve(namespace)
    }

    /// The Java test server's search attributes are of no namespace, so its clients name none. The real server wants one.
    fn means_all_namespaces(&self, namespace: &str) -> bool {
        namespace.is_empty() && self.personality == Personality::TestServer
    }
}
