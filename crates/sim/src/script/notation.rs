//! What a script consists of.

use super::expression::Assertion;
use super::family::Family;
use super::options::TcpOption;
use super::settings::Settings;
use basis::Ecn;
use std::time::Duration;
use wire::icmpv4::{FRAGMENTATION_NEEDED, Message};
use wire::ipv6::MINIMUM_MTU;
use wire::tcp::Flags;

/// A script that has been read.
#[derive(Clone, Debug)]
pub struct Script {
    pub(crate) settings: Settings,
    pub(crate) events: Vec<Event>,
}

impl Script {
    /// The family that plays it if none is asked for: the one that it says itself, or IPv4.
    pub fn family(&self) -> Family {
        self.settings.family.unwrap_or_default()
    }

    /// Whether `family` can play it: the script says another one, or its paths are narrower than the 1280 bytes of IPv6.
    pub fn can_be_played_by(&self, family: Family) -> bool {
        match self.settings.family {
            // Where there is IPv4 on the wire, mapped addresses do as well.
            Some(Family::V4) => !family.is_v6(),
            Some(only) => family == only,
            None => !family.is_v6() || self.narrowest() >= MINIMUM_MTU,
        }
    }

    /// Bytes of the narrowest path that it speaks of, as long as they are with IPv6.
    fn narrowest(&self) -> usize {
        let told = self.events.iter().filter_map(|event| match &event.action {
            Action::Arrives(Packet::Icmp(IcmpMessage {
                message: Message::DestinationUnreachable { code: FRAGMENTATION_NEEDED, next_hop_mtu },
                ..
            })) => Some(usize::from(*next_hop_mtu)),
            _ => None,
        });
        let narrowest = told.chain([self.settings.mtu]).min().unwrap_or(0);
        Family::V6.mtu(narrowest)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) line: u32,
    pub(crate) when: When,
    pub(crate) action: Action,
}

/// When something happens. With an end, a packet may leave at any time between both, and a call blocks until the end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum When {
    /// Since the script began.
    Absolute {
        from: Duration,
        to: Option<Duration>,
    },
    /// Since the event before it.
    Relative {
        from: Duration,
        to: Option<Duration>,
    },
    Any,
}

#[derive(Clone, Debug)]
pub(crate) enum Action {
    Call(Call),
    Arrives(Packet),
    Leaves(TcpSegment),
    Assert(Vec<Assertion>),
}

/// A call of the socket API, and what it returns.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) expected: Expected,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Argument {
    /// `...`
    Any,
    Number(i64),
    Text(String),
    /// `A|B`
    Names(Vec<String>),
    List(Vec<Argument>),
    Fields(Vec<(String, Argument)>),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Expected {
    /// `?`
    Any,
    Value(i64),
    /// -1 and an error's name.
    Error(String),
}

#[derive(Clone, Debug)]
pub(crate) enum Packet {
    Tcp(TcpSegment),
    Icmp(IcmpMessage),
}

/// A segment as the script writes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct TcpSegment {
    pub(crate) peer: u16,
    /// `[ce]`: what the IP header says of congestion; a segment that leaves may say any unless the script tells.
    pub(crate) ecn: Option<Ecn>,
    /// `[tos 0xb8]`: the rest of the traffic class with it.
    pub(crate) traffic_class: Option<u8>,
    pub(crate) flags: Flags,
    pub(crate) sequence: u32,
    pub(crate) length: u32,
    pub(crate) acknowledgment: Option<u32>,
    pub(crate) window: Option<u16>,
    pub(crate) urgent: Option<u16>,
    /// `None` is `<...>`: whatever they are.
    pub(crate) options: Option<Vec<TcpOption>>,
}

/// An ICMP error about a segment that was sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct IcmpMessage {
    pub(crate) peer: u16,
    pub(crate) message: wire::icmpv4::Message,
    /// The number of the quoted segment.
    pub(crate) sequence: u32,
}
