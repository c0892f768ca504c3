//! The identification of datagrams that may be cut (RFC 6864, RFC 7739).

use basis::{HashKey, Random};
use core::hash::BuildHasher;
use core::net::{Ipv4Addr, Ipv6Addr};

const COUNTERS: usize = 256;

/// Counters that say nothing about what a host sends to others: keyed by source, destination and protocol.
#[derive(Clone, Debug)]
pub(crate) struct Identification {
    counters: [u32; COUNTERS],
    key: HashKey,
}

impl Identification {
    pub(crate) fn new(random: &mut Random) -> Identification {
        let mut counters = [0; COUNTERS];
        counters.fill_with(|| random.next_u32());
        Identification { counters, key: random.hash_key() }
    }

    /// The identification of the next datagram: not used again before 65,535 others of its kind (RFC 6864 4.3).
    pub(crate) fn next(&mut self, source: Ipv4Addr, destination: Ipv4Addr, protocol: u8) -> u16 {
        let hash = self.key.hash_one((source, destination, protocol));
        let counter = &mut self.counters[hash as usize % COUNTERS];
        *counter = counter.wrapping_add(1);
        counter.wrapping_add((hash >> 32) as u32) as u16
    }

    /// The identification of the next IPv6 packet that is cut (RFC 7739 5.3).
    pub(crate) fn next_v6(&mut self, source: Ipv6Addr, destination: Ipv6Addr) -> u32 {
        let hash = self.key.hash_one((source, destination));
        let counter = &mut self.counters[hash as usize % COUNTERS];
        *counter = counter.wrapping_add(1);
        counter.wrapping_add((hash >> 32) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_flow_counts_on_and_flows_differ() {
        let mut identification = Identification::new(&mut Random::new([1; 32]));
        let (here, there) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        let first = identification.next(here, there, 17);
        assert_eq!(identification.next(here, there, 17), first.wrapping_add(1));
        assert_ne!(identification.next(here, [10, 0, 0, 3].into(), 17), first.wrapping_add(2));
        let (here, there) = (Ipv6Addr::LOCALHOST, Ipv6Addr::UNSPECIFIED);
        let first = identification.next_v6(here, there);
        assert_eq!(identification.next_v6(here, there), first.wrapping_add(1));
        assert_ne!(identification.next_v6(there, here), first.wrapping_add(2));
    }
}
