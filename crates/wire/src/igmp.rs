//! The Internet group management protocol: who listens to which IPv4 groups (RFC 2236 and, as version 3, RFC 3376).

use crate::checksum::Sum;
use crate::malformed::Malformed;
use crate::mld::Record;
use crate::protocol;
use basis::Frame;
use core::net::Ipv4Addr;
use core::time::Duration;

/// The type of a query.
pub const QUERY: u8 = 0x11;
/// The type of a report of version 1.
pub const REPORT_V1: u8 = 0x12;
/// The type of a report of version 2.
pub const REPORT_V2: u8 = 0x16;
/// The type by which a listener of version 2 says that it no longer listens.
pub const LEAVE_V2: u8 = 0x17;
/// The type of a report of version 3.
pub const REPORT_V3: u8 = 0x22;
/// All hosts of a link; never reported.
pub const ALL_SYSTEMS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);
/// All routers of a link: who gets word that somebody left (RFC 2236 9).
pub const ALL_ROUTERS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 2);
/// Where reports of version 3 go (RFC 3376 4.2.14).
pub const ALL_V3_ROUTERS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 22);

/// What a querier asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Query {
    /// The group it asks about; unspecified: all.
    pub group: Ipv4Addr,
    /// How long answers may take; they are to be spread over this time.
    pub most: Duration,
    /// The querier's version: 1, 2 or 3.
    pub version: u8,
}

impl Query {
    /// Reads the message in `bytes`, all of it, and verifies its checksum.
    ///
    /// # Errors
    /// [`Malformed::GroupQuery`], [`Malformed::GroupChecksum`].
    pub fn parse(bytes: &[u8]) -> Result<Query, Malformed> {
        let &[kind, code, _, _, a, b, c, d] = bytes.first_chunk::<8>().ok_or(Malformed::GroupQuery)?;
        if Sum::ZERO.add_bytes(bytes).finish() != 0 {
            return Err(Malformed::GroupChecksum);
        }
        // RFC 3376 7.1: 8 bytes are version 1 or 2, 12 and more version 3.
        let (version, tenths) = match bytes.len() {
            8 if code == 0 => (1, 100),
            8 => (2, u64::from(code)),
            12.. if code < 0x80 => (3, u64::from(code)),
            12.. => (3, u64::from(code & 0xf | 0x10) << ((code >> 4 & 7) + 3)),
            _ => return Err(Malformed::GroupQuery),
        };
        let group = Ipv4Addr::new(a, b, c, d);
        if kind != QUERY || !group.is_unspecified() && !group.is_multicast() {
            return Err(Malformed::GroupQuery);
        }
        Ok(Query { group, most: Duration::from_millis(100 * tenths), version })
    }
}

/// A message of version 1 or 2 about `group`.
#[must_use]
pub fn version_2(kind: u8, group: Ipv4Addr) -> Frame {
    let mut frame = Frame::new();
    frame.append(&group.octets());
    frame.prepend(4).copy_from_slice(&[kind, 0, 0, 0]);
    complete(frame)
}

/// A report of version 3 with one record.
#[must_use]
pub fn version_3(record: Record, group: Ipv4Addr) -> Frame {
    let mut frame = Frame::new();
    frame.append(&[record.number(), 0, 0, 0]);
    frame.append(&group.octets());
    frame.prepend(8).copy_from_slice(&[REPORT_V3, 0, 0, 0, 0, 0, 0, 1]);
    complete(frame)
}

fn complete(mut frame: Frame) -> Frame {
    let checksum = Sum::ZERO.add_bytes(frame.first()).finish();
    if let Some(field) = frame.head_mut().get_mut(2..4) {
        field.copy_from_slice(&checksum.to_be_bytes());
    }
    frame
}

/// Writes an IPv4 header with one hop to live and the option that makes routers look (RFC 2113, RFC 3376 4) in front of a message.
pub fn prepend_header(frame: &mut Frame, source: Ipv4Addr, destination: Ipv4Addr) {
    const LENGTH: usize = 24;
    let total = (frame.len() + LENGTH).min(usize::from(u16::MAX)) as u16;
    let [high, low] = total.to_be_bytes();
    let mut header =
        [0x46, 0xc0, high, low, 0, 0, 0x40, 0, 1, protocol::IGMP, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 148, 4, 0, 0];
    header[12..16].copy_from_slice(&source.octets());
    header[16..20].copy_from_slice(&destination.octets());
    let checksum = Sum::ZERO.add_bytes(&header).finish();
    header[10..12].copy_from_slice(&checksum.to_be_bytes());
    frame.prepend(LENGTH).copy_from_slice(&header);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipv4;
    use proptest::prelude::*;
    use std::vec::Vec;

    fn query(code: u8, length: usize) -> Vec<u8> {
        let mut bytes = alloc::vec![0; length];
        bytes[..2].copy_from_slice(&[QUERY, code]);
        let checksum = Sum::ZERO.add_bytes(&bytes).finish();
        bytes[2..4].copy_from_slice(&checksum.to_be_bytes());
        bytes
    }

    #[test]
    fn queries_of_all_versions_tell_their_time() {
        let told = |code, length| {
            let query = Query::parse(&query(code, length)).unwrap();
            (query.version, query.most.as_millis())
        };
        assert_eq!(told(0, 8), (1, 10_000));
        assert_eq!(told(100, 8), (2, 10_000));
        assert_eq!(told(100, 12), (3, 10_000));
        assert_eq!(told(0x81, 12), (3, 0x11 * 8 * 100));
        assert_eq!(Query::parse(&query(1, 10)), Err(Malformed::GroupQuery));
        let mut bytes = query(1, 8);
        bytes[7] = 9;
        assert_eq!(Query::parse(&bytes), Err(Malformed::GroupChecksum));
    }

    #[test]
    fn a_report_has_a_header_that_alerts_routers() {
        let mut report = version_3(Record::Joined, Ipv4Addr::new(239, 1, 2, 3));
        assert_eq!(Sum::ZERO.add_bytes(&report.to_vec()).finish(), 0);
        prepend_header(&mut report, Ipv4Addr::new(10, 7, 0, 2), ALL_V3_ROUTERS);
        let header = ipv4::Header::parse(report.first(), report.len()).unwrap();
        assert_eq!((header.header_length, header.time_to_live, header.protocol), (24, 1, protocol::IGMP));
        assert_eq!(header.payload_length(), 16);
        let leave = version_2(LEAVE_V2, Ipv4Addr::new(239, 1, 2, 3)).to_vec();
        assert_eq!((leave.len(), Sum::ZERO.add_bytes(&leave).finish()), (8, 0));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = Query::parse(&bytes);
        }
    }
}
