//! Guests' ports, reachable on the operating system's side.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use netstrata::{Host, SocketOptions};
use services::gateway::Callers;
use services::{Calls, Stop, Summary};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::outside::Outside;
use super::published::Published;
use super::settings;
use crate::arguments::GatewayArguments;
use crate::failure::Failure;
use crate::serve::publish::Publisher;
use crate::serve::system::{self, Listening};
use crate::values::exposure::{Exposure, Transport};
use crate::values::keepalive::Keepalive;
use crate::values::publication::Publication;

/// The most calls that wait to be taken, of each published port.
const BACKLOG: u32 = 128;

/// The published ports.
pub(crate) struct Opened {
    /// All of them, each with the port that it got.
    pub(crate) exposures: Vec<Exposure>,
    /// Those of TCP, each with whom it leads to.
    pub(crate) listeners: Vec<(TcpListener, SocketAddr)>,
    /// Those of UDP.
    pub(crate) datagrams: Vec<Published>,
}

/// Opens the published ports, before anything else is begun: whether they are free is known at once.
pub(crate) fn open(arguments: &GatewayArguments) -> Result<Opened, Failure> {
    let mut opened = Opened { exposures: Vec::new(), listeners: Vec::new(), datagrams: Vec::new() };
    for exposure in &arguments.exposures {
        let outside = match exposure.transport {
            Transport::Tcp => {
                let listener = listener(exposure)?;
                let outside = system::local(&listener)?;
                opened.listeners.push((listener, exposure.inside));
                outside
            }
            Transport::Udp => {
                let (published, outside) = datagrams(arguments, exposure)?;
                opened.datagrams.push(published);
                outside
            }
        };
        opened.exposures.push(Exposure { outside, ..*exposure });
    }
    Ok(opened)
}

fn listener(exposure: &Exposure) -> Result<TcpListener, Failure> {
    let publication =
        Publication { outside: exposure.outside, inside: exposure.inside.port(), explicit: true };
    let listening = Listening { backlog: BACKLOG, keepalive: Keepalive::default() };
    system::open_or_fall_back(&publication, listening, remedy(exposure))
}

fn datagrams(arguments: &GatewayArguments, exposure: &Exposure) -> Result<(Published, SocketAddr), Failure> {
    let guest = exposure.inside;
    let own = settings::addresses(arguments);
    let gateway = own.iter().map(|own| own.address).find(|own| own.is_ipv4() == guest.is_ipv4());
    let gateway: IpAddr = gateway.ok_or_else(|| {
        let cause = format!("the gateway has no address of the family of {guest}");
        Failure::usage(
            cause,
            "publish a guest's address of the family that --address has, or leave --address away",
        )
    })?;
    let opened = Outside::bound(exposure.outside);
    let opened = opened.and_then(|outside| outside.local().map(|local| (outside, local)));
    let (outside, local) = opened.map_err(|error| not_opened(exposure, &error))?;
    let callers = Callers::new(gateway, settings::networks(arguments), arguments.udp_idle);
    Ok((Published::new(outside, local, guest, callers), local))
}

fn not_opened(exposure: &Exposure, error: &io::Error) -> Failure {
    let (at, remedy) = (exposure.outside, remedy(exposure));
    match error.kind() {
        ErrorKind::AddrInUse => Failure::new(
            format!("UDP at {at} is already in use"),
            format!("see by whom with `ss -lnup`, or {}", remedy(at.port())),
        ),
        _ => system::refused(at, error, remedy),
    }
}

fn remedy(exposure: &Exposure) -> impl Fn(u16) -> String {
    let (address, inside) = (exposure.outside.ip(), exposure.inside_text());
    move |port| {
        let other = SocketAddr::new(address, system::other_port(port));
        format!("take another port with --publish {other}={inside}")
    }
}

/// Carries calls.
pub(crate) fn carry(
    opened: Vec<(TcpListener, SocketAddr)>,
    host: &Host,
    calls: &Arc<Calls>,
    stop: &Stop,
) -> JoinSet<Summary> {
    let mut running = JoinSet::new();
    for (listener, to) in opened {
        let options = SocketOptions { no_delay: true, ..SocketOptions::default() };
        // Guests ask nobody who it is.
        let publisher = Publisher { host: host.clone(), to, options, carried_for: Arc::default() };
        running.spawn(services::serve(listener, Arc::new(publisher), Arc::clone(calls), stop.clone()));
    }
    running
}
