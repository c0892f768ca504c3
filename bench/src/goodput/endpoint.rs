//! Sockets of either stack, as far as a transfer needs them, and what each stack counts.

use super::site::Site;
use crate::pair::Failed;
use serde::{Deserialize, Serialize};
use socket2::{Domain, Socket, Type};
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

/// The longest wait of one call, so that the end of the time is noticed.
const PATIENCE: Duration = Duration::from_millis(20);
const PORT: u16 = 5_001;
/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(20);

/// A connection of either stack whose calls return after some milliseconds.
pub(crate) trait Flow: Read + Write + Send {}

impl Flow for std::net::TcpStream {}
impl Flow for netstrata::TcpStream {}

/// A listener of either stack.
pub(crate) enum Listener {
    Linux(std::net::TcpListener),
    Ours(netstrata::TcpListener),
}

impl Listener {
    pub(crate) fn bind(site: &Site) -> Result<Listener, Failed> {
        let address = SocketAddr::from((site.address, PORT));
        match site.host() {
            Some(host) => Ok(Listener::Ours(netstrata::TcpListener::bind(host, address)?)),
            None => site.within(|| Ok(Listener::Linux(std::net::TcpListener::bind(address)?))),
        }
    }

    pub(crate) fn accept(&self) -> Result<Box<dyn Flow>, Failed> {
        match self {
            Listener::Linux(listener) => {
                let (stream, _) = listener.accept()?;
                stream.set_read_timeout(Some(PATIENCE))?;
                Ok(Box::new(stream))
            }
            Listener::Ours(listener) => {
                let (stream, _) = listener.accept()?;
                stream.set_read_timeout(Some(PATIENCE))?;
                Ok(Box::new(stream))
            }
        }
    }
}

/// Connects from `site` to `other`.
pub(crate) fn connect(site: &Site, other: &Site) -> Result<Box<dyn Flow>, Failed> {
    let address = SocketAddr::from((other.address, PORT));
    match site.host() {
        Some(host) => {
            let stream = netstrata::TcpStream::connect_timeout(host, &address, CONNECT)?;
            stream.set_write_timeout(Some(PATIENCE))?;
            Ok(Box::new(stream))
        }
        None => site.within(|| {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
            // Before it connects: another control might leave something behind, as pacing. A namespace may not choose it for all.
            socket.set_tcp_congestion(b"cubic")?;
            socket.connect_timeout(&address.into(), CONNECT)?;
            let stream = std::net::TcpStream::from(socket);
            stream.set_write_timeout(Some(PATIENCE))?;
            Ok(Box::new(stream) as Box<dyn Flow>)
        }),
    }
}

/// What Linux counts that takes fast recovery back: by timestamps at its end and in it, and by duplicate selective acknowledgments, which
/// may have belonged to a time-out. What takes time-outs back otherwise, F-RTO (TCPSpuriousRTOs) and timestamps, is TCPLossUndo.
const UNDONE_RECOVERIES: [&str; 3] = ["TCPFullUndo", "TCPPartialUndo", "TCPDSACKUndo"];

/// What a stack counts that sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Counts {
    /// Retransmission time-outs.
    pub(crate) timeouts: u64,
    /// Those that it found out to have been for nothing, and took back, however it found out.
    #[serde(default)]
    pub(crate) spurious_timeouts: Option<u64>,
    pub(crate) retransmissions: u64,
    pub(crate) tail_probes: u64,
    /// Times that fast recovery began.
    pub(crate) recoveries: u64,
    /// Those that it took back.
    #[serde(default)]
    pub(crate) spurious_recoveries: Option<u64>,
}

impl Counts {
    pub(crate) fn of(site: &Site) -> Result<Counts, Failed> {
        if let Some(host) = site.host() {
            return Ok(host.with(|stack, _| {
                let counters = stack.tcp().counters();
                Counts {
                    timeouts: counters.timeouts,
                    spurious_timeouts: Some(counters.spurious_timeouts),
                    retransmissions: counters.retransmissions,
                    tail_probes: counters.tail_probes,
                    recoveries: counters.fast_retransmits,
                    spurious_recoveries: Some(counters.spurious_repairs - counters.spurious_timeouts),
                }
            }));
        }
        site.within(|| {
            let read = |name| std::fs::read_to_string(format!("/proc/thread-self/net/{name}"));
            let text = read("snmp")? + &read("netstat")?;
            let mut taken_back = 0;
            for name in UNDONE_RECOVERIES {
                taken_back += counter(&text, "TcpExt", name)?;
            }
            Ok(Counts {
                timeouts: counter(&text, "TcpExt", "TCPTimeouts")?,
                spurious_timeouts: Some(counter(&text, "TcpExt", "TCPLossUndo")?),
                spurious_recoveries: Some(taken_back),
                retransmissions: counter(&text, "Tcp", "RetransSegs")?,
                tail_probes: counter(&text, "TcpExt", "TCPLossProbes")?,
                recoveries: counter(&text, "TcpExt", "TCPSackRecovery")?,
            })
        })
    }

    /// What was counted since `before`.
    pub(crate) fn since(self, before: Counts) -> Counts {
        let since = |now: Option<u64>, before: Option<u64>| Some(now? - before?);
        Counts {
            timeouts: self.timeouts - before.timeouts,
            spurious_timeouts: since(self.spurious_timeouts, before.spurious_timeouts),
            spurious_recoveries: since(self.spurious_recoveries, before.spurious_recoveries),
            retransmissions: self.retransmissions - before.retransmissions,
            tail_probes: self.tail_probes - before.tail_probes,
            recoveries: self.recoveries - before.recoveries,
        }
    }
}

/// The round trips of the sender's connection, in microseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct RoundTrips {
    pub(crate) shortest: u32,
    pub(crate) smoothed: u32,
}

impl RoundTrips {
    /// Those of the one connection of `site`, while it is open.
    pub(crate) fn of(site: &Site) -> Result<RoundTrips, Failed> {
        if let Some(host) = site.host() {
            let found = host.with(|stack, _| {
                let id = stack.tcp().connections().find_map(|connection| connection.id)?;
                let info = stack.tcp().info(id)?;
                let micros = |time: Duration| time.as_micros() as u32;
                Some(RoundTrips { shortest: micros(info.shortest_rtt), smoothed: micros(info.smoothed_rtt) })
            });
            return found.ok_or_else(|| Failed::Refused("the connection is gone".into()));
        }
        site.within(|| {
            let output = Command::new("ss").args(["-tinH", "state", "established"]).output()?;
            told(&String::from_utf8_lossy(&output.stdout))
        })
    }
}

/// What `ss` tells of the first connection: `rtt:20.5/0.3 ... minrtt:20.1`, in milliseconds.
fn told(text: &str) -> Result<RoundTrips, Failed> {
    let milliseconds = |name: &str| {
        let word = text.split_whitespace().find_map(|word| word.strip_prefix(name))?;
        let number: f64 = word.split('/').next()?.parse().ok()?;
        Some((number * 1e3).round() as u32)
    };
    match (milliseconds("minrtt:"), milliseconds("rtt:")) {
        (Some(shortest), Some(smoothed)) => Ok(RoundTrips { shortest, smoothed }),
        _ => Err(Failed::Refused(format!("ss does not tell of round trips: {text}"))),
    }
}

/// A counter of the kernel: a line of names, and one of numbers, of each protocol.
fn counter(text: &str, protocol: &str, name: &str) -> Result<u64, Failed> {
    let prefix = format!("{protocol}: ");
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(prefix.as_str()));
    let number = (|| {
        let place = lines.next()?.split(' ').position(|word| word == name)?;
        lines.next()?.split(' ').nth(place)?.parse().ok()
    })();
    number.ok_or_else(|| Failed::Refused(format!("the kernel does not count {protocol} {name}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_stand_among_other_words() {
        let text = "0 0 10.98.0.1:1 10.98.0.2:2\n\t cubic rto:221 rtt:20.518/0.3 cwnd:10 minrtt:20.1";
        assert_eq!(told(text).ok(), Some(RoundTrips { shortest: 20_100, smoothed: 20_518 }));
        assert!(told("cubic rtt:1/2").is_err());
    }

    #[test]
    fn counters_stand_under_their_names() {
        let text =
            "Ip: A B\nIp: 1 2\nTcp: RetransSegs InErrs\nTcp: 7 0\nTcpExt: X TCPTimeouts\nTcpExt: 3 4\n";
        assert_eq!(counter(text, "Tcp", "RetransSegs").ok(), Some(7));
        assert_eq!(counter(text, "TcpExt", "TCPTimeouts").ok(), Some(4));
        assert!(counter(text, "TcpExt", "Nothing").is_err());
    }
}
