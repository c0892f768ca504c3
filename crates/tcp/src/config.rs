//! What can be set for a host: see [`crate::SocketOptions`] for one socket.

use crate::congestion::{Algorithm, SlowStartExit};
use core::time::Duration;

/// Bounds and defaults of a [`crate::Host`].
#[derive(Clone, Copy, Debug)]
pub struct HostConfig {
    /// How long TIME-WAIT lasts: 2 MSL. Default 60 s (MSL 30 s). `Deviates:` RFC 9293 3.4.2 has an MSL of 2 minutes; common hosts use 60 s in all.
    pub time_wait: Duration,
    /// Connections in TIME-WAIT at once; beyond it the oldest ends early. Default 262 144.
    pub max_time_wait: u32,
    /// Connections in all other states at once. Default 4 194 304.
    pub max_connections: u32,
    /// Half-open connections of all listeners together. Default 65 536.
    pub max_half_open: u32,
    /// What becomes of SYNs when the half-open connections of a listener, or of all, are as many as may be, for listeners that choose
    /// nothing. Default: they are answered by cookies.
    pub syn_cookies: SynCookies,
    /// Listeners. Default 65 536.
    pub max_listeners: u32,
    /// How long FIN-WAIT-2 lasts once the application has closed. Default 60 s.
    pub fin_wait_2: Duration,
    /// SYN retransmissions before a connection attempt times out (RFC 9293 3.8.3 wants at least 3 minutes: 7). Default 6: 127 s, as common hosts.
    pub syn_retries: u8,
    /// SYN-ACK retransmissions before a half-open connection is dropped. Default 5: 63 s.
    pub syn_ack_retries: u8,
    /// Retransmissions of data before the connection times out: R2 of RFC 9293 3.8.3. Default 15: about 15 minutes.
    pub retries: u8,
    /// Probes of a window that stays closed before a connection whose application is gone is given up with a RST. Default 10:
    /// at least 3 minutes.
    pub orphan_probes: u8,
    /// Offer window scaling (RFC 7323 2). Default true.
    pub window_scaling: bool,
    /// Offer timestamps (RFC 7323 3). Default true.
    pub timestamps: bool,
    /// Offer selective acknowledgments (RFC 2018). Default true.
    pub selective_acknowledgments: bool,
    /// The receive buffers of sockets that choose no size: they grow to what the application reads in two round trips, and further while that grows. Default 64 KiB
    /// to 8 MiB. For a peer whose round trips take less than 10 ms by its timestamps, steps are bounded, and they go down to 2 MiB while the host is behind
    /// ([`Host::set_behind`](crate::Host::set_behind)), even if `initial` is more.
    pub receive_buffer: BufferBounds,
    /// The send buffers of sockets that choose no size: they grow to twice the congestion window. Default 256 KiB,
    /// so that a writer may well be done before its peer begins to read, to 4 MiB.
    pub send_buffer: BufferBounds,
    /// Bytes that the buffers of all connections may hold together, beside 4 KiB of each in each direction. Above three quarters of
    /// it no buffer grows, and each connection may hold its share. At the bound new connections and what is out of order are turned
    /// away, and windows close. Default 1 GiB.
    pub buffer_memory: usize,
    /// RSTs a second to segments of no connection, to whomever. Default 10 000.
    pub resets_per_second: u32,
    /// Those at once after silence; each time up to a half less, so that nobody learns from it what others were sent. Default 1000.
    pub resets_burst: u32,
    /// Let the segmenter emit super-segments of up to 64 KiB. Default true.
    pub super_segments: bool,
    /// Segments that a super-segment may have however slow the connection is, 1 or more. Default 2.
    pub min_burst: u8,
    /// After an idle time the congestion window counts for less (RFC 5681 4.1). Default true.
    pub restart_after_idle: bool,
    /// Explicit congestion notification (RFC 3168). Default: for peers that ask for it.
    pub ecn: EcnMode,
    /// The congestion control of sockets that choose none. Default CUBIC.
    pub congestion: Algorithm,
    /// How CUBIC leaves its first slow start when round trips grow longer. Default: gradually.
    pub slow_start_exit: SlowStartExit,
    /// Whether what a path carries is found out without the word of routers, for sockets that choose nothing (RFC 4821). Default: once
    /// long segments seem to be swallowed. Where nothing is, that costs nothing; and where something is, connections would only time out.
    pub mtu_probing: MtuProbing,
    /// The segment size, without options, with which such a search begins. Default 1024 (RFC 4821 7.2); never below what every path is
    /// taken to carry, 536 by IPv4 and 1220 by IPv6.
    pub base_segment_size: u16,
    /// Peers whose Fast Open cookies are remembered (RFC 7413 4.1.3), 1 or more; beyond it the one that was met first is forgotten.
    /// Default 1024.
    pub fast_open_peers: u32,
}

impl Default for HostConfig {
    fn default() -> HostConfig {
        HostConfig {
            time_wait: Duration::from_secs(60),
            max_time_wait: 262_144,
            max_connections: 4_194_304,
            max_half_open: 65_536,
            syn_cookies: SynCookies::WhenFull,
            max_listeners: 65_536,
            fin_wait_2: Duration::from_secs(60),
            syn_retries: 6,
            syn_ack_retries: 5,
            retries: 15,
            orphan_probes: 10,
            window_scaling: true,
            timestamps: true,
            selective_acknowledgments: true,
            receive_buffer: BufferBounds { initial: 64 * 1024, most: 8 * 1024 * 1024 },
            send_buffer: BufferBounds { initial: 256 * 1024, most: 4 * 1024 * 1024 },
            buffer_memory: 1024 * 1024 * 1024,
            resets_per_second: 10_000,
            resets_burst: 1_000,
            super_segments: true,
            min_burst: 2,
            restart_after_idle: true,
            ecn: EcnMode::Accept,
            congestion: Algorithm::Cubic,
            slow_start_exit: SlowStartExit::Gradual,
            mtu_probing: MtuProbing::OnBlackHole,
            base_segment_size: 1_024,
            fast_open_peers: 1_024,
        }
    }
}

impl HostConfig {
    /// For a process that is to stay small: up to 16 384 connections, whose buffers hold up to 8 MiB together and grow to 256 KiB each.
    /// With that a connection of 20 ms carries 100 Mbit/s; one of 200 ms, 10.
    pub fn small() -> HostConfig {
        HostConfig {
            max_time_wait: 4_096,
            max_connections: 16_384,
            max_half_open: 1_024,
            max_listeners: 1_024,
            receive_buffer: BufferBounds { initial: 32 * 1024, most: 256 * 1024 },
            send_buffer: BufferBounds { initial: 32 * 1024, most: 256 * 1024 },
            buffer_memory: 8 * 1024 * 1024,
            fast_open_peers: 64,
            ..HostConfig::default()
        }
    }
}

/// Where a buffer that tunes itself begins, and how far it may grow. Bytes; memory is taken only for what it holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BufferBounds {
    /// The bound of a new connection's buffer, 2 KiB or more.
    pub initial: u32,
    /// What the bound may grow to, up to 64 MiB.
    pub most: u32,
}

/// Explicit congestion notification (RFC 3168): whether routers may mark packets instead of dropping them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum EcnMode {
    /// Never.
    Off,
    /// If the peer asks for it on its SYN.
    #[default]
    Accept,
    /// Ask for it when connecting, and accept it.
    Ask,
}

/// Packetization layer path MTU discovery (RFC 4821): segments longer than what has arrived so far try the path, and the loss of such a
/// one costs nothing but its repetition.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum MtuProbing {
    /// Never: only what routers say counts (RFC 1191, RFC 8201).
    Off,
    /// When the oldest segment was sent again three times in vain, shorter ones are sent, and longer ones tried. What a router said
    /// is put to the test after ten minutes.
    #[default]
    OnBlackHole,
    /// Also from the beginning of each connection, which sends short segments first.
    Always,
}

/// How a listener treats data on SYNs (RFC 7413). A SYN may come twice, so its data may, too: only for services that bear that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FastOpenServer {
    /// Connections of the whole host that wait for the end of their handshake though they were opened so. Beyond it, handshakes
    /// take their usual course (RFC 7413 5.1).
    pub pending: u32,
    /// The key of the cookies, the same for all hosts that answer for one address; `None` for one of this host's own.
    pub key: Option<[u8; 16]>,
    /// Only a cookie of this host proves the sender (RFC 7413 4.1.2). Without it whoever can forge an address can make the host work
    /// for it.
    pub require_cookie: bool,
}

/// How a connection that is begun sends data with its SYN (RFC 7413).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FastOpenClient {
    /// Only to peers that gave this host a cookie. Without it data goes with every SYN, for networks where each server takes it in
    /// unasked. Default true.
    pub require_cookie: bool,
}

impl Default for FastOpenClient {
    fn default() -> FastOpenClient {
        FastOpenClient { require_cookie: true }
    }
}

/// SYN cookies (RFC 4987 3.6): a SYN is answered, and nothing is remembered. What would be is in the SYN-ACK's own numbers: the
/// peer's segment size as one of eight, and, if the peer sends timestamps, window scaling, selective acknowledgments and congestion
/// marks. Such a SYN-ACK is not repeated.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SynCookies {
    /// Never: when half-open connections are as many as may be, further SYNs are dropped.
    Off,
    /// When half-open connections are as many as may be.
    #[default]
    WhenFull,
    /// For every SYN: nothing that is not a connection is ever remembered.
    Always,
}
