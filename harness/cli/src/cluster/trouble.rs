//! What goes wrong between us and a cluster, in one line that says what to do.

use std::{error::Error, io};

use rustls::CertificateError;
use tonic::{Code, Status};

use super::{pace::is_ours, profile::Profile};
use crate::failure::Failure;

/// What `error` says, then what caused it, and so on. Nothing is said twice.
pub(crate) fn causes(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    for error in chain(error) {
        let text = error.to_string();
        if !said.iter().any(|before| before.contains(&text)) {
            said.push(text);
        }
    }
    said
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// The error of TLS in the chain of `error`. An error of input and output hides it: its source is not itself.
fn of_tls<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    chain(error).find_map(|error| {
        let within = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        error.downcast_ref().or_else(|| within.and_then(|within| within.downcast_ref()))
    })
}

impl Profile {
    /// Why there is no connection.
    pub(super) fn unreachable(&self, error: &(dyn Error + 'static)) -> Failure {
        let Self { address, .. } = self;
        let refused = |error: &(dyn Error + 'static)| {
            let error = error.downcast_ref::<io::Error>();
            error.is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
        };
        Failure::Runtime(if let Some(error) = of_tls(error) {
            self.no_tls(error)
        } else if chain(error).any(refused) {
            format!("no cluster at {address}: connection refused; name another with --from")
        } else {
            // The first words are the library's "transport error".
            let causes = causes(error);
            let why = causes.get(1..).filter(|rest| !rest.is_empty()).unwrap_or(&causes).join(": ");
            let is_connected = !chain(error).any(<dyn Error>::is::<tonic::ConnectError>);
            let hint = if is_connected { self.hung_up() } else { "" };
            format!("cannot reach the cluster at {address}: {why}{hint}")
        })
    }

    /// What may be missing if the other side closes a connection once it is there.
    fn hung_up(&self) -> &'static str {
        match &self.tls {
            None => "; if it speaks TLS, give --tls",
            Some(tls) if tls.certificate.is_none() => "; if it wants a certificate, give --tls-cert-path and --tls-key-path",
            Some(_) => "",
        }
    }

    fn no_tls(&self, error: &rustls::Error) -> String {
        let Self { address, .. } = self;
        match error {
            rustls::Error::InvalidMessage(_) => format!("{address} does not speak TLS; give --tls=false"),
            rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            ) => {
                format!("the certificate of {address} is for another name; give that with --tls-server-name ({error})")
            }
            rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
                format!("the certificate of {address} is from an authority that is not trusted; give that with --tls-ca-path")
            }
            rustls::Error::AlertReceived(_) => {
                format!("{address} does not accept this client: {error}{}", self.hung_up())
            }
            _ => format!("no TLS with {address}: {error}"),
        }
    }

    /// Why the cluster did not do what it was asked to do.
    pub(super) fn refused(&self, status: &Status) -> Failure {
        let Self { address, namespace, .. } = self;
        let message = status.message().trim_end_matches('.');
        if is_ours(status) {
            return self.unreachable(status.source().unwrap_or(status));
        }
        Failure::Runtime(match status.code() {
            Code::Unauthenticated => format!("{address} does not know who asks: {message}; give --api-key or TEMPORAL_API_KEY"),
            Code::PermissionDenied => format!("{address} does not allow it in namespace {namespace}: {message}"),
            Code::NotFound => format!("{address}: {message}; is {namespace} the right --namespace?"),
            Code::InvalidArgument => return Failure::Usage(format!("{address} refuses the query: {message}")),
            Code::Unimplemented => format!("{address} is no Temporal service that can do this: {message}"),
            code => format!("{address} refuses: {message} ({code:?})"),
        })
    }
}
