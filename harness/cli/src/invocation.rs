//! Determines which way to start is meant.

use std::ffi::{OsStr, OsString};

use clap::{Parser, Subcommand, error::ErrorKind};

use crate::{
    check::Check, failure::Failure, fetch::Fetch, hand::Time, launch::Launch, serve::Serve, start_dev::StartDev,
    test_server::TestServer,
};

const EXAMPLES: &str = "\
Where an SDK takes the path of its test server or dev server, give it the path of this program:
  foretime PORT [--enable-time-skipping]    replaces temporal-test-server
  foretime server start-dev [FLAGS]         replaces temporal server start-dev

Examples:
  foretime serve --enable-time-skipping     on 127.0.0.1:7233, skipping time
  foretime 7233                             as an SDK's time-skipping test environment starts it
  foretime server start-dev --headless      as an SDK's local test environment starts it
  foretime time skip 30d                    moves the time of a running server
  foretime check histories/ -- ./worker     does the worker replay these histories?

Every command has its own --help.";

/// A Temporal service for tests that starts in milliseconds and skips time
#[derive(Debug, Parser)]
#[command(
    name = "foretime",
    version,
    after_help = EXAMPLES,
    override_usage = "foretime <COMMAND> [OPTIONS]\n       foretime PORT [--enable-time-skipping] [OPTIONS]",
    arg_required_else_help = true,
    disable_help_subcommand = true,
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(Box<Serve>),
    Time(Time),
    Check(Box<Check>),
    Fetch(Box<Fetch>),
    /// Replaces `temporal server`
    #[command(subcommand)]
    Server(Server),
}

#[derive(Debug, Subcommand)]
enum Server {
    StartDev(Box<StartDev>),
}

/// What to do.
pub(crate) enum Invocation {
    /// Start a server.
    Launch(Box<Launch>),
    /// Move the time of a running server.
    Move(Time),
    /// Check recorded histories.
    Check(Box<Check>),
    /// Fetch histories from a cluster.
    Fetch(Box<Fetch>),
    /// Write this (help or the version) to stdout.
    Print(clap::Error),
}

/// Reads `args`, which begin with the program's name.
///
/// # Errors
/// The arguments are wrong.
pub(crate) fn parse(args: Vec<OsString>) -> Result<Invocation, Failure> {
    let parsed = if names_a_port(&args) {
        TestServer::try_parse_from(&args).map(|server| launching(server.launch()))
    } else {
        Arguments::try_parse_from(&args).map(|arguments| match arguments.command {
            Command::Serve(serve) => launching(serve.launch()),
            Command::Server(Server::StartDev(start_dev)) => launching(start_dev.launch()),
            Command::Time(time) => Ok(Invocation::Move(time)),
            Command::Check(check) => Ok(Invocation::Check(check)),
            Command::Fetch(fetch) => Ok(Invocation::Fetch(fetch)),
        })
    };
    match parsed {
        Ok(invocation) => invocation.map_err(|message| Failure::Usage(message).with_help(&help_for(&args))),
        Err(text) if matches!(text.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => Ok(Invocation::Print(text)),
        Err(error) => Err(Failure::from(error).with_help(&help_for(&args))),
    }
}

fn launching(launch: Result<Launch, String>) -> Result<Invocation, String> {
    launch.map(|launch| Invocation::Launch(Box::new(launch)))
}

/// Whether the first argument that is not a flag is a number.
fn names_a_port(args: &[OsString]) -> bool {
    let words = args.iter().skip(1).filter_map(|arg| arg.to_str());
    words.into_iter().find(|arg| !arg.starts_with('-')).is_some_and(|word| word.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The command that shows the help for `args`.
fn help_for(args: &[OsString]) -> String {
    let is = |place: usize, word: &str| args.get(place).map(OsString::as_os_str) == Some(OsStr::new(word));
    let command = if is(1, "check") {
        " check"
    } else if is(1, "time") {
        " time"
    } else if is(1, "serve") {
        " serve"
    } else if is(1, "server") && is(2, "start-dev") {
        " server start-dev"
    } else {
        ""
    };
    format!("foretime{command} --help")
}
