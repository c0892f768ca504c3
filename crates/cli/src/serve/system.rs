//! Listening sockets of the operating system: published ports, and services with `--link host`.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpSocket};

use services::SystemSockets;

use super::site::{Site, unequipped};
use super::{activation, holder};
use crate::arguments::ServeArguments;
use crate::failure::{self, Failure, tell};
use crate::status::report::Reach;
use crate::values::keepalive::{Keepalive, Times};
use crate::values::publication::{DEFAULT_ADDRESS, Publication};
use crate::values::service::Placed;

/// What all listeners of a server have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listening {
    /// The most calls that wait to be taken.
    pub(crate) backlog: u32,
    /// When silent callers are probed.
    pub(crate) keepalive: Keepalive,
}

impl From<&ServeArguments> for Listening {
    fn from(arguments: &ServeArguments) -> Listening {
        Listening { backlog: arguments.backlog, keepalive: arguments.keepalive }
    }
}

/// Starts every service on the operating system's sockets.
pub(crate) fn start(arguments: &ServeArguments, site: &mut Site) -> Result<(), Failure> {
    if !arguments.publications.is_empty() {
        let cause = "--publish needs hosts of our own: with --link host every service is reached directly";
        return Err(Failure::usage(cause, "leave --publish away, or choose another --link"));
    }
    for (placed, wanted) in wanted(arguments) {
        let name = placed.service.card().name;
        let remedy = |port| format!("take another port with --service {name}@{}", other_port(port));
        let listener = open_or_fall_back(&wanted, arguments.into(), remedy)?;
        site.reach.push(Reach {
            service: name.to_owned(),
            about: placed.service.card().about.to_owned(),
            address: local(&listener)?.to_string(),
            published: Vec::new(),
        });
        let service = placed.service.ready(&site.equipment, SystemSockets).map_err(unequipped)?;
        site.serve(listener, service);
    }
    Ok(())
}

/// The services, and where each is to listen.
pub(super) fn wanted(arguments: &ServeArguments) -> impl Iterator<Item = (&Placed, Publication)> {
    let address = arguments.network.own().map_or(DEFAULT_ADDRESS.into(), |address| address.address);
    arguments.services.iter().map(move |placed| {
        let mut wanted = Publication::of_port(placed.port);
        wanted.outside.set_ip(address);
        wanted.explicit = arguments.network.own().is_some();
        (placed, wanted)
    })
}

/// Where a listener listens.
pub(crate) fn local(listener: &TcpListener) -> Result<SocketAddr, Failure> {
    listener.local_addr().map_err(|error| Failure::new(format!("a listener without an address: {error}"), ""))
}

/// Opens a published port.
pub(crate) fn publish(publication: &Publication, listening: Listening) -> Result<TcpListener, Failure> {
    let Publication { outside, inside, .. } = *publication;
    let remedy = |port| {
        format!("publish on another port with --publish {}:{}={inside}", outside.ip(), other_port(port))
    };
    open_or_fall_back(publication, listening, remedy)
}

/// Opens a published port for the data connections of `ftp`.
pub(crate) fn publish_data(ip: IpAddr, port: u16, listening: Listening) -> Result<TcpListener, Failure> {
    let at = SocketAddr::new(ip, port);
    let publication = Publication { outside: at, inside: port, explicit: false };
    open_or_fall_back(&publication, listening, |_| {
        "let ftp use other ports for data with --data-ports FIRST-LAST".to_owned()
    })
}

/// An address that was not asked for and that this system lacks is replaced by 127.0.0.1.
pub(crate) fn open_or_fall_back(
    publication: &Publication,
    listening: Listening,
    remedy: impl Fn(u16) -> String,
) -> Result<TcpListener, Failure> {
    let wanted = publication.outside;
    match open(wanted, listening) {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == ErrorKind::AddrNotAvailable && !publication.explicit => {
            // Only Linux has the whole of 127.0.0.0/8 on its loopback interface.
            let fallback = SocketAddr::from((Ipv4Addr::LOCALHOST, wanted.port()));
            let listener = open(fallback, listening).map_err(|error| refused(fallback, &error, remedy))?;
            tell(format_args!(
                "netstrata: this system has no address {}; {fallback} is used instead",
                wanted.ip()
            ));
            Ok(listener)
        }
        Err(error) => Err(refused(wanted, &error, remedy)),
    }
}

/// Must be called inside a tokio runtime.
fn open(address: SocketAddr, listening: Listening) -> io::Result<TcpListener> {
    let listener = match activation::listener(address) {
        Some(handed) => {
            handed.set_nonblocking(true)?;
            TcpListener::from_std(handed)?
        }
        None => bind(address, listening.backlog)?,
    };
    if let Keepalive::On(Times { idle, interval, probes }) = listening.keepalive {
        // Accepted sockets inherit it.
        let times = TcpKeepalive::new().with_time(idle).with_interval(interval).with_retries(probes.into());
        SockRef::from(&listener).set_tcp_keepalive(&times)?;
    }
    Ok(listener)
}

fn bind(address: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restart need not wait for old calls in TIME-WAIT; two listeners are still refused.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(backlog)
}

/// A port to suggest in place of a taken one: the page advises 8000 and up.
pub(crate) fn other_port(port: u16) -> u16 {
    if (8000..u16::MAX).contains(&port) { port + 1 } else { 8001 }
}

pub(crate) fn refused(address: SocketAddr, error: &io::Error, remedy: impl Fn(u16) -> String) -> Failure {
    let remedy = remedy(address.port());
    match error.kind() {
        ErrorKind::AddrInUse => match holder::of(address) {
            Some(holder) if holder.pid == std::process::id() => {
                Failure::usage(format!("{address} and another address of this server overlap"), remedy)
            }
            Some(holder) => Failure::new(
                format!("{address} is already in use by {holder}"),
                format!("end it with `kill {}`, or {remedy}", holder.pid),
            ),
            None => Failure::new(
                format!("{address} is already in use by a program that this user may not see"),
                format!("see it with `{}`, or {remedy}", holder::command(address.port())),
            ),
        },
        ErrorKind::AddrNotAvailable => {
            Failure::usage(format!("this system has no address {}", address.ip()), "use 127.0.0.1")
        }
        ErrorKind::PermissionDenied => {
            Failure::new(format!("this user may not listen on {address}: low ports are the system's"), remedy)
        }
        _ => {
            let remedy = failure::of_the_system(error).map_or(remedy, str::to_owned);
            Failure::new(format!("cannot listen on {address}: {error}"), remedy)
        }
    }
}
