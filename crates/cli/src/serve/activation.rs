//! What a service manager hands over and wants to hear: sockets that listen already, and that the server is up (`sd_listen_fds(3)`,
//! `sd_notify(3)`).

use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixDatagram;
use std::sync::{LazyLock, Mutex, PoisonError};

use listenfd::ListenFd;

/// The sockets that came with the start and were not asked for yet.
static HANDED: LazyLock<Mutex<Vec<TcpListener>>> = LazyLock::new(|| {
    let mut handed = ListenFd::from_env();
    let listeners = (0..handed.len()).filter_map(|index| handed.take_tcp_listener(index).ok().flatten());
    Mutex::new(listeners.collect())
});

/// The socket that listens at `address` already, if one was handed over.
pub(crate) fn listener(address: SocketAddr) -> Option<TcpListener> {
    let mut handed = HANDED.lock().unwrap_or_else(PoisonError::into_inner);
    let place =
        handed.iter().position(|listener| listener.local_addr().is_ok_and(|local| local == address))?;
    Some(handed.swap_remove(place))
}

/// Where sockets listen that nobody has asked for.
pub(crate) fn left_over() -> Vec<SocketAddr> {
    let handed = HANDED.lock().unwrap_or_else(PoisonError::into_inner);
    handed.iter().filter_map(|listener| listener.local_addr().ok()).collect()
}

/// Tells the service manager, if there is one, such as `READY=1` or `STOPPING=1`.
pub(crate) fn notify(state: &str) {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return };
    if let Err(error) = send(&path, state) {
        tracing::warn!(%error, ?path, state, "the service manager was not told");
    }
}

fn send(path: &std::ffi::OsStr, state: &str) -> std::io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    #[cfg(target_os = "linux")]
    {
        use std::os::linux::net::SocketAddrExt;
        use std::os::unix::ffi::OsStrExt;
        if let Some(name) = path.as_bytes().strip_prefix(b"@") {
            let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
            return socket.send_to_addr(state.as_bytes(), &address).map(drop);
        }
    }
    socket.send_to(state.as_bytes(), path).map(drop)
}
