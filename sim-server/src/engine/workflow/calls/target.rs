//! Which run a request names, and links to what a request made of it.

use crate::{
    engine::{
        Engine,
        kernel::{
            error::{Error, Result},
            key::{NamespaceId, RunKey},
        },
        rules::validate,
    },
    proto::{
        common::{Link, WorkflowExecution, link},
        enums::EventType,
    },
};

/// The text for a workflow that is closed already.
pub(in crate::engine) const COMPLETED: &str = "workflow execution already completed";

/// What a request names: a run, or the current one of a workflow id.
#[derive(Debug)]
pub(in crate::engine) struct Target {
    pub(in crate::engine) namespace: NamespaceId,
    pub(super) workflow_id: String,
    /// Empty: the current run.
    pub(super) run_id: String,
}

impl Engine {
    /// What a request names. It may not exist: [`Self::find`] says so, once the rest of the request is checked, as on the real
    /// server.
    ///
    /// # Errors
    /// The namespace is not registered; the names are malformed.
    pub(super) fn target(&mut self, namespace: &str, execution: Option<&WorkflowExecution>) -> Result<Target> {
        let namespace = self.resolve(namespace)?;
        validate::execution::execution(execution)?;
        let WorkflowExecution { workflow_id, run_id } = execution.cloned().unwrap_or_default();
        Ok(Target { namespace, workflow_id, run_id })
    }

    /// The run that is named.
    ///
    /// # Errors
    /// NOT_FOUND.
    pub(super) fn find(&self, target: &Target) -> Result<RunKey> {
        self.runs.find(target.namespace, &target.workflow_id, &target.run_id)
    }

    /// The run that is named, where the real server checks no names before it looks for it.
    ///
    /// # Errors
    /// `InvalidArgument`, NOT_FOUND.
    pub(in crate::engine) fn load(&self, namespace: NamespaceId, execution: &WorkflowExecution) -> Result<RunKey> {
        let WorkflowExecution { workflow_id, run_id } = execution;
        if workflow_id.is_empty() {
            return Err(Error::invalid("Can't load workflow execution.  WorkflowId not set."));
        }
        if !run_id.is_empty() && !validate::execution::is_uuid(run_id) {
            return Err(Error::invalid("RunId is not valid UUID."));
        }
        self.runs.find(namespace, workflow_id, run_id)
    }

    /// The run that is named. If a chain is named, by its first run, that is the chain's current run, whatever run is named
    /// besides. Whether the run that is found is of that chain, [`Self::check_chain`] says: the real server asks first whether it
    /// is open.
    ///
    /// # Errors
    /// NOT_FOUND.
    pub(super) fn find_in_chain(&self, target: &Target, first_run_id: &str) -> Result<RunKey> {
        let run_id = if first_run_id.is_empty() { target.run_id.as_str() } else { "" };
        self.runs.find(target.namespace, &target.workflow_id, run_id)
    }

    /// The run is of the chain that `first_run_id` began, if one is asked for.
    ///
    /// # Errors
    /// NOT_FOUND.
    pub(super) fn check_chain(&self, key: RunKey, first_run_id: &str) -> Result<()> {
        if first_run_id.is_empty() || self.runs.get(key).first_run_id() == first_run_id {
            return Ok(());
        }
        Err(Error::not_found("workflow execution not found"))
    }

    pub(in crate::engine) fn check_running(&self, key: RunKey) -> Result<()> {
        if self.runs.get(key).is_running() { Ok(()) } else { Err(Error::not_found(COMPLETED)) }
    }

    /// A link to the event that a request made.
    pub(super) fn link_by_request(&self, key: RunKey, request_id: &str, event_type: EventType) -> Link {
        let reference =
            link::workflow_event::RequestIdReference { request_id: request_id.to_owned(), event_type: event_type.into() };
        self.link_to(key, link::workflow_event::Reference::RequestIdRef(reference))
    }

    /// A link to an event of a run.
    pub(super) fn link_to(&self, key: RunKey, reference: link::workflow_event::Reference) -> Link {
        let run = self.runs.get(key);
        let WorkflowExecution { workflow_id, run_id } = run.execution();
        let namespace = self.namespaces.get(run.namespace()).name.clone();
        let event = link::WorkflowEvent { namespace, workflow_id, run_id, reference: Some(reference) };
        Link { variant: Some(link::Variant::WorkflowEvent(event)) }
    }
}
