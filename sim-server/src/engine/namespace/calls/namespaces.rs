//! RegisterNamespace, DescribeNamespace, ListNamespaces (`service/frontend/namespace_handler.go`).

use std::time::Duration;

use super::cluster::CLUSTER;
use crate::engine::{
    Engine,
    kernel::{
        error::{Error, Result},
        key::NamespaceId,
        time::{span, span_to_proto},
    },
    namespace::registry::Namespace,
    rules::validate::duration,
};
use crate::proto::{
    enums::{ArchivalState, NamespaceState, ReplicationState},
    namespace::{BadBinaries, NamespaceConfig, NamespaceInfo, namespace_info},
    replication::{ClusterReplicationConfig, NamespaceReplicationConfig},
    workflowservice::{
        DescribeNamespaceRequest, DescribeNamespaceResponse, ListNamespacesRequest, ListNamespacesResponse,
        RegisterNamespaceRequest, RegisterNamespaceResponse,
    },
};

/// Namespaces on one page, unless the request says otherwise.
const PAGE_SIZE: usize = 100;

impl Engine {
    /// RegisterNamespace. Archival is not configured, so what the request says of it is ignored, as on the real dev server.
    pub(in crate::engine) fn register_namespace(
        &mut self,
        request: RegisterNamespaceRequest,
    ) -> Result<RegisterNamespaceResponse> {
        let name = &request.namespace;
        self.check_namespace_name(name)?;
        if request.is_global_namespace {
            return Err(Error::invalid("Cannot register global namespace when not enabled"));
        }
        let retention = self.checked_retention(request.workflow_execution_retention_period)?;
        if self.namespaces.find(name).is_some() {
            return Err(Error::NamespaceAlreadyExists(name.clone()));
        }
        let active = if request.active_cluster_name.is_empty() { CLUSTER } else { &request.active_cluster_name };
        check_clusters(active, &request.clusters)?;
        let namespace = self.namespaces.register(name, &mut self.ids)?;
        namespace.description = request.description;
        namespace.owner_email = request.owner_email;
        namespace.data = request.data;
        namespace.retention = retention;
        Ok(RegisterNamespaceResponse {})
    }

    /// What requests about namespaces say of a name that cannot be one.
    pub(super) fn check_namespace_name(&self, name: &str) -> Result<()> {
        if name.is_empty() {
            return Err(Error::invalid("Namespace not set on request."));
        }
        if name.len() > self.limits.id_length_max {
            return Err(Error::invalid("Namespace length exceeds limit."));
        }
        Ok(())
    }

    /// How long closed workflows are to stay: at least `system.namespaceMinRetentionLocal`, at most a hundred years.
    pub(super) fn checked_retention(&self, mut retention: Option<prost_types::Duration>) -> Result<Duration> {
        let refused = || Error::invalid("A valid retention period is not set on request.");
        duration::check_and_cap(retention.as_mut()).map_err(|_| refused())?;
        let retention = span(retention.as_ref());
        if retention < self.limits.retention_min { Err(refused()) } else { Ok(retention) }
    }

    /// DescribeNamespace, by name or by id, whatever its state.
    pub(in crate::engine) fn describe_namespace(
        &mut self,
        request: DescribeNamespaceRequest,
    ) -> Result<DescribeNamespaceResponse> {
        let DescribeNamespaceRequest { namespace: name, id: uuid, weak_consistency } = request;
        if name.is_empty() && uuid.is_empty() {
            return Err(Error::invalid("Namespace not set on request."));
        }
        if !name.is_empty() && !uuid.is_empty() {
            let blanks = if weak_consistency { " " } else { "  " };
            let text = format!("GetNamespace operation failed.{blanks}Both ID and Name specified in request.");
            return Err(Error::invalid(text));
        }
        let id = if name.is_empty() {
            let length = uuid.len();
            if ![32, 36, 38, 45].contains(&length) {
                return Err(Error::Unknown(format!("invalid UUID length: {length}")));
            }
            self.namespaces.by_uuid(&uuid).ok_or(Error::NamespaceNotFound(uuid))?
        } else {
            self.known_namespace(&name)?
        };
        Ok(self.description(self.namespaces.get(id)))
    }

    /// The namespace of this name, whatever its state.
    pub(super) fn known_namespace(&mut self, name: &str) -> Result<NamespaceId> {
        self.check_namespace_name(name)?;
        match self.namespaces.find(name) {
            Some(id) => Ok(id),
            None => self.resolve(name),
        }
    }

    /// ListNamespaces, in the order of their registration. Deleted ones only if the request asks for them.
    pub(in crate::engine) fn list_namespaces(&mut self, request: ListNamespacesRequest) -> Result<ListNamespacesResponse> {
        let refused = |why: &str| {
            Error::Unavailable(format!("ListNamespaces operation failed. Failed to get namespace rows. Error: {why}"))
        };
        let size = match usize::try_from(request.page_size) {
            Ok(0) => PAGE_SIZE,
            Ok(size) => size,
            Err(_) => return Err(refused("missing one or more args for API")),
        };
        // A token that is none of ours is where another list ended: there is nothing behind it.
        let start = match request.next_page_token.as_slice() {
            [] => 0,
            token => token.try_into().map_or(usize::MAX, |token| u32::from_be_bytes(token) as usize),
        };
        let includes_deleted = request.namespace_filter.is_some_and(|filter| filter.include_deleted);
        let page = self.namespaces.iter().skip(start).take(size);
        let wanted = page.filter(|namespace| includes_deleted || namespace.state != NamespaceState::Deleted);
        let namespaces = wanted.map(|namespace| self.description(namespace)).collect();
        let end = start.saturating_add(size);
        let is_last = end >= self.namespaces.iter().count();
        let next_page_token = if is_last { Vec::new() } else { (end as u32).to_be_bytes().to_vec() };
        Ok(ListNamespacesResponse { namespaces, next_page_token })
    }

    pub(super) fn description(&self, namespace: &Namespace) -> DescribeNamespaceResponse {
        let limits = namespace_info::Limits {
            blob_size_limit_error: self.limits.blob_size_told_bytes as i64,
            memo_size_limit_error: self.limits.memo_size_told_bytes as i64,
            workflow_task_completion_size_limit_error: self.limits.completion_pages_max_bytes as i64,
        };
        let info = NamespaceInfo {
            name: namespace.name.clone(),
            state: namespace.state.into(),
            description: namespace.description.clone(),
            owner_email: namespace.owner_email.clone(),
            data: namespace.data.clone(),
            id: namespace.uuid.clone(),
            capabilities: Some(self.capabilities()),
            limits: Some(limits),
            supports_schedules: true,
        };
        let config = NamespaceConfig {
            workflow_execution_retention_ttl: Some(span_to_proto(namespace.retention)),
            bad_binaries: Some(BadBinaries { binaries: namespace.bad_binaries.clone() }),
            history_archival_state: ArchivalState::Disabled.into(),
            visibility_archival_state: ArchivalState::Disabled.into(),
            custom_search_attribute_aliases: namespace.columns.of(&namespace.search_attributes.custom()),
            ..NamespaceConfig::default()
        };
        let cluster = ClusterReplicationConfig { cluster_name: CLUSTER.to_owned(), ..ClusterReplicationConfig::default() };
        let replication = NamespaceReplicationConfig {
            active_cluster_name: CLUSTER.to_owned(),
            clusters: vec![cluster],
            state: if namespace.is_configured { ReplicationState::Unspecified } else { ReplicationState::Normal }.into(),
        };
        DescribeNamespaceResponse {
            namespace_info: Some(info),
            config: Some(config),
            replication_config: Some(replication),
            ..DescribeNamespaceResponse::default()
        }
    }

    /// Each is one that is honoured.
    fn capabilities(&self) -> namespace_info::Capabilities {
        namespace_info::Capabilities {
            eager_workflow_start: self.switches.eager_starts,
            sync_update: self.switches.updates,
            async_update: self.switches.accepted_updates,
            worker_poll_complete_on_shutdown: self.switches.shutdowns_end_polls,
            reported_problems_search_attribute: self.limits.task_problems_reported > 0,
            worker_heartbeats: self.switches.worker_heartbeats,
            workflow_pause: self.switches.workflow_pause,
            workflow_task_completion_pagination: self.switches.completion_pages,
            ..namespace_info::Capabilities::default()
        }
    }
}

/// The clusters of a namespace: this one alone (`common/namespace/nsmanager/attr_validator.go`).
pub(super) fn check_clusters(active: &str, clusters: &[ClusterReplicationConfig]) -> Result<()> {
    let named = clusters.iter().map(|cluster| cluster.cluster_name.as_str());
    if let Some(unknown) = std::iter::once(active).chain(named).find(|name| *name != CLUSTER) {
        return Err(Error::invalid(format!("Invalid cluster name: {unknown}")));
    }
    if clusters.len() > 1 {
        return Err(Error::invalid("Invalid local namespace clusters"));
    }
    Ok(())
}
