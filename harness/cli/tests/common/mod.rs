//! The program, started as a user or an SDK starts it.

#![allow(dead_code, reason = "each test target uses some of it")]

use std::{
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    process::{Child, Command, Output, Stdio},
};

use tonic::transport::Channel;

pub(crate) fn foretime(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_foretime"));
    command.args(args).stdin(Stdio::null());
    command
}

/// Runs the program to its end. The arguments must not start a server.
pub(crate) fn run(args: &[&str]) -> Output {
    foretime(args).output().expect("the program runs")
}

/// A started server; killed when dropped, as the SDKs do it.
pub(crate) struct Server {
    pub(crate) process: Child,
    pub(crate) first_line: String,
    pub(crate) address: SocketAddr,
}

impl Server {
    pub(crate) fn start(args: &[&str]) -> Self {
        let mut process = foretime(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let mut first_line = String::new();
        let stdout = process.stdout.take().expect("its output");
        BufReader::new(stdout).read_line(&mut first_line).expect("a line");
        let address = first_line.trim().rsplit(' ').next().and_then(|word| word.parse().ok());
        let Some(address) = address else {
            let mut errors = String::new();
            process.stderr.take().expect("its errors").read_to_string(&mut errors).expect("text");
            panic!("no address in {first_line:?}; {errors}");
        };
        Self { process, first_line, address }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) async fn connect(&self) -> Channel {
        let uri = format!("http://127.0.0.1:{}", self.port());
        Channel::from_shared(uri).expect("an address").connect().await.expect("a connection")
    }

    /// Ends it with `signal`. Returns its exit code and what it wrote to stderr.
    #[cfg(unix)]
    pub(crate) fn end_by(&mut self, signal: &str) -> (Option<i32>, String) {
        let sent = Command::new("kill").args([signal, &self.process.id().to_string()]).status().expect("kill");
        assert!(sent.success());
        let status = self.process.wait().expect("its end");
        let mut errors = String::new();
        self.process.stderr.take().expect("its errors").read_to_string(&mut errors).expect("text");
        (status.code(), errors)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
