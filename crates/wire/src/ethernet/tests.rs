use super::*;
use crate::test_support::{frame_of, payload};
use alloc::string::ToString;
use proptest::prelude::*;

#[test]
fn kinds_of_addresses_are_told_apart() {
    let station = MacAddress([0x52, 0x54, 0, 0x12, 0x34, 0x56]);
    assert!(station.is_unicast() && station.is_local() && !station.is_multicast());
    let group = MacAddress([0x01, 0, 0x5e, 0, 0, 1]);
    assert!(group.is_multicast() && !group.is_unicast() && !group.is_broadcast() && !group.is_local());
    assert!(MacAddress::BROADCAST.is_broadcast() && MacAddress::BROADCAST.is_multicast());
    assert!(!MacAddress::UNSPECIFIED.is_unicast() && !MacAddress::UNSPECIFIED.is_multicast());
}

#[test]
fn only_six_two_digit_bytes_are_an_address() {
    assert_eq!("AA-bb-0c-00-01-02".parse(), Ok(MacAddress([0xaa, 0xbb, 0x0c, 0, 1, 2])));
    for wrong in [
        "",
        ":",
        "02:00:00:00:00",
        "02:00:00:00:00:00:00",
        "2:0:0:0:0:1",
        "02:00:00:00:00:+1",
        "02:00:00:00:00:0g",
        "02-00:00-00:00-00",
        "02:00:00:00:00:01 ",
        "020000000001",
        "02:00:00:00:00:é",
    ] {
        assert_eq!(wrong.parse::<MacAddress>(), Err(ParseMacAddressError), "{wrong:?}");
    }
}

#[test]
fn thirteen_bytes_are_no_header_and_fourteen_are() {
    assert_eq!(Header::parse(&[0; 13]), Err(Malformed::EthernetTooShort));
    assert_eq!(Header::parse(&[0; 14]), Ok(Header::default()));
}

proptest! {
    #[test]
    fn an_address_is_read_as_it_was_written(bytes: [u8; 6]) {
        prop_assert_eq!(MacAddress(bytes).to_string().parse(), Ok(MacAddress(bytes)));
    }

    #[test]
    fn a_header_is_read_as_it_was_written_and_as_etherparse_reads_it(destination: [u8; 6], source: [u8; 6], ether_type: u16, (payload, split) in payload()) {
        let header = Header { destination: MacAddress(destination), source: MacAddress(source), ether_type: EtherType(ether_type) };
        let mut frame = frame_of(&payload, split);
        header.prepend_to(&mut frame);
        prop_assert_eq!(Header::parse(frame.first()), Ok(header));
        let bytes = frame.to_vec();
        let (theirs, rest) = etherparse::Ethernet2Header::from_slice(&bytes).unwrap();
        prop_assert_eq!((theirs.destination, theirs.source, theirs.ether_type.0), (destination, source, ether_type));
        prop_assert_eq!(rest, &payload);
    }
}
