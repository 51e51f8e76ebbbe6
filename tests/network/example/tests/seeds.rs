//! Each seed in a process of its own, twice.

use std::process::{Command, Output};

fn run(seed: u64) -> Output {
    Command::new(env!("CARGO_BIN_EXE_orders")).arg(seed.to_string()).output().expect("it starts")
}

#[test]
fn each_seed_is_well_and_repeats() {
    for seed in 1..=20 {
        let (first, second) = (run(seed), run(seed));
        let told = String::from_utf8_lossy(&first.stdout);
        assert!(first.status.success(), "{told}{}", String::from_utf8_lossy(&first.stderr));
        assert_eq!(told, String::from_utf8_lossy(&second.stdout), "seed {seed} ran in two ways");
    }
}
