//! Guests' ports, reachable on the operating system's side.

use std::net::SocketAddr;
use std::sync::Arc;

use netstrata::{Host, SocketOptions};
use services::{Calls, Stop, Summary};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::arguments::GatewayArguments;
use crate::failure::Failure;
use crate::serve::publish::Publisher;
use crate::serve::system::{self, Listening};
use crate::values::exposure::Exposure;
use crate::values::keepalive::Keepalive;
use crate::values::publication::Publication;

/// The most calls that wait to be taken, of each published port.
const BACKLOG: u32 = 128;

/// Opens the published ports, before anything else is begun: whether they are free is known at once.
pub(crate) fn open(arguments: &GatewayArguments) -> Result<Vec<(TcpListener, Exposure)>, Failure> {
    let opened = arguments.exposures.iter().map(|exposure| {
        let publication =
            Publication { outside: exposure.outside, inside: exposure.inside.port(), explicit: true };
        let listening = Listening { backlog: BACKLOG, keepalive: Keepalive::default() };
        let remedy = |port| {
            format!("take another port with --publish {}:{port}={}", exposure.outside.ip(), exposure.inside)
        };
        let listener = system::open_or_fall_back(&publication, listening, remedy)?;
        let outside = system::local(&listener)?;
        Ok((listener, Exposure { outside, inside: exposure.inside }))
    });
    opened.collect()
}

/// Carries their calls.
pub(crate) fn carry(
    opened: Vec<(TcpListener, Exposure)>,
    host: &Host,
    calls: &Arc<Calls>,
    stop: &Stop,
) -> JoinSet<Summary> {
    let mut running = JoinSet::new();
    for (listener, Exposure { inside, .. }) in opened {
        let to: SocketAddr = inside;
        let options = SocketOptions { no_delay: true, ..SocketOptions::default() };
        let publisher = Publisher { host: host.clone(), to, options };
        running.spawn(services::serve(listener, Arc::new(publisher), Arc::clone(calls), stop.clone()));
    }
    running
}
