//! The program `foretime`. It links the server alone, neither an SDK nor the simulation, so that it starts at once.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run(std::env::args_os().collect())
}
