//! What can be wrong with bytes from the network.

/// Why bytes are not a valid header: one variant for each reason, so that a host can count them apart.
///
/// ```
/// use netstrata_wire::{Malformed, ethernet};
/// assert_eq!(ethernet::Header::parse(&[0; 13]), Err(Malformed::EthernetTooShort));
/// assert_eq!(Malformed::TcpChecksum.to_string(), "TCP checksum is wrong");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, thiserror::Error)]
pub enum Malformed {
    /// Fewer bytes than an Ethernet header.
    #[error("frame is shorter than an Ethernet header")]
    EthernetTooShort,
    /// Fewer bytes than an ARP packet for IPv4 over Ethernet.
    #[error("frame is shorter than an ARP packet")]
    ArpTooShort,
    /// An ARP packet for other kinds of addresses than Ethernet's and IPv4's.
    #[error("ARP packet is not for IPv4 over Ethernet")]
    ArpFormat,
    /// An ARP operation that is neither request nor reply.
    #[error("ARP operation is neither request nor reply")]
    ArpOperation,
    /// Fewer bytes than an IPv4 header.
    #[error("packet is shorter than its IPv4 header")]
    Ipv4TooShort,
    /// A version other than 4.
    #[error("IP version is not 4")]
    Ipv4Version,
    /// A header length under 20 bytes.
    #[error("IPv4 header length is under 20 bytes")]
    Ipv4HeaderLength,
    /// A total length that is under the header's or beyond what arrived.
    #[error("IPv4 total length does not fit the packet")]
    Ipv4TotalLength,
    /// A header checksum that is wrong.
    #[error("IPv4 header checksum is wrong")]
    Ipv4Checksum,
    /// A fragment that ends beyond 65,535 bytes, or is not the last and no multiple of 8 bytes.
    #[error("IPv4 fragment cannot be a part of any datagram")]
    Ipv4Fragment,
    /// Fewer bytes than an ICMP header.
    #[error("packet is shorter than an ICMP header")]
    IcmpTooShort,
    /// An ICMP checksum that is wrong.
    #[error("ICMP checksum is wrong")]
    IcmpChecksum,
    /// An ICMP error that does not quote enough of a datagram to tell whom it concerns.
    #[error("ICMP error does not quote a datagram's beginning")]
    IcmpQuotation,
    /// Fewer bytes than a UDP header.
    #[error("packet is shorter than a UDP header")]
    UdpTooShort,
    /// A length that is under the header's or beyond what arrived.
    #[error("UDP length does not fit the packet")]
    UdpLength,
    /// A UDP checksum that is wrong.
    #[error("UDP checksum is wrong")]
    UdpChecksum,
    /// Fewer bytes than a TCP header.
    #[error("packet is shorter than a TCP header")]
    TcpTooShort,
    /// A data offset under 20 bytes or beyond what arrived.
    #[error("TCP data offset does not fit the packet")]
    TcpOffset,
    /// An option's length under 2 or beyond the header.
    #[error("TCP option's length does not fit the header")]
    TcpOption,
    /// A TCP checksum that is wrong.
    #[error("TCP checksum is wrong")]
    TcpChecksum,
    /// Fewer bytes than an IPv6 header.
    #[error("packet is shorter than an IPv6 header")]
    Ipv6TooShort,
    /// A version other than 6.
    #[error("IP version is not 6")]
    Ipv6Version,
    /// A payload length beyond what arrived.
    #[error("IPv6 payload length does not fit the packet")]
    Ipv6PayloadLength,
    /// An extension header or option that ends beyond the packet.
    #[error("IPv6 extension header does not fit the packet")]
    Ipv6Extension,
    /// More extension headers or options than are read.
    #[error("too many IPv6 extension headers or options")]
    Ipv6TooManyHeaders,
    /// Fewer bytes than a message of neighbour discovery.
    #[error("message of neighbour discovery is too short")]
    NdpTooShort,
    /// A message of neighbour discovery with a field that makes no sense, or that came over a router.
    #[error("message of neighbour discovery makes no sense")]
    NdpFormat,
    /// An option of neighbour discovery without length or beyond the message.
    #[error("option of neighbour discovery does not fit the message")]
    NdpOption,
    /// A query of IGMP or MLD that is none.
    #[error("IGMP or MLD query makes no sense")]
    GroupQuery,
    /// An IGMP checksum that is wrong.
    #[error("IGMP checksum is wrong")]
    GroupChecksum,
}

impl Malformed {
    /// Every reason, in the order of the variants: `ALL[reason as usize] == reason`.
    pub const ALL: [Malformed; 30] = [
        Malformed::EthernetTooShort,
        Malformed::ArpTooShort,
        Malformed::ArpFormat,
        Malformed::ArpOperation,
        Malformed::Ipv4TooShort,
        Malformed::Ipv4Version,
        Malformed::Ipv4HeaderLength,
        Malformed::Ipv4TotalLength,
        Malformed::Ipv4Checksum,
        Malformed::Ipv4Fragment,
        Malformed::IcmpTooShort,
        Malformed::IcmpChecksum,
        Malformed::IcmpQuotation,
        Malformed::UdpTooShort,
        Malformed::UdpLength,
        Malformed::UdpChecksum,
        Malformed::TcpTooShort,
        Malformed::TcpOffset,
        Malformed::TcpOption,
        Malformed::TcpChecksum,
        Malformed::Ipv6TooShort,
        Malformed::Ipv6Version,
        Malformed::Ipv6PayloadLength,
        Malformed::Ipv6Extension,
        Malformed::Ipv6TooManyHeaders,
        Malformed::NdpTooShort,
        Malformed::NdpFormat,
        Malformed::NdpOption,
        Malformed::GroupQuery,
        Malformed::GroupChecksum,
    ];
}

#[cfg(test)]
mod tests {
    use super::Malformed;

    #[test]
    fn every_reason_stands_at_its_own_index() {
        for (index, reason) in Malformed::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, index);
        }
        assert_eq!(Malformed::GroupChecksum as usize + 1, Malformed::ALL.len());
    }
}
