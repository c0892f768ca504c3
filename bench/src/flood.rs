//! A SYN flood in virtual time: forged SYNs from everywhere against a stack that a hundred real clients call meanwhile.

use crate::clock::Clock;
use basis::{Checksum, Frame, Instant, Random};
use serde::Serialize;
use stack::{Event, InterfaceConfig, InterfaceId, Medium, Probing, Stack, StackConfig};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use tcp::{ConnectionId, ListenerId, ReadError, Readiness, SocketOptions, SynCookies};
use wire::tcp::{Flags, Header, Options, Seq, Timestamps};
use wire::{ipv4, protocol};

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const PORT: u16 = 80;
const BACKLOG: u32 = 128;
const CLIENTS: u32 = 100;
/// Frames that a driver takes in before it lets the stack send.
const BATCH: u32 = 64;
/// One way between a client and the server.
const STEP: Duration = Duration::from_millis(1);
/// Each client begins a call this often.
const PAUSE: Duration = Duration::from_millis(100);
/// A call that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(1);
const MESSAGE: &[u8; 100] = &[7; 100];

/// What came of a flood.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize)]
pub struct Flood {
    /// Forged SYNs.
    pub forged: u64,
    /// Calls of real clients that were answered.
    pub answered: u64,
    /// Calls of real clients that failed.
    pub failed: u64,
    /// SYNs answered by a cookie.
    pub cookies: u64,
    /// By how many bytes the heap had grown at most since the queues were full.
    pub grown: usize,
}

/// Lets `forged` SYNs a second come for `seconds` of virtual time, after a tenth of a second in which the queues fill. `live` tells
/// how many bytes of heap are in use.
pub fn flood(cookies: SynCookies, forged: u32, seconds: u32, live: fn() -> usize) -> Flood {
    let mut world = World::new(cookies);
    let each = forged / 1_000;
    for _ in 0..100 {
        world.step(each);
    }
    let before = live();
    let (mut result, steps) = (Flood::default(), seconds * 1_000);
    for _ in 0..steps {
        world.step(each);
        result.grown = result.grown.max(live().saturating_sub(before));
    }
    result.forged = u64::from(each) * u64::from(100 + steps);
    // Calls that are under way end.
    world.closing = true;
    for _ in 0..2 * PATIENCE.as_millis() {
        world.step(each);
    }
    for client in &world.clients {
        result.answered += client.answered;
        result.failed += client.failed;
    }
    result.cookies = world.server.stack.tcp().counters().syn_cookies_sent;
    result
}

/// How many forged SYNs one core takes in and answers, or drops, in a second.
pub fn rate(cookies: SynCookies, count: u32) -> f64 {
    let mut world = World::new(cookies);
    let frames: Vec<Frame> = (0..100_000).map(|_| forged(&mut world.random)).collect();
    for frame in &frames[..1_000] {
        world.server.take(Instant::ZERO, frame.clone());
    }
    world.server.send(Instant::ZERO);
    let mut clock = Clock::real();
    for (number, frame) in (0..count).zip(frames.iter().cycle()) {
        world.server.take(Instant::ZERO, frame.clone());
        if number % BATCH == 0 {
            world.server.send(Instant::ZERO);
        }
    }
    f64::from(count) * 1e9 / clock.nanoseconds() as f64
}

/// Prints what a flood does, with cookies and without, and how many SYNs a core takes.
pub(crate) fn report(live: Option<fn() -> usize>) {
    for (name, cookies) in [("with cookies", SynCookies::WhenFull), ("without", SynCookies::Off)] {
        let Flood { forged, answered, failed, cookies: given, grown } =
            flood(cookies, 100_000, 10, live.unwrap_or(|| 0));
        let grown = live.map_or("by what nobody counted".to_owned(), |_| format!("by {grown} bytes at most"));
        println!(
            "{name}: {forged} forged SYNs, {given} cookies; of {CLIENTS} clients' calls {answered} answered, {failed} failed; \
             the heap grew {grown}; {:.0} SYNs a second on one core",
            rate(cookies, 2_000_000)
        );
    }
}

/// A stack and its one interface.
struct Node {
    stack: Stack,
    interface: InterfaceId,
}

impl Node {
    fn new(address: Ipv4Addr, config: StackConfig, seed: u8) -> Node {
        let mut stack = Stack::new(Instant::ZERO, config, [seed; 32]);
        let interface =
            InterfaceConfig { name: "ip".into(), medium: Medium::Ip, mtu: 1_500, super_segments: false };
        let interface = stack.add_interface(Instant::ZERO, interface);
        stack
            .add_address(Instant::ZERO, interface, address.into(), 32, Probing::Skip)
            .expect("the first address");
        let everywhere = "0.0.0.0/0".parse().expect("a network");
        stack.add_route(everywhere, None, interface).expect("the first route");
        Node { stack, interface }
    }

    fn take(&mut self, now: Instant, frame: Frame) {
        // What becomes of it shows in the calls.
        let _ = self.stack.on_frame(now, self.interface, frame);
    }

    fn poll(&mut self, now: Instant) -> Option<Frame> {
        let mut frame = self.stack.poll_transmit(now, self.interface)?;
        frame.checksum = Checksum::Verified;
        Some(frame)
    }

    /// Everything goes nowhere.
    fn send(&mut self, now: Instant) {
        while self.poll(now).is_some() {}
    }

    fn tick(&mut self, now: Instant) {
        if self.stack.poll_timeout().is_some_and(|due| due <= now) {
            self.stack.on_timeout(now);
        }
    }
}

/// A client that calls again and again.
struct Client {
    node: Node,
    call: Option<Call>,
    next: Instant,
    inbox: Vec<Frame>,
    answered: u64,
    failed: u64,
}

struct Call {
    id: ConnectionId,
    begun: Instant,
    written: bool,
    read: usize,
}

impl Client {
    fn new(number: u32) -> Client {
        let mut config = StackConfig::default();
        // What clients remember is not to be measured.
        config.tcp.max_time_wait = 4;
        let node = Node::new(address(number), config, 100 + number as u8);
        let next = Instant::from_millis(u64::from(number));
        Client { node, call: None, next, inbox: Vec::new(), answered: 0, failed: 0 }
    }

    fn step(&mut self, now: Instant, closing: bool) {
        for frame in self.inbox.drain(..) {
            let _ = self.node.stack.on_frame(now, self.node.interface, frame);
        }
        self.node.tick(now);
        while self.node.stack.poll_event().is_some() {}
        if self.call.is_none() && now >= self.next && !closing {
            self.next = now + PAUSE;
            let server = SocketAddr::new(SERVER.into(), PORT);
            let id = self.node.stack.tcp_connect(now, None, server, SocketOptions::default());
            let id = id.expect("ports are free");
            self.call = Some(Call { id, begun: now, written: false, read: 0 });
        }
        self.talk(now);
    }

    fn talk(&mut self, now: Instant) {
        let Some(call) = &mut self.call else { return };
        let tcp = self.node.stack.tcp_mut();
        let ready = tcp.readiness(call.id);
        if !call.written && ready.contains(Readiness::CONNECTED) {
            call.written = tcp.write(now, call.id, MESSAGE) == Ok(MESSAGE.len());
        }
        let mut bytes = [0; 200];
        while let Ok(read @ 1..) = tcp.read(now, call.id, &mut bytes) {
            call.read += read;
        }
        if call.read == MESSAGE.len() {
            tcp.close(now, call.id);
            self.answered += 1;
        } else if now - call.begun > PATIENCE || ready.contains(Readiness::FAILED) {
            tcp.abort(now, call.id);
            self.failed += 1;
        } else {
            return;
        }
        self.call = None;
    }
}

struct World {
    now: Instant,
    random: Random,
    server: Node,
    listener: ListenerId,
    served: Vec<ConnectionId>,
    clients: Vec<Client>,
    by_address: BTreeMap<Ipv4Addr, usize>,
    closing: bool,
}

impl World {
    fn new(cookies: SynCookies) -> World {
        let mut server = Node::new(SERVER, StackConfig::default(), 1);
        let options = SocketOptions { syn_cookies: Some(cookies), ..SocketOptions::default() };
        let local = SocketAddr::new(SERVER.into(), PORT);
        let (listener, _) = server.stack.tcp_listen(local, BACKLOG, options).expect("nobody listens yet");
        World {
            now: Instant::ZERO,
            random: Random::new([9; 32]),
            server,
            listener,
            served: Vec::new(),
            clients: (0..CLIENTS).map(Client::new).collect(),
            by_address: (0..CLIENTS).map(|number| (address(number), number as usize)).collect(),
            closing: false,
        }
    }

    /// One millisecond.
    fn step(&mut self, forged_syns: u32) {
        self.now += STEP;
        for number in 0..forged_syns {
            let frame = forged(&mut self.random);
            self.server.take(self.now, frame);
            if number % BATCH == 0 {
                self.deliver();
            }
        }
        for client in &mut self.clients {
            client.step(self.now, self.closing);
            while let Some(frame) = client.node.poll(self.now) {
                self.server.take(self.now, frame);
            }
        }
        self.server.tick(self.now);
        self.serve();
        self.deliver();
    }

    /// What the server sends reaches real clients in the next step, and otherwise nobody.
    fn deliver(&mut self) {
        while let Some(frame) = self.server.poll(self.now) {
            let Ok(header) = ipv4::Header::parse(frame.first(), frame.len()) else { continue };
            if let Some(number) = self.by_address.get(&header.destination) {
                self.clients[*number].inbox.push(frame);
            }
        }
    }

    /// The server's application: what is said is said back.
    fn serve(&mut self) {
        while let Some(event) = self.server.stack.poll_event() {
            if matches!(event, Event::Tcp(tcp::Event::Listener(_))) {
                while let Ok(id) = self.server.stack.tcp_mut().accept(self.listener) {
                    self.served.push(id);
                }
            }
        }
        let (now, tcp) = (self.now, self.server.stack.tcp_mut());
        self.served.retain(|id| {
            let mut bytes = [0; 200];
            match tcp.read(now, *id, &mut bytes) {
                Ok(0) => {
                    tcp.close(now, *id);
                    false
                }
                Ok(read) => {
                    let _ = tcp.write(now, *id, &bytes[..read]);
                    true
                }
                Err(ReadError::WouldBlock) => true,
                Err(_) => {
                    tcp.close(now, *id);
                    false
                }
            }
        });
    }
}

fn address(number: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(Ipv4Addr::new(10, 1, 0, 1).to_bits() + number)
}

/// A SYN as a usual host sends it, from an address and port of the whole internet.
fn forged(random: &mut Random) -> Frame {
    // 11.0.0.0 to 126.255.255.255.
    let source = Ipv4Addr::from_bits(0x0b00_0000 + random.below(0x7400_0000));
    let header = Header {
        source_port: 1 + random.below(65_535) as u16,
        destination_port: PORT,
        sequence: Seq(random.next_u32()),
        flags: Flags::SYN,
        window: 64_240,
        options: Options {
            maximum_segment_size: Some(1_460),
            window_scale: Some(7),
            sack_permitted: true,
            timestamps: Some(Timestamps { value: random.next_u32(), echo: 0 }),
            ..Options::NONE
        },
        ..Header::default()
    };
    let mut frame = Frame::new();
    header.prepend_to(&mut frame, IpAddr::V4(source), IpAddr::V4(SERVER));
    ipv4::Header::new(source, SERVER, protocol::TCP).prepend_to(&mut frame);
    frame
}
