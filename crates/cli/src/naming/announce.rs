//! Tells the LAN the names of a server and its services, until it stops.

use std::future::pending;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use names::{GROUP_V4, GROUP_V6, Name, Offer, PORT, Responder, To, mdns};
use netstrata::Host;
use netstrata::tokio::UdpSocket;
use services::Stop;

use crate::values::address::HostAddress;

/// Pause after an error of a socket.
const PAUSE: Duration = Duration::from_secs(1);

/// What is told.
pub(crate) struct Told {
    /// The host's name.
    pub(crate) name: String,
    /// Its addresses, each in its network.
    pub(crate) addresses: Vec<HostAddress>,
    /// Its services.
    pub(crate) offers: Vec<Offer>,
}

/// Opens the sockets of a host.
pub(crate) async fn open(host: &Host, addresses: &[HostAddress]) -> io::Result<Sockets> {
    let (mut v4, mut v6) = (None, None);
    if addresses.iter().any(|own| own.address.is_ipv4()) {
        let socket = UdpSocket::bind(host, (Ipv4Addr::UNSPECIFIED, PORT)).await?;
        socket.join_multicast_v4(GROUP_V4, Ipv4Addr::UNSPECIFIED)?;
        socket.set_multicast_ttl_v4(255)?;
        v4 = Some(socket);
    }
    if addresses.iter().any(|own| own.address.is_ipv6()) {
        let socket = UdpSocket::bind_v6_only(host, ("::", PORT))?;
        socket.join_multicast_v6(&GROUP_V6, 0)?;
        v6 = Some(socket);
    }
    Ok(Sockets { host: host.clone(), v4, v6 })
}

/// The sockets by which a host tells.
pub(crate) struct Sockets {
    host: Host,
    v4: Option<UdpSocket>,
    v6: Option<UdpSocket>,
}

/// Tells until `stop` says that no more calls are taken, and then that all is over.
pub(crate) async fn announce(sockets: Sockets, told: Told, mut stop: Stop) {
    let now = sockets.host.now();
    let Ok(random) = super::chance::random() else { return };
    let addresses: Vec<IpAddr> = told.addresses.iter().map(|own| own.address).collect();
    let mut responder = match Responder::new(now, &told.name, &addresses, told.offers, random) {
        Ok(responder) => responder,
        Err(error) => {
            return tracing::warn!(%error, name = told.name, "the server cannot be found by its name");
        }
    };
    let mut known: Vec<Name> = Vec::new();
    let mut rooms = (vec![0; mdns::LONGEST], vec![0; mdns::LONGEST]);
    loop {
        sockets.send(&mut responder).await;
        tell_names(&responder, &mut known);
        let wait = match responder.poll_timeout() {
            Some(due) => due.saturating_since(sockets.host.now()),
            None => Duration::MAX,
        };
        let heard = tokio::select! {
            heard = receive(sockets.v4.as_ref(), &mut rooms.0) => heard.map(|(length, from)| (rooms.0.get(..length), from)),
            heard = receive(sockets.v6.as_ref(), &mut rooms.1) => heard.map(|(length, from)| (rooms.1.get(..length), from)),
            () = tokio::time::sleep(wait) => continue,
            () = stop.draining() => break,
        };
        match heard {
            Ok((_, from)) if !is_near(&told.addresses, from.ip()) => {}
            Ok((bytes, from)) => responder.on_message(sockets.host.now(), from, bytes.unwrap_or_default()),
            // The host may have gone; a socket's error of one datagram is none of ours.
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
    responder.leave(sockets.host.now());
    sockets.send(&mut responder).await;
}

/// Whether somebody is on the LAN: nobody else is heard or answered (RFC 6762 11).
fn is_near(own: &[HostAddress], from: IpAddr) -> bool {
    let is_of_the_link = match from {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    is_of_the_link || own.iter().any(|own| own.contains(from))
}

async fn receive(socket: Option<&UdpSocket>, room: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
    match socket {
        Some(socket) => socket.recv_from(room).await,
        None => pending().await,
    }
}

impl Sockets {
    /// Sends what is due. What cannot be sent is lost, as datagrams may be.
    async fn send(&self, responder: &mut Responder) {
        while let Some(next) = responder.poll_transmit(self.host.now()) {
            let groups = [(&self.v4, IpAddr::from(GROUP_V4)), (&self.v6, IpAddr::from(GROUP_V6))];
            for (socket, group) in groups {
                let to = match next.to {
                    To::Everybody => SocketAddr::new(group, PORT),
                    To::One(to) if to.is_ipv4() == group.is_ipv4() => to,
                    To::One(_) => continue,
                };
                if let Some(socket) = socket
                    && let Err(error) = socket.send_to(&next.bytes, to).await
                {
                    tracing::debug!(%error, %to, "a message about names was not sent");
                }
            }
        }
    }
}

/// Logs the names once they are ours, and again when they change.
fn tell_names(responder: &Responder, known: &mut Vec<Name>) {
    let names: Vec<Name> = responder.host().into_iter().chain(responder.instances()).cloned().collect();
    if !responder.is_settled() || names == *known {
        return;
    }
    let services: Vec<String> = responder.instances().map(Name::to_string).collect();
    let host = responder.host().map(Name::to_string).unwrap_or_default();
    tracing::info!(host, ?services, "found by these names");
    *known = names;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_is_on_the_lan_is_heard() {
        let own = [HostAddress::v4([10, 7, 0, 2]), HostAddress::v6(2)];
        for near in ["10.7.0.1", "10.7.0.255", "169.254.3.4", "fd07::9", "fe80::1"] {
            assert!(is_near(&own, near.parse().unwrap()), "{near}");
        }
        for far in ["10.7.1.1", "192.0.2.1", "127.0.0.1", "fd08::9", "::1", "::ffff:10.7.0.1"] {
            assert!(!is_near(&own, far.parse().unwrap()), "{far}");
        }
    }
}
