//! Echoes, and errors about what we sent.

use super::harness::*;
use crate::tests::harness::*;
use crate::{Dropped, PingKind};
use wire::icmpv6::{self, Message};
use wire::ipv6::{ALL_NODES, Header};
use wire::protocol;

#[test]
fn an_echo_comes_back_but_not_one_to_a_group() {
    let mut bench = bench();
    let request = Message::EchoRequest { identifier: 3, sequence: 4 };
    bench.icmp_v6(request, b"payload").unwrap();
    let (header, message, payload) = bench.sent_icmp_v6();
    assert_eq!((header.source, header.destination), (US, THEM));
    assert_eq!(message, Message::EchoReply { identifier: 3, sequence: 4 });
    assert_eq!(payload, b"payload");
    let mut frame = basis::Frame::copy_of(b"payload");
    request.prepend_to(&mut frame, THEM, ALL_NODES);
    let header = Header::new(THEM, ALL_NODES, protocol::ICMPV6);
    assert_eq!(bench.packet_v6(&header, &frame.to_vec()), Err(Dropped::IcmpIgnored));
    let mut bad = icmp_v6_bytes(request, b"payload");
    bad[9] ^= 1;
    assert!(bench.packet_v6(&from_them(protocol::ICMPV6), &bad).is_err());
    assert!(bench.sent().is_empty());
}

#[test]
fn an_error_reaches_the_connected_socket_it_concerns() {
    for (message, error) in [
        (Message::DestinationUnreachable { code: 0 }, tcp::IcmpError::NetworkUnreachable),
        (Message::DestinationUnreachable { code: 1 }, tcp::IcmpError::Forbidden),
        (Message::DestinationUnreachable { code: 2 }, tcp::IcmpError::HostUnreachable),
        (Message::DestinationUnreachable { code: 3 }, tcp::IcmpError::HostUnreachable),
        (Message::DestinationUnreachable { code: 4 }, tcp::IcmpError::PortUnreachable),
        (Message::DestinationUnreachable { code: 5 }, tcp::IcmpError::Forbidden),
        (Message::DestinationUnreachable { code: 6 }, tcp::IcmpError::Forbidden),
        (Message::ParameterProblem { code: 1, pointer: 6 }, tcp::IcmpError::ProtocolUnreachable),
    ] {
        let mut bench = bench();
        let connected = bench.stack.udp_bind("[::]:7".parse().unwrap()).unwrap();
        let other = bench.stack.udp_bind("[::]:8".parse().unwrap()).unwrap();
        bench.stack.udp_connect(connected, (THEM, 9).into()).unwrap();
        for socket in [connected, other] {
            bench.stack.udp_send(bench.now, socket, b"x", Some((THEM, 9).into())).unwrap();
            let sent = bench.sent();
            bench.icmp_v6(message, &sent[0][14..]).unwrap();
        }
        assert_eq!(bench.stack.udp_take_error(connected), Some(error));
        assert_eq!(bench.stack.udp_take_error(other), None, "it is not connected");
    }
}

#[test]
fn an_error_about_nothing_of_ours_is_dropped() {
    let mut bench = bench();
    let quoted = {
        let mut frame = basis::Frame::copy_of(&udp_v6_bytes(US, 1, 2, b"x"));
        Header::new(THEM, US, protocol::UDP).prepend_to(&mut frame);
        frame.to_vec()
    };
    let message = Message::DestinationUnreachable { code: 4 };
    assert_eq!(bench.icmp_v6(message, &quoted), Err(Dropped::IcmpUnrelated));
    assert_eq!(
        bench.icmp_v6(message, &quoted[..40]),
        Err(Dropped::Malformed(wire::Malformed::IcmpQuotation))
    );
}

#[test]
fn a_packet_too_big_makes_the_next_ones_smaller_but_never_below_1280() {
    for (told, believed) in [(1400, 1400), (500, 1280)] {
        let mut bench = bench();
        let socket = bench.stack.udp_bind("[::]:7".parse().unwrap()).unwrap();
        let send = |bench: &mut Bench| {
            bench.stack.udp_send(bench.now, socket, &[1; 1440], Some((THEM, 9).into())).unwrap();
            bench.sent()
        };
        let sent = send(&mut bench);
        assert_eq!((sent.len(), sent[0].len()), (1, 14 + 40 + 8 + 1440));
        bench.icmp_v6(Message::PacketTooBig { mtu: told }, &sent[0][14..14 + 1232]).unwrap();
        let sent = send(&mut bench);
        assert_eq!(sent.len(), 2);
        assert_eq!(sent[0].len() - 14, 48 + (believed - 48) / 8 * 8);
        bench.pass(seconds(601));
        let _ = bench.sent();
        let again = send(&mut bench);
        assert!(again.iter().any(|frame| frame.len() == 14 + 40 + 8 + 1440) || again.len() == 1);
    }
}

#[test]
fn an_echo_socket_hears_replies_and_errors() {
    let mut bench = bench();
    let ping = bench.stack.ping_open().unwrap();
    bench.stack.ping_send(bench.now, ping, THEM.into(), 5, b"payload", Some(9)).unwrap();
    let sent = bench.sent();
    let (header, _, request) = open_v6(&sent[0]).unwrap();
    assert_eq!(header.hop_limit, 9);
    let (message, _) = Message::parse(&request).unwrap();
    let Message::EchoRequest { identifier, sequence: 5 } = message else { panic!("{message:?}") };
    bench.icmp_v6(Message::EchoReply { identifier, sequence: 5 }, b"payload").unwrap();
    let reply = bench.stack.ping_receive(ping).unwrap();
    assert_eq!((reply.kind, reply.from, reply.bytes), (PingKind::Reply, THEM.into(), 15));
    for (message, kind) in [
        (Message::TimeExceeded { code: icmpv6::HOP_LIMIT_EXCEEDED }, PingKind::TimeExceeded),
        (Message::DestinationUnreachable { code: 3 }, PingKind::Unreachable { code: 3 }),
        (Message::PacketTooBig { mtu: 1300 }, PingKind::TooBig { mtu: 1300 }),
    ] {
        bench.icmp_v6(message, &sent[0][14..]).unwrap();
        assert_eq!(bench.stack.ping_receive(ping).unwrap().kind, kind);
    }
    bench.stack.ping_send(bench.now, ping, THEM.into(), 6, &[0; 1400], None).unwrap();
    assert_eq!(bench.sent().len(), 2, "cut to the path that was told");
}

#[test]
fn a_long_echo_is_answered_in_pieces() {
    let mut bench = bench();
    let request = icmp_v6_bytes(Message::EchoRequest { identifier: 3, sequence: 4 }, &[5; 3000]);
    for (from, to) in [(0, 1440), (1440, 2880), (2880, 3008)] {
        let mut frame = basis::Frame::copy_of(&request[from..to]);
        let offset = from as u16;
        wire::ipv6::extension::Fragment {
            next_header: protocol::ICMPV6,
            offset,
            more: to < 3008,
            identification: 1,
        }
        .prepend_to(&mut frame);
        bench.packet_v6(&from_them(protocol::FRAGMENT), &frame.to_vec()).unwrap();
    }
    let sent = bench.sent_v6();
    assert_eq!(sent.len(), 3);
    assert_eq!(sent.iter().map(|(_, _, payload)| payload.len()).sum::<usize>(), 3008);
}
