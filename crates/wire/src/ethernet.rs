//! Ethernet II frames (IEEE 802.3 clause 3, RFC 894).

use crate::malformed::Malformed;
use basis::Frame;
use core::fmt;
use core::str::FromStr;

/// Bytes of an Ethernet header; the frame check sequence is the device's business.
pub const HEADER_LENGTH: usize = 14;

/// A hardware address.
///
/// ```
/// use netstrata_wire::ethernet::MacAddress;
/// let address: MacAddress = "02:00:00:00:00:0a".parse().unwrap();
/// assert_eq!(address, MacAddress([2, 0, 0, 0, 0, 10]));
/// assert!(address.is_unicast() && address.is_local());
/// assert_eq!(MacAddress::BROADCAST.to_string(), "ff:ff:ff:ff:ff:ff");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MacAddress(pub [u8; 6]);

impl MacAddress {
    /// All stations.
    pub const BROADCAST: MacAddress = MacAddress([0xff; 6]);
    /// No station: the target of an ARP request.
    pub const UNSPECIFIED: MacAddress = MacAddress([0; 6]);

    /// Whether the frame is for all stations.
    #[inline]
    pub fn is_broadcast(self) -> bool {
        self == MacAddress::BROADCAST
    }

    /// Whether the frame is for a group of stations; broadcast is one.
    #[inline]
    pub const fn is_multicast(self) -> bool {
        self.0[0] & 1 != 0
    }

    /// Whether the address can be that of one station: neither a group nor unspecified.
    #[inline]
    pub fn is_unicast(self) -> bool {
        !self.is_multicast() && self.to_bits() != 0
    }

    /// The address as a number of 48 bits, the first byte first: to compare at once.
    #[inline]
    #[must_use]
    pub const fn to_bits(self) -> u64 {
        let [a, b, c, d, e, f] = self.0;
        u64::from_be_bytes([0, 0, a, b, c, d, e, f])
    }

    /// Whether the address was given out locally, not by a manufacturer.
    #[inline]
    pub const fn is_local(self) -> bool {
        self.0[0] & 2 != 0
    }
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not six hexadecimal bytes joined by `:` or `-`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a hardware address is six two-digit hexadecimal bytes, like 02:00:00:00:00:0a")]
pub struct ParseMacAddressError;

impl FromStr for MacAddress {
    type Err = ParseMacAddressError;

    fn from_str(text: &str) -> Result<MacAddress, ParseMacAddressError> {
        let separator = if text.contains('-') { '-' } else { ':' };
        let mut parts = text.split(separator);
        let mut bytes = [0; 6];
        for byte in &mut bytes {
            let part = parts.next().ok_or(ParseMacAddressError)?;
            // from_str_radix alone would accept a sign.
            if part.len() != 2 || !part.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return Err(ParseMacAddressError);
            }
            *byte = u8::from_str_radix(part, 16).map_err(|_| ParseMacAddressError)?;
        }
        if parts.next().is_some() { Err(ParseMacAddressError) } else { Ok(MacAddress(bytes)) }
    }
}

/// What an Ethernet frame carries (IANA "IEEE 802 Numbers"). Under 0x0600 it is a length and the frame not Ethernet II.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct EtherType(pub u16);

impl EtherType {
    /// Internet Protocol version 4.
    pub const IPV4: EtherType = EtherType(0x0800);
    /// Address Resolution Protocol.
    pub const ARP: EtherType = EtherType(0x0806);
    /// Internet Protocol version 6.
    pub const IPV6: EtherType = EtherType(0x86dd);
}

impl fmt::Debug for EtherType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            EtherType::IPV4 => f.write_str("IPv4"),
            EtherType::ARP => f.write_str("ARP"),
            EtherType::IPV6 => f.write_str("IPv6"),
            EtherType(other) => write!(f, "0x{other:04x}"),
        }
    }
}

/// An Ethernet II header.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Header {
    /// Who is to take the frame.
    pub destination: MacAddress,
    /// Who sent it.
    pub source: MacAddress,
    /// What it carries.
    pub ether_type: EtherType,
}

impl Header {
    /// Reads the header at the front of `bytes`.
    ///
    /// # Errors
    /// [`Malformed::EthernetTooShort`].
    #[inline]
    pub fn parse(bytes: &[u8]) -> Result<Header, Malformed> {
        let header = bytes.first_chunk::<HEADER_LENGTH>().and_then(|header| {
            let (destination, rest) = header.split_first_chunk()?;
            let (source, rest) = rest.split_first_chunk()?;
            Some((destination, source, rest.first_chunk()?))
        });
        let Some((destination, source, ether_type)) = header else { return Err(Malformed::EthernetTooShort) };
        Ok(Header {
            destination: MacAddress(*destination),
            source: MacAddress(*source),
            ether_type: EtherType(u16::from_be_bytes(*ether_type)),
        })
    }

    /// Writes the header in front of `frame`.
    #[inline]
    pub fn prepend_to(&self, frame: &mut Frame) {
        let Header { destination, source, ether_type } = *self;
        let bytes = frame.prepend_array::<HEADER_LENGTH>();
        bytes[..6].copy_from_slice(&destination.0);
        bytes[6..12].copy_from_slice(&source.0);
        bytes[12..14].copy_from_slice(&ether_type.0.to_be_bytes());
    }
}

#[cfg(test)]
mod tests;
