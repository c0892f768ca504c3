//! Destinations that take smaller packets than their interface (RFC 1191, RFC 8201).

use alloc::vec::Vec;
use basis::Instant;
use core::net::IpAddr;
use core::time::Duration;
use hashbrown::HashMap;

/// The path MTUs that ICMP told of, each for a while.
#[derive(Clone, Debug)]
pub(crate) struct PathMtus {
    by_destination: HashMap<IpAddr, Entry, basis::HashKey>,
    most: usize,
    lifetime: Duration,
    least: u32,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    mtu: u32,
    expires: Instant,
}

/// What a router older than RFC 1191 is taken to mean: its section 5 lets a host fall back to this.
const WITHOUT_WORD: u32 = 576;

impl PathMtus {
    pub(crate) fn new(most: usize, lifetime: Duration, least: u16, key: basis::HashKey) -> PathMtus {
        PathMtus { by_destination: HashMap::with_hasher(key), most, lifetime, least: u32::from(least) }
    }

    /// Bytes of the largest packet to `destination` over an interface that takes `mtu`.
    #[inline(always)]
    pub(crate) fn mtu(&self, now: Instant, destination: IpAddr, mtu: u32) -> u32 {
        if self.by_destination.is_empty() { mtu } else { self.find(now, destination, mtu) }
    }

    #[inline(never)]
    fn find(&self, now: Instant, destination: IpAddr, mtu: u32) -> u32 {
        match self.by_destination.get(&destination) {
            Some(entry) if now < entry.expires => mtu.min(entry.mtu),
            _ => mtu,
        }
    }

    /// A router takes only `mtu` bytes, or did not say how many (0); returns what is believed of it. An MTU only shrinks: a
    /// larger one is a lie or late (RFC 1191 3).
    pub(crate) fn learn(&mut self, now: Instant, destination: IpAddr, mtu: u16) -> u32 {
        let told = if mtu == 0 { WITHOUT_WORD } else { u32::from(mtu) };
        // RFC 8201 4: never below what every link of IPv6 carries.
        let least = if destination.is_ipv6() { wire::ipv6::MINIMUM_MTU as u32 } else { self.least };
        let believed = told.max(least).min(self.mtu(now, destination, u32::MAX));
        if self.most == 0 {
            return believed;
        }
        if !self.by_destination.contains_key(&destination) && self.by_destination.len() >= self.most {
            self.make_room(now);
        }
        self.by_destination.insert(destination, Entry { mtu: believed, expires: now + self.lifetime });
        believed
    }

    fn make_room(&mut self, now: Instant) {
        self.by_destination.retain(|_, entry| now < entry.expires);
        if self.by_destination.len() >= self.most {
            let mut ages: Vec<(Instant, IpAddr)> = self
                .by_destination
                .iter()
                .map(|(destination, entry)| (entry.expires, *destination))
                .collect();
            ages.sort_unstable();
            // A quarter goes at once, so that a full table is not sorted for every message.
            for (_, destination) in ages.iter().take(self.most.div_ceil(4)) {
                self.by_destination.remove(destination);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use basis::Random;

    fn table(most: usize) -> PathMtus {
        PathMtus::new(most, Duration::from_secs(600), 552, Random::new([9; 32]).hash_key())
    }

    #[test]
    fn it_shrinks_never_below_the_least_and_is_forgotten_in_time() {
        let mut mtus = table(4);
        let there = [192, 0, 2, 1].into();
        let later = |seconds| Instant::ZERO + Duration::from_secs(seconds);
        assert_eq!(mtus.mtu(later(0), there, 1500), 1500);
        assert_eq!(mtus.learn(later(0), there, 1400), 1400);
        assert_eq!(mtus.learn(later(0), there, 1450), 1400);
        assert_eq!(mtus.mtu(later(1), there, 1500), 1400);
        assert_eq!(mtus.mtu(later(1), there, 1300), 1300);
        assert_eq!(mtus.learn(later(1), there, 68), 552);
        assert_eq!(mtus.mtu(later(600), there, 1500), 552);
        assert_eq!(mtus.mtu(later(601), there, 1500), 1500);
        assert_eq!(mtus.learn(later(700), there, 0), 576);
        let there = core::net::Ipv6Addr::LOCALHOST.into();
        assert_eq!(mtus.learn(later(700), there, 1279), 1280);
    }

    #[test]
    fn the_table_is_bounded_and_the_oldest_go() {
        let mut mtus = table(8);
        for n in 0..100 {
            mtus.learn(Instant::from_millis(n), [192, 0, 2, n as u8].into(), 1000);
            assert!(mtus.by_destination.len() <= 8);
        }
        let now = Instant::from_millis(100);
        assert_eq!(mtus.mtu(now, [192, 0, 2, 99].into(), 1500), 1000);
        assert_eq!(mtus.mtu(now, [192, 0, 2, 0].into(), 1500), 1500);
    }
}
