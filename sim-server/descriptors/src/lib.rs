//! The descriptors of the Temporal API, which `temporalio-protos` compiled from its `.proto` files.
//!
//! Only Cargo knows where they are, and it tells none but crates that depend on `temporalio-protos`. The build script of
//! `foretime-proto` needs them, the server itself does not: as a build-dependency, `temporalio-protos` is compiled without
//! optimisation and without the features that the SDK asks for, which takes a third of the time.

/// A `FileDescriptorSet`, encoded.
pub const FILES: &[u8] = include_bytes!(env!("DESCRIPTORS"));
