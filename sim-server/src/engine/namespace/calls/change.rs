//! UpdateNamespace, DeprecateNamespace (`service/frontend/namespace_handler.go`), and OperatorService DeleteNamespace
//! (`service/worker/deletenamespace`).

use super::{cluster::CLUSTER, namespaces::check_clusters};
use crate::engine::{
    Engine,
    kernel::{
        error::{Error, Result},
        key::NamespaceId,
        time::Time,
    },
    namespace::{
        columns::Columns,
        registry::{Namespace, SYSTEM_NAMESPACE},
    },
    rules::{names, search_attributes::Registry},
};
use crate::proto::{
    enums::{BatchOperationState, NamespaceState, ReplicationState},
    namespace::{NamespaceConfig, UpdateNamespaceInfo},
    operatorservice::{DeleteNamespaceRequest, DeleteNamespaceResponse},
    replication::NamespaceReplicationConfig,
    workflowservice::{
        DeprecateNamespaceRequest, DeprecateNamespaceResponse, DescribeNamespaceResponse, UpdateNamespaceRequest,
        UpdateNamespaceResponse,
    },
};

/// Bad binaries of one namespace (`frontend.maxBadBinaries`).
const BAD_BINARIES_MAX: usize = 10;

impl Engine {
    /// UpdateNamespace. Archival and replication are for one cluster without an archive: what can be said of them is checked and has
    /// no effect, as on the real dev server.
    pub(in crate::engine) fn update_namespace(&mut self, request: UpdateNamespaceRequest) -> Result<UpdateNamespaceResponse> {
        self.check_namespace_name(&request.namespace)?;
        let id = self.resolve(&request.namespace)?;
        let is_kept = is_kept(&request);
        let changed = self.changed_namespace(id, request)?;
        let DescribeNamespaceResponse { namespace_info, config, replication_config, .. } = self.description(&changed);
        if is_kept {
            *self.namespaces.get_mut(id) = changed;
        }
        Ok(UpdateNamespaceResponse { namespace_info, config, replication_config, ..UpdateNamespaceResponse::default() })
    }

    /// The namespace as the request asks for it.
    fn changed_namespace(&mut self, id: NamespaceId, request: UpdateNamespaceRequest) -> Result<Namespace> {
        let now = self.now(id);
        let mut namespace = self.namespaces.get(id).clone();
        let state_before = namespace.state;
        if let Some(info) = request.update_info {
            change_info(&mut namespace, info)?;
        }
        if let Some(config) = request.config {
            self.change_config(&mut namespace, config, now)?;
        }
        let binary = &request.delete_bad_binary;
        if !binary.is_empty() && namespace.bad_binaries.remove(binary).is_none() {
            return Err(Error::invalid(format!("Bad binary checksum {binary} doesn't exists.")));
        }
        if let Some(replication) = request.replication_config {
            check_replication(&replication, state_before)?;
        }
        if request.promote_namespace {
            let why = "cannot update global namespace or promote local namespace";
            return Err(Error::invalid(format!(
                "global namespace is not enabled on this cluster, {why}: {}",
                request.namespace
            )));
        }
        Ok(namespace)
    }

    fn change_config(&self, namespace: &mut Namespace, config: NamespaceConfig, now: Time) -> Result<()> {
        if config.workflow_execution_retention_ttl.is_some() {
            namespace.retention = self.checked_retention(config.workflow_execution_retention_ttl)?;
        }
        for (checksum, mut binary) in config.bad_binaries.map(|bad| bad.binaries).unwrap_or_default() {
            binary.create_time = Some(now.to_proto());
            namespace.bad_binaries.insert(checksum, binary);
        }
        if namespace.bad_binaries.len() > BAD_BINARIES_MAX {
            return Err(Error::invalid(format!("Total resetBinaries cannot exceed the max limit: {BAD_BINARIES_MAX}")));
        }
        if !config.custom_search_attribute_aliases.is_empty() {
            let current = namespace.columns.of(&namespace.search_attributes.custom());
            let attributes = namespace.columns.set(Columns::changed(current, config.custom_search_attribute_aliases)?);
            namespace.search_attributes = Registry::of(&namespace.name, &attributes);
        }
        Ok(())
    }

    /// DeprecateNamespace: no workflow is started there any more. Those that there are go on.
    pub(in crate::engine) fn deprecate_namespace(
        &mut self,
        request: DeprecateNamespaceRequest,
    ) -> Result<DeprecateNamespaceResponse> {
        self.check_namespace_name(&request.namespace)?;
        let id = self.resolve(&request.namespace)?;
        self.namespaces.get_mut(id).state = NamespaceState::Deprecated;
        Ok(DeprecateNamespaceResponse {})
    }

    /// OperatorService DeleteNamespace: its name is free at once. What is in it ends; nobody can see it any more. The real server takes
    /// its time for that, and the namespace under its new name is gone then.
    pub(in crate::engine) fn delete_namespace(&mut self, request: DeleteNamespaceRequest) -> Result<DeleteNamespaceResponse> {
        let DeleteNamespaceRequest { namespace: name, namespace_id: uuid, .. } = request;
        if !name.is_empty() && !uuid.is_empty() {
            return Err(Error::invalid("Only one of namespace name or Id should be set on request."));
        }
        let id = if uuid.is_empty() {
            self.known_namespace(&name)?
        } else {
            self.namespaces.by_uuid(&uuid).ok_or(Error::NamespaceNotFound(uuid))?
        };
        if self.namespaces.get(id).name == SYSTEM_NAMESPACE {
            return Err(Error::FailedPrecondition("unable to delete system namespace".to_owned()));
        }
        let wall = self.wall();
        let deleted_namespace = self.namespaces.delete(id, wall);
        self.end_all_in(id);
        Ok(DeleteNamespaceResponse { deleted_namespace })
    }

    /// Ends every machine of a namespace, so that none of them does anything or holds time.
    fn end_all_in(&mut self, namespace: NamespaceId) {
        let now = self.now(namespace);
        for key in self.schedules.keys_in(namespace) {
            if self.schedules.get(key).is_open(now) {
                self.delete_schedule_now(key);
            }
        }
        for key in self.batches.open_in(namespace) {
            self.end_batch(key, BatchOperationState::Failed);
        }
        for key in self.runs.keys_in(namespace) {
            if self.runs.contains(key) {
                self.delete_any_run(key);
            }
        }
    }
}

/// Whether what the request asks for is kept. Where it asks for new bad binaries alone, the real server answers as if, and forgets
/// them (`configurationChanged`).
fn is_kept(request: &UpdateNamespaceRequest) -> bool {
    let has_only_bad_binaries = |config: &NamespaceConfig| {
        config.workflow_execution_retention_ttl.is_none() && config.custom_search_attribute_aliases.is_empty()
    };
    request.config.as_ref().is_some_and(|config| !has_only_bad_binaries(config))
        || request.update_info.as_ref().is_some_and(|info| *info != UpdateNamespaceInfo::default())
        || !request.delete_bad_binary.is_empty()
        || request.replication_config.is_some()
}

fn change_info(namespace: &mut Namespace, info: UpdateNamespaceInfo) -> Result<()> {
    let state = NamespaceState::try_from(info.state);
    if !info.description.is_empty() {
        namespace.description = info.description;
    }
    if !info.owner_email.is_empty() {
        namespace.owner_email = info.owner_email;
    }
    namespace.data.extend(info.data);
    let follows = |state: NamespaceState| match namespace.state {
        NamespaceState::Registered => matches!(state, NamespaceState::Deprecated | NamespaceState::Deleted),
        NamespaceState::Deprecated => state == NamespaceState::Deleted,
        NamespaceState::Deleted | NamespaceState::Unspecified => false,
    };
    match state {
        Ok(state) if state == NamespaceState::Unspecified || state == namespace.state => {}
        Ok(state) if follows(state) => namespace.state = state,
        _ => return Err(Error::invalid("Invalid namespace state update.")),
    }
    Ok(())
}

/// `state`: of the namespace, before the request.
fn check_replication(asked: &NamespaceReplicationConfig, state: NamespaceState) -> Result<()> {
    let replication = asked.state();
    if !matches!(replication, ReplicationState::Unspecified | ReplicationState::Normal) {
        if state != NamespaceState::Registered {
            return Err(Error::invalid(format!(
                "update ReplicationState is only supported when namespace is in Registered state, current state: {}",
                names::namespace_state(state)
            )));
        }
        if replication == ReplicationState::Handover {
            return Err(Error::invalid("Handover can only be set for global namespace"));
        }
    }
    let active = if asked.active_cluster_name.is_empty() { CLUSTER } else { &asked.active_cluster_name };
    check_clusters(active, &asked.clusters)
}
