//! What a script sets before it begins: options (`--mtu=1500`) and sysctls in backticks.

use super::cursor::Parsed;
use super::family::Family;
use std::time::Duration;
use tcp::congestion::Algorithm;
use tcp::{EcnMode, HostConfig, MtuProbing, SynCookies};

/// How the host is set up.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) host: HostConfig,
    /// Bytes of the interface's longest packet.
    pub(crate) mtu: usize,
    /// How far a packet may be from its time.
    pub(crate) tolerance: Duration,
    /// The only family that can play it, if it says one.
    pub(crate) family: Option<Family>,
}

impl Default for Settings {
    fn default() -> Settings {
        // One segment at a time, so that scripts see each decision; a script may ask for bursts.
        let host = HostConfig { super_segments: false, ..HostConfig::default() };
        Settings { host, mtu: 1500, tolerance: Duration::from_millis(1), family: None }
    }
}

impl Settings {
    /// `--name=value`; names that mean nothing here are ignored, as packetdrill's own scripts have many.
    pub(crate) fn option(&mut self, text: &str) -> Parsed<()> {
        let Some((name, value)) = text.trim_start_matches('-').split_once('=') else { return Ok(()) };
        let number = || value.trim().parse::<u64>().map_err(|_| format!("`{value}` is no number"));
        match name.trim() {
            "mtu" => self.mtu = number()? as usize,
            "ip_version" => {
                self.family = Some(match value.trim() {
                    "ipv4" => Family::V4,
                    "ipv6" => Family::V6,
                    "ipv4-mapped-ipv6" => Family::Mapped,
                    _ => return Err(format!("unknown family `{value}`")),
                });
            }
            "tolerance_usecs" => self.tolerance = Duration::from_micros(number()?),
            _ => {}
        }
        Ok(())
    }

    /// Shell commands: those that set a known sysctl do, all others are ignored.
    pub(crate) fn commands(&mut self, commands: &str) -> Parsed<()> {
        for word in commands.split_whitespace() {
            if let Some((name, value)) = word.split_once('=') {
                self.sysctl(name, value.trim_end_matches(';'))?;
            }
        }
        Ok(())
    }

    fn sysctl(&mut self, name: &str, value: &str) -> Parsed<()> {
        let known = name.strip_prefix("net.ipv4.").or_else(|| name.strip_prefix("netstrata."));
        let number = || value.parse::<u64>().map_err(|_| format!("`{name}`: `{value}` is no number"));
        match known.unwrap_or("") {
            "tcp_timestamps" => self.host.timestamps = number()? != 0,
            "tcp_window_scaling" => self.host.window_scaling = number()? != 0,
            "tcp_congestion_control" => {
                let algorithm = Algorithm::from_name(value);
                self.host.congestion = algorithm.ok_or_else(|| format!("no congestion control `{value}`"))?;
            }
            // Ours alone: bytes that all buffers may hold.
            "receive_buffer_initial" => self.host.receive_buffer.initial = number()? as u32,
            "receive_buffer_most" => self.host.receive_buffer.most = number()? as u32,
            "send_buffer_initial" => self.host.send_buffer.initial = number()? as u32,
            "send_buffer_most" => self.host.send_buffer.most = number()? as u32,
            "buffer_memory" => self.host.buffer_memory = number()? as usize,
            "tcp_ecn" => {
                self.host.ecn = match number()? {
                    0 => EcnMode::Off,
                    1 => EcnMode::Ask,
                    _ => EcnMode::Accept,
                }
            }
            "tcp_sack" => self.host.selective_acknowledgments = number()? != 0,
            "tcp_syn_retries" => self.host.syn_retries = number()? as u8,
            "tcp_synack_retries" => self.host.syn_ack_retries = number()? as u8,
            "tcp_syncookies" => {
                self.host.syn_cookies = match number()? {
                    0 => SynCookies::Off,
                    1 => SynCookies::WhenFull,
                    _ => SynCookies::Always,
                }
            }
            "tcp_mtu_probing" => {
                self.host.mtu_probing = match number()? {
                    0 => MtuProbing::Off,
                    1 => MtuProbing::OnBlackHole,
                    _ => MtuProbing::Always,
                }
            }
            "tcp_base_mss" => self.host.base_segment_size = number()? as u16,
            "tcp_retries2" => self.host.retries = number()? as u8,
            "tcp_fin_timeout" => self.host.fin_wait_2 = Duration::from_secs(number()?),
            "tcp_max_tw_buckets" => self.host.max_time_wait = number()? as u32,
            // Ours alone: seconds of TIME-WAIT, bounds of tables.
            "time_wait" => self.host.time_wait = Duration::from_secs(number()?),
            "super_segments" => self.host.super_segments = number()? != 0,
            "max_half_open" => self.host.max_half_open = number()? as u32,
            "max_connections" => self.host.max_connections = number()? as u32,
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names_count_and_others_do_not() {
        let mut settings = Settings::default();
        settings.option("--mtu=1280").unwrap();
        settings.option("--ip_version=ipv4").unwrap();
        settings.commands("sysctl -q net.ipv4.tcp_sack=0 net.ipv4.tcp_retries2=3; echo a=b").unwrap();
        assert_eq!(
            (settings.mtu, settings.host.selective_acknowledgments, settings.host.retries),
            (1280, false, 3)
        );
        assert!(settings.commands("sysctl net.ipv4.tcp_sack=x").is_err());
    }
}
