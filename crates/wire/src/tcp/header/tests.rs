use super::*;
use crate::tcp::options::tests::options;
use crate::test_support::{frame_of, mutate, mutations, payload};
use proptest::prelude::*;

const HERE: IpAddr = IpAddr::V4(core::net::Ipv4Addr::new(10, 7, 0, 1));
const THERE: IpAddr = IpAddr::V4(core::net::Ipv4Addr::new(10, 7, 0, 2));

fn header() -> impl Strategy<Value = Header> {
    let ports = any::<(u16, u16)>();
    let numbers = any::<(u32, u32)>();
    let others = any::<(u8, u16, u16)>();
    (ports, numbers, others, options()).prop_map(|(ports, numbers, others, mut options)| {
        // What finds no room is not written: the options' own tests are about that.
        options.sack.truncate(1);
        Header {
            source_port: ports.0,
            destination_port: ports.1,
            sequence: Seq(numbers.0),
            acknowledgment: Seq(numbers.1),
            flags: Flags(others.0),
            window: others.1,
            urgent: others.2,
            options,
        }
    })
}

#[test]
fn the_offset_must_fit() {
    let mut bytes = [0; 24];
    assert_eq!(Header::parse(&bytes[..19]), Err(Malformed::TcpTooShort));
    for (offset, length) in [(0x50, Ok(20)), (0x60, Ok(24)), (0x40, Err(Malformed::TcpOffset))] {
        bytes[12] = offset;
        assert_eq!(Header::parse(&bytes).map(|(_, length)| length), length);
    }
    for offset in [0x00, 0x70, 0xf0] {
        bytes[12] = offset;
        assert_eq!(Header::parse(&bytes), Err(Malformed::TcpOffset));
    }
}

#[test]
fn the_checksum_of_a_super_segment_is_deferred() {
    for (segment_size, checksum) in [(1460, Checksum::Complete), (0, Checksum::Deferred)] {
        let mut frame = frame_of(&[9; 5000], 0);
        frame.segment_size = segment_size;
        frame.checksum = checksum;
        Header { source_port: 9, ..Header::default() }.prepend_to(&mut frame, HERE, THERE);
        assert_eq!(frame.checksum, Checksum::Deferred);
        assert_eq!(frame.first()[16..18], [0, 0]);
        assert_eq!(Header::parse(frame.first()).unwrap().0.source_port, 9);
    }
}

proptest! {
    #[test]
    fn a_header_is_read_as_it_was_written(header in header(), (payload, split) in payload()) {
        let mut frame = frame_of(&payload, split);
        header.prepend_to(&mut frame, HERE, THERE);
        prop_assert_eq!(frame.len(), header.length() + payload.len());
        prop_assert_eq!(Header::parse(frame.first()), Ok((header.clone(), header.length())));
        prop_assert_eq!(verify(HERE, THERE, frame.parts()), Ok(()));
        prop_assert_eq!(frame.checksum, Checksum::Complete);
        frame.head_mut()[7] ^= 0x80;
        prop_assert_eq!(verify(HERE, THERE, frame.parts()), Err(Malformed::TcpChecksum));
    }

    #[test]
    fn etherparse_reads_what_we_write(header in header(), addresses: ([u8; 4], [u8; 4]), (payload, split) in payload()) {
        let mut frame = frame_of(&payload, split);
        header.prepend_to(&mut frame, addresses.0.into(), addresses.1.into());
        let bytes = frame.to_vec();
        let (theirs, rest) = etherparse::TcpHeader::from_slice(&bytes).unwrap();
        prop_assert_eq!(rest, &payload);
        prop_assert_eq!(theirs.checksum, theirs.calc_checksum_ipv4_raw(addresses.0, addresses.1, rest).unwrap());
        prop_assert_eq!((theirs.source_port, theirs.destination_port), (header.source_port, header.destination_port));
        prop_assert_eq!((theirs.sequence_number, theirs.acknowledgment_number), (header.sequence.0, header.acknowledgment.0));
        prop_assert_eq!((theirs.window_size, theirs.urgent_pointer), (header.window, header.urgent));
        let bits = [theirs.fin, theirs.syn, theirs.rst, theirs.psh, theirs.ack, theirs.urg, theirs.ece, theirs.cwr];
        let flags = bits.iter().rev().fold(0, |flags, bit| flags << 1 | u8::from(*bit));
        prop_assert_eq!(Flags(flags), header.flags);
        prop_assert_eq!(theirs.header_len(), header.length());
        prop_assert_eq!(Options::parse(theirs.options.as_slice()), Ok(header.options));
    }

    #[test]
    fn checksums_also_hold_between_ipv6_addresses(header in header(), addresses: ([u8; 16], [u8; 16]), (payload, split) in payload()) {
        let mut frame = frame_of(&payload, split);
        header.prepend_to(&mut frame, addresses.0.into(), addresses.1.into());
        let bytes = frame.to_vec();
        let (theirs, rest) = etherparse::TcpHeader::from_slice(&bytes).unwrap();
        prop_assert_eq!(theirs.checksum, theirs.calc_checksum_ipv6_raw(addresses.0, addresses.1, rest).unwrap());
    }

    #[test]
    fn what_is_read_from_a_broken_header_fits_the_bytes(header in header(), mutations in mutations(), keep in 0..80_usize) {
        let mut frame = frame_of(&[7; 20], 0);
        header.prepend_to(&mut frame, HERE, THERE);
        let mut bytes = frame.to_vec();
        mutate(&mut bytes, &mutations, keep);
        if let Ok((_, length)) = Header::parse(&bytes) {
            prop_assert!((HEADER_LENGTH..=60).contains(&length) && length <= bytes.len());
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        if let Ok((_, length)) = Header::parse(&bytes) {
            prop_assert!(length <= bytes.len());
        }
    }
}
