//! One host, and a peer that sends whatever the fuzzer's bytes say, with numbers around the right ones. Its data are bytes known
//! by their place, so that what the application reads can be checked, whatever came in whatever order.

use crate::input::Input;
use crate::stream;
use basis::{Frame, Instant};
use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;
use tcp::congestion::Algorithm;
use tcp::{
    ConnectionId, EcnMode, FourTuple, Host, HostConfig, ListenerId, Path, Shutdown, SocketOptions, State,
};
use wire::tcp::{Flags, Header, Options, SackBlock, Seq, Timestamps};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 7, 0, 2));
const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 7, 0, 3));
const PATH: Path = Path { lane: 0, mtu: 1_500, link_mtu: 1_500 };
/// Steps after which whatever is left over must have ended.
const MOST_STEPS: usize = 20_000;
/// Bytes of the peer's stream whose coming is remembered; no more are sent.
const MOST_BYTES: usize = 1 << 17;
const US: usize = 0;
const PEER: usize = 1;

struct World {
    now: Instant,
    host: Host,
    listener: ListenerId,
    id: Option<ConnectionId>,
    /// The peer's first byte and ours.
    peer_first: Seq,
    our_first: Option<Seq>,
    /// Which bytes of its stream the peer has sent.
    sent: Vec<bool>,
    fin_at: Option<u32>,
    read: u64,
    written: u64,
    /// The peer's clock of timestamps.
    clock: u32,
    ports: [u16; 2],
}

/// Plays what the bytes say, and then lets everything come to its end.
pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut world = World::new(&mut input);
    while !input.is_empty() {
        world.step(&mut input);
        world.check();
    }
    world.end();
}

impl World {
    fn new(input: &mut Input<'_>) -> World {
        let bits = input.byte();
        let now = Instant::from_millis(1_000);
        let config = HostConfig {
            timestamps: bits & 1 == 0,
            selective_acknowledgments: bits & 2 == 0,
            window_scaling: bits & 4 == 0,
            super_segments: bits & 8 == 0,
            ecn: if bits & 16 == 0 { EcnMode::Accept } else { EcnMode::Ask },
            congestion: if bits & 32 == 0 { Algorithm::Cubic } else { Algorithm::NewReno },
            buffer_memory: if bits & 64 == 0 { 1 << 30 } else { 32 << 10 },
            ..HostConfig::default()
        };
        let mut host = Host::new(now, config, [5; 32]);
        let small = SocketOptions { receive_buffer: Some(2_048), ..SocketOptions::default() };
        let options = if bits & 128 == 0 { SocketOptions::default() } else { small };
        let listener = host.listen(None, 80, 2, options).expect("nobody listens");
        let peer_first = Seq(input.long());
        let mut world = World {
            now,
            host,
            listener,
            id: None,
            peer_first,
            our_first: None,
            sent: vec![false; MOST_BYTES],
            fin_at: None,
            read: 0,
            written: 0,
            clock: 7,
            ports: [80, 1_000],
        };
        let active = input.byte();
        if active & 1 == 1 {
            world.ports = [40_000, 9];
            let tuple = FourTuple { local: HERE, remote: THERE, local_port: 40_000, remote_port: 9 };
            world.id = Some(world.host.connect(now, PATH, tuple, options).expect("the four-tuple is free"));
            world.pull();
        }
        if active & 2 == 0 {
            world.shake_hands(active & 4 == 0, active & 8 == 0);
        }
        world
    }

    /// A handshake as it should be: most that is interesting comes later.
    fn shake_hands(&mut self, timestamps: bool, selective: bool) {
        let options = Options {
            maximum_segment_size: Some(1_000),
            window_scale: Some(3),
            sack_permitted: selective,
            timestamps: timestamps.then_some(Timestamps { value: self.clock, echo: 0 }),
            ..Options::NONE
        };
        let first = self.peer_first - 1;
        let flags = if self.id.is_some() { Flags::SYN | Flags::ACK } else { Flags::SYN };
        self.send(Header { sequence: first, flags, window: 8_000, options, ..self.header() }, 0);
        self.pull();
        let timestamps = Options {
            timestamps: timestamps.then_some(Timestamps { value: self.clock, echo: 0 }),
            ..Options::NONE
        };
        let first = self.peer_first;
        self.send(
            Header {
                sequence: first,
                flags: Flags::ACK,
                window: 8_000,
                options: timestamps,
                ..self.header()
            },
            0,
        );
        self.accept();
    }

    fn header(&self) -> Header {
        Header {
            source_port: self.ports[1],
            destination_port: self.ports[0],
            acknowledgment: self.acknowledgment(),
            ..Header::default()
        }
    }

    /// What the host has sent so far, so that an acknowledgment of it is right.
    fn acknowledgment(&self) -> Seq {
        let inside = self.host.inspect().find(|inside| inside.tuple.local_port == self.ports[0]);
        inside.map_or(Seq(0), |inside| inside.send_highest)
    }

    fn step(&mut self, input: &mut Input<'_>) {
        match input.byte() & 15 {
            0..=5 => self.segment(input),
            6 => self.pass(Duration::from_millis(u64::from(input.byte()))),
            7 => self.pass(Duration::from_millis(u64::from(input.word()) * 8)),
            8 => {
                if let Some(next) = self.host.poll_timeout() {
                    self.pass(next.saturating_since(self.now));
                }
            }
            9 => self.write(usize::from(input.word()) % 9_000),
            10 | 11 => self.read(usize::from(input.word()) % 20_000),
            12 => self.application(input),
            13 => self.accept(),
            _ => self.pull(),
        }
    }

    /// A segment with numbers near the right ones.
    fn segment(&mut self, input: &mut Input<'_>) {
        let shape = input.byte();
        let received = self.received();
        let place = match shape & 3 {
            0 => received,
            1 => received.saturating_sub(u32::from(input.byte())),
            2 => received.wrapping_add(u32::from(input.word())),
            _ => received.wrapping_sub(input.long() >> (input.byte() & 31)),
        };
        let back = match shape >> 2 & 3 {
            0 => 0,
            1 => u32::from(input.word()) % 3_000,
            2 => u32::from(input.byte()).wrapping_neg(),
            _ => input.long(),
        };
        let flags = match shape >> 4 & 3 {
            0 | 1 => Flags::ACK,
            2 => {
                Flags::ACK
                    | input.one_of(&[Flags::FIN, Flags::RST, Flags::SYN, Flags::PSH, Flags::ECE, Flags::CWR])
            }
            _ => Flags(input.byte()),
        };
        let mut options = Options::NONE;
        let choice = input.byte();
        if choice & 1 == 0 && self.timestamps() {
            self.clock += u32::from(choice >> 5);
            let value = if choice & 2 == 0 { self.clock } else { input.long() };
            options.timestamps = Some(Timestamps { value, echo: input.byte().into() });
        }
        let acknowledgment = self.acknowledgment() - back;
        for _ in 0..(choice >> 2 & 3) {
            let left = acknowledgment + u32::from(input.word()) % 4_000;
            options.sack.push(SackBlock { left, right: left + u32::from(input.word()) % 3_000 });
        }
        let length = if flags.intersects(Flags::SYN) { 0 } else { usize::from(input.word()) % 1_500 };
        let window = if input.bit() { 8_000 } else { input.word() };
        // The connection that the application has begins where the others begin too.
        let begins = flags.contains(Flags::SYN) && self.awaits_beginning();
        let sequence = if begins { self.peer_first - 1 } else { self.peer_first + place };
        let header = Header { sequence, acknowledgment, flags, window, options, ..self.header() };
        self.send(header, length);
    }

    fn awaits_beginning(&self) -> bool {
        let state = self.id.and_then(|id| self.host.info(id)).map(|info| info.state);
        self.id.is_none() || state == Some(State::SynSent)
    }

    fn timestamps(&self) -> bool {
        self.host.inspect().next().is_some_and(|inside| inside.info.timestamps)
    }

    /// How far the host has received the peer's stream.
    fn received(&self) -> u32 {
        let inside = self.host.inspect().find(|inside| inside.tuple.local_port == self.ports[0]);
        inside.map_or(0, |inside| inside.receive_next.since(self.peer_first))
    }

    /// Sends a segment of `length` bytes. After a RST that it answers to, the host answers with none.
    fn send(&mut self, mut header: Header, length: usize) {
        let place = header.sequence.since(self.peer_first);
        // Places beyond the bound, or before the stream, carry no data that could be told from others.
        let inside = (place as usize).saturating_add(length) <= MOST_BYTES;
        let length = if inside { length } else { 0 };
        if header.flags.contains(Flags::FIN) && !header.flags.intersects(Flags::SYN | Flags::RST) {
            let end = place.wrapping_add(length as u32);
            // A stream has one end, and nothing behind it.
            let beyond = self.sent.get(end as usize..).unwrap_or_default();
            match self.fin_at {
                None if !beyond.contains(&true) => self.fin_at = Some(end),
                Some(fin) if fin == end => {}
                _ => header.flags = header.flags.without(Flags::FIN),
            }
        }
        let length = self.fin_at.map_or(length, |fin| length.min(fin.saturating_sub(place) as usize));
        let mut frame = Frame::copy_of(&stream::bytes_at(PEER, place.into(), length));
        if !header.flags.intersects(Flags::RST) && length > 0 {
            self.sent[place as usize..place as usize + length].fill(true);
        }
        header.prepend_to(&mut frame, THERE, HERE);
        let reset = header.flags.contains(Flags::RST);
        if reset {
            self.pull();
        }
        let _ = self.host.on_segment(self.now, || PATH, HERE, THERE, &mut frame);
        if reset {
            self.pull_each(|header| assert!(!header.flags.contains(Flags::RST), "a RST in answer to a RST"));
        }
    }

    fn pull(&mut self) {
        self.pull_each(|_| {});
    }

    /// All that is due, checked.
    fn pull_each(&mut self, mut check: impl FnMut(&Header)) {
        for _ in 0..10_000 {
            let mut frame = Frame::new();
            if self.host.poll_transmit(self.now, 0, &mut frame).is_none() {
                assert!(!self.host.has_transmit(0), "work is due, but nothing comes");
                return;
            }
            let (header, length) = Header::parse(frame.first()).expect("what is sent can be read");
            if header.source_port != self.ports[0] {
                continue;
            }
            check(&header);
            self.check_sent(&header, frame, length);
        }
        panic!("it never stops to send");
    }

    fn check_sent(&mut self, header: &Header, mut frame: Frame, length: usize) {
        if header.flags.contains(Flags::SYN) {
            self.our_first = Some(header.sequence + 1);
        }
        frame.strip(length);
        if let Some(first) = self.our_first.filter(|_| !frame.is_empty()) {
            let place = header.sequence.since(first);
            assert!(u64::from(place) + frame.len() as u64 <= self.written, "bytes that nobody wrote");
            stream::check(US, place.into(), &frame.to_vec());
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.host.on_timeout(self.now);
        let next = self.host.poll_timeout();
        assert!(next.is_none_or(|next| next > self.now), "{next:?} is over at {:?}", self.now);
    }

    // ---- the application ----

    fn accept(&mut self) {
        if self.id.is_none()
            && let Ok(id) = self.host.accept(self.listener)
        {
            self.id = Some(id);
            // A peer that guesses right may be faster than the SYN-ACK, which never leaves then.
            let inside = self.host.inspect().find(|inside| inside.id == self.id);
            self.our_first = inside.map(|inside| inside.send_next).or(self.our_first);
        }
    }

    fn write(&mut self, length: usize) {
        let Some(id) = self.id.filter(|_| self.written < 1 << 20) else { return };
        let data = stream::bytes_at(US, self.written, length);
        self.written += self.host.write(self.now, id, &data).unwrap_or(0) as u64;
    }

    fn read(&mut self, most: usize) {
        let Some(id) = self.id else { return };
        let mut out = vec![0; most];
        let Ok(count) = self.host.read(self.now, id, &mut out) else { return };
        stream::check(PEER, self.read, &out[..count]);
        let places = self.read as usize..self.read as usize + count;
        assert!(self.sent[places].iter().all(|sent| *sent), "bytes that nobody sent");
        self.read += count as u64;
        if let Some(fin) = self.fin_at {
            assert!(self.read <= fin.into(), "bytes behind the end");
        }
    }

    fn application(&mut self, input: &mut Input<'_>) {
        let Some(id) = self.id else { return };
        match input.below(6) {
            0 => drop(self.host.shutdown(self.now, id, Shutdown::Write)),
            1 => drop(self.host.shutdown(self.now, id, Shutdown::Read)),
            2 if input.below(4) == 0 => self.host.close(self.now, id),
            3 if input.below(8) == 0 => self.host.abort(self.now, id),
            4 => drop(self.host.set_quick_acknowledgments(id, input.bit())),
            5 => {
                let size = input.one_of(&[None, Some(2_048), Some(100_000)]);
                let options = SocketOptions {
                    receive_buffer: size,
                    send_buffer: size,
                    no_delay: input.bit(),
                    cork: input.bit(),
                    ..SocketOptions::default()
                };
                self.host.set_options(self.now, id, options);
            }
            _ => {}
        }
    }

    // ---- what must hold ----

    fn check(&self) {
        // 8 MiB is what a receive buffer may grow to, twice for what is out of order, and 4 MiB a send buffer.
        assert!(self.host.buffered() <= 21 << 20, "{} bytes held", self.host.buffered());
        let (connections, half_open, time_wait) = self.host.population();
        assert!(connections + half_open + time_wait <= 5);
    }

    /// The application lets go, and the peer is silent for ever. Nothing is left after a while.
    fn end(&mut self) {
        while let Ok(id) = self.host.accept(self.listener) {
            self.host.close(self.now, id);
        }
        if let Some(id) = self.id.take() {
            self.host.close(self.now, id);
        }
        self.host.close_listener(self.now, self.listener);
        for _ in 0..MOST_STEPS {
            self.pull();
            let Some(next) = self.host.poll_timeout() else { break };
            self.pass(next.saturating_since(self.now));
        }
        assert_eq!(self.host.population(), (0, 0, 0), "connections that never end");
        assert_eq!(self.host.poll_timeout(), None, "a timer that nobody waits for");
        assert_eq!(self.host.buffered(), 0, "memory that nobody uses");
    }
}
