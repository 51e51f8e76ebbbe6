//! What goes over a connection: calls, answers, and what gRPC sends besides.

use bytes::Bytes;
use foretime_server::rpc::Answer;
use prost::Message;
use tonic::{Code, Status};

/// One frame. It has one of these.
#[derive(Clone, PartialEq, Message)]
pub struct Frame {
    /// What it carries.
    #[prost(oneof = "Load", tags = "1, 2, 3, 4, 5")]
    pub load: Option<Load>,
}

/// What a frame carries.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum Load {
    /// A call begins.
    #[prost(message, tag = "1")]
    Request(Request),
    /// A call ends.
    #[prost(message, tag = "2")]
    Reply(Reply),
    /// The caller no longer waits, as HTTP/2 says with `RST_STREAM`.
    #[prost(uint64, tag = "3")]
    Cancel(u64),
    /// Whether the other side is there.
    #[prost(bool, tag = "4")]
    Ping(bool),
    /// It is.
    #[prost(bool, tag = "5")]
    Pong(bool),
}

/// A call.
#[derive(Clone, PartialEq, Message)]
pub struct Request {
    /// Its number on this connection.
    #[prost(uint64, tag = "1")]
    pub id: u64,
    /// The full name of the service.
    #[prost(string, tag = "2")]
    pub service: String,
    /// The name of the method.
    #[prost(string, tag = "3")]
    pub method: String,
    /// How long the caller waits, as the header `grpc-timeout` says.
    #[prost(uint64, tag = "4")]
    pub timeout_ms: u64,
    /// The encoded request.
    #[prost(bytes = "bytes", tag = "5")]
    pub message: Bytes,
    /// The header `client-name`.
    #[prost(string, tag = "6")]
    pub client_name: String,
    /// The life of the process that calls. The service does not see it; it is for the record.
    #[prost(uint32, tag = "7")]
    pub process: u32,
}

/// The end of a call.
#[derive(Clone, PartialEq, Message)]
pub struct Reply {
    /// The number of the call.
    #[prost(uint64, tag = "1")]
    pub id: u64,
    /// The code of gRPC; 0 is OK.
    #[prost(int32, tag = "2")]
    pub code: i32,
    /// The text of a refusal.
    #[prost(string, tag = "3")]
    pub text: String,
    /// The details of a refusal: an encoded `google.rpc.Status`.
    #[prost(bytes = "bytes", tag = "4")]
    pub details: Bytes,
    /// The encoded answer.
    #[prost(bytes = "bytes", tag = "5")]
    pub message: Bytes,
    /// Where it is in the record.
    #[prost(uint64, tag = "6")]
    pub exchange: u64,
}

impl Reply {
    /// The reply that carries this answer.
    pub fn of(id: u64, exchange: u64, answer: Answer) -> Self {
        match answer {
            Ok(message) => Self { id, exchange, message, ..Self::default() },
            Err(status) => Self {
                id,
                exchange,
                code: i32::from(status.code()),
                text: status.message().to_owned(),
                details: Bytes::copy_from_slice(status.details()),
                message: Bytes::new(),
            },
        }
    }

    /// The answer that it carries.
    pub fn into_answer(self) -> Answer {
        match Code::from(self.code) {
            Code::Ok => Ok(self.message),
            code => Err(Status::with_details(code, self.text, self.details)),
        }
    }
}

impl From<Load> for Frame {
    fn from(load: Load) -> Self {
        Self { load: Some(load) }
    }
}

/// A payload of madsim.
type Payload = Box<dyn std::any::Any + Send + Sync>;

impl Frame {
    /// As bytes, for the network.
    pub fn into_payload(self) -> Payload {
        Box::new(self.encode_to_vec())
    }

    /// What came from the network; `None` if it is no frame.
    pub fn from_payload(payload: Payload) -> Option<Load> {
        let bytes = payload.downcast::<Vec<u8>>().ok()?;
        Self::decode(&**bytes).ok()?.load
    }
}
