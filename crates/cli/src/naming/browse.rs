//! Finds names and services on a LAN.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use names::{Browser, GROUP_V4, GROUP_V6, PORT, mdns};
use netstrata::basis::Instant;
use netstrata::{Host, UdpSocket};

/// One who hears what is told on the LAN, by one family.
pub(crate) struct Ear {
    host: Host,
    socket: UdpSocket,
    group: SocketAddr,
}

impl Ear {
    pub(crate) fn open(host: &Host, by_v6: bool) -> io::Result<Ear> {
        let (socket, group) = if by_v6 {
            let socket = UdpSocket::bind_v6_only(host, ("::", PORT))?;
            socket.join_multicast_v6(&GROUP_V6, 0)?;
            (socket, SocketAddr::new(GROUP_V6.into(), PORT))
        } else {
            let socket = UdpSocket::bind(host, (Ipv4Addr::UNSPECIFIED, PORT))?;
            socket.join_multicast_v4(&GROUP_V4, &Ipv4Addr::UNSPECIFIED)?;
            socket.set_multicast_ttl_v4(255)?;
            (socket, SocketAddr::new(GROUP_V4.into(), PORT))
        };
        Ok(Ear { host: host.clone(), socket, group })
    }

    /// A browser with nothing to ask.
    pub(crate) fn browser(&self) -> io::Result<Browser> {
        Ok(Browser::new(self.host.now(), super::chance::random()?))
    }

    /// Asks and hears until `done` has seen enough, or the patience is at its end.
    pub(crate) fn hear(
        &self,
        browser: &mut Browser,
        patience: Duration,
        mut done: impl FnMut(&Browser, Instant) -> bool,
    ) -> io::Result<()> {
        let end = self.host.now() + patience;
        let mut room = vec![0; mdns::LONGEST];
        loop {
            let now = self.host.now();
            while let Some(next) = browser.poll_transmit(now) {
                self.socket.send_to(&next.bytes, self.group)?;
            }
            if now >= end || done(browser, now) {
                return Ok(());
            }
            let next = browser.poll_timeout().map_or(end, |due| due.min(end));
            // A time-out of zero would be refused.
            let wait = next.saturating_since(now).max(Duration::from_millis(1));
            self.socket.set_read_timeout(Some(wait))?;
            match self.socket.recv_from(&mut room) {
                Ok((length, from)) => {
                    browser.on_message(self.host.now(), from, room.get(..length).unwrap_or_default());
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) => return Err(error),
            }
        }
    }
}
