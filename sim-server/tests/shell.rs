//! The shell from outside: a socket, HTTP/2 and gRPC in front, the service behind.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use foretime_server::{
    config::Config,
    proto::{
        common::{Payloads, WorkflowExecution, WorkflowType},
        query::WorkflowQuery,
        taskqueue::TaskQueue,
        testservice::{SleepRequest, SleepResponse},
        workflowservice::{
            GetSystemInfoRequest, GetSystemInfoResponse, PollWorkflowTaskQueueRequest, PollWorkflowTaskQueueResponse,
            QueryWorkflowRequest, QueryWorkflowResponse, SignalWorkflowExecutionRequest, SignalWorkflowExecutionResponse,
            StartWorkflowExecutionRequest, StartWorkflowExecutionResponse,
        },
    },
    rpc::{
        Service,
        table::{OPERATOR_SERVICE, TEST_SERVICE, WORKFLOW_SERVICE},
    },
    shell::{grpc, host::Host},
};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tonic::{Code, Request, Status, client::GrpcService, codec::CompressionEncoding, transport::Channel};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use tonic_prost::ProstCodec;
use tonic_reflection::pb::{
    v1::{
        ServerReflectionRequest, server_reflection_client::ServerReflectionClient, server_reflection_request::MessageRequest,
        server_reflection_response::MessageResponse,
    },
    v1alpha,
};

/// A server on a port of its own; ends with the test's runtime.
fn new_server() -> SocketAddr {
    let listener = grpc::listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("a free port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(grpc::serve(listener, Host::new(Service::boxed(&Config::default()).expect("a service"))));
    address
}

async fn connect(server: SocketAddr) -> Channel {
    let endpoint = Channel::from_shared(format!("http://{server}")).expect("an address");
    endpoint.connect().await.expect("a connection")
}

async fn channel_to_new_server() -> Channel {
    connect(new_server()).await
}

/// A client that only sends `grpc-timeout`: tonic's own gives up by itself.
async fn client_that_waits(
    server: SocketAddr,
) -> tonic::client::Grpc<impl GrpcService<tonic::body::Body, ResponseBody = Incoming, Error = hyper::Error>> {
    let stream = TokioIo::new(tokio::net::TcpStream::connect(server).await.expect("a connection"));
    let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.expect("a handshake");
    tokio::spawn(connection);
    let service = tower::service_fn(move |request| sender.clone().send_request(request));
    tonic::client::Grpc::with_origin(service, format!("http://{server}").parse().expect("an address"))
}

fn grpc_client(channel: &Channel) -> tonic::client::Grpc<Channel> {
    tonic::client::Grpc::new(channel.clone())
}

async fn call<Q, R>(
    mut client: tonic::client::Grpc<Channel>,
    path: &str,
    request: impl tonic::IntoRequest<Q>,
) -> Result<R, Status>
where
    Q: Message + Default + 'static,
    R: Message + Default + 'static,
{
    client.ready().await.expect("the channel");
    let path = path.parse().expect("a path");
    client.unary(request.into_request(), path, ProstCodec::<Q, R>::default()).await.map(tonic::Response::into_inner)
}

async fn call_workflow_service<Q, R>(channel: &Channel, method: &str, request: impl tonic::IntoRequest<Q>) -> Result<R, Status>
where
    Q: Message + Default + 'static,
    R: Message + Default + 'static,
{
    call(grpc_client(channel), &format!("/{WORKFLOW_SERVICE}/{method}"), request).await
}

async fn system_info(client: tonic::client::Grpc<Channel>) -> Result<GetSystemInfoResponse, Status> {
    call(client, &format!("/{WORKFLOW_SERVICE}/GetSystemInfo"), GetSystemInfoRequest {}).await
}

fn poll() -> PollWorkflowTaskQueueRequest {
    PollWorkflowTaskQueueRequest {
        namespace: "default".to_owned(),
        task_queue: Some(TaskQueue { name: "queue".to_owned(), ..Default::default() }),
        ..Default::default()
    }
}

async fn start_workflow(channel: &Channel, id: &str) {
    let request = StartWorkflowExecutionRequest {
        namespace: "default".to_owned(),
        workflow_id: id.to_owned(),
        workflow_type: Some(WorkflowType { name: "workflow".to_owned() }),
        task_queue: Some(TaskQueue { name: "queue".to_owned(), ..Default::default() }),
        request_id: "request".to_owned(),
        ..Default::default()
    };
    let _: StartWorkflowExecutionResponse =
        call_workflow_service(channel, "StartWorkflowExecution", request).await.expect("the start");
}

#[tokio::test]
async fn the_first_call_is_answered() {
    let channel = channel_to_new_server().await;
    system_info(grpc_client(&channel)).await.expect("an answer");
}

#[tokio::test]
async fn gzip_is_understood() {
    let channel = channel_to_new_server().await;
    let client = grpc_client(&channel);
    let client = client.send_compressed(CompressionEncoding::Gzip).accept_compressed(CompressionEncoding::Gzip);
    system_info(client).await.expect("an answer");
}

#[tokio::test]
async fn what_is_not_served_is_unimplemented_and_named() {
    let channel = channel_to_new_server().await;
    for (path, name) in [
        (format!("/{WORKFLOW_SERVICE}/NoSuchMethod"), "NoSuchMethod"),
        ("/no.such.Service/GetSystemInfo".to_owned(), "no.such.Service"),
        ("/nothing".to_owned(), "/nothing"),
    ] {
        let outcome =
            call::<GetSystemInfoRequest, GetSystemInfoResponse>(grpc_client(&channel), &path, GetSystemInfoRequest {});
        let status = outcome.await.expect_err("no such thing");
        assert_eq!(status.code(), Code::Unimplemented, "{path}");
        assert!(status.message().contains(name), "{path}: {status}");
    }
}

#[tokio::test]
async fn a_message_larger_than_the_limit_is_refused_as_the_real_server_does() {
    let channel = channel_to_new_server().await;
    let payload = foretime_server::proto::common::Payload { data: vec![0; 5 << 20], ..Default::default() };
    let request = SignalWorkflowExecutionRequest { input: Some(Payloads { payloads: vec![payload] }), ..Default::default() };
    let plain = format!("grpc: received message larger than max ({} vs. 4194304)", request.encoded_len());
    let packed = "grpc: received message after decompression larger than max 4194304".to_owned();
    let clients = [(grpc_client(&channel), plain), (grpc_client(&channel).send_compressed(CompressionEncoding::Gzip), packed)];
    for (client, message) in clients {
        let path = format!("/{WORKFLOW_SERVICE}/SignalWorkflowExecution");
        let outcome = call::<_, SignalWorkflowExecutionResponse>(client, &path, request.clone()).await;
        let status = outcome.expect_err("too large");
        assert_eq!((status.code(), status.message()), (Code::ResourceExhausted, message.as_str()));
        system_info(grpc_client(&channel)).await.expect("the connection goes on");
    }
}

#[tokio::test]
async fn a_parked_call_ends_at_its_deadline() {
    let server = new_server();
    start_workflow(&connect(server).await, "one").await;
    let mut request = Request::new(QueryWorkflowRequest {
        namespace: "default".to_owned(),
        execution: Some(WorkflowExecution { workflow_id: "one".to_owned(), run_id: String::new() }),
        query: Some(WorkflowQuery { query_type: "state".to_owned(), ..Default::default() }),
        ..Default::default()
    });
    request.set_timeout(Duration::from_millis(50));
    let mut client = client_that_waits(server).await;
    client.ready().await.expect("the connection");
    let path = format!("/{WORKFLOW_SERVICE}/QueryWorkflow").parse().expect("a path");
    let outcome = client.unary(request, path, ProstCodec::<_, QueryWorkflowResponse>::default()).await;
    let status = outcome.expect_err("nobody answers queries");
    assert_eq!((status.code(), status.message()), (Code::DeadlineExceeded, "Deadline Exceeded"));
}

#[tokio::test]
async fn a_poll_that_was_given_up_gets_no_task() {
    let channel = channel_to_new_server().await;
    let first = tokio::spawn({
        let channel = channel.clone();
        async move { call_workflow_service::<_, PollWorkflowTaskQueueResponse>(&channel, "PollWorkflowTaskQueue", poll()).await }
    });
    // The calls of one connection reach the service in order, so once this is answered the poll has been parked.
    tokio::task::yield_now().await;
    system_info(grpc_client(&channel)).await.expect("an answer");
    first.abort();
    assert!(first.await.expect_err("the poll was still parked").is_cancelled());
    system_info(grpc_client(&channel)).await.expect("an answer");
    start_workflow(&channel, "one").await;
    let task: PollWorkflowTaskQueueResponse =
        call_workflow_service(&channel, "PollWorkflowTaskQueue", poll()).await.expect("a task");
    assert!(!task.task_token.is_empty());
}

#[tokio::test]
async fn a_thousand_parked_polls_starve_nobody_and_may_all_go_at_once() {
    let channel = channel_to_new_server().await;
    let mut polls = tokio::task::JoinSet::new();
    for _ in 0..1000 {
        let channel = channel.clone();
        polls.spawn(async move {
            call_workflow_service::<_, PollWorkflowTaskQueueResponse>(&channel, "PollWorkflowTaskQueue", poll()).await
        });
    }
    tokio::task::yield_now().await;
    system_info(grpc_client(&channel)).await.expect("an answer");
    assert_eq!(polls.len(), 1000, "all are parked");
    polls.shutdown().await;
    system_info(grpc_client(&channel)).await.expect("the connection goes on");
    start_workflow(&channel, "one").await;
    let task: PollWorkflowTaskQueueResponse =
        call_workflow_service(&channel, "PollWorkflowTaskQueue", poll()).await.expect("a task");
    assert!(!task.task_token.is_empty());
}

#[tokio::test]
async fn what_falls_due_is_run() {
    let channel = channel_to_new_server().await;
    let start = Instant::now();
    let sleep = |seconds, nanos| {
        let request = SleepRequest { duration: Some(prost_types::Duration { seconds, nanos }) };
        let client = grpc_client(&channel);
        async move { call::<_, SleepResponse>(client, &format!("/{TEST_SERVICE}/Sleep"), request).await }
    };
    // The long one first: the driver sleeps for it, and has to be woken for the short one.
    tokio::select! {
        biased;
        long = sleep(3600, 0) => panic!("an hour did not pass: {long:?}"),
        short = sleep(0, 30_000_000) => short.expect("an answer"),
    };
    assert!(start.elapsed() >= Duration::from_millis(30));
}

#[tokio::test]
async fn health() {
    let mut client = HealthClient::new(channel_to_new_server().await);
    for service in ["", WORKFLOW_SERVICE, OPERATOR_SERVICE, TEST_SERVICE] {
        let request = HealthCheckRequest { service: service.to_owned() };
        let checked = client.check(request.clone()).await.expect("an answer").into_inner();
        assert_eq!(checked.status(), ServingStatus::Serving, "{service:?}");
        let mut watched = client.watch(request).await.expect("a stream").into_inner();
        let first = watched.message().await.expect("no error").expect("a first status");
        assert_eq!(first.status(), ServingStatus::Serving, "{service:?}");
    }
    let unknown = client.check(HealthCheckRequest { service: "no.such.Service".to_owned() }).await;
    assert_eq!(unknown.expect_err("unknown").code(), Code::NotFound);
}

#[tokio::test]
async fn reflection_lists_what_is_served() {
    let mut client = ServerReflectionClient::new(channel_to_new_server().await);
    let request =
        ServerReflectionRequest { host: String::new(), message_request: Some(MessageRequest::ListServices(String::new())) };
    let mut replies = client.server_reflection_info(tokio_stream::once(request)).await.expect("a stream").into_inner();
    let reply = replies.message().await.expect("no error").expect("a reply").message_response;
    let Some(MessageResponse::ListServicesResponse(list)) = reply else { panic!("not a list: {reply:?}") };
    let names: Vec<_> = list.service.iter().map(|service| service.name.as_str()).collect();
    for service in grpc::SERVICES.iter().chain(&["grpc.health.v1.Health"]) {
        assert!(names.contains(service), "{service} not in {names:?}");
    }
}

#[tokio::test]
async fn health_and_reflection_understand_gzip() {
    let channel = channel_to_new_server().await;
    let mut health = HealthClient::new(channel.clone()).send_compressed(CompressionEncoding::Gzip);
    health.check(HealthCheckRequest::default()).await.expect("an answer");

    let by_name = MessageRequest::FileContainingSymbol(WORKFLOW_SERVICE.to_owned());
    let request = ServerReflectionRequest { host: String::new(), message_request: Some(by_name) };
    let mut v1 = ServerReflectionClient::new(channel.clone()).send_compressed(CompressionEncoding::Gzip);
    let mut replies = v1.server_reflection_info(tokio_stream::once(request)).await.expect("a stream").into_inner();
    replies.message().await.expect("no error").expect("a reply");

    let by_name = v1alpha::server_reflection_request::MessageRequest::FileContainingSymbol(WORKFLOW_SERVICE.to_owned());
    let request = v1alpha::ServerReflectionRequest { host: String::new(), message_request: Some(by_name) };
    let mut v1alpha =
        v1alpha::server_reflection_client::ServerReflectionClient::new(channel).send_compressed(CompressionEncoding::Gzip);
    let mut replies = v1alpha.server_reflection_info(tokio_stream::once(request)).await.expect("a stream").into_inner();
    replies.message().await.expect("no error").expect("a reply");
}
