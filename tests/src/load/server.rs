//! A server under measurement: our own child process on a loopback port, killed when dropped.

use std::{
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    process::{Child, Command, Stdio},
    str::FromStr,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use foretime_server::proto::{testservice, workflowservice};
use tokio::time::sleep;

use super::{link::Link, usage::Usage};

/// How long a server may take to answer its first RPC.
const READY_TIMEOUT: Duration = Duration::from_secs(20);
/// The pause between two attempts to connect. It is small compared with any server's start.
const RETRY_PAUSE: Duration = Duration::from_micros(200);
/// The settings that make the real dev server skip time at all, and without its default of a second for each skip.
const NATIVE_SKIPPING: [&str; 2] = ["frontend.WorkflowTimeSkippingEnabled=true", "history.timerProcessorMaxTimeShift=\"1ms\""];

/// How a server is started, which determines the protocol that moves its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `PATH PORT --enable-time-skipping`: TestService, one clock.
    Test,
    /// `PATH server start-dev`: time skips in each workflow whose start asks for it.
    Dev,
}

/// A server to measure: `NAME=PATH`.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Its name in the results.
    pub name: String,
    /// The executable.
    pub path: PathBuf,
    /// How it is started.
    pub kind: Kind,
}

impl FromStr for Spec {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.split_once('=') {
            Some((name, path)) if !name.is_empty() && !path.is_empty() => {
                Ok(Self { name: name.to_owned(), path: path.into(), kind: Kind::Test })
            }
            _ => bail!("a server is given as NAME=PATH"),
        }
    }
}

/// A running server.
pub struct Server {
    child: Child,
    port: u16,
    /// How it was started.
    pub kind: Kind,
    /// From just before exec to the answer of the first RPC.
    pub startup: Duration,
}

impl Server {
    /// Starts the executable on a free port and waits until it has answered `GetSystemInfo`.
    ///
    /// # Errors
    /// It cannot be executed, ends by itself, or does not answer within 20 s.
    pub async fn start(spec: &Spec) -> Result<Self> {
        let port = free_port()?;
        let mut command = command(spec, port);
        let start = Instant::now();
        let child = command.spawn().with_context(|| format!("starting {}", spec.path.display()))?;
        let mut server = Self { child, port, kind: spec.kind, startup: Duration::ZERO };
        while start.elapsed() < READY_TIMEOUT {
            if let Ok(mut link) = Link::connect(port).await
                && link.call(workflowservice::GetSystemInfoRequest::default()).await.is_ok()
            {
                server.startup = start.elapsed();
                return Ok(server);
            }
            if let Some(status) = server.child.try_wait()? {
                bail!("{} ended while starting: {status}", spec.name);
            }
            sleep(RETRY_PAUSE).await;
        }
        bail!("{} did not answer within {READY_TIMEOUT:?}", spec.name)
    }

    /// A new connection to it.
    ///
    /// # Errors
    /// It no longer listens.
    pub async fn connect(&self) -> Result<Link> {
        Link::connect(self.port).await
    }

    /// What the process has used so far.
    ///
    /// # Errors
    /// The process is gone.
    pub fn usage(&self) -> Result<Usage> {
        Usage::of(self.child.id())
    }

    /// Keeps virtual time at the wall's pace until [`Self::unlock`]. Does nothing for the dev server, whose time needs no lock.
    ///
    /// # Errors
    /// The server refuses.
    pub async fn lock(&self, link: &mut Link) -> Result<()> {
        if self.kind == Kind::Test {
            link.call(testservice::LockTimeSkippingRequest {}).await?;
        }
        Ok(())
    }

    /// Lets time skip again.
    ///
    /// # Errors
    /// The server refuses.
    pub async fn unlock(&self, link: &mut Link) -> Result<()> {
        if self.kind == Kind::Test {
            link.call(testservice::UnlockTimeSkippingRequest {}).await?;
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Neither fails unless the process has already been reaped.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn command(spec: &Spec, port: u16) -> Command {
    let mut command = Command::new(&spec.path);
    match spec.kind {
        Kind::Test => {
            command.arg(port.to_string()).arg("--enable-time-skipping");
        }
        Kind::Dev => {
            command.args(["server", "start-dev", "--headless", "--ip", "127.0.0.1", "--log-level", "never", "--port"]);
            command.arg(port.to_string());
            for value in NATIVE_SKIPPING {
                command.args(["--dynamic-config-value", value]);
            }
        }
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
