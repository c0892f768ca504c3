//! Multicast listener discovery: who listens to which IPv6 groups (RFC 2710 and, as version 2, RFC 3810).

use crate::icmpv6::complete;
use crate::malformed::Malformed;
use basis::Frame;
use core::net::Ipv6Addr;
use core::time::Duration;

/// The type of a query.
pub const QUERY: u8 = 130;
/// The type of a report of version 1.
pub const REPORT_V1: u8 = 131;
/// The type by which a listener of version 1 says that it no longer listens.
pub const DONE_V1: u8 = 132;
/// The type of a report of version 2.
pub const REPORT_V2: u8 = 143;
/// Where reports of version 2 go: all routers that speak it (RFC 3810 5.2.14).
pub const ALL_V2_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x16);

/// What a record of a report says of a group. Listening to chosen sources alone is not offered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Record {
    /// It is listened to: an answer to a query (RFC 3810 5.2.12, MODE_IS_EXCLUDE of no source).
    Listening,
    /// It is no longer listened to (CHANGE_TO_INCLUDE_MODE of no source).
    Left,
    /// It is now listened to (CHANGE_TO_EXCLUDE_MODE of no source).
    Joined,
}

impl Record {
    /// The number on the wire, the same in version 3 of IGMP.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Record::Listening => 2,
            Record::Left => 3,
            Record::Joined => 4,
        }
    }
}

/// What a querier asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Query {
    /// The group it asks about; unspecified: all.
    pub group: Ipv6Addr,
    /// How long answers may take; they are to be spread over this time.
    pub most: Duration,
    /// Whether the querier speaks version 1 only.
    pub version_1: bool,
}

impl Query {
    /// Reads the ICMPv6 message in `bytes`, all of it, whose checksum is right.
    ///
    /// # Errors
    /// [`Malformed::GroupQuery`].
    pub fn parse(bytes: &[u8]) -> Result<Query, Malformed> {
        let fixed = bytes.first_chunk::<24>().ok_or(Malformed::GroupQuery)?;
        let (header, group) = fixed.split_at(8);
        let &[QUERY, _, _, _, high, low, ..] = header else { return Err(Malformed::GroupQuery) };
        let code = u16::from_be_bytes([high, low]);
        // RFC 3810 8.1: 24 bytes are version 1, 28 and more version 2.
        let version_1 = match bytes.len() {
            24 => true,
            28.. => false,
            _ => return Err(Malformed::GroupQuery),
        };
        let milliseconds = if version_1 || code < 0x8000 { u64::from(code) } else { floating(code) };
        let group = group.first_chunk::<16>().map_or(Ipv6Addr::UNSPECIFIED, |octets| Ipv6Addr::from(*octets));
        if !group.is_unspecified() && !group.is_multicast() {
            return Err(Malformed::GroupQuery);
        }
        Ok(Query { group, most: Duration::from_millis(milliseconds), version_1 })
    }
}

/// RFC 3810 5.1.3: a mantissa of 12 bits and an exponent of 3.
fn floating(code: u16) -> u64 {
    let (exponent, mantissa) = (code >> 12 & 7, code & 0xfff);
    u64::from(mantissa | 0x1000) << (exponent + 3)
}

/// A message of version 1 about `group`: a report, or that nobody listens here any more.
#[must_use]
pub fn version_1(kind: u8, group: Ipv6Addr, source: Ipv6Addr, destination: Ipv6Addr) -> Frame {
    let mut frame = Frame::new();
    frame.append(&group.octets());
    frame.prepend(8).copy_from_slice(&[kind, 0, 0, 0, 0, 0, 0, 0]);
    complete(&mut frame, source, destination);
    frame
}

/// A report of version 2 with one record.
#[must_use]
pub fn version_2(record: Record, group: Ipv6Addr, source: Ipv6Addr) -> Frame {
    let mut bytes = [0; 20];
    bytes[0] = record.number();
    bytes[4..].copy_from_slice(&group.octets());
    let mut frame = Frame::new();
    frame.append(&bytes);
    frame.prepend(8).copy_from_slice(&[REPORT_V2, 0, 0, 0, 0, 0, 0, 1]);
    complete(&mut frame, source, ALL_V2_ROUTERS);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::icmpv6;
    use proptest::prelude::*;

    #[test]
    fn queries_of_both_versions_tell_their_time() {
        let mut bytes = [0; 28];
        bytes[0] = QUERY;
        bytes[4..6].copy_from_slice(&10_000_u16.to_be_bytes());
        let query = Query::parse(&bytes[..24]).unwrap();
        assert_eq!((query.most, query.version_1), (Duration::from_secs(10), true));
        bytes[4..6].copy_from_slice(&0x9001_u16.to_be_bytes());
        let query = Query::parse(&bytes).unwrap();
        assert_eq!((query.most, query.version_1), (Duration::from_millis(0x1001 << 4), false));
        assert!(query.group.is_unspecified());
        bytes[8] = 0x20;
        assert_eq!(Query::parse(&bytes), Err(Malformed::GroupQuery), "not a group");
        assert_eq!(Query::parse(&bytes[..26]), Err(Malformed::GroupQuery), "neither version");
    }

    #[test]
    fn reports_carry_right_checksums() {
        let (source, group) = ("fe80::1".parse().unwrap(), "ff02::1:ff00:1".parse().unwrap());
        let report = version_2(Record::Joined, group, source).to_vec();
        assert_eq!(icmpv6::verify(source, ALL_V2_ROUTERS, [&report, &[]]), Ok(()));
        assert_eq!((report.len(), report[8]), (28, 4));
        let report = version_1(REPORT_V1, group, source, group).to_vec();
        assert_eq!(icmpv6::verify(source, group, [&report, &[]]), Ok(()));
        assert_eq!(report.len(), 24);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = Query::parse(&bytes);
        }
    }
}
