//! `foretime time` and the HTTP API for the clock, against a server that runs.

mod common;

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

use common::{Server, run};
use serde_json::Value;

/// What `foretime time ...` prints, with the address of the server.
fn time(server: &Server, args: &[&str]) -> Result<String, String> {
    let address = format!("127.0.0.1:{}", server.port());
    let output = run(&[&["time"], args, &["--address", &address]].concat());
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text").trim().to_owned();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

#[test]
fn time_begins_where_it_is_told_to_and_goes_where_a_hand_moves_it() {
    for args in [["server", "start-dev", "--port", "0"].as_slice(), &["serve", "--port", "0"], &["0"]] {
        let server = Server::start(&[args, &["--start-time", "2027-03-28T00:30:00Z"]].concat());
        assert!(time(&server, &["now"]).expect("a time").starts_with("2027-03-28T00:30:"));
        assert!(time(&server, &["skip", "2d"]).expect("a time").starts_with("2027-03-30T00:30:"));
        assert!(time(&server, &["skip", "1h30m", "--settle"]).expect("a time").starts_with("2027-03-30T02:00:"));
        assert!(time(&server, &["settle"]).expect("a time").starts_with("2027-03-30T02:00:"));
    }
}

#[test]
fn why_is_said_in_words_and_as_json() {
    let server = Server::start(&["0", "--time", "awaited"]);
    let words = time(&server, &["why"]).expect("an explanation");
    assert!(words.contains("(awaited)\ntime:  does not skip\n       - no client awaits"), "{words}");
    let json: Value = serde_json::from_str(&time(&server, &["why", "--json"]).expect("an explanation")).expect("JSON");
    assert_eq!((&json["mode"], &json["skips"]), (&Value::from("awaited"), &Value::from(false)));
}

#[test]
fn what_is_wrong_is_one_clear_line() {
    let server = Server::start(&["0"]);
    let refused = time(&server, &["skip", "109500d"]).expect_err("beyond the end of time");
    let text = format!("the server at 127.0.0.1:{} refused: Virtual time ends at 2262-01-01T00:00:00Z.", server.port());
    assert_eq!(refused, format!("foretime: error: {text}"));
    let malformed = time(&server, &["skip", "soon"]).expect_err("no span");
    assert!(malformed.contains("\"soon\" is no span such as 90s, 1h30m, 30d or 500ms"), "{malformed}");
    let address = server.address.port();
    drop(server);
    let gone = run(&["time", "now", "--address", &format!("127.0.0.1:{address}")]);
    assert_eq!(gone.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&gone.stderr).contains("start one, or name another with --address"));
}

/// One HTTP request: status and body.
fn http(address: SocketAddr, request: &str, body: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(address).expect("a connection");
    let length = body.len();
    let head = format!("{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n");
    write!(stream, "{head}Content-Length: {length}\r\n\r\n{body}").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    let body = answer.split_once("\r\n\r\n").expect("a body").1;
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

#[test]
fn the_clock_is_there_over_http() {
    let port = free_port();
    let args = ["server", "start-dev", "--port", "0", "--http-port", &port.to_string(), "--start-time", "2027-03-28T00:30:00Z"];
    let _server = Server::start(&args);
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let time = |answer: &Value| answer["time"].as_str().unwrap_or_default()[..16].to_owned();
    let (status, now) = http(address, "GET /foretime/time", "");
    assert_eq!((status, time(&now)), (200, "2027-03-28T00:30".to_owned()));
    let (status, skipped) = http(address, "POST /foretime/time/skip", r#"{"duration": "30d", "settle": true}"#);
    assert_eq!((status, time(&skipped), &skipped["settled"]), (200, "2027-04-27T00:30".to_owned(), &Value::from(true)));
    let (status, settled) = http(address, "POST /foretime/time/settle", r#"{"timeout": "1s"}"#);
    assert_eq!((status, &settled["settled"]), (200, &Value::from(true)));
    let (status, why) = http(address, "GET /foretime/time/why", "");
    assert_eq!((status, &why["mode"]), (200, &Value::from("locked")));
    for (request, body, said) in [
        ("POST /foretime/time/skip", r#"{"duration": "soon"}"#, "\"soon\" is no span such as 90s, 1h30m, 30d or 500ms"),
        ("POST /foretime/time/skip", r#"{"duration": "109500d"}"#, "Virtual time ends at 2262-01-01T00:00:00Z."),
        ("POST /foretime/time/skip", "{}", "missing field `duration`"),
    ] {
        let (status, refused) = http(address, request, body);
        assert!((400..500).contains(&status), "{status}");
        assert!(refused["message"].as_str().is_some_and(|text| text.contains(said)), "{refused}");
    }
    assert_eq!(http(address, "GET /api/v1/namespaces", "").0, 404);
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}
