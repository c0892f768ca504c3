//! A peer that speaks nonsense, and an application that does anything: the stack must neither panic, nor spin, nor forget to
//! announce something, nor answer without end; and once both are silent, nothing may be left.

use super::check;
use super::family::Family;
use super::machine::Machine;
use super::notation::{IcmpMessage, TcpSegment};
use super::options::TcpOption;
use super::peer::Peer;
use super::settings::Settings;
use basis::Ecn;
use proptest::prelude::*;
use std::net::SocketAddr;
use std::time::Duration;
use tcp::{ConnectionId, Keepalive, ListenerId, Shutdown, SocketOptions};
use wire::icmpv4::Message;
use wire::tcp::Flags;

const PORT: u16 = 8080;

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    Arrive(TcpSegment),
    Icmp(IcmpMessage),
    Sleep(u64),
    Write(usize),
    Read(usize),
    Shutdown(Shutdown),
    Close,
    Abort,
    Accept,
    Connect,
    Options(SocketOptions),
}

fn flags() -> impl Strategy<Value = Flags> {
    prop_oneof![
        6 => Just(Flags::ACK),
        3 => Just(Flags::ACK | Flags::PSH),
        2 => Just(Flags::ACK | Flags::FIN),
        2 => Just(Flags::SYN),
        2 => Just(Flags::SYN | Flags::ACK),
        1 => Just(Flags::RST),
        1 => Just(Flags::RST | Flags::ACK),
        1 => any::<u8>().prop_map(Flags),
    ]
}

/// Numbers that are often right, or nearly so.
fn number() -> impl Strategy<Value = u32> {
    prop_oneof![
        4 => Just(1u32),
        2 => Just(0),
        4 => (0..12u32).prop_map(|n| 1 + 500 * n),
        3 => 0..5_000u32,
        1 => 60_000..70_000u32,
        1 => any::<u32>(),
        1 => Just(u32::MAX),
    ]
}

fn tcp_option() -> impl Strategy<Value = TcpOption> {
    prop_oneof![
        any::<u16>().prop_map(TcpOption::MaximumSegmentSize),
        any::<u8>().prop_map(TcpOption::WindowScale),
        Just(TcpOption::SackPermitted),
        Just(TcpOption::Nop),
        (number(), number()).prop_map(|block| TcpOption::Sack(vec![block])),
        (number(), number()).prop_map(|(value, echo)| TcpOption::Timestamps { value, echo }),
        (6..255u8, prop::collection::vec(any::<u8>(), 0..6))
            .prop_map(|(kind, bytes)| TcpOption::Other(kind, bytes)),
    ]
}

prop_compose! {
    fn segment()(
        flags in flags(),
        sequence in number(),
        length in prop_oneof![3 => Just(0u32), 2 => Just(500), 1 => 1..1_460u32],
        acknowledgment in number(),
        window in prop_oneof![3 => Just(32_792u16), 1 => Just(0), 1 => 0..2_000u16, 1 => any::<u16>()],
        urgent: u16,
        options in prop_oneof![3 => Just(Vec::new()), 1 => prop::collection::vec(tcp_option(), 0..3)],
        peer in prop_oneof![8 => Just(1u16), 1 => 2..4u16],
        ecn in prop_oneof![3 => Just(None), 1 => (0..4u8).prop_map(|bits| Some(Ecn::of_traffic_class(bits)))],
    ) -> TcpSegment {
        TcpSegment {
            peer, ecn, traffic_class: None, flags, sequence, length, acknowledgment: Some(acknowledgment), window: Some(window),
            urgent: Some(urgent), options: Some(options),
        }
    }
}

fn icmp() -> impl Strategy<Value = IcmpMessage> {
    (0..16u8, any::<u16>(), number()).prop_map(|(code, next_hop_mtu, sequence)| IcmpMessage {
        peer: 1,
        message: Message::DestinationUnreachable { code, next_hop_mtu },
        sequence,
    })
}

prop_compose! {
    fn options()(
        no_delay: bool,
        keepalive in prop::option::of((1..100u64, 1..20u64, 1..5u8)),
        user_timeout in prop::option::of(0..100_000u64),
        receive_buffer in prop::option::of(0..300_000u32),
        send_buffer in prop::option::of(0..300_000u32),
        linger in prop_oneof![6 => Just(None), 1 => Just(Some(Duration::ZERO))],
    ) -> SocketOptions {
        let seconds = Duration::from_secs;
        SocketOptions {
            no_delay,
            keepalive: keepalive.map(|(idle, interval, probes)| Keepalive {
                idle: seconds(idle),
                interval: seconds(interval),
                probes,
            }),
            user_timeout: user_timeout.map(Duration::from_millis),
            receive_buffer,
            send_buffer,
            linger,
            ..SocketOptions::default()
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => segment().prop_map(Step::Arrive),
        1 => icmp().prop_map(Step::Icmp),
        4 => prop_oneof![3 => 0..500u64, 1 => 0..100_000u64].prop_map(Step::Sleep),
        3 => (1..30_000usize).prop_map(Step::Write),
        3 => (1..10_000usize).prop_map(Step::Read),
        1 => prop_oneof![Just(Shutdown::Write), Just(Shutdown::Read), Just(Shutdown::Both)].prop_map(Step::Shutdown),
        1 => Just(Step::Close),
        1 => Just(Step::Abort),
        2 => Just(Step::Accept),
        1 => Just(Step::Connect),
        1 => options().prop_map(Step::Options),
    ]
}

struct Chaos {
    machine: Machine,
    listener: ListenerId,
    held: Vec<ConnectionId>,
    peers: Vec<Peer>,
}

impl Chaos {
    fn new(family: Family) -> Result<Chaos, String> {
        let mut machine = Machine::new(&Settings::default(), Duration::ZERO, family)?;
        let everywhere = SocketAddr::new(family.everywhere(), PORT);
        let listening = machine.stack.tcp_listen(everywhere, 4, SocketOptions::default());
        let (listener, _) = listening.map_err(|error| error.to_string())?;
        let peers = (0..3).map(|n| Peer::new(PORT, 40_000 + n, u32::MAX - 2_000)).collect();
        Ok(Chaos { machine, listener, held: Vec::new(), peers })
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        let now = self.machine.now;
        let held = self.held.last().copied();
        match (step, held) {
            (Step::Arrive(segment), _) => {
                let peer = &self.peers[usize::from(segment.peer - 1)];
                self.machine.arrive(check::segment(segment, peer, self.machine.family));
                self.machine.settle()?;
                if self.machine.left.len() > 200 {
                    return Err(format!("{} segments answer one", self.machine.left.len()));
                }
            }
            (Step::Icmp(icmp), _) => {
                self.machine.arrive(check::icmp(icmp, &self.peers[0], self.machine.family))
            }
            (Step::Sleep(milliseconds), _) => self.sleep(Duration::from_millis(*milliseconds))?,
            (Step::Accept, _) => self.held.extend(self.machine.stack.tcp_mut().accept(self.listener)),
            (Step::Connect, _) => self.connect()?,
            (_, None) => {}
            (Step::Write(count), Some(id)) => {
                let _ = self.machine.stack.tcp_mut().write(now, id, &vec![1; *count]);
            }
            (Step::Read(count), Some(id)) => {
                let _ = self.machine.stack.tcp_mut().read(now, id, &mut vec![0; *count]);
            }
            (Step::Shutdown(how), Some(id)) => {
                let _ = self.machine.stack.tcp_mut().shutdown(now, id, *how);
            }
            (Step::Options(options), Some(id)) => {
                self.machine.stack.tcp_mut().set_options(now, id, *options);
            }
            (Step::Close, Some(id)) => {
                self.held.pop();
                self.machine.stack.tcp_mut().close(now, id);
            }
            (Step::Abort, Some(id)) => {
                self.held.pop();
                self.machine.stack.tcp_mut().abort(now, id);
            }
        }
        self.machine.settle()?;
        self.learn();
        Ok(())
    }

    /// Connects to the first peer, from the port that it knows.
    fn connect(&mut self) -> Result<(), String> {
        let family = self.machine.family;
        let local = SocketAddr::new(family.as_socket_has(family.local()), PORT);
        let remote = SocketAddr::new(family.as_socket_has(family.remote()), 40_000);
        let now = self.machine.now;
        match self.machine.stack.tcp_connect(now, Some(local), remote, SocketOptions::default()) {
            Ok(id) => self.held.push(id),
            Err(stack::ConnectError::AddressInUse) => {}
            Err(error) => return Err(error.to_string()),
        }
        Ok(())
    }

    /// The peers learn this host's numbers from what it sends.
    fn learn(&mut self) {
        for observed in self.machine.left.drain(..) {
            let number = usize::from(observed.remote_port.wrapping_sub(40_000));
            if let Some(peer) = self.peers.get_mut(number) {
                peer.begins_anew = true;
                peer.translate(&observed.segment, &TcpSegment { sequence: 0, ..observed.segment.clone() });
            }
        }
    }

    fn sleep(&mut self, time: Duration) -> Result<(), String> {
        let end = self.machine.now + time;
        while self.machine.step(end)? {
            self.learn();
        }
        Ok(())
    }

    /// The application gives everything back, the peers are silent, and time passes.
    fn end(&mut self) -> Result<(), String> {
        let now = self.machine.now;
        while let Ok(id) = self.machine.stack.tcp_mut().accept(self.listener) {
            self.held.push(id);
        }
        for id in std::mem::take(&mut self.held) {
            self.machine.stack.tcp_mut().close(now, id);
        }
        self.machine.stack.tcp_mut().close_listener(now, self.listener);
        self.sleep(Duration::from_secs(4 * 3_600))?;
        let population = self.machine.stack.tcp().population();
        if population != (0, 0, 0) || self.machine.stack.poll_timeout().is_some() {
            let rest: Vec<_> = self.machine.stack.tcp().connections().collect();
            return Err(format!("left: {population:?}, {:?}, {rest:?}", self.machine.stack.poll_timeout()));
        }
        Ok(())
    }
}

fn run(family: Family, handshake: bool, steps: &[Step]) -> Result<(), String> {
    let mut chaos = Chaos::new(family)?;
    if handshake {
        let plain = |flags, sequence, acknowledgment| {
            Step::Arrive(TcpSegment {
                peer: 1,
                ecn: None,
                traffic_class: None,
                flags,
                sequence,
                length: 0,
                acknowledgment: Some(acknowledgment),
                window: Some(32_792),
                urgent: None,
                options: Some(Vec::new()),
            })
        };
        chaos.step(&plain(Flags::SYN, 0, 0))?;
        chaos.step(&plain(Flags::ACK, 1, 1))?;
        chaos.step(&Step::Accept)?;
        if chaos.held.is_empty() {
            return Err("the handshake failed".into());
        }
    }
    for step in steps {
        chaos.step(step)?;
    }
    chaos.end()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn nonsense_does_no_harm(
        family in prop::sample::select(&Family::ALL[..]),
        handshake in prop::bool::weighted(0.8),
        steps in prop::collection::vec(step(), 0..60),
    ) {
        prop_assert_eq!(run(family, handshake, &steps), Ok(()));
    }
}
