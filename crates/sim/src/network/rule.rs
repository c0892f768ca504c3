//! Exact faults: what happens to the n-th packet of a kind.

use super::id::HostId;
use super::packet::Packet;
use std::fmt;
use std::time::Duration;
use wire::tcp::Flags;

/// Names a rule of a network.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RuleId(pub(crate) usize);

impl RuleId {
    /// Its place among the rules, in the order in which they were added.
    pub fn index(self) -> usize {
        self.0
    }
}

/// A fault that befalls chosen packets.
///
/// ```
/// use netstrata_sim::network::{Network, Rule};
/// use wire::tcp::Flags;
/// let mut network = Network::new(7);
/// let b = network.add_host("b");
/// network.add_rule(Rule::drop().from(b).with_flags(Flags::SYN | Flags::ACK).only(2)); // the second SYN-ACK from b
/// ```
pub struct Rule {
    effect: Effect,
    from: Option<HostId>,
    flags: Flags,
    wanted: Box<dyn Fn(&Packet) -> bool + Send>,
    /// Packets that match and are spared first.
    spare: u64,
    /// Packets that are met after that.
    most: u64,
    seen: u64,
    met: u64,
}

/// What becomes of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Effect {
    Drop,
    Duplicate,
    Delay(Duration),
    /// One bit is turned.
    Corrupt,
    /// The wire carries nothing any more, this packet included.
    Cut,
}

impl Rule {
    fn new(effect: Effect) -> Rule {
        Rule {
            effect,
            from: None,
            flags: Flags::NONE,
            wanted: Box::new(|_| true),
            spare: 0,
            most: u64::MAX,
            seen: 0,
            met: 0,
        }
    }

    /// Packets are lost.
    pub fn drop() -> Rule {
        Rule::new(Effect::Drop)
    }

    /// Packets arrive twice.
    pub fn duplicate() -> Rule {
        Rule::new(Effect::Duplicate)
    }

    /// Packets arrive so much later.
    pub fn delay(time: Duration) -> Rule {
        Rule::new(Effect::Delay(time))
    }

    /// One bit of the packets is turned.
    pub fn corrupt() -> Rule {
        Rule::new(Effect::Corrupt)
    }

    /// The wire is cut as soon as such a packet is put on it, and carries nothing any more.
    pub fn cut() -> Rule {
        Rule::new(Effect::Cut)
    }

    /// Only those from this host.
    #[must_use]
    pub fn from(self, host: HostId) -> Rule {
        Rule { from: Some(host), ..self }
    }

    /// Only TCP segments with all of these flags.
    #[must_use]
    pub fn with_flags(self, flags: Flags) -> Rule {
        Rule { flags, ..self }
    }

    /// Only those for which this holds.
    #[must_use]
    pub fn when(self, wanted: impl Fn(&Packet) -> bool + Send + 'static) -> Rule {
        Rule { wanted: Box::new(wanted), ..self }
    }

    /// Only the n-th that matches, counted from 1.
    #[must_use]
    pub fn only(self, n: u64) -> Rule {
        Rule { spare: n.saturating_sub(1), most: 1, ..self }
    }

    /// Only `count` of those that match, from the n-th on, counted from 1.
    #[must_use]
    pub fn between(self, n: u64, count: u64) -> Rule {
        Rule { spare: n.saturating_sub(1), most: count, ..self }
    }

    /// Only the first `n` that match.
    #[must_use]
    pub fn first(self, n: u64) -> Rule {
        Rule { spare: 0, most: n, ..self }
    }

    /// How many packets it has met.
    pub fn met(&self) -> u64 {
        self.met
    }

    /// What it does to this packet, if anything.
    pub(crate) fn apply(&mut self, host: HostId, packet: &Packet) -> Option<Effect> {
        let matches = self.from.is_none_or(|from| from == host)
            && (self.flags == Flags::NONE || packet.has_flags(self.flags))
            && (self.wanted)(packet);
        if !matches {
            return None;
        }
        self.seen += 1;
        if self.seen <= self.spare || self.met >= self.most {
            return None;
        }
        self.met += 1;
        Some(self.effect)
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule")
            .field("effect", &self.effect)
            .field("from", &self.from)
            .field("met", &self.met)
            .finish()
    }
}
