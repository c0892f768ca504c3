//! What a stack consists of.

use super::way::LastWay;
use crate::config::{InterfaceConfig, StackConfig};
use crate::counters::Counters;
use crate::event::Event;
use crate::icmp::ping::PingHost;
use crate::interface::{Interface, InterfaceId};
use crate::ip::identification::Identification;
use crate::ip::path_mtu::PathMtus;
use crate::ip::reassembly::Reassembly;
use crate::ports::Ports;
use crate::route::RouteTable;
use crate::shards::{Handover, Steering};
use crate::timers::Timers;
use crate::udp;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use basis::{ChunkPool, Instant, Random, RateLimit, Seed};

/// Interfaces of one stack.
const MAX_INTERFACES: usize = 64;

/// One host: interfaces, neighbours, routes, IP, ICMP, UDP and TCP.
///
/// It is plain data: frames go in by [`Stack::on_frame`], time by [`Stack::on_timeout`]; frames come out by
/// [`Stack::poll_transmit`], the next deadline by [`Stack::poll_timeout`], news by [`Stack::poll_event`]. Nothing here waits,
/// reads a clock or calls back, so a stack can be cloned and replayed.
///
/// ```
/// use basis::Instant;
/// use netstrata_stack::{InterfaceConfig, Medium, Probing, Stack, StackConfig};
/// use wire::ethernet::MacAddress;
///
/// let now = Instant::ZERO;
/// let mut stack = Stack::new(now, StackConfig::default(), [7; 32]);
/// let lan = stack.add_interface(now, InterfaceConfig {
///     name: "lan".into(),
///     medium: Medium::Ethernet(MacAddress([2, 0, 0, 0, 0, 1])),
///     mtu: 1500,
///     super_segments: false,
/// });
/// stack.add_address(now, lan, [10, 7, 0, 2].into(), 24, Probing::Skip).unwrap();
/// stack.add_route("0.0.0.0/0".parse().unwrap(), Some([10, 7, 0, 1].into()), lan).unwrap();
///
/// // A datagram for a neighbour waits until its hardware address is known: first comes an ARP request.
/// let socket = stack.udp_bind("0.0.0.0:5000".parse().unwrap()).unwrap();
/// stack.udp_send(now, socket, b"hello", Some("10.7.0.3:7".parse().unwrap())).unwrap();
/// let request = stack.poll_transmit(now, lan).unwrap();
/// assert_eq!(request.len(), 14 + 28);
/// assert!(stack.poll_transmit(now, lan).is_none());
/// ```
#[derive(Clone)]
pub struct Stack {
    pub(crate) config: StackConfig,
    pub(crate) interfaces: Vec<Interface>,
    pub(crate) routes: RouteTable,
    /// The way of the last connection that was begun.
    pub(crate) last_way: Option<LastWay>,
    pub(crate) path_mtus: PathMtus,
    pub(crate) timers: Timers,
    pub(crate) random: Random,
    pub(crate) counters: Counters,
    pub(crate) tcp: tcp::Host,
    pub(crate) udp: udp::Host,
    pub(crate) ping: PingHost,
    pub(crate) ports: Ports,
    pub(crate) reassembly: Reassembly,
    pub(crate) identification: Identification,
    pub(crate) icmp_limit: RateLimit,
    pub(crate) pool: ChunkPool,
    /// What happened to addresses.
    pub(crate) events: VecDeque<Event>,
    /// Only of a host with several shards.
    pub(crate) steering: Option<Steering>,
    pub(crate) handovers: VecDeque<Handover>,
    /// Counts the changes of addresses, routes and links.
    pub(crate) revision: u64,
    /// The revision of the first shard that was taken over last.
    pub(crate) adopted: u64,
}

impl Stack {
    /// A host without interfaces. All its randomness grows from `seed`.
    pub fn new(now: Instant, config: StackConfig, seed: Seed) -> Stack {
        let mut random = Random::new(seed);
        let tcp = tcp::Host::new(now, config.tcp, random.seed());
        Stack {
            interfaces: Vec::new(),
            routes: RouteTable::new(config.max_routes),
            last_way: None,
            path_mtus: PathMtus::new(
                config.max_path_mtus,
                config.path_mtu_lifetime,
                config.min_path_mtu,
                random.hash_key(),
            ),
            timers: Timers::new(now),
            counters: Counters::default(),
            tcp,
            udp: udp::Host::new(config.udp, random.hash_key()),
            ping: PingHost::new(config.ping, random.hash_key()),
            ports: Ports::new(config.ephemeral_ports.clone(), &mut random),
            reassembly: Reassembly::new(config.reassembly, random.hash_key()),
            identification: Identification::new(&mut random),
            icmp_limit: RateLimit::new(
                now,
                config.icmp_errors_per_second,
                config.icmp_errors_burst,
                Random::new(random.seed()),
            ),
            pool: ChunkPool::new(),
            events: VecDeque::new(),
            steering: (config.shard.count() > 1).then(|| Steering::new(config.shard, seed)),
            handovers: VecDeque::new(),
            revision: 0,
            adopted: 0,
            random,
            config,
        }
    }

    /// Adds an interface, which is up. Its number is also the lane of TCP's segments.
    ///
    /// # Panics
    /// When the stack has 64 interfaces already: that is a fault of the owner, not of the network.
    pub fn add_interface(&mut self, _now: Instant, config: InterfaceConfig) -> InterfaceId {
        assert!(self.interfaces.len() < MAX_INTERFACES, "a stack has at most {MAX_INTERFACES} interfaces");
        let id = InterfaceId::from_number(self.interfaces.len() as u8);
        let key = self.random.hash_key();
        self.interfaces.push(Interface::new(id, config, &self.config, key));
        id
    }

    /// TCP: its verbs that need no routes, its state and its counters.
    #[inline]
    pub fn tcp(&self) -> &tcp::Host {
        &self.tcp
    }

    /// TCP, to read, write, accept, close.
    #[inline]
    pub fn tcp_mut(&mut self) -> &mut tcp::Host {
        &mut self.tcp
    }

    /// What the stack has done. TCP's own counters are `tcp().counters()`.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The next thing that the owner should know.
    #[inline(always)]
    pub fn poll_event(&mut self) -> Option<Event> {
        if let Some(event) = self.tcp.poll_event() {
            return Some(Event::Tcp(event));
        }
        if let Some((id, readiness)) = self.udp.poll_event() {
            return Some(Event::Udp(id, readiness));
        }
        if let Some(id) = self.ping.poll_event() {
            return Some(Event::Ping(id));
        }
        self.events.pop_front()
    }
}

impl core::fmt::Debug for Stack {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Stack").field("interfaces", &self.interfaces.len()).finish_non_exhaustive()
    }
}
