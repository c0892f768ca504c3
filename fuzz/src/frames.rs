//! A whole host fed by frames: bytes as they come, and packets of every kind with right addresses and checksums, so that they get
//! deep. What the host sends is well formed, and it answers nothing that must not be answered.

use crate::input::Input;
use basis::{Frame, Instant};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::time::Duration;
use stack::{Event, InterfaceConfig, InterfaceId, Medium, Probing, Stack, StackConfig, UdpId};
use tcp::{ConnectionId, ListenerId, SocketOptions};
use wire::ipv6::extension::{Chain, Fragment};
use wire::tcp::{Flags, Header, Options, Seq, Timestamps};
use wire::{EtherType, MacAddress, arp, ethernet, icmpv4, icmpv6, igmp, ipv4, ipv6, mld, ndp, protocol, udp};

const OUR_STATION: MacAddress = MacAddress([2, 0, 0, 0, 0, 2]);
const STATIONS: [MacAddress; 4] = [
    OUR_STATION,
    MacAddress([2, 0, 0, 0, 0, 3]),
    MacAddress::BROADCAST,
    MacAddress([0x33, 0x33, 0, 0, 0, 1]),
];
const V4: [Ipv4Addr; 8] = [
    Ipv4Addr::new(10, 7, 0, 2),
    Ipv4Addr::new(10, 7, 0, 3),
    Ipv4Addr::new(10, 7, 0, 255),
    Ipv4Addr::new(224, 0, 0, 1),
    Ipv4Addr::new(239, 1, 2, 3),
    Ipv4Addr::BROADCAST,
    Ipv4Addr::UNSPECIFIED,
    Ipv4Addr::new(192, 0, 2, 1),
];
const OURS_6: Ipv6Addr = Ipv6Addr::new(0xfd07, 0, 0, 0, 0, 0, 0, 2);
const V6: [Ipv6Addr; 8] = [
    OURS_6,
    Ipv6Addr::new(0xfd07, 0, 0, 0, 0, 0, 0, 3),
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1),
    ipv6::solicited_node(OURS_6),
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1),
    Ipv6Addr::UNSPECIFIED,
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 5),
    Ipv6Addr::LOCALHOST,
];
const PORTS: [u16; 4] = [80, 7, 1_000, 40_000];

struct World {
    now: Instant,
    stack: Stack,
    lane: InterfaceId,
    udp: UdpId,
    listener: ListenerId,
    connections: Vec<ConnectionId>,
    /// Numbers of the last TCP segment that the host sent.
    next: Seq,
    expected: Seq,
}

/// What came in, as far as it decides what may be answered.
#[derive(Clone, Copy, PartialEq)]
enum Came {
    Reset,
    IcmpError,
    ToMany,
    /// It may tell a neighbour's address: what leaves then waited for that, and answers something else.
    Discovery,
    Other,
}

/// Plays what the bytes say, and then lets a day go by.
pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut world = World::new(input.byte());
    while !input.is_empty() {
        match input.byte() & 15 {
            0 => world.pass(Duration::from_millis(u64::from(input.word()) * 4)),
            1 => world.application(&mut input),
            2 => world.raw(&mut input),
            3 => world.arp(&mut input),
            4..=8 => world.packet_v4(&mut input),
            _ => world.packet_v6(&mut input),
        }
    }
    world.end();
}

impl World {
    fn new(shape: u8) -> World {
        let now = Instant::from_millis(1_000);
        let mut config = StackConfig::default();
        config.neighbours.max_entries = 8;
        config.reassembly.max_datagrams = 4;
        let mut stack = Stack::new(now, config, [9; 32]);
        let medium = Medium::Ethernet(OUR_STATION);
        let lane = stack.add_interface(
            now,
            InterfaceConfig { name: "lan".into(), medium, mtu: 1_500, super_segments: false },
        );
        for (address, prefix) in [(IpAddr::V4(V4[0]), 24), (IpAddr::V6(OURS_6), 64)] {
            stack.add_address(now, lane, address, prefix, Probing::Skip).expect("there is room");
        }
        if shape & 1 == 0 {
            stack.enable_ipv6(now, lane, Probing::Skip, shape & 2 == 0).expect("there is room");
        }
        let udp = stack.udp_bind("[::]:7".parse().expect("an address")).expect("nobody is bound");
        for group in [IpAddr::V4(V4[4]), IpAddr::V6(V6[6])] {
            stack.udp_join(now, udp, group, Some(lane)).expect("there is room");
        }
        let listen = "[::]:80".parse().expect("an address");
        let (listener, _) = stack.tcp_listen(listen, 2, SocketOptions::default()).expect("nobody listens");
        let mut world = World {
            now,
            stack,
            lane,
            udp,
            listener,
            connections: Vec::new(),
            next: Seq(0),
            expected: Seq(0),
        };
        world.drain(Came::Other);
        world
    }

    // ---- what comes in ----

    fn raw(&mut self, input: &mut Input<'_>) {
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

    fn frame(&mut self, mut frame: Frame, ether_type: EtherType, input: &mut Input<'_>, came: Came) {
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

    fn arp(&mut self, input: &mut Input<'_>) {
        let (hardware, from, to) = (input.one_of(&STATIONS), input.one_of(&V4), input.one_of(&V4));
        let mut packet = arp::Packet::request(hardware, from, to);
        if input.bit() {
            packet = packet.reply(input.one_of(&STATIONS));
        }
        let mut frame = Frame::new();
        packet.prepend_to(&mut frame);
        self.frame(frame, EtherType::ARP, input, Came::Discovery);
    }

    fn packet_v4(&mut self, input: &mut Input<'_>) {
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

    fn packet_v6(&mut self, input: &mut Input<'_>) {
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

    fn payload(&mut self, choice: u8, input: &mut Input<'_>) -> Frame {
        Frame::copy_of(input.bytes(usize::from(choice & 63)))
    }

    fn tcp(
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

    fn icmpv4(&mut self, frame: &mut Frame, input: &mut Input<'_>, came: &mut Came) -> u8 {
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

    fn icmpv6(
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
    fn quotation(&mut self, input: &mut Input<'_>) -> Frame {
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

    // ---- what goes out ----

    fn drain(&mut self, came: Came) {
        for _ in 0..2_000 {
            let Some(frame) = self.stack.poll_transmit(self.now, self.lane) else {
                assert!(!self.stack.has_transmit(self.lane), "work is due, but nothing comes");
                while let Some(event) = self.stack.poll_event() {
                    self.event(event);
                }
                return;
            };
            self.check_sent(&frame.to_vec(), came);
        }
        panic!("it never stops to send");
    }

    fn event(&mut self, event: Event) {
        if let Event::Tcp(tcp::Event::Listener(listener)) = event {
            while let Ok(id) = self.stack.tcp_mut().accept(listener) {
                self.connections.push(id);
            }
        }
    }

    fn check_sent(&mut self, bytes: &[u8], came: Came) {
        let link = ethernet::Header::parse(bytes).expect("a right frame");
        assert_eq!(link.source, OUR_STATION);
        let packet = &bytes[ethernet::HEADER_LENGTH..];
        assert!(packet.len() <= 1_500);
        match link.ether_type {
            EtherType::ARP => drop(arp::Packet::parse(packet).expect("a right ARP packet")),
            EtherType::IPV4 => {
                let header = ipv4::Header::parse(packet, packet.len()).expect("a right IPv4 header");
                let payload = &packet[header.header_length..header.total_length];
                if !header.is_fragment() {
                    let (from, to) = (header.source.into(), header.destination.into());
                    self.check_transport(header.protocol, payload, from, to, came);
                }
            }
            EtherType::IPV6 => {
                let header = ipv6::Header::parse(packet, packet.len()).expect("a right IPv6 header");
                let chain = Chain::walk(packet, &header).expect("right extension headers");
                if chain.fragment.is_none() {
                    let (from, to) = (header.source.into(), header.destination.into());
                    self.check_transport(chain.protocol, &packet[chain.offset..], from, to, came);
                }
            }
            other => panic!("{other:?} is nothing that this host speaks"),
        }
    }

    fn check_transport(&mut self, protocol: u8, payload: &[u8], from: IpAddr, to: IpAddr, came: Came) {
        match protocol {
            protocol::TCP => {
                wire::tcp::verify(from, to, [payload, &[]]).expect("a right checksum");
                let (header, _) = Header::parse(payload).expect("a right TCP header");
                assert!(!(came == Came::Reset && header.flags.contains(Flags::RST)), "a RST answers a RST");
                assert!(
                    !(came == Came::ToMany && header.flags.contains(Flags::RST)),
                    "a RST answers a group"
                );
                if !header.flags.contains(Flags::RST) {
                    self.next = header.sequence + u32::from(header.flags.contains(Flags::SYN));
                    self.expected = header.acknowledgment;
                }
            }
            protocol::UDP => udp::verify(from, to, [payload, &[]]).expect("a right checksum"),
            protocol::ICMPV4 => {
                icmpv4::verify([payload, &[]]).expect("a right checksum");
                let (message, _) = icmpv4::Message::parse(payload).expect("a right message");
                let forbidden = matches!(came, Came::IcmpError | Came::ToMany);
                assert!(!(forbidden && message.is_error()), "an ICMP error answers {message:?}");
            }
            protocol::ICMPV6 => {
                let (IpAddr::V6(from), IpAddr::V6(to)) = (from, to) else { panic!("ICMPv6 in IPv4") };
                icmpv6::verify(from, to, [payload, &[]]).expect("a right checksum");
                let (message, _) = icmpv6::Message::parse(payload).expect("a right message");
                assert!(!(came == Came::IcmpError && message.is_error()), "an error answers an error");
            }
            protocol::IGMP => {}
            other => panic!("protocol {other} is nothing that this host speaks"),
        }
    }

    // ---- the rest ----

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        for _ in 0..100_000 {
            let Some(next) = self.stack.poll_timeout().filter(|next| *next <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            self.stack.on_timeout(self.now);
            assert!(self.stack.poll_timeout().is_none_or(|next| next > self.now), "a timer that is over");
            self.drain(Came::Other);
        }
        panic!("timers without end");
    }

    fn application(&mut self, input: &mut Input<'_>) {
        let mut out = [0; 2_000];
        let choice = input.byte();
        let id =
            (!self.connections.is_empty()).then(|| self.connections[input.below(self.connections.len())]);
        let tcp = self.stack.tcp_mut();
        match (choice & 7, id) {
            (0, Some(id)) => drop(tcp.read(self.now, id, &mut out)),
            (1, Some(id)) => drop(tcp.write(self.now, id, &out[..usize::from(input.word()) % 2_000])),
            (2, Some(id)) => drop(tcp.shutdown(self.now, id, tcp::Shutdown::Write)),
            (3, Some(id)) => tcp.close(self.now, id),
            (4, _) => while self.stack.udp_receive(self.udp, &mut out).is_ok() {},
            (5, _) => {
                let to = if input.bit() { IpAddr::V4(input.one_of(&V4)) } else { input.one_of(&V6).into() };
                let payload = &out[..usize::from(input.word()) % 2_000];
                let _ = self.stack.udp_send(self.now, self.udp, payload, Some((to, 1_000).into()));
            }
            (6, _) if self.connections.len() < 16 => {
                let to = if input.bit() { IpAddr::V4(V4[1]) } else { V6[1].into() };
                let options = SocketOptions::default();
                let local = Some((to_ours(to), PORTS[1]).into());
                if let Ok(id) = self.stack.tcp_connect(self.now, local, (to, 1_000).into(), options) {
                    self.connections.push(id);
                }
            }
            _ => {}
        }
        self.drain(Came::Other);
    }

    /// All let go: TCP comes to its end, and no timer runs wild on the way.
    fn end(&mut self) {
        self.stack.tcp_mut().close_listener(self.now, self.listener);
        for id in core::mem::take(&mut self.connections) {
            self.stack.tcp_mut().close(self.now, id);
        }
        self.drain(Came::Other);
        self.pass(Duration::from_secs(3_600));
        assert_eq!(self.stack.tcp().population(), (0, 0, 0), "connections that never end");
        assert_eq!(self.stack.tcp().buffered(), 0, "memory that nobody uses");
    }
}

fn to_ours(to: IpAddr) -> IpAddr {
    if to.is_ipv4() { V4[0].into() } else { V6[0].into() }
}

fn from_device(bytes: Vec<u8>) -> Frame {
    let memory = bytes.len();
    Frame::from_device(bytes.into(), memory)
}

fn udp(frame: &mut Frame, source: IpAddr, destination: IpAddr, input: &mut Input<'_>) -> u8 {
    let header =
        udp::Header { source_port: input.one_of(&PORTS), destination_port: input.one_of(&PORTS), length: 0 };
    header.prepend_to(frame, source, destination);
    protocol::UDP
}

fn discovery(input: &mut Input<'_>) -> ndp::Message {
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

fn options(input: &mut Input<'_>) -> ndp::Options {
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
fn extend(frame: &mut Frame, next_header: u8, input: &mut Input<'_>) -> u8 {
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
