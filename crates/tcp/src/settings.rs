//! What can be set for one socket, and the compact form in which a connection keeps it.

use crate::config::{BufferBounds, EcnMode, HostConfig, MtuProbing, SynCookies};
use crate::congestion::Algorithm;
use crate::segment::Labels;
use crate::sizes::{Sizes, bounds};
use core::time::Duration;

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
    /// The largest window that the peer is offered, 2 KiB to 64 MiB (TCP_WINDOW_CLAMP): the receive buffer is tuned up to it, and one that
    /// is chosen counts as no larger. Default, and for `None`: only by the receive buffer.
    pub window_clamp: Option<u32>,
    /// The time to live of the packets, 1 to 255. Default 64.
    pub time_to_live: u8,
    /// The traffic class of the packets (IP_TOS, IPV6_TCLASS): its upper six bits are the DSCP (RFC 2474), its lower two are for TCP alone
    /// (RFC 3168). Default 0. What answers for a connection that is over has 0.
    pub traffic_class: u8,
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
    /// How long a listener waits for the first data of a call before it is there to be accepted (TCP_DEFER_ACCEPT): meanwhile the bare
    /// acknowledgment that would complete the handshake is passed over. The time ends with one of the SYN-ACK's time-outs, after 1, 3, 7,
    /// 15, 31, 63 or 127 s, whichever is the first that is not sooner; the SYN-ACK is then sent once more, and its answer completes the handshake. Who comes by a
    /// SYN cookie is not waited for. Default, and for zero: not at all; a connection has none.
    pub defer_accept: Option<Duration>,
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
            window_clamp: None,
            time_to_live: 64,
            traffic_class: 0,
            congestion: None,
            max_pacing_rate: None,
            ecn: None,
            max_segment_size: None,
            mtu_probing: None,
            reuse_port: false,
            defer_accept: None,
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
    sizes: Sizes,
    max_segment_size: u16,
    keepalive_probes: u8,
    pub(crate) labels: Labels,
    choices: Choices,
}

/// Three choices in one byte, two bits each, 0 for none; above them [`NO_DELAY`] and [`CORK`].
#[derive(Clone, Copy, Debug)]
struct Choices(u8);

const NO_DELAY: u8 = 1 << 6;
const CORK: u8 = 1 << 7;

impl Choices {
    fn new(ecn: Option<EcnMode>, mtu_probing: Option<MtuProbing>, congestion: Option<Algorithm>) -> Choices {
        let (ecn, mtu_probing) =
            (ecn.map_or(0, |mode| mode as u8 + 1), mtu_probing.map_or(0, |mode| mode as u8 + 1));
        Choices(ecn | mtu_probing << 2 | congestion.map_or(0, |algorithm| algorithm as u8 + 1) << 4)
    }

    fn with(self, flag: u8, is_set: bool) -> Choices {
        Choices(self.0 | if is_set { flag } else { 0 })
    }

    fn ecn(self) -> Option<EcnMode> {
        [None, Some(EcnMode::Off), Some(EcnMode::Accept), Some(EcnMode::Ask)][usize::from(self.0 & 3)]
    }

    fn mtu_probing(self) -> Option<MtuProbing> {
        use MtuProbing::{Always, Off, OnBlackHole};
        [None, Some(Off), Some(OnBlackHole), Some(Always)][usize::from(self.0 >> 2 & 3)]
    }

    fn congestion(self) -> Option<Algorithm> {
        use Algorithm::{Bbr, Cubic, NewReno};
        [None, Some(Cubic), Some(NewReno), Some(Bbr)][usize::from(self.0 >> 4 & 3)]
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

    #[inline]
    pub(crate) fn no_delay(&self) -> bool {
        self.choices.0 & NO_DELAY != 0
    }

    #[inline]
    pub(crate) fn cork(&self) -> bool {
        self.choices.0 & CORK != 0
    }

    pub(crate) fn ecn(&self) -> Option<EcnMode> {
        self.choices.ecn()
    }

    pub(crate) fn mtu_probing(&self, config: &HostConfig) -> MtuProbing {
        self.choices.mtu_probing().unwrap_or(config.mtu_probing)
    }

    #[inline]
    pub(crate) fn congestion(&self, config: &HostConfig) -> Algorithm {
        self.choices.congestion().unwrap_or(config.congestion)
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
        bounds(self.sizes.receive_buffer(), self.sizes.window_clamp(), config.receive_buffer)
    }

    /// The bounds of the send buffer.
    pub(crate) fn send_buffer(&self, config: &HostConfig) -> BufferBounds {
        bounds(self.sizes.send_buffer(), None, config.send_buffer)
    }

    pub(crate) fn max_segment_size(&self) -> Option<u16> {
        (self.max_segment_size != 0).then_some(self.max_segment_size)
    }
}

fn compact(duration: Option<Duration>) -> u32 {
    duration.map_or(NEVER, milliseconds)
}

/// Seldom needed, and then by one of many.
#[inline(never)]
fn milliseconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(NEVER - 1).min(NEVER - 1)
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
        Settings {
            keepalive_idle,
            keepalive_interval,
            keepalive_probes,
            user_timeout: compact(options.user_timeout.filter(|timeout| !timeout.is_zero())),
            linger: compact(options.linger),
            fin_wait_2: compact(options.fin_wait_2),
            sizes: Sizes::new(options.receive_buffer, options.send_buffer, options.window_clamp),
            max_segment_size: options.max_segment_size.map_or(0, |size| size.max(48)),
            labels: Labels::new(options.time_to_live.max(1), options.traffic_class),
            choices: Choices::new(options.ecn, options.mtu_probing, options.congestion)
                .with(NO_DELAY, options.no_delay)
                .with(CORK, options.cork),
        }
    }
}

impl From<Settings> for SocketOptions {
    fn from(settings: Settings) -> SocketOptions {
        SocketOptions {
            no_delay: settings.no_delay(),
            cork: settings.cork(),
            keepalive: settings.keepalive(),
            user_timeout: settings.user_timeout(),
            linger: settings.linger(),
            fin_wait_2: settings.fin_wait_2(),
            receive_buffer: settings.sizes.receive_buffer(),
            window_clamp: settings.sizes.window_clamp(),
            send_buffer: settings.sizes.send_buffer(),
            time_to_live: settings.labels.time_to_live,
            traffic_class: settings.labels.traffic_class,
            congestion: settings.choices.congestion(),
            // Kept where there is room for it: with the handshake or the sender.
            max_pacing_rate: None,
            ecn: settings.ecn(),
            mtu_probing: settings.choices.mtu_probing(),
            max_segment_size: settings.max_segment_size(),
            // A listener's alone.
            reuse_port: false,
            defer_accept: None,
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
            no_delay: true,
            receive_buffer: Some(100_000),
            ecn: Some(EcnMode::Ask),
            max_segment_size: Some(536),
            mtu_probing: Some(MtuProbing::Off),
            congestion: Some(Algorithm::Bbr),
            window_clamp: Some(9_000),
            traffic_class: 0xb8,
            ..SocketOptions::default()
        };
        assert_eq!(SocketOptions::from(Settings::from(options)), options);
        let keepalive = Some(Keepalive { idle: Duration::ZERO, interval: Duration::ZERO, probes: 0 });
        let extreme = SocketOptions {
            receive_buffer: Some(0),
            send_buffer: Some(u32::MAX),
            time_to_live: 0,
            traffic_class: 0xff,
            keepalive,
            ..options
        };
        let kept = SocketOptions::from(Settings::from(extreme));
        let least =
            Keepalive { idle: Duration::from_millis(1), interval: Duration::from_millis(1), probes: 1 };
        assert_eq!(kept.keepalive, Some(least));
        assert_eq!(
            (kept.receive_buffer, kept.send_buffer, kept.time_to_live, kept.traffic_class),
            (Some(2048), Some(64 << 20), 1, 0xfc)
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
