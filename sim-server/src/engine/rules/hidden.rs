//! Errors that the real server hides from clients: behind a number, which is the text's fingerprint
//! (`common/rpc/interceptor/mask_internal_error.go`).

use crate::engine::kernel::error::Error;

/// An error of the real server's that no client may see.
pub(crate) fn hidden(error: &str) -> Error {
    let number = farmhash::fingerprint32(format!("rpc error: code = Unknown desc = {error}").as_bytes());
    Error::Unknown(format!("something went wrong, please retry ({number:08x})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_errors_have_the_real_servers_numbers() {
        for (error, number) in [
            ("unexpected end of JSON input", "4042fa9c"),
            ("invalid character 'x' looking for beginning of value", "4816802b"),
            ("json: cannot unmarshal number into Go struct field VisibilityPageToken.RunID of type string", "a99b5d88"),
        ] {
            let text = format!("something went wrong, please retry ({number})");
            assert_eq!(hidden(error), Error::Unknown(text), "{error}");
        }
    }
}
