//! Histories that the real server has recorded, if `FORETIME_TEST_REAL_SERVER` names a `temporal` executable.

mod common;

use std::{
    collections::BTreeSet,
    env, fs,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use foretime_server::proto::{
    Rpc,
    common::{Payload, Payloads, WorkflowExecution, WorkflowType},
    taskqueue::TaskQueue,
    workflowservice::{
        CountWorkflowExecutionsRequest, GetSystemInfoRequest, SignalWorkflowExecutionRequest, StartWorkflowExecutionRequest,
    },
};
use serde_json::Value;
use tonic::{Request, Status, transport::Channel};
use tonic_prost::ProstCodec;

const REAL_SERVER: &str = "FORETIME_TEST_REAL_SERVER";
const RUNS: usize = 30;
/// More events than any server sends in one page.
const SIGNALS: usize = 600;

async fn call<R: Rpc>(channel: &Channel, request: R) -> Result<R::Reply, Status> {
    let mut client = tonic::client::Grpc::new(channel.clone());
    client.ready().await.map_err(|error| Status::from_error(error.into()))?;
    let codec = ProstCodec::<R, R::Reply>::default();
    Ok(client.unary(Request::new(request), R::PATH.parse().expect("a path"), codec).await?.into_inner())
}

fn payloads(text: &str) -> Payloads {
    let metadata = [("encoding".to_owned(), b"json/plain".to_vec())].into();
    Payloads { payloads: vec![Payload { metadata, data: text.as_bytes().to_vec(), ..Payload::default() }] }
}

/// Starts [`RUNS`] workflows of two types, one of which gets [`SIGNALS`] signals.
async fn record(channel: &Channel) {
    let namespace = "default".to_owned();
    for index in 0..RUNS {
        let request = StartWorkflowExecutionRequest {
            namespace: namespace.clone(),
            workflow_id: format!("orders/{index}"),
            workflow_type: Some(WorkflowType { name: if index % 3 == 0 { "It's rare" } else { "Order" }.to_owned() }),
            task_queue: Some(TaskQueue { name: "q".to_owned(), ..TaskQueue::default() }),
            input: Some(payloads("{\"amount\":\"1\"}")),
            request_id: index.to_string(),
            ..StartWorkflowExecutionRequest::default()
        };
        call(channel, request).await.expect("a run");
    }
    for index in 0..SIGNALS {
        let request = SignalWorkflowExecutionRequest {
            namespace: namespace.clone(),
            workflow_execution: Some(WorkflowExecution { workflow_id: "orders/1".to_owned(), run_id: String::new() }),
            signal_name: "pay".to_owned(),
            input: Some(payloads(&index.to_string())),
            request_id: index.to_string(),
            ..SignalWorkflowExecutionRequest::default()
        };
        call(channel, request).await.expect("a signal");
    }
    // The real server's list follows a little later.
    let started = Instant::now();
    let listed = || call(channel, CountWorkflowExecutionsRequest { namespace: namespace.clone(), query: String::new() });
    while listed().await.expect("a count").count < RUNS as i64 {
        assert!(started.elapsed() < Duration::from_secs(30), "the list is not whole");
        tokio::task::yield_now().await;
    }
}

fn histories(address: &str, args: &[&str]) -> Vec<Value> {
    let output =
        common::foretime(&[&["fetch", "--from", address], args].concat()).env_clear().output().expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// Lists and fetches what [`record`] made. `show` prints a run's history, given its workflow id.
fn check(address: &str, show: impl Fn(&str) -> Value) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("recorded");
    let _ = fs::remove_dir_all(&folder);
    let folder = folder.to_str().expect("text");
    let found = histories(address, &["--page-size=10", "--rate=500", "--save", folder]);
    let ids: BTreeSet<_> = found.iter().map(|line| line["workflowId"].as_str().expect("an id").to_owned()).collect();
    assert_eq!(ids, (0..RUNS).map(|index| format!("orders/{index}")).collect());
    assert_eq!(found.len(), RUNS);
    for line in &found {
        let id = line["workflowId"].as_str().expect("an id");
        assert_eq!((&line["taskQueue"], &line["status"]), (&"q".into(), &"WORKFLOW_EXECUTION_STATUS_RUNNING".into()));
        let file = line["file"].as_str().expect("a file");
        assert!(file.contains(if line["type"] == "Order" { "/Order/" } else { "/It%27s%20rare/" }), "{file}");
        let history: Value = serde_json::from_slice(&fs::read(file).expect("a file")).expect("JSON");
        let event_ids = history["events"].as_array().expect("events").iter().map(|event| event["eventId"].clone());
        let expected = if id == "orders/1" { SIGNALS + 2 } else { 2 };
        assert!(event_ids.eq((1..=expected).map(|event| Value::from(event.to_string()))), "{id}");
        assert_eq!(history, show(id), "{id}");
    }
    let others = histories(address, &["--query", "WorkflowType NOT IN ('It''s rare')"]);
    assert!(others.len() == RUNS * 2 / 3 && others.iter().all(|line| line["type"] == "Order"), "names are quoted so");
    let newest = histories(address, &["--fetch=2", "--page-size=5", "--query", "WorkflowId != 'orders/29'"]);
    let ids: Vec<_> = newest.iter().map(|line| line["workflowId"].as_str().expect("an id")).collect();
    assert_eq!(ids, ["orders/28", "orders/27", "orders/26", "orders/24"]);
}

#[tokio::test]
async fn the_real_server_is_read_as_its_own_program_reads_it() {
    let Some(temporal) = env::var_os(REAL_SERVER) else {
        println!("left out: {REAL_SERVER} is not set");
        return;
    };
    let (_server, address, channel) = start(Path::new(&temporal)).await;
    record(&channel).await;
    check(&address, |workflow_id| {
        let show = ["workflow", "show", "--output", "json", "--no-json-shorthand-payloads", "--workflow-id", workflow_id];
        let output = Command::new(&temporal).args(show).args(["--address", &address]).output().expect("it runs");
        serde_json::from_slice(&output.stdout).expect("JSON")
    });
}

/// Kills it when dropped.
struct Real(Child);

impl Drop for Real {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn start(temporal: &Path) -> (Real, String, Channel) {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port();
    let args = ["server", "start-dev", "--headless", "--ip", "127.0.0.1", "--log-level", "never", "--port"];
    let process = Command::new(temporal).args(args).arg(port.to_string()).stdout(Stdio::null()).spawn().expect("it starts");
    let mut real = Real(process);
    let address = format!("127.0.0.1:{port}");
    let endpoint = Channel::from_shared(format!("http://{address}")).expect("an address");
    let started = Instant::now();
    loop {
        if let Ok(channel) = endpoint.connect().await
            && call(&channel, GetSystemInfoRequest {}).await.is_ok()
        {
            return (real, address, channel);
        }
        let is_over = real.0.try_wait().expect("its state").is_some() || started.elapsed() > Duration::from_secs(30);
        assert!(!is_over, "no answer from the real server");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
