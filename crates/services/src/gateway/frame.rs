//! What a frame says of who sent it. Only as much is looked at as that takes; what makes no sense is left to the stack.

use super::holder::Station;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const ETHERNET_HEADER: usize = 14;
const IPV6_HEADER: usize = 40;
const UDP_HEADER: usize = 8;
const ICMP: u8 = 1;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;
/// RFC 4861 4.4.
const NEIGHBOUR_ADVERTISEMENT: u8 = 136;
/// The port of DHCP servers, and where the guest's hardware address is in what it says there (RFC 2131 2).
const DHCP_SERVER: u16 = 67;
const CHADDR: usize = 28;

/// Who sent a frame, and whom it speaks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Said {
    /// The frame's sender.
    pub(super) station: Station,
    /// The address that it says it has.
    pub(super) address: Option<IpAddr>,
    /// The hardware address that it says it has, where it says so once more.
    pub(super) hardware: Option<Station>,
    /// Whether it is a packet by which a flow can begin. One of ICMP may be of a router behind a guest, about a flow of that one.
    pub(super) begins: bool,
}

/// None for what speaks for nobody.
pub(super) fn read(frame: &[u8]) -> Option<Said> {
    let (header, packet) = frame.split_at_checked(ETHERNET_HEADER)?;
    let station = *header.get(6..)?.first_chunk::<6>()?;
    let (address, hardware, begins) = match header.get(12..)? {
        [0x08, 0x00] => {
            let header_length = usize::from(packet.first()? & 0xf) * 4;
            (IpAddr::V4(v4(packet, 12)?), dhcp_hardware(packet, header_length), *packet.get(9)? != ICMP)
        }
        [0x08, 0x06] => (IpAddr::V4(v4(packet, 14)?), packet.get(8..)?.first_chunk::<6>().copied(), false),
        [0x86, 0xdd] => {
            let advertised = advertised(packet);
            (IpAddr::V6(advertised.or_else(|| v6(packet, 8))?), None, *packet.get(6)? != ICMPV6)
        }
        _ => return None,
    };
    let address = Some(address).filter(|address| !address.is_unspecified());
    Some(Said { station, address, hardware, begins })
}

/// Whose neighbour advertisement it is.
fn advertised(packet: &[u8]) -> Option<Ipv6Addr> {
    let is_one = *packet.get(6)? == ICMPV6 && *packet.get(IPV6_HEADER)? == NEIGHBOUR_ADVERTISEMENT;
    is_one.then(|| v6(packet, IPV6_HEADER + 8))?
}

/// The hardware address in a message for a DHCP server.
fn dhcp_hardware(packet: &[u8], header_length: usize) -> Option<Station> {
    let is_first = u16::from_be_bytes(*packet.get(6..)?.first_chunk()?) & 0x1fff == 0;
    let datagram = packet.get(header_length..)?;
    let to = u16::from_be_bytes(*datagram.get(2..)?.first_chunk()?);
    let is_dhcp = *packet.get(9)? == UDP && is_first && to == DHCP_SERVER;
    is_dhcp.then(|| datagram.get(UDP_HEADER + CHADDR..)?.first_chunk::<6>().copied())?
}

fn v4(packet: &[u8], at: usize) -> Option<Ipv4Addr> {
    packet.get(at..)?.first_chunk::<4>().map(|octets| Ipv4Addr::from(*octets))
}

fn v6(packet: &[u8], at: usize) -> Option<Ipv6Addr> {
    packet.get(at..)?.first_chunk::<16>().map(|octets| Ipv6Addr::from(*octets))
}
