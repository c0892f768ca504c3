//! Gives guests their addresses.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::ops::RangeInclusive;
use std::sync::Arc;

use netstrata::tokio::UdpSocket;
use netstrata::wire::ethernet::MacAddress;
use services::gateway::dhcp::{Action, Server, Settings};
use services::gateway::{Cause, Stations};

use super::engine::Engine;
use crate::arguments::GatewayArguments;
use crate::values::address::HostAddress;

/// Where servers listen (RFC 2131 4.1).
const PORT: u16 = 67;
/// Where nothing is listened to (RFC 863).
const DISCARD: u16 = 9;
/// The first address to give, by its place in the network, and the most that are given.
const FIRST: u32 = 100;
const MOST: u32 = 151;

/// The server for a gateway with an address of IPv4 in a network that has room for guests.
pub(crate) fn server(
    arguments: &GatewayArguments,
    own: &[HostAddress],
    stations: &Arc<Stations>,
    mtu: usize,
) -> Option<Server> {
    let own = own.iter().find_map(|own| match own.address {
        IpAddr::V4(address) => Some((address, own.prefix)),
        IpAddr::V6(_) => None,
    });
    let (server, prefix) = own?;
    let settings = Settings {
        server,
        prefix,
        pool: pool(server, prefix)?,
        name_server: (!arguments.no_dns).then_some(server),
        mtu: u16::try_from(mtu).unwrap_or(u16::MAX),
        lease: arguments.lease,
    };
    Some(Server::new(settings, Arc::clone(stations)))
}

/// The addresses from .100 to .250 of a usual network; in a small one all but the gateway's that are on its greater side.
pub(crate) fn pool(server: Ipv4Addr, prefix: u8) -> Option<RangeInclusive<Ipv4Addr>> {
    let host_bits = u32::MAX.checked_shr(prefix.into()).unwrap_or(0);
    let network = u32::from(server) & !host_bits;
    let place = u32::from(server) & host_bits;
    // The last one means all.
    let last = host_bits.checked_sub(1)?;
    let usual = FIRST..=last.min(FIRST + MOST - 1);
    let range = match () {
        () if last >= FIRST && !usual.contains(&place) => usual,
        () if place < last / 2 + 1 => place + 1..=last.min(place + MOST),
        () => 1.max(place.saturating_sub(MOST))..=place.checked_sub(1)?,
    };
    let (start, end) = (*range.start(), *range.end());
    (start <= end).then(|| Ipv4Addr::from(network | start)..=Ipv4Addr::from(network | end))
}

/// Where guests ask, from now on.
pub(crate) async fn open(engine: &Engine) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(&engine.host, (Ipv4Addr::UNSPECIFIED, PORT)).await?;
    socket.set_broadcast(true)?;
    Ok(socket)
}

/// Answers until dropped.
pub(crate) async fn answer(engine: Arc<Engine>, socket: UdpSocket, mut server: Server) {
    let mut bytes = vec![0; 2048];
    loop {
        let (length, guest, to) = match socket.recv_from_to(&mut bytes).await {
            Ok(received) => received,
            Err(error) => {
                tracing::error!(%error, "no more addresses are given to guests");
                return;
            }
        };
        // What is for a server elsewhere is not for this one, though it comes by.
        if to.ip() != IpAddr::V4(Ipv4Addr::BROADCAST) && !engine.own.contains(&to.ip()) {
            continue;
        }
        match server.answer(bytes.get(..length).unwrap_or_default(), std::time::Instant::now()) {
            Ok(Some(Action::Answer(answer))) => {
                // Not to whoever had the address before: its new holder is asked for.
                if let Some((address, station)) = answer.bound {
                    for shard in engine.host.shards() {
                        shard.with(|stack, _| stack.forget_neighbour(address.into(), MacAddress(station)));
                    }
                }
                if let Err(error) = socket.send_to(&answer.bytes, (answer.to, answer.port)).await {
                    tracing::debug!(%error, "an answer to a guest that asked for an address was not sent");
                }
            }
            // Before it is told so, its station must be found, and to be found it must speak.
            Ok(Some(Action::Ask(holder))) => {
                if let Err(error) = socket.send_to(&[], (holder, DISCARD)).await {
                    tracing::debug!(%error, %holder, "nobody was asked for");
                }
            }
            Ok(None) => {}
            Err(Cause::Leases) => {
                engine.counters.count(Cause::Leases, Some(guest.ip()), "an address");
            }
            Err(cause) => {
                engine.counters.count(cause, Some(guest.ip()), "a message for the DHCP server");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pool_has_neither_the_gateway_nor_what_no_guest_can_have() {
        let table = [
            ([10, 7, 0, 1], 24, Some((100, 250))),
            ([10, 7, 0, 254], 24, Some((100, 250))),
            ([10, 7, 0, 150], 24, Some((1, 149))),
            ([10, 7, 0, 1], 30, Some((2, 2))),
            ([10, 7, 0, 2], 30, Some((1, 1))),
            ([10, 7, 0, 1], 29, Some((2, 6))),
            ([10, 7, 0, 1], 31, None),
            ([10, 7, 0, 1], 32, None),
        ];
        for (server, prefix, expected) in table {
            let pool = pool(server.into(), prefix);
            let ends = pool.map(|pool| (pool.start().octets()[3], pool.end().octets()[3]));
            assert_eq!(ends, expected, "{server:?}/{prefix}");
        }
        assert_eq!(pool([10, 0, 0, 1].into(), 8), Some([10, 0, 0, 100].into()..=[10, 0, 0, 250].into()));
    }
}
