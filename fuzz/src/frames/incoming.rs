//! Frames of every kind that come in, with right addresses and checksums, or broken at one place.

use super::messages::{discovery, extend, options, udp};
use super::*;

impl World {
    pub(super) fn raw(&mut self, input: &mut Input<'_>) {
        let length = usize::from(input.byte());
        let mut frame = Frame::copy_of(input.bytes(length));
        if input.bit() {
            let ether_type = input.one_of(&[EtherType::IPV4, EtherType::IPV6, EtherType::ARP]);
            return self.frame(frame, ether_type, input, Came::Other);
        }
        let bytes = frame.to_vec();
        frame = from_device(bytes);
        let _ = self.stack.on_frame(self.now, self.lane, frame);
        self.drain(Came::Other);
    }

    pub(super) fn frame(
        &mut self,
        mut frame: Frame,
        ether_type: EtherType,
        input: &mut Input<'_>,
        came: Came,
    ) {
        let choice = input.byte();
        let source = STATIONS[usize::from(choice >> 4 & 1) ^ 1];
        let destination = if choice & 15 < 12 { OUR_STATION } else { STATIONS[usize::from(choice & 3)] };
        frame = Frame::copy_of(&frame.to_vec()); // with all its headroom
        ethernet::Header { destination, source, ether_type }.prepend_to(&mut frame);
        let came = if destination.is_multicast() && came == Came::Other { Came::ToMany } else { came };
        let mut bytes = frame.to_vec();
        if choice & 0xc0 == 0xc0 {
            let at = input.below(bytes.len().min(256));
            bytes[at] ^= input.byte();
        }
        // A broken byte may have made it something else.
        let came = if choice & 0xc0 == 0xc0 { Came::Other } else { came };
        let _ = self.stack.on_frame(self.now, self.lane, from_device(bytes));
        self.drain(came);
    }

    pub(super) fn arp(&mut self, input: &mut Input<'_>) {
        let (hardware, from, to) = (input.one_of(&STATIONS), input.one_of(&V4), input.one_of(&V4));
        let mut packet = arp::Packet::request(hardware, from, to);
        if input.bit() {
            packet = packet.reply(input.one_of(&STATIONS));
        }
        let mut frame = Frame::new();
        packet.prepend_to(&mut frame);
        self.frame(frame, EtherType::ARP, input, Came::Discovery);
    }

    pub(super) fn packet_v4(&mut self, input: &mut Input<'_>) {
        let choice = input.byte();
        let source = if choice & 3 == 0 { input.one_of(&V4) } else { V4[1] };
        let destination = if choice & 12 == 0 { input.one_of(&V4) } else { V4[0] };
        let (payload, kind) = (input.byte(), input.byte());
        let mut frame = self.payload(payload, input);
        let mut came = Came::Other;
        let protocol = match kind & 7 {
            0..=2 => self.tcp(&mut frame, source.into(), destination.into(), input, &mut came),
            3 => udp(&mut frame, source.into(), destination.into(), input),
            4 | 5 => self.icmpv4(&mut frame, input, &mut came),
            6 => {
                frame = igmp::version_2(input.one_of(&[igmp::QUERY, igmp::REPORT_V2]), input.one_of(&V4));
                protocol::IGMP
            }
            _ => input.byte(),
        };
        if destination != V4[0] && came == Came::Other {
            came = Came::ToMany;
        }
        let mut header = ipv4::Header::new(source, destination, protocol);
        if choice & 0xc0 == 0xc0 {
            header.fragment_offset = u16::from(input.byte()) * 8;
            header.more_fragments = input.bit();
            header.dont_fragment = false;
        }
        header.time_to_live = if choice & 16 == 16 { input.byte() } else { 64 };
        header.traffic_class = choice >> 4 & 3;
        header.prepend_to(&mut frame);
        self.frame(frame, EtherType::IPV4, input, came);
    }

    pub(super) fn packet_v6(&mut self, input: &mut Input<'_>) {
        let choice = input.byte();
        let source = if choice & 3 == 0 { input.one_of(&V6) } else { V6[1] };
        let destination = if choice & 12 == 0 { input.one_of(&V6) } else { V6[0] };
        let (payload, kind) = (input.byte(), input.byte());
        let mut frame = self.payload(payload, input);
        let mut came = Came::Other;
        let mut protocol = match kind & 7 {
            0 | 1 => self.tcp(&mut frame, source.into(), destination.into(), input, &mut came),
            2 => udp(&mut frame, source.into(), destination.into(), input),
            3 | 4 => {
                frame = discovery(input).to_frame(&options(input), source, destination);
                came = Came::Discovery;
                protocol::ICMPV6
            }
            5 | 6 => self.icmpv6(&mut frame, source, destination, input, &mut came),
            _ => input.byte(),
        };
        if destination != V6[0] && came == Came::Other {
            came = Came::ToMany;
        }
        frame = Frame::copy_of(&frame.to_vec()); // with all its headroom
        for _ in 0..(choice >> 6) {
            protocol = extend(&mut frame, protocol, input);
            let later =
                matches!(frame.first(), [_, _, high, low, ..] if u16::from_be_bytes([*high, *low]) >> 3 > 0);
            if protocol == protocol::FRAGMENT && later {
                // A later part of something: nobody sees of what.
                came = Came::Other;
            }
        }
        let mut header = ipv6::Header::new(source, destination, protocol);
        header.hop_limit = if choice & 16 == 16 { input.byte() } else { 255 };
        header.prepend_to(&mut frame);
        self.frame(frame, EtherType::IPV6, input, came);
    }

    pub(super) fn payload(&mut self, choice: u8, input: &mut Input<'_>) -> Frame {
        Frame::copy_of(input.bytes(usize::from(choice & 63)))
    }

    pub(super) fn tcp(
        &mut self,
        frame: &mut Frame,
        source: IpAddr,
        destination: IpAddr,
        input: &mut Input<'_>,
        came: &mut Came,
    ) -> u8 {
        let choice = input.byte();
        let flags = match choice & 7 {
            0 | 1 => Flags::SYN,
            2..=4 => Flags::ACK,
            5 => Flags::ACK | Flags::FIN,
            6 => Flags::ACK | Flags::RST,
            _ => Flags(input.byte()),
        };
        let near = |number: Seq, input: &mut Input<'_>| number + u32::from(input.byte()) - 8;
        let mut options = Options::NONE;
        if choice & 8 == 8 {
            options.timestamps = Some(Timestamps { value: input.long(), echo: input.long() });
            options.sack_permitted = true;
            options.maximum_segment_size = Some(input.word());
            options.window_scale = Some(input.byte());
        }
        let header = Header {
            source_port: PORTS[usize::from(choice >> 4 & 1) + 2],
            destination_port: PORTS[usize::from(choice >> 5 & 1)],
            sequence: if choice & 64 == 0 { self.expected } else { near(self.expected, input) },
            acknowledgment: if choice & 128 == 0 { self.next } else { near(self.next, input) },
            flags,
            window: input.word(),
            urgent: 0,
            options,
        };
        header.prepend_to(frame, source, destination);
        if flags.contains(Flags::RST) {
            *came = Came::Reset;
        }
        protocol::TCP
    }

    pub(super) fn icmpv4(&mut self, frame: &mut Frame, input: &mut Input<'_>, came: &mut Came) -> u8 {
        let choice = input.byte();
        let message = match choice & 7 {
            0 | 1 => icmpv4::Message::EchoRequest { identifier: input.word(), sequence: 1 },
            2 => icmpv4::Message::EchoReply { identifier: input.word(), sequence: 1 },
            3 | 4 => {
                icmpv4::Message::DestinationUnreachable { code: input.byte(), next_hop_mtu: input.word() }
            }
            5 => icmpv4::Message::TimeExceeded { code: input.byte() },
            6 => icmpv4::Message::Redirect { code: 0, gateway: input.one_of(&V4) },
            _ => icmpv4::Message::Other { kind: input.byte(), code: input.byte() },
        };
        if message.is_error() {
            *came = Came::IcmpError;
            if choice & 8 == 0 {
                *frame = self.quotation(input);
                ipv4::Header::new(V4[0], V4[1], input.one_of(&[protocol::TCP, protocol::UDP]))
                    .prepend_to(frame);
            }
        }
        message.prepend_to(frame);
        protocol::ICMPV4
    }

    pub(super) fn icmpv6(
        &mut self,
        frame: &mut Frame,
        source: Ipv6Addr,
        destination: Ipv6Addr,
        input: &mut Input<'_>,
        came: &mut Came,
    ) -> u8 {
        let choice = input.byte();
        let message = match choice & 7 {
            0 | 1 => icmpv6::Message::EchoRequest { identifier: input.word(), sequence: 1 },
            2 => icmpv6::Message::EchoReply { identifier: input.word(), sequence: 1 },
            3 => icmpv6::Message::DestinationUnreachable { code: input.byte() },
            4 => icmpv6::Message::PacketTooBig { mtu: input.long() },
            5 => icmpv6::Message::ParameterProblem { code: input.byte(), pointer: input.long() },
            6 => {
                *frame = mld::version_1(mld::QUERY, input.one_of(&V6), source, destination);
                return protocol::ICMPV6;
            }
            _ => icmpv6::Message::Other { kind: input.byte(), code: input.byte() },
        };
        if message.is_error() {
            *came = Came::IcmpError;
            if choice & 8 == 0 {
                *frame = self.quotation(input);
                ipv6::Header::new(V6[0], V6[1], input.one_of(&[protocol::TCP, protocol::UDP]))
                    .prepend_to(frame);
            }
        }
        message.prepend_to(frame, source, destination);
        protocol::ICMPV6
    }

    /// What an ICMP error quotes of a segment of ours.
    pub(super) fn quotation(&mut self, input: &mut Input<'_>) -> Frame {
        let mut frame = Frame::new();
        let header = Header {
            source_port: input.one_of(&PORTS),
            destination_port: input.one_of(&PORTS),
            sequence: self.next - u32::from(input.byte()),
            ..Header::default()
        };
        header.prepend_to(&mut frame, V4[0].into(), V4[1].into());
        frame
    }
}

fn from_device(bytes: Vec<u8>) -> Frame {
    let memory = bytes.len();
    Frame::from_device(bytes.into(), memory)
}
