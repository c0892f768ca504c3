//! How a stack is set up: sizes, times and rates, each with the default it takes.

use crate::shard::Shard;
use alloc::string::String;
use core::ops::RangeInclusive;
use core::time::Duration;
use wire::ethernet::MacAddress;

/// The bounds and times of a stack. Every table and queue has its bound here.
#[derive(Clone, Debug)]
pub struct StackConfig {
    /// Which part of its host the stack is; set by [`StackConfig::for_shard`].
    pub shard: Shard,
    /// TCP's own.
    pub tcp: tcp::HostConfig,
    /// Time to live of packets whose owner did not choose one, in hops (RFC 1700: 64).
    pub time_to_live: u8,
    /// Addresses of one interface.
    pub max_addresses: usize,
    /// What becomes of an address in use that another station claims.
    pub defence: Defence,
    /// Routes.
    pub max_routes: usize,
    /// Frames of local answers (ICMP, ARP) and fragments that wait on one interface.
    pub max_output_frames: usize,
    /// Bytes of memory that the datagrams of all sockets hold that wait on one interface; the last one may go beyond.
    pub max_output_bytes: usize,
    /// Ports given to who does not choose one (RFC 6056 3.2).
    pub ephemeral_ports: RangeInclusive<u16>,
    /// Destinations whose smaller path MTU is remembered.
    pub max_path_mtus: usize,
    /// How long a path MTU is remembered (RFC 1191 6.3: 10 minutes).
    pub path_mtu_lifetime: Duration,
    /// The least path MTU that is believed, in bytes.
    ///
    /// Deviates: RFC 1191 3 allows 68. A forged message could ask for packets so small that headers outweigh their data.
    pub min_path_mtu: u16,
    /// ICMP errors sent per second, over all destinations (RFC 1812 4.3.2.8).
    pub icmp_errors_per_second: u32,
    /// ICMP errors sent at once after silence; each time up to a half less, so that nobody learns from it what others were sent.
    pub icmp_errors_burst: u32,
    /// Neighbours.
    pub neighbours: NeighbourConfig,
    /// Fragments.
    pub reassembly: ReassemblyConfig,
    /// UDP sockets.
    pub udp: UdpConfig,
    /// Echo sockets.
    pub ping: PingConfig,
}

impl Default for StackConfig {
    fn default() -> Self {
        StackConfig {
            shard: Shard::WHOLE,
            tcp: tcp::HostConfig::default(),
            time_to_live: 64,
            max_addresses: 64,
            defence: Defence::Always,
            max_routes: 256,
            max_output_frames: 256,
            max_output_bytes: 16 * 1024 * 1024,
            ephemeral_ports: 32768..=65535,
            max_path_mtus: 256,
            path_mtu_lifetime: Duration::from_secs(600),
            min_path_mtu: 552,
            icmp_errors_per_second: 1000,
            icmp_errors_burst: 50,
            neighbours: NeighbourConfig::default(),
            reassembly: ReassemblyConfig::default(),
            udp: UdpConfig::default(),
            ping: PingConfig::default(),
        }
    }
}

impl StackConfig {
    /// For a process that is to stay small, like an extension of a telephone's system, with thousands of idle connections and hundreds
    /// of busy ones. Buffers do not grow beyond 256 KiB, and all of them hold 8 MiB at most; see [`tcp::HostConfig::small`].
    ///
    /// ```
    /// use netstrata_stack::StackConfig;
    /// // A little more for buffers, and otherwise small.
    /// let mut config = StackConfig::small();
    /// config.tcp.buffer_memory = 12 * 1024 * 1024;
    /// ```
    pub fn small() -> Self {
        StackConfig {
            tcp: tcp::HostConfig::small(),
            max_output_bytes: 1024 * 1024,
            max_path_mtus: 64,
            neighbours: NeighbourConfig {
                max_entries: 256,
                max_waiting_bytes: 16 * 1024,
                max_waiting_bytes_together: 256 * 1024,
                ..NeighbourConfig::default()
            },
            reassembly: ReassemblyConfig {
                max_datagrams: 16,
                max_bytes: 256 * 1024,
                ..ReassemblyConfig::default()
            },
            udp: UdpConfig { max_sockets: 1024, receive_buffer: 64 * 1024, send_buffer: 64 * 1024 },
            ping: PingConfig { max_sockets: 16, ..PingConfig::default() },
            ..StackConfig::default()
        }
    }

    /// That of one shard of a host that has this configuration: TCP's bounds on memory, connections and resets are shared out equally.
    pub fn for_shard(&self, shard: Shard) -> StackConfig {
        let part = |of: u32| shard.part(of as usize) as u32;
        let tcp = tcp::HostConfig {
            max_time_wait: part(self.tcp.max_time_wait),
            max_connections: part(self.tcp.max_connections),
            max_half_open: part(self.tcp.max_half_open),
            buffer_memory: shard.part(self.tcp.buffer_memory),
            resets_per_second: part(self.tcp.resets_per_second),
            resets_burst: part(self.tcp.resets_burst),
            fast_open_peers: part(self.tcp.fast_open_peers),
            ..self.tcp
        };
        StackConfig { shard, tcp, ..self.clone() }
    }
}

/// Bounds and times of neighbour resolution, by the states of RFC 4861 7.3.2.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NeighbourConfig {
    /// Neighbours known on one interface.
    pub max_entries: usize,
    /// Packets that wait for one neighbour's address.
    pub max_waiting_packets: usize,
    /// Bytes of those; the last one may go beyond.
    pub max_waiting_bytes: usize,
    /// Bytes that wait for all neighbours of one interface; the last packet may go beyond.
    pub max_waiting_bytes_together: usize,
    /// How long an answer is trusted without asking again.
    pub reachable_time: Duration,
    /// How long a neighbour in doubt is used before it is asked.
    pub delay_first_probe: Duration,
    /// Time between requests (RFC 1122 2.3.2.1: at most one a second).
    pub retransmit_interval: Duration,
    /// Requests before a neighbour is given up.
    pub attempts: u8,
    /// How long a neighbour that did not answer is not asked again.
    pub failed_time: Duration,
}

impl Default for NeighbourConfig {
    fn default() -> Self {
        NeighbourConfig {
            max_entries: 1024,
            max_waiting_packets: 16,
            max_waiting_bytes: 64 * 1024,
            max_waiting_bytes_together: 1024 * 1024,
            reachable_time: Duration::from_secs(30),
            delay_first_probe: Duration::from_secs(5),
            retransmit_interval: Duration::from_secs(1),
            attempts: 3,
            failed_time: Duration::from_secs(1),
        }
    }
}

/// Bounds of reassembly.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReassemblyConfig {
    /// Datagrams that wait for fragments.
    pub max_datagrams: usize,
    /// Bytes of memory that fragments hold, of all datagrams.
    pub max_bytes: usize,
    /// Fragments of one datagram.
    pub max_fragments: usize,
    /// How long a datagram waits after its first fragment came.
    ///
    /// Deviates: RFC 1122 3.3.2 asks for 60 to 120 s. At today's rates the 16-bit identification comes round long before
    /// (RFC 4963), and what waits only holds memory; 30 s is what most hosts use.
    pub timeout: Duration,
}

impl Default for ReassemblyConfig {
    fn default() -> Self {
        ReassemblyConfig {
            max_datagrams: 64,
            max_bytes: 1024 * 1024,
            max_fragments: 256,
            timeout: Duration::from_secs(30),
        }
    }
}

/// Bounds of UDP.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UdpConfig {
    /// Sockets.
    pub max_sockets: usize,
    /// Bytes of memory that a socket's received datagrams hold; the last one may go beyond.
    pub receive_buffer: usize,
    /// Bytes of memory that a socket's unsent datagrams hold; the last one may go beyond.
    pub send_buffer: usize,
}

impl Default for UdpConfig {
    fn default() -> Self {
        UdpConfig { max_sockets: 16 * 1024, receive_buffer: 256 * 1024, send_buffer: 256 * 1024 }
    }
}

/// Bounds of echo sockets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PingConfig {
    /// Sockets.
    pub max_sockets: usize,
    /// Replies that wait at a socket.
    pub max_replies: usize,
    /// Bytes of memory that a socket's unsent requests hold; the last one may go beyond.
    pub send_buffer: usize,
}

impl Default for PingConfig {
    fn default() -> Self {
        PingConfig { max_sockets: 256, max_replies: 64, send_buffer: 128 * 1024 }
    }
}

/// What kind of packets an interface's frames are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Medium {
    /// Ethernet II frames; this is our hardware address.
    Ethernet(MacAddress),
    /// Bare IP packets to and from whoever is at the other end.
    Ip,
    /// Bare IP packets that come back to this host.
    Loopback,
}

/// How an interface is set up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InterfaceConfig {
    /// For people; nothing looks it up.
    pub name: String,
    /// What its frames are.
    pub medium: Medium,
    /// Bytes of the longest IP packet; taken into 68..=65535 (RFC 791).
    pub mtu: usize,
    /// Whether its link takes super-segments of up to 64 KiB and cuts them itself.
    pub super_segments: bool,
}

/// Whether the link is asked before an address is used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Probing {
    /// Use it at once, neither probed nor announced. Without effect on conflicts: those are still noticed.
    Skip,
    /// Probe first (RFC 5227). Only Ethernet can be asked; elsewhere the address is used at once.
    Probe(ProbeTimes),
}

/// What becomes of an address in use that another station claims (RFC 5227 2.4).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Defence {
    /// It is kept and announced again, at most once in DEFEND_INTERVAL: 2.4 (c), for addresses that others know and rely on.
    /// Claims cannot be told from forged ones, so this is the default.
    #[default]
    Always,
    /// It is announced once; a second claim within DEFEND_INTERVAL costs it: 2.4 (b). Its connections and listeners stay, but
    /// nothing reaches them any more.
    GiveUp,
}

/// What a router says of itself and its link (RFC 4861 4.2). Its own hardware address is added.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RouterAdvertisement {
    /// The fixed part.
    pub router: wire::ndp::Router,
    /// Prefixes, name servers, the link's MTU.
    pub options: wire::ndp::Options,
}

/// The times of RFC 5227 1.1, under that document's names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProbeTimes {
    /// PROBE_WAIT: the first probe waits a random time up to this.
    pub wait: Duration,
    /// PROBE_NUM: probes sent.
    pub probes: u8,
    /// PROBE_MIN: least time to the next probe.
    pub least_interval: Duration,
    /// PROBE_MAX: most time to the next probe.
    pub most_interval: Duration,
    /// ANNOUNCE_WAIT: time from the last probe to use.
    pub announce_wait: Duration,
    /// ANNOUNCE_NUM: announcements sent.
    pub announcements: u8,
    /// ANNOUNCE_INTERVAL: time between announcements.
    pub announce_interval: Duration,
    /// DEFEND_INTERVAL: least time between two announcements in defence; with [`Defence::GiveUp`], a second claim within this
    /// time costs the address.
    pub defend_interval: Duration,
}

impl ProbeTimes {
    /// The constants of RFC 5227 1.1: up to 7 s until an address is used.
    pub const RFC5227: ProbeTimes = ProbeTimes {
        wait: Duration::from_secs(1),
        probes: 3,
        least_interval: Duration::from_secs(1),
        most_interval: Duration::from_secs(2),
        announce_wait: Duration::from_secs(2),
        announcements: 2,
        announce_interval: Duration::from_secs(2),
        defend_interval: Duration::from_secs(10),
    };
}

impl Default for ProbeTimes {
    fn default() -> Self {
        ProbeTimes::RFC5227
    }
}
