//! Two hosts of ours, and between them a wire and applications that do what the fuzzer's bytes say: losses, repetitions,
//! reordering, time, and every verb. What one writes is what the other reads, memory stays in its bounds, and all of it ends.

use crate::input::Input;
use crate::stream;
use basis::{Checksum, Frame, Instant};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::time::Duration;
use tcp::congestion::Algorithm;
use tcp::{
    ConnectionId, EcnMode, Failure, FourTuple, Host, HostConfig, IcmpError, Keepalive, ListenerId, Path,
    ReadError, Shutdown, SocketOptions, WriteError, WriteMarks,
};
use wire::tcp::{Flags, Header, Seq};

/// Frames on the wire in one direction; more are lost.
const MOST_FLIGHTS: usize = 64;
/// Bytes that either side writes at most.
const MOST_WRITTEN: u64 = 1 << 20;
/// Steps after which whatever is left over must have ended.
const MOST_STEPS: usize = 20_000;
const PORTS: [u16; 2] = [40_000, 9_528];

/// One side, and what its application has done.
struct Side {
    host: Host,
    id: Option<ConnectionId>,
    listener: Option<ListenerId>,
    /// The number of its first byte, as its last SYN tells.
    first: Option<Seq>,
    written: u64,
    read: u64,
    /// The end of the peer's stream was read.
    ended: bool,
    /// It said that it writes no more.
    finished: bool,
    /// It said that it reads no more.
    deaf: bool,
    /// It gave its handle back.
    closed: bool,
    /// It gave its handle back with bytes unread, or by a reset.
    rude: bool,
    failure: Option<Failure>,
}

struct World {
    now: Instant,
    sides: [Side; 2],
    addresses: [IpAddr; 2],
    path: Path,
    /// What is on its way to each side.
    wires: [Vec<Frame>; 2],
    /// Something was lost, or had to wait so long that it counts as lost.
    hardship: bool,
    /// Time for which something may have waited on the wire or behind it.
    waited: Duration,
    bound: usize,
}

/// What waits longer may be taken for lost.
const PATIENCE: Duration = Duration::from_millis(150);

/// Plays what the bytes say, and then lets everything come to its end.
pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut world = World::new(&mut input);
    while !input.is_empty() {
        world.step(&mut input);
        world.check();
    }
    world.deliver_all();
    world.end();
}

fn config(input: &mut Input<'_>) -> HostConfig {
    let bits = input.byte();
    HostConfig {
        timestamps: bits & 1 == 0,
        selective_acknowledgments: bits & 2 == 0,
        window_scaling: bits & 4 == 0,
        super_segments: bits & 8 == 0,
        ecn: if bits & 16 == 0 { EcnMode::Accept } else { EcnMode::Ask },
        congestion: if bits & 32 == 0 { Algorithm::Cubic } else { Algorithm::NewReno },
        buffer_memory: if bits & 64 == 0 { 1 << 30 } else { 32 << 10 },
        ..HostConfig::default()
    }
}

fn options(input: &mut Input<'_>) -> SocketOptions {
    let bits = input.byte();
    let keepalive = Keepalive { idle: Duration::from_secs(5), interval: Duration::from_secs(1), probes: 3 };
    SocketOptions {
        no_delay: bits & 1 == 1,
        cork: bits & 2 == 2,
        keepalive: (bits & 4 == 4).then_some(keepalive),
        receive_buffer: (bits & 8 == 8).then_some(2_048),
        send_buffer: (bits & 16 == 16).then_some(4_096),
        max_segment_size: (bits & 32 == 32).then_some(100),
        user_timeout: (bits & 64 == 64).then_some(Duration::from_secs(30)),
        ..SocketOptions::default()
    }
}

impl World {
    fn new(input: &mut Input<'_>) -> World {
        let now = Instant::from_millis(1_000);
        let configs = [config(input), config(input)];
        let shape = input.byte();
        let addresses: [IpAddr; 2] = if shape & 1 == 0 {
            [Ipv4Addr::new(10, 7, 0, 2).into(), Ipv4Addr::new(10, 7, 0, 3).into()]
        } else {
            [2, 3].map(|last| Ipv6Addr::new(0xfd07, 0, 0, 0, 0, 0, 0, last).into())
        };
        let mtu = input.one_of(&[1_500, 576, 100, 9_000]);
        let path = Path { lane: 0, mtu, link_mtu: mtu };
        let side = |number: usize| Side {
            host: Host::new(now, configs[number], [number as u8 + 1; 32]),
            id: None,
            listener: None,
            first: None,
            written: 0,
            read: 0,
            ended: false,
            finished: false,
            deaf: false,
            closed: false,
            rude: false,
            failure: None,
        };
        let bound = configs.map(|config| config.buffer_memory).into_iter().max().unwrap_or(0).min(40 << 20);
        let mut world = World {
            now,
            sides: [side(0), side(1)],
            addresses,
            path,
            wires: [Vec::new(), Vec::new()],
            hardship: false,
            waited: Duration::ZERO,
            bound,
        };
        world.connect(0, options(input));
        if shape & 2 == 0 {
            let options = options(input);
            let side = &mut world.sides[1];
            side.listener = Some(side.host.listen(None, PORTS[1], 1, options).expect("nobody listens"));
        } else {
            world.connect(1, options(input));
        }
        world
    }

    fn connect(&mut self, from: usize, options: SocketOptions) {
        let tuple = FourTuple {
            local: self.addresses[from],
            remote: self.addresses[1 - from],
            local_port: PORTS[from],
            remote_port: PORTS[1 - from],
        };
        let id = self.sides[from].host.connect(self.now, self.path, tuple, options);
        self.sides[from].id = Some(id.expect("the four-tuple is free"));
    }

    fn step(&mut self, input: &mut Input<'_>) {
        let code = input.byte();
        let at = usize::from(code >> 7);
        match code & 31 {
            0..=4 => self.transmit(at, 1 + input.below(8)),
            5..=9 => self.deliver(at, usize::from(input.byte() & 3), false),
            10 => self.deliver(at, input.below(MOST_FLIGHTS), false),
            11 => self.deliver(at, input.below(MOST_FLIGHTS), true),
            12 => self.lose(at, input.below(MOST_FLIGHTS)),
            13 => self.wires[at].iter_mut().for_each(|frame| frame.ecn = mark(frame.ecn)),
            14..=16 => self.write(at, input.word(), input.byte()),
            17..=19 => self.read(at, usize::from(input.word() % 20_000)),
            20 => self.pass(Duration::from_millis(u64::from(input.byte()))),
            21 => self.pass(Duration::from_millis(u64::from(input.word()) * 8)),
            22..=23 => drop(self.next_deadline()),
            24 => self.shutdown(at, Shutdown::Write),
            25 => self.rare(at, input),
            26 => self.accept(at),
            27 => self.set(at, input),
            _ => self.exchange(),
        }
    }

    /// What ends things is rare, or nothing would ever be under way.
    fn rare(&mut self, at: usize, input: &mut Input<'_>) {
        match input.byte() {
            0..=40 => self.shutdown(at, Shutdown::Read),
            41..=80 => self.close(at),
            81..=90 => self.abort(at),
            91..=130 => self.icmp(at, input),
            131..=150 => self.wires[at].clear(),
            _ => return,
        }
        self.hardship = true;
    }

    /// All that is due leaves and arrives, once each way.
    fn exchange(&mut self) {
        self.waited = Duration::ZERO;
        for at in 0..2 {
            self.transmit(at, MOST_FLIGHTS);
        }
        for at in 0..2 {
            while !self.wires[at].is_empty() {
                self.deliver(at, 0, false);
            }
            self.accept(at);
        }
    }

    // ---- the wire ----

    /// Up to `most` frames leave.
    fn transmit(&mut self, from: usize, most: usize) {
        for _ in 0..most {
            let mut frame = Frame::new();
            let side = &mut self.sides[from];
            if side.host.poll_transmit(self.now, 0, &mut frame).is_none() {
                assert!(!side.host.has_transmit(0), "work is due, but nothing comes");
                return;
            }
            self.check_sent(from, &frame);
            if frame.checksum == Checksum::Deferred {
                assert_ne!(frame.segment_size, 0, "only super-segments leave without checksum");
                frame.checksum = Checksum::Verified;
            }
            if self.wires[1 - from].len() < MOST_FLIGHTS {
                self.wires[1 - from].push(frame);
            } else {
                self.hardship = true;
            }
        }
    }

    /// What leaves is what was written, in segments that fit the path.
    fn check_sent(&mut self, from: usize, frame: &Frame) {
        let (header, length) = Header::parse(frame.first()).expect("what is sent can be read");
        let headers = if self.addresses[0].is_ipv4() { 20 } else { 40 };
        let mut payload = frame.clone();
        payload.strip(length);
        let each = match frame.segment_size {
            0 => payload.len(),
            size => usize::from(size).min(payload.len()),
        };
        assert!(headers + length + each <= self.path.mtu.max(48 + 40 + 20 + headers as u32) as usize);
        assert!(!header.flags.contains(Flags::SYN | Flags::FIN));
        if header.flags.contains(Flags::SYN) {
            self.sides[from].first = Some(header.sequence + 1);
        }
        let half_open = self.sides[from].host.population().1;
        if payload.is_empty() && (self.sides[from].id.is_none() || half_open > 0) {
            // A half-open connection answers what is not acceptable, even if its own SYN has not been pulled yet.
            return;
        }
        let Some(first) = self.sides[from].first else { return };
        let place = header.sequence.since(first);
        if place < 1 << 30 && !header.flags.intersects(Flags::SYN | Flags::RST) {
            let end = u64::from(place) + payload.len() as u64;
            // A keepalive may carry a byte that was sent before; a FIN counts one.
            assert!(end <= self.sides[from].written + 1, "{end} of {}", self.sides[from].written);
            if !payload.is_empty() {
                stream::check(from, place.into(), &payload.to_vec());
            }
        }
    }

    fn deliver(&mut self, to: usize, index: usize, keep: bool) {
        if self.wires[to].is_empty() {
            return;
        }
        let index = index % self.wires[to].len();
        let mut frame = if keep { self.wires[to][index].clone() } else { self.wires[to].remove(index) };
        let [local, remote] = [self.addresses[to], self.addresses[1 - to]];
        let side = &mut self.sides[to];
        let _ = side.host.on_segment(self.now, self.path, local, remote, &mut frame);
    }

    fn lose(&mut self, to: usize, index: usize) {
        if !self.wires[to].is_empty() {
            let index = index % self.wires[to].len();
            self.wires[to].remove(index);
            self.hardship = true;
        }
    }

    // ---- time ----

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.wait(time);
        self.expire();
    }

    fn wait(&mut self, time: Duration) {
        self.waited += time;
        self.hardship |= self.waited > PATIENCE;
    }

    fn next_deadline(&mut self) -> bool {
        let deadlines = self.sides.iter().filter_map(|side| side.host.poll_timeout());
        let Some(next) = deadlines.min() else { return false };
        if next > self.now {
            self.wait(next.saturating_since(self.now));
            self.now = next;
        }
        self.expire();
        true
    }

    fn expire(&mut self) {
        for side in &mut self.sides {
            side.host.on_timeout(self.now);
            let next = side.host.poll_timeout();
            assert!(next.is_none_or(|next| next > self.now), "{next:?} is over at {:?}", self.now);
        }
    }

    // ---- the applications ----

    fn accept(&mut self, at: usize) {
        let side = &mut self.sides[at];
        if let (None, Some(listener)) = (side.id, side.listener)
            && let Ok(id) = side.host.accept(listener)
        {
            side.id = Some(id);
            // One whose handshake ended before its SYN-ACK left never shows it.
            let inside = side.host.inspect().find(|inside| inside.id == side.id);
            side.first = inside.map(|inside| inside.send_next).or(side.first);
        }
    }

    fn write(&mut self, at: usize, length: u16, marks: u8) {
        let side = &mut self.sides[at];
        let Some(id) = side.id.filter(|_| !side.closed && side.written < MOST_WRITTEN) else { return };
        let data = stream::bytes_at(at, side.written, usize::from(length) % 9_000);
        let marks = WriteMarks { more: marks & 1 == 1, end_of_record: marks & 6 == 6 };
        match side.host.write_marked(self.now, id, &data, marks) {
            Ok(count) => {
                assert!(count <= data.len() && !side.finished, "nothing is taken in after the end");
                side.written += count as u64;
            }
            Err(WriteError::Failed(failure)) => side.failure = Some(failure),
            Err(_) => {}
        }
    }

    fn read(&mut self, at: usize, most: usize) {
        let side = &mut self.sides[at];
        let Some(id) = side.id.filter(|_| !side.closed) else { return };
        let mut out = vec![0; most];
        match side.host.read(self.now, id, &mut out) {
            // After a failure that was told, as after any end, there is nothing.
            Ok(0) => side.ended |= most > 0 && !side.deaf && side.failure.is_none(),
            Ok(count) => {
                assert!(!side.ended, "bytes behind the end");
                stream::check(1 - at, side.read, &out[..count]);
                side.read += count as u64;
            }
            Err(ReadError::Failed(failure)) => side.failure = Some(failure),
            Err(_) => {}
        }
        let (read, ended) = (self.sides[at].read, self.sides[at].ended);
        let peer = &self.sides[1 - at];
        assert!(read <= peer.written, "bytes that nobody wrote");
        assert!(!ended || peer.finished || peer.closed, "an end that nobody told");
        assert!(!ended || read == peer.written, "an end before all bytes");
    }

    fn shutdown(&mut self, at: usize, how: Shutdown) {
        let side = &mut self.sides[at];
        let Some(id) = side.id.filter(|_| !side.closed) else { return };
        if side.host.shutdown(self.now, id, how).is_ok() {
            side.finished |= how == Shutdown::Write;
            side.deaf |= how == Shutdown::Read;
        }
    }

    fn close(&mut self, at: usize) {
        let side = &mut self.sides[at];
        let Some(id) = side.id.filter(|_| !side.closed) else { return };
        side.host.close(self.now, id);
        (side.closed, side.rude) = (true, true);
    }

    fn abort(&mut self, at: usize) {
        let side = &mut self.sides[at];
        let Some(id) = side.id.filter(|_| !side.closed) else { return };
        side.host.abort(self.now, id);
        (side.closed, side.rude) = (true, true);
    }

    fn set(&mut self, at: usize, input: &mut Input<'_>) {
        let options = options(input);
        let side = &mut self.sides[at];
        let Some(id) = side.id.filter(|_| !side.closed) else { return };
        side.host.set_options(self.now, id, options);
        side.host.set_quick_acknowledgments(id, options.no_delay);
        self.hardship |= options.user_timeout.is_some() || options.keepalive.is_some();
    }

    fn icmp(&mut self, at: usize, input: &mut Input<'_>) {
        let error = input.one_of(&[
            IcmpError::HostUnreachable,
            IcmpError::TimeExceeded,
            IcmpError::PortUnreachable,
            IcmpError::PacketTooBig { mtu: 80 },
            IcmpError::PacketTooBig { mtu: 600 },
            IcmpError::PacketTooBig { mtu: 0 },
        ]);
        let back = Seq(u32::from(input.byte()) * 16);
        let side = &mut self.sides[at];
        let inside = side.host.inspect().find(|inside| inside.id == side.id && side.id.is_some());
        let Some(inside) = inside else { return };
        side.host.on_icmp_error(self.now, inside.tuple, inside.send_next - back.0, error);
    }

    // ---- what must hold ----

    fn check(&self) {
        for side in &self.sides {
            // Both buffers at their largest, what a last segment may go beyond, and each connection's own share.
            assert!(side.host.buffered() <= self.bound + (256 << 10), "{} bytes held", side.host.buffered());
            let (connections, half_open, time_wait) = side.host.population();
            assert!(connections + half_open + time_wait <= 2);
        }
    }

    /// From here on nothing is lost, both say what they have to say and read until the end.
    fn deliver_all(&mut self) {
        for _ in 0..MOST_STEPS {
            for at in 0..2 {
                self.accept(at);
                if !self.sides[at].finished {
                    self.shutdown(at, Shutdown::Write);
                }
                while self.sides[at].id.is_some() && !self.sides[at].closed {
                    let before = self.sides[at].read;
                    self.read(at, 4_096);
                    if self.sides[at].read == before {
                        break;
                    }
                }
            }
            if self.is_quiet() && (self.all_is_said() || !self.next_deadline()) {
                break;
            }
            self.now += Duration::from_millis(1);
            self.expire();
            self.exchange();
            self.check();
        }
        if self.is_peaceful() {
            for at in 0..2 {
                let (side, peer) = (&self.sides[at], &self.sides[1 - at]);
                assert!(side.id.is_some(), "side {at} never connected");
                assert!(
                    side.deaf || side.read == peer.written,
                    "side {at} read {} of {}",
                    side.read,
                    peer.written
                );
                assert!(side.deaf || side.ended, "side {at} never came to the end");
            }
        }
    }

    fn is_quiet(&mut self) -> bool {
        self.wires.iter().all(Vec::is_empty) && self.sides.iter().all(|side| !side.host.has_transmit(0))
    }

    fn all_is_said(&self) -> bool {
        self.sides.iter().all(|side| side.ended || side.failure.is_some() || side.closed)
    }

    /// Nobody failed and nobody was rude. Without hardship nobody has a reason to.
    fn is_peaceful(&mut self) -> bool {
        for side in &mut self.sides {
            if let Some(id) = side.id.filter(|_| !side.closed) {
                side.failure = side.failure.or(side.host.take_failure(id));
            }
        }
        let failed = self.sides.iter().any(|side| side.failure.is_some());
        let rude = self.sides.iter().any(|side| side.rude);
        assert!(!failed || rude || self.hardship, "a failure without cause: {:?}", self.sides[0].failure);
        // A listener's side that never learnt of the connection is not at peace.
        !failed && !rude && self.sides.iter().all(|side| side.id.is_some())
    }

    /// Both let go. Nothing is left after a while: no connection, no timer, no memory.
    fn end(&mut self) {
        for at in 0..2 {
            self.close(at);
            let side = &mut self.sides[at];
            if let Some(listener) = side.listener.take() {
                side.host.close_listener(self.now, listener);
            }
        }
        for _ in 0..MOST_STEPS {
            self.exchange();
            if self.is_quiet() && !self.next_deadline() {
                break;
            }
        }
        for side in &self.sides {
            assert_eq!(side.host.population(), (0, 0, 0), "connections that never end");
            assert_eq!(side.host.poll_timeout(), None, "a timer that nobody waits for");
            assert_eq!(side.host.buffered(), 0, "memory that nobody uses");
        }
    }
}

fn mark(ecn: basis::Ecn) -> basis::Ecn {
    if ecn == basis::Ecn::NotCapable { ecn } else { basis::Ecn::Experienced }
}
