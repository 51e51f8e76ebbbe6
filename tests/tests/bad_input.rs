//! Our server against callers that are broken, rude or gone: it refuses correctly, loses nothing and does not panic.

use std::time::Duration;

use bytes::Bytes;
use foretime_server::{
    proto::{self, common::WorkflowExecution, workflowservice::*},
    rpc::table::WORKFLOW_SERVICE,
    shell::grpc::SERVICES,
};
use foretime_tests::{
    client::Client,
    commands::*,
    script::*,
    server::{Kind, Server},
    worker::WorkflowTask,
};
use futures_util::{StreamExt, future::join_all, stream::FuturesUnordered};
use prost::Message;
use prost_reflect::DescriptorPool;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use tokio::{io::AsyncWriteExt, net::TcpStream};
use tonic::{Code, Status};

async fn server() -> (Server, Client) {
    let server = Server::start(Kind::Ours, &[]).await.expect("the server starts");
    let client = Client::connect(&server.address).await.expect("the server listens");
    (server, client)
}

/// Real work from start to end, which proves that the server is in order.
async fn works(client: &Client, name: &str) {
    let s = Script::new(client.clone(), name);
    s.start("wf").await;
    s.run_task([start_timer("t", 0.05)]).await;
    s.run_task([complete_workflow("done")]).await;
    let close = s.close_event("wf", "").await.expect("a close event");
    assert_eq!(close.event_type(), proto::enums::EventType::WorkflowExecutionCompleted);
}

/// The text of grpc-go, and so of the real server, for bytes that are no message of the method.
fn is_malformed(status: &Status) -> bool {
    status.code() == Code::Internal && status.message().starts_with("grpc: error unmarshalling request: ")
}

/// The real server hides some of its errors behind this text, and so do we, of the same requests.
fn is_hidden_there(status: &Status) -> bool {
    status.message().starts_with("something went wrong, please retry (")
}

/// What the real server tells of ids and tokens that are none, with codes that tell of trouble within.
fn is_told_there(status: &Status) -> bool {
    let told = [(Code::Unknown, "invalid UUID length: "), (Code::Internal, "error deserializing page token: ")];
    told.iter().any(|(code, text)| status.code() == *code && status.message().starts_with(text))
}

/// Asserts that a refusal is not due to a bug of ours.
fn assert_sane(what: &str, status: &Status) {
    let is_odd = matches!(status.code(), Code::Internal | Code::Unknown | Code::DataLoss);
    let bug = is_odd && !is_malformed(status) && !is_hidden_there(status) && !is_told_there(status);
    assert!(!bug && !status.message().contains("panicked"), "{what}: {status}");
}

fn every_method() -> Vec<String> {
    let pool = DescriptorPool::decode(proto::DESCRIPTORS).expect("the descriptors are sound");
    let services = SERVICES.map(|name| pool.get_service_by_name(name).expect("the service is described"));
    let path = |method: prost_reflect::MethodDescriptor| format!("/{}/{}", method.parent_service().full_name(), method.name());
    services.iter().flat_map(|service| service.methods().map(path)).collect()
}

/// Bytes that are no message, cut-off messages, and some noise.
fn bad_messages(rng: &mut ChaCha8Rng) -> Vec<Bytes> {
    let mut messages: Vec<Bytes> = [
        &b"\x0a\x7f"[..],                                // a length with nothing behind it
        b"\x0a\x02\xff\xfe",                             // text that is not UTF-8
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", // a varint without an end
        b"\x0b\x0b\x0b",                                 // groups that never close
        b"\x07",                                         // a wire type that is none
        b"\x0a\xff\xff\xff\xff\x0f",                     // 4 GiB announced
        b"\x12\x04\x0a\x7f\x00\x00",                     // an inner message cut off
    ]
    .into_iter()
    .map(Bytes::from_static)
    .collect();
    for length in [1, 7, 64, 1000] {
        let mut noise = vec![0; length];
        rng.fill_bytes(&mut noise);
        messages.push(noise.into());
    }
    messages
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_messages_to_every_rpc() {
    let (mut server, client) = server().await;
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let methods = every_method();
    assert_eq!(methods.len(), 141 + 5, "every RPC is there, ours too");
    for path in &methods {
        let client = &client;
        let calls = bad_messages(&mut rng).into_iter().map(|message| async move {
            let answer = client.call_raw(path, message.clone(), Duration::from_secs(5)).await;
            // The test service's sleeps and polls may wait out the deadline if the bytes happen to be a message.
            if let Err(status) = answer {
                assert_sane(&format!("{path} with {message:x?}"), &status);
            }
        });
        join_all(calls).await;
    }
    assert!(server.is_alive());
    works(&client, "after-malformed").await;
}

#[tokio::test]
async fn a_message_cut_off_anywhere() {
    let (_server, client) = server().await;
    let s = Script::new(client.clone(), "cut-off");
    let whole = s.new_start("wf").encode_to_vec();
    let path = format!("/{WORKFLOW_SERVICE}/StartWorkflowExecution");
    for end in 0..whole.len() {
        let answer = client.call_raw(&path, Bytes::copy_from_slice(&whole[..end]), Duration::from_secs(5)).await;
        // Cut between two fields, it is still a message and may even be complete. The first complete one starts the workflow,
        // and those after it find it running.
        if let Err(status) = answer {
            let refused = matches!(status.code(), Code::InvalidArgument | Code::AlreadyExists);
            assert!(refused || is_malformed(&status), "cut at {end}: {status}");
        }
    }
    works(&client, "after-cut-off").await;
}

#[tokio::test]
async fn unknown_services_and_methods() {
    let (_server, client) = server().await;
    for path in [
        format!("/{WORKFLOW_SERVICE}/NoSuchMethod"),
        "/no.such.Service/StartWorkflowExecution".to_owned(),
        "/StartWorkflowExecution".to_owned(),
        "/".to_owned(),
        format!("/{WORKFLOW_SERVICE}/StartWorkflowExecution/more"),
    ] {
        let answer = client.call_raw(&path, Bytes::new(), Duration::from_secs(5)).await;
        assert_eq!(answer.expect_err("nobody serves it").code(), Code::Unimplemented, "{path}");
    }
}

async fn complete(client: &Client, task_token: Vec<u8>) -> Result<RespondWorkflowTaskCompletedResponse, Status> {
    let namespace = NAMESPACE.to_owned();
    client.call(RespondWorkflowTaskCompletedRequest { namespace, task_token, ..Default::default() }).await
}

#[tokio::test]
async fn damaged_tokens() {
    let (_server, client) = server().await;
    let s = Script::new(client.clone(), "damaged");
    s.start("wf").await;
    let token = s.await_workflow_task().await.task_token;
    for at in 0..token.len() {
        let mut damaged = token.clone();
        damaged[at] ^= 0xff;
        for bad in [damaged, token[..at].to_vec()] {
            let status = complete(&client, bad).await.expect_err("not the token that was given");
            let code = status.code();
            assert!(matches!(code, Code::InvalidArgument | Code::NotFound), "damaged at {at}: {status}");
        }
    }
    complete(&client, token.clone()).await.expect("the true token still counts");
    let status = complete(&client, token).await.expect_err("a token counts once");
    assert_eq!(status.code(), Code::NotFound, "{status}");
}

#[tokio::test]
async fn tokens_of_another_server() {
    let (_first, first) = server().await;
    let (_second, second) = server().await;
    let s = Script::new(first, "foreign");
    s.start("wf").await;
    let token = s.await_workflow_task().await.task_token;
    let status = complete(&second, token).await.expect_err("another server's token");
    assert!(matches!(status.code(), Code::InvalidArgument | Code::NotFound), "{status}");
}

#[tokio::test]
async fn numbers_at_their_ends() {
    let (mut server, client) = server().await;
    let s = Script::new(client.clone(), "ends");
    let spans =
        [(i64::MAX, i32::MAX), (i64::MAX, 0), (i64::MIN, 0), (315_576_000_000, 999_999_999), (0, -1), (-1, 1), (0, i32::MIN)];
    for (at, (seconds, nanos)) in spans.into_iter().enumerate() {
        let span = Some(prost_types::Duration { seconds, nanos });
        let id = |kind: &str| format!("{kind}-{at}");
        let starts = [
            StartWorkflowExecutionRequest { workflow_run_timeout: span, ..s.new_start(&id("run")) },
            StartWorkflowExecutionRequest { workflow_execution_timeout: span, ..s.new_start(&id("execution")) },
            StartWorkflowExecutionRequest { workflow_task_timeout: span, ..s.new_start(&id("task")) },
            StartWorkflowExecutionRequest { workflow_start_delay: span, ..s.new_start(&id("delay")) },
        ];
        for start in starts {
            let execution = Some(WorkflowExecution { workflow_id: start.workflow_id.clone(), ..Default::default() });
            if let Err(status) = client.call(start).await {
                assert_sane("a start", &status);
            } else {
                let describe = DescribeWorkflowExecutionRequest { execution, ..s.new_describe("") };
                let _ = client.call(describe).await.inspect_err(|status| assert_sane("a describe", status));
            }
        }
        let other = Script::new(client.clone(), &format!("ends-{at}"));
        other.start("wf").await;
        let task = other.await_workflow_task().await;
        let timer = proto::command::StartTimerCommandAttributes { timer_id: "t".to_owned(), start_to_fire_timeout: span };
        let timer = command(proto::command::command::Attributes::StartTimerCommandAttributes(timer));
        let activity =
            proto::command::ScheduleActivityTaskCommandAttributes { start_to_close_timeout: span, ..other.activity("a") };
        for commands in [vec![timer], vec![schedule_activity(activity)]] {
            if let Err(status) = client.call(other.new_completion(&task, commands)).await {
                assert_sane("a completion", &status);
            }
        }
    }
    for maximum_page_size in [i32::MIN, -1, i32::MAX] {
        let request = GetWorkflowExecutionHistoryRequest { maximum_page_size, ..s.new_history("run-1") };
        if let Err(status) = client.call(request).await {
            assert_sane("a history", &status);
        }
    }
    assert!(server.is_alive());
    works(&client, "after-ends").await;
}

#[tokio::test]
async fn messages_too_large() {
    let (_server, client) = server().await;
    let s = Script::new(client.clone(), "large");
    let input = payloads(&"x".repeat(5 << 20));
    let status = client.call(StartWorkflowExecutionRequest { input, ..s.new_start("wf") }).await.expect_err("too large");
    assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
    works(&client, "after-large").await;
}

/// The first bytes of an HTTP/2 client, and an empty SETTINGS frame.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";

#[tokio::test]
async fn half_closed_and_broken_connections() {
    let (mut server, client) = server().await;
    let address = server.address.trim_start_matches("http://").to_owned();
    let mut held = Vec::new();
    for bytes in [&b""[..], b"PRI * HT", PREFACE, b"GET / HTTP/1.1\r\n\r\n", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff"] {
        for half_close in [false, true] {
            let mut socket = TcpStream::connect(&address).await.expect("the server listens");
            let _ = socket.write_all(bytes).await;
            // A frame announced and never sent.
            let _ = socket.write_all(b"\x00\xff\xff\x01\x04\x00\x00\x00\x01half").await;
            if half_close {
                let _ = socket.shutdown().await;
            }
            held.push(socket);
        }
    }
    works(&client, "beside-broken").await;
    drop(held);
    assert!(server.is_alive());
    works(&client, "after-broken").await;
}

/// Polls until a task comes, repeating polls that end without one.
async fn next_task(s: &Script) -> WorkflowTask {
    loop {
        let poll = s.new_workflow_poll(task_queue(s.queue()));
        let task = s.client.call_within(Duration::from_secs(30), poll).await.expect("the poll is answered");
        if !task.task_token.is_empty() {
            return task;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_polls() {
    const POLLS: usize = 2_000;
    const CONNECTIONS: usize = 20;
    const WORKFLOWS: usize = 50;
    let (server, client) = server().await;
    let connections = join_all((0..CONNECTIONS).map(|_| Client::connect(&server.address))).await;
    let connections: Vec<Client> = connections.into_iter().collect::<Result<_, _>>().expect("the server listens");
    let mut polls = tokio::task::JoinSet::new();
    for at in 0..POLLS {
        let s = Script::new(connections[at % CONNECTIONS].clone(), "flood");
        polls.spawn(async move { next_task(&s).await });
    }
    works(&client, "beside-the-flood").await;
    let s = Script::new(client.clone(), "flood");
    for at in 0..WORKFLOWS {
        s.start(&format!("wf-{at}")).await;
    }
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < WORKFLOWS {
        let task = polls.join_next().await.expect("a poll").expect("no panic");
        let _ = s.complete(&task, [complete_workflow("done")]).await;
        let workflow_id = task.workflow_execution.unwrap_or_default().workflow_id;
        assert!(seen.insert(workflow_id.clone()), "{workflow_id} came twice");
    }
    polls.shutdown().await;
    works(&client, "after-the-flood").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poller_that_goes_loses_no_task() {
    const WORKFLOWS: usize = 100;
    let (_server, client) = server().await;
    let s = Script::new(client.clone(), "gone");
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    for at in 0..WORKFLOWS {
        // Four polls, which hang up at about the moment when the task comes.
        let patience = Duration::from_micros(u64::from(rng.next_u32() % 3_000));
        let rude = (0..4).map(|_| {
            let poll = client.call_within(Duration::from_secs(30), s.new_workflow_poll(task_queue(s.queue())));
            tokio::time::timeout(patience, poll)
        });
        let hasty = StartWorkflowExecutionRequest { workflow_task_timeout: seconds(1.0), ..s.new_start(&format!("wf-{at}")) };
        let (lost, started) = futures_util::future::join(join_all(rude), client.call(hasty)).await;
        started.expect("it starts");
        drop(lost);
    }
    // A task that was on its way to a poller that hung up comes again after its timeout, so every workflow is served.
    let mut open: std::collections::BTreeSet<String> = (0..WORKFLOWS).map(|at| s.id(&format!("wf-{at}"))).collect();
    let work = async {
        let mut polls: FuturesUnordered<_> = (0..10).map(|_| next_task(&s)).collect();
        while !open.is_empty() {
            let task = polls.next().await.expect("a poll");
            if s.complete(&task, [complete_workflow("done")]).await.is_ok() {
                open.remove(&task.workflow_execution.unwrap_or_default().workflow_id);
            }
            polls.push(next_task(&s));
        }
    };
    let served = tokio::time::timeout(Duration::from_secs(30), work).await;
    assert!(served.is_ok(), "never served: {open:?}");
}
