//! A cluster in the test's own process that answers what reading histories asks for. It does what a real one cannot be made to do: speak
//! TLS with certificates of ours, want an API key, fail for a while.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Instant,
};

use foretime_server::proto::{
    Rpc,
    common::{WorkflowExecution, WorkflowType},
    history::{History, HistoryEvent},
    workflow::WorkflowExecutionInfo,
    workflowservice::{
        CountWorkflowExecutionsRequest, CountWorkflowExecutionsResponse, GetSystemInfoRequest, GetSystemInfoResponse,
        GetWorkflowExecutionHistoryRequest, GetWorkflowExecutionHistoryResponse, ListWorkflowExecutionsRequest,
        ListWorkflowExecutionsResponse,
    },
};
use hyper::{body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;
use tonic::{Request, Response, Status, body::Body, codegen::http};
use tonic_prost::ProstCodec;

/// Each history has so many events, one a page.
pub(crate) const EVENTS: i64 = 3;

/// What the cluster wants and does.
#[derive(Debug, Default)]
pub(crate) struct Script {
    /// The types of its runs, the newest first. Their workflow ids are `w0`, `w1` and so on.
    pub(crate) types: Vec<&'static str>,
    pub(crate) api_key: Option<&'static str>,
    /// What the next calls of a method fail with.
    pub(crate) failures: VecDeque<(&'static str, Status)>,
    /// Whether histories come as blobs that are not decoded.
    pub(crate) sends_blobs: bool,
}

/// A call that has come.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) headers: http::HeaderMap,
    pub(crate) authority: Option<String>,
    pub(crate) at: Instant,
    /// The list filter, if it has one.
    pub(crate) query: String,
}

#[derive(Debug)]
struct State {
    script: Mutex<Script>,
    calls: Mutex<Vec<Call>>,
}

/// A cluster that listens.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
}

/// The path of a file in `tests/tls`.
pub(crate) fn pem(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/tls").join(name);
    path.to_str().expect("text").to_owned()
}

fn certificates(name: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_file_iter(pem(name)).expect("a file").map(|one| one.expect("a certificate")).collect()
}

/// A server's side of TLS, for `cluster.test`.
pub(crate) fn tls(wants_client_certificate: bool) -> ServerConfig {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates("authority.pem"));
    let key = PrivateKeyDer::from_pem_file(pem("server.key")).expect("a key");
    let builder = ServerConfig::builder();
    let builder = if wants_client_certificate {
        builder.with_client_cert_verifier(WebPkiClientVerifier::builder(Arc::new(roots)).build().expect("a verifier"))
    } else {
        builder.with_no_client_auth()
    };
    let mut config = builder.with_single_cert(certificates("server.pem"), key).expect("a certificate and its key");
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}

impl Cluster {
    pub(crate) async fn start(script: Script, tls: Option<ServerConfig>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let state = Arc::new(State { script: Mutex::new(script), calls: Mutex::new(Vec::new()) });
        let cluster = Self { address, state };
        let acceptor = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
        let serving = cluster.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (cluster, acceptor) = (serving.clone(), acceptor.clone());
                tokio::spawn(async move {
                    match acceptor {
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                cluster.serve(stream).await;
                            }
                        }
                        None => cluster.serve(stream).await,
                    }
                });
            }
        });
        cluster
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.state.calls.lock().expect("calls").clone()
    }

    async fn serve(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let cluster = self.clone();
        let service = service_fn(move |request| {
            let cluster = cluster.clone();
            async move { Ok::<_, std::convert::Infallible>(cluster.answer(request).await) }
        });
        // A client that hangs up is no error here.
        let _ = http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
    }

    async fn answer(&self, request: http::Request<Incoming>) -> http::Response<Body> {
        let method = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
        let authority = request.uri().authority().map(ToString::to_string);
        let call = Call { method, headers: request.headers().clone(), authority, at: Instant::now(), query: String::new() };
        let refused = self.refusal(&call);
        self.state.calls.lock().expect("calls").push(call.clone());
        if let Some(status) = refused {
            return status.into_http();
        }
        match call.method.as_str() {
            GetSystemInfoRequest::METHOD => {
                self.reply(request, |_, _: GetSystemInfoRequest| Ok(GetSystemInfoResponse::default())).await
            }
            CountWorkflowExecutionsRequest::METHOD => self.reply(request, State::count).await,
            ListWorkflowExecutionsRequest::METHOD => self.reply(request, State::list).await,
            GetWorkflowExecutionHistoryRequest::METHOD => self.reply(request, State::history).await,
            other => Status::unimplemented(other).into_http(),
        }
    }

    fn refusal(&self, call: &Call) -> Option<Status> {
        let mut script = self.state.script.lock().expect("the script");
        let bearer = script.api_key.map(|key| format!("Bearer {key}"));
        let given = call.headers.get("authorization").and_then(|value| value.to_str().ok());
        if bearer.is_some() && given != bearer.as_deref() {
            return Some(Status::unauthenticated("Request unauthorized."));
        }
        let next = script.failures.front().is_some_and(|(method, _)| *method == call.method);
        if next { script.failures.pop_front().map(|(_, status)| status) } else { None }
    }

    async fn reply<R: Rpc>(
        &self,
        request: http::Request<Incoming>,
        answer: fn(&State, R) -> Result<R::Reply, Status>,
    ) -> http::Response<Body> {
        let state = self.state.clone();
        let mut grpc = tonic::server::Grpc::new(ProstCodec::<R::Reply, R>::default());
        grpc.unary(
            tower::service_fn(move |request: Request<R>| {
                let reply = answer(&state, request.into_inner()).map(Response::new);
                async move { reply }
            }),
            request,
        )
        .await
    }
}

impl State {
    fn note(&self, query: &str) {
        if let Some(call) = self.calls.lock().expect("calls").last_mut() {
            query.clone_into(&mut call.query);
        }
    }

    /// The runs whose types a filter `WorkflowType NOT IN (...)` does not name.
    fn runs(&self, query: &str) -> Vec<(usize, &'static str)> {
        let excluded = query.split("NOT IN").nth(1).unwrap_or_default();
        let types = self.script.lock().expect("the script").types.clone();
        types.into_iter().enumerate().filter(|(_, name)| !excluded.contains(&format!("'{name}'"))).collect()
    }

    fn count(&self, request: CountWorkflowExecutionsRequest) -> Result<CountWorkflowExecutionsResponse, Status> {
        self.note(&request.query);
        let count = self.runs(&request.query).len() as i64;
        Ok(CountWorkflowExecutionsResponse { count, ..CountWorkflowExecutionsResponse::default() })
    }

    fn list(&self, request: ListWorkflowExecutionsRequest) -> Result<ListWorkflowExecutionsResponse, Status> {
        self.note(&request.query);
        let from: usize = String::from_utf8_lossy(&request.next_page_token).parse().unwrap_or_default();
        let runs = self.runs(&request.query);
        let to = runs.len().min(from + request.page_size as usize);
        let executions = runs[from..to].iter().map(|(index, name)| WorkflowExecutionInfo {
            execution: Some(execution(*index)),
            r#type: Some(WorkflowType { name: (*name).to_owned() }),
            ..WorkflowExecutionInfo::default()
        });
        let next_page_token = if to < runs.len() { to.to_string().into_bytes() } else { Vec::new() };
        Ok(ListWorkflowExecutionsResponse { executions: executions.collect(), next_page_token })
    }

    fn history(&self, request: GetWorkflowExecutionHistoryRequest) -> Result<GetWorkflowExecutionHistoryResponse, Status> {
        use prost::Message;
        let before: i64 = String::from_utf8_lossy(&request.next_page_token).parse().unwrap_or_default();
        let event = HistoryEvent { event_id: before + 1, ..HistoryEvent::default() };
        let history = History { events: vec![event] };
        let next_page_token = if before + 1 < EVENTS { (before + 1).to_string().into_bytes() } else { Vec::new() };
        let mut reply =
            GetWorkflowExecutionHistoryResponse { next_page_token, ..GetWorkflowExecutionHistoryResponse::default() };
        if self.script.lock().expect("the script").sends_blobs {
            let data = history.encode_to_vec();
            reply.raw_history.push(foretime_server::proto::common::DataBlob { encoding_type: 1, data });
        } else {
            reply.history = Some(history);
        }
        Ok(reply)
    }
}

fn execution(index: usize) -> WorkflowExecution {
    WorkflowExecution { workflow_id: format!("w{index}"), run_id: format!("01a22cf8-5d36-7212-8c4a-{index:012x}") }
}
