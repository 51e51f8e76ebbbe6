//! The features that the whole workspace asks for, for crates that are built alone. There is no code here.
//!
//! Cargo builds a dependency with the features that the packages on its command line ask for. The SDK asks more of tokio, tonic
//! and others than the server does. So `cargo build -p foretime-cli`, after a build of the workspace, would compile these
//! crates a second time, and the server with them. A crate that depends on this one asks for all that the workspace asks for,
//! and `.ci/run` checks that nothing is compiled twice. If that fails after an update of `Cargo.lock`, the first crate that is
//! compiled again is the one whose features differ; `cargo tree --format '{p} {f}'` shows them, with `--workspace` and with
//! `-p`.
