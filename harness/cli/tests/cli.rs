//! The program `foretime`, started as a user or an SDK starts it.

mod common;

use std::{
    net::{Ipv4Addr, TcpListener, TcpStream},
    time::{Duration, Instant},
};

use common::{Server, run};
use foretime_server::proto::workflowservice::{GetSystemInfoRequest, GetSystemInfoResponse};
use tonic::{Request, transport::Channel};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use tonic_prost::ProstCodec;

async fn system_info(channel: Channel) {
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.expect("the channel");
    let path = "/temporal.api.workflowservice.v1.WorkflowService/GetSystemInfo".parse().expect("a path");
    let codec = ProstCodec::<GetSystemInfoRequest, GetSystemInfoResponse>::default();
    client.unary(Request::new(GetSystemInfoRequest {}), path, codec).await.expect("an answer");
}

/// What `temporalio-sdk-core` and the Java SDK pass.
fn start_dev_args_of_an_sdk(port: &str) -> Vec<&str> {
    let mut args = vec!["server", "start-dev", "--port", port, "--namespace", "orders", "--ip", "127.0.0.1"];
    args.extend(["--log-format", "pretty", "--log-level", "warn"]);
    args.extend(["--dynamic-config-value", "frontend.enableServerVersionCheck=false"]);
    args.extend(["--dynamic-config-value", "frontend.enableUpdateWorkflowExecution=true"]);
    args.extend(["--dynamic-config-value", "no.such.key=\"text\"", "--headless"]);
    args.extend(["--search-attribute", "CustomerId=Keyword", "--search-attribute", "Amount=Double"]);
    args
}

#[tokio::test]
async fn every_way_to_start_answers() {
    let ways = [vec!["0"], vec!["0", "--enable-time-skipping"], vec!["serve", "--port", "0"], start_dev_args_of_an_sdk("0")];
    for args in ways {
        let server = Server::start(&args);
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(server.first_line, format!("foretime {version} listening on {}\n", server.address), "{args:?}");
        system_info(server.connect().await).await;
        let request = HealthCheckRequest { service: "temporal.api.workflowservice.v1.WorkflowService".to_owned() };
        let health = HealthClient::new(server.connect().await).check(request).await.expect("an answer");
        assert_eq!(health.into_inner().status(), ServingStatus::Serving, "{args:?}");
    }
}

#[test]
fn a_test_server_listens_on_every_address_and_a_dev_server_on_one() {
    let test_server = Server::start(&["0"]);
    assert!(test_server.address.ip().is_unspecified(), "{}", test_server.address);
    let dev_server = Server::start(&["server", "start-dev", "--port", "0"]);
    assert_eq!(dev_server.address.ip(), Ipv4Addr::LOCALHOST);
    for port in [test_server.port(), dev_server.port()] {
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("a connection");
    }
}

/// The ways to start a server, each on a free port.
const WAYS: [&[&str]; 3] = [&["0"], &["serve", "-p", "0"], &["server", "start-dev", "-p", "0"]];

#[cfg(unix)]
#[test]
fn every_flag_of_the_real_dev_server_is_accepted_each_way_and_what_is_not_done_is_said() {
    let mut quiet = vec!["-n", "a", "-nb", "--ip=localhost", "--headless=false", "--search-attribute", "Colour=keyword"];
    quiet.extend(["--log-config", "--ui-disable-news-fetch", "--color", "never", "--command-timeout", "5s", "--env=prod"]);
    quiet.extend(["--client-connect-timeout", "1s", "--config-file", "x", "--disable-config-env", "--disable-config-file"]);
    quiet.extend(["--env-file", "y", "--no-json-shorthand-payloads", "-o", "json", "--profile", "p", "--time-format", "iso"]);
    quiet.extend(["--dynamic-config-value", "limit.maxIDLength=50", "--dynamic-config-value", "Limit.MaxIdLength=60"]);
    quiet.extend(["--log-level", "warn", "--log-format", "json", "--http-port", "0", "--headless", "--seed", "7"]);
    let mut warned = quiet.clone();
    warned.extend(["-f", "temporal.db", "--sqlite-pragma", "journal_mode=wal", "--metrics-port", "2"]);
    warned.extend(["--ui-port", "3", "--ui-ip", "127.0.0.1", "--ui-asset-path", "/a", "--ui-codec-endpoint", "http://c"]);
    warned.extend(["--ui-public-path", "/ui"]);
    for (way, (flags, warnings)) in WAYS.into_iter().flat_map(|way| [(way, (&quiet, 0)), (way, (&warned, 1))]) {
        let mut server = Server::start(&[way, flags].concat());
        assert_eq!(server.address.ip(), Ipv4Addr::LOCALHOST, "{way:?}");
        let (code, errors) = server.end_by("-TERM");
        assert_eq!(code, Some(0), "{way:?}");
        let said: Vec<_> = errors.lines().filter(|line| line.starts_with("foretime: warning: ")).collect();
        assert_eq!(said.len(), warnings, "{way:?}: {errors}");
        for printed in ["\"b\"", "\"Colour\"", "Keyword", "\"limit.maxidlength\": \"60\"", "seed: 7"] {
            assert!(errors.contains(printed), "{way:?}: --log-config prints {printed}: {errors}");
        }
        if let [line] = said[..] {
            assert!(line.contains("--db-filename (nothing is kept on disk)"), "{line}");
            assert!(line.contains("--ui-port (no Web UI)"), "{line}");
            assert!(line.ends_with("; docs/web-ui.md says how to see this server in the official Web UI"), "{line}");
        }
    }
}

#[test]
fn a_bad_value_of_a_serving_flag_is_one_clear_line_each_way() {
    for (flags, names) in [
        (&["--search-attribute", "A"][..], &["--search-attribute", "NAME=TYPE", "KeywordList"][..]),
        (&["--search-attribute", "A=B"], &["--search-attribute", "\"B\"", "KeywordList"]),
        (&["--search-attribute", "=Int"], &["--search-attribute", "NAME=TYPE"]),
        (&["--search-attribute", "A=Int", "--search-attribute", "A=Text"], &["--search-attribute A=Text", "A=Int"]),
        (&["--search-attribute", "ExecutionStatus=Keyword"], &["ExecutionStatus"]),
        (&["--dynamic-config-value", "a"], &["--dynamic-config-value", "KEY=VALUE"]),
        (&["--dynamic-config-value", "=1"], &["--dynamic-config-value", "KEY=VALUE"]),
        (&["--dynamic-config-value", "a=b"], &["--dynamic-config-value", "\"b\"", "JSON"]),
        (&["--dynamic-config-value", "a b=1"], &["--dynamic-config-value", "\"a b\"", "blanks"]),
        (&["--log-level", "loud"], &["loud", "--log-level", "debug"]),
        (&["--log-format", "xml"], &["xml", "--log-format", "json"]),
        (&["--ui-port", "x"], &["--ui-port", "65535"]),
        (&["--sqlite-pragma", "a"], &["--sqlite-pragma", "KEY=VALUE"]),
    ] {
        for way in WAYS {
            let output = run(&[way, flags].concat());
            let errors = String::from_utf8(output.stderr).expect("text");
            assert_eq!(output.status.code(), Some(2), "{way:?} {flags:?}: {errors}");
            assert!(errors.starts_with("foretime: error: ") && errors.lines().count() == 1, "{way:?} {flags:?}: {errors}");
            for name in names {
                assert!(errors.contains(name), "{way:?} {flags:?}: no {name} in {errors}");
            }
        }
    }
}

#[test]
fn a_wrong_argument_is_one_clear_line_and_exit_code_2() {
    for (args, names) in [
        (&["serve", "--bogus"][..], &["--bogus", "foretime serve --help"][..]),
        (&["serve", "--prot", "1"], &["--prot", "--port"]),
        (&["serve", "--port", "abc"], &["abc", "--port", "65535"]),
        (&["serve", "--port", "65536"], &["65536", "--port", "65535"]),
        (&["65536"], &["65536", "65535"]),
        (&["7233", "--bogus"], &["--bogus"]),
        (&["7233", "extra"], &["extra"]),
        (&["--bogus"], &["--bogus"]),
        (&[], &["foretime --help"]),
        (&["server"], &["foretime --help"]),
        (&["workflow", "list"], &["workflow"]),
        (&["serve", "--seed", "x"], &["x", "--seed"]),
        (&["check", "histories"], &["no worker", "--address"]),
        (&["check", "x", "--github=perhaps", "--", "true"], &["--github", "perhaps"]),
        (&["check", "x", "--html", "/no/such/folder/x", "--", "true"], &["--html", "/no/such/folder/x", "there is no folder"]),
        (&["check", "x", "--sarif", "/", "--", "true"], &["--sarif", "it is a folder"]),
    ] {
        let output = run(args);
        let errors = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(2), "{args:?}: {errors}");
        assert!(output.stdout.is_empty(), "{args:?}");
        assert!(errors.starts_with("foretime: error: ") && errors.lines().count() == 1, "{args:?}: {errors}");
        for name in names {
            assert!(errors.contains(name), "{args:?}: no {name} in {errors}");
        }
        assert!(!errors.contains('\x1b'), "no colour where nobody looks: {errors}");
    }
}

#[test]
fn a_taken_port_is_one_clear_line_and_exit_code_1() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = taken.local_addr().expect("its address").port().to_string();
    for args in [&["serve", "--port", &port][..], &["server", "start-dev", "--port", &port], &[port.as_str()]] {
        let output = run(args);
        let errors = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(1), "{args:?}: {errors}");
        assert!(errors.lines().count() == 1 && errors.contains(&port) && errors.contains("taken"), "{args:?}: {errors}");
        assert!(output.stdout.is_empty(), "{args:?}");
    }
}

#[test]
fn an_address_of_elsewhere_is_one_clear_line_and_exit_code_1() {
    // From the documentation block of RFC 5737: no machine has it.
    let output = run(&["serve", "--port", "0", "--ip", "192.0.2.1"]);
    let errors = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.lines().count() == 1 && errors.contains("192.0.2.1") && errors.contains("--ip"), "{errors}");
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_at_once_and_no_other() {
    let other = Server::start(&["serve", "--port", "0"]);
    for signal in ["-INT", "-TERM"] {
        let mut server = Server::start(&["serve", "--port", "0"]);
        // A connection that stays open must not hold it up.
        let _connection = TcpStream::connect(server.address).expect("a connection");
        let start = Instant::now();
        assert_eq!(server.end_by(signal), (Some(0), String::new()), "{signal}");
        assert!(start.elapsed() < Duration::from_secs(2), "{signal}: {:?}", start.elapsed());
    }
    TcpStream::connect(other.address).expect("the other one goes on");
}

#[cfg(unix)]
#[test]
fn a_port_can_be_taken_again_as_soon_as_its_server_has_ended() {
    let mut first = Server::start(&["serve", "--port", "0"]);
    let port = first.port().to_string();
    let connection = TcpStream::connect(first.address).expect("a connection");
    assert_eq!(first.end_by("-KILL").0, None);
    drop(connection);
    assert_eq!(Server::start(&["serve", "--port", &port]).port().to_string(), port);
}

#[test]
fn help_and_version_go_to_stdout() {
    for (args, names) in [
        (&["--help"][..], &["foretime serve", "foretime PORT", "start-dev", "Examples:"][..]),
        (&["serve", "--help"], &["--port", "7233", "--seed", "--enable-time-skipping", "Examples:"]),
        (&["server", "start-dev", "--help"], &["--dynamic-config-value", "--headless", "Nothing is kept on disk"]),
        (&["7233", "--help"], &["--enable-time-skipping", "--search-attribute", "--dynamic-config-value"]),
        (&["--version"], &[env!("CARGO_PKG_VERSION")]),
    ] {
        let output = run(args);
        let text = String::from_utf8(output.stdout).expect("text");
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert!(output.stderr.is_empty(), "{args:?}");
        for name in names {
            assert!(text.contains(name), "{args:?}: no {name} in {text}");
        }
    }
}
