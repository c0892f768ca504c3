//! What all callers share, and how much of it one address may hold: nobody alone can keep everybody else out.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bits of an IPv6 address that one caller chooses freely (RFC 4291 2.5.4).
const IDENTIFIER_BITS: u32 = 64;

/// How many of something each address holds. There are as many entries as things are held, which others bound.
#[derive(Debug)]
pub(super) struct Shares {
    each: usize,
    held: Mutex<BTreeMap<IpAddr, usize>>,
}

/// One of them; its drop gives it back.
#[derive(Debug)]
pub(super) struct Share {
    shares: Arc<Shares>,
    holder: IpAddr,
}

impl Shares {
    pub(super) fn new(each: usize) -> Arc<Shares> {
        Arc::new(Shares { each, held: Mutex::default() })
    }

    /// One more for `address`, unless it holds as many as it may.
    pub(super) fn take(self: &Arc<Shares>, address: IpAddr) -> Option<Share> {
        let holder = holder(address);
        let mut table = self.table();
        if table.get(&holder).is_some_and(|held| *held >= self.each) {
            return None;
        }
        *table.entry(holder).or_default() += 1;
        Some(Share { shares: Arc::clone(self), holder })
    }

    fn table(&self) -> MutexGuard<'_, BTreeMap<IpAddr, usize>> {
        // The table is whole between any two statements: a panic elsewhere does not spoil it.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whom what `address` holds is counted to: of IPv6 its whole network, for whoever has one has all of its addresses.
fn holder(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from(u128::from(v6) >> IDENTIFIER_BITS << IDENTIFIER_BITS).into(),
        v4 => v4,
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut table = self.shares.table();
        if let Some(held) = table.get_mut(&self.holder) {
            *held = held.saturating_sub(1);
            if *held == 0 {
                table.remove(&self.holder);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_or_network_has_its_share_and_others_have_theirs() {
        let shares = Shares::new(2);
        let take = |address: &str| shares.take(address.parse().unwrap());
        let held = [take("192.0.2.1"), take("::ffff:192.0.2.1")];
        assert!(held.iter().all(Option::is_some) && take("192.0.2.1").is_none());
        let other = take("192.0.2.2");
        let network = [take("2001:db8::1"), take("2001:db8::2")];
        assert!(network.iter().all(Option::is_some) && take("2001:db8::3").is_none());
        assert!(other.is_some() && take("2001:db8:0:1::3").is_some());
        drop(held);
        assert!(take("192.0.2.1").is_some());
        drop((other, network));
        assert!(shares.table().is_empty());
    }
}
