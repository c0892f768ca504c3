//! Bytes that a stack holds for each connection that nobody uses.
//!
//! One host is measured alone: the segments of its peers are made by hand, so that no other host's memory is counted.

use basis::{Frame, Instant};
use serde::Serialize;
use stack::{InterfaceConfig, InterfaceId, Medium, Probing, Stack, StackConfig};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use tcp::{ConnectionId, ListenerId, SocketOptions};
use wire::tcp::{Flags, Header, Options, Seq, Timestamps};
use wire::{ipv4, protocol};

const HOST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const PORT: u16 = 7;
/// The peers' initial sequence number.
const INITIAL: Seq = Seq(1_000);
const PORTS: u32 = 50_000;

/// Bytes of heap per connection, on average over `count` of each.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Footprint {
    /// Connections of each kind that were made.
    pub count: u32,
    /// Established, accepted, nothing buffered.
    pub established: f64,
    /// SYN received, SYN-ACK sent.
    pub half_open: f64,
    /// In TIME-WAIT.
    pub time_wait: f64,
}

/// Makes `count` connections of each kind. `live` tells how many bytes of heap are in use.
///
/// # Errors
/// When a connection does not reach the state that is to be measured.
pub fn measure(live: fn() -> usize, count: u32) -> Result<Footprint, String> {
    let each = |bring: fn(&mut Lone, u32) -> Result<(), String>| {
        let mut lone = Lone::new(count)?;
        // What the first connections of all need, buffers kept for use and the like, is not counted.
        for number in 0..4 {
            bring(&mut lone, number)?;
        }
        let before = live();
        for number in 4..count + 4 {
            bring(&mut lone, number)?;
        }
        let grown = live().saturating_sub(before) as f64 / f64::from(count);
        Ok::<_, String>((grown, lone.stack.tcp().population()))
    };
    let all = count as usize + 4;
    let (established, population) = each(Lone::establish_one)?;
    expect(population == (all, 0, 0), population)?;
    let (half_open, population) = each(Lone::half_open_one)?;
    expect(population == (0, all, 0), population)?;
    let (time_wait, population) = each(Lone::close_one)?;
    expect(population == (0, 0, all), population)?;
    Ok(Footprint { count, established, half_open, time_wait })
}

/// What a process takes that holds idle connections at one host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Held {
    /// Established, accepted, nothing buffered.
    pub count: u32,
    /// Bytes of heap that the host takes with all it holds, if they are counted.
    pub heap: Option<usize>,
    /// Bytes of memory that the process grew by (its resident set), where the system tells.
    pub resident: Option<usize>,
}

/// Makes a host with `count` idle connections and holds them. `live` tells how many bytes of heap are in use.
///
/// # Errors
/// When a connection is not established.
pub fn hold(live: Option<fn() -> usize>, count: u32) -> Result<Held, String> {
    let before = (live.map(|live| live()), resident());
    let mut lone = Lone::new(count)?;
    for number in 0..count {
        lone.establish_one(number)?;
    }
    let population = lone.stack.tcp().population();
    expect(population == (count as usize, 0, 0), population)?;
    let grown = |now: Option<usize>, before: Option<usize>| Some(now?.saturating_sub(before?));
    let heap = grown(live.map(|live| live()), before.0);
    Ok(Held { count, heap, resident: grown(resident(), before.1) })
}

/// Bytes of memory that this process takes, as Linux tells (proc_pid_status(5), VmRSS).
fn resident() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<usize>().ok()? * 1_024)
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} idle connections", self.count)?;
        for (what, bytes) in [("heap", self.heap), ("resident", self.resident)] {
            match bytes {
                Some(bytes) => {
                    let each = bytes as f64 / f64::from(self.count);
                    write!(f, "; {what} {:.1} MB, {each:.1} bytes each", bytes as f64 / 1e6)?;
                }
                None => write!(f, "; {what} not known")?,
            }
        }
        Ok(())
    }
}

fn expect(right: bool, population: (usize, usize, usize)) -> Result<(), String> {
    let (connections, half_open, time_wait) = population;
    match right {
        true => Ok(()),
        false => Err(format!(
            "there are {connections} connections, {half_open} half-open, {time_wait} in TIME-WAIT"
        )),
    }
}

/// A host without a peer.
struct Lone {
    stack: Stack,
    interface: InterfaceId,
    listener: ListenerId,
}

impl Lone {
    fn new(count: u32) -> Result<Lone, String> {
        let most = count + 4;
        let tcp = tcp::HostConfig {
            max_connections: most,
            max_half_open: most,
            max_time_wait: most,
            ..tcp::HostConfig::default()
        };
        let config = StackConfig { tcp, ..StackConfig::default() };
        let mut stack = Stack::new(Instant::ZERO, config, [7; 32]);
        let interface =
            InterfaceConfig { name: "lone".into(), medium: Medium::Ip, mtu: 1_500, super_segments: false };
        let interface = stack.add_interface(Instant::ZERO, interface);
        stack
            .add_address(Instant::ZERO, interface, IpAddr::V4(HOST), 8, Probing::Skip)
            .map_err(|error| error.to_string())?;
        let local = SocketAddr::new(IpAddr::V4(HOST), PORT);
        let (listener, _) =
            stack.tcp_listen(local, most, SocketOptions::default()).map_err(|error| error.to_string())?;
        Ok(Lone { stack, interface, listener })
    }

    /// A segment from peer `number`; returns the header of what answers it.
    fn segment(&mut self, number: u32, flags: Flags, sequence: Seq, acknowledgment: Seq) -> Option<Header> {
        let peer = Ipv4Addr::from_bits(Ipv4Addr::new(10, 1, 0, 0).to_bits() + number / PORTS);
        let timestamps = Some(Timestamps { value: 1, echo: 0 });
        let options = match flags.contains(Flags::SYN) {
            true => Options {
                timestamps,
                maximum_segment_size: Some(1_460),
                window_scale: Some(7),
                sack_permitted: true,
                ..Options::NONE
            },
            false => Options { timestamps, ..Options::NONE },
        };
        let header = Header {
            source_port: 1_024 + (number % PORTS) as u16,
            destination_port: PORT,
            sequence,
            acknowledgment,
            flags,
            window: 1_000,
            urgent: 0,
            options,
        };
        let mut frame = Frame::new();
        header.prepend_to(&mut frame, IpAddr::V4(peer), IpAddr::V4(HOST));
        ipv4::Header::new(peer, HOST, protocol::TCP).prepend_to(&mut frame);
        // Whether it was used shows in the answer and in the population.
        let _ = self.stack.on_frame(Instant::ZERO, self.interface, frame);
        self.answer()
    }

    fn answer(&mut self) -> Option<Header> {
        while self.stack.poll_event().is_some() {}
        let frame = self.stack.poll_transmit(Instant::ZERO, self.interface)?;
        let (header, _) = Header::parse(frame.first().get(ipv4::HEADER_LENGTH..)?).ok()?;
        Some(header)
    }

    fn half_open_one(&mut self, number: u32) -> Result<(), String> {
        self.synchronize(number).map(drop)
    }

    fn establish_one(&mut self, number: u32) -> Result<(), String> {
        self.establish(number).map(drop)
    }

    fn close_one(&mut self, number: u32) -> Result<(), String> {
        let (connection, next) = self.establish(number)?;
        self.stack.tcp_mut().close(Instant::ZERO, connection);
        let fin = self.answer().ok_or("no FIN")?;
        if !fin.flags.contains(Flags::FIN) {
            return Err(format!("no FIN but {:?}", fin.flags));
        }
        self.segment(number, Flags::FIN | Flags::ACK, INITIAL + 1, next + 1);
        Ok(())
    }

    /// A SYN; returns the number of the SYN-ACK.
    fn synchronize(&mut self, number: u32) -> Result<Seq, String> {
        let answer = self.segment(number, Flags::SYN, INITIAL, Seq(0)).ok_or("no SYN-ACK")?;
        match answer.flags.contains(Flags::SYN | Flags::ACK) {
            true => Ok(answer.sequence),
            false => Err(format!("no SYN-ACK but {:?}", answer.flags)),
        }
    }

    /// A handshake; returns the connection and the host's next sequence number.
    fn establish(&mut self, number: u32) -> Result<(ConnectionId, Seq), String> {
        let next = self.synchronize(number)? + 1;
        self.segment(number, Flags::ACK, INITIAL + 1, next);
        let connection = self.stack.tcp_mut().accept(self.listener).map_err(|error| error.to_string())?;
        Ok((connection, next))
    }
}
