//! A station of ill will: frames of random bytes, and frames that were right once and then were tampered with.
//!
//! It knows the frames' format by itself, so that it shares no mistake with the code under test. What it does not do is what no
//! station on an Ethernet can be kept from: to answer ARP in another's name, or to guess a sequence number within the window.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use super::noise::Noise;

const OURS: [u8; 6] = [2, 0x66, 0x66, 0x66, 0x66, 0x66];
const OUR_ADDRESS: [u8; 4] = [10, 7, 0, 66];
const BROADCAST: [u8; 6] = [0xff; 6];
/// Stations whose names are not taken in vain.
const STATIONS: [[u8; 4]; 3] = [[10, 7, 0, 1], [10, 7, 0, 2], [10, 7, 0, 10]];

/// A hardware address and an IP address.
type Station = ([u8; 6], [u8; 4]);

pub struct Mischief {
    cable: UnixStream,
    noise: Noise,
    stations: Vec<Station>,
    /// The two ends of calls in progress.
    victims: Vec<(SocketAddr, SocketAddr)>,
    sent: u64,
}

impl Mischief {
    /// Joins the LAN and finds the stations there.
    pub fn join(lan: &Path, victims: Vec<(SocketAddr, SocketAddr)>) -> Mischief {
        let cable = UnixStream::connect(lan).unwrap();
        let frames = listen(cable.try_clone().unwrap());
        let mut mischief = Mischief { cable, noise: Noise::new(5), stations: Vec::new(), victims, sent: 0 };
        for address in STATIONS {
            let request = arp(1, (OURS, OUR_ADDRESS), ([0; 6], address));
            mischief.put(&ethernet(BROADCAST, 0x0806, &request));
            let found = loop {
                let frame = frames.recv_timeout(Duration::from_secs(10)).expect("an answer to ARP");
                // A reply, and its sender is whom we look for.
                if frame.len() >= 42
                    && frame[12..14] == [8, 6]
                    && frame[20..22] == [0, 2]
                    && frame[28..32] == address
                {
                    break frame[22..28].try_into().unwrap();
                }
            };
            mischief.stations.push((found, address));
        }
        // From now on nobody listens, but what comes is still taken in.
        thread::spawn(move || frames.into_iter().for_each(drop));
        mischief.sent = 0;
        mischief
    }

    /// How many frames it has sent.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Sends one more.
    pub fn send(&mut self) {
        let frame = match self.noise.below(12) {
            0 => self.garbage(),
            1 => self.garbage_behind_a_header(),
            2 => self.garbage_in_ip(),
            3 => self.bad_arp(),
            4 => self.echo(),
            5 => self.datagram(),
            6 => self.fragment(),
            7 | 8 => self.segment(),
            9 => self.segment_of_a_call(),
            10 => self.damaged_data_of_a_call(),
            _ => self.error_about_a_call(),
        };
        self.put(&frame);
    }

    fn put(&mut self, frame: &[u8]) {
        let length = u32::try_from(frame.len()).unwrap();
        self.cable.write_all(&[&length.to_be_bytes(), frame].concat()).unwrap();
        self.sent += 1;
    }

    fn station(&mut self) -> Station {
        self.stations[self.noise.below(self.stations.len())]
    }

    fn random<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.noise.fill(&mut bytes);
        bytes
    }

    fn payload(&mut self, most: usize) -> Vec<u8> {
        let length = self.noise.below(most);
        self.noise.bytes(length)
    }

    /// Some bytes are changed, or some cut off, or some appended.
    fn tamper(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..1 + self.noise.below(4) {
            match self.noise.below(8) {
                0 => bytes.truncate(self.noise.below(bytes.len() + 1)),
                1 => bytes.extend(self.payload(20)),
                _ if !bytes.is_empty() => {
                    let place = self.noise.below(bytes.len());
                    bytes[place] = self.noise.byte();
                }
                _ => {}
            }
        }
    }

    fn garbage(&mut self) -> Vec<u8> {
        let mut frame = self.payload(1600);
        if let Some(to) = frame.first_chunk_mut() {
            *to = self.station().0;
        }
        self.spare_arp(frame)
    }

    fn garbage_behind_a_header(&mut self) -> Vec<u8> {
        let kinds = [0x0800, 0x0806, 0x86dd, 0x8100, 0x0000, 0x05dc, 0x88cc];
        let (to, payload) = (self.station().0, self.payload(1600));
        let frame = ethernet(to, kinds[self.noise.below(kinds.len())], &payload);
        self.spare_arp(frame)
    }

    fn garbage_in_ip(&mut self) -> Vec<u8> {
        let ((mac, to), payload, protocol) = (self.station(), self.payload(1480), self.noise.byte());
        let from = self.random();
        ethernet(mac, 0x0800, &ip(protocol, from, to, 0, 0, &payload))
    }

    fn bad_arp(&mut self) -> Vec<u8> {
        let (mac, address) = self.station();
        let mut packet = arp(1 + self.noise.byte() as u16 % 2, (OURS, OUR_ADDRESS), (mac, address));
        self.tamper(&mut packet);
        self.spare_arp(ethernet(mac, 0x0806, &packet))
    }

    /// No claim to an address that is a station's.
    fn spare_arp(&mut self, mut frame: Vec<u8>) -> Vec<u8> {
        if frame.get(12..14) == Some(&[8, 6])
            && frame.get(28..32).is_some_and(|claim| STATIONS.iter().any(|a| a == claim))
        {
            frame[31] = 66;
        }
        frame
    }

    fn echo(&mut self) -> Vec<u8> {
        let ((mac, to), payload) = (self.station(), self.payload(1400));
        let mut message = [&[8, 0, 0, 0, 0, 1, 0, 1], payload.as_slice()].concat();
        self.tamper(&mut message);
        if self.noise.below(2) == 0 && message.len() >= 4 {
            message[2..4].fill(0);
            let sum = checksum(&[&message]);
            message[2..4].copy_from_slice(&sum);
        }
        let mut packet = ip(1, OUR_ADDRESS, to, 0, 0, &message);
        if self.noise.below(4) == 0 {
            self.tamper(&mut packet);
        }
        ethernet(mac, 0x0800, &packet)
    }

    fn datagram(&mut self) -> Vec<u8> {
        let ((mac, to), payload, ports) = (self.station(), self.payload(1400), self.random::<4>());
        let length = u16::try_from(8 + payload.len()).unwrap().to_be_bytes();
        let mut datagram = [&ports, &length[..], &[0, 0], &payload].concat();
        self.tamper(&mut datagram);
        ethernet(mac, 0x0800, &ip(17, OUR_ADDRESS, to, 0, 0, &datagram))
    }

    /// A piece of a packet whose other pieces rarely come.
    fn fragment(&mut self) -> Vec<u8> {
        let ((mac, to), payload, source) = (self.station(), self.payload(1480), self.noise.byte());
        let (id, place) = (self.noise.below(3000), self.noise.below(1 << 14));
        let from = [10, 7, 1, source];
        let place = u16::try_from(place).unwrap();
        ethernet(mac, 0x0800, &ip(17, from, to, u16::try_from(id).unwrap(), place, &payload))
    }

    /// A segment of our own, perhaps of the right sum.
    fn segment(&mut self) -> Vec<u8> {
        let ((mac, to), from) = (self.station(), [10, 7, 0, 67 + self.noise.byte() % 20]);
        let services = [9528u16, 8002, 7, 0, 65535];
        let port = services[self.noise.below(services.len())].to_be_bytes();
        let (source, numbers, flags) = (self.random::<2>(), self.random::<8>(), self.noise.byte());
        let rest = self.payload(200);
        let offset = self.noise.byte();
        let mut segment =
            [&source, &port[..], &numbers, &[offset, flags, 255, 255, 0, 0, 0, 0], &rest].concat();
        self.tamper(&mut segment);
        if self.noise.below(4) > 0 {
            fix_tcp(&mut segment, from, to);
        }
        let mut packet = ip(6, from, to, 0, 0, &segment);
        if self.noise.below(8) == 0 {
            self.tamper(&mut packet);
        }
        ethernet(mac, 0x0800, &packet)
    }

    /// The two ends of a call in progress, from either side: addresses, ports, and where the second one is.
    fn victim(&mut self) -> ([u8; 4], [u8; 4], [u8; 4], [u8; 6]) {
        let (a, b) = self.victims[self.noise.below(self.victims.len())];
        let (from, to) = if self.noise.below(2) == 0 { (a, b) } else { (b, a) };
        let ports = [from.port().to_be_bytes(), to.port().to_be_bytes()].concat();
        let (from, to) = (four(from.ip()), four(to.ip()));
        let mac = self.stations.iter().find(|station| station.1 == to).unwrap().0;
        (from, to, ports.try_into().unwrap(), mac)
    }

    /// SYN, RST and FIN in the name of a call's peer, with numbers out of the air.
    fn segment_of_a_call(&mut self) -> Vec<u8> {
        let (from, to, ports, mac) = self.victim();
        let flags = [0x02, 0x12, 0x04, 0x14, 0x10, 0x29, 0x00, 0x3f];
        let (numbers, flags) = (self.random::<8>(), flags[self.noise.below(flags.len())]);
        let mut segment = [&ports, &numbers[..], &[5 << 4, flags, 0, 0, 0, 0, 0, 0]].concat();
        // An end or data could fit into the window by chance: what carries them is a stranger's by its sum.
        if flags & 0x01 == 0 {
            fix_tcp(&mut segment, from, to);
        }
        ethernet(mac, 0x0800, &ip(6, from, to, 0, 0, &segment))
    }

    /// Data in the name of a call's peer with a wrong sum.
    fn damaged_data_of_a_call(&mut self) -> Vec<u8> {
        let (from, to, ports, mac) = self.victim();
        let (numbers, payload, damage) =
            (self.random::<8>(), self.payload(1400), 1 + self.noise.byte() % 255);
        let mut segment = [&ports, &numbers[..], &[5 << 4, 0x18, 255, 255, 0, 0, 0, 0], &payload].concat();
        fix_tcp(&mut segment, from, to);
        segment[17] ^= damage;
        ethernet(mac, 0x0800, &ip(6, from, to, 0, 0, &segment))
    }

    /// ICMP errors that quote a call, all of them and also such as there are none of.
    fn error_about_a_call(&mut self) -> Vec<u8> {
        let (from, to, ports, _) = self.victim();
        let mac =
            self.stations.iter().find(|station| station.1 == from).map_or(BROADCAST, |station| station.0);
        let numbers = self.random::<16>();
        let mut quoted = ip(6, from, to, 0, 0, &[&ports, &numbers[..]].concat());
        if self.noise.below(3) == 0 {
            self.tamper(&mut quoted);
        }
        let kind = [3, 4, 5, 11, 12][self.noise.below(5)];
        let (code, rest) = (self.noise.byte() % 16, self.random::<4>());
        let mut message = [&[kind, code, 0, 0], &rest[..], &quoted].concat();
        let sum = checksum(&[&message]);
        message[2..4].copy_from_slice(&sum);
        ethernet(mac, 0x0800, &ip(1, OUR_ADDRESS, from, 0, 0, &message))
    }
}

/// The frames that arrive.
fn listen(mut cable: UnixStream) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut length = [0; 4];
        while cable.read_exact(&mut length).is_ok() {
            let mut frame = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap()];
            if cable.read_exact(&mut frame).is_err() || sender.send(frame).is_err() {
                break;
            }
        }
    });
    receiver
}

fn four(address: IpAddr) -> [u8; 4] {
    match address {
        IpAddr::V4(address) => address.octets(),
        IpAddr::V6(_) => panic!("{address} is no IPv4 address"),
    }
}

fn ethernet(to: [u8; 6], kind: u16, payload: &[u8]) -> Vec<u8> {
    [&to[..], &OURS, &kind.to_be_bytes(), payload].concat()
}

/// RFC 826.
fn arp(operation: u16, sender: Station, target: Station) -> Vec<u8> {
    let head = [0, 1, 8, 0, 6, 4];
    [&head, &operation.to_be_bytes()[..], &sender.0, &sender.1, &target.0, &target.1].concat()
}

/// RFC 791; `place` is the flags and the offset of a fragment.
fn ip(protocol: u8, from: [u8; 4], to: [u8; 4], id: u16, place: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(20 + payload.len()).unwrap().to_be_bytes();
    let (id, place) = (id.to_be_bytes(), place.to_be_bytes());
    let mut header = [&[0x45, 0], &length[..], &id, &place, &[64, protocol, 0, 0], &from, &to].concat();
    let sum = checksum(&[&header]);
    header[10..12].copy_from_slice(&sum);
    header.extend(payload);
    header
}

/// Puts the right sum into a TCP segment that is long enough for one.
fn fix_tcp(segment: &mut [u8], from: [u8; 4], to: [u8; 4]) {
    if segment.len() < 18 {
        return;
    }
    segment[16..18].fill(0);
    let length = u16::try_from(segment.len()).unwrap().to_be_bytes();
    let sum = checksum(&[&from, &to, &[0, 6], &length, segment]);
    segment[16..18].copy_from_slice(&sum);
}

/// RFC 1071, over parts of even length but for the last.
fn checksum(parts: &[&[u8]]) -> [u8; 2] {
    let mut sum = 0u32;
    for part in parts {
        for pair in part.chunks(2) {
            sum += u32::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]));
        }
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    (!u16::try_from(sum).unwrap()).to_be_bytes()
}
