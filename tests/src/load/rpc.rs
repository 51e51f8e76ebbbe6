//! Requests of TestService whose message does not name their RPC. Each has a type of its own here.

use foretime_server::{
    proto::{Rpc, testservice},
    rpc::table::TEST_SERVICE,
};
use prost::Message;

/// What `GetCurrentTime` takes: in the service it is `google.protobuf.Empty`, which prost maps to `()`.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct GetCurrentTimeRequest {}

/// The request of `UnlockTimeSkippingWithSleep`. In the service it is a `SleepRequest`; here it is a type of its own because a
/// request names one RPC.
#[derive(Clone, PartialEq, Message)]
pub struct UnlockTimeSkippingWithSleepRequest {
    /// How far to skip.
    #[prost(message, optional, tag = "1")]
    pub duration: Option<prost_types::Duration>,
}

impl Rpc for GetCurrentTimeRequest {
    type Reply = testservice::GetCurrentTimeResponse;
    const SERVICE: &'static str = TEST_SERVICE;
    const METHOD: &'static str = "GetCurrentTime";
    const PATH: &'static str = "/temporal.api.testservice.v1.TestService/GetCurrentTime";
}

impl Rpc for UnlockTimeSkippingWithSleepRequest {
    type Reply = testservice::SleepResponse;
    const SERVICE: &'static str = TEST_SERVICE;
    const METHOD: &'static str = "UnlockTimeSkippingWithSleep";
    const PATH: &'static str = "/temporal.api.testservice.v1.TestService/UnlockTimeSkippingWithSleep";
}
