//! Generates the messages of the Temporal API from the descriptors that `temporalio-protos` compiled: no protoc.
//!
//! Our own generation, and not that crate's types, for one reason: there every proto map is a `HashMap`, whose order is
//! random, and the same inputs must give the same history bytes. Here every map is a `BTreeMap`.

use std::{collections::BTreeSet, env, error::Error, fs, path::PathBuf};

use prost::Message;
use prost_types::FileDescriptorSet;

/// The files whose services and messages the server speaks; what they import comes along.
const ROOTS: &[&str] = &[
    "temporal/api/workflowservice/v1/service.proto",
    "temporal/api/operatorservice/v1/service.proto",
    "temporal/api/testservice/v1/service.proto",
    "temporal/api/errordetails/v1/message.proto",
    "temporal/api/sdk/v1/workflow_metadata.proto",
    "health/v1/health.proto",
    "google/rpc/status.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::var("DEP_TEMPORALIO_PROTOS_DESCRIPTOR_PATH")?;
    println!("cargo:rerun-if-changed={path}");
    println!("cargo:rerun-if-changed=build.rs");
    let all = FileDescriptorSet::decode(fs::read(path)?.as_slice())?;
    let wanted = closure(&all);
    let set = FileDescriptorSet { file: all.file.into_iter().filter(|file| wanted.contains(file.name())).collect() };

    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), set.encode_to_vec())?;
    prost_build::Config::new().btree_map(["."]).enable_type_names().include_file("protos.rs").compile_fds(set)?;
    Ok(())
}

fn closure(all: &FileDescriptorSet) -> BTreeSet<String> {
    let mut wanted = BTreeSet::new();
    let mut open: Vec<String> = ROOTS.iter().map(|&root| root.to_owned()).collect();
    while let Some(name) = open.pop() {
        let found = all.file.iter().find(|file| file.name() == name);
        let file = found.unwrap_or_else(|| panic!("temporalio-protos has no {name}"));
        if wanted.insert(name) {
            open.extend(file.dependency.iter().cloned());
        }
    }
    wanted
}
