//! A whole host fed by frames: bytes as they come, and packets of every kind with right addresses and checksums, so that they get
//! deep. What the host sends is well formed, and it answers nothing that must not be answered.

mod incoming;
mod messages;
mod outgoing;

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
