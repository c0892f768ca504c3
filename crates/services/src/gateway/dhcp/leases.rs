//! Which address is whose, and for how long. There are as many leases as addresses to give.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

/// How long an offer is kept for who has not said yet that it takes it.
const OFFER: Duration = Duration::from_secs(60);
/// How long an address rests that a guest has found to be somebody else's.
const DECLINED: Duration = Duration::from_secs(600);
/// Addresses that one station has, and how many that it declined rest: one that gives itself ever new names has no more.
pub(super) const MOST_EACH: usize = 4;
/// How long an earlier holder may take to answer whether it is still there, and how long its silence is believed.
const ASKED: RangeInclusive<Duration> = Duration::from_millis(500)..=Duration::from_secs(60);

/// Who a guest is: the station that sent the message, and what it calls itself, at most 255 bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Client {
    pub(super) station: Vec<u8>,
    pub(super) name: Vec<u8>,
}

/// What can be offered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Offer {
    /// This address.
    Address(Ipv4Addr),
    /// Perhaps this one, whose earlier holder is to be asked first whether it is still there.
    Ask(Ipv4Addr),
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Lease {
    client: Client,
    until: Instant,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Its client has not said yet that it takes it.
    Offered,
    /// It has it, and was asked then whether it is still there.
    Bound { asked: Option<Instant> },
    /// It has found it to be somebody else's.
    Declined,
}

/// The leases of a range of addresses.
#[derive(Debug)]
pub(super) struct Leases {
    pool: RangeInclusive<u32>,
    by_address: BTreeMap<u32, Lease>,
    by_client: BTreeMap<Client, u32>,
}

impl Leases {
    pub(super) fn new(pool: RangeInclusive<Ipv4Addr>) -> Leases {
        let pool = u32::from(*pool.start())..=u32::from(*pool.end());
        Leases { pool, by_address: BTreeMap::new(), by_client: BTreeMap::new() }
    }

    /// The address that the client has or had, if nobody else has got it meanwhile.
    pub(super) fn of(&self, client: &Client) -> Option<Ipv4Addr> {
        self.by_client.get(client).map(|address| Ipv4Addr::from(*address))
    }

    /// Whether `address` can be the client's: in the pool, and nobody else's.
    pub(super) fn is_free_for(&self, client: &Client, address: Ipv4Addr, now: Instant) -> bool {
        let address = u32::from(address);
        let is_own = |lease: &Lease| lease.client == *client && lease.state != State::Declined;
        let free = self.by_address.get(&address).is_none_or(|lease| is_own(lease) || lease.until <= now);
        self.pool.contains(&address) && free
    }

    /// An address to offer: the client's own, the one that it wants, one that nobody ever had, or else the one that has been free
    /// for the longest time. None if all are taken. `is_used` says whether another station than the client's speaks from an address just
    /// now: such a one keeps it.
    pub(super) fn offer(
        &mut self,
        client: &Client,
        wanted: Option<Ipv4Addr>,
        is_used: impl Fn(Ipv4Addr) -> bool,
        now: Instant,
    ) -> Option<Offer> {
        if let Some(own) = self.of(client) {
            return Some(self.offered(client, own, now));
        }
        let wanted = wanted.filter(|wanted| self.is_free_for(client, *wanted, now) && !is_used(*wanted));
        let had = wanted.is_some_and(|wanted| self.by_address.contains_key(&u32::from(wanted)));
        let new = if had { None } else { wanted.or_else(|| self.never_had(&is_used)) };
        if let Some(new) = new {
            return Some(self.offered(client, new, now));
        }
        let mut free: Vec<(Instant, u32)> = self
            .by_address
            .iter()
            .filter(|(_, lease)| lease.until <= now)
            .map(|(address, lease)| (lease.until, *address))
            .collect();
        free.sort_unstable_by_key(|(until, address)| (wanted != Some(Ipv4Addr::from(*address)), *until));
        let mut free = free.into_iter().map(|(_, address)| address);
        let address = free.find(|address| !is_used(Ipv4Addr::from(*address)))?;
        let lease = self.by_address.get_mut(&address)?;
        if let State::Bound { asked } = &mut lease.state {
            let silent = asked.map(|asked| now.duration_since(asked));
            if !silent.is_some_and(|silent| ASKED.contains(&silent)) {
                if silent.is_none_or(|silent| silent > *ASKED.end()) {
                    *asked = Some(now);
                }
                return Some(Offer::Ask(address.into()));
            }
        }
        Some(self.offered(client, address.into(), now))
    }

    fn offered(&mut self, client: &Client, address: Ipv4Addr, now: Instant) -> Offer {
        let is_kept = |lease: &&Lease| lease.client == *client && lease.state != State::Declined;
        let kept = self.by_address.get(&u32::from(address)).filter(is_kept);
        let (until, state) = kept.map_or((now, State::Offered), |lease| (lease.until, lease.state));
        self.give(client, address, until.max(now + OFFER), state);
        Offer::Address(address)
    }

    /// The client has the address from now on.
    pub(super) fn bind(&mut self, client: &Client, address: Ipv4Addr, time: Duration, now: Instant) {
        self.give(client, address, now + time, State::Bound { asked: None });
    }

    fn give(&mut self, client: &Client, address: Ipv4Addr, until: Instant, state: State) {
        let address = u32::from(address);
        if let Some(earlier) = self.by_client.insert(client.clone(), address)
            && earlier != address
        {
            self.by_address.remove(&earlier);
        }
        let lease = Lease { client: client.clone(), until, state };
        let before = self.by_address.insert(address, lease).map(|lease| lease.client);
        // One that has found this address to be somebody else's may have another by now.
        if let Some(before) = before.filter(|before| before != client)
            && self.by_client.get(&before) == Some(&address)
        {
            self.by_client.remove(&before);
        }
        // One too many of a station: the first to end goes.
        let its = || self.of_station(&client.station, false);
        if its().count() > MOST_EACH
            && let Some(first) = its().filter(|(other, _)| *other != address).min_by_key(|(_, until)| *until)
        {
            self.forget(first.0);
        }
    }

    /// The addresses of a station, or those that it declined and that rest, with their ends.
    fn of_station(&self, station: &[u8], declined: bool) -> impl Iterator<Item = (u32, Instant)> {
        let its = move |lease: &Lease| {
            lease.client.station == station && (lease.state == State::Declined) == declined
        };
        let found: Vec<_> = self
            .by_address
            .iter()
            .filter(|(_, lease)| its(lease))
            .map(|(address, lease)| (*address, lease.until))
            .collect();
        found.into_iter()
    }

    fn forget(&mut self, address: u32) {
        if let Some(lease) = self.by_address.remove(&address)
            && self.by_client.get(&lease.client) == Some(&address)
        {
            self.by_client.remove(&lease.client);
        }
    }

    /// The client gives its address back.
    pub(super) fn release(&mut self, client: &Client) {
        if let Some(address) = self.by_client.get(client) {
            self.forget(*address);
        }
    }

    /// The client has found its address to be somebody else's. It rests, as do a few that one station has found to be so.
    pub(super) fn decline(&mut self, client: &Client, now: Instant) {
        let resting = self.of_station(&client.station, true).filter(|(_, until)| *until > now).count();
        let Some(address) = self.by_client.remove(client) else { return };
        self.by_address.remove(&address);
        if resting < MOST_EACH {
            let lease = Lease { client: client.clone(), until: now + DECLINED, state: State::Declined };
            self.by_address.insert(address, lease);
        }
    }

    /// One that has no lease and that nobody speaks from.
    fn never_had(&self, is_used: impl Fn(Ipv4Addr) -> bool) -> Option<Ipv4Addr> {
        let all = u64::from(*self.pool.end()).saturating_sub(u64::from(*self.pool.start())) + 1;
        if self.by_address.len() as u64 >= all {
            return None;
        }
        let mut free = self.pool.clone().filter(|address| !self.by_address.contains_key(address));
        free.find(|address| !is_used(Ipv4Addr::from(*address))).map(Ipv4Addr::from)
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "any beginning will do")]
mod tests {
    use super::*;

    fn address(last: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 7, 0, last)
    }

    fn client(station: u8) -> Client {
        named(station, 1)
    }

    fn named(station: u8, name: u8) -> Client {
        Client { station: vec![2, 0, 0, 0, 0, station], name: vec![name] }
    }

    fn some(last: u8) -> Option<Offer> {
        Some(Offer::Address(address(last)))
    }

    fn nobody(_: Ipv4Addr) -> bool {
        false
    }

    #[test]
    fn addresses_are_given_out_to_the_last_and_again_when_they_are_free() {
        let now = Instant::now();
        let after = |seconds| now + Duration::from_secs(seconds);
        let mut leases = Leases::new(address(100)..=address(102));
        assert_eq!(leases.offer(&client(1), None, nobody, now), some(100));
        // The same one for the same guest, and what was wished for if it is free.
        assert_eq!(leases.offer(&client(1), Some(address(102)), nobody, now), some(100));
        assert_eq!(leases.offer(&client(2), Some(address(102)), nobody, now), some(102));
        assert_eq!(leases.offer(&client(3), Some(address(102)), nobody, now), some(101));
        assert_eq!(leases.offer(&client(4), None, nobody, now), None);
        leases.bind(&client(1), address(100), Duration::from_secs(3600), now);
        // Offers that nobody took are free again after their time; the oldest first.
        assert_eq!(leases.offer(&client(4), None, nobody, after(59)), None);
        assert_eq!(leases.offer(&client(4), None, nobody, after(60)), some(101));
        assert_eq!(leases.of(&client(3)), None);
        assert!(leases.is_free_for(&client(1), address(100), after(60)));
        assert!(!leases.is_free_for(&client(2), address(100), after(60)));
        assert!(!leases.is_free_for(&client(2), address(99), after(60)));
        leases.release(&client(1));
        assert_eq!(leases.offer(&client(5), None, nobody, after(60)), some(100));
        leases.decline(&client(5), after(60));
        assert_eq!(leases.of(&client(5)), None);
        assert_eq!(leases.offer(&client(5), None, nobody, after(60)), some(102));
        assert_eq!(leases.offer(&client(6), Some(address(100)), nobody, after(659)), some(101));
        assert_eq!(leases.offer(&client(7), Some(address(100)), nobody, after(660)), some(100));
        // Never more entries than addresses.
        assert!(leases.by_address.len() <= 3 && leases.by_client.len() <= 3);
        // Who declined the last one may have it later.
        let mut leases = Leases::new(address(100)..=address(100));
        assert_eq!(leases.offer(&client(1), None, nobody, now), some(100));
        leases.decline(&client(1), now);
        assert_eq!(leases.offer(&client(1), None, nobody, after(599)), None);
        assert_eq!(leases.offer(&client(1), None, nobody, after(600)), some(100));
        assert!(leases.is_free_for(&client(1), address(100), after(600)));
    }

    #[test]
    fn one_station_has_a_few_addresses_whatever_it_calls_itself() {
        let now = Instant::now();
        let mut leases = Leases::new(address(100)..=address(200));
        for name in 0..100 {
            let its = named(1, name);
            let Some(Offer::Address(offered)) = leases.offer(&its, None, nobody, now) else {
                panic!("{name}")
            };
            leases.bind(&its, offered, Duration::from_secs(3600), now);
            assert!(leases.by_address.len() <= MOST_EACH && leases.by_client.len() <= MOST_EACH);
        }
        // Nor does it take others out of use.
        for name in 0..100 {
            leases.offer(&named(2, name), None, nobody, now).unwrap();
            leases.decline(&named(2, name), now);
        }
        assert_eq!(leases.by_address.len(), 2 * MOST_EACH);
        // What one calls itself is not enough to be taken for another.
        let (holder, thief) = (named(3, 7), named(4, 7));
        let Some(Offer::Address(offered)) = leases.offer(&holder, None, nobody, now) else { panic!() };
        leases.bind(&holder, offered, Duration::from_secs(3600), now);
        leases.release(&thief);
        leases.decline(&thief, now);
        assert_eq!((leases.of(&holder), leases.of(&thief)), (Some(offered), None));
        assert!(!leases.is_free_for(&thief, offered, now));
    }

    #[test]
    fn who_had_an_address_is_asked_before_it_is_given_on_and_keeps_it_if_it_is_there() {
        let now = Instant::now();
        let after = |milliseconds| now + Duration::from_millis(milliseconds);
        let mut leases = Leases::new(address(100)..=address(101));
        for (station, last) in [(1, 100), (2, 101)] {
            leases.bind(&client(station), address(last), Duration::from_secs(u64::from(station)), now);
        }
        let asks = Some(Offer::Ask(address(100)));
        assert_eq!(leases.offer(&client(3), None, nobody, after(2000)), asks);
        assert_eq!(leases.offer(&client(3), None, nobody, after(2400)), asks);
        // It answers: the next one is asked.
        let answers = |used: Ipv4Addr| used == address(100);
        assert_eq!(leases.offer(&client(3), None, answers, after(2500)), Some(Offer::Ask(address(101))));
        assert_eq!(leases.offer(&client(3), None, |_| true, after(3000)), None);
        // Silence of long ago says nothing.
        assert_eq!(leases.offer(&client(3), None, answers, after(63_000)), Some(Offer::Ask(address(101))));
        assert_eq!(leases.offer(&client(3), None, answers, after(63_500)), some(101));
        assert_eq!((leases.of(&client(1)), leases.of(&client(2))), (Some(address(100)), None));
    }

    #[test]
    fn who_declined_an_address_keeps_its_next_one_when_the_first_is_given_to_another() {
        let now = Instant::now();
        let mut leases = Leases::new(address(100)..=address(101));
        assert_eq!(leases.offer(&client(1), None, nobody, now), some(100));
        leases.decline(&client(1), now);
        assert_eq!(leases.offer(&client(1), None, nobody, now), some(101));
        leases.bind(&client(1), address(101), 2 * DECLINED, now);
        let rested = now + DECLINED;
        assert_eq!(leases.offer(&client(2), None, nobody, rested), some(100));
        assert_eq!(leases.of(&client(1)), Some(address(101)));
        assert_eq!(leases.offer(&client(1), None, nobody, rested), some(101));
    }
}
