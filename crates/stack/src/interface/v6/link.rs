//! The state of one link as RFC 4861 5 and 6.3 describe it, with bounds.

use super::address::{Lifetime, OwnAddress};
use super::advertiser::Advertiser;
use super::source::select;
use crate::config::ProbeTimes;
use alloc::boxed::Box;
use alloc::vec::Vec;
use basis::{HashKey, Instant, Random};
use core::hash::BuildHasher;
use core::net::Ipv6Addr;
use core::time::Duration;
use ipnet::Ipv6Net;
use wire::ethernet::MacAddress;
use wire::ipv6::{MINIMUM_MTU, is_link_local};

/// Default routers of one link; more are not heard.
const MAXIMUM_ROUTERS: usize = 8;
/// Prefixes on one link that routers have told; more are not heard.
const MAXIMUM_PREFIXES: usize = 16;
/// Name servers that routers of one link have told; more are not heard.
const MAXIMUM_NAME_SERVERS: usize = 8;
/// RFC 4861 10: MAX_RTR_SOLICITATIONS.
const SOLICITATIONS: u8 = 3;
/// RFC 4861 10: RTR_SOLICITATION_INTERVAL.
const SOLICITATION_INTERVAL: Duration = Duration::from_secs(4);

/// What the owner wants of IPv6 on an interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Setting {
    /// How addresses that the stack forms are asked for; `None`: they are not.
    pub(crate) times: Option<ProbeTimes>,
    /// Whether routers are asked, and believed.
    pub(crate) routers: bool,
}

/// Something that routers told, and for how long it holds.
#[derive(Clone, Copy, Debug)]
struct Told<T> {
    what: T,
    until: Instant,
}

/// A list of such things, with a bound.
#[derive(Clone, Debug)]
struct List<T> {
    entries: Vec<Told<T>>,
    most: usize,
}

impl<T: Copy + PartialEq> List<T> {
    const fn new(most: usize) -> List<T> {
        List { entries: Vec::new(), most }
    }

    /// Remembers `what` until then; true if it is new and there was room.
    fn put(&mut self, what: T, until: Instant) -> bool {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.what == what) {
            entry.until = until;
            return false;
        }
        let room = self.entries.len() < self.most;
        if room {
            self.entries.push(Told { what, until });
        }
        room
    }

    fn contains(&self, what: T) -> bool {
        self.entries.iter().any(|entry| entry.what == what)
    }

    /// Takes out one whose time is over.
    fn pop_expired(&mut self, now: Instant) -> Option<T> {
        let place = self.entries.iter().position(|entry| entry.until <= now)?;
        Some(self.entries.remove(place).what)
    }

    fn next(&self) -> Option<Instant> {
        self.entries.iter().map(|entry| entry.until).min()
    }
}

/// What one interface knows.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) addresses: Vec<OwnAddress>,
    pub(crate) setting: Option<Setting>,
    /// What the owner, who is a router, says to the link.
    pub(crate) advertiser: Option<Box<Advertiser>>,
    /// Bytes of the longest packet, which a router may have made less than the interface's.
    pub(crate) mtu: usize,
    /// The hop limit that a router has told.
    pub(crate) hop_limit: Option<u8>,
    routers: List<Ipv6Addr>,
    prefixes: List<Ipv6Net>,
    name_servers: List<Ipv6Addr>,
    /// Solicitations of routers still to be sent, and when the next is due.
    solicitations: u8,
    solicitation_due: Instant,
    key: HashKey,
}

impl Link {
    pub(crate) fn new(mtu: usize, key: HashKey) -> Link {
        Link {
            addresses: Vec::new(),
            setting: None,
            advertiser: None,
            mtu,
            hop_limit: None,
            routers: List::new(MAXIMUM_ROUTERS),
            prefixes: List::new(MAXIMUM_PREFIXES),
            name_servers: List::new(MAXIMUM_NAME_SERVERS),
            solicitations: 0,
            solicitation_due: Instant::FAR_FUTURE,
            key,
        }
    }

    /// Whether the link can carry IPv6 (RFC 8200 5).
    pub(crate) fn is_wide_enough(&self) -> bool {
        self.mtu >= MINIMUM_MTU
    }

    pub(crate) fn find(&self, address: Ipv6Addr) -> Option<&OwnAddress> {
        self.addresses.iter().find(|own| own.address == address)
    }

    pub(crate) fn find_mut(&mut self, address: Ipv6Addr) -> Option<&mut OwnAddress> {
        self.addresses.iter_mut().find(|own| own.address == address)
    }

    /// Whether `address` is ours and in use.
    #[inline]
    pub(crate) fn is_assigned(&self, address: Ipv6Addr) -> bool {
        self.addresses.iter().any(|own| own.address == address && own.is_assigned())
    }

    /// The link-local address, once it may be used.
    pub(crate) fn link_local(&self) -> Option<Ipv6Addr> {
        self.addresses
            .iter()
            .find(|own| own.is_assigned() && is_link_local(own.address))
            .map(|own| own.address)
    }

    /// The address to send from to `destination` (RFC 6724 5).
    pub(crate) fn source_for(&self, destination: Ipv6Addr) -> Option<Ipv6Addr> {
        let usable = self.addresses.iter().filter(|own| own.is_assigned());
        select(destination, usable.map(OwnAddress::candidate))
    }

    /// An interface identifier that is always the same here and tells nothing elsewhere (RFC 7217 5), in a prefix of 64 bits.
    pub(crate) fn opaque(&self, prefix: Ipv6Addr, hardware: MacAddress, attempt: u8) -> Ipv6Addr {
        let high = prefix.to_bits() >> 64 << 64;
        let identifier = (0..=u8::MAX)
            .map(|step| self.key.hash_one((high, hardware.0, attempt, step)))
            .find(|identifier| !is_reserved(*identifier));
        Ipv6Addr::from_bits(high | u128::from(identifier.unwrap_or(1)))
    }

    /// Begins to ask for routers (RFC 4861 6.3.7), after a random time of at most `within`.
    pub(crate) fn solicit(&mut self, now: Instant, within: Duration, random: &mut Random) {
        let most = u32::try_from(within.as_micros()).unwrap_or(u32::MAX);
        self.solicitations = SOLICITATIONS;
        self.solicitation_due = now + Duration::from_micros(u64::from(random.below(most)));
    }

    /// Whether a solicitation of routers is due.
    pub(crate) fn take_solicitation(&mut self, now: Instant) -> bool {
        if now < self.solicitation_due || self.solicitations == 0 {
            return false;
        }
        self.solicitations -= 1;
        let more = self.solicitations > 0;
        self.solicitation_due = if more { now + SOLICITATION_INTERVAL } else { Instant::FAR_FUTURE };
        true
    }

    /// A router has answered: it need not be asked any more.
    pub(crate) fn stop_soliciting(&mut self) {
        (self.solicitations, self.solicitation_due) = (0, Instant::FAR_FUTURE);
    }

    /// A default router; true if it is new.
    pub(crate) fn put_router(&mut self, router: Ipv6Addr, until: Instant) -> bool {
        self.routers.put(router, until)
    }

    pub(crate) fn is_router(&self, address: Ipv6Addr) -> bool {
        self.routers.contains(address)
    }

    pub(crate) fn pop_router(&mut self, now: Instant) -> Option<Ipv6Addr> {
        self.routers.pop_expired(now)
    }

    /// A prefix on the link; true if it is new.
    pub(crate) fn put_prefix(&mut self, prefix: Ipv6Net, until: Instant) -> bool {
        self.prefixes.put(prefix, until)
    }

    /// Whether a router has told that `prefix` is on the link.
    pub(crate) fn has_prefix(&self, prefix: Ipv6Net) -> bool {
        self.prefixes.contains(prefix)
    }

    pub(crate) fn pop_prefix(&mut self, now: Instant) -> Option<Ipv6Net> {
        self.prefixes.pop_expired(now)
    }

    pub(crate) fn put_name_server(&mut self, server: Ipv6Addr, until: Instant) {
        self.name_servers.put(server, until);
    }

    pub(crate) fn name_servers(&self, now: Instant) -> impl Iterator<Item = Ipv6Addr> + '_ {
        self.name_servers.entries.iter().filter(move |entry| now < entry.until).map(|entry| entry.what)
    }

    /// Takes out an address whose time is over.
    pub(crate) fn pop_address(&mut self, now: Instant) -> Option<OwnAddress> {
        let place = self.addresses.iter().position(|own| own.lifetime().valid_until <= now)?;
        Some(self.addresses.remove(place))
    }

    /// When something is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        let lists = [self.routers.next(), self.prefixes.next(), self.name_servers.next()];
        let addresses = self.addresses.iter().map(OwnAddress::next);
        let advertisement = self.advertiser.as_ref().map(|advertiser| advertiser.next());
        let all = lists.into_iter().flatten().chain(addresses).chain(advertisement);
        let all = all.chain([self.solicitation_due]);
        all.min().filter(|next| *next < Instant::FAR_FUTURE)
    }

    /// Forgets name servers whose time is over.
    pub(crate) fn forget_name_servers(&mut self, now: Instant) {
        while self.name_servers.pop_expired(now).is_some() {}
    }
}

/// The lifetime that a router's advertisement gives an address that it formed (RFC 4862 5.5.3 e).
///
/// Less than two hours are only believed as far as the address had less left already, so that a forged advertisement cannot
/// take it away.
pub(crate) fn renewed(now: Instant, old: Lifetime, preferred: u32, valid: u32) -> Lifetime {
    const TWO_HOURS: Duration = Duration::from_secs(7200);
    let (told, left) = (until(now, valid), old.valid_until);
    let believed = if valid > 7200 || told > left {
        told
    } else if left <= now + TWO_HOURS {
        left
    } else {
        now + TWO_HOURS
    };
    Lifetime { preferred_until: until(now, preferred), valid_until: believed }
}

/// When a time that a router told in seconds is over; all ones mean never.
pub(crate) fn until(now: Instant, seconds: u32) -> Instant {
    if seconds == u32::MAX { Instant::FAR_FUTURE } else { now + Duration::from_secs(u64::from(seconds)) }
}

/// Identifiers that no host may have (RFC 5453): the routers' anycast and the reserved anycast ones.
const fn is_reserved(identifier: u64) -> bool {
    identifier == 0 || identifier >= 0xfdff_ffff_ffff_ff80 && identifier <= 0xfdff_ffff_ffff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;

    fn later(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn a_forged_advertisement_leaves_an_address_two_hours() {
        let old = |seconds| Lifetime { preferred_until: later(0), valid_until: later(seconds) };
        let valid = |left, told| renewed(later(0), old(left), 0, told).valid_until;
        assert_eq!(valid(10_000, 1), later(7200));
        assert_eq!(valid(600, 1), later(600));
        assert_eq!(valid(600, 700), later(700));
        assert_eq!(valid(100_000, 7201), later(7201));
        assert_eq!(valid(10, u32::MAX), Instant::FAR_FUTURE);
    }

    #[test]
    fn identifiers_are_stable_differ_by_prefix_and_attempt_and_never_reserved() {
        let link = Link::new(1500, Random::new([5; 32]).hash_key());
        let of = |prefix: &str, attempt| link.opaque(prefix.parse().unwrap(), MacAddress([2; 6]), attempt);
        assert_eq!(of("fd07::", 0), of("fd07::", 0));
        assert_ne!(of("fd07::", 0), of("fd07::", 1));
        assert_ne!(of("fd07::", 0).segments()[4..], of("fd08::", 0).segments()[4..]);
        assert_eq!(of("fd07::", 0).segments()[..4], [0xfd07, 0, 0, 0]);
        assert!(is_reserved(0) && is_reserved(0xfdff_ffff_ffff_ff80) && !is_reserved(0xfdff_ffff_ffff_ff7f));
    }

    #[test]
    fn what_routers_tell_is_bounded_and_forgotten_in_time() {
        let mut link = Link::new(1500, Random::new([5; 32]).hash_key());
        for n in 0..100_u16 {
            let address = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, n);
            assert_eq!(link.put_router(address, later(5)), usize::from(n) < MAXIMUM_ROUTERS);
            let prefix = Ipv6Net::new_assert(Ipv6Addr::new(0xfd07, n, 0, 0, 0, 0, 0, 0), 64);
            assert_eq!(link.put_prefix(prefix, later(6)), usize::from(n) < MAXIMUM_PREFIXES);
            link.put_name_server(address, later(7));
        }
        assert_eq!(link.name_servers(later(6)).count(), MAXIMUM_NAME_SERVERS);
        assert_eq!(link.next(), Some(later(5)));
        assert_eq!(core::iter::from_fn(|| link.pop_router(later(5))).count(), MAXIMUM_ROUTERS);
        assert_eq!(link.next(), Some(later(6)));
        assert_eq!(core::iter::from_fn(|| link.pop_prefix(later(6))).count(), MAXIMUM_PREFIXES);
        link.forget_name_servers(later(7));
        assert_eq!(link.next(), None);
    }
}
