use super::*;
use crate::test_support::{address, frame_of, mutate, mutations, payload};
use crate::{ipv4, tcp, udp};
use alloc::vec::Vec;
use etherparse::icmpv4::DestUnreachableHeader;
use etherparse::{Icmpv4Header, Icmpv4Type};
use proptest::prelude::*;

const HERE: Ipv4Addr = Ipv4Addr::new(10, 7, 0, 1);
const THERE: Ipv4Addr = Ipv4Addr::new(10, 7, 0, 2);

fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        any::<(u16, u16)>().prop_map(|(identifier, sequence)| Message::EchoRequest { identifier, sequence }),
        any::<(u16, u16)>().prop_map(|(identifier, sequence)| Message::EchoReply { identifier, sequence }),
        any::<(u8, u16)>()
            .prop_map(|(code, next_hop_mtu)| Message::DestinationUnreachable { code, next_hop_mtu }),
        any::<u8>().prop_map(|code| Message::TimeExceeded { code }),
        any::<(u8, u8)>().prop_map(|(code, pointer)| Message::ParameterProblem { code, pointer }),
        (any::<u8>(), address()).prop_map(|(code, gateway)| Message::Redirect { code, gateway }),
        (13..=255_u8, any::<u8>()).prop_map(|(kind, code)| Message::Other { kind, code }),
    ]
}

#[test]
fn an_echo_with_a_code_is_no_echo() {
    assert_eq!(Message::parse(&[8, 1, 0, 0, 0, 0, 0, 0]), Ok((Message::Other { kind: 8, code: 1 }, 8)));
    assert_eq!(Message::parse(&[8, 0, 0, 0, 0, 0, 0]), Err(Malformed::IcmpTooShort));
}

#[test]
fn errors_are_told_from_questions() {
    assert!(Message::DestinationUnreachable { code: 0, next_hop_mtu: 0 }.is_error());
    assert!(Message::Other { kind: 4, code: 0 }.is_error());
    assert!(!Message::Other { kind: 13, code: 0 }.is_error());
    assert!(!Message::EchoRequest { identifier: 0, sequence: 0 }.is_error());
}

/// The first 28 bytes of a datagram, as a router quotes them.
fn quotation(protocol: u8, write: impl FnOnce(&mut Frame)) -> Vec<u8> {
    let mut frame = frame_of(&[3; 30], 0);
    write(&mut frame);
    ipv4::Header::new(HERE, THERE, protocol).prepend_to(&mut frame);
    let mut bytes = frame.to_vec();
    bytes.truncate(28);
    bytes
}

#[test]
fn a_quoted_datagram_tells_whom_it_concerns() {
    let (here, there) = (IpAddr::V4(HERE), IpAddr::V4(THERE));
    let expected = |protocol, source_port, destination_port, sequence| {
        Ok(Quoted { source: here, destination: there, protocol, source_port, destination_port, sequence })
    };
    let header = tcp::Header {
        source_port: 5,
        destination_port: 6,
        sequence: tcp::Seq(0x8000_0007),
        ..Default::default()
    };
    let quoted = quotation(protocol::TCP, |frame| header.prepend_to(frame, here, there));
    assert_eq!(Quoted::parse(&quoted), expected(protocol::TCP, 5, 6, Some(0x8000_0007)));
    let header = udp::Header { source_port: 53, destination_port: 1053, length: 0 };
    let quoted = quotation(protocol::UDP, |frame| header.prepend_to(frame, here, there));
    assert_eq!(Quoted::parse(&quoted), expected(protocol::UDP, 53, 1053, None));
    let echo = Message::EchoRequest { identifier: 77, sequence: 3 };
    let quoted = quotation(protocol::ICMPV4, |frame| echo.prepend_to(frame));
    assert_eq!(Quoted::parse(&quoted), expected(protocol::ICMPV4, 77, 0, Some(3)));
    let error = Message::DestinationUnreachable { code: PORT_UNREACHABLE, next_hop_mtu: 9 };
    let quoted = quotation(protocol::ICMPV4, |frame| error.prepend_to(frame));
    assert_eq!(Quoted::parse(&quoted), expected(protocol::ICMPV4, 0, 0, None));
    let quoted = quotation(99, |_| ());
    assert_eq!(Quoted::parse(&quoted), expected(99, 0, 0, None));
}

#[test]
fn a_quotation_must_have_eight_bytes_of_the_first_fragment() {
    let good = quotation(protocol::UDP, |_| ());
    assert!(Quoted::parse(&good).is_ok());
    assert_eq!(Quoted::parse(&good[..27]), Err(Malformed::IcmpQuotation));
    for (at, byte) in [(0, 0x55), (0, 0x44), (0, 0x46), (0, 0x4f), (7, 1), (6, 0x1f)] {
        let mut bad = good.clone();
        bad[at] = byte;
        assert_eq!(Quoted::parse(&bad), Err(Malformed::IcmpQuotation), "byte {at}");
    }
    let mut later_fragments = good.clone();
    later_fragments[6] = 0x20;
    assert!(Quoted::parse(&later_fragments).is_ok());
}

proptest! {
    #[test]
    fn a_message_is_read_as_it_was_written(message in message(), (payload, split) in payload()) {
        let mut frame = frame_of(&payload, split);
        message.prepend_to(&mut frame);
        prop_assert_eq!(Message::parse(frame.first()), Ok((message, 8)));
        prop_assert_eq!(verify(frame.parts()), Ok(()));
        let mut bytes = frame.to_vec();
        bytes[0] ^= 1;
        prop_assert_eq!(verify([&bytes, &[]]), Err(Malformed::IcmpChecksum));
    }

    #[test]
    fn etherparse_writes_the_same_bytes(identifier: u16, sequence: u16, next_hop_mtu: u16, (payload, split) in payload()) {
        let echo = etherparse::IcmpEchoHeader { id: identifier, seq: sequence };
        let too_long = DestUnreachableHeader::FragmentationNeeded { next_hop_mtu };
        let port = DestUnreachableHeader::Port;
        for (ours, theirs) in [
            (Message::EchoRequest { identifier, sequence }, Icmpv4Type::EchoRequest(echo)),
            (Message::EchoReply { identifier, sequence }, Icmpv4Type::EchoReply(echo)),
            (Message::DestinationUnreachable { code: FRAGMENTATION_NEEDED, next_hop_mtu }, Icmpv4Type::DestinationUnreachable(too_long)),
            (Message::DestinationUnreachable { code: PORT_UNREACHABLE, next_hop_mtu: 0 }, Icmpv4Type::DestinationUnreachable(port)),
            (Message::TimeExceeded { code: REASSEMBLY_TIME_EXCEEDED }, Icmpv4Type::TimeExceeded(etherparse::icmpv4::TimeExceededCode::FragmentReassemblyTimeExceeded)),
        ] {
            let mut frame = frame_of(&payload, split);
            frame.checksum = Checksum::Deferred;
            ours.prepend_to(&mut frame);
            prop_assert_eq!(frame.checksum, Checksum::Complete);
            let mut bytes = Icmpv4Header::with_checksum(theirs, &payload).to_bytes().to_vec();
            bytes.extend(&payload);
            prop_assert_eq!(frame.to_vec(), bytes);
        }
    }

    #[test]
    fn no_quotation_makes_it_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..90), version: bool, mutations in mutations()) {
        if let (true, Some(first)) = (version, bytes.first_mut()) {
            *first = 0x40 | *first & 0x0f;
        }
        prop_assert!(bytes.len() >= 28 || Quoted::parse(&bytes).is_err());
        let _ = Message::parse(&bytes);
        let mut quoted = quotation(protocol::TCP, |_| ());
        mutate(&mut quoted, &mutations, bytes.len());
        prop_assert!(quoted.len() >= 28 || Quoted::parse(&quoted).is_err());
    }
}
