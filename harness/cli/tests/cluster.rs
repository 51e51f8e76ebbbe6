//! Histories read from a cluster, as a user reads them, and everything that can go wrong on the way there.

#[path = "common/cluster.rs"]
mod cluster;
mod common;

use std::{
    collections::VecDeque,
    fs,
    path::{Path, PathBuf},
    process::Output,
    time::Duration,
};

use cluster::{Cluster, EVENTS, Script, pem, tls};
use serde_json::Value;
use tonic::Status;

/// Runs `foretime fetch` with these arguments and variables, and no others.
async fn histories(args: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = common::foretime(&[&["fetch"], args].concat());
    command.env_clear().envs(variables.iter().copied());
    tokio::task::spawn_blocking(move || command.output().expect("the program runs")).await.expect("its end")
}

fn lines(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = std::str::from_utf8(&output.stdout).expect("text");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The one line that says what went wrong.
fn error(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && text.lines().count() == 1, "{text}");
    text.trim_end().strip_prefix("foretime: error: ").expect("an error").to_owned()
}

fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    path
}

fn saved(line: &Value) -> Value {
    let file = fs::read(line["file"].as_str().expect("a file")).expect("what it holds");
    serde_json::from_slice(&file).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_needs_an_authority_that_is_trusted_and_the_right_name() {
    let cluster = Cluster::start(Script { types: vec!["A"], ..Script::default() }, Some(tls(false))).await;
    let from = format!("--from={}", cluster.address);
    let authority = format!("--tls-ca-path={}", pem("authority.pem"));
    let name = "--tls-server-name=cluster.test";
    assert_eq!(lines(&histories(&[&from, &authority, name], &[]).await).len(), 1);
    assert_eq!(lines(&histories(&[&from, "--tls-disable-host-verification"], &[]).await).len(), 1);
    let data = fs::read_to_string(pem("authority.pem")).expect("the authority");
    let address = cluster.address.to_string();
    let variables = [
        ("TEMPORAL_ADDRESS", address.as_str()),
        ("TEMPORAL_TLS_SERVER_CA_CERT_DATA", &data),
        ("TEMPORAL_TLS_SERVER_NAME", "cluster.test"),
    ];
    assert_eq!(lines(&histories(&["--query="], &variables).await).len(), 1);

    for (args, expected) in [
        (vec![authority.as_str()], "is for another name; give that with --tls-server-name"),
        (vec![authority.as_str(), "--tls-server-name=other.test"], "is for another name; give that with --tls-server-name"),
        (vec!["--tls=false"], "if it speaks TLS, give --tls"),
        (vec!["--tls-ca-path=/no/such/file"], "cannot read /no/such/file, which --tls-ca-path names"),
        (vec!["--tls-ca-data=x"], "--tls-ca-data is no certificate in PEM"),
        (vec!["--tls-cert-path=x"], "--tls-cert-path needs the private key, too"),
    ] {
        let error = error(&histories(&[&[from.as_str()], &args[..]].concat(), &[]).await);
        assert!(error.contains(expected), "{args:?}: {error}");
    }
    let other = format!("--tls-ca-path={}", pem("client.pem"));
    let error = error(&histories(&[&from, &other, name], &[]).await);
    assert!(error.contains("not trusted; give that with --tls-ca-path"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_may_want_the_clients_certificate() {
    let cluster = Cluster::start(Script { types: vec!["A"], ..Script::default() }, Some(tls(true))).await;
    let from = format!("--from={}", cluster.address);
    let authority = format!("--tls-ca-path={}", pem("authority.pem"));
    let (certificate, key) = (pem("client.pem"), pem("client.key"));
    let args = [&from, &authority, "--tls-server-name=cluster.test"];
    let variables = [("TEMPORAL_TLS_CLIENT_CERT_PATH", certificate.as_str()), ("TEMPORAL_TLS_CLIENT_KEY_PATH", &key)];
    assert_eq!(lines(&histories(&args, &variables).await).len(), 1);
    let error = error(&histories(&args, &[]).await);
    assert!(error.ends_with("; if it wants a certificate, give --tls-cert-path and --tls-key-path"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_tls_where_it_is_expected_is_said() {
    let cluster = Cluster::start(Script::default(), None).await;
    let error = error(&histories(&["--from", &cluster.address.to_string(), "--api-key=k"], &[]).await);
    assert!(error.ends_with("does not speak TLS; give --tls=false"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_key_and_headers_go_with_every_call() {
    let script = Script { types: vec!["A"], api_key: Some("secret"), ..Script::default() };
    let cluster = Cluster::start(script, Some(tls(false))).await;
    let address = cluster.address.to_string();
    let args = ["--from", &address, "--namespace=orders.abc", "--grpc-meta=Region=eu", "--client-authority=cluster.test:7"];
    let insecure = ["--tls-disable-host-verification"];
    let variables = [("TEMPORAL_API_KEY", "secret")];
    assert_eq!(lines(&histories(&[&args[..], &insecure[..]].concat(), &variables).await).len(), 1);
    let calls = cluster.calls();
    assert_eq!(calls.len(), 3, "{calls:?}");
    for call in calls {
        let header = |name: &str| call.headers.get(name).and_then(|value| value.to_str().ok());
        assert_eq!(header("authorization"), Some("Bearer secret"));
        assert_eq!((header("temporal-namespace"), header("region")), (Some("orders.abc"), Some("eu")));
        assert_eq!((header("client-name"), call.authority.as_deref()), (Some("foretime"), Some("cluster.test:7")));
    }
    for variables in [&[][..], &[("TEMPORAL_API_KEY", "wrong")]] {
        let error = error(&histories(&["--from", &address, insecure[0]], variables).await);
        assert!(error.contains("does not know who asks") && error.contains("--api-key"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_passes_is_waited_for_and_what_does_not_is_said_at_once() {
    let passing = || [Status::unavailable("restarting"), Status::unavailable("restarting"), Status::deadline_exceeded("slow")];
    let failures = passing().map(|status| ("ListWorkflowExecutions", status)).into_iter();
    let limit = [("GetWorkflowExecutionHistory", Status::resource_exhausted("namespace rate limit exceeded"))];
    let failures = failures.chain(limit).collect();
    let cluster = Cluster::start(Script { types: vec!["A", "A"], failures, ..Script::default() }, None).await;
    let folder = folder("passing");
    let address = cluster.address.to_string();
    let found = lines(&histories(&["--from", &address, "--save", folder.to_str().expect("text")], &[]).await);
    assert_eq!(found.len(), 2);
    let count = |method: &str| cluster.calls().iter().filter(|call| call.method == method).count();
    assert_eq!(count("ListWorkflowExecutions"), 4);
    assert_eq!(count("GetWorkflowExecutionHistory") as i64, 2 * EVENTS + 1);

    for (method, status, expected) in [
        ("GetSystemInfo", Status::permission_denied("no."), "does not allow it in namespace default: no"),
        ("CountWorkflowExecutions", Status::invalid_argument("invalid query: x"), "refuses the query: invalid query: x"),
        (
            "CountWorkflowExecutions",
            Status::not_found("Namespace default is not found."),
            "Namespace default is not found; is default",
        ),
        ("ListWorkflowExecutions", Status::internal("broken"), "refuses: broken (Internal)"),
    ] {
        let failures = VecDeque::from([(method, status)]);
        let cluster = Cluster::start(Script { failures, ..Script::default() }, None).await;
        let error = error(&histories(&["--from", &cluster.address.to_string()], &[]).await);
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_listens_is_said_at_once() {
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port();
    let error = error(&histories(&[&format!("--from=127.0.0.1:{port}")], &[]).await);
    assert_eq!(error, format!("no cluster at 127.0.0.1:{port}: connection refused; name another with --from"));
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_spaced_as_the_rate_says() {
    let cluster = Cluster::start(Script { types: vec!["A"; 8], ..Script::default() }, None).await;
    lines(&histories(&["--from", &cluster.address.to_string(), "--page-size=1", "--rate=20"], &[]).await);
    let calls = cluster.calls();
    assert_eq!(calls.len(), 10, "one to greet, one to count, one for each run");
    // Each may be late, but none is early; the first gap is shorter by the time that connecting takes.
    let span = calls[9].at - calls[1].at;
    assert!(span >= Duration::from_millis(8 * 50 - 20), "{span:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn histories_come_whole_in_pages_and_as_blobs() {
    for sends_blobs in [false, true] {
        let cluster = Cluster::start(Script { types: vec!["A"; 20], sends_blobs, ..Script::default() }, None).await;
        let folder = folder(if sends_blobs { "blobs" } else { "pages" });
        let args = ["--from", &cluster.address.to_string(), "--rate=1000", "--save", folder.to_str().expect("text")];
        let found = lines(&histories(&args, &[]).await);
        let ids: Vec<_> = found.iter().map(|line| line["workflowId"].as_str().expect("an id")).collect();
        assert_eq!(ids, (0..20).map(|index| format!("w{index}")).collect::<Vec<_>>(), "in the cluster's order");
        for line in &found {
            let history = saved(line);
            let events: Vec<_> = history["events"].as_array().expect("events").iter().map(|event| &event["eventId"]).collect();
            assert_eq!(events, ["1", "2", "3"]);
        }
        let files = fs::read_dir(folder.join("A")).expect("the folder of the type").count();
        assert_eq!(files, 20, "nothing unfinished is left");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_that_is_gone_is_a_warning() {
    let failures = VecDeque::from([("GetWorkflowExecutionHistory", Status::not_found("workflow execution not found"))]);
    let cluster = Cluster::start(Script { types: vec!["A"; 2], failures, ..Script::default() }, None).await;
    let folder = folder("gone");
    let output = histories(&["--from", &cluster.address.to_string(), "--save", folder.to_str().expect("text")], &[]).await;
    assert_eq!(lines(&output).len(), 1);
    assert!(String::from_utf8_lossy(&output.stderr).contains("foretime: warning: w"), "{output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_of_each_type_are_taken_and_full_types_are_not_listed_to_the_end() {
    let mut types = vec!["Often"; 1000];
    types[5] = "Rare";
    types[990] = "Rare";
    types[995] = "Once";
    let cluster = Cluster::start(Script { types, ..Script::default() }, None).await;
    let args = ["--from", &cluster.address.to_string(), "--page-size=10", "--fetch=3", "--rate=1000", "--query", "A=1 OR B=2"];
    let found = lines(&histories(&args, &[]).await);
    let ids: Vec<_> = found.iter().map(|line| line["workflowId"].as_str().expect("an id")).collect();
    assert_eq!(ids, ["w0", "w1", "w2", "w5", "w990", "w995"]);
    let queries: Vec<_> =
        cluster.calls().into_iter().filter(|call| call.method.starts_with("List")).map(|call| call.query).collect();
    let narrower = "(A=1 OR B=2) AND WorkflowType NOT IN ('Often')";
    assert_eq!(queries, ["A=1 OR B=2", "A=1 OR B=2", narrower]);
}
