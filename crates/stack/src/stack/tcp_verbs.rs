//! TCP's verbs that need routes, addresses or ports.

use super::routing::NoWay;
use super::state::Stack;
use crate::error::{BindError, ConnectError};
use crate::interface::InterfaceId;
use basis::Instant;
use core::hint::cold_path;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use tcp::{ConnectionId, FastOpenClient, FourTuple, ListenerId, Path, SocketOptions};

impl Stack {
    /// Begins a connection to `remote`. The local address is `local`, or one that reaches the remote one; the port is chosen
    /// (RFC 6056) if `local` is `None` or has port 0. Connecting to the unspecified address reaches this host itself.
    ///
    /// # Errors
    /// When there is no route, no usable address or port, or no room; [`ConnectError::OtherShard`] if the wanted port leads elsewhere.
    pub fn tcp_connect(
        &mut self,
        now: Instant,
        local: Option<SocketAddr>,
        remote: SocketAddr,
        options: SocketOptions,
    ) -> Result<ConnectionId, ConnectError> {
        let (path, tuple) = self.way_to_connect(now, local, remote)?;
        self.tcp.connect(now, path, tuple, options).map_err(refused)
    }

    /// As [`Stack::tcp_connect`]; the SYN carries as much of `data` as fits it, if the peer has given this host a cookie, and else asks
    /// for one (RFC 7413). Returns also how many bytes were taken in. A peer may get such data twice: it is for requests that bear that.
    ///
    /// # Errors
    /// As [`Stack::tcp_connect`].
    pub fn tcp_connect_with_data(
        &mut self,
        now: Instant,
        local: Option<SocketAddr>,
        remote: SocketAddr,
        options: SocketOptions,
        fast_open: FastOpenClient,
        data: &[u8],
    ) -> Result<(ConnectionId, usize), ConnectError> {
        let (path, tuple) = self.way_to_connect(now, local, remote)?;
        self.tcp.connect_with_data(now, path, tuple, options, fast_open, data).map_err(refused)
    }

    /// Whether [`Stack::tcp_connect_with_data`] would send data with the SYN.
    pub fn tcp_can_send_with_syn(
        &self,
        now: Instant,
        local: Option<SocketAddr>,
        remote: SocketAddr,
        fast_open: FastOpenClient,
    ) -> bool {
        let remote = reachable(remote);
        let way = self.way_to_socket(remote, local.map(|local| local.ip().to_canonical()));
        way.is_ok_and(|way| self.tcp.can_send_with_syn(now, way.source, remote.ip(), fast_open))
    }

    fn way_to_connect(
        &mut self,
        now: Instant,
        local: Option<SocketAddr>,
        remote: SocketAddr,
    ) -> Result<(Path, FourTuple), ConnectError> {
        let remote = reachable(remote);
        if remote.port() == 0 {
            cold_path();
            return Err(ConnectError::InvalidDestination);
        }
        let from = local.map(|local| local.ip().to_canonical());
        let (interface, source) = match self.way_again(remote.ip(), from) {
            Some(way) => (way.interface, way.source),
            None => self.look_for_way(remote, from)?,
        };
        let local_port = match local.map_or(0, |local| local.port()) {
            0 => self.choose_port(source, remote)?,
            port => match self.shard_elsewhere(SocketAddr::new(source, port), remote) {
                Some(shard) => return Err(ConnectError::OtherShard(shard)),
                None => port,
            },
        };
        let (remote, remote_port) = (remote.ip(), remote.port());
        let path = self.path(now, interface, remote);
        Ok((path, FourTuple { local: source, remote, local_port, remote_port }))
    }

    /// By which interface and from which address `remote` is reached, from `local` if that is wanted: by routes and addresses.
    #[inline(never)]
    fn look_for_way(
        &mut self,
        remote: SocketAddr,
        local: Option<IpAddr>,
    ) -> Result<(InterfaceId, IpAddr), ConnectError> {
        if remote.ip().is_multicast() || self.is_broadcast(remote.ip()) {
            return Err(ConnectError::InvalidDestination);
        }
        let way = self.way_to_socket(remote, local).map_err(|reason| match reason {
            NoWay::Route => ConnectError::NoRoute,
            NoWay::Source => ConnectError::AddressNotAvailable,
        })?;
        self.remember_way(remote.ip(), local, way);
        Ok((way.interface, way.source))
    }

    /// A free port for a connection from `local` to `remote` (RFC 6056).
    #[inline(never)]
    fn choose_port(&mut self, local: IpAddr, remote: SocketAddr) -> Result<u16, ConnectError> {
        let (tcp, steering, shard) = (&self.tcp, self.steering, self.config.shard.index());
        // The answers have to reach this shard. It sees every port that leads to it, so RFC 6056 holds within each.
        let is_ours = |port| {
            let local = SocketAddr::new(local, port);
            steering.is_none_or(|steering| steering.of_flow(local, remote) == shard)
        };
        let tuple_from = |local_port| {
            let (remote, remote_port) = (remote.ip(), remote.port());
            FourTuple { local, remote, local_port, remote_port }
        };
        let is_free = |port| {
            // Cheap, and mostly no with many shards: it comes first.
            is_ours(port)
                && tcp.is_free(&tuple_from(port))
                && !tcp.is_listening(None, port)
                && !tcp.is_listening(Some(everywhere(local)), port)
                && !tcp.is_listening(Some(local), port)
        };
        self.ports.for_connection(local, remote, is_free).ok_or(ConnectError::NoFreePort)
    }

    /// Listens on `local`: on every address of its family if that is unspecified, on a chosen port if that is 0. On `[::]` calls by
    /// IPv4 are taken too (RFC 3493 5.3); see [`Stack::tcp_listen_v6_only`]. At most `backlog` handshakes are under way, and at most as
    /// many connections wait to be accepted. Returns where it listens, too.
    ///
    /// # Errors
    /// When the address is not this host's, is taken, or there is no room.
    pub fn tcp_listen(
        &mut self,
        local: SocketAddr,
        backlog: u32,
        options: SocketOptions,
    ) -> Result<(ListenerId, SocketAddr), BindError> {
        let both = local.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED);
        self.listen_on(local, both, backlog, options)
    }

    /// As [`Stack::tcp_listen`], but on `[::]` only calls by IPv6 are taken (RFC 3493 5.3: IPV6_V6ONLY).
    ///
    /// # Errors
    /// As [`Stack::tcp_listen`].
    pub fn tcp_listen_v6_only(
        &mut self,
        local: SocketAddr,
        backlog: u32,
        options: SocketOptions,
    ) -> Result<(ListenerId, SocketAddr), BindError> {
        self.listen_on(local, false, backlog, options)
    }

    fn listen_on(
        &mut self,
        local: SocketAddr,
        both: bool,
        backlog: u32,
        options: SocketOptions,
    ) -> Result<(ListenerId, SocketAddr), BindError> {
        let ip = local.ip().to_canonical();
        if !ip.is_unspecified() && !self.is_own(ip) {
            return Err(BindError::AddressNotAvailable);
        }
        let address = if both { None } else { Some(ip) };
        let port = match local.port() {
            0 => {
                let tcp = &self.tcp;
                let is_free = |port| !is_taken(tcp, address, port);
                self.ports.random(&mut self.random, is_free).ok_or(BindError::NoFreePort)?
            }
            port => port,
        };
        if self.is_listening_beside(address, port, options.reuse_port) {
            return Err(BindError::AddressInUse);
        }
        let listener = self.tcp.listen(address, port, backlog, options).map_err(|error| match error {
            tcp::ListenError::AddressInUse => BindError::AddressInUse,
            tcp::ListenError::TooManyListeners => BindError::TooManySockets,
        })?;
        Ok((listener, SocketAddr::new(local.ip(), port)))
    }

    /// Whether a listener on every address stands beside one on just this address, or the other way round: a port is one
    /// owner's, as a call to it would find, or that of those who share it.
    fn is_listening_beside(&self, address: Option<IpAddr>, port: u16, shares: bool) -> bool {
        let forbids = |address: IpAddr| self.tcp.is_listening_alone(Some(address), port, shares);
        let forbids_all = || self.tcp.is_listening_alone(None, port, shares);
        let any = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)];
        let of_hosts = |family: Option<bool>| {
            self.addresses()
                .map(|own| own.address.addr())
                .any(|own| family.is_none_or(|six| own.is_ipv6() == six) && forbids(own))
        };
        match address {
            None => any.into_iter().any(forbids) || of_hosts(None),
            Some(address) if address.is_unspecified() => forbids_all() || of_hosts(Some(address.is_ipv6())),
            Some(address) => forbids_all() || forbids(everywhere(address)),
        }
    }
}

/// Every address of the family of `address`.
fn everywhere(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    }
}

/// Whether a port that nobody asked for is better left alone.
fn is_taken(tcp: &tcp::Host, address: Option<IpAddr>, port: u16) -> bool {
    let any = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)];
    tcp.is_listening(address, port)
        || tcp.is_listening(None, port)
        || any.into_iter().any(|any| tcp.is_listening(Some(any), port))
}

/// Where a connection to `remote` goes: the unspecified address means this host, as with other hosts' sockets; a mapped address
/// is the IPv4 address in it (RFC 4291 2.5.5.2).
pub(crate) fn reachable(remote: SocketAddr) -> SocketAddr {
    let ip = match remote.ip().to_canonical() {
        IpAddr::V4(address) if address.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(address) if address.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        IpAddr::V6(_) => return remote,
        ip => ip,
    };
    SocketAddr::new(ip, remote.port())
}

fn refused(error: tcp::ConnectError) -> ConnectError {
    match error {
        tcp::ConnectError::AddressInUse => ConnectError::AddressInUse,
        tcp::ConnectError::TooManyConnections => ConnectError::TooManyConnections,
    }
}
