//! Turns plain data into a running server, and waits until a signal ends it.

use std::{
    io::{self, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs},
    path::PathBuf,
};

use foretime_history::fixtures::Keeper;
use foretime_server::{
    config::Config,
    rpc::Service,
    shell::{grpc, host::Host, http},
};
use tokio::net::TcpListener;

use crate::{
    failure::{self, Failure},
    logging::Logging,
    values::LogLevel,
};

/// Everything that the server needs to start.
#[derive(Debug)]
pub(crate) struct Launch {
    pub(crate) config: Config,
    pub(crate) listen: Listen,
    /// Where the HTTP API listens, on the same addresses.
    pub(crate) http_port: Option<u16>,
    /// Where histories are kept.
    pub(crate) save_histories: Option<PathBuf>,
    pub(crate) logging: Logging,
    /// Which of the given flags are not supported; empty if all are.
    pub(crate) warning: String,
    /// Whether to write the configuration to stderr.
    pub(crate) print_config: bool,
}

/// Where to listen, as the user gave it.
#[derive(Debug)]
pub(crate) enum Listen {
    /// On all addresses of this machine: `foretime PORT`.
    EveryAddress(u16),
    /// On one address: `--ip` and `--port`.
    Ip(String, u16),
}

/// Starts the server, and serves until SIGINT or SIGTERM.
///
/// # Errors
/// The port cannot be opened, or the configuration is wrong.
pub(crate) fn launch(launch: Launch) -> Result<(), Failure> {
    if !launch.warning.is_empty() && launch.logging.level >= LogLevel::Warn {
        failure::warn(&launch.warning);
    }
    if launch.print_config {
        let _ = writeln!(io::stderr(), "{:#?}", launch.config);
    }
    launch.logging.begin();
    // One thread: the engine is one state under one lock, so a second thread would add wake-ups between processors but no
    // speed. One thread serves more calls a second than the workers of a test can make.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
    let runtime = runtime.map_err(|error| Failure::Runtime(format!("cannot start: {error}")))?;
    runtime.block_on(serve(launch))?;
    // A signal ends the process at once: to free a hundred thousand workflows would take a while.
    std::process::exit(0);
}

async fn serve(launch: Launch) -> Result<(), Failure> {
    let listener = launch.listen.open()?;
    let http_listener = launch.http_port.map(|port| launch.listen.with_port(port).open()).transpose()?;
    let service = Service::boxed(&launch.config).map_err(|status| Failure::Usage(status.message().to_owned()))?;
    let ended = signals().map_err(|error| Failure::Runtime(format!("cannot wait for signals: {error}")))?;
    if let Ok(address) = listener.local_addr() {
        // Not `println!`, which panics if nobody reads.
        let _ = writeln!(io::stdout(), "foretime {} listening on {address}", env!("CARGO_PKG_VERSION"));
    }
    let host = match launch.save_histories {
        Some(folder) => Host::watched(service, Box::new(Keeper::new(folder, None))),
        None => Host::new(service),
    };
    let http = async {
        match http_listener {
            Some(listener) => {
                if let Ok(address) = listener.local_addr() {
                    let _ = writeln!(io::stdout(), "http: listening on {address}");
                }
                http::serve(listener, host.clone()).await
            }
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        never = grpc::serve(listener, host.clone()) => match never {},
        ended = http => ended.map_err(|error| Failure::Runtime(format!("the HTTP API has failed: {error}"))),
        () = ended => {
            host.look_around();
            Ok(())
        }
    }
}

#[cfg(unix)]
pub(crate) fn signals() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    })
}

#[cfg(not(unix))]
pub(crate) fn signals() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}

impl Listen {
    fn with_port(&self, port: u16) -> Self {
        match self {
            Self::EveryAddress(_) => Self::EveryAddress(port),
            Self::Ip(ip, _) => Self::Ip(ip.clone(), port),
        }
    }

    fn open(&self) -> Result<TcpListener, Failure> {
        let opened = match self {
            Self::EveryAddress(port) => grpc::listen_on_every_address(*port),
            Self::Ip(ip, port) => grpc::listen(SocketAddr::new(address(ip)?, *port)),
        };
        opened.map_err(|error| Failure::Runtime(self.explain(&error)))
    }

    fn explain(&self, error: &io::Error) -> String {
        let (place, port, another) = match self {
            Self::EveryAddress(port) => ("every address".to_owned(), port, "choose another PORT"),
            Self::Ip(ip, port) => (ip.clone(), port, "choose another with --port"),
        };
        match error.kind() {
            io::ErrorKind::AddrInUse => {
                format!("port {port} on {place} is taken: another process listens there; stop it, or {another}")
            }
            io::ErrorKind::PermissionDenied => {
                format!("port {port} on {place} is not allowed for this user; {another}, 1024 or higher")
            }
            io::ErrorKind::AddrNotAvailable => {
                format!("{place} is not an address of this machine; choose another with --ip")
            }
            _ => format!("cannot listen on port {port} on {place}: {error}"),
        }
    }
}

/// An address, or the first one of a host name, IPv4 before IPv6 as on the real server.
fn address(ip: &str) -> Result<IpAddr, Failure> {
    if ip == "localhost" {
        return Ok(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    if let Ok(ip) = ip.parse() {
        return Ok(ip);
    }
    let unknown =
        |why: &dyn std::fmt::Display| Failure::Runtime(format!("--ip {ip} is neither an address nor a known host name: {why}"));
    let found: Vec<_> = (ip, 0).to_socket_addrs().map_err(|error| unknown(&error))?.map(|address| address.ip()).collect();
    let first = found.iter().find(|ip| ip.is_ipv4()).or(found.first());
    first.copied().ok_or_else(|| unknown(&"it has no address"))
}
