//! The command line: arguments in, a running server or one clear line of error out.
//!
//! [`invocation`] finds out which of the three ways to start is meant: [`test_server`] and [`start_dev`] take the place of the
//! programs that the SDKs start today, [`serve`] is our own. Each turns its arguments into a [`launch::Launch`], which is plain
//! data; [`launch`] then opens the port, starts the server and waits for a signal. [`values`] reads the values of options,
//! [`logging`] sets up the log, [`failure`] is what goes wrong and how that is said.

mod failure;
mod invocation;
mod launch;
mod logging;
mod serve;
mod start_dev;
mod test_server;
mod values;

use std::{ffi::OsString, process::ExitCode};

use invocation::Invocation;

/// Does what `args` (with the program's name in front) ask for; returns when the server has ended.
pub(crate) fn run(args: Vec<OsString>) -> ExitCode {
    let outcome = match invocation::parse(args) {
        Ok(Invocation::Launch(launch)) => launch::launch(*launch),
        Ok(Invocation::Print(text)) => return failure::print(&text),
        Err(failure) => Err(failure),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
