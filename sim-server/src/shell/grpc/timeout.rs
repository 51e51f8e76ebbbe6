//! The header `grpc-timeout`: at most eight digits and a unit, by the gRPC specification of the HTTP/2 wire.

use std::time::Duration;

use http::HeaderMap;
use tonic::Status;

/// How long the caller waits; `None` if it sets no timeout.
///
/// # Errors
/// `INTERNAL` for an invalid value, as other gRPC servers answer.
pub fn grpc_timeout(headers: &HeaderMap) -> Result<Option<Duration>, Status> {
    let Some(value) = headers.get("grpc-timeout") else { return Ok(None) };
    let parsed = value.to_str().ok().and_then(parse);
    parsed.map(Some).ok_or_else(|| Status::internal(format!("malformed grpc-timeout: {value:?}")))
}

fn parse(value: &str) -> Option<Duration> {
    let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let amount: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(amount * 3600)),
        "M" => Some(Duration::from_secs(amount * 60)),
        "S" => Some(Duration::from_secs(amount)),
        "m" => Some(Duration::from_millis(amount)),
        "u" => Some(Duration::from_micros(amount)),
        "n" => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeout_of(value: &str) -> Result<Option<Duration>, tonic::Code> {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-timeout", value.parse().expect("a header value"));
        grpc_timeout(&headers).map_err(|status| status.code())
    }

    #[test]
    fn units() {
        assert_eq!(grpc_timeout(&HeaderMap::new()).map_err(|status| status.code()), Ok(None));
        assert_eq!(timeout_of("2H"), Ok(Some(Duration::from_secs(7200))));
        assert_eq!(timeout_of("3M"), Ok(Some(Duration::from_secs(180))));
        assert_eq!(timeout_of("70S"), Ok(Some(Duration::from_secs(70))));
        assert_eq!(timeout_of("69999m"), Ok(Some(Duration::from_millis(69_999))));
        assert_eq!(timeout_of("5u"), Ok(Some(Duration::from_micros(5))));
        assert_eq!(timeout_of("99999999n"), Ok(Some(Duration::from_nanos(99_999_999))));
    }

    #[test]
    fn malformed_ones_are_refused() {
        for value in ["", "S", "12", "-1S", "+1S", "1.5S", "123456789S", "1s", "1é"] {
            assert_eq!(timeout_of(value), Err(tonic::Code::Internal), "{value:?}");
        }
    }
}
