//! Putting fragments together again (RFC 791 3.2, RFC 1122 3.3.2), with bounded memory.

use crate::config::ReassemblyConfig;
use crate::dropped::Dropped;
use crate::timers::{MAX_SLOTS, Timer, Timers};
use alloc::vec::Vec;
use basis::{Frame, HashKey, Instant, Key, Slab, TimerId};
use bytes::Bytes;
use core::net::Ipv4Addr;
use hashbrown::HashMap;
use wire::ipv4::{HEADER_LENGTH, Header};
use wire::protocol;

/// Bytes that a fragment costs beside its own.
const FRAGMENT_COST: usize = 64;
/// A TCP header without options: a first fragment must carry it whole (RFC 3128 4).
const LEAST_TCP: usize = 20;

/// What the fragments of one datagram have in common (RFC 791 3.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Name {
    source: Ipv4Addr,
    destination: Ipv4Addr,
    protocol: u8,
    identification: u16,
}

#[derive(Clone, Debug)]
struct Datagram {
    name: Name,
    interface: u8,
    fragments: Vec<Fragment>,
    /// Bytes of the whole payload, once the last fragment has come.
    length: Option<usize>,
    received: usize,
    /// The first fragment's header, once it has come.
    first: Option<Header>,
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

/// A datagram that was given up; its beginning if it came, for the ICMP error about it.
#[derive(Debug)]
pub(crate) struct GivenUp {
    pub(crate) interface: u8,
    pub(crate) beginning: Option<(Header, Frame)>,
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
            source: header.source,
            destination: header.destination,
            protocol: header.protocol,
            identification: header.identification,
        };
        let cost = header.payload_length() + FRAGMENT_COST;
        let key = self.find_or_begin(now, interface, name, cost, timers).ok_or(Dropped::ReassemblyFull)?;
        let Some(datagram) = self.datagrams.get_mut(key) else { return Err(Dropped::ReassemblyFull) };
        let before = datagram.cost;
        let added = datagram.add(header, packet, self.config.max_fragments);
        let complete = datagram.is_complete();
        self.cost = (self.cost + datagram.cost).saturating_sub(before);
        added?;
        if !complete {
            return Ok(None);
        }
        Ok(self.remove(key, timers).and_then(|datagram| datagram.assemble()))
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

    fn add(&mut self, header: &Header, packet: &Frame, most: usize) -> Result<(), Dropped> {
        if self.refused {
            return Err(Dropped::OverlappingFragment);
        }
        let start = usize::from(header.fragment_offset);
        let end = start + header.payload_length();
        let place = self.fragments.partition_point(|fragment| fragment.start < start);
        if let Some(same) = self.fragments.get(place)
            && same.start == start
            && same.end() == end
        {
            let mut again = packet.clone();
            again.strip(header.header_length);
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
            Some(length) => end > length || !header.more_fragments && end != length,
            None => !header.more_fragments && last_end > end,
        };
        if overlaps || contradicts {
            return Err(self.refuse());
        }
        if self.fragments.len() >= most {
            return Err(Dropped::ReassemblyFull);
        }
        self.insert(place, start, header, packet);
        Ok(())
    }

    fn insert(&mut self, place: usize, start: usize, header: &Header, packet: &Frame) {
        // Copied, so that small fragments do not keep large memory.
        let mut payload = packet.clone();
        payload.strip(header.header_length);
        let bytes = Bytes::from(payload.to_vec());
        self.received += bytes.len();
        self.cost += bytes.len() + FRAGMENT_COST;
        if !header.more_fragments {
            self.length = Some(start + bytes.len());
        }
        if start == 0 {
            self.first = Some(*header);
        }
        self.fragments.insert(place, Fragment { start, bytes });
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

    fn assemble(self) -> Option<(Header, Frame)> {
        let first = self.first?;
        if HEADER_LENGTH + self.received > wire::ipv4::MAXIMUM_LENGTH {
            return None;
        }
        let mut payload = Vec::with_capacity(self.received);
        for fragment in &self.fragments {
            payload.extend_from_slice(&fragment.bytes);
        }
        Some(with_header(first, payload))
    }

    fn beginning(self) -> Option<(Header, Frame)> {
        let first = self.first?;
        let fragment = self.fragments.first().filter(|fragment| fragment.start == 0)?;
        let (header, frame) = with_header(first, fragment.bytes.to_vec());
        Some((header, frame))
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
