use crate::engine::error::Error;
pub fn status(e: &Error) -> tonic::Status {
    tonic::Status::unknown(format!("{e:?}"))
}
