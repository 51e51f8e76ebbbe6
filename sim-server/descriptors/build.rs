//! Finds the descriptors that the build script of `temporalio-protos` left.

use std::{env, error::Error};

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::var("DEP_TEMPORALIO_PROTOS_DESCRIPTOR_PATH")?;
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-env=DESCRIPTORS={path}");
    Ok(())
}
