//! A process that runs seeds, as seen by the one that counts them.

use std::{
    collections::VecDeque,
    env,
    io::{self, BufRead, BufReader, ErrorKind, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::PathBuf,
    process::{Child, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

use crate::{
    case::Case,
    finding::FindingKind,
    result::{CORE_VARIABLE, Line, Order, RunFailure, RunResult, SOCKET_VARIABLE, TEST_VARIABLE},
};

/// How often to look whether a process has come up, and the time between. Looks are counted, not time: the machine may have slept.
const LOOKS_MAX: u32 = 60_000;
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// A process that runs seeds.
#[derive(Debug)]
pub(super) struct Job {
    child: Child,
    orders: UnixStream,
    answers: BufReader<UnixStream>,
    /// The seeds that were ordered and have no result yet.
    ordered: VecDeque<u64>,
}

impl Job {
    /// Starts one, for this one test. It stays on this core.
    ///
    /// # Errors
    /// Why it did not come up.
    pub(super) fn start(case: &Case, core: usize) -> io::Result<Self> {
        let path = socket_path();
        let listener = UnixListener::bind(&path)?;
        let mut command = (case.program)()?;
        command
            .args(&case.arguments)
            .env(SOCKET_VARIABLE, &path)
            .env(TEST_VARIABLE, &case.name)
            .env(CORE_VARIABLE, format!("{core:04}"));
        // The test's own process writes the output; what the simulations print goes elsewhere.
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit()).spawn();
        let connected = child.and_then(|mut child| Ok((accept(&listener, &mut child)?, child)));
        let _ = std::fs::remove_file(&path);
        let (orders, child) = connected?;
        let answers = BufReader::new(orders.try_clone()?);
        Ok(Self { child, orders, answers, ordered: VecDeque::new() })
    }

    /// Runs one seed; nothing may be queued.
    ///
    /// # Errors
    /// The process is gone.
    pub(super) fn run(&mut self, order: &Order) -> io::Result<RunResult> {
        self.order(order)?;
        self.result()
    }

    /// Orders a seed. It runs when those before it are done.
    ///
    /// # Errors
    /// The process is gone.
    pub(super) fn order(&mut self, order: &Order) -> io::Result<()> {
        self.orders.write_all(&order.to_bytes()?)?;
        self.ordered.push_back(order.seed);
        Ok(())
    }

    /// Waits for the result of the oldest order that has none yet.
    ///
    /// # Errors
    /// The process is gone.
    pub(super) fn result(&mut self) -> io::Result<RunResult> {
        let mut result = None;
        loop {
            let mut line = String::new();
            if self.answers.read_line(&mut line)? == 0 {
                return Err(io::Error::new(ErrorKind::UnexpectedEof, "the process that runs simulations is gone"));
            }
            match serde_json::from_str(&line)? {
                Line::Result(it) => result = Some(*it),
                Line::Ended(how) => {
                    let seed = self.ordered.pop_front().unwrap_or_default();
                    return Ok(result.unwrap_or_else(|| died(seed, how.as_deref().unwrap_or("it said nothing"))));
                }
            }
        }
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        // It ends by itself once no more orders can come, but perhaps not at once.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The result of a run whose process died.
fn died(seed: u64, how: &str) -> RunResult {
    let failure = RunFailure {
        kind: FindingKind::Setup,
        title: "the process of the simulation died".to_owned(),
        detail: how.to_owned(),
        process: "test".to_owned(),
        at_ns: 0,
        likeness: 0,
        bare_likeness: None,
    };
    RunResult { failures: vec![failure], ..RunResult::empty(seed) }
}

fn socket_path() -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    // All names are equally long, because the size of a program's environment shifts its memory.
    env::temp_dir().join(format!("foretime-{:010}-{number:06}.socket", std::process::id()))
}

/// Waits for the new process to connect.
fn accept(listener: &UnixListener, child: &mut Child) -> io::Result<UnixStream> {
    listener.set_nonblocking(true)?;
    for _ in 0..LOOKS_MAX {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false)?;
                return Ok(stream);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                if let Some(status) = child.try_wait()? {
                    let text = format!(
                        "the process that should run simulations ended ({status}) before it came to the test: started again, \
                         the program must come to the same one, of the same name"
                    );
                    return Err(io::Error::other(text));
                }
                thread::sleep(LOOK_EVERY);
            }
            Err(error) => return Err(error),
        }
    }
    let _ = child.kill();
    Err(io::Error::new(ErrorKind::TimedOut, "the process that should run simulations does not come up"))
}
