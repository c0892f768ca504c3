use super::*;
use crate::test_support::{frame_of, mutate, mutations, payload};
use proptest::prelude::*;

const HERE: IpAddr = IpAddr::V4(core::net::Ipv4Addr::new(10, 7, 0, 1));
const THERE: IpAddr = IpAddr::V4(core::net::Ipv4Addr::new(10, 7, 0, 2));

#[test]
fn the_length_must_fit() {
    let mut bytes = [0, 1, 0, 2, 0, 8, 0, 0];
    assert_eq!(Header::parse(&bytes[..7], 7), Err(Malformed::UdpTooShort));
    assert_eq!(Header::parse(&bytes, 8).map(|header| header.length), Ok(8));
    assert_eq!(Header::parse(&bytes, 7), Err(Malformed::UdpLength));
    bytes[5] = 7;
    assert_eq!(Header::parse(&bytes, 8), Err(Malformed::UdpLength));
}

#[test]
fn no_checksum_is_right_with_ipv4_and_wrong_with_ipv6() {
    let bytes = [0, 1, 0, 2, 0, 9, 0, 0, 0x55];
    assert_eq!(verify(HERE, THERE, [&bytes, &[]]), Ok(()));
    let v6 = IpAddr::from([1_u16; 8]);
    assert_eq!(verify(v6, v6, [&bytes, &[]]), Err(Malformed::UdpChecksum));
}

#[test]
fn a_computed_checksum_of_zero_is_sent_as_ones() {
    let header = Header { source_port: 1, destination_port: 2, length: 0 };
    let mut frame = frame_of(&[0, 0], 2);
    header.prepend_to(&mut frame, HERE, THERE);
    let checksum = [frame.first()[6], frame.first()[7]];
    // A payload equal to the checksum of the rest brings the sum to 0xffff and its complement to 0.
    let mut frame = frame_of(&checksum, 2);
    header.prepend_to(&mut frame, HERE, THERE);
    assert_eq!(frame.first()[6..8], [0xff, 0xff]);
    assert_eq!(verify(HERE, THERE, frame.parts()), Ok(()));
}

#[test]
fn padding_does_not_count_wherever_the_datagram_ends() {
    for split in 0..20 {
        let mut frame = frame_of(b"payload", 7);
        Header::default().prepend_to(&mut frame, HERE, THERE);
        let mut bytes = frame.to_vec();
        bytes.extend([0xee; 5]);
        let (first, second) = bytes.split_at(split);
        let verdict = verify(HERE, THERE, [first, second]);
        assert_eq!(verdict, if split < 8 { Err(Malformed::UdpTooShort) } else { Ok(()) }, "{split}");
    }
}

#[test]
fn a_deferred_checksum_is_left_alone() {
    let mut frame = frame_of(b"payload", 3);
    frame.checksum = Checksum::Deferred;
    Header::default().prepend_to(&mut frame, HERE, THERE);
    assert_eq!((frame.checksum, &frame.first()[6..8]), (Checksum::Deferred, &[0, 0][..]));
}

proptest! {
    #[test]
    fn a_header_is_read_as_it_was_written_and_as_etherparse_reads_it(
        addresses: ([u8; 4], [u8; 4]), source_port: u16, destination_port: u16, (payload, split) in payload()
    ) {
        let (source, destination) = (IpAddr::from(addresses.0), IpAddr::from(addresses.1));
        let mut frame = frame_of(&payload, split);
        Header { source_port, destination_port, length: 0 }.prepend_to(&mut frame, source, destination);
        let written = Header { source_port, destination_port, length: 8 + payload.len() };
        prop_assert_eq!(Header::parse(frame.first(), frame.len()), Ok(written));
        prop_assert_eq!(verify(source, destination, frame.parts()), Ok(()));
        let bytes = frame.to_vec();
        let (theirs, rest) = etherparse::UdpHeader::from_slice(&bytes).unwrap();
        prop_assert_eq!((theirs.source_port, theirs.destination_port), (source_port, destination_port));
        prop_assert_eq!(usize::from(theirs.length), bytes.len());
        prop_assert_eq!(theirs.checksum, theirs.calc_checksum_ipv4_raw(addresses.0, addresses.1, rest).unwrap());
        prop_assert_eq!(rest, &payload);
    }

    #[test]
    fn one_changed_bit_is_found(at in 0..40_usize, bit in 0..8_u8) {
        let mut frame = frame_of(&[0x5a; 32], 0);
        Header { source_port: 7, destination_port: 9, length: 0 }.prepend_to(&mut frame, HERE, THERE);
        let mut bytes = frame.to_vec();
        bytes[at] ^= 1 << bit;
        prop_assert!(verify(HERE, THERE, [&bytes, &[]]).is_err());
    }

    #[test]
    fn no_bytes_make_it_panic(mutations in mutations(), keep in 0..48_usize, split in 0..48_usize, length: usize) {
        let mut frame = frame_of(&[1; 40], 0);
        Header::default().prepend_to(&mut frame, HERE, THERE);
        let mut bytes = frame.to_vec();
        mutate(&mut bytes, &mutations, keep);
        let _ = Header::parse(&bytes, length);
        let (first, second) = bytes.split_at(split.min(bytes.len()));
        let short = bytes.len() < HEADER_LENGTH || first.len() < HEADER_LENGTH;
        prop_assert!(!short || verify(HERE, THERE, [first, second]) == Err(Malformed::UdpTooShort));
        let _ = verify(HERE, THERE, [first, second]);
    }
}
