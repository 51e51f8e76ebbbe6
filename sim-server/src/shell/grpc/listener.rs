//! Opens the socket. A port that an SDK has just picked as free is often in TIME_WAIT, so the address is taken with
//! SO_REUSEADDR. A port on which another process listens is still an error.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

/// Connections that the kernel keeps while they wait to be accepted.
const BACKLOG: i32 = 1024;

/// Listens on `address`; port 0 lets the system choose one.
///
/// # Errors
/// When the address is taken, not this machine's, or not allowed.
///
/// # Panics
/// Outside of a tokio runtime with its io driver enabled.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::from_std(open(address)?.into())
}

/// Listens on every address of this machine, IPv6 and IPv4, as the Java test server does; only on IPv4 where the machine has
/// no IPv6.
///
/// # Errors
/// When the port is taken or not allowed.
///
/// # Panics
/// Outside of a tokio runtime with its io driver enabled.
pub fn listen_on_every_address(port: u16) -> io::Result<TcpListener> {
    let socket = match open(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port))) {
        Err(error) if error.kind() != io::ErrorKind::AddrInUse && error.kind() != io::ErrorKind::PermissionDenied => {
            open(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)))
        }
        opened => opened,
    };
    TcpListener::from_std(socket?.into())
}

fn open(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    // On Windows the option means something else: two servers could share the port.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_that_is_listened_on_is_taken() {
        let loopback = listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("a free port");
        let address = loopback.local_addr().expect("its address");
        assert_eq!(listen(address).expect_err("taken").kind(), io::ErrorKind::AddrInUse);
        #[cfg(target_os = "linux")]
        assert_eq!(listen_on_every_address(address.port()).expect_err("taken").kind(), io::ErrorKind::AddrInUse);
    }

    #[tokio::test]
    async fn a_port_in_time_wait_is_free() {
        let first = listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("a free port");
        let address = first.local_addr().expect("its address");
        let client = tokio::net::TcpStream::connect(address).await.expect("a connection");
        let (accepted, _) = first.accept().await.expect("the connection");
        // The side that closes first is the one that goes into TIME_WAIT.
        drop(accepted);
        drop(client);
        drop(first);
        listen(address).expect("the port again");
    }
}
