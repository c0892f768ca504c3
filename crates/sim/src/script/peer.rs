//! The other end of a connection, which only the script plays: its ports, and how its numbers map to the wire's.

use super::notation::TcpSegment;
use super::options::TcpOption;
use std::collections::BTreeMap;
use wire::tcp::Flags;

/// The peer that the script calls by a number.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) remote_port: u16,
    pub(crate) local_port: u16,
    /// What is added to this host's numbers in the script, once its SYN was seen.
    local_offset: Option<u32>,
    /// This host's initial number on the wire, of the first connection.
    first: Option<u32>,
    /// The next SYN begins a new connection with numbers of its own.
    pub(crate) begins_anew: bool,
    /// What is added to the peer's numbers in the script.
    remote_offset: u32,
    /// The peer's initial number in the script.
    pub(crate) remote_initial: u32,
    /// This host's initial number in the script.
    local_initial: u32,
    /// This host's timestamps in the script, and on the wire.
    timestamps: BTreeMap<u32, u32>,
}

impl Peer {
    pub(crate) fn new(local_port: u16, remote_port: u16, remote_offset: u32) -> Peer {
        Peer {
            remote_port,
            local_port,
            local_offset: None,
            first: None,
            begins_anew: false,
            remote_offset,
            remote_initial: 0,
            local_initial: 0,
            timestamps: BTreeMap::new(),
        }
    }

    /// This host's initial number on the wire, of the first connection.
    pub(crate) fn first_number(&self) -> Option<u32> {
        self.first
    }

    /// A number of this host on the wire.
    pub(crate) fn local_number(&self, script: u32) -> u32 {
        script.wrapping_add(self.local_offset.unwrap_or(0))
    }

    /// The segment that arrives, with the wire's numbers.
    pub(crate) fn to_wire(&self, script: &TcpSegment) -> TcpSegment {
        let mut wire = script.clone();
        wire.sequence = script.sequence.wrapping_add(self.remote_offset);
        wire.acknowledgment = script.acknowledgment.map(|number| self.local_number(number));
        for option in wire.options.iter_mut().flatten() {
            match option {
                TcpOption::Sack(blocks) => {
                    for (left, right) in blocks {
                        (*left, *right) = (self.local_number(*left), self.local_number(*right));
                    }
                }
                TcpOption::Timestamps { echo, .. } => *echo = self.wire_timestamp(*echo),
                _ => {}
            }
        }
        wire
    }

    /// A timestamp that this host sent: as it was, or as far from the one before it as the script says.
    fn wire_timestamp(&self, script: u32) -> u32 {
        let before = self.timestamps.range(..=script).next_back().or_else(|| self.timestamps.iter().next());
        match before {
            Some((known, wire)) if script != 0 => wire.wrapping_add(script.wrapping_sub(*known)),
            _ => script,
        }
    }

    /// The segment that left, with the script's numbers. What was expected in its place teaches how they map.
    pub(crate) fn translate(&mut self, wire: &TcpSegment, expected: &TcpSegment) -> TcpSegment {
        let mut script = wire.clone();
        let unknown = self.local_offset.is_none() || self.begins_anew;
        if wire.flags.contains(Flags::SYN) && unknown {
            self.local_offset = Some(wire.sequence.wrapping_sub(expected.sequence));
            self.local_initial = expected.sequence;
            self.first = self.first.or(Some(wire.sequence));
            self.begins_anew = false;
            self.timestamps.clear();
        }
        script.peer = expected.peer;
        // A RST to a segment without acknowledgment has number 0 itself (RFC 9293 3.10.7.1).
        if !(wire.flags.contains(Flags::RST) && wire.sequence == 0 && expected.sequence == 0) {
            script.sequence = wire.sequence.wrapping_sub(self.local_offset.unwrap_or(0));
        }
        script.acknowledgment = wire.acknowledgment.map(|number| number.wrapping_sub(self.remote_offset));
        let wanted = expected.options.iter().flatten().find_map(|option| match option {
            TcpOption::Timestamps { value, .. } => Some(*value),
            _ => None,
        });
        for option in script.options.iter_mut().flatten() {
            match option {
                TcpOption::Sack(blocks) => {
                    for (left, right) in blocks {
                        *left = left.wrapping_sub(self.remote_offset);
                        *right = right.wrapping_sub(self.remote_offset);
                    }
                }
                TcpOption::Timestamps { value, .. } => {
                    if let Some(wanted) = wanted {
                        self.timestamps.insert(wanted, *value);
                        *value = wanted;
                    }
                }
                _ => {}
            }
        }
        script
    }

    /// Where an arriving segment's payload stands in the peer's stream.
    pub(crate) fn arriving_place(&self, script: &TcpSegment) -> u32 {
        let first = script.sequence.wrapping_add(script.flags.contains(Flags::SYN) as u32);
        first.wrapping_sub(self.remote_initial).wrapping_sub(1)
    }

    /// Where a leaving segment's payload stands in this host's stream.
    pub(crate) fn leaving_place(&self, script: &TcpSegment) -> u32 {
        let first = script.sequence.wrapping_add(script.flags.contains(Flags::SYN) as u32);
        first.wrapping_sub(self.local_initial).wrapping_sub(1)
    }
}

/// `length` bytes from `place` on of the stream that every script sends, each way.
pub(crate) fn stream(place: u32, length: usize) -> Vec<u8> {
    let byte = |place: u32| (place.wrapping_mul(31) ^ (place >> 8).wrapping_mul(7)) as u8;
    (0..length as u32).map(|n| byte(place.wrapping_add(n))).collect()
}
