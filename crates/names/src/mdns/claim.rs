//! A name that must be the only one on the link, on its way to be so (RFC 6762 8).

use std::time::Duration;

use basis::{Instant, Random};

use crate::name::{LONGEST_LABEL, Name};

/// Time between probes, and at most before the first.
pub(super) const PROBE_INTERVAL: Duration = Duration::from_millis(250);
const PROBES: u8 = 3;
const ANNOUNCEMENTS: u8 = 2;
const ANNOUNCE_INTERVAL: Duration = Duration::from_secs(1);
/// After so many conflicts the probing slows down (RFC 6762 8.1).
const MANY_CONFLICTS: u32 = 15;
const SLOW: Duration = Duration::from_secs(5);
/// How long who lost a tie waits (RFC 6762 8.2).
const LOST_TIE: Duration = Duration::from_secs(1);

/// How far a name has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Probing { sent: u8, due: Instant },
    Announcing { sent: u8, due: Instant },
    Settled,
}

/// What is due for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Probe,
    Announcement,
}

#[derive(Clone, Debug)]
pub(super) struct Claim {
    /// What was wished for.
    label: String,
    domain: Name,
    /// How names that were taken are told apart: `label-2` for hosts, `label (2)` for services (RFC 6763 D).
    is_host: bool,
    number: u32,
    conflicts: u32,
    pub(super) name: Name,
    pub(super) phase: Phase,
}

impl Claim {
    pub(super) fn new(
        now: Instant,
        label: &str,
        domain: Name,
        is_host: bool,
        random: &mut Random,
    ) -> Option<Claim> {
        let name = domain.below(label).ok()?;
        let phase = Phase::Probing { sent: 0, due: now + random_up_to(random, PROBE_INTERVAL) };
        Some(Claim { label: label.to_owned(), domain, is_host, number: 1, conflicts: 0, name, phase })
    }

    /// Whether the name may be told.
    pub(super) fn is_won(&self) -> bool {
        !matches!(self.phase, Phase::Probing { .. })
    }

    pub(super) fn timeout(&self) -> Option<Instant> {
        match self.phase {
            Phase::Probing { due, .. } | Phase::Announcing { due, .. } => Some(due),
            Phase::Settled => None,
        }
    }

    /// What is due now, counted as done.
    pub(super) fn poll(&mut self, now: Instant) -> Option<Due> {
        match self.phase {
            Phase::Probing { sent, due } if due <= now => {
                if sent == PROBES {
                    // Nobody has said no.
                    self.phase = Phase::Announcing { sent: 1, due: now + ANNOUNCE_INTERVAL };
                    return Some(Due::Announcement);
                }
                self.phase = Phase::Probing { sent: sent + 1, due: now + PROBE_INTERVAL };
                Some(Due::Probe)
            }
            Phase::Announcing { sent, due } if due <= now => {
                self.phase = match sent + 1 {
                    sent if sent >= ANNOUNCEMENTS => Phase::Settled,
                    sent => Phase::Announcing { sent, due: now + ANNOUNCE_INTERVAL },
                };
                Some(Due::Announcement)
            }
            _ => None,
        }
    }

    /// Somebody else has the name: it is asked for again if it was ours, and given up if it was not yet.
    pub(super) fn conflict(&mut self, now: Instant, random: &mut Random) {
        if matches!(self.phase, Phase::Probing { .. }) {
            self.conflicts = self.conflicts.saturating_add(1);
            self.rename();
        }
        let wait = if self.conflicts >= MANY_CONFLICTS { SLOW } else { random_up_to(random, PROBE_INTERVAL) };
        self.phase = Phase::Probing { sent: 0, due: now + wait };
    }

    /// Somebody else asks for the name at the same time, and comes first.
    pub(super) fn lose_tie(&mut self, now: Instant) {
        self.phase = Phase::Probing { sent: 0, due: now + LOST_TIE };
    }

    fn rename(&mut self) {
        self.number = self.number.saturating_add(1);
        let end = match self.is_host {
            true => format!("-{}", self.number),
            false => format!(" ({})", self.number),
        };
        // A long name loses its end, at a character's.
        let mut length = self.label.len().min(LONGEST_LABEL - end.len());
        while !self.label.is_char_boundary(length) {
            length -= 1;
        }
        let label = self.label.get(..length).unwrap_or_default().to_owned() + &end;
        if let Ok(name) = self.domain.below(&label) {
            self.name = name;
        }
    }
}

pub(super) fn random_up_to(random: &mut Random, most: Duration) -> Duration {
    Duration::from_micros(u64::from(random.below(u32::try_from(most.as_micros()).unwrap_or(u32::MAX))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_name_gets_a_number_and_many_conflicts_slow_it_down() {
        let mut random = Random::new([7; 32]);
        let mut now = Instant::ZERO;
        let local = Name::parse("local").unwrap();
        let mut host = Claim::new(now, "server", local.clone(), true, &mut random).unwrap();
        host.conflict(now, &mut random);
        assert_eq!(host.name.to_string(), "server-2.local");
        let mut service = Claim::new(now, &"名".repeat(21), local, false, &mut random).unwrap();
        for _ in 1..MANY_CONFLICTS {
            service.conflict(now, &mut random);
            assert!(service.timeout().unwrap() < now + PROBE_INTERVAL);
        }
        service.conflict(now, &mut random);
        assert_eq!(service.timeout(), Some(now + SLOW));
        assert_eq!(service.name.first(), "名".repeat(19) + " (16)");
        now += SLOW;
        for _ in 0..PROBES {
            assert_eq!((service.poll(now), service.poll(now)), (Some(Due::Probe), None));
            now += PROBE_INTERVAL;
        }
        assert_eq!(service.poll(now), Some(Due::Announcement));
        // One that was won is asked for again, by the same name.
        let name = service.name.clone();
        service.conflict(now, &mut random);
        assert_eq!((service.is_won(), service.name == name), (false, true));
    }
}
