//! A server under test: a child process on a port of its own, killed when dropped.

use std::{
    env, fmt,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use foretime_server::proto::workflowservice::GetSystemInfoRequest;

use crate::client::Client;

/// Names the real server's executable, the `temporal` command line. If it is unset, the differential half of the tests is left
/// out.
pub const REAL_SERVER: &str = "FORETIME_TEST_REAL_SERVER";
/// Names our executable. If it is unset, it is looked for beside the test's own.
pub const OUR_SERVER: &str = "FORETIME_BIN";

const READY_WITHIN: Duration = Duration::from_secs(30);

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The dev server of the `temporal` command line.
    Real,
    /// `foretime`.
    Ours,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Real => "real",
            Self::Ours => "ours",
        })
    }
}

impl Kind {
    /// Where the executable is; `None` if there is no such server here.
    pub fn executable(self) -> Option<PathBuf> {
        match self {
            Self::Real => env::var_os(REAL_SERVER).map(PathBuf::from),
            Self::Ours => env::var_os(OUR_SERVER).map(PathBuf::from).or_else(beside_the_test),
        }
    }
}

/// `target/<profile>/foretime` for a test in `target/<profile>/deps`. The test command has to build it.
fn beside_the_test() -> Option<PathBuf> {
    let test = env::current_exe().ok()?;
    let path = test.parent()?.parent()?.join(format!("foretime{}", env::consts::EXE_SUFFIX));
    path.exists().then_some(path)
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    process: Child,
    /// `http://127.0.0.1:PORT`.
    pub address: String,
}

impl Server {
    /// Starts `kind` in dev mode (time at the wall's pace) with the arguments that an SDK passes, plus `extra`. Waits until it
    /// answers.
    ///
    /// # Errors
    /// If there is no executable, or it does not answer in time.
    pub async fn start(kind: Kind, extra: &[&str]) -> Result<Self> {
        let executable = kind.executable().with_context(|| format!("no executable of the {kind} server"))?;
        let port = free_port()?;
        let process = Command::new(&executable)
            .args(["server", "start-dev", "--headless", "--ip", "127.0.0.1", "--log-level", "error"])
            .args(["--port", &port.to_string()])
            .args(["--dynamic-config-value", "frontend.enableServerVersionCheck=false"])
            .args(extra)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("start {}", executable.display()))?;
        let mut server = Self { process, address: format!("http://127.0.0.1:{port}") };
        server.ready().await?;
        Ok(server)
    }

    /// Whether the process still runs.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }

    async fn ready(&mut self) -> Result<()> {
        let started = Instant::now();
        loop {
            if let Ok(client) = Client::connect(&self.address).await
                && client.call(GetSystemInfoRequest {}).await.is_ok()
            {
                return Ok(());
            }
            if !self.is_alive() || started.elapsed() > READY_WITHIN {
                bail!("no answer from the server at {}", self.address);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
