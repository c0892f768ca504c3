//! The two hosts, the wire between them, and what the fuzzer's bytes say of both at the beginning.

use crate::input::Input;
use basis::{Frame, Instant};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::time::Duration;
use tcp::congestion::Algorithm;
use tcp::{
    ConnectionId, EcnMode, Failure, FourTuple, Host, HostConfig, Keepalive, ListenerId, Path, SocketOptions,
};
use wire::tcp::Seq;

const PORTS: [u16; 2] = [40_000, 9_528];

/// One side, and what its application has done.
pub(super) struct Side {
    pub(super) host: Host,
    pub(super) id: Option<ConnectionId>,
    pub(super) listener: Option<ListenerId>,
    /// The number of its first byte, as its last SYN tells.
    pub(super) first: Option<Seq>,
    pub(super) written: u64,
    pub(super) read: u64,
    /// The end of the peer's stream was read.
    pub(super) ended: bool,
    /// It said that it writes no more.
    pub(super) finished: bool,
    /// It said that it reads no more.
    pub(super) deaf: bool,
    /// It gave its handle back.
    pub(super) closed: bool,
    /// It gave its handle back with bytes unread, or by a reset.
    pub(super) rude: bool,
    pub(super) failure: Option<Failure>,
}

pub(super) struct World {
    pub(super) now: Instant,
    pub(super) sides: [Side; 2],
    pub(super) addresses: [IpAddr; 2],
    pub(super) path: Path,
    /// What is on its way to each side.
    pub(super) wires: [Vec<Frame>; 2],
    /// Something was lost, or had to wait so long that it counts as lost.
    pub(super) hardship: bool,
    /// Time for which something may have waited on the wire or behind it.
    pub(super) waited: Duration,
    pub(super) bound: usize,
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

pub(super) fn options(input: &mut Input<'_>) -> SocketOptions {
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
    pub(super) fn new(input: &mut Input<'_>) -> World {
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
}
