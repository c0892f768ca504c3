//! A frame as rules and tests see it.

use wire::tcp::Flags;
use wire::{ethernet, ipv4, protocol, tcp};

/// A frame's headers, as far as they can be read.
#[derive(Clone, Debug)]
pub struct Packet {
    /// IPv4's; `None` if it is another protocol's frame, or broken.
    pub ip: Option<ipv4::Header>,
    /// TCP's.
    pub tcp: Option<tcp::Header>,
    /// Bytes of TCP's payload.
    pub payload: usize,
}

impl Packet {
    /// Reads a frame that begins with an Ethernet header, or else with IP's.
    pub fn read(bytes: &[u8], has_ethernet: bool) -> Packet {
        let nothing = Packet { ip: None, tcp: None, payload: 0 };
        let link = if has_ethernet { ethernet::HEADER_LENGTH } else { 0 };
        let Some(bytes) = bytes.get(link..) else { return nothing };
        let Ok(ip) = ipv4::Header::parse(bytes, bytes.len()) else { return nothing };
        let whole = bytes.get(ip.header_length..ip.total_length).filter(|_| !ip.is_fragment());
        let segment = whole.filter(|_| ip.protocol == protocol::TCP);
        match segment.and_then(|segment| Some((segment.len(), tcp::Header::parse(segment).ok()?))) {
            Some((length, (tcp, header))) => {
                Packet { ip: Some(ip), tcp: Some(tcp), payload: length.saturating_sub(header) }
            }
            None => Packet { ip: Some(ip), ..nothing },
        }
    }

    /// Whether it is a TCP segment with all of these flags.
    pub fn has_flags(&self, flags: Flags) -> bool {
        self.tcp.as_ref().is_some_and(|tcp| tcp.flags.contains(flags))
    }
}
