//! The mapping of a guest's UDP endpoint: one port outside for all to whom it sends (RFC 4787 4.1), and who may send to it there (5).

use super::ranks::Rank;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

/// Hosts outside that one mapping lets in at once.
const MOST_PEERS: usize = 256;
/// The port of name servers, of which a new port of the guest's asks for nearly every name.
const NAMES: u16 = 53;
/// How long one that has sent to name servers alone is kept (RFC 4787 4.3, REQ-5 a): they answer within seconds, and who resolves by itself
/// would else soon have as many flows as it may.
const NAMES_IDLE: Duration = Duration::from_secs(15);

/// Whom a guest's endpoint has sent to, and when it was last heard of: what comes from outside keeps nothing open (RFC 4787 4.3, REQ-6).
///
/// Times are the caller's. A mapping that nobody outside has answered ends after its `idle` time; one that somebody has lives two and a
/// half times as long, which by the usual two minutes is what REQ-5 c recommends. One for name servers alone lives for 15 s.
#[derive(Debug)]
pub struct Mapping {
    idle: Duration,
    heard: Instant,
    answered: bool,
    /// Whether all that was sent was for name servers.
    names: bool,
    /// When the guest last sent to each.
    peers: BTreeMap<IpAddr, Instant>,
}

impl Mapping {
    /// One that the guest has just made.
    pub fn new(idle: Duration, now: Instant) -> Mapping {
        Mapping { idle, heard: now, answered: false, names: true, peers: BTreeMap::new() }
    }

    /// The guest sends to `to`. Whether it has sent to that host not long ago; else it must be [admitted](Mapping::admit).
    pub fn sends(&mut self, to: SocketAddr, now: Instant) -> bool {
        let life = self.life();
        let Some(sent) = self.peers.get_mut(&to.ip()).filter(|sent| now.duration_since(**sent) < life) else {
            return false;
        };
        *sent = now;
        self.note(to, now);
        true
    }

    /// The guest may send to `to`, whose host is let in from now on. When there are too many, the one it last sent to the longest time ago
    /// is let in no more.
    pub fn admit(&mut self, to: SocketAddr, now: Instant) {
        let peer = to.ip();
        self.note(to, now);
        if self.peers.len() >= MOST_PEERS
            && !self.peers.contains_key(&peer)
            && let Some(oldest) = self.peers.iter().min_by_key(|(_, sent)| **sent).map(|(peer, _)| *peer)
        {
            self.peers.remove(&oldest);
        }
        self.peers.insert(peer, now);
    }

    /// Whether what comes from `peer`, from whichever port, is for the guest (RFC 4787 5: address-dependent filtering).
    pub fn lets_in(&mut self, peer: IpAddr, now: Instant) -> bool {
        let known = self.has_sent_to(peer, now);
        self.answered |= known;
        known
    }

    /// Whether the guest has sent to `peer` not long ago, so that what is said of such a datagram is believed (RFC 5508 4.2, REQ-4).
    pub fn has_sent_to(&self, peer: IpAddr, now: Instant) -> bool {
        self.peers.get(&peer).is_some_and(|sent| now.duration_since(*sent) < self.life())
    }

    /// How soon it ends where its guest may have no more.
    pub fn rank(&self) -> Rank {
        Rank { answered: self.answered, heard: self.heard }
    }

    /// When it ends if the guest sends nothing more.
    pub fn end(&self) -> Instant {
        self.heard + self.life()
    }

    fn note(&mut self, to: SocketAddr, now: Instant) {
        self.heard = now;
        self.names &= to.port() == NAMES;
    }

    fn life(&self) -> Duration {
        match (self.names, self.answered) {
            (true, _) => self.idle.min(NAMES_IDLE),
            (false, true) => self.idle * 5 / 2,
            (false, false) => self.idle,
        }
    }
}

#[cfg(test)]
mod tests;
