//! What can be set, for a host and for a socket.

use crate::congestion::Algorithm;
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
    /// to 8 MiB.
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

/// When a silent peer is asked whether it still lives (RFC 9293 3.8.4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Keepalive {
    /// Silence before the first probe. Default 2 hours.
    pub idle: Duration,
    /// Time between probes. Default 75 s.
    pub interval: Duration,
    /// Unanswered probes after which the connection has timed out. Default 10.
    pub probes: u8,
}

impl Default for Keepalive {
    fn default() -> Keepalive {
        Keepalive { idle: Duration::from_secs(7_200), interval: Duration::from_secs(75), probes: 10 }
    }
}

/// What can be set for one socket. Durations are kept in milliseconds, up to 49 days.
///
/// ```
/// use netstrata_tcp::{Keepalive, SocketOptions};
/// let options = SocketOptions { no_delay: true, keepalive: Some(Keepalive::default()), ..Default::default() };
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SocketOptions {
    /// Send small segments at once (turn off Nagle's algorithm, RFC 9293 3.7.4). Default false.
    pub no_delay: bool,
    /// Hold small segments back until they are full, however long nothing is in flight, but no longer than a retransmission
    /// time-out (TCP_CORK). Default false.
    pub cork: bool,
    /// Probe a silent peer. Default off (RFC 9293 MUST-25).
    pub keepalive: Option<Keepalive>,
    /// How long sent data may stay unacknowledged before the connection times out (RFC 5482). Default, and for zero: by the number
    /// of retransmissions.
    pub user_timeout: Option<Duration>,
    /// What `close` does with unsent data: `None` delivers it in the background; `Some(0)` throws it away with a RST;
    /// a longer time is for the caller who waits for [`crate::Readiness::DRAINED`] before it closes.
    pub linger: Option<Duration>,
    /// How long FIN-WAIT-2 lasts once the application has closed (TCP_LINGER2). Default, and for `None`: the host's,
    /// [`HostConfig::fin_wait_2`].
    pub fin_wait_2: Option<Duration>,
    /// Most bytes received and not yet read, 2 KiB to 64 MiB. Default, and for `None`: the connection finds out by itself, within
    /// [`HostConfig::receive_buffer`].
    pub receive_buffer: Option<u32>,
    /// Most bytes written and not yet acknowledged, 2 KiB to 64 MiB. Default, and for `None`: the connection finds out by itself,
    /// within [`HostConfig::send_buffer`].
    pub send_buffer: Option<u32>,
    /// The time to live of the packets, 1 to 255. Default 64.
    pub time_to_live: u8,
    /// The congestion control. Default, and for `None`: the host's, [`HostConfig::congestion`].
    pub congestion: Option<Algorithm>,
    /// The most payload that leaves in a second, in bytes, spread over the time (SO_MAX_PACING_RATE); 1 or more. Default, and for
    /// `None`: as the congestion control says.
    pub max_pacing_rate: Option<u64>,
    /// Whether routers may mark packets instead of dropping them, from the handshake on. Default, and for `None`: the host's,
    /// [`HostConfig::ecn`].
    pub ecn: Option<EcnMode>,
    /// Most bytes a segment, below what the path allows (TCP_MAXSEG), 48 to 65 535.
    pub max_segment_size: Option<u16>,
    /// Whether what the path carries is found out without the word of routers. Default, and for `None`: the host's,
    /// [`HostConfig::mtu_probing`].
    pub mtu_probing: Option<MtuProbing>,
    /// A listener shares its address and port with others that want it, too, at most 64 (SO_REUSEPORT). Each call goes to one of them, by
    /// a hash of both addresses and ports; what a listener that ends has not accepted ends with it. Default false; a connection has none.
    ///
    /// Beside it, SO_REUSEADDR has nothing to say: connections never keep a listener from their port, not in TIME-WAIT and not before.
    pub reuse_port: bool,
    /// A listener's SYN cookies; a connection has none. Default, and for `None`: the host's, [`HostConfig::syn_cookies`].
    pub syn_cookies: Option<SynCookies>,
}

impl Default for SocketOptions {
    fn default() -> SocketOptions {
        SocketOptions {
            no_delay: false,
            cork: false,
            keepalive: None,
            user_timeout: None,
            linger: None,
            fin_wait_2: None,
            receive_buffer: None,
            send_buffer: None,
            time_to_live: 64,
            congestion: None,
            max_pacing_rate: None,
            ecn: None,
            max_segment_size: None,
            mtu_probing: None,
            reuse_port: false,
            syn_cookies: None,
        }
    }
}

const NEVER: u32 = u32::MAX;

/// [`SocketOptions`] as a connection keeps them: a third of the size.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    keepalive_idle: u32,
    keepalive_interval: u32,
    user_timeout: u32,
    linger: u32,
    fin_wait_2: u32,
    /// 0: tuned.
    receive_buffer: u32,
    /// 0: tuned.
    send_buffer: u32,
    max_segment_size: u16,
    keepalive_probes: u8,
    pub(crate) time_to_live: u8,
    pub(crate) congestion: Option<Algorithm>,
    choices: Choices,
    pub(crate) no_delay: bool,
    pub(crate) cork: bool,
}

/// Two choices in one byte: two bits each, 0 for none.
#[derive(Clone, Copy, Debug)]
struct Choices(u8);

impl Choices {
    fn new(ecn: Option<EcnMode>, mtu_probing: Option<MtuProbing>) -> Choices {
        Choices(ecn.map_or(0, |mode| mode as u8 + 1) | mtu_probing.map_or(0, |mode| mode as u8 + 1) << 2)
    }

    fn ecn(self) -> Option<EcnMode> {
        [None, Some(EcnMode::Off), Some(EcnMode::Accept), Some(EcnMode::Ask)][usize::from(self.0 & 3)]
    }

    fn mtu_probing(self) -> Option<MtuProbing> {
        use MtuProbing::{Always, Off, OnBlackHole};
        [None, Some(Off), Some(OnBlackHole), Some(Always)][usize::from(self.0 >> 2 & 3)]
    }
}

impl Settings {
    /// Whether [`Settings::keepalive`] is something.
    #[inline]
    pub(crate) fn asks_silent_peers(&self) -> bool {
        self.keepalive_probes > 0
    }

    pub(crate) fn keepalive(&self) -> Option<Keepalive> {
        self.asks_silent_peers().then(|| Keepalive {
            idle: Duration::from_millis(self.keepalive_idle as u64),
            interval: Duration::from_millis(self.keepalive_interval as u64),
            probes: self.keepalive_probes,
        })
    }

    pub(crate) fn ecn(&self) -> Option<EcnMode> {
        self.choices.ecn()
    }

    pub(crate) fn mtu_probing(&self, config: &HostConfig) -> MtuProbing {
        self.choices.mtu_probing().unwrap_or(config.mtu_probing)
    }

    pub(crate) fn user_timeout(&self) -> Option<Duration> {
        restore(self.user_timeout)
    }

    pub(crate) fn linger(&self) -> Option<Duration> {
        restore(self.linger)
    }

    pub(crate) fn fin_wait_2(&self) -> Option<Duration> {
        restore(self.fin_wait_2)
    }

    /// The bounds of the receive buffer.
    pub(crate) fn receive_buffer(&self, config: &HostConfig) -> BufferBounds {
        bounds(self.receive_buffer, config.receive_buffer)
    }

    /// The bounds of the send buffer.
    pub(crate) fn send_buffer(&self, config: &HostConfig) -> BufferBounds {
        bounds(self.send_buffer, config.send_buffer)
    }

    pub(crate) fn max_segment_size(&self) -> Option<u16> {
        (self.max_segment_size != 0).then_some(self.max_segment_size)
    }
}

const LEAST_BUFFER: u32 = 2 * 1024;
const MOST_BUFFER: u32 = 64 * 1024 * 1024;

fn bounds(chosen: u32, usual: BufferBounds) -> BufferBounds {
    match chosen {
        0 => {
            let most = usual.most.clamp(LEAST_BUFFER, MOST_BUFFER);
            BufferBounds { initial: usual.initial.clamp(LEAST_BUFFER, most), most }
        }
        size => BufferBounds { initial: size, most: size },
    }
}

fn compact(duration: Option<Duration>) -> u32 {
    duration.map_or(NEVER, |duration| u32::try_from(duration.as_millis()).unwrap_or(NEVER - 1).min(NEVER - 1))
}

fn restore(milliseconds: u32) -> Option<Duration> {
    (milliseconds != NEVER).then(|| Duration::from_millis(milliseconds as u64))
}

impl From<SocketOptions> for Settings {
    fn from(options: SocketOptions) -> Settings {
        // No time at all would be over as soon as it begins, for ever.
        let times = |keepalive: Keepalive| {
            [keepalive.idle, keepalive.interval].map(|time| compact(Some(time)).max(1))
        };
        // Each apart: what is nearly always the same is computed beforehand.
        let ([keepalive_idle, keepalive_interval], keepalive_probes) = match options.keepalive {
            Some(keepalive) => (times(keepalive), keepalive.probes.max(1)),
            None => (times(Keepalive::default()), 0),
        };
        let size = |chosen: Option<u32>| chosen.map_or(0, |size| size.clamp(LEAST_BUFFER, MOST_BUFFER));
        Settings {
            keepalive_idle,
            keepalive_interval,
            keepalive_probes,
            user_timeout: compact(options.user_timeout.filter(|timeout| !timeout.is_zero())),
            linger: compact(options.linger),
            fin_wait_2: compact(options.fin_wait_2),
            receive_buffer: size(options.receive_buffer),
            send_buffer: size(options.send_buffer),
            max_segment_size: options.max_segment_size.map_or(0, |size| size.max(48)),
            time_to_live: options.time_to_live.max(1),
            congestion: options.congestion,
            choices: Choices::new(options.ecn, options.mtu_probing),
            no_delay: options.no_delay,
            cork: options.cork,
        }
    }
}

impl From<Settings> for SocketOptions {
    fn from(settings: Settings) -> SocketOptions {
        SocketOptions {
            no_delay: settings.no_delay,
            cork: settings.cork,
            keepalive: settings.keepalive(),
            user_timeout: settings.user_timeout(),
            linger: settings.linger(),
            fin_wait_2: settings.fin_wait_2(),
            receive_buffer: (settings.receive_buffer != 0).then_some(settings.receive_buffer),
            send_buffer: (settings.send_buffer != 0).then_some(settings.send_buffer),
            time_to_live: settings.time_to_live,
            congestion: settings.congestion,
            // Kept where there is room for it: with the handshake or the sender.
            max_pacing_rate: None,
            ecn: settings.ecn(),
            mtu_probing: settings.choices.mtu_probing(),
            max_segment_size: settings.max_segment_size(),
            // A listener's alone.
            reuse_port: false,
            syn_cookies: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_survive_their_compact_form_and_are_kept_inside_their_bounds() {
        let options = SocketOptions {
            keepalive: Some(Keepalive { probes: 3, ..Keepalive::default() }),
            user_timeout: Some(Duration::from_millis(1_500)),
            linger: Some(Duration::ZERO),
            fin_wait_2: Some(Duration::from_secs(2)),
            cork: true,
            ecn: Some(EcnMode::Ask),
            max_segment_size: Some(536),
            mtu_probing: Some(MtuProbing::Off),
            ..SocketOptions::default()
        };
        assert_eq!(SocketOptions::from(Settings::from(options)), options);
        let keepalive = Some(Keepalive { idle: Duration::ZERO, interval: Duration::ZERO, probes: 0 });
        let extreme = SocketOptions {
            receive_buffer: Some(0),
            send_buffer: Some(u32::MAX),
            time_to_live: 0,
            keepalive,
            ..options
        };
        let kept = SocketOptions::from(Settings::from(extreme));
        let least =
            Keepalive { idle: Duration::from_millis(1), interval: Duration::from_millis(1), probes: 1 };
        assert_eq!(kept.keepalive, Some(least));
        assert_eq!(
            (kept.receive_buffer, kept.send_buffer, kept.time_to_live),
            (Some(2048), Some(64 << 20), 1)
        );
    }

    /// An idle connection has no room for more.
    #[test]
    fn the_compact_form_is_compact() {
        assert!(size_of::<Settings>() <= 36);
    }

    #[test]
    fn a_buffer_that_is_chosen_is_not_tuned_and_others_keep_inside_the_host_s_bounds() {
        let wild = BufferBounds { initial: 1, most: u32::MAX };
        let config = HostConfig { receive_buffer: wild, ..HostConfig::default() };
        let chosen = SocketOptions { receive_buffer: Some(5_000), ..SocketOptions::default() };
        let fixed = BufferBounds { initial: 5_000, most: 5_000 };
        assert_eq!(Settings::from(chosen).receive_buffer(&config), fixed);
        let tuned = BufferBounds { initial: 2_048, most: 64 << 20 };
        assert_eq!(Settings::from(SocketOptions::default()).receive_buffer(&config), tuned);
        assert_eq!(Settings::from(chosen).send_buffer(&config), config.send_buffer);
    }
}
