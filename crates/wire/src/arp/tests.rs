use super::*;
use crate::test_support::{address, mutate, mutations};
use alloc::vec::Vec;
use proptest::prelude::*;

fn packet() -> impl Strategy<Value = Packet> {
    (any::<bool>(), any::<[u8; 6]>(), address(), any::<[u8; 6]>(), address()).prop_map(
        |(reply, a, b, c, d)| Packet {
            operation: if reply { Operation::Reply } else { Operation::Request },
            sender_hardware: MacAddress(a),
            sender_protocol: b,
            target_hardware: MacAddress(c),
            target_protocol: d,
        },
    )
}

fn bytes_of(packet: &Packet) -> Vec<u8> {
    let mut frame = Frame::new();
    packet.prepend_to(&mut frame);
    frame.to_vec()
}

#[test]
fn probes_and_announcements_are_known_by_their_addresses() {
    let (hardware, address) = (MacAddress([2, 0, 0, 0, 0, 9]), Ipv4Addr::new(10, 7, 0, 9));
    let probe = Packet::probe(hardware, address);
    assert!(probe.is_probe() && !probe.is_announcement());
    assert_eq!((probe.sender_protocol, probe.target_protocol), (Ipv4Addr::UNSPECIFIED, address));
    assert_eq!(probe.target_hardware, MacAddress::UNSPECIFIED);
    let announcement = Packet::announcement(hardware, address);
    assert!(announcement.is_announcement() && !announcement.is_probe());
    assert_eq!(announcement.operation, Operation::Request);
    // A probe for no address announces nothing.
    assert!(!Packet::probe(hardware, Ipv4Addr::UNSPECIFIED).is_announcement());
    let defence = probe.reply(MacAddress([2, 0, 0, 0, 0, 1]));
    assert!(!defence.is_probe() && defence.sender_protocol == address);
}

#[test]
fn each_fault_has_its_reason() {
    let good = bytes_of(&Packet::probe(MacAddress([2; 6]), Ipv4Addr::new(10, 7, 0, 9)));
    assert_eq!(Packet::parse(&good[..27]), Err(Malformed::ArpTooShort));
    for (at, reason) in [
        (1, Malformed::ArpFormat),
        (2, Malformed::ArpFormat),
        (4, Malformed::ArpFormat),
        (5, Malformed::ArpFormat),
        (6, Malformed::ArpOperation),
        (7, Malformed::ArpOperation),
    ] {
        let mut bad = good.clone();
        bad[at] ^= 0x40;
        assert_eq!(Packet::parse(&bad), Err(reason), "byte {at}");
    }
}

proptest! {
    #[test]
    fn a_packet_is_read_as_it_was_written_whatever_the_padding(packet in packet(), padding in 0..20_usize) {
        let mut bytes = bytes_of(&packet);
        bytes.resize(bytes.len() + padding, 0xaa);
        prop_assert_eq!(Packet::parse(&bytes), Ok(packet));
    }

    #[test]
    fn etherparse_writes_the_same_bytes(packet in packet()) {
        let theirs = etherparse::ArpEthIpv4Packet {
            operation: etherparse::ArpOperation(if packet.operation == Operation::Request { 1 } else { 2 }),
            sender_mac: packet.sender_hardware.0,
            sender_ipv4: packet.sender_protocol.octets(),
            target_mac: packet.target_hardware.0,
            target_ipv4: packet.target_protocol.octets(),
        };
        let theirs = etherparse::ArpPacket::from(theirs).to_bytes();
        prop_assert_eq!(bytes_of(&packet), theirs.as_slice());
    }

    #[test]
    fn what_is_read_from_a_broken_packet_is_what_it_says(packet in packet(), mutations in mutations(), keep in 20..40_usize) {
        let mut bytes = bytes_of(&packet);
        mutate(&mut bytes, &mutations, keep);
        if let Ok(read) = Packet::parse(&bytes) {
            prop_assert_eq!(bytes_of(&read), &bytes[..PACKET_LENGTH]);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        prop_assert!(Packet::parse(&bytes).is_err() || bytes.len() >= PACKET_LENGTH);
    }
}
