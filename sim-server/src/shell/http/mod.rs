//! The hand on the clock over HTTP, with JSON: ForetimeService for those who have no gRPC at hand.
//!
//! - `GET /foretime/time`: the virtual time
//! - `POST /foretime/time/skip` with `{"duration": "30d", "settle": true}`: skips
//! - `POST /foretime/time/settle` with `{"timeout": "10s"}`, or nothing: waits until nothing is in flight
//! - `GET /foretime/time/why`: why time stands still
//!
//! A refusal is `{"message": ...}` with status 400, what is still in flight after a settle one with status 200 and `settled: false`.

use std::{io, time::Duration};

use axum::{
    Json, Router,
    extract::{State, rejection::JsonRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tonic::{Code, Status};

use super::host::Host;
use crate::{
    engine::Caller,
    proto::{
        Rpc,
        foretimeservice::{ExplainTimeRequest, GetTimeRequest, SettleRequest, SkipTimeRequest},
    },
    words,
};

/// Serves `host`'s clock to everybody who connects to `listener`, until the future is dropped.
///
/// # Errors
/// The socket fails.
pub async fn serve(listener: TcpListener, host: Host) -> io::Result<()> {
    axum::serve(listener, router(host)).await
}

fn router(host: Host) -> Router {
    Router::new()
        .route("/foretime/time", get(now))
        .route("/foretime/time/skip", post(skip))
        .route("/foretime/time/settle", post(settle))
        .route("/foretime/time/why", get(why))
        .fallback(|| async { Refusal(StatusCode::NOT_FOUND, "there is nothing but /foretime/time here".to_owned()) })
        .with_state(host)
}

/// What a skip is asked with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Skip {
    duration: String,
    #[serde(default)]
    settle: bool,
    timeout: Option<String>,
}

/// What a settle is asked with.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settle {
    timeout: Option<String>,
}

async fn now(State(host): State<Host>) -> Response {
    answer(&host, GetTimeRequest {}).await
}

async fn why(State(host): State<Host>) -> Response {
    answer(&host, ExplainTimeRequest {}).await
}

async fn skip(State(host): State<Host>, asked: Result<Json<Skip>, JsonRejection>) -> Response {
    let skipped = async {
        let Json(asked) = asked?;
        let duration = Some(wire_span(words::span(&asked.duration)?)?);
        let settle = asked.settle.then(|| settle_request(asked.timeout.as_deref())).transpose()?;
        let reply = call(&host, SkipTimeRequest { duration }).await?;
        Ok::<_, Refusal>(match settle {
            Some(settle) => Json(call(&host, settle).await?).into_response(),
            None => Json(reply).into_response(),
        })
    };
    skipped.await.into_response()
}

async fn settle(State(host): State<Host>, asked: Option<Json<Settle>>) -> Response {
    let Json(asked) = asked.unwrap_or_default();
    match settle_request(asked.timeout.as_deref()) {
        Ok(request) => answer(&host, request).await,
        Err(refusal) => refusal.into_response(),
    }
}

fn settle_request(timeout: Option<&str>) -> Result<SettleRequest, Refusal> {
    let timeout = timeout.map(words::span).transpose()?.map(wire_span).transpose()?;
    Ok(SettleRequest { timeout })
}

fn wire_span(span: Duration) -> Result<prost_types::Duration, Refusal> {
    span.try_into().map_err(|_| Refusal(StatusCode::BAD_REQUEST, "that is too long".to_owned()))
}

async fn answer<R: Rpc>(host: &Host, request: R) -> Response
where
    R::Reply: Serialize,
{
    call(host, request).await.map(Json).into_response()
}

async fn call<R: Rpc>(host: &Host, request: R) -> Result<R::Reply, Refusal> {
    let message = request.encode_to_vec().into();
    let reply = host.call(R::SERVICE, R::METHOD, Caller::default(), None, message).await?;
    prost::Message::decode(reply).map_err(|error| Refusal(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}

/// Why a request is refused.
struct Refusal(StatusCode, String);

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        let code = match status.code() {
            Code::InvalidArgument | Code::FailedPrecondition => StatusCode::BAD_REQUEST,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self(code, status.message().to_owned())
    }
}

impl From<String> for Refusal {
    fn from(message: String) -> Self {
        Self(StatusCode::BAD_REQUEST, message)
    }
}

impl From<JsonRejection> for Refusal {
    fn from(rejection: JsonRejection) -> Self {
        Self(StatusCode::BAD_REQUEST, rejection.body_text())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Body {
            message: String,
        }
        (self.0, Json(Body { message: self.1 })).into_response()
    }
}
