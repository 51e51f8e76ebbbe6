//! Where in the user's code a thread is.

use std::{
    backtrace::Backtrace,
    env,
    path::{Path, PathBuf},
};

/// This crate's own code.
const OWN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
/// What the paths of other people's code contain: libraries, and Rust's own.
const OF_OTHERS: [&str; 4] = ["/registry/src/", "/git/checkouts/", "/rustc/", "/rustlib/"];

/// The innermost place in the user's code on the calling thread's stack, such as `./src/worker.rs:17:9`; `None` if there is
/// none, or the program has no debug information.
pub(super) fn of_user() -> Option<String> {
    let stack = Backtrace::force_capture().to_string();
    let mut places = stack.lines().filter_map(|line| line.trim().strip_prefix("at "));
    let here = env::current_dir().unwrap_or_default();
    places.find(|place| is_of_user(place, &here)).map(str::to_owned)
}

/// Whether a place of a backtrace is in the user's code. Paths below the working directory are written as `./`.
fn is_of_user(place: &str, here: &Path) -> bool {
    let path = place.strip_prefix("./").map_or_else(|| PathBuf::from(place), |below| here.join(below));
    !path.starts_with(OWN) && !OF_OTHERS.iter().any(|part| place.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_libraries_and_our_own_are_not_the_users() {
        let here = Path::new(OWN).parent().unwrap();
        assert!(is_of_user("./tests/failing/trouble.rs:190:31", here));
        assert!(is_of_user("/home/ada/shop/src/main.rs:7:1", here));
        assert!(!is_of_user("./src/os/symbols/descriptors.rs:119:9", here));
        assert!(!is_of_user("/rustc/f00/library/core/src/ops/function.rs:250:5", here));
        assert!(!is_of_user("/root/.cargo/registry/src/index-1/tokio-1.0.0/src/net/tcp/stream.rs:1:1", here));
        let elsewhere = Path::new("/home/ada/shop");
        assert!(is_of_user("./src/os/symbols/descriptors.rs:119:9", elsewhere));
    }
}
