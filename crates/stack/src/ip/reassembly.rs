//! Putting fragments together again (RFC 791 3.2, RFC 1122 3.3.2, RFC 8200 4.5), with bounded memory for both families.

use crate::config::ReassemblyConfig;
use crate::dropped::Dropped;
use crate::timers::{MAX_SLOTS, Timer, Timers};
use alloc::vec::Vec;
use basis::{Frame, HashKey, Instant, Key, Slab, TimerId};
use bytes::Bytes;
use core::net::IpAddr;
use hashbrown::HashMap;
use wire::ipv4::{HEADER_LENGTH, Header};
use wire::ipv6::extension::Chain;
use wire::protocol;

/// Bytes that a fragment costs beside its own.
const FRAGMENT_COST: usize = 64;
/// A TCP header without options: a first fragment must carry it whole (RFC 3128 4).
const LEAST_TCP: usize = 20;

/// What the fragments of one datagram have in common (RFC 791 3.2, RFC 8200 4.5).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Name {
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    /// IPv4's alone: in IPv6 fragments but the first may say what they like.
    pub(crate) protocol: u8,
    pub(crate) identification: u32,
}

/// A fragment of either family.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece<'a> {
    pub(crate) start: usize,
    pub(crate) length: usize,
    pub(crate) more: bool,
    /// Bytes of the packet before the fragment's own.
    pub(crate) headers: usize,
    pub(crate) packet: &'a Frame,
    pub(crate) family: Family<'a>,
}

/// Where a fragment's headers are described.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Family<'a> {
    V4(&'a Header),
    V6(&'a Chain),
}

/// What is kept of the first fragment's headers.
#[derive(Clone, Debug)]
pub(crate) enum First {
    V4(Header),
    /// All to the end of the fragment header, where that is named, and what it names.
    V6 {
        headers: Bytes,
        named_at: usize,
        next_header: u8,
    },
}

impl Piece<'_> {
    fn first(&self) -> First {
        match self.family {
            Family::V4(header) => First::V4(*header),
            Family::V6(chain) => First::V6 {
                headers: Bytes::copy_from_slice(self.packet.first().get(..self.headers).unwrap_or_default()),
                named_at: chain.fragment_named_at,
                next_header: chain.protocol,
            },
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Datagram {
    name: Name,
    interface: u8,
    fragments: Vec<Fragment>,
    /// Bytes of the whole payload, once the last fragment has come.
    length: Option<usize>,
    received: usize,
    /// The first fragment's headers, once it has come.
    pub(crate) first: Option<First>,
    /// Fragments overlapped: what else comes is dropped (RFC 5722 3).
    refused: bool,
    cost: usize,
    timer: Option<TimerId>,
    began: Instant,
}

#[derive(Clone, Debug)]
struct Fragment {
    start: usize,
    bytes: Bytes,
}

impl Fragment {
    fn end(&self) -> usize {
        self.start + self.bytes.len()
    }
}

/// A first fragment, as if it were a whole packet (IPv4) or as it came (IPv6).
#[derive(Debug)]
pub(crate) enum Beginning {
    V4(Header, Frame),
    V6(Frame),
}

/// A datagram that was given up; its beginning if it came, for the ICMP error about it.
#[derive(Debug)]
pub(crate) struct GivenUp {
    pub(crate) interface: u8,
    pub(crate) beginning: Option<Beginning>,
}

/// The datagrams that wait for fragments.
#[derive(Clone, Debug)]
pub(crate) struct Reassembly {
    config: ReassemblyConfig,
    by_name: HashMap<Name, Key, HashKey>,
    datagrams: Slab<Datagram>,
    cost: usize,
}

impl Reassembly {
    pub(crate) fn new(config: ReassemblyConfig, key: HashKey) -> Reassembly {
        let config = ReassemblyConfig { max_datagrams: config.max_datagrams.min(MAX_SLOTS), ..config };
        Reassembly { config, by_name: HashMap::with_hasher(key), datagrams: Slab::new(), cost: 0 }
    }

    /// A fragment came; `packet` begins with its header. Returns the whole packet if it was the last one missing.
    pub(crate) fn on_fragment(
        &mut self,
        now: Instant,
        interface: u8,
        header: &Header,
        packet: &Frame,
        timers: &mut Timers,
    ) -> Result<Option<(Header, Frame)>, Dropped> {
        check(header)?;
        let name = Name {
            source: header.source.into(),
            destination: header.destination.into(),
            protocol: header.protocol,
            identification: header.identification.into(),
        };
        let piece = Piece {
            start: header.fragment_offset.into(),
            length: header.payload_length(),
            more: header.more_fragments,
            headers: header.header_length,
            packet,
            family: Family::V4(header),
        };
        let whole = self.on_piece(now, interface, name, piece, timers)?;
        Ok(whole.and_then(Datagram::assemble))
    }

    /// A fragment of either family came. Returns the datagram if it was the last one missing.
    pub(crate) fn on_piece(
        &mut self,
        now: Instant,
        interface: u8,
        name: Name,
        piece: Piece<'_>,
        timers: &mut Timers,
    ) -> Result<Option<Datagram>, Dropped> {
        let cost = piece.length + FRAGMENT_COST;
        let key = self.find_or_begin(now, interface, name, cost, timers).ok_or(Dropped::ReassemblyFull)?;
        let Some(datagram) = self.datagrams.get_mut(key) else { return Err(Dropped::ReassemblyFull) };
        let before = datagram.cost;
        let added = datagram.add(&piece, self.config.max_fragments);
        let complete = datagram.is_complete();
        self.cost = (self.cost + datagram.cost).saturating_sub(before);
        added?;
        Ok(if complete { self.remove(key, timers) } else { None })
    }

    /// The time of the datagram in `slot` is over.
    pub(crate) fn on_timeout(&mut self, slot: u32, timers: &mut Timers) -> Option<GivenUp> {
        let key = self.datagrams.key_at(slot)?;
        self.datagrams.get_mut(key)?.timer = None;
        let datagram = self.remove(key, timers)?;
        Some(GivenUp { interface: datagram.interface, beginning: datagram.beginning() })
    }

    fn find_or_begin(
        &mut self,
        now: Instant,
        interface: u8,
        name: Name,
        cost: usize,
        timers: &mut Timers,
    ) -> Option<Key> {
        let found = self.by_name.get(&name).copied();
        // The oldest datagrams make room: they are the least likely to be completed.
        while self.cost + cost > self.config.max_bytes
            || found.is_none() && self.datagrams.len() >= self.config.max_datagrams
        {
            let oldest = self.datagrams.iter().filter(|(key, _)| Some(*key) != found);
            let (_, oldest) = oldest.map(|(key, datagram)| (datagram.began, key)).min()?;
            self.remove(oldest, timers);
        }
        if found.is_some() {
            return found;
        }
        let key = self.datagrams.insert(Datagram::new(now, interface, name))?;
        self.by_name.insert(name, key);
        let datagram = self.datagrams.get_mut(key)?;
        let timer = Timer::Reassembly { slot: key.index() };
        timers.arm(&mut datagram.timer, now + self.config.timeout, timer);
        Some(key)
    }

    fn remove(&mut self, key: Key, timers: &mut Timers) -> Option<Datagram> {
        let mut datagram = self.datagrams.remove(key)?;
        timers.cancel(&mut datagram.timer);
        self.by_name.remove(&datagram.name);
        self.cost = self.cost.saturating_sub(datagram.cost);
        Some(datagram)
    }
}

fn check(header: &Header) -> Result<(), Dropped> {
    let payload = header.payload_length();
    if payload == 0 {
        return Err(Dropped::ImpossibleFragment);
    }
    // RFC 1858 3.2.1 and RFC 3128: filters see ports and flags in the first fragment, or nothing gets in.
    if header.protocol == protocol::TCP
        && (header.fragment_offset == 0 && payload < LEAST_TCP || header.fragment_offset == 8)
    {
        return Err(Dropped::TinyFragment);
    }
    Ok(())
}

impl Datagram {
    fn new(now: Instant, interface: u8, name: Name) -> Datagram {
        Datagram {
            name,
            interface,
            fragments: Vec::new(),
            length: None,
            received: 0,
            first: None,
            refused: false,
            cost: 0,
            timer: None,
            began: now,
        }
    }

    fn add(&mut self, piece: &Piece<'_>, most: usize) -> Result<(), Dropped> {
        if self.refused {
            return Err(Dropped::OverlappingFragment);
        }
        let (start, end) = (piece.start, piece.start + piece.length);
        let place = self.fragments.partition_point(|fragment| fragment.start < start);
        if let Some(same) = self.fragments.get(place)
            && same.start == start
            && same.end() == end
        {
            let mut again = piece.packet.clone();
            again.strip(piece.headers);
            return match again.to_vec() == *same.bytes {
                true => Err(Dropped::DuplicateFragment),
                false => Err(self.refuse()),
            };
        }
        let overlaps = place
            .checked_sub(1)
            .and_then(|before| self.fragments.get(before))
            .is_some_and(|before| before.end() > start)
            || self.fragments.get(place).is_some_and(|after| after.start < end);
        // The end is where the last fragment says, and nothing lies behind it.
        let last_end = self.fragments.last().map_or(0, Fragment::end);
        let contradicts = match self.length {
            Some(length) => end > length || !piece.more && end != length,
            None => !piece.more && last_end > end,
        };
        if overlaps || contradicts {
            return Err(self.refuse());
        }
        if self.fragments.len() >= most {
            return Err(Dropped::ReassemblyFull);
        }
        self.insert(place, piece);
        Ok(())
    }

    fn insert(&mut self, place: usize, piece: &Piece<'_>) {
        // Copied, so that small fragments do not keep large memory.
        let mut payload = piece.packet.clone();
        payload.strip(piece.headers);
        let bytes = Bytes::from(payload.to_vec());
        self.received += bytes.len();
        self.cost += bytes.len() + FRAGMENT_COST;
        if !piece.more {
            self.length = Some(piece.start + bytes.len());
        }
        if piece.start == 0 {
            self.first = Some(piece.first());
        }
        self.fragments.insert(place, Fragment { start: piece.start, bytes });
    }

    fn refuse(&mut self) -> Dropped {
        self.refused = true;
        self.fragments = Vec::new();
        self.first = None;
        self.cost = 0;
        Dropped::OverlappingFragment
    }

    /// Fragments do not overlap, so the sum of their lengths tells.
    fn is_complete(&self) -> bool {
        !self.refused && self.length == Some(self.received)
    }

    /// The bytes of all fragments, in order.
    pub(crate) fn payload(&self) -> Vec<u8> {
        let mut payload = Vec::with_capacity(self.received);
        for fragment in &self.fragments {
            payload.extend_from_slice(&fragment.bytes);
        }
        payload
    }

    fn assemble(self) -> Option<(Header, Frame)> {
        let Some(First::V4(first)) = self.first else { return None };
        if HEADER_LENGTH + self.received > wire::ipv4::MAXIMUM_LENGTH {
            return None;
        }
        Some(with_header(first, self.payload()))
    }

    fn beginning(self) -> Option<Beginning> {
        let fragment = self.fragments.first().filter(|fragment| fragment.start == 0)?;
        Some(match self.first? {
            First::V4(first) => {
                let (header, frame) = with_header(first, fragment.bytes.to_vec());
                Beginning::V4(header, frame)
            }
            First::V6 { headers, .. } => {
                Beginning::V6(Frame::copy_of(&[&headers[..], &fragment.bytes].concat()))
            }
        })
    }
}

/// A packet as if it had never been cut: header without options, all in one piece, for headers lie in a frame's first part.
fn with_header(first: Header, payload: Vec<u8>) -> (Header, Frame) {
    let mut frame = Frame::new();
    let memory = payload.len();
    frame.set_body(Bytes::from(payload), memory);
    let header = Header {
        more_fragments: false,
        fragment_offset: 0,
        header_length: HEADER_LENGTH,
        total_length: HEADER_LENGTH + memory,
        ..first
    };
    header.prepend_to(&mut frame);
    let bytes = frame.to_vec();
    let memory = bytes.len();
    (header, Frame::from_device(Bytes::from(bytes), memory))
}

#[cfg(test)]
mod tests;
