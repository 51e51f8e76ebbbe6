//! The search attributes of namespaces.

use crate::config::Personality;
use crate::engine::{
    Engine,
    kernel::{
        error::{Error, Result},
        key::NamespaceId,
    },
    rules::search_attributes::Registry,
};
use crate::proto::{
    operatorservice::{
        AddSearchAttributesRequest, AddSearchAttributesResponse, ListSearchAttributesRequest, ListSearchAttributesResponse,
        RemoveSearchAttributesRequest, RemoveSearchAttributesResponse,
    },
    workflowservice::{GetSearchAttributesRequest, GetSearchAttributesResponse},
};

impl Engine {
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
