//! Generates the messages and services of `proto/`, for the real network and for madsim's, without protoc.

use std::{env, error::Error, fs, path::PathBuf};

use protox::prost::Message;

const FILES: [&str; 2] = ["proto/orders.proto", "proto/carrier.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    let descriptors = PathBuf::from(env::var("OUT_DIR")?).join("descriptors.bin");
    fs::write(&descriptors, protox::compile(FILES, ["proto"])?.encode_to_vec())?;
    tonic_build::configure().file_descriptor_set_path(&descriptors).skip_protoc_run().compile_protos(&FILES, &["proto"])?;
    Ok(())
}
