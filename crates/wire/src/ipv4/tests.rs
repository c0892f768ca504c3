use super::*;
use crate::test_support::{address, frame_of, mutate, mutations, payload};
use alloc::vec::Vec;
use proptest::prelude::*;

fn header() -> impl Strategy<Value = Header> {
    let fragment = prop_oneof![
        4 => Just((false, false, 0)),
        1 => (any::<bool>(), any::<bool>(), 0..1000_u16),
    ];
    let fields = (any::<u8>(), any::<u8>(), any::<u16>(), any::<u8>());
    (address(), address(), fields, fragment).prop_map(|(source, destination, fields, fragment)| {
        let (protocol, time_to_live, identification, traffic_class) = fields;
        let (dont_fragment, more_fragments, offset) = fragment;
        Header {
            time_to_live,
            identification,
            dont_fragment,
            more_fragments,
            fragment_offset: offset * 8,
            traffic_class,
            ..Header::new(source, destination, protocol)
        }
    })
}

fn bytes_of(header: &Header, payload: &[u8]) -> Vec<u8> {
    let mut frame = frame_of(payload, 0);
    header.prepend_to(&mut frame);
    frame.to_vec()
}

/// Puts the right checksum into a header that was changed.
fn mend(bytes: &mut [u8]) {
    bytes[10..12].fill(0);
    let length = usize::from(bytes[0] & 0x0f) * 4;
    let checksum = Sum::ZERO.add_bytes(&bytes[..length]).finish();
    bytes[10..12].copy_from_slice(&checksum.to_be_bytes());
}

fn simple() -> Vec<u8> {
    bytes_of(&Header::new([10, 7, 0, 1].into(), [10, 7, 0, 2].into(), 17), b"some payload")
}

#[test]
fn each_fault_has_its_reason() {
    let good = simple();
    let parse_changed = |at: usize, byte: u8| {
        let mut bad = good.clone();
        bad[at] = byte;
        mend(&mut bad);
        Header::parse(&bad, bad.len())
    };
    assert!(parse_changed(8, 1).is_ok());
    assert_eq!(Header::parse(&good[..19], 19), Err(Malformed::Ipv4TooShort));
    assert_eq!(parse_changed(0, 0x65), Err(Malformed::Ipv4Version));
    assert_eq!(parse_changed(0, 0x44), Err(Malformed::Ipv4HeaderLength));
    assert_eq!(Header::parse(&[0x4f; 59], 59), Err(Malformed::Ipv4TooShort));
    assert_eq!(parse_changed(3, 19), Err(Malformed::Ipv4TotalLength));
    assert_eq!(parse_changed(3, 33), Err(Malformed::Ipv4TotalLength));
    let mut bad = good.clone();
    bad[15] ^= 1;
    assert_eq!(Header::parse(&bad, bad.len()), Err(Malformed::Ipv4Checksum));
}

#[test]
fn a_body_behind_the_first_part_and_padding_both_count_as_datagram() {
    let bytes = simple();
    let header = Header::parse(&bytes[..20], bytes.len()).unwrap();
    assert_eq!((header.total_length, header.payload_length()), (32, 12));
    assert_eq!(Header::parse(&bytes[..20], 46).unwrap().total_length, 32);
    assert_eq!(Header::parse(&bytes[..20], 31), Err(Malformed::Ipv4TotalLength));
}

#[test]
fn options_are_skipped_but_summed() {
    let mut bytes = simple();
    bytes.splice(20..20, [0x94, 0x04, 0, 0, 1, 1, 1, 0]);
    bytes[0] = 0x47;
    bytes[3] = 40;
    mend(&mut bytes);
    let header = Header::parse(&bytes, bytes.len()).unwrap();
    assert_eq!((header.header_length, header.payload_length()), (28, 12));
    bytes[25] = 2;
    assert_eq!(Header::parse(&bytes, bytes.len()), Err(Malformed::Ipv4Checksum));
}

#[test]
fn a_fragment_must_fit_a_datagram() {
    let fragment = |more_fragments, fragment_offset, payload: usize| {
        let header =
            Header { more_fragments, fragment_offset, ..Header::new([1; 4].into(), [2; 4].into(), 17) };
        let bytes = bytes_of(&header, &alloc::vec![0; payload]);
        Header::parse(&bytes, bytes.len()).map(|header| header.fragment_offset)
    };
    assert_eq!(fragment(true, 0, 8), Ok(0));
    assert_eq!(fragment(true, 65_488, 24), Ok(65_488));
    assert_eq!(fragment(true, 0, 12), Err(Malformed::Ipv4Fragment));
    assert_eq!(fragment(true, 8, 0), Err(Malformed::Ipv4Fragment));
    assert_eq!(fragment(false, 16, 13), Ok(16));
    assert_eq!(fragment(false, 65_512, 3), Ok(65_512));
    assert_eq!(fragment(false, 65_512, 4), Err(Malformed::Ipv4Fragment));
    assert_eq!(fragment(false, 65_528, 9), Err(Malformed::Ipv4Fragment));
}

#[test]
fn the_total_length_stops_at_what_the_field_holds() {
    let header = Header::new([1; 4].into(), [2; 4].into(), 6);
    for (payload, total) in [(65_515, 65_535), (65_516, 65_535), (70_000, 65_535)] {
        let bytes = bytes_of(&header, &alloc::vec![0; payload]);
        assert_eq!(Header::parse(&bytes, bytes.len()).unwrap().total_length, total);
    }
}

proptest! {
    #[test]
    fn a_header_is_read_as_it_was_written_and_as_etherparse_reads_it(header in header(), (payload, split) in payload()) {
        let payload = &payload[..payload.len() / 8 * 8];
        prop_assume!(!header.more_fragments || !payload.is_empty());
        let mut frame = frame_of(payload, split);
        header.prepend_to(&mut frame);
        let written = Header { total_length: HEADER_LENGTH + payload.len(), ..header };
        prop_assert_eq!(Header::parse(frame.first(), frame.len()), Ok(written));

        let bytes = frame.to_vec();
        let (theirs, rest) = etherparse::Ipv4Header::from_slice(&bytes).unwrap();
        prop_assert_eq!(theirs.header_checksum, theirs.calc_header_checksum());
        prop_assert_eq!((theirs.source, theirs.destination), (header.source.octets(), header.destination.octets()));
        prop_assert_eq!((theirs.protocol.0, theirs.time_to_live), (header.protocol, header.time_to_live));
        prop_assert_eq!((theirs.identification, usize::from(theirs.total_len)), (header.identification, bytes.len()));
        prop_assert_eq!((theirs.dont_fragment, theirs.more_fragments), (header.dont_fragment, header.more_fragments));
        prop_assert_eq!(theirs.fragment_offset.byte_offset(), header.fragment_offset);
        prop_assert_eq!(theirs.dscp.value() << 2 | theirs.ecn.value(), header.traffic_class);
        prop_assert_eq!(rest, payload);
    }

    #[test]
    fn what_is_read_from_a_broken_header_fits_the_packet(header in header(), mutations in mutations(), keep in 10..60_usize) {
        let mut bytes = bytes_of(&header, &[7; 40]);
        mutate(&mut bytes, &mutations, keep);
        if bytes.len() >= 60 || bytes.len() >= 4 * usize::from(bytes[0] & 0x0f) && bytes.len() >= 20 {
            mend(&mut bytes);
        }
        if let Ok(read) = Header::parse(&bytes, bytes.len()) {
            prop_assert!(read.header_length >= 20 && read.header_length <= read.total_length);
            prop_assert!(read.total_length <= bytes.len());
            prop_assert!(usize::from(read.fragment_offset) + read.payload_length() <= MAXIMUM_LENGTH);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..100), version: bool, length: usize) {
        if let (true, Some(first)) = (version, bytes.first_mut()) {
            *first = 0x40 | *first & 0x0f;
        }
        let _ = Header::parse(&bytes, length);
    }
}
