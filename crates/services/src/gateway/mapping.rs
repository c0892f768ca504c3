//! The mapping of a guest's UDP endpoint: one port outside for all to whom it sends (RFC 4787 4.1), and who may send to it there (5).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Hosts outside that one mapping lets in at once.
const MOST_PEERS: usize = 256;

/// Whom a guest's endpoint has sent to, and when it was last heard of: what comes from outside keeps nothing open (RFC 4787 4.3, REQ-6).
///
/// Times are the caller's. A mapping that nobody outside has answered ends after its `idle` time; one that somebody has lives two and a
/// half times as long, which by the usual two minutes is what REQ-5 b asks for.
#[derive(Debug)]
pub struct Mapping {
    idle: Duration,
    heard: Instant,
    answered: bool,
    /// When the guest last sent to each.
    peers: BTreeMap<IpAddr, Instant>,
}

impl Mapping {
    /// One that the guest has just made.
    pub fn new(idle: Duration, now: Instant) -> Mapping {
        Mapping { idle, heard: now, answered: false, peers: BTreeMap::new() }
    }

    /// The guest sends to `peer`. Whether it has done so not long ago; else it must be [admitted](Mapping::admit).
    pub fn sends(&mut self, peer: IpAddr, now: Instant) -> bool {
        let life = self.life();
        let Some(sent) = self.peers.get_mut(&peer).filter(|sent| now.duration_since(**sent) < life) else {
            return false;
        };
        *sent = now;
        self.heard = now;
        true
    }

    /// The guest may send to `peer`, which is let in from now on. When there are too many, the one it last sent to the longest time ago is
    /// let in no more.
    pub fn admit(&mut self, peer: IpAddr, now: Instant) {
        self.heard = now;
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
        let known = self.peers.get(&peer).is_some_and(|sent| now.duration_since(*sent) < self.life());
        self.answered |= known;
        known
    }

    /// When it ends if the guest sends nothing more.
    pub fn end(&self) -> Instant {
        self.heard + self.life()
    }

    fn life(&self) -> Duration {
        if self.answered { self.idle * 5 / 2 } else { self.idle }
    }
}

#[cfg(test)]
mod tests;
