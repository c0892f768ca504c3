//! TCP's verbs that need routes, addresses or ports.

use super::routing::NoWay;
use super::state::Stack;
use crate::error::{BindError, ConnectError};
use basis::Instant;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use tcp::{ConnectionId, FourTuple, ListenerId, SocketOptions};

impl Stack {
    /// Begins a connection to `remote`. The local address is `local`, or one that reaches the remote one; the port is chosen
    /// (RFC 6056) if `local` is `None` or has port 0. Connecting to the unspecified address reaches this host itself.
    ///
    /// # Errors
    /// When there is no route, no usable address or port, or no room.
    pub fn tcp_connect(
        &mut self,
        now: Instant,
        local: Option<SocketAddr>,
        remote: SocketAddr,
        options: SocketOptions,
    ) -> Result<ConnectionId, ConnectError> {
        let remote = reachable(remote);
        if remote.port() == 0 || remote.ip().is_multicast() || self.is_broadcast(remote.ip()) {
            return Err(ConnectError::InvalidDestination);
        }
        let way = self.way_to(remote.ip(), local.map(|local| local.ip())).map_err(|reason| match reason {
            NoWay::Route => ConnectError::NoRoute,
            NoWay::Source => ConnectError::AddressNotAvailable,
        })?;
        let tuple_from = |local_port| FourTuple {
            local: way.source,
            remote: remote.ip(),
            local_port,
            remote_port: remote.port(),
        };
        let port = match local.map_or(0, |local| local.port()) {
            0 => {
                let tcp = &self.tcp;
                let is_free = |port| {
                    tcp.is_free(&tuple_from(port))
                        && !tcp.is_listening(None, port)
                        && !tcp.is_listening(Some(way.source), port)
                };
                self.ports.for_connection(way.source, remote, is_free).ok_or(ConnectError::NoFreePort)?
            }
            port => port,
        };
        let path = self.path(now, way.interface, remote.ip());
        self.tcp.connect(now, path, tuple_from(port), options).map_err(|error| match error {
            tcp::ConnectError::AddressInUse => ConnectError::AddressInUse,
            tcp::ConnectError::TooManyConnections => ConnectError::TooManyConnections,
        })
    }

    /// Listens on `local`: on every address if that is unspecified, on a chosen port if that is 0. At most `backlog`
    /// handshakes are under way, and at most as many connections wait to be accepted. Returns where it listens, too.
    ///
    /// # Errors
    /// When the address is not this host's, is taken, or there is no room.
    pub fn tcp_listen(
        &mut self,
        local: SocketAddr,
        backlog: u32,
        options: SocketOptions,
    ) -> Result<(ListenerId, SocketAddr), BindError> {
        let address = if local.ip().is_unspecified() { None } else { Some(local.ip()) };
        if local.is_ipv6() || address.is_some_and(|address| !self.is_own(address)) {
            return Err(BindError::AddressNotAvailable);
        }
        let port = match local.port() {
            0 => {
                let tcp = &self.tcp;
                let is_free = |port| !tcp.is_listening(address, port) && !tcp.is_listening(None, port);
                self.ports.random(&mut self.random, is_free).ok_or(BindError::NoFreePort)?
            }
            port => port,
        };
        if self.is_listening_beside(address, port) {
            return Err(BindError::AddressInUse);
        }
        let listener = self.tcp.listen(address, port, backlog, options).map_err(|error| match error {
            tcp::ListenError::AddressInUse => BindError::AddressInUse,
            tcp::ListenError::TooManyListeners => BindError::TooManySockets,
        })?;
        Ok((listener, SocketAddr::new(local.ip(), port)))
    }

    /// Whether a listener on every address stands beside one on just this address, or the other way round: a port is one
    /// owner's, as a call to it would find.
    fn is_listening_beside(&self, address: Option<IpAddr>, port: u16) -> bool {
        match address {
            Some(_) => self.tcp.is_listening(None, port),
            None => self.addresses().any(|own| self.tcp.is_listening(Some(own.address.addr()), port)),
        }
    }
}

/// Where a connection to `remote` goes: the unspecified address means this host, as with other hosts' sockets.
fn reachable(remote: SocketAddr) -> SocketAddr {
    match remote.ip() {
        IpAddr::V4(address) if address.is_unspecified() => {
            SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), remote.port())
        }
        _ => remote,
    }
}
