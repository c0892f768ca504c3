use super::*;
use crate::ipv6::extension::Fragment;
use crate::test_support::{frame_of, payload};
use crate::{tcp, udp};
use proptest::prelude::*;

const HERE: Ipv6Addr = Ipv6Addr::new(0xfd07, 0, 0, 0, 0, 0, 0, 1);
const THERE: Ipv6Addr = Ipv6Addr::new(0xfd07, 0, 0, 0, 0, 0, 0, 2);

fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        any::<u8>().prop_map(|code| Message::DestinationUnreachable { code }),
        any::<u32>().prop_map(|mtu| Message::PacketTooBig { mtu }),
        any::<u8>().prop_map(|code| Message::TimeExceeded { code }),
        any::<(u8, u32)>().prop_map(|(code, pointer)| Message::ParameterProblem { code, pointer }),
        any::<(u16, u16)>().prop_map(|(identifier, sequence)| Message::EchoRequest { identifier, sequence }),
        any::<(u16, u16)>().prop_map(|(identifier, sequence)| Message::EchoReply { identifier, sequence }),
        (130..=255_u8, any::<u8>()).prop_map(|(kind, code)| Message::Other { kind, code }),
    ]
}

proptest! {
    #[test]
    fn a_message_comes_back_and_etherparse_agrees_on_its_checksum(message in message(), (payload, split) in payload()) {
        let mut frame = frame_of(&payload, split);
        message.prepend_to(&mut frame, HERE, THERE);
        prop_assert_eq!(verify(HERE, THERE, frame.parts()), Ok(()));
        prop_assert_eq!(Message::parse(frame.first()), Ok((message, 8)));
        let bytes = frame.to_vec();
        let theirs = etherparse::Icmpv6Slice::from_slice(&bytes).unwrap();
        prop_assert!(theirs.is_checksum_valid(HERE.octets(), THERE.octets()));
        let mut bad = bytes.clone();
        bad[0] ^= 1;
        prop_assert_eq!(verify(HERE, THERE, [&bad, &[]]), Err(Malformed::IcmpChecksum));
    }
}

#[test]
fn errors_are_the_types_below_128() {
    assert!(Message::Other { kind: 127, code: 0 }.is_error());
    assert!(!Message::Other { kind: 128, code: 1 }.is_error());
    assert!(Message::PacketTooBig { mtu: 1280 }.is_error());
    assert!(!Message::EchoReply { identifier: 0, sequence: 0 }.is_error());
}

fn quoting(next_header: u8, mut frame: Frame) -> Result<Quoted, Malformed> {
    ipv6::Header::new(HERE, THERE, next_header).prepend_to(&mut frame);
    quoted(&frame.to_vec())
}

#[test]
fn a_quotation_tells_whom_it_concerns_behind_extension_headers_too() {
    let mut frame = Frame::new();
    let header =
        tcp::Header { source_port: 5, destination_port: 6, sequence: tcp::Seq(7), ..Default::default() };
    header.prepend_to(&mut frame, HERE.into(), THERE.into());
    let found = quoting(protocol::TCP, frame).unwrap();
    assert_eq!((found.source, found.destination), (HERE.into(), THERE.into()));
    assert_eq!((found.source_port, found.destination_port, found.sequence), (5, 6, Some(7)));

    let datagram = || {
        let mut frame = Frame::new();
        let header = udp::Header { source_port: 8, destination_port: 9, length: 0 };
        header.prepend_to(&mut frame, HERE.into(), THERE.into());
        frame
    };
    let fragment = Fragment { next_header: protocol::UDP, offset: 0, more: true, identification: 1 };
    let mut first = datagram();
    fragment.prepend_to(&mut first);
    let found = quoting(protocol::FRAGMENT, first).unwrap();
    assert_eq!((found.protocol, found.source_port, found.destination_port), (protocol::UDP, 8, 9));
    let mut later = datagram();
    Fragment { offset: 8, ..fragment }.prepend_to(&mut later);
    assert_eq!(quoting(protocol::FRAGMENT, later), Err(Malformed::IcmpQuotation));

    let mut echo = Frame::new();
    Message::EchoRequest { identifier: 3, sequence: 4 }.prepend_to(&mut echo, HERE, THERE);
    let found = quoting(protocol::ICMPV6, echo).unwrap();
    assert_eq!((found.source_port, found.sequence), (3, Some(4)));
}
