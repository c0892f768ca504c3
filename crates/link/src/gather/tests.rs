use super::*;
use proptest::prelude::*;

/// What a packet is made of.
#[derive(Clone, Copy, Debug)]
struct Packet {
    ipv6: bool,
    port: u16,
    sequence: u32,
    flags: u8,
    length: usize,
    identification: u16,
}

const SEGMENT: Packet =
    Packet { ipv6: false, port: 1000, sequence: 7, flags: ACK, length: 1000, identification: 1 };

impl Packet {
    /// Its bytes, with timestamps, behind a link header of that length; `change` is made before the checksums.
    fn changed(self, link_header: usize, change: impl FnOnce(&mut [u8], &mut [u8])) -> Vec<u8> {
        let mut tcp = vec![0; 32 + self.length];
        tcp[0..2].copy_from_slice(&self.port.to_be_bytes());
        tcp[2..4].copy_from_slice(&80_u16.to_be_bytes());
        tcp[4..8].copy_from_slice(&self.sequence.to_be_bytes());
        tcp[12..16].copy_from_slice(&[0x80, self.flags, 1, 0]);
        tcp[20..24].copy_from_slice(&[1, 1, 8, 10]);
        for (at, byte) in tcp[32..].iter_mut().enumerate() {
            *byte = self.sequence.wrapping_add(at as u32) as u8;
        }
        let mut ip = if self.ipv6 { vec![0; 40] } else { vec![0; 20] };
        let (source, destination): (IpAddr, IpAddr) = if self.ipv6 {
            ip[0] = 0x60;
            ip[4..6].copy_from_slice(&(tcp.len() as u16).to_be_bytes());
            (ip[6], ip[7], ip[23], ip[39]) = (TCP, 64, 1, 2);
            (Ipv6Addr::from(1).into(), Ipv6Addr::from(2).into())
        } else {
            ip[0] = 0x45;
            ip[2..4].copy_from_slice(&((20 + tcp.len()) as u16).to_be_bytes());
            ip[4..6].copy_from_slice(&self.identification.to_be_bytes());
            (ip[6], ip[8], ip[9], ip[12], ip[16]) = (0x40, 64, TCP, 10, 11);
            (Ipv4Addr::new(10, 0, 0, 0).into(), Ipv4Addr::new(11, 0, 0, 0).into())
        };
        change(&mut ip, &mut tcp);
        if !self.ipv6 {
            let sum = Sum::ZERO.add_bytes(&ip).finish();
            ip[10..12].copy_from_slice(&sum.to_be_bytes());
        }
        let sum = checksum::transport(source, destination, TCP, [&tcp, &[]]);
        tcp[16..18].copy_from_slice(&sum.to_be_bytes());
        [vec![0xaa; link_header], ip, tcp].concat()
    }

    fn bytes(self, link_header: usize) -> Vec<u8> {
        self.changed(link_header, |_, _| {})
    }

    /// The one that carries on, as long.
    fn next(self) -> Packet {
        let sequence = self.sequence.wrapping_add(self.length as u32);
        Packet { sequence, identification: self.identification.wrapping_add(1), ..self }
    }
}

fn feed(gather: &mut Gather, packet: &[u8], arrived: &mut VecDeque<Frame>) {
    let read = |space: &mut [u8]| {
        space[..packet.len()].copy_from_slice(packet);
        Ok(packet.len())
    };
    assert_eq!(gather.read(arrived, read).unwrap(), packet.len());
}

/// What comes out when these are read in one turn.
fn gathered(packets: &[Vec<u8>], link_header: usize) -> Vec<Frame> {
    let (mut gather, mut arrived) = (Gather::new(1514, link_header), VecDeque::new());
    packets.iter().for_each(|packet| feed(&mut gather, packet, &mut arrived));
    arrived.extend(gather.flush());
    assert!(gather.flush().is_none());
    arrived.into()
}

#[test]
fn a_row_of_segments_is_one_super_segment_with_right_headers() {
    for (link_header, ipv6) in [(0, false), (14, false), (0, true), (14, true)] {
        let first = Packet { ipv6, ..SEGMENT };
        let last = Packet { length: 300, flags: ACK | PSH, ..first.next().next() };
        let rest = last.next();
        let packets = [first, first.next(), last, rest].map(|packet| packet.bytes(link_header));
        let frames = gathered(&packets, link_header);
        let [frame, other] = &frames[..] else { panic!("{} frames", frames.len()) };
        assert_eq!((frame.segment_size, frame.checksum), (1000, Checksum::Verified));
        assert_eq!((other.to_vec(), other.segment_size), (packets[3].clone(), 0));
        // But for the TCP checksum, which is vouched for, it is the packet that was cut.
        let whole = Packet { length: 2300, flags: ACK | PSH, ..first };
        let (mut bytes, mut expected) = (frame.to_vec(), whole.bytes(link_header));
        let tcp = link_header + if ipv6 { 40 } else { 20 };
        for bytes in [&mut bytes, &mut expected] {
            bytes[tcp + 16..tcp + 18].fill(0);
        }
        assert!(bytes == expected, "link header {link_header}, IPv6 {ipv6}");
    }
}

#[test]
fn what_differs_in_more_than_its_place_stands_alone() {
    type Change = fn(&mut [u8], &mut [u8]);
    let table: [(&str, Change); 14] = [
        ("type of service", |ip, _| ip[1] = 3),
        ("may be fragmented", |ip, _| ip[6] = 0),
        ("a fragment", |ip, _| ip[6] = 0x20),
        ("time to live", |ip, _| ip[8] = 63),
        ("protocol", |ip, _| ip[9] = 17),
        ("source", |ip, _| ip[15] = 1),
        ("port", |_, tcp| tcp[0] ^= 1),
        ("sequence number", |_, tcp| tcp[7] ^= 1),
        ("acknowledgment", |_, tcp| tcp[11] ^= 1),
        ("FIN", |_, tcp| tcp[13] |= 1),
        ("CWR", |_, tcp| tcp[13] |= 0x80),
        ("a reserved bit", |_, tcp| tcp[12] |= 1),
        ("window", |_, tcp| tcp[15] ^= 1),
        ("timestamps", |_, tcp| tcp[27] ^= 1),
    ];
    for (what, change) in table {
        let packets = [SEGMENT.bytes(0), SEGMENT.next().changed(0, change)];
        let frames: Vec<_> = gathered(&packets, 0).iter().map(Frame::to_vec).collect();
        assert!(frames == packets, "{what}");
    }
    // Longer than the first, empty, or broken.
    let next = SEGMENT.next();
    let mut broken = next.bytes(0);
    broken[700] ^= 1;
    let mut trailer = next.bytes(0);
    trailer.push(0);
    let empty = Packet { length: 0, ..next }.bytes(0);
    for other in [Packet { length: 1001, ..next }.bytes(0), empty, broken, trailer] {
        let packets = [SEGMENT.bytes(0), other];
        let frames = gathered(&packets, 0);
        assert_eq!(frames.iter().map(Frame::to_vec).collect::<Vec<_>>(), packets);
    }
    // A first one that asks to be seen at once, or is broken, is not waited with.
    for flags in [ACK | PSH, ACK | 2, 4] {
        let packets = [Packet { flags, ..SEGMENT }.bytes(0), next.bytes(0)];
        assert_eq!(gathered(&packets, 0).len(), 2, "{flags:#x}");
    }
}

#[test]
fn a_run_is_no_longer_than_a_packet_may_be() {
    let mut packets = vec![SEGMENT];
    for _ in 0..200 {
        packets.push(packets[packets.len() - 1].next());
    }
    let frames = gathered(&packets.map_bytes(), 0);
    assert!(frames.iter().all(|frame| frame.len() <= LONGEST));
    assert!(frames.len() <= 4, "{}", frames.len());
    assert_eq!(frames.iter().map(|frame| frame.len() - 52).sum::<usize>(), 201_000);
}

#[test]
fn what_follows_a_run_of_any_length_is_moved_out_of_its_memory() {
    for count in [1, 2, 31, 32, 33, 34, 60] {
        let mut run = vec![SEGMENT];
        while run.len() < count {
            run.push(run[run.len() - 1].next());
        }
        // With shorter and with longer headers, and one that is carried on itself.
        let others = [Packet { port: 2, ..SEGMENT }, Packet { ipv6: true, port: 3, ..SEGMENT }];
        for other in others {
            let mut packets = run.map_bytes();
            packets.extend([other.bytes(0), other.next().bytes(0)]);
            packets.extend([Packet { port: 4, ..SEGMENT }.bytes(0)[..30].to_vec()]);
            let frames: Vec<_> = gathered(&packets, 0).iter().map(Frame::to_vec).collect();
            assert_eq!(frames.len(), 3, "{count}");
            assert_eq!(parts(frames.iter().map(Vec::as_slice)), parts(packets.iter().map(Vec::as_slice)));
        }
    }
}

#[test]
fn frames_of_which_two_are_more_than_a_packet_are_not_joined() {
    let mut gather = Gather::new(LONGEST / 2 + 1, 0);
    let first = Packet { length: 32_000, ..SEGMENT };
    let mut arrived = VecDeque::new();
    feed(&mut gather, &first.bytes(0), &mut arrived);
    feed(&mut gather, &Packet { length: 32_001, ..first.next() }.bytes(0), &mut arrived);
    arrived.extend(gather.flush());
    assert_eq!(arrived.iter().map(Frame::len).collect::<Vec<_>>(), [32_052, 32_053]);
}

trait MapBytes {
    fn map_bytes(&self) -> Vec<Vec<u8>>;
}

impl MapBytes for Vec<Packet> {
    fn map_bytes(&self) -> Vec<Vec<u8>> {
        self.iter().map(|packet| packet.bytes(0)).collect()
    }
}

#[test]
fn a_failed_read_leaves_all_as_it_was() {
    let (mut gather, mut arrived) = (Gather::new(1514, 0), VecDeque::new());
    let fail = |_: &mut [u8]| Err(io::ErrorKind::WouldBlock.into());
    assert!(gather.read(&mut arrived, fail).is_err());
    feed(&mut gather, &SEGMENT.bytes(0), &mut arrived);
    assert!(gather.read(&mut arrived, fail).is_err());
    feed(&mut gather, &SEGMENT.next().bytes(0), &mut arrived);
    assert!(arrived.is_empty());
    assert_eq!(gather.flush().unwrap().len(), 2052);
}

/// A part of a stream, or a frame that is none.
#[derive(Clone, PartialEq, Debug)]
enum Part {
    Stream { ipv6: bool, port: u16, sequence: u32, bytes: Vec<u8> },
    Other(Vec<u8>),
}

/// What frames carry, with what belongs together joined.
fn parts<'a>(frames: impl Iterator<Item = &'a [u8]>) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for frame in frames {
        let Some(layout) = Layout::of(frame, 0) else {
            parts.push(Part::Other(frame.to_vec()));
            continue;
        };
        let (ipv6, tcp) = (layout.tcp == 40, &frame[layout.tcp..]);
        let (port, sequence) = (u16::from_be_bytes([tcp[0], tcp[1]]), number(tcp, 4));
        let bytes = frame[layout.payload..].to_vec();
        match parts.last_mut() {
            Some(Part::Stream { ipv6: six, port: last, sequence: first, bytes: before })
                if *six == ipv6
                    && *last == port
                    && first.wrapping_add(before.len() as u32) == sequence
                    && !bytes.is_empty() =>
            {
                before.extend(bytes);
            }
            _ => parts.push(Part::Stream { ipv6, port, sequence, bytes }),
        }
    }
    parts
}

proptest! {
    /// Whatever is read in whatever turns, no byte is lost, moved or made up.
    #[test]
    fn what_comes_out_carries_what_went_in(
        steps in prop::collection::vec((0..12_u8, any::<bool>(), 1000..1002_u16, 0..1400_usize), 1..80),
    ) {
        let (mut gather, mut arrived) = (Gather::new(1514, 0), VecDeque::new());
        let mut last = SEGMENT;
        let mut sent = Vec::new();
        for (step, ipv6, port, length) in steps {
            let packet = match step {
                0 => Packet { ipv6, port, length, ..last.next() },
                1 => Packet { sequence: last.sequence ^ 77, ..last },
                2 => Packet { flags: ACK | PSH, ..last.next() },
                3 => Packet { length, ..last.next() },
                _ => last.next(),
            };
            let mut bytes = packet.bytes(0);
            match step {
                4 => bytes.truncate(length.min(bytes.len() - 1)),
                5 => arrived.extend(gather.flush()),
                _ => {}
            }
            if bytes.is_empty() {
                continue;
            }
            feed(&mut gather, &bytes, &mut arrived);
            sent.push(bytes);
            last = packet;
        }
        arrived.extend(gather.flush());
        let frames: Vec<_> = arrived.iter().map(Frame::to_vec).collect();
        prop_assert_eq!(parts(frames.iter().map(Vec::as_slice)), parts(sent.iter().map(Vec::as_slice)));
    }

    /// The network may send anything, also what is nearly the next segment.
    #[test]
    fn bytes_of_any_kind_pass(
        strange in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..200), 0..9),
        flips in prop::collection::vec((0..1052_usize, 0..8_u8), 0..9),
    ) {
        let mut packets = vec![SEGMENT.bytes(0)];
        packets.extend(strange);
        packets.push(SEGMENT.bytes(0));
        for (at, bit) in flips {
            let mut next = SEGMENT.next().bytes(0);
            next[at] ^= 1 << bit;
            packets.push(next);
        }
        let frames: Vec<_> = gathered(&packets, 0).iter().map(Frame::to_vec).collect();
        prop_assert_eq!(parts(frames.iter().map(Vec::as_slice)), parts(packets.iter().map(Vec::as_slice)));
    }
}
