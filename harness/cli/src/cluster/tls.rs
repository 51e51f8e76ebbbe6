//! TLS to a cluster: certificates, keys, and who is trusted.

use std::sync::Arc;

use rustls::{
    DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};

use super::profile::{Pem, Tls};
use crate::failure::Failure;

/// Has `endpoint` speak TLS.
///
/// # Errors
/// A file cannot be read, or is not PEM, or one of certificate and key is missing. The error names the setting.
pub(super) fn onto(endpoint: Endpoint, tls: &Tls) -> Result<Endpoint, Failure> {
    let mut config = ClientTlsConfig::new();
    if let Some(name) = &tls.server_name {
        config = config.domain_name(name);
    }
    match (&tls.certificate, &tls.key) {
        (Some(certificate), Some(key)) => config = config.identity(Identity::from_pem(certificate.certificates()?, key.key()?)),
        (Some(alone), None) => return Err(Failure::Usage(format!("{} needs the private key, too", alone.by()))),
        (None, Some(alone)) => return Err(Failure::Usage(format!("{} needs the certificate, too", alone.by()))),
        (None, None) => {}
    }
    let done = if tls.accepts_any_server {
        endpoint.tls_config_with_verifier(config, Arc::new(AnyServer(ring::default_provider())))
    } else {
        endpoint.tls_config(match &tls.authority {
            Some(authority) => config.ca_certificate(Certificate::from_pem(authority.certificates()?)),
            None => config.with_native_roots(),
        })
    };
    done.map_err(|error| Failure::Runtime(format!("cannot set up TLS: {}", super::trouble::causes(&error).join(": "))))
}

impl Pem {
    fn by(&self) -> &str {
        let (Self::File(said) | Self::Text(said)) = self;
        &said.by
    }

    fn read(&self) -> Result<Vec<u8>, Failure> {
        match self {
            Self::Text(said) => Ok(said.value.clone().into_bytes()),
            Self::File(said) => std::fs::read(&said.value)
                .map_err(|error| Failure::Runtime(format!("cannot read {}, which {} names: {error}", said.value, said.by))),
        }
    }

    fn certificates(&self) -> Result<Vec<u8>, Failure> {
        let bytes = self.read()?;
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
        if found.is_ok_and(|found| !found.is_empty()) { Ok(bytes) } else { Err(self.not("certificate")) }
    }

    fn key(&self) -> Result<Vec<u8>, Failure> {
        let bytes = self.read()?;
        if PrivateKeyDer::from_pem_slice(&bytes).is_ok() { Ok(bytes) } else { Err(self.not("private key")) }
    }

    fn not(&self, what: &str) -> Failure {
        Failure::Runtime(match self {
            Self::File(said) => format!("{}, which {} names, holds no {what} in PEM", said.value, said.by),
            Self::Text(said) => format!("{} is no {what} in PEM", said.by),
        })
    }
}

/// Accepts any certificate, but not another's: the server must have its key.
#[derive(Debug)]
struct AnyServer(CryptoProvider);

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
