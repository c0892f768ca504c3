//! The choice of ephemeral ports (RFC 6056).

use basis::{HashKey, Random};
use core::hash::BuildHasher;
use core::net::{IpAddr, SocketAddr};
use core::ops::RangeInclusive;

/// Chooses local ports that outsiders cannot guess.
#[derive(Clone, Debug)]
pub(crate) struct Ports {
    first: u16,
    count: u32,
    /// Grows by one per chosen port, so that ports are used again as late as can be.
    next: u32,
    key: HashKey,
}

impl Ports {
    pub(crate) fn new(range: RangeInclusive<u16>, random: &mut Random) -> Ports {
        let first = (*range.start()).max(1);
        let count = u32::from(*range.end()).saturating_sub(u32::from(first)) + 1;
        Ports { first, count, next: random.next_u32(), key: random.hash_key() }
    }

    /// A port for a connection from `local` to `remote`, the first that `is_free` allows (RFC 6056 3.3.3, Algorithm 3).
    pub(crate) fn for_connection(
        &mut self,
        local: IpAddr,
        remote: SocketAddr,
        mut is_free: impl FnMut(u16) -> bool,
    ) -> Option<u16> {
        let offset = self.key.hash_one((local, remote)) as u32;
        for _ in 0..self.count {
            let port = self.at(offset.wrapping_add(self.next));
            self.next = self.next.wrapping_add(1);
            if is_free(port) {
                return Some(port);
            }
        }
        None
    }

    /// A port at random, the first from there that `is_free` allows (RFC 6056 3.3.1, Algorithm 1).
    pub(crate) fn random(&self, random: &mut Random, mut is_free: impl FnMut(u16) -> bool) -> Option<u16> {
        let start = random.below(self.count);
        (0..self.count).map(|step| self.at(start + step)).find(|port| is_free(*port))
    }

    fn at(&self, index: u32) -> u16 {
        // `index % count` is less than the range, which ends at 65535.
        (u32::from(self.first) + index % self.count) as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn every_port_of_the_range_is_tried_once_and_none_outside() {
        let mut random = Random::new([3; 32]);
        let mut ports = Ports::new(50000..=50009, &mut random);
        let (local, remote) = ("10.0.0.1".parse().unwrap(), "10.0.0.2:80".parse().unwrap());
        let mut tried = Vec::new();
        assert_eq!(
            ports.for_connection(local, remote, |port| {
                tried.push(port);
                false
            }),
            None
        );
        tried.sort_unstable();
        assert_eq!(tried, (50000..=50009).collect::<Vec<_>>());
        assert_eq!(ports.for_connection(local, remote, |port| port == 50007), Some(50007));
        assert_eq!(ports.random(&mut random, |port| port == 50009), Some(50009));
        assert_eq!(ports.random(&mut random, |_| false), None);
    }

    #[test]
    fn a_range_at_the_end_of_the_numbers_does_not_wrap_to_port_zero() {
        let mut random = Random::new([4; 32]);
        let ports = Ports::new(65535..=65535, &mut random);
        assert_eq!(ports.random(&mut random, |_| true), Some(65535));
        assert!(Ports::new(0..=3, &mut random).random(&mut random, |port| port == 0).is_none());
    }

    #[test]
    fn consecutive_connections_to_one_server_get_different_ports() {
        let mut random = Random::new([5; 32]);
        let mut ports = Ports::new(32768..=65535, &mut random);
        let (local, remote) = ("10.0.0.1".parse().unwrap(), "10.0.0.2:80".parse().unwrap());
        let first = ports.for_connection(local, remote, |_| true);
        assert_ne!(first, ports.for_connection(local, remote, |_| true));
    }
}
