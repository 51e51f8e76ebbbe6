//! Search attributes of a namespace, and of all of them.

use foretime_server::proto::{
    common::SearchAttributes, enums::IndexedValueType, operatorservice::*, workflowservice::StartWorkflowExecutionRequest,
};

use crate::support::*;

fn add(namespace: &str, names: &[&str]) -> AddSearchAttributesRequest {
    let search_attributes = names.iter().map(|name| ((*name).to_owned(), IndexedValueType::Bool.into())).collect();
    AddSearchAttributesRequest { namespace: namespace.to_owned(), search_attributes }
}

fn remove(namespace: &str, name: &str) -> RemoveSearchAttributesRequest {
    RemoveSearchAttributesRequest { namespace: namespace.to_owned(), search_attributes: vec![name.to_owned()] }
}

fn list(namespace: &str) -> ListSearchAttributesRequest {
    ListSearchAttributesRequest { namespace: namespace.to_owned() }
}

/// A start in a namespace, with a search attribute.
fn start_with(namespace: &str, name: &str) -> StartWorkflowExecutionRequest {
    let yes = foretime_server::proto::common::Payload { data: b"true".to_vec(), ..payload("") };
    StartWorkflowExecutionRequest {
        namespace: namespace.to_owned(),
        search_attributes: Some(SearchAttributes { indexed_fields: [(name.to_owned(), yes)].into() }),
        ..start("order")
    }
}

impl Transcript {
    /// The custom search attributes of a namespace.
    #[track_caller]
    fn custom(&mut self, namespace: &str) -> String {
        self.calls(list(namespace)).custom_attributes.into_keys().collect::<Vec<_>>().join(" ")
    }
}

#[test]
fn on_the_test_server_no_namespace_means_all() {
    let mut t = Transcript::skipping();
    t.calls(add("one", &["Own"]));
    t.calls(add("", &["Paid", "Sent"]));
    assert_eq!([t.custom(""), t.custom("one"), t.custom("default")], ["Paid Sent", "Own Paid Sent", "Paid Sent"]);
    for namespace in ["default", "one", "one that comes later"] {
        t.starts_with(start_with(namespace, "Paid"));
    }
    t.calls(remove("", "Paid"));
    assert_eq!([t.custom(""), t.custom("one"), t.custom("another")], ["Sent", "Own Sent", "Sent"]);
}

#[test]
fn all_namespaces_or_none() {
    let mut t = Transcript::skipping();
    t.calls(add("full", &["A", "B", "C"]));
    t.refuses(
        add("", &["D"]),
        "InvalidArgument: Unable to create search attributes: cannot have more than 3 search attribute of type Bool.",
    );
    t.refuses(remove("", "WorkflowId"), "InvalidArgument: Unable to remove non-custom search attributes: WorkflowId.");
    assert_eq!([t.custom(""), t.custom("default"), t.custom("full")], ["", "", "A B C"]);
}

#[test]
fn the_dev_server_wants_a_namespace() {
    let mut t = Transcript::new();
    t.refuses(add("", &["Paid"]), "InvalidArgument: Namespace is not set on request.");
    t.refuses(remove("", "Paid"), "InvalidArgument: Namespace is not set on request.");
    t.refuses(list(""), "InvalidArgument: Namespace is not set on request.");
}
