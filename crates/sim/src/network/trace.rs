//! What happened on the wires.

use super::id::{HostId, WireId};
use super::packet::Packet;
use basis::Instant;
use bytes::Bytes;
use std::hash::Hasher;

/// What became of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Fate {
    /// The host put it on the wire.
    Sent,
    /// The host got it.
    Received,
    /// Lost at random.
    Lost,
    /// Lost to a rule.
    Ruled,
    /// Lost because the sender's queue was full.
    QueueFull,
    /// Lost because the wire was cut.
    Cut,
}

/// One frame at one place.
#[derive(Clone, Debug)]
pub struct Record {
    /// When.
    pub at: Instant,
    /// Whose frame: who sent it, or who got it.
    pub host: HostId,
    /// On which wire.
    pub wire: WireId,
    /// What became of it.
    pub fate: Fate,
    /// The frame.
    pub bytes: Bytes,
    /// Whether it begins with an Ethernet header.
    pub ethernet: bool,
}

impl Record {
    /// Its headers.
    pub fn packet(&self) -> Packet {
        Packet::read(&self.bytes, self.ethernet)
    }
}

/// Everything that happened, or at least its digest.
#[derive(Clone, Debug)]
pub struct Trace {
    records: Vec<Record>,
    /// Records kept; beyond it they are only counted and digested.
    pub limit: usize,
    count: u64,
    digest: u64,
}

impl Default for Trace {
    fn default() -> Trace {
        Trace { records: Vec::new(), limit: 100_000, count: 0, digest: 0 }
    }
}

impl Trace {
    pub(crate) fn add(&mut self, record: Record) {
        self.count += 1;
        let mut hasher = std::hash::DefaultHasher::new();
        hasher.write_u64(self.digest);
        hasher.write_u64(record.at.as_nanos());
        hasher.write_u32(record.host.0 as u32);
        hasher.write_u32(record.wire.0 as u32);
        hasher.write_u8(record.fate as u8);
        hasher.write(&record.bytes);
        self.digest = hasher.finish();
        if self.records.len() < self.limit {
            self.records.push(record);
        }
    }

    /// The first records, up to the limit.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Everything that happened, counted.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// A number that two runs have in common only if they were the same, byte for byte.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// The TCP segments that a host sent, lost ones included.
    pub fn segments_from(&self, host: HostId) -> impl Iterator<Item = (Instant, Packet)> {
        let sent = self.records.iter().filter(move |record| record.host == host && record.fate == Fate::Sent);
        sent.map(|record| (record.at, record.packet())).filter(|(_, packet)| packet.tcp.is_some())
    }
}
