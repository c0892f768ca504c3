//! Parts that packets are made of.

use super::*;

pub(super) fn udp(frame: &mut Frame, source: IpAddr, destination: IpAddr, input: &mut Input<'_>) -> u8 {
    let header =
        udp::Header { source_port: input.one_of(&PORTS), destination_port: input.one_of(&PORTS), length: 0 };
    header.prepend_to(frame, source, destination);
    protocol::UDP
}

pub(super) fn discovery(input: &mut Input<'_>) -> ndp::Message {
    let target = input.one_of(&V6);
    let target = if target.is_multicast() { OURS_6 } else { target };
    match input.byte() & 7 {
        0 => ndp::Message::RouterSolicitation,
        1 | 2 => ndp::Message::RouterAdvertisement(ndp::Router {
            hop_limit: input.byte(),
            lifetime: input.word(),
            reachable_time: input.long(),
            retransmit_time: input.long(),
            ..Default::default()
        }),
        3 | 4 => ndp::Message::NeighbourSolicitation { target },
        5 | 6 => ndp::Message::NeighbourAdvertisement {
            target,
            router: input.bit(),
            solicited: input.bit(),
            overriding: input.bit(),
        },
        _ => ndp::Message::Redirect { target, destination: V6[1] },
    }
}

pub(super) fn options(input: &mut Input<'_>) -> ndp::Options {
    let bits = input.byte();
    let mut options = ndp::Options {
        source: (bits & 1 == 1).then(|| input.one_of(&STATIONS)),
        target: (bits & 2 == 2).then(|| input.one_of(&STATIONS)),
        mtu: (bits & 4 == 4).then(|| input.long()),
        ..Default::default()
    };
    if bits & 8 == 8 {
        options.prefixes.push(ndp::Prefix {
            address: Ipv6Addr::new(0xfd08, input.word(), 0, 0, 0, 0, 0, 0),
            length: input.one_of(&[64, 0, 128, 65, 48]),
            on_link: input.bit(),
            autonomous: input.bit(),
            valid: input.long(),
            preferred: input.long(),
        });
    }
    options
}

/// Puts an extension header of any kind in front, and returns its number.
pub(super) fn extend(frame: &mut Frame, next_header: u8, input: &mut Input<'_>) -> u8 {
    let kind = input.one_of(&[
        protocol::HOP_BY_HOP,
        protocol::DESTINATION_OPTIONS,
        protocol::ROUTING,
        protocol::FRAGMENT,
    ]);
    if frame.len() > 1_000 {
        return next_header;
    }
    if kind == protocol::FRAGMENT {
        let offset = u16::from(input.byte()) * 8;
        Fragment { next_header, offset, more: input.bit(), identification: input.byte().into() }
            .prepend_to(frame);
        return kind;
    }
    let mut bytes = [next_header, 0, 1, 4, 0, 0, 0, 0];
    if input.bit() {
        bytes[2] = input.byte();
        bytes[3] = input.byte() & 7;
    }
    let mut whole = bytes.to_vec();
    whole.extend_from_slice(&frame.to_vec());
    *frame = Frame::copy_of(&whole);
    kind
}
