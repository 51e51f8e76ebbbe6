//! The user's own worker, as a child process: it is told where the server is, its output is kept, and it never outlives the check.

use std::{
    collections::VecDeque,
    ffi::OsString,
    net::SocketAddr,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
};

use crate::failure::Failure;

/// The variables in which programs look for the server's address. The first is that of all SDKs.
const ADDRESS_VARIABLES: [&str; 5] =
    ["TEMPORAL_ADDRESS", "TEMPORAL_HOST_PORT", "TEMPORAL_SERVICE_ADDRESS", "TEMPORAL_GRPC_ENDPOINT", "TEMPORAL_CLI_ADDRESS"];
/// What would lead a program elsewhere, or make it speak TLS.
const OTHER_VARIABLES: [&str; 13] = [
    "TEMPORAL_API_KEY",
    "TEMPORAL_PROFILE",
    "TEMPORAL_CONFIG_FILE",
    "TEMPORAL_TLS",
    "TEMPORAL_TLS_CLIENT_CERT_PATH",
    "TEMPORAL_TLS_CLIENT_CERT_DATA",
    "TEMPORAL_TLS_CLIENT_KEY_PATH",
    "TEMPORAL_TLS_CLIENT_KEY_DATA",
    "TEMPORAL_TLS_SERVER_CA_CERT_PATH",
    "TEMPORAL_TLS_SERVER_CA_CERT_DATA",
    "TEMPORAL_TLS_SERVER_NAME",
    "TEMPORAL_TLS_CERT",
    "TEMPORAL_TLS_KEY",
];
/// How long a worker has to stop after SIGTERM.
const STOP: Duration = Duration::from_secs(5);
/// What is kept of the worker's output.
const KEPT_BYTES: usize = 64 << 10;

/// How the worker is started.
#[derive(Clone, Debug)]
pub(super) struct Launch {
    /// The program and its arguments. `{address}`, `{host}`, `{port}` and `{namespace}` in them are filled in.
    pub(super) command: Vec<OsString>,
    pub(super) address: SocketAddr,
    pub(super) namespace: String,
    /// Whether SDKs shall let a workflow stand still, as under a debugger.
    pub(super) debugging: bool,
    /// Whether its last lines are told when it ends with histories in hand, which may have payloads.
    pub(super) tells_output: bool,
    /// Whether the worker writes to this program's stderr.
    pub(super) shows_output: bool,
}

/// A worker that was started.
pub(super) struct Worker {
    child: Child,
    /// Its process group, which has all that it starts.
    group: Option<u32>,
    output: Arc<Mutex<Output>>,
    _profile: Profile,
}

/// The file that SDKs read the address from, in place of the user's, which would name another server, and TLS. It goes with this.
struct Profile {
    path: PathBuf,
}

impl Profile {
    fn write(address: &str, namespace: &str) -> Result<Self, Failure> {
        let name = format!("foretime-check-{}-{}.toml", std::process::id(), address.replace([':', '[', ']'], "-"));
        let path = std::env::temp_dir().join(name);
        // Not an empty file: Java's SDK (1.38) fails on one.
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let text = format!("[profile.default]\naddress = {}\nnamespace = {}\n", quoted(address), quoted(namespace));
        let written = std::fs::write(&path, text);
        written.map_err(|error| Failure::Runtime(format!("cannot write {}: {error}", path.display())))?;
        Ok(Self { path })
    }
}

impl Drop for Profile {
    fn drop(&mut self) {
        // A file too many in the temporary folder harms nobody.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// The last of what a worker has written.
#[derive(Debug, Default)]
struct Output {
    kept: VecDeque<u8>,
    written_bytes: u64,
}

impl Worker {
    /// Starts it.
    ///
    /// # Errors
    /// There is no such program, or it may not be run.
    pub(super) fn start(launch: &Launch) -> Result<Self, Failure> {
        let address = launch.address.to_string();
        let filled = |argument: &OsString| match argument.to_str() {
            Some(text) => text
                .replace("{address}", &address)
                .replace("{host}", &launch.address.ip().to_string())
                .replace("{port}", &launch.address.port().to_string())
                .replace("{namespace}", &launch.namespace)
                .into(),
            None => argument.clone(),
        };
        let mut words = launch.command.iter().map(filled);
        let Some(program) = words.next() else { return Err(Failure::Usage("the worker's command is empty".to_owned())) };
        let mut command = Command::new(&program);
        command.args(words).stdin(Stdio::null()).kill_on_drop(true);
        for name in OTHER_VARIABLES {
            command.env_remove(name);
        }
        command.envs(ADDRESS_VARIABLES.map(|name| (name, &address)));
        command.env("TEMPORAL_NAMESPACE", &launch.namespace);
        let profile = Profile::write(&address, &launch.namespace)?;
        command.env("TEMPORAL_CONFIG_FILE", &profile.path);
        command.env("FORETIME_CHECK", "1");
        if launch.debugging {
            command.env("TEMPORAL_DEBUG", "true");
        }
        if launch.shows_output {
            command.stdout(std::io::stderr()).stderr(std::io::stderr());
        } else {
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
        }
        // What it starts itself (npm, a shell, gradle) ends with it.
        #[cfg(unix)]
        command.process_group(0);
        let program = program.to_string_lossy().into_owned();
        let mut child = command
            .spawn()
            .map_err(|error| Failure::Usage(format!("the worker's program {program:?} cannot be started: {error}")))?;
        let output = Arc::<Mutex<Output>>::default();
        if let Some(stdout) = child.stdout.take() {
            tokio::spawn(keep(stdout, output.clone()));
        }
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(keep(stderr, output.clone()));
        }
        let group = child.id();
        Ok(Self { child, group, output, _profile: profile })
    }

    /// Waits until it ends by itself.
    pub(super) async fn ended(&mut self) -> Option<ExitStatus> {
        self.child.wait().await.ok()
    }

    /// The last lines that it has written, at most `count`.
    pub(super) fn last_lines(&self, count: usize) -> Vec<String> {
        let output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes: Vec<u8> = output.kept.iter().copied().collect();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        lines[lines.len().saturating_sub(count)..].iter().map(|line| (*line).to_owned()).collect()
    }

    /// How much it has written.
    pub(super) fn written_bytes(&self) -> u64 {
        self.output.lock().unwrap_or_else(PoisonError::into_inner).written_bytes
    }

    /// Ends it, and all that it has started: first with SIGTERM, after five seconds with SIGKILL.
    pub(super) async fn stop(mut self) {
        signal(self.group, false);
        // Dropped then, what is left of it is killed.
        let _ = tokio::time::timeout(STOP, self.child.wait()).await;
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        signal(self.group, true);
    }
}

/// Signals the worker's process group.
#[cfg(unix)]
fn signal(group: Option<u32>, is_final: bool) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let pid = group.and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
    if let Some(pid) = pid {
        // If it is gone already, there is nothing to end.
        let _ = kill_process_group(pid, if is_final { Signal::KILL } else { Signal::TERM });
    }
}

#[cfg(not(unix))]
fn signal(_group: Option<u32>, _is_final: bool) {}

async fn keep(mut stream: impl AsyncRead + Unpin, output: Arc<Mutex<Output>>) {
    let mut buffer = vec![0; 8 << 10];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
        output.written_bytes += count as u64;
        output.kept.extend(&buffer[..count]);
        let excess = output.kept.len().saturating_sub(KEPT_BYTES);
        output.kept.drain(..excess);
    }
}
