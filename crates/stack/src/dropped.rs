//! Why a packet was dropped, and how often.

use alloc::vec::Vec;
use thiserror::Error;

/// Why a packet was dropped. Every drop is counted under its reason.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum Dropped {
    /// No interface has this number.
    #[error("no such interface")]
    NoSuchInterface,
    /// The interface is down.
    #[error("the interface is down")]
    InterfaceDown,
    /// A format was violated.
    #[error("malformed: {0}")]
    Malformed(wire::Malformed),
    /// The frame is addressed to another station.
    #[error("for another station")]
    OtherStation,
    /// The frame came from our own hardware address.
    #[error("from our own hardware address")]
    OwnHardwareAddress,
    /// The frame's sender is a group address.
    #[error("sender is a group address")]
    GroupSender,
    /// The frame carries a protocol other than IPv4, IPv6 and ARP.
    #[error("unknown EtherType")]
    UnknownEtherType,
    /// The ARP packet's addresses make no sense.
    #[error("nonsense in ARP")]
    ArpNonsense,
    /// The source address may not come from outside (RFC 1122 3.2.1.3).
    #[error("martian source address")]
    MartianSource,
    /// The destination address may not come from outside (RFC 1122 3.2.1.3).
    #[error("martian destination address")]
    MartianDestination,
    /// The packet is addressed to another host.
    #[error("for another host")]
    OtherHost,
    /// The packet is for a stranger, and has no hop left on its way there (RFC 1812 5.3.1, RFC 8200 3).
    #[error("no hop left")]
    NoHopLeft,
    /// A broadcast frame carried a packet for one host (RFC 1122 3.3.6).
    #[error("packet for one host in a broadcast frame")]
    UnicastInBroadcast,
    /// The transport does not work by broadcast.
    #[error("broadcast to a protocol without it")]
    UnexpectedBroadcast,
    /// The IP protocol is not spoken here.
    #[error("unknown IP protocol")]
    UnknownProtocol,
    /// Nothing follows the IPv6 headers (RFC 8200 4.7).
    #[error("nothing follows the headers")]
    NothingFollows,
    /// An unknown option wants the packet discarded, or an extension header makes no sense (RFC 8200 4.2).
    #[error("IPv6 extension header refused")]
    ExtensionRefused,
    /// No socket has joined the group.
    #[error("no socket has joined the group")]
    GroupNotJoined,
    /// The fragment's length or place is impossible.
    #[error("impossible fragment")]
    ImpossibleFragment,
    /// The fragment would hide a transport header (RFC 1858, RFC 3128).
    #[error("tiny fragment")]
    TinyFragment,
    /// The fragment overlaps another; the datagram is given up (RFC 5722).
    #[error("overlapping fragment")]
    OverlappingFragment,
    /// The fragment has already come.
    #[error("duplicate fragment")]
    DuplicateFragment,
    /// Reassembly had no room.
    #[error("no room for the fragment")]
    ReassemblyFull,
    /// Too many segments put together of fragments wait for their shard.
    #[error("no room to hand the segment over")]
    HandoverFull,
    /// Fragments of the datagram were missing for too long.
    #[error("reassembly timed out")]
    ReassemblyTimeout,
    /// The ICMP message is of a kind that is ignored.
    #[error("ICMP message ignored")]
    IcmpIgnored,
    /// The ICMP error quotes nothing that we sent.
    #[error("ICMP error about nothing of ours")]
    IcmpUnrelated,
    /// No socket has the UDP port.
    #[error("no UDP socket")]
    UdpNoSocket,
    /// The UDP socket's receive queue is full.
    #[error("UDP receive queue full")]
    UdpQueueFull,
    /// No echo socket asked for this reply.
    #[error("unexpected echo reply")]
    PingUnexpected,
    /// The echo socket's queue is full.
    #[error("echo queue full")]
    PingQueueFull,
    /// TCP dropped the segment.
    #[error("TCP: {0}")]
    Tcp(tcp::Dropped),
    /// Sending: no route.
    #[error("no route")]
    NoRoute,
    /// Sending: the interface's queue is full.
    #[error("output queue full")]
    OutputQueueFull,
    /// Sending: too many packets wait for the neighbour's address; the oldest went.
    #[error("too many packets wait for the neighbour")]
    NeighbourQueueFull,
    /// Sending: the neighbour does not answer.
    #[error("the neighbour does not answer")]
    NeighbourUnreachable,
    /// Sending: the packet is too long for the interface and must not be fragmented.
    #[error("too long to send")]
    TooLong,
    /// Sending: an ICMP error was held back by the rate limit (RFC 1812 4.3.2.8).
    #[error("ICMP rate limit")]
    IcmpRateLimit,
}

/// How often packets were dropped, by reason.
#[derive(Clone, Debug, Default)]
pub struct DropCounters {
    /// A reason appears when it first occurs, so the list is as short as the kinds of [`Dropped`] are few.
    by_reason: Vec<(Dropped, u64)>,
}

impl DropCounters {
    pub(crate) fn count(&mut self, reason: Dropped) {
        match self.by_reason.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += 1,
            None => self.by_reason.push((reason, 1)),
        }
    }

    /// Packets dropped for `reason`.
    pub fn of(&self, reason: Dropped) -> u64 {
        self.by_reason.iter().find(|(known, _)| *known == reason).map_or(0, |(_, count)| *count)
    }

    /// Packets dropped for whatever reason.
    pub fn total(&self) -> u64 {
        self.by_reason.iter().map(|(_, count)| count).sum()
    }

    /// Every reason that occurred, with its count.
    pub fn iter(&self) -> impl Iterator<Item = (Dropped, u64)> + '_ {
        self.by_reason.iter().copied()
    }
}
