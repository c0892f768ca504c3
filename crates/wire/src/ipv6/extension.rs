//! The headers between the fixed header and what a packet carries (RFC 8200 4).

use super::{HEADER_LENGTH, Header};
use crate::malformed::Malformed;
use crate::protocol;
use basis::Frame;

/// Extension headers of one packet that are read; a packet with more is discarded (RFC 8504 5.3 allows such a bound).
pub const MAXIMUM_HEADERS: usize = 8;
/// Options of one extension header that are read, padding included; a packet with more is discarded (RFC 8504 5.3).
pub const MAXIMUM_OPTIONS: usize = 32;
/// Bytes of a fragment header.
pub const FRAGMENT_LENGTH: usize = 8;

/// Code of a Parameter Problem: a field has a value that makes no sense.
pub const ERRONEOUS_FIELD: u8 = 0;
/// Code of a Parameter Problem: the next header is not known.
pub const UNKNOWN_NEXT_HEADER: u8 = 1;
/// Code of a Parameter Problem: the option is not known.
pub const UNKNOWN_OPTION: u8 = 2;
/// Code of a Parameter Problem: the first fragment lacks headers (RFC 7112 5).
pub const INCOMPLETE_FIRST_FRAGMENT: u8 = 3;

const PAD1: u8 = 0;
const PADN: u8 = 1;

/// What a fragment header says (RFC 8200 4.5).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fragment {
    /// What the fragmentable part begins with: see [`crate::protocol`].
    pub next_header: u8,
    /// Where this fragment's bytes belong, in bytes; a multiple of 8.
    pub offset: u16,
    /// Whether this is not the last.
    pub more: bool,
    /// What the fragments of one packet have in common.
    pub identification: u32,
}

impl Fragment {
    /// Whether this is no fragment at all but a whole packet with a fragment header (RFC 6946).
    pub const fn is_atomic(&self) -> bool {
        self.offset == 0 && !self.more
    }

    fn parse(bytes: &[u8]) -> Result<Fragment, Malformed> {
        let &[next_header, _, high, low, a, b, c, d] =
            bytes.first_chunk::<FRAGMENT_LENGTH>().ok_or(Malformed::Ipv6Extension)?;
        let field = u16::from_be_bytes([high, low]);
        let identification = u32::from_be_bytes([a, b, c, d]);
        Ok(Fragment { next_header, offset: field & 0xfff8, more: field & 1 != 0, identification })
    }

    /// Writes the header in front of `frame`.
    pub fn prepend_to(&self, frame: &mut Frame) {
        let [high, low] = (self.offset & 0xfff8 | u16::from(self.more)).to_be_bytes();
        let [a, b, c, d] = self.identification.to_be_bytes();
        frame.prepend(FRAGMENT_LENGTH).copy_from_slice(&[self.next_header, 0, high, low, a, b, c, d]);
    }
}

/// Where the extension headers end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Chain {
    /// What the packet carries: see [`crate::protocol`].
    pub protocol: u8,
    /// Bytes from the packet's front to what it carries; of a fragment, to the fragment's bytes.
    pub offset: usize,
    /// Bytes from the packet's front to the byte that names [`Chain::protocol`]: what a Parameter Problem points at.
    pub named_at: usize,
    /// Bytes from the packet's front to the byte that names the fragment header; 0 if there is none.
    pub fragment_named_at: usize,
    /// The fragment header, if the packet is a part of another; an atomic fragment is none. The chain ends there.
    pub fragment: Option<Fragment>,
}

/// Why a packet is discarded because of its extension headers, and what its sender is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// Discarded in silence.
    Malformed(Malformed),
    /// An option that is not known wants the packet discarded in silence (RFC 8200 4.2, action 01).
    Silent,
    /// Discarded with a Parameter Problem.
    Problem {
        /// Its code.
        code: u8,
        /// Bytes from the packet's front to what is wrong.
        pointer: u32,
        /// Whether the sender of a packet to a group is told too (RFC 8200 4.2, action 10).
        even_to_group: bool,
    },
}

impl Chain {
    /// Follows the headers of the packet that begins with `first` and `header`. The headers must lie in `first`.
    ///
    /// # Errors
    /// The [`Refusal`] for whoever sent it.
    pub fn walk(first: &[u8], header: &Header) -> Result<Chain, Refusal> {
        let packet = first.get(..header.total_length()).unwrap_or(first);
        Chain::walk_from(packet, header.next_header, 6, HEADER_LENGTH)
    }

    /// Follows the headers from `offset` on, the first of which is `protocol`, named at `named_at`.
    ///
    /// # Errors
    /// As [`Chain::walk`].
    pub fn walk_from(
        packet: &[u8],
        mut protocol: u8,
        mut named_at: usize,
        mut offset: usize,
    ) -> Result<Chain, Refusal> {
        for _ in 0..=MAXIMUM_HEADERS {
            let length = match protocol {
                protocol::HOP_BY_HOP if offset == HEADER_LENGTH => read_options(packet, offset)?,
                protocol::DESTINATION_OPTIONS => read_options(packet, offset)?,
                protocol::ROUTING => read_routing(packet, offset)?,
                protocol::FRAGMENT => {
                    let behind = packet.get(offset..).unwrap_or_default();
                    let fragment = Fragment::parse(behind).map_err(Refusal::Malformed)?;
                    if !fragment.is_atomic() {
                        let (protocol, fragment) = (fragment.next_header, Some(fragment));
                        return Ok(Chain {
                            protocol,
                            offset: offset + FRAGMENT_LENGTH,
                            named_at: offset,
                            fragment_named_at: named_at,
                            fragment,
                        });
                    }
                    FRAGMENT_LENGTH
                }
                // RFC 8200 4.3: hop-by-hop options stand right behind the fixed header or are not known.
                protocol::HOP_BY_HOP => return Err(problem(UNKNOWN_NEXT_HEADER, named_at)),
                _ => return Ok(Chain { protocol, offset, named_at, fragment_named_at: 0, fragment: None }),
            };
            named_at = offset;
            protocol = packet.get(offset).copied().unwrap_or(protocol::NO_NEXT_HEADER);
            offset += length;
        }
        Err(Refusal::Malformed(Malformed::Ipv6TooManyHeaders))
    }
}

/// What a packet carries behind all its extension headers, whatever they say, and how many bytes from its front; `None` if that is in
/// another fragment, or cannot be found.
#[must_use]
pub fn behind_all(packet: &[u8], header: &Header) -> Option<(u8, usize)> {
    let (mut protocol, mut offset) = (header.next_header, HEADER_LENGTH);
    for _ in 0..=MAXIMUM_HEADERS {
        let length = match protocol {
            protocol::HOP_BY_HOP | protocol::DESTINATION_OPTIONS | protocol::ROUTING => {
                extension(packet, offset).ok()?.len()
            }
            protocol::FRAGMENT if Fragment::parse(packet.get(offset..)?).ok()?.offset == 0 => FRAGMENT_LENGTH,
            protocol::FRAGMENT => return None,
            _ => return Some((protocol, offset)),
        };
        protocol = *packet.get(offset)?;
        offset += length;
    }
    None
}

fn problem(code: u8, pointer: usize) -> Refusal {
    Refusal::Problem { code, pointer: pointer as u32, even_to_group: false }
}

/// The bytes of the extension header at `offset`, whose second byte counts units of 8 bytes beyond the first.
fn extension(packet: &[u8], offset: usize) -> Result<&[u8], Refusal> {
    let malformed = Refusal::Malformed(Malformed::Ipv6Extension);
    let units = usize::from(*packet.get(offset + 1).ok_or(malformed)?) + 1;
    packet.get(offset..offset + units * 8).ok_or(malformed)
}

/// Reads the options of the header at `offset`: none but padding is known (RFC 8200 4.2). Returns its length.
fn read_options(packet: &[u8], offset: usize) -> Result<usize, Refusal> {
    let header = extension(packet, offset)?;
    let mut at = 2;
    let mut count = 0;
    while let Some(kind) = header.get(at).copied() {
        count += 1;
        if count > MAXIMUM_OPTIONS {
            return Err(Refusal::Malformed(Malformed::Ipv6TooManyHeaders));
        }
        if kind == PAD1 {
            at += 1;
            continue;
        }
        let length = header.get(at + 1).ok_or(Refusal::Malformed(Malformed::Ipv6Extension))?;
        let end = at + 2 + usize::from(*length);
        if end > header.len() {
            return Err(Refusal::Malformed(Malformed::Ipv6Extension));
        }
        let pointer = (offset + at) as u32;
        match kind >> 6 {
            _ if kind == PADN => {}
            0b00 => {}
            0b01 => return Err(Refusal::Silent),
            action => {
                return Err(Refusal::Problem {
                    code: UNKNOWN_OPTION,
                    pointer,
                    even_to_group: action == 0b10,
                });
            }
        }
        at = end;
    }
    Ok(header.len())
}

/// Reads a routing header: no type is known, and only one that has been used up is skipped (RFC 8200 4.4; RFC 5095 for type 0).
fn read_routing(packet: &[u8], offset: usize) -> Result<usize, Refusal> {
    let header = extension(packet, offset)?;
    match header {
        [_, _, _, 0, ..] => Ok(header.len()),
        _ => Err(problem(ERRONEOUS_FIELD, offset + 2)),
    }
}

/// Writes hop-by-hop options that make routers look at a packet of multicast listener discovery (RFC 2711 2.1) in front of
/// `frame`, whose bytes are of `protocol`.
pub fn prepend_router_alert(frame: &mut Frame, protocol: u8) {
    const ROUTER_ALERT: u8 = 5;
    frame.prepend(8).copy_from_slice(&[protocol, 0, ROUTER_ALERT, 2, 0, 0, PADN, 0]);
}

#[cfg(test)]
mod tests;
