//! One IPv6 address of an interface: asked for before use (RFC 4862 5.4), for a time, told when others claim it.

use super::source::Candidate;
use crate::config::{Defence, ProbeTimes};
use crate::interface::address::{AddressState, Claim};
use basis::{Instant, Random};
use core::net::Ipv6Addr;
use core::time::Duration;
use ipnet::Ipv6Net;
use wire::ethernet::MacAddress;

/// Where an address comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Origin {
    /// The owner gave it.
    Owner,
    /// The stack formed it of the link's own prefix.
    LinkLocal,
    /// The stack formed it of a prefix that a router advertised.
    Router,
}

/// How long an address may be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Lifetime {
    /// Until when new connections begin from it.
    pub(crate) preferred_until: Instant,
    /// Until when it is ours.
    pub(crate) valid_until: Instant,
}

impl Lifetime {
    pub(crate) const FOR_EVER: Lifetime =
        Lifetime { preferred_until: Instant::FAR_FUTURE, valid_until: Instant::FAR_FUTURE };
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// This many solicitations are still to be sent, then one wait more; then it is ours.
    Tentative {
        left: u8,
    },
    Assigned,
    Conflict(MacAddress),
}

/// One address and what has become of it.
#[derive(Clone, Debug)]
pub(crate) struct OwnAddress {
    pub(crate) address: Ipv6Addr,
    pub(crate) prefix_length: u8,
    pub(crate) origin: Origin,
    lifetime: Lifetime,
    /// Whether its preferred lifetime is over: new connections begin from another, if there is one.
    deprecated: bool,
    /// How often an address like this was found taken (RFC 7217 5: DAD_Counter).
    pub(crate) attempt: u8,
    /// By which our own solicitation is known when a link gives it back (RFC 7527).
    pub(crate) nonce: [u8; 6],
    times: Option<ProbeTimes>,
    phase: Phase,
    due: Instant,
    claim: Option<Claim>,
    last_defence: Option<Instant>,
}

/// What an address wants to be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Action {
    /// Ask whether anybody has it.
    Solicit,
    /// It may be used from now on.
    Assigned,
    /// The station with this hardware address has it.
    Lost(MacAddress),
    /// The station with this hardware address claims it; tell all that it is ours.
    Defend(MacAddress),
    /// The station with this hardware address claims it; all were told not long ago.
    Endure(MacAddress),
}

/// How often an address is asked for (RFC 4862 5.1: DupAddrDetectTransmits).
const SOLICITATIONS: u8 = 1;
/// How long an answer may take (RFC 4861 10: RETRANS_TIMER); less where the owner's times say so.
const RETRANS_TIMER: Duration = Duration::from_secs(1);

impl OwnAddress {
    pub(crate) fn new(network: Ipv6Net, origin: Origin, times: Option<ProbeTimes>) -> OwnAddress {
        OwnAddress {
            address: network.addr(),
            prefix_length: network.prefix_len(),
            origin,
            lifetime: Lifetime::FOR_EVER,
            deprecated: false,
            attempt: 0,
            nonce: [0; 6],
            times,
            phase: Phase::Assigned,
            due: Instant::FAR_FUTURE,
            claim: None,
            last_defence: None,
        }
    }

    /// Begins to ask for it, or takes it at once.
    pub(crate) fn begin(&mut self, now: Instant, random: &mut Random) {
        (self.claim, self.last_defence) = (None, None);
        match self.times {
            None => (self.phase, self.due) = (Phase::Assigned, Instant::FAR_FUTURE),
            Some(times) => {
                // RFC 4862 5.4.2: hosts that start together do not ask together.
                let most = u32::try_from(times.wait.as_micros()).unwrap_or(u32::MAX);
                let wait = Duration::from_micros(u64::from(random.below(most)));
                self.phase = Phase::Tentative { left: SOLICITATIONS };
                self.due = now + wait;
                let [_, _, nonce @ ..] = random.next_u64().to_be_bytes();
                self.nonce = nonce;
            }
        }
    }

    pub(crate) fn was_asked_for(&self) -> bool {
        self.times.is_some()
    }

    pub(crate) fn state(&self) -> AddressState {
        match self.phase {
            Phase::Tentative { .. } => AddressState::Probing,
            Phase::Assigned => AddressState::Assigned,
            Phase::Conflict(by) => AddressState::Conflict(by),
        }
    }

    #[inline]
    pub(crate) fn is_assigned(&self) -> bool {
        self.phase == Phase::Assigned
    }

    pub(crate) fn is_tentative(&self) -> bool {
        matches!(self.phase, Phase::Tentative { .. })
    }

    pub(crate) fn claim(&self) -> Option<Claim> {
        self.claim
    }

    pub(crate) fn network(&self) -> Ipv6Net {
        // The length was checked when the address was added.
        Ipv6Net::new_assert(self.address, self.prefix_length.min(128))
    }

    pub(crate) fn candidate(&self) -> Candidate {
        Candidate { address: self.address, prefix_length: self.prefix_length, deprecated: self.deprecated }
    }

    pub(crate) fn lifetime(&self) -> Lifetime {
        self.lifetime
    }

    pub(crate) fn set_lifetime(&mut self, now: Instant, lifetime: Lifetime) {
        self.lifetime = lifetime;
        self.deprecated = lifetime.preferred_until <= now;
    }

    /// When something is due about it.
    pub(crate) fn next(&self) -> Instant {
        let preferred = if self.deprecated { Instant::FAR_FUTURE } else { self.lifetime.preferred_until };
        self.due.min(self.lifetime.valid_until).min(preferred)
    }

    pub(crate) fn on_timeout(&mut self, now: Instant) -> Option<Action> {
        self.deprecated = self.lifetime.preferred_until <= now;
        if now < self.due {
            return None;
        }
        match self.phase {
            Phase::Tentative { left: 0 } => {
                (self.phase, self.due) = (Phase::Assigned, Instant::FAR_FUTURE);
                Some(Action::Assigned)
            }
            Phase::Tentative { left } => {
                self.phase = Phase::Tentative { left: left - 1 };
                self.due = now + self.times.unwrap_or_default().announce_wait.min(RETRANS_TIMER);
                Some(Action::Solicit)
            }
            Phase::Assigned | Phase::Conflict(_) => {
                self.due = Instant::FAR_FUTURE;
                None
            }
        }
    }

    /// Another station solicits the address for itself (RFC 4862 5.4.3): both lose it.
    pub(crate) fn on_rival(&mut self, station: MacAddress, nonce: Option<[u8; 6]>) -> Option<Action> {
        // RFC 7527 4.2: it is our own, given back by the link.
        (self.is_tentative() && nonce != Some(self.nonce)).then(|| self.lose(station))
    }

    /// Another station says that it has the address (RFC 4862 5.4.4).
    pub(crate) fn on_claim(&mut self, now: Instant, station: MacAddress, defence: Defence) -> Option<Action> {
        match self.phase {
            Phase::Tentative { .. } => Some(self.lose(station)),
            Phase::Conflict(_) => None,
            Phase::Assigned => {
                let interval = self.times.unwrap_or_default().defend_interval;
                let last = self.claim.replace(Claim { station, at: now, until: now + interval });
                if defence == Defence::GiveUp && last.is_some_and(|last| now < last.until) {
                    return Some(self.lose(station));
                }
                if self.last_defence.is_some_and(|last| now < last + interval) {
                    return Some(Action::Endure(station));
                }
                self.last_defence = Some(now);
                Some(Action::Defend(station))
            }
        }
    }

    fn lose(&mut self, to: MacAddress) -> Action {
        (self.phase, self.due) = (Phase::Conflict(to), Instant::FAR_FUTURE);
        Action::Lost(to)
    }
}
