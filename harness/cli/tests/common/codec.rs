//! A codec server in the test's own process. Its payloads are turned by the number that they begin with, so that the same text has many
//! secrets.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use foretime_server::proto::common::Payload;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::HeaderMap,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;

/// A payload of this text as JSON.
pub(crate) fn plain(json: &str) -> Payload {
    let metadata = BTreeMap::from([("encoding".to_owned(), b"json/plain".to_vec())]);
    Payload { metadata, data: json.as_bytes().to_vec(), ..Payload::default() }
}

/// The same in secret.
pub(crate) fn secret(json: &str, key: u8) -> Payload {
    let metadata = BTreeMap::from([("encoding".to_owned(), b"binary/turned".to_vec())]);
    let data = [key].into_iter().chain(json.bytes().map(|byte| byte ^ key)).collect();
    Payload { metadata, data, ..Payload::default() }
}

/// What has been asked: the path, the headers, and how many payloads.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) count: usize,
}

/// A codec server that listens.
#[derive(Clone, Debug)]
pub(crate) struct Codec {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    refusal: Option<StatusCode>,
}

impl Codec {
    /// Starts one; one that refuses everything, if a status is given.
    pub(crate) async fn start(refusal: Option<StatusCode>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let codec = Self { address: listener.local_addr().expect("an address"), asked: Arc::default(), refusal };
        let serving = codec.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let codec = serving.clone();
                let answer = service_fn(move |request| answer(codec.clone(), request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
            }
        });
        codec
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no panic").clone()
    }
}

async fn answer(codec: Codec, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    let mut json: Value = serde_json::from_slice(&body.collect().await?.to_bytes()).expect("JSON");
    let payloads = json["payloads"].as_array_mut().expect("payloads");
    codec.asked.lock().expect("no panic").push(Asked {
        path: head.uri.path().to_owned(),
        headers: head.headers,
        count: payloads.len(),
    });
    if let Some(status) = codec.refusal {
        let response = Response::builder().status(status).body(Full::from("no key for Alice\nat line 1"));
        return Ok(response.expect("a response"));
    }
    payloads.iter_mut().for_each(open);
    Ok(Response::new(Full::from(json.to_string())))
}

fn open(payload: &mut Value) {
    let data = foretime_history::coded::of_json(format!(r#"{{"payloads":[{payload}]}}"#).as_bytes()).expect("a payload");
    let (key, turned) = data[0].data.split_first().expect("a key");
    let text: String = turned.iter().map(|byte| char::from(byte ^ key)).collect();
    let opened = foretime_history::coded::to_json(&[plain(&text)]).expect("JSON");
    let mut opened: Value = serde_json::from_slice(&opened).expect("JSON");
    *payload = opened["payloads"][0].take();
}
