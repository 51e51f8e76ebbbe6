//! Says on which systems simulations run: the configuration `simulates`.

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-check-cfg=cfg(simulates)");
    // Said by who builds it to be profiled: docs/benchmarks.md.
    println!("cargo:rustc-check-cfg=cfg(foretime_profiles)");
    let is = |name: &str, wanted: &[&str]| env::var(name).is_ok_and(|value| wanted.contains(&value.as_str()));
    if is("CARGO_CFG_TARGET_OS", &["linux"])
        && is("CARGO_CFG_TARGET_ENV", &["gnu"])
        && is("CARGO_CFG_TARGET_ARCH", &["x86_64", "aarch64"])
    {
        println!("cargo:rustc-cfg=simulates");
    }
}
