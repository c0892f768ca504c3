//! What each sender has of a queue that all share: one that floods leaves room for the others.

use alloc::collections::BTreeMap;
use core::net::IpAddr;
use wire::ethernet::MacAddress;

/// Whom a packet is charged to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Sender {
    /// The station of the link that has sent it: many addresses give it no more.
    Station(MacAddress),
    /// Its source address, where the link has no stations or nobody knows the station any more.
    Address(IpAddr),
}

impl Sender {
    pub(crate) fn new(station: Option<MacAddress>, source: IpAddr) -> Sender {
        station.map_or(Sender::Address(source), Sender::Station)
    }
}

/// What waits, by sender. Each has its own place, which nobody can aim at, and none while nothing of it waits: as many as things wait.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shares(BTreeMap<Sender, usize>);

impl Shares {
    pub(crate) fn of(&self, sender: Sender) -> usize {
        self.0.get(&sender).copied().unwrap_or(0)
    }

    /// Whether more of `sender` is taken in while so much is free: it has less than twice as much. So one that is alone comes to two thirds
    /// of the queue, and a second one to two thirds of the rest: a few that flood leave room for who has nothing there.
    pub(crate) fn admits(&self, sender: Sender, free: usize) -> bool {
        self.of(sender) < free.saturating_mul(2)
    }

    /// Who has the most, and how much that is.
    pub(crate) fn most(&self) -> Option<(Sender, usize)> {
        self.0.iter().map(|(sender, share)| (*sender, *share)).max_by_key(|(_, share)| *share)
    }

    pub(crate) fn add(&mut self, sender: Sender, amount: usize) {
        *self.0.entry(sender).or_insert(0) += amount;
    }

    pub(crate) fn remove(&mut self, sender: Sender, amount: usize) {
        if let Some(share) = self.0.get_mut(&sender) {
            *share = share.saturating_sub(amount);
            if *share == 0 {
                self.0.remove(&sender);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sender_has_a_share_of_its_own_and_none_when_nothing_waits() {
        let station = |last| Sender::new(Some(MacAddress([2, 0, 0, 0, 0, last])), [10, 7, 0, 1].into());
        let address = Sender::new(None, [10, 7, 0, 1].into());
        let mut shares = Shares::default();
        for last in 0..=255 {
            shares.add(station(last), usize::from(last) + 1);
        }
        shares.add(address, 7);
        assert_eq!((shares.of(station(31)), shares.of(station(32)), shares.of(address)), (32, 33, 7));
        assert_eq!(shares.most(), Some((station(255), 256)));
        assert!(shares.admits(station(9), 6) && !shares.admits(station(9), 5));
        shares.remove(station(255), 250);
        assert_eq!((shares.of(station(255)), shares.most()), (6, Some((station(254), 255))));
        for last in 0..=255 {
            shares.remove(station(last), 256);
        }
        shares.remove(address, 7);
        assert!(shares.0.is_empty());
    }
}
