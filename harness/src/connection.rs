//! Connects the SDK's client to a server in this process, without a socket.

use temporalio_client::{
    Connection, ConnectionOptions, Url, callback_based::CallbackBasedGrpcService, errors::ClientConnectError,
};

/// Connects a client. `identity` is set explicitly, because the SDK's default would write this process's number and host into
/// histories.
///
/// # Errors
/// What the SDK says.
pub(crate) async fn connect(identity: &str, service: CallbackBasedGrpcService) -> Result<Connection, ClientConnectError> {
    // Nobody resolves or dials this name.
    let target = Url::parse("http://foretime.invalid").expect("it is a URL");
    let options = ConnectionOptions::new(target).identity(identity).service_override(service).dns_load_balancing(None).build();
    Connection::connect(options).await
}
