//! Neighbour discovery (RFC 4861), the messages of ICMPv6 by which hosts of a link and its routers find each other.

mod options;

pub use options::{MAXIMUM_NAME_SERVERS, MAXIMUM_PREFIXES, NameServers, Options, Prefix};

use crate::icmpv6::complete;
use crate::malformed::Malformed;
use basis::Frame;
use core::net::Ipv6Addr;

/// The hop limit of every message: one that came over a router has a smaller one and is not believed (RFC 4861 3.1).
pub const HOP_LIMIT: u8 = 255;
/// The type of a router solicitation.
pub const ROUTER_SOLICITATION: u8 = 133;
/// The type of a router advertisement.
pub const ROUTER_ADVERTISEMENT: u8 = 134;
/// The type of a neighbour solicitation.
pub const NEIGHBOUR_SOLICITATION: u8 = 135;
/// The type of a neighbour advertisement.
pub const NEIGHBOUR_ADVERTISEMENT: u8 = 136;
/// The type of a redirect.
pub const REDIRECT: u8 = 137;

/// A message, without its options.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Message {
    /// Asks routers to advertise themselves at once.
    RouterSolicitation,
    /// What a router says of itself and its link.
    RouterAdvertisement(Router),
    /// Asks for the hardware address of `target`.
    NeighbourSolicitation {
        /// Whose.
        target: Ipv6Addr,
    },
    /// Tells the hardware address of `target`.
    NeighbourAdvertisement {
        /// Whose.
        target: Ipv6Addr,
        /// Whether the sender is a router.
        router: bool,
        /// Whether it answers a solicitation of the receiver.
        solicited: bool,
        /// Whether it is to replace what the receiver knows.
        overriding: bool,
    },
    /// There is a better first hop.
    Redirect {
        /// The better one; the destination itself if that is on the link.
        target: Ipv6Addr,
        /// To where.
        destination: Ipv6Addr,
    },
}

/// The fixed part of a router advertisement (RFC 4861 4.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Router {
    /// The hop limit that hosts should use; 0: no word.
    pub hop_limit: u8,
    /// Whether addresses are to be had by DHCPv6.
    pub managed: bool,
    /// Whether other settings are to be had by DHCPv6.
    pub other: bool,
    /// For how many seconds it is a default router; 0: it is none.
    pub lifetime: u16,
    /// Milliseconds for which a neighbour counts as reachable; 0: no word.
    pub reachable_time: u32,
    /// Milliseconds between solicitations; 0: no word.
    pub retransmit_time: u32,
}

const MANAGED: u8 = 0x80;
const OTHER: u8 = 0x40;

impl Message {
    /// Reads the ICMPv6 message in `bytes`, all of it, whose checksum is right.
    ///
    /// # Errors
    /// [`Malformed::NdpTooShort`]; [`Malformed::NdpFormat`] for another code than 0, a target that is a group, or another type.
    pub fn parse(bytes: &[u8]) -> Result<(Message, Options), Malformed> {
        let &[kind, code, _, _, a, b, c, d] = bytes.first_chunk::<8>().ok_or(Malformed::NdpTooShort)?;
        if code != 0 {
            return Err(Malformed::NdpFormat);
        }
        let (message, length) = match kind {
            ROUTER_SOLICITATION => (Message::RouterSolicitation, 8),
            ROUTER_ADVERTISEMENT => {
                let times = bytes.get(8..16).ok_or(Malformed::NdpTooShort)?;
                let (reachable, retransmit) = times.split_at(4);
                let router = Router {
                    hop_limit: a,
                    managed: b & MANAGED != 0,
                    other: b & OTHER != 0,
                    lifetime: u16::from_be_bytes([c, d]),
                    reachable_time: word(reachable),
                    retransmit_time: word(retransmit),
                };
                (Message::RouterAdvertisement(router), 16)
            }
            NEIGHBOUR_SOLICITATION => (Message::NeighbourSolicitation { target: unicast(bytes, 8)? }, 24),
            NEIGHBOUR_ADVERTISEMENT => {
                let message = Message::NeighbourAdvertisement {
                    target: unicast(bytes, 8)?,
                    router: a & 0x80 != 0,
                    solicited: a & 0x40 != 0,
                    overriding: a & 0x20 != 0,
                };
                (message, 24)
            }
            REDIRECT => {
                let (target, destination) = (unicast(bytes, 8)?, unicast(bytes, 24)?);
                (Message::Redirect { target, destination }, 40)
            }
            _ => return Err(Malformed::NdpFormat),
        };
        let options = Options::parse(bytes.get(length..).ok_or(Malformed::NdpTooShort)?)?;
        Ok((message, options))
    }

    /// A frame with the message and its options, from `source` to `destination`: the checksum covers them.
    #[must_use]
    pub fn to_frame(&self, options: &Options, source: Ipv6Addr, destination: Ipv6Addr) -> Frame {
        let mut frame = options.to_frame();
        let (kind, flags) = match *self {
            Message::RouterSolicitation => (ROUTER_SOLICITATION, [0; 4]),
            Message::RouterAdvertisement(router) => {
                let times = frame.prepend(8);
                times[..4].copy_from_slice(&router.reachable_time.to_be_bytes());
                times[4..].copy_from_slice(&router.retransmit_time.to_be_bytes());
                let flags = if router.managed { MANAGED } else { 0 } | if router.other { OTHER } else { 0 };
                let [high, low] = router.lifetime.to_be_bytes();
                (ROUTER_ADVERTISEMENT, [router.hop_limit, flags, high, low])
            }
            Message::NeighbourSolicitation { target } => {
                frame.prepend(16).copy_from_slice(&target.octets());
                (NEIGHBOUR_SOLICITATION, [0; 4])
            }
            Message::NeighbourAdvertisement { target, router, solicited, overriding } => {
                frame.prepend(16).copy_from_slice(&target.octets());
                let flags = u8::from(router) << 7 | u8::from(solicited) << 6 | u8::from(overriding) << 5;
                (NEIGHBOUR_ADVERTISEMENT, [flags, 0, 0, 0])
            }
            Message::Redirect { target, destination } => {
                frame.prepend(16).copy_from_slice(&destination.octets());
                frame.prepend(16).copy_from_slice(&target.octets());
                (REDIRECT, [0; 4])
            }
        };
        let header = frame.prepend(8);
        header[..4].copy_from_slice(&[kind, 0, 0, 0]);
        header[4..].copy_from_slice(&flags);
        complete(&mut frame, source, destination);
        frame
    }
}

/// The address at `at`, which must be no group's.
fn unicast(bytes: &[u8], at: usize) -> Result<Ipv6Addr, Malformed> {
    let octets = bytes.get(at..).and_then(|rest| rest.first_chunk::<16>()).ok_or(Malformed::NdpTooShort)?;
    let address = Ipv6Addr::from(*octets);
    if address.is_multicast() { Err(Malformed::NdpFormat) } else { Ok(address) }
}

fn word(bytes: &[u8]) -> u32 {
    bytes.first_chunk::<4>().map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests;
