//! The processes that run seeds. One takes the runner's orders, and starts another for each: a process a seed, so that nothing of one
//! run is left for the next.

use std::{
    env,
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{self, Command, Stdio},
};

use foretime_campaign::{
    case::Case,
    result::{Line, Order, SOCKET_VARIABLE, TEST_VARIABLE},
};

use crate::run::{self, MakeService};

/// The variable that names the file for the result, in the process that runs one seed.
const RESULT_VARIABLE: &str = "NETWORK_RESULT";

/// Takes orders, or runs the one that comes over the standard input, if this process was started for that. Then it ends.
pub fn serve_if_any(case: &Case, service: MakeService) {
    if env::var(TEST_VARIABLE).ok().as_ref() != Some(&case.name) {
        return;
    }
    let outcome = match env::var_os(RESULT_VARIABLE) {
        Some(file) => run_one(case, service, PathBuf::from(file)),
        None => take_orders(case),
    };
    if let Err(error) = &outcome {
        eprintln!("foretime: a process for simulations gives up: {error}");
    }
    process::exit(i32::from(outcome.is_err()));
}

fn take_orders(case: &Case) -> io::Result<()> {
    let mut stream = UnixStream::connect(env::var_os(SOCKET_VARIABLE).unwrap_or_default())?;
    loop {
        let order = match Order::read(&mut stream) {
            Ok(order) => order,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        };
        let (result, ended) = have_run(case, &order)?;
        stream.write_all(&result)?;
        let mut line = serde_json::to_vec(&Line::Ended(ended))?;
        line.push(b'\n');
        stream.write_all(&line)?;
    }
}

/// Has a process of its own run a seed: the line with its result, and how it ended, if not in good order.
fn have_run(case: &Case, order: &Order) -> io::Result<(Vec<u8>, Option<String>)> {
    let file = env::temp_dir().join(format!("foretime-network-{:010}.result", process::id()));
    let output = match &order.output {
        Some(output) => Stdio::from(File::create(output)?),
        None => Stdio::null(),
    };
    let mut command = Command::new(env::current_exe()?);
    command.args(&case.arguments).env(RESULT_VARIABLE, &file).env_remove(SOCKET_VARIABLE);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(output).spawn()?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(&serde_json::to_vec(order)?)?;
    }
    let status = child.wait()?;
    let result = fs::read(&file).unwrap_or_default();
    let _ = fs::remove_file(&file);
    Ok((result, (!status.success()).then(|| format!("it ended with {status}"))))
}

fn run_one(case: &Case, service: MakeService, file: PathBuf) -> io::Result<()> {
    let mut text = Vec::new();
    io::stdin().read_to_end(&mut text)?;
    let order: Order = serde_json::from_slice(&text)?;
    let result = run::run(case, &order, service);
    let mut line = serde_json::to_vec(&Line::Result(Box::new(result)))?;
    line.push(b'\n');
    fs::write(file, line)
}
