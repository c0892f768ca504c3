//! What the system's settings say: `/proc/sys/net/ipv4/*` of the network namespace that the script runs in.

use crate::settings::Defaults;
use std::sync::OnceLock;
use std::time::Duration;
use tcp::congestion::{Algorithm, SlowStartExit};
use tcp::{BufferBounds, EcnMode, MtuProbing, SynCookies};

/// The congestion control that the namespace had when the library was loaded: it has that of the host, whatever it is, while scripts count
/// on CUBIC. Only another one was chosen by the script.
static INHERITED: OnceLock<Option<String>> = OnceLock::new();

/// Notes what was set before the script set anything.
pub(crate) fn note_inherited() {
    INHERITED.get_or_init(|| setting(CONGESTION_CONTROL));
}

/// Reads the settings that are in force now.
pub(crate) fn read() -> Defaults {
    let inherited = INHERITED.get().and_then(Option::as_deref);
    apply(|name| setting(name).filter(|text| name != CONGESTION_CONTROL || Some(&**text) != inherited))
}

const CONGESTION_CONTROL: &str = "tcp_congestion_control";

fn setting(name: &str) -> Option<String> {
    std::fs::read_to_string(format!("/proc/sys/net/ipv4/{name}")).ok()
}

/// Takes over what `text` tells of each setting.
fn apply(text: impl Fn(&str) -> Option<String>) -> Defaults {
    let mut defaults = Defaults::default();
    let numbers = |name: &str| -> Vec<u64> {
        let text = text(name).unwrap_or_default();
        text.split_whitespace().filter_map(|word| word.parse().ok()).collect()
    };
    let number = |name: &str| numbers(name).first().copied();
    let host = &mut defaults.host;
    let count = |number: u64| u8::try_from(number).unwrap_or(u8::MAX);
    if let Some(on) = number("tcp_timestamps") {
        host.timestamps = on != 0;
    }
    if let Some(on) = number("tcp_window_scaling") {
        host.window_scaling = on != 0;
    }
    if let Some(on) = number("tcp_sack") {
        host.selective_acknowledgments = on != 0;
    }
    if let Some(mode) = number("tcp_ecn") {
        host.ecn = match mode {
            0 => EcnMode::Off,
            1 => EcnMode::Ask,
            _ => EcnMode::Accept,
        };
    }
    if let Some(mode) = number("tcp_syncookies") {
        host.syn_cookies = match mode {
            0 => SynCookies::Off,
            1 => SynCookies::WhenFull,
            _ => SynCookies::Always,
        };
    }
    if let Some(name) = text(CONGESTION_CONTROL)
        && let Some(algorithm) = Algorithm::from_name(name.trim())
    {
        host.congestion = algorithm;
    }
    if let Some(times) = number("tcp_syn_retries") {
        host.syn_retries = count(times);
    }
    if let Some(times) = number("tcp_synack_retries") {
        host.syn_ack_retries = count(times);
    }
    if let Some(mode) = number("tcp_mtu_probing") {
        host.mtu_probing = match mode {
            0 => MtuProbing::Off,
            1 => MtuProbing::OnBlackHole,
            _ => MtuProbing::Always,
        };
    }
    if let Some(size) = number("tcp_base_mss") {
        host.base_segment_size = u16::try_from(size).unwrap_or(u16::MAX);
    }
    if let Some(times) = number("tcp_retries2") {
        host.retries = count(times);
    }
    if let Some(on) = number("tcp_slow_start_after_idle") {
        host.restart_after_idle = on != 0;
    }
    if let Some(segments) = number("tcp_min_tso_segs") {
        host.min_burst = count(segments).max(1);
    }
    if let Some(seconds) = number("tcp_fin_timeout") {
        host.fin_wait_2 = Duration::from_secs(seconds);
    }
    if let Some(most) = number("tcp_max_tw_buckets") {
        host.max_time_wait = u32::try_from(most).unwrap_or(u32::MAX).max(1);
    }
    if let Some(hops) = number("ip_default_ttl") {
        defaults.options.time_to_live = count(hops);
    }
    let keepalive = &mut defaults.keepalive;
    if let Some(seconds) = number("tcp_keepalive_time") {
        keepalive.idle = Duration::from_secs(seconds);
    }
    if let Some(seconds) = number("tcp_keepalive_intvl") {
        keepalive.interval = Duration::from_secs(seconds);
    }
    if let Some(times) = number("tcp_keepalive_probes") {
        keepalive.probes = count(times);
    }
    // Least, usual, most.
    if let [_, usual, most] = numbers("tcp_rmem")[..] {
        defaults.receive_buffers = (clamp(usual), clamp(most));
        defaults.host.receive_buffer = BufferBounds { initial: clamp(usual), most: clamp(most) };
    }
    if let [_, usual, most] = numbers("tcp_wmem")[..] {
        defaults.send_buffers = (clamp(usual), clamp(most));
    }
    let largest = [number("../core/rmem_max"), number("../core/wmem_max")].map(|bytes| bytes.map(clamp));
    let usual = defaults.largest_buffers;
    defaults.largest_buffers = (largest[0].unwrap_or(usual.0), largest[1].unwrap_or(usual.1));
    if let Some(bytes) = number("tcp_notsent_lowat") {
        defaults.unsent_limit = clamp(bytes);
    }
    if let Some(bits) = number("tcp_fastopen") {
        defaults.fast_open.server = bits & FAST_OPEN_SERVER != 0;
        defaults.fast_open.client = bits & FAST_OPEN_CLIENT != 0;
        defaults.fast_open.client_without_cookie = bits & FAST_OPEN_CLIENT_WITHOUT_COOKIE != 0;
        defaults.fast_open.all_listeners = bits & FAST_OPEN_ALL_LISTENERS != 0;
        defaults.fast_open.without_cookie = bits & FAST_OPEN_WITHOUT_COOKIE != 0;
    }
    defaults.fast_open.key = text("tcp_fastopen_key").and_then(|text| key(&text));
    // As Linux leaves slow start.
    defaults.host.slow_start_exit = SlowStartExit::AtOnce;
    // What is taken in is counted here (`send_memory.rs`).
    defaults.host.send_buffer = BufferBounds { initial: UNBOUNDED, most: UNBOUNDED };
    defaults
}

/// Bits of `tcp_fastopen`.
const FAST_OPEN_CLIENT: u64 = 1;
const FAST_OPEN_SERVER: u64 = 2;
const FAST_OPEN_CLIENT_WITHOUT_COOKIE: u64 = 4;
const FAST_OPEN_WITHOUT_COOKIE: u64 = 0x200;
const FAST_OPEN_ALL_LISTENERS: u64 = 0x400;

/// A key: four words in hexadecimal digits, of which each is kept with its least byte first. A second key, for cookies of before, may
/// follow a comma.
fn key(text: &str) -> Option<[u8; 16]> {
    let mut key = [0; 16];
    let mut words = text.trim().split(',').next()?.split('-');
    for place in key.as_chunks_mut::<4>().0 {
        *place = u32::from_str_radix(words.next()?, 16).ok()?.to_le_bytes();
    }
    words.next().is_none().then_some(key)
}

/// More than any script writes.
const UNBOUNDED: u32 = 64 << 20;

fn clamp(bytes: u64) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_are_there_count_and_others_keep_their_value() {
        let read = apply(|name| match name {
            "tcp_sack" => Some("0\n".into()),
            "tcp_timestamps" => Some("0\n".into()),
            "tcp_fin_timeout" => Some("5\n".into()),
            "tcp_rmem" => Some("4096\t540000\t15728640\n".into()),
            _ => None,
        });
        assert!(!read.host.selective_acknowledgments && !read.host.timestamps && read.host.window_scaling);
        assert_eq!(read.host.fin_wait_2, Duration::from_secs(5));
        assert_eq!(read.receive_buffers, (540_000, 15_728_640));
        assert_eq!(read.host.retries, Defaults::default().host.retries);
    }

    #[test]
    fn a_key_is_four_words() {
        let found = key("a0bf63f7-ed803d81-cd641d30-cebc4a90,0-0-0-0\n").unwrap();
        assert_eq!(found[..5], [0xf7, 0x63, 0xbf, 0xa0, 0x81]);
        assert_eq!((key("1-2-3"), key("1-2-3-4-5"), key("")), (None, None, None));
    }
}
