//! The program `foretime`: arguments in, a running server or one clear line of error out.
//!
//! [`invocation`] determines which of the three ways to start is meant: [`test_server`] and [`start_dev`] replace the programs
//! that the SDKs start today, and [`serve`] is our own. Their options are the same ([`serving`]): those on time from [`clock`], those on histories from
//! [`histories`], and those of the real dev server that have no effect here ([`absent`]). Each way turns its arguments into a
//! [`launch::Launch`], which is plain data. [`launch`] then opens the port, starts the
//! server and waits for a signal. [`hand`] is a client of a running server, and moves its time. [`check`] checks recorded histories with
//! the user's worker, [`cluster`] reads those that a running cluster has, [`fetch`] fetches them alone, and [`codec`] asks a codec server.
//! [`values`] reads the values of options,
//! [`logging`] sets up the log, and [`failure`] is what goes wrong and how it is reported.
//!
//! The program links the server, but not the Rust SDK and not the simulation. It builds in minutes and starts at once.

mod absent;
mod check;
mod clock;
mod cluster;
mod codec;
mod failure;
mod fetch;
mod hand;
mod histories;
mod invocation;
mod launch;
mod logging;
mod serve;
mod serving;
mod start_dev;
mod test_server;
mod values;

use std::process::ExitCode;

use invocation::Invocation;

fn main() -> ExitCode {
    let outcome = match invocation::parse(std::env::args_os().collect()) {
        Ok(Invocation::Launch(launch)) => launch::launch(*launch),
        Ok(Invocation::Move(time)) => time.run(),
        Ok(Invocation::Check(check)) => {
            // 1 is for what breaks. What cannot be read or started is not told.
            return check.run().unwrap_or_else(|failure| failure.report_as(3));
        }
        Ok(Invocation::Fetch(fetch)) => fetch.run(),
        Ok(Invocation::Print(text)) => return failure::print(&text),
        Err(failure) => Err(failure),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
