//! Datagrams in fragments of either family, in any order, repeated, overlapping and contradicting each other. Whatever the socket
//! gets is a datagram that was sent.

use crate::input::Input;
use crate::stream;
use basis::{Frame, Instant};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::time::Duration;
use stack::{InterfaceConfig, InterfaceId, Medium, Probing, Stack, StackConfig, UdpId};
use wire::ipv6::extension::Fragment;
use wire::{ipv4, ipv6, protocol, udp};

const V4: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 7, 0, 3), Ipv4Addr::new(10, 7, 0, 2)];
const V6: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0xfd07, 0, 0, 0, 0, 0, 0, 3), Ipv6Addr::new(0xfd07, 0, 0, 0, 0, 0, 0, 2)];
/// Datagrams that are told apart by their identification.
const DATAGRAMS: usize = 6;

struct World {
    now: Instant,
    stack: Stack,
    lane: InterfaceId,
    socket: UdpId,
    /// Which datagrams have been spoilt, by family. One wrong byte or place the checksum always finds; two can make up for each other.
    spoilt: [[bool; DATAGRAMS]; 2],
}

/// Sends fragments as the bytes say.
pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut world = World::new();
    while !input.is_empty() {
        match input.byte() & 7 {
            0 => world.pass(Duration::from_millis(u64::from(input.word()))),
            _ => world.fragment(&mut input),
        }
        world.receive();
    }
    // What was not completed is given up, and told at most once a datagram.
    world.pass(Duration::from_secs(120));
    assert_eq!(world.stack.poll_timeout(), None, "a timer that nobody waits for");
}

impl World {
    fn new() -> World {
        let now = Instant::from_millis(1_000);
        let mut config = StackConfig::default();
        config.reassembly.max_datagrams = 4;
        config.reassembly.max_bytes = 16 << 10;
        config.reassembly.max_fragments = 16;
        let mut stack = Stack::new(now, config, [6; 32]);
        let medium = Medium::Ip;
        let lane = stack.add_interface(
            now,
            InterfaceConfig { name: "tun".into(), medium, mtu: 1_500, super_segments: false },
        );
        for (address, prefix) in [(IpAddr::V4(V4[1]), 24), (IpAddr::V6(V6[1]), 64)] {
            stack.add_address(now, lane, address, prefix, Probing::Skip).expect("there is room");
        }
        let socket = stack.udp_bind("[::]:7".parse().expect("an address")).expect("nobody is bound");
        while stack.poll_event().is_some() {}
        World { now, stack, lane, socket, spoilt: Default::default() }
    }

    /// A part of one of a few datagrams, now and then with wrong bytes or a wrong end.
    fn fragment(&mut self, input: &mut Input<'_>) {
        let six = input.bit();
        let number = input.below(DATAGRAMS);
        let datagram = datagram(number, six);
        let mut wild = input.byte();
        if (20..40).contains(&wild) || wild == 255 {
            let spoilt = &mut self.spoilt[usize::from(six)][number];
            wild = if *spoilt { 100 } else { wild };
            *spoilt = true;
        }
        let unit = usize::from(input.byte()) % datagram.len().div_ceil(8);
        let start = unit * 8;
        let mut end = (start + 8 * (1 + input.below(60))).min(datagram.len());
        let mut more = end < datagram.len();
        let mut bytes = datagram[start..end].to_vec();
        if wild < 20 {
            more = !more;
            end = start + (bytes.len() & !7).max(8).min(bytes.len());
            bytes.truncate(end - start);
        } else if wild < 40 {
            let at = input.below(bytes.len());
            bytes[at] ^= 1 + input.byte() % 255;
        }
        let offset = if wild == 255 { input.word() & 0xfff8 } else { start as u16 };
        let mut frame = Frame::copy_of(&bytes);
        if six {
            let next_header = if wild == 254 { input.byte() } else { protocol::UDP };
            Fragment { next_header, offset, more, identification: number as u32 }.prepend_to(&mut frame);
            ipv6::Header::new(V6[0], V6[1], protocol::FRAGMENT).prepend_to(&mut frame);
        } else {
            let header = ipv4::Header {
                identification: number as u16,
                more_fragments: more,
                dont_fragment: false,
                fragment_offset: offset,
                ..ipv4::Header::new(V4[0], V4[1], protocol::UDP)
            };
            header.prepend_to(&mut frame);
        }
        let bytes = frame.to_vec();
        let memory = bytes.len();
        let _ = self.stack.on_frame(self.now, self.lane, Frame::from_device(bytes.into(), memory));
        self.drain();
    }

    /// What comes out is whole, and one of those that were sent. A wrong byte would not have passed the checksum, unless it was
    /// never in a datagram that was put together.
    fn receive(&mut self) {
        let mut out = vec![0; 65_536];
        while let Ok((copied, length, from)) = self.stack.udp_receive(self.socket, &mut out) {
            assert_eq!(copied, length);
            let six = from.is_ipv6() && from.ip().to_canonical().is_ipv6();
            let whole = (0..DATAGRAMS).any(|number| datagram(number, six)[8..] == out[..length]);
            assert!(whole, "a datagram that nobody sent, of {length} bytes");
        }
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(next) = self.stack.poll_timeout().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.stack.on_timeout(self.now);
            assert!(self.stack.poll_timeout().is_none_or(|next| next > self.now));
            self.drain();
        }
        self.now = end;
    }

    fn drain(&mut self) {
        for _ in 0..100 {
            if self.stack.poll_transmit(self.now, self.lane).is_none() {
                return;
            }
        }
        panic!("it never stops to send");
    }
}

/// The UDP datagram with this number, with its header.
fn datagram(number: usize, six: bool) -> Vec<u8> {
    let length = [9, 64, 700, 1_500, 4_000, 1_992][number];
    let mut frame = Frame::copy_of(&stream::bytes_at(number, 0, length));
    let header = udp::Header { source_port: 1_000, destination_port: 7, length: 0 };
    match six {
        true => header.prepend_to(&mut frame, V6[0].into(), V6[1].into()),
        false => header.prepend_to(&mut frame, V4[0].into(), V4[1].into()),
    }
    frame.to_vec()
}
