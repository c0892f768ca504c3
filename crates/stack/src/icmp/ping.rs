//! Echo sockets: what `ping` sends and gets back (RFC 792, RFC 1122 3.2.2.6, RFC 4443 4).

use super::foreign::{EchoRequest, Foreign};
use crate::config::PingConfig;
use crate::dropped::Dropped;
use crate::error::{BindError, OpenError};
use crate::shares::Sender;
use alloc::collections::VecDeque;
use basis::{HashKey, Instant, Key, Random, Slab};
use bytes::Bytes;
use core::net::IpAddr;
use hashbrown::HashMap;

/// Names one echo socket; it finds nothing once the socket was closed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PingId(pub(crate) Key);

impl PingId {
    /// The id as a number, for a token of an outer layer.
    pub const fn to_bits(self) -> u64 {
        self.0.to_bits()
    }

    /// The id that [`PingId::to_bits`] made `bits` of.
    pub const fn from_bits(bits: u64) -> PingId {
        PingId(Key::from_bits(bits))
    }
}

/// What came of an echo request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PingKind {
    /// It was answered.
    Reply,
    /// It could not be delivered; the code is that of Destination Unreachable, of RFC 792 or RFC 4443 3.1 by the family of `from`.
    Unreachable {
        /// Why not.
        code: u8,
    },
    /// It was too many hops.
    TimeExceeded,
    /// It was too long for its path and cut too late (RFC 4443 3.2); the next one will be cut to fit.
    TooBig {
        /// Bytes that the path takes.
        mtu: u32,
    },
}

/// An answer to an echo request, or word that there will be none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PingReply {
    /// What it is.
    pub kind: PingKind,
    /// Who sent it: the host that was asked, or whoever could not reach it.
    pub from: IpAddr,
    /// The request's number.
    pub sequence: u16,
    /// Hops that the answer could still have gone.
    pub ttl: u8,
    /// Bytes of the ICMP message: 8 more than the payload.
    pub bytes: usize,
    /// What was sent along, when it was answered; else empty.
    pub payload: Bytes,
    /// When it came.
    pub at: Instant,
}

#[derive(Clone, Debug)]
pub(crate) struct PingSocket {
    pub(crate) identifier: u16,
    /// Bytes of memory that its unsent requests hold.
    pub(crate) unsent: usize,
    pub(crate) blocked: bool,
    replies: VecDeque<PingReply>,
    untold: bool,
}

/// The echo sockets of a host, found by identifier.
#[derive(Clone, Debug)]
pub(crate) struct PingHost {
    pub(crate) config: PingConfig,
    sockets: Slab<PingSocket>,
    by_identifier: HashMap<u16, PingId, HashKey>,
    untold: VecDeque<PingId>,
    /// Who has the requests for others.
    foreign: Option<(PingId, Foreign)>,
}

impl PingHost {
    pub(crate) fn new(config: PingConfig, key: HashKey) -> PingHost {
        let most = usize::from(u16::MAX);
        PingHost {
            config: PingConfig { max_sockets: config.max_sockets.min(most), ..config },
            sockets: Slab::new(),
            by_identifier: HashMap::with_hasher(key),
            untold: VecDeque::new(),
            foreign: None,
        }
    }

    pub(crate) fn open(&mut self, random: &mut Random) -> Result<PingId, OpenError> {
        if self.sockets.len() >= self.config.max_sockets {
            return Err(OpenError::TooManySockets);
        }
        let start = random.next_u32() as u16;
        let identifier = (0..=u16::MAX)
            .map(|step| start.wrapping_add(step))
            .find(|identifier| !self.by_identifier.contains_key(identifier))
            .ok_or(OpenError::TooManySockets)?;
        let socket =
            PingSocket { identifier, unsent: 0, blocked: false, replies: VecDeque::new(), untold: false };
        let id = PingId(self.sockets.insert(socket).ok_or(OpenError::TooManySockets)?);
        self.by_identifier.insert(identifier, id);
        Ok(id)
    }

    pub(crate) fn close(&mut self, id: PingId) {
        if self.foreign.as_ref().is_some_and(|(owner, _)| *owner == id) {
            self.foreign = None;
        }
        if let Some(socket) = self.sockets.remove(id.0) {
            self.by_identifier.remove(&socket.identifier);
            if socket.untold {
                self.untold.retain(|other| *other != id);
            }
        }
    }

    pub(crate) fn get_mut(&mut self, id: PingId) -> Option<&mut PingSocket> {
        self.sockets.get_mut(id.0)
    }

    /// A reply, or an error about a request, for whoever has `identifier`.
    pub(crate) fn deliver(&mut self, identifier: u16, reply: PingReply) -> Result<(), Dropped> {
        let id = *self.by_identifier.get(&identifier).ok_or(Dropped::PingUnexpected)?;
        let most = self.config.max_replies;
        let socket = self.get_mut(id).ok_or(Dropped::PingUnexpected)?;
        if socket.replies.len() >= most {
            return Err(Dropped::PingQueueFull);
        }
        socket.replies.push_back(reply);
        self.tell(id);
        Ok(())
    }

    pub(crate) fn receive(&mut self, id: PingId) -> Option<PingReply> {
        self.get_mut(id)?.replies.pop_front()
    }

    /// From now on requests for others are for `id`.
    pub(crate) fn take_foreign(&mut self, id: PingId) -> Result<(), BindError> {
        if self.foreign.is_some() {
            return Err(BindError::AddressInUse);
        }
        self.foreign = Some((id, Foreign::default()));
        Ok(())
    }

    /// A request for somebody else has come. Why another one had to go for it, if one had to.
    pub(crate) fn on_foreign(
        &mut self,
        sender: Sender,
        request: EchoRequest,
    ) -> Result<Option<Dropped>, Dropped> {
        let most = self.config.max_replies;
        let (id, foreign) = self.foreign.as_mut().ok_or(Dropped::OtherHost)?;
        let id = *id;
        let displaced = foreign.push(sender, request, most)?;
        self.tell(id);
        Ok(displaced)
    }

    pub(crate) fn receive_foreign(&mut self, id: PingId) -> Option<EchoRequest> {
        self.foreign.as_mut().filter(|(owner, _)| *owner == id)?.1.pop()
    }

    /// A request that was charged `cost` has left or was dropped.
    pub(crate) fn on_sent(&mut self, id: PingId, cost: usize) {
        let Some(socket) = self.get_mut(id) else { return };
        socket.unsent = socket.unsent.saturating_sub(cost);
        if core::mem::take(&mut socket.blocked) {
            self.tell(id);
        }
    }

    fn tell(&mut self, id: PingId) {
        if let Some(socket) = self.sockets.get_mut(id.0)
            && !socket.untold
        {
            socket.untold = true;
            self.untold.push_back(id);
        }
    }

    #[inline]
    pub(crate) fn poll_event(&mut self) -> Option<PingId> {
        // A socket may have been closed meanwhile.
        while let Some(id) = self.untold.pop_front() {
            if let Some(socket) = self.get_mut(id) {
                socket.untold = false;
                return Some(id);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(sequence: u16) -> PingReply {
        PingReply {
            kind: PingKind::Reply,
            from: [10, 0, 0, 1].into(),
            sequence,
            ttl: 64,
            bytes: 8,
            payload: Bytes::new(),
            at: Instant::ZERO,
        }
    }

    #[test]
    fn sockets_and_replies_are_bounded_and_events_come_once() {
        let mut random = Random::new([2; 32]);
        let config = PingConfig { max_sockets: 2, max_replies: 3, ..PingConfig::default() };
        let mut host = PingHost::new(config, random.hash_key());
        let first = host.open(&mut random).unwrap();
        let second = host.open(&mut random).unwrap();
        assert_eq!(host.open(&mut random), Err(OpenError::TooManySockets));
        let identifier = host.get_mut(first).unwrap().identifier;
        for sequence in 0..3 {
            assert_eq!(host.deliver(identifier, reply(sequence)), Ok(()));
        }
        assert_eq!(host.deliver(identifier, reply(3)), Err(Dropped::PingQueueFull));
        assert_eq!((host.poll_event(), host.poll_event()), (Some(first), None));
        assert_eq!(host.receive(first).map(|reply| reply.sequence), Some(0));
        host.close(first);
        assert_eq!(host.deliver(identifier, reply(4)), Err(Dropped::PingUnexpected));
        assert_eq!(host.receive(first), None);
        assert!(host.open(&mut random).is_ok());
        host.close(second);
    }
}
