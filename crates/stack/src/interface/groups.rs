//! The groups that an interface listens to, and what routers are told of that (RFC 3376 5, RFC 3810 6).

use alloc::vec::Vec;
use basis::{Instant, Random};
use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;
use wire::ethernet::MacAddress;
use wire::{igmp, ipv6};

/// Groups of one interface.
const MAXIMUM_GROUPS: usize = 256;
/// How often a change is told (RFC 3376 8.1: Robustness Variable).
const ROBUSTNESS: u8 = 2;
/// Until when it is told again (RFC 3376 8.11: Unsolicited Report Interval).
const UNSOLICITED: Duration = Duration::from_secs(1);
/// How long a querier of an older version counts (RFC 3376 8.12 with its default values).
const OLDER_QUERIER: Duration = Duration::from_secs(400);
/// The longest time that a query may let answers take.
const LONGEST_ANSWER: Duration = Duration::from_secs(3600);

/// What is to be told of a group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum News {
    /// It is listened to: a querier asked.
    Listening,
    /// It is listened to from now on.
    Joined,
    /// It is listened to no more.
    Left,
}

/// A report that is due, in the version that the link's querier speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Report {
    pub(crate) group: IpAddr,
    pub(crate) news: News,
    /// The version of an older querier; `None`: the newest.
    pub(crate) version: Option<u8>,
}

#[derive(Clone, Debug)]
struct Group {
    address: IpAddr,
    /// Sockets and addresses that want it; 0: left, but that is still to be told again.
    users: u32,
    /// How often the change is still to be told.
    changes: u8,
    change_due: Instant,
    answer_due: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Older {
    version: u8,
    until: Instant,
}

/// The groups of one interface: few, so they are scanned.
#[derive(Clone, Debug, Default)]
pub(crate) struct Groups {
    list: Vec<Group>,
    /// By family: IPv4's, IPv6's.
    older: [Option<Older>; 2],
}

impl Groups {
    pub(crate) const fn new() -> Groups {
        Groups { list: Vec::new(), older: [None; 2] }
    }

    /// Whether packets to `group` are taken. All hosts of a link always are.
    pub(crate) fn contains(&self, group: IpAddr) -> bool {
        group == IpAddr::V4(igmp::ALL_SYSTEMS)
            || group == IpAddr::V6(ipv6::ALL_NODES)
            || self.list.iter().any(|entry| entry.address == group && entry.users > 0)
    }

    /// Whether frames to this group of stations are taken.
    #[inline(never)]
    pub(crate) fn hears(&self, station: MacAddress) -> bool {
        station == station_of(IpAddr::V4(igmp::ALL_SYSTEMS))
            || station == station_of(IpAddr::V6(ipv6::ALL_NODES))
            || self.list.iter().any(|entry| entry.users > 0 && station_of(entry.address) == station)
    }

    /// One more wants `group`; `None` if there is no room.
    pub(crate) fn join(&mut self, now: Instant, group: IpAddr) -> Option<()> {
        if let Some(entry) = self.list.iter_mut().find(|entry| entry.address == group) {
            if entry.users == 0 {
                (entry.changes, entry.change_due) = (ROBUSTNESS, now);
            }
            entry.users += 1;
            return Some(());
        }
        if self.list.len() >= MAXIMUM_GROUPS {
            return None;
        }
        let reported = is_reported(group);
        self.list.push(Group {
            address: group,
            users: 1,
            changes: if reported { ROBUSTNESS } else { 0 },
            change_due: if reported { now } else { Instant::FAR_FUTURE },
            answer_due: Instant::FAR_FUTURE,
        });
        Some(())
    }

    /// One wants it no more.
    pub(crate) fn leave(&mut self, now: Instant, group: IpAddr) {
        let Some(place) = self.list.iter().position(|entry| entry.address == group) else { return };
        let Some(entry) = self.list.get_mut(place) else { return };
        entry.users = entry.users.saturating_sub(1);
        if entry.users > 0 {
            return;
        }
        if is_reported(group) {
            (entry.changes, entry.change_due) = (ROBUSTNESS, now);
            entry.answer_due = Instant::FAR_FUTURE;
        } else {
            self.list.remove(place);
        }
    }

    /// A querier asks about `group`, or about all of the family if it is unspecified. Answers are spread over `most`.
    pub(crate) fn on_query(
        &mut self,
        now: Instant,
        group: IpAddr,
        most: Duration,
        older: Option<u8>,
        random: &mut Random,
    ) {
        if let Some(version) = older
            && let Some(place) = self.older.get_mut(family(group))
        {
            *place = Some(Older { version, until: now + OLDER_QUERIER });
        }
        let all = group.is_unspecified();
        let most = u32::try_from(most.min(LONGEST_ANSWER).as_micros()).unwrap_or(u32::MAX);
        for entry in self.list.iter_mut().filter(|entry| entry.users > 0 && is_reported(entry.address)) {
            if entry.address == group || all && entry.address.is_ipv4() == group.is_ipv4() {
                let due = now + Duration::from_micros(u64::from(random.below(most)));
                entry.answer_due = entry.answer_due.min(due);
            }
        }
    }

    /// A report that is due.
    pub(crate) fn pop_due(&mut self, now: Instant, random: &mut Random) -> Option<Report> {
        let place = self.list.iter().position(|entry| entry.change_due <= now || entry.answer_due <= now)?;
        let entry = self.list.get_mut(place)?;
        let group = entry.address;
        let older = self.older.get(family(group)).copied().flatten().filter(|older| now < older.until);
        let news = if entry.change_due > now {
            entry.answer_due = Instant::FAR_FUTURE;
            News::Listening
        } else {
            entry.changes = entry.changes.saturating_sub(1);
            let wait = Duration::from_micros(u64::from(random.below(UNSOLICITED.as_micros() as u32)));
            entry.change_due = if entry.changes > 0 { now + wait } else { Instant::FAR_FUTURE };
            if entry.users > 0 { News::Joined } else { News::Left }
        };
        if entry.users == 0 && entry.changes == 0 {
            self.list.remove(place);
        }
        Some(Report { group, news, version: older.map(|older| older.version) })
    }

    /// The link may be another: everybody is told again.
    pub(crate) fn begin_again(&mut self, now: Instant) {
        self.older = [None; 2];
        for entry in self.list.iter_mut().filter(|entry| entry.users > 0 && is_reported(entry.address)) {
            (entry.changes, entry.change_due) = (ROBUSTNESS, now);
        }
    }

    /// When a report is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        let due = self.list.iter().map(|entry| entry.change_due.min(entry.answer_due));
        due.min().filter(|due| *due < Instant::FAR_FUTURE)
    }
}

fn family(group: IpAddr) -> usize {
    usize::from(group.is_ipv6())
}

/// Whether routers are told of a group: not of all hosts, nor of what never leaves the host (RFC 3376 5, RFC 3810 6).
fn is_reported(group: IpAddr) -> bool {
    match group {
        IpAddr::V4(group) => group != igmp::ALL_SYSTEMS,
        IpAddr::V6(group) => group != ipv6::ALL_NODES && group.octets()[1] & 0xf > 1,
    }
}

/// The stations that take packets to a group (RFC 1112 6.4, RFC 2464 7).
pub(crate) fn station_of(group: IpAddr) -> MacAddress {
    match group {
        IpAddr::V4(group) => of_v4(group),
        IpAddr::V6(group) => {
            let [.., c, d, e, f] = group.octets();
            MacAddress([0x33, 0x33, c, d, e, f])
        }
    }
}

fn of_v4(group: Ipv4Addr) -> MacAddress {
    let [_, b, c, d] = group.octets();
    MacAddress([0x01, 0x00, 0x5e, b & 0x7f, c, d])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(last: u8) -> IpAddr {
        [239, 1, 2, last].into()
    }

    fn due(groups: &mut Groups, now: Instant, random: &mut Random) -> Vec<News> {
        core::iter::from_fn(|| groups.pop_due(now, random)).map(|report| report.news).collect()
    }

    #[test]
    fn a_change_is_told_twice_and_a_query_answered_once() {
        let mut random = Random::new([4; 32]);
        let mut groups = Groups::new();
        let now = Instant::from_millis(5);
        groups.join(now, group(3)).unwrap();
        groups.join(now, group(3)).unwrap();
        assert!(groups.contains(group(3)) && groups.hears(MacAddress([1, 0, 0x5e, 1, 2, 3])));
        assert_eq!(due(&mut groups, now, &mut random), [News::Joined]);
        let second = groups.next().unwrap();
        assert!(second <= now + UNSOLICITED);
        assert_eq!(due(&mut groups, second, &mut random), [News::Joined]);
        assert_eq!(groups.next(), None);
        groups.on_query(now, Ipv4Addr::UNSPECIFIED.into(), Duration::from_secs(10), None, &mut random);
        let answer = groups.next().unwrap();
        assert!(answer <= now + Duration::from_secs(10));
        assert_eq!(due(&mut groups, answer, &mut random), [News::Listening]);
        groups.leave(now, group(3));
        assert!(groups.contains(group(3)), "another still wants it");
        groups.leave(now, group(3));
        assert!(!groups.contains(group(3)));
        assert_eq!(due(&mut groups, now, &mut random), [News::Left]);
        let second = groups.next().unwrap();
        assert_eq!(due(&mut groups, second, &mut random), [News::Left]);
        assert!(groups.list.is_empty());
    }

    #[test]
    fn an_older_querier_counts_for_a_while() {
        let mut random = Random::new([4; 32]);
        let mut groups = Groups::new();
        let now = Instant::from_millis(5);
        groups.on_query(now, Ipv4Addr::UNSPECIFIED.into(), Duration::ZERO, Some(2), &mut random);
        groups.join(now, group(3)).unwrap();
        assert_eq!(groups.pop_due(now, &mut random).unwrap().version, Some(2));
        let later = now + OLDER_QUERIER;
        assert_eq!(groups.pop_due(later, &mut random).unwrap().version, None);
    }

    #[test]
    fn groups_are_bounded_and_all_hosts_always_in() {
        let mut groups = Groups::new();
        for n in 0..MAXIMUM_GROUPS {
            assert!(groups.join(Instant::ZERO, [239, 0, (n >> 8) as u8, n as u8].into()).is_some());
        }
        assert!(groups.join(Instant::ZERO, group(9)).is_none());
        assert!(groups.contains(igmp::ALL_SYSTEMS.into()) && groups.contains(ipv6::ALL_NODES.into()));
    }
}
