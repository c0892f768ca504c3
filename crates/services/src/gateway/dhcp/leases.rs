//! Which address is whose, and for how long. There are as many leases as addresses to give.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

/// How long an offer is kept for who has not said yet that it takes it.
const OFFER: Duration = Duration::from_secs(60);
/// How long an address rests that a guest has found to be somebody else's.
const DECLINED: Duration = Duration::from_secs(600);

/// Who a guest says it is: at most 255 bytes.
pub(super) type Client = Vec<u8>;

#[derive(Clone, PartialEq, Eq, Debug)]
struct Lease {
    /// None: it was declined.
    client: Option<Client>,
    until: Instant,
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
        let lease = self.by_address.get(&address);
        let free = lease.is_none_or(|lease| lease.client.as_ref() == Some(client) || lease.until <= now);
        self.pool.contains(&address) && free
    }

    /// An address to offer: the client's own, the one that it wants, one that nobody ever had, or else the one that has been free
    /// for the longest time. None if all are taken.
    pub(super) fn offer(
        &mut self,
        client: &Client,
        wanted: Option<Ipv4Addr>,
        now: Instant,
    ) -> Option<Ipv4Addr> {
        let chosen = self
            .of(client)
            .or_else(|| wanted.filter(|wanted| self.is_free_for(client, *wanted, now)))
            .or_else(|| self.never_had())
            .or_else(|| self.longest_free(now))?;
        let kept = self.by_address.get(&u32::from(chosen)).map(|lease| lease.until);
        let until = kept.map_or(now + OFFER, |kept| kept.max(now + OFFER));
        self.give(client, chosen, until);
        Some(chosen)
    }

    /// The client has the address from now on.
    pub(super) fn bind(&mut self, client: &Client, address: Ipv4Addr, time: Duration, now: Instant) {
        self.give(client, address, now + time);
    }

    fn give(&mut self, client: &Client, address: Ipv4Addr, until: Instant) {
        let address = u32::from(address);
        if let Some(earlier) = self.by_client.insert(client.clone(), address)
            && earlier != address
        {
            self.by_address.remove(&earlier);
        }
        let lease = Lease { client: Some(client.clone()), until };
        let before = self.by_address.insert(address, lease).and_then(|lease| lease.client);
        if let Some(before) = before.filter(|before| before != client) {
            self.by_client.remove(&before);
        }
    }

    /// The client gives its address back.
    pub(super) fn release(&mut self, client: &Client) {
        if let Some(address) = self.by_client.remove(client) {
            self.by_address.remove(&address);
        }
    }

    /// The client has found its address to be somebody else's.
    pub(super) fn decline(&mut self, client: &Client, now: Instant) {
        if let Some(address) = self.by_client.remove(client) {
            self.by_address.insert(address, Lease { client: None, until: now + DECLINED });
        }
    }

    fn never_had(&self) -> Option<Ipv4Addr> {
        let all = u64::from(*self.pool.end()).saturating_sub(u64::from(*self.pool.start())) + 1;
        if self.by_address.len() as u64 >= all {
            return None;
        }
        let mut free = self.pool.clone();
        free.find(|address| !self.by_address.contains_key(address)).map(Ipv4Addr::from)
    }

    fn longest_free(&self, now: Instant) -> Option<Ipv4Addr> {
        let free = self.by_address.iter().filter(|(_, lease)| lease.until <= now);
        free.min_by_key(|(_, lease)| lease.until).map(|(address, _)| Ipv4Addr::from(*address))
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "any beginning will do")]
mod tests {
    use super::*;

    fn address(last: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 7, 0, last)
    }

    #[test]
    fn addresses_are_given_out_to_the_last_and_again_when_they_are_free() {
        let now = Instant::now();
        let after = |seconds| now + Duration::from_secs(seconds);
        let mut leases = Leases::new(address(100)..=address(102));
        let client = |name: u8| vec![1, name];
        assert_eq!(leases.offer(&client(1), None, now), Some(address(100)));
        // The same one for the same guest, and what was wished for if it is free.
        assert_eq!(leases.offer(&client(1), Some(address(102)), now), Some(address(100)));
        assert_eq!(leases.offer(&client(2), Some(address(102)), now), Some(address(102)));
        assert_eq!(leases.offer(&client(3), Some(address(102)), now), Some(address(101)));
        assert_eq!(leases.offer(&client(4), None, now), None);
        leases.bind(&client(1), address(100), Duration::from_secs(3600), now);
        // Offers that nobody took are free again after their time; the oldest first.
        assert_eq!(leases.offer(&client(4), None, after(59)), None);
        assert_eq!(leases.offer(&client(4), None, after(60)), Some(address(101)));
        assert_eq!(leases.of(&client(3)), None);
        assert!(leases.is_free_for(&client(1), address(100), after(60)));
        assert!(!leases.is_free_for(&client(2), address(100), after(60)));
        assert!(!leases.is_free_for(&client(2), address(99), after(60)));
        leases.release(&client(1));
        assert_eq!(leases.offer(&client(5), None, after(60)), Some(address(100)));
        leases.decline(&client(5), after(60));
        assert_eq!(leases.of(&client(5)), None);
        assert_eq!(leases.offer(&client(5), None, after(60)), Some(address(102)));
        assert_eq!(leases.offer(&client(6), Some(address(100)), after(659)), Some(address(101)));
        assert_eq!(leases.offer(&client(7), Some(address(100)), after(660)), Some(address(100)));
        // Never more entries than addresses.
        assert!(leases.by_address.len() <= 3 && leases.by_client.len() <= 3);
    }
}
