//! Namespaces, search attributes, and questions about the service itself.

use foretime_server::proto::{
    enums::{IndexedValueType, TaskQueueType},
    namespace::{NamespaceConfig, UpdateNamespaceInfo},
    operatorservice::{
        AddOrUpdateRemoteClusterRequest, AddSearchAttributesRequest, DeleteNamespaceRequest, ListClustersRequest,
        ListSearchAttributesRequest, RemoveRemoteClusterRequest, RemoveSearchAttributesRequest,
    },
    workflowservice::*,
};
use foretime_tests::script::task_queue;
use proptest::prelude::*;

use super::{Family, Ms, QUEUE, Request, namespace};
use crate::world::World;

#[derive(Clone, Debug)]
pub(crate) enum Call {
    /// The names repeat.
    RegisterNamespace(u8, Ms),
    DescribeNamespace(u8),
    UpdateNamespace(u8, Ms),
    DeprecateNamespace(u8),
    DeleteNamespace(u8),
    AddSearchAttribute(u8, IndexedValueType),
    RemoveSearchAttribute(u8),
    DescribeTaskQueue(TaskQueueType),
    Ask(Question),
}

/// A question about the service itself.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Question {
    ListNamespaces,
    ListSearchAttributes,
    GetSearchAttributes,
    GetClusterInfo,
    GetSystemInfo,
    ListTaskQueuePartitions,
    ListNoPartitions,
    ListClusters,
    ListMoreClusters,
    AddCluster,
    RemoveCluster,
}

impl Family for Call {
    fn any() -> BoxedStrategy<Self> {
        use Question as Q;
        let questions = [
            Q::ListNamespaces,
            Q::ListSearchAttributes,
            Q::GetSearchAttributes,
            Q::GetClusterInfo,
            Q::GetSystemInfo,
            Q::ListTaskQueuePartitions,
            Q::ListNoPartitions,
            Q::ListClusters,
            Q::ListMoreClusters,
            Q::AddCluster,
            Q::RemoveCluster,
        ];
        let types = [IndexedValueType::Keyword, IndexedValueType::Int, IndexedValueType::Unspecified];
        let queues = [TaskQueueType::Workflow, TaskQueueType::Activity];
        prop_oneof![
            2 => (0_u8..3, Ms::up_to(10_000_000)).prop_map(|(name, retention)| Self::RegisterNamespace(name, retention)),
            1 => (0_u8..3).prop_map(Self::DescribeNamespace),
            1 => (0_u8..3, Ms::up_to(10_000_000)).prop_map(|(name, retention)| Self::UpdateNamespace(name, retention)),
            2 => (0_u8..3, proptest::sample::select(types.to_vec())).prop_map(|(name, of)| Self::AddSearchAttribute(name, of)),
            1 => (0_u8..3).prop_map(Self::RemoveSearchAttribute),
            2 => proptest::sample::select(queues.to_vec()).prop_map(Self::DescribeTaskQueue),
            1 => (0_u8..3).prop_map(Self::DeprecateNamespace),
            1 => (0_u8..3).prop_map(Self::DeleteNamespace),
            4 => proptest::sample::select(questions.to_vec()).prop_map(Self::Ask),
        ]
        .boxed()
    }

    #[expect(deprecated, reason = "what a queue has waiting is on the wire all the same")]
    fn request(&self, _world: &World) -> Option<Request> {
        Some(match self {
            Self::RegisterNamespace(name, retention) => Request::of(&RegisterNamespaceRequest {
                namespace: format!("namespace-{name}"),
                workflow_execution_retention_period: retention.proto(),
                ..RegisterNamespaceRequest::default()
            }),
            Self::DescribeNamespace(name) => Request::of(&DescribeNamespaceRequest {
                namespace: format!("namespace-{name}"),
                ..DescribeNamespaceRequest::default()
            }),
            Self::UpdateNamespace(name, retention) => Request::of(&UpdateNamespaceRequest {
                namespace: format!("namespace-{name}"),
                update_info: Some(UpdateNamespaceInfo { description: "ours".to_owned(), ..UpdateNamespaceInfo::default() }),
                config: Some(NamespaceConfig {
                    workflow_execution_retention_ttl: retention.proto(),
                    ..NamespaceConfig::default()
                }),
                ..UpdateNamespaceRequest::default()
            }),
            Self::DeprecateNamespace(name) => Request::of(&DeprecateNamespaceRequest {
                namespace: format!("namespace-{name}"),
                ..DeprecateNamespaceRequest::default()
            }),
            Self::DeleteNamespace(name) => Request::of(&DeleteNamespaceRequest {
                namespace: format!("namespace-{name}"),
                ..DeleteNamespaceRequest::default()
            }),
            Self::AddSearchAttribute(name, of) => Request::of(&AddSearchAttributesRequest {
                namespace: namespace(),
                search_attributes: [(format!("Attribute{name}"), (*of).into())].into(),
            }),
            Self::RemoveSearchAttribute(name) => Request::of(&RemoveSearchAttributesRequest {
                namespace: namespace(),
                search_attributes: vec![format!("Attribute{name}")],
            }),
            Self::DescribeTaskQueue(of) => Request::of(&DescribeTaskQueueRequest {
                namespace: namespace(),
                task_queue: Some(task_queue(QUEUE)),
                task_queue_type: (*of).into(),
                include_task_queue_status: true,
                ..DescribeTaskQueueRequest::default()
            }),
            Self::Ask(question) => question.request(),
        })
    }
}

impl Question {
    fn request(self) -> Request {
        match self {
            Self::ListNamespaces => Request::of(&ListNamespacesRequest::default()),
            Self::ListSearchAttributes => Request::of(&ListSearchAttributesRequest { namespace: namespace() }),
            Self::GetSearchAttributes => Request::of(&GetSearchAttributesRequest::default()),
            Self::GetClusterInfo => Request::of(&GetClusterInfoRequest::default()),
            Self::GetSystemInfo => Request::of(&GetSystemInfoRequest::default()),
            Self::ListTaskQueuePartitions => {
                Request::of(&ListTaskQueuePartitionsRequest { namespace: namespace(), task_queue: Some(task_queue(QUEUE)) })
            }
            Self::ListNoPartitions => Request::of(&ListTaskQueuePartitionsRequest { namespace: namespace(), task_queue: None }),
            Self::ListClusters => Request::of(&ListClustersRequest::default()),
            Self::ListMoreClusters => {
                Request::of(&ListClustersRequest { next_page_token: b"more".to_vec(), ..ListClustersRequest::default() })
            }
            Self::AddCluster => Request::of(&AddOrUpdateRemoteClusterRequest::default()),
            Self::RemoveCluster => Request::of(&RemoveRemoteClusterRequest::default()),
        }
    }
}
