//! A codec server: `POST ENDPOINT/decode` with payloads as JSON, answered with the same number of them.

use std::{cell::RefCell, time::Duration};

use foretime_history::{Telling, coded};
use foretime_server::proto::common::Payload;
use http_body_util::Full;
use hyper::{
    Method, Request, StatusCode, Uri,
    body::Bytes,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};

use super::http;
use crate::{cluster::CodecSettings, cluster::causes, failure::Failure};

/// For one request, from the connection to the last byte.
const TIMEOUT: Duration = Duration::from_secs(10);
/// So much of what a server says is passed on.
const WORDS_CHARS_MAX: usize = 200;

/// A codec server.
#[derive(Debug)]
pub(crate) struct Codec {
    decode: Uri,
    /// Without what may be secret in it.
    name: String,
    headers: HeaderMap,
    telling: Telling,
    /// Why it is asked no more.
    trouble: RefCell<Option<String>>,
}

impl Codec {
    /// # Errors
    /// The endpoint is no URL, or a header has characters that none may have.
    pub(crate) fn new(settings: CodecSettings, telling: Telling) -> Result<Self, Failure> {
        let CodecSettings { endpoint, headers: given } = settings;
        let decode = format!("{}/decode", endpoint.trim_end_matches('/')).parse::<Uri>().ok();
        let is_http = |uri: &Uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some();
        let decode = decode.filter(is_http).ok_or_else(|| {
            Failure::Usage(format!("the codec endpoint {endpoint:?} is no URL such as https://codec.example.com"))
        })?;
        let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        for (name, value) in &given {
            let wrong =
                || Failure::Usage(format!("the header {name:?} for the codec server is none, or its value cannot be one"));
            let key: HeaderName = name.parse().map_err(|_| wrong())?;
            let mut value = HeaderValue::from_str(value.reveal()).map_err(|_| wrong())?;
            value.set_sensitive(true);
            headers.insert(key, value);
        }
        let port = decode.port_u16().map_or_else(String::new, |port| format!(":{port}"));
        let name = format!(
            "{}://{}{port}{}",
            decode.scheme_str().unwrap_or_default(),
            decode.host().unwrap_or_default(),
            decode.path()
        );
        Ok(Self { decode, name, headers, telling, trouble: RefCell::default() })
    }

    /// Decodes payloads, all in one request. Once it has failed, it fails at once.
    ///
    /// # Errors
    /// The server cannot be reached, refuses, or answers something else. One line says so.
    pub(crate) async fn decode(&self, payloads: &[Payload]) -> Result<Vec<Payload>, String> {
        if let Some(trouble) = &*self.trouble.borrow() {
            return Err(trouble.clone());
        }
        let decoded = match tokio::time::timeout(TIMEOUT, self.ask(payloads)).await {
            Ok(decoded) => decoded,
            Err(_) => Err(format!("does not answer within {} s", TIMEOUT.as_secs())),
        };
        decoded.map_err(|why| {
            let trouble = format!("the codec server {} {why}", self.name);
            self.trouble.replace(Some(trouble.clone()));
            trouble
        })
    }

    async fn ask(&self, payloads: &[Payload]) -> Result<Vec<Payload>, String> {
        let body = coded::to_json(payloads).ok_or("cannot be asked: the payloads have no JSON")?;
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.decode.clone();
        *request.headers_mut() = self.headers.clone();
        let answer = http::send(request).await;
        let (status, body) = answer.map_err(|error| format!("cannot be asked: {}", causes(&*error).join(": ")))?;
        if status != StatusCode::OK {
            return Err(format!("refuses: {status}{}", self.words(&body)));
        }
        let decoded = coded::of_json(&body).map_err(|error| match self.telling {
            Telling::Contents => format!("answers what are no payloads: {error}"),
            Telling::Sizes => "answers what are no payloads".to_owned(),
        })?;
        if decoded.len() != payloads.len() {
            return Err(format!("answers {} payloads, but was asked for {}", decoded.len(), payloads.len()));
        }
        Ok(decoded)
    }

    /// What the server says of it, if that is to be told: it may have parts of payloads.
    fn words(&self, body: &[u8]) -> String {
        let text = String::from_utf8_lossy(body);
        let line: String = text.lines().next().unwrap_or_default().trim().chars().take(WORDS_CHARS_MAX).collect();
        if line.is_empty() || self.telling == Telling::Sizes { String::new() } else { format!(": {line}") }
    }
}
