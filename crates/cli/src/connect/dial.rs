//! Makes the call that `connect` holds.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use netstrata::LinkSpec;

use super::socket::Socket;
use crate::arguments::ConnectArguments;
use crate::failure::Failure;
use crate::invocation::program;
use crate::naming::lookup::{SERVER_PORT, Search};
use crate::network;
use crate::values::publication::DEFAULT_ADDRESS;
use crate::values::target::Target;

/// The services' port unless told otherwise.
const PORT: u16 = 9528;

/// How long a call may take to be taken, when nothing else says how long.
const PATIENCE: Duration = Duration::from_secs(30);

/// A call that was taken.
pub(crate) struct Call {
    /// Its socket.
    pub(crate) socket: Arc<dyn Socket>,
    /// Our address.
    pub(crate) local: SocketAddr,
    /// The peer's address.
    pub(crate) remote: SocketAddr,
    /// The host that the socket belongs to, if it is one of ours.
    host: Option<network::Joined>,
}

/// Calls whom `arguments` name.
pub(crate) fn dial(arguments: &ConnectArguments) -> Result<Call, Failure> {
    network::check(&arguments.network)?;
    let patience = arguments.wait.unwrap_or(PATIENCE);
    if arguments.network.link == LinkSpec::Host {
        if arguments.dns.is_some() {
            let cause = "--dns is asked over a stack of our own, and --link host is the operating system's";
            return Err(Failure::usage(cause, "leave --dns away, or choose another --link"));
        }
        dial_system(arguments.target.as_ref(), patience)
    } else {
        dial_ours(arguments, patience)
    }
}

/// A call over the operating system's sockets, to each of the host's addresses until one takes it.
fn dial_system(target: Option<&Target>, patience: Duration) -> Result<Call, Failure> {
    let addresses: Vec<SocketAddr> = match target {
        None => vec![(DEFAULT_ADDRESS, PORT).into()],
        Some(target) => {
            let port = target.port.unwrap_or(PORT);
            let found = (target.host.as_str(), port).to_socket_addrs();
            found.map(Iterator::collect).map_err(|_| {
                Failure::new(
                    format!("nothing is known of a host named {:?}", target.host),
                    "check its spelling, or give its address",
                )
            })?
        }
    };
    let deadline = Instant::now().checked_add(patience);
    let mut last = None;
    for remote in addresses {
        let left = deadline.map_or(patience, |deadline| deadline.saturating_duration_since(Instant::now()));
        // A time-out of zero is refused by the system as meaningless.
        match connect_system(remote, left.max(Duration::from_millis(1))) {
            Ok((stream, local)) => return Ok(Call { socket: Arc::new(stream), local, remote, host: None }),
            Err(error) => last = Some(refused(remote, &error, true)),
        }
    }
    Err(last
        .unwrap_or_else(|| Failure::new("the host has no address", "give an address instead of its name")))
}

fn connect_system(remote: SocketAddr, patience: Duration) -> io::Result<(TcpStream, SocketAddr)> {
    let stream = TcpStream::connect_timeout(&remote, patience)?;
    stream.set_nodelay(true)?;
    let local = stream.local_addr()?;
    Ok((stream, local))
}

/// A call over our own stack, from an address of our own.
fn dial_ours(arguments: &ConnectArguments, patience: Duration) -> Result<Call, Failure> {
    let known = match &arguments.target {
        None => Some(SocketAddr::new(services_for(arguments), PORT)),
        Some(target) => match crate::values::address::ip(&target.host) {
            Ok(address) => Some(SocketAddr::new(address, target.port.unwrap_or(PORT))),
            Err(reserved) if target.host.parse::<IpAddr>().is_ok() => {
                return Err(Failure::usage(reserved, ""));
            }
            Err(_) if target.is_zoned() => {
                let cause =
                    format!("{} names an interface of this system, where our stack has its own", target.host);
                return Err(Failure::usage(cause, "leave the % and what follows away"));
            }
            Err(_) => None,
        },
    };
    let like = known.map_or_else(|| services_for(arguments), |known| known.ip());
    let host = network::join_as_client(&arguments.network, like)?;
    let remote = match (known, &arguments.target) {
        (None, Some(target)) => match look_up(arguments, target, &host, like.is_ipv6()) {
            Ok(found) => found,
            Err(failure) => {
                host.shutdown(Duration::ZERO);
                return Err(failure);
            }
        },
        (known, _) => known.unwrap_or(SocketAddr::new(like, PORT)),
    };
    let call = connect_ours(&host, remote, patience);
    match call {
        Ok((stream, local)) => Ok(Call { socket: Arc::new(stream), local, remote, host: Some(host) }),
        Err(error) => {
            // What is recorded of the attempt is worth having; nothing else is left to do.
            host.shutdown(Duration::ZERO);
            Err(refused(remote, &error, false))
        }
    }
}

/// Where a name is: the LAN is asked, or a name server.
fn look_up(
    arguments: &ConnectArguments,
    target: &Target,
    host: &network::Joined,
    by_v6: bool,
) -> Result<SocketAddr, Failure> {
    let server = arguments.dns.or(arguments.network.gateway).or_else(|| host.name_server());
    let server = server.map(|server| SocketAddr::new(server, SERVER_PORT));
    Search { host, by_v6, server, port: PORT }.run(&target.host, target.port)
}

/// Where the services are for a caller at the address that was given: it has that one family alone.
fn services_for(arguments: &ConnectArguments) -> IpAddr {
    let [v4, v6] = network::SERVICES;
    let own = arguments.network.own();
    if own.is_some_and(|own| own.address.is_ipv6()) { v6.address } else { v4.address }
}

fn connect_ours(
    host: &netstrata::Host,
    remote: SocketAddr,
    patience: Duration,
) -> io::Result<(netstrata::TcpStream, SocketAddr)> {
    let stream =
        netstrata::TcpStream::connect_timeout(host, &remote, patience.max(Duration::from_millis(1)))?;
    stream.set_nodelay(true)?;
    let local = stream.local_addr()?;
    Ok((stream, local))
}

impl Call {
    /// Ends our side, with a reset if bytes were left `unread`, and lets what was sent be delivered, for up to `patience`.
    /// True if it was, as far as can be known.
    pub(crate) fn finish(self, unread: bool, patience: Duration) -> bool {
        let Call { socket, host, .. } = self;
        socket.leave(unread);
        // The operating system goes on delivering after our end.
        host.is_none_or(|host| host.shutdown(patience))
    }

    /// What it means that the connection failed.
    pub(crate) fn broken(&self, error: &io::Error) -> Failure {
        let remote = self.remote;
        match error.kind() {
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted => {
                Failure::new(
                    format!("the call was reset by {remote}"),
                    "what it had not read is lost; call again, or see the server's log",
                )
            }
            ErrorKind::TimedOut => Failure::new(
                format!("{remote} no longer answers"),
                "see whether it and the network are still there, and call again",
            ),
            ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => Failure::new(
                format!("{remote} can no longer be reached"),
                "see whether it and the network are still there, and call again",
            ),
            ErrorKind::NetworkDown => Failure::new(
                format!("the call to {remote} has ended: {error}"),
                "make the interface again, and call again",
            ),
            _ => Failure::new(format!("the call to {remote} failed: {error}"), "call again"),
        }
    }
}

/// What it means that a call was not taken.
fn refused(remote: SocketAddr, error: &io::Error, system: bool) -> Failure {
    let serve = format!("{} serve{}", program(), if system { " --link host" } else { "" });
    match error.kind() {
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => Failure::new(
            format!("{remote} refused the call: nothing listens on that port"),
            format!("start a service with `{serve}`, or check the port"),
        ),
        ErrorKind::TimedOut | ErrorKind::WouldBlock => Failure::new(
            format!("{remote} did not answer in time"),
            "check the address, or allow more time with --wait SECONDS",
        ),
        ErrorKind::HostUnreachable => Failure::new(
            format!("{} is not reachable: no station on the network has that address", remote.ip()),
            format!("start `{serve}` on the same network, or check the address"),
        ),
        ErrorKind::NetworkUnreachable => Failure::new(
            format!("no route leads to {}", remote.ip()),
            "check the address, or name a router with --gateway ADDRESS",
        ),
        _ => Failure::new(format!("cannot call {remote}: {error}"), "check the address"),
    }
}
