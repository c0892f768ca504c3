//! What a stack has done, in numbers. TCP counts for itself: `tcp::Host::counters`.

use crate::dropped::DropCounters;

/// All counters of a stack but TCP's own. They only grow.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    /// Frames that moved.
    pub link: LinkCounters,
    /// ARP.
    pub arp: ArpCounters,
    /// Neighbour discovery.
    pub discovery: DiscoveryCounters,
    /// IPv4 and IPv6.
    pub ip: IpCounters,
    /// ICMP and ICMPv6.
    pub icmp: IcmpCounters,
    /// UDP.
    pub udp: UdpCounters,
    /// Packets dropped on their way in or out, by reason.
    pub dropped: DropCounters,
}

/// Frames of all interfaces.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LinkCounters {
    /// Frames that arrived.
    pub received_frames: u64,
    /// Bytes of those.
    pub received_bytes: u64,
    /// Frames handed to links; a super-segment counts as one.
    pub sent_frames: u64,
    /// Bytes of those.
    pub sent_bytes: u64,
}

/// ARP packets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ArpCounters {
    /// Requests that arrived.
    pub received_requests: u64,
    /// Replies that arrived.
    pub received_replies: u64,
    /// Requests, probes and announcements sent.
    pub sent_requests: u64,
    /// Replies sent.
    pub sent_replies: u64,
    /// Packets that claimed one of our addresses.
    pub conflicts: u64,
}

/// Messages of neighbour discovery (RFC 4861).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DiscoveryCounters {
    /// Neighbour solicitations that arrived.
    pub received_solicitations: u64,
    /// Neighbour advertisements that arrived.
    pub received_advertisements: u64,
    /// Router advertisements that arrived and were believed.
    pub received_router_advertisements: u64,
    /// Neighbour solicitations sent.
    pub sent_solicitations: u64,
    /// Neighbour advertisements sent.
    pub sent_advertisements: u64,
    /// Router solicitations sent.
    pub sent_router_solicitations: u64,
    /// Messages by which another station claimed one of our addresses.
    pub conflicts: u64,
    /// Reports of groups sent, by IGMP and MLD.
    pub sent_group_reports: u64,
}

/// IPv4 and IPv6 packets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct IpCounters {
    /// Packets that arrived for this host.
    pub received: u64,
    /// Fragments that arrived.
    pub received_fragments: u64,
    /// Datagrams put together again.
    pub reassembled: u64,
    /// Datagrams cut into fragments.
    pub fragmented: u64,
    /// Fragments sent.
    pub sent_fragments: u64,
}

/// ICMP and ICMPv6 messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct IcmpCounters {
    /// Messages that arrived with a right checksum.
    pub received: u64,
    /// Echo requests that were answered.
    pub echoes_answered: u64,
    /// Echo replies that reached an echo socket.
    pub echo_replies: u64,
    /// Errors that arrived and reached a connection or socket.
    pub received_errors: u64,
    /// Errors sent.
    pub sent_errors: u64,
}

/// UDP datagrams.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct UdpCounters {
    /// Datagrams that reached a socket.
    pub received: u64,
    /// Datagrams sent.
    pub sent: u64,
}
