//! Many seeds of the server on a hostile network. `cargo sim seeds`, with `MADSIM_TEST_NUM` for how many.
#![cfg(madsim)]

use foretime_network::{case, checks::claims};
use foretime_server::rpc::Service;

/// How many seeds run by default.
const RUNS: u64 = 2_000;

#[test]
fn seeds() {
    let service = |config: &_| Service::boxed(config).expect("a service");
    let summary = case::run("seeds", RUNS, &claims::names(), service).unwrap_or_else(|why| panic!("{why}"));
    println!("{summary}");
    assert!(summary.is_good(), "{}", summary.why(None));
}
