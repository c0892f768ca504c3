//! Bounds of a host's tables and queues at their edge, and how its connections begin and end.

mod admission;
mod cookies;
mod ending;
mod fast_open;
mod listeners;
mod queues;

use super::{Decision, Host};
use crate::config::{HostConfig, SynCookies};
use crate::error::{DecideError, Dropped, Failure, ListenError};
use crate::event::ConnectionId;
use crate::info::State;
use crate::segment::{FourTuple, Path, Shutdown};
use crate::settings::SocketOptions;
use alloc::vec::Vec;
use basis::{Frame, Instant};
use core::net::{IpAddr, Ipv4Addr};
use wire::tcp::{Flags, Header, Options, Seq};

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
const PATH: Path = Path { lane: 0, mtu: 1500, link_mtu: 1500 };

fn peer(n: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(0x0b00_0000 + n))
}

fn segment(
    host: &mut Host,
    now: Instant,
    from: IpAddr,
    flags: Flags,
    numbers: (u32, u32),
) -> Result<(), Dropped> {
    let header = Header {
        source_port: 1000,
        destination_port: 80,
        sequence: Seq(numbers.0),
        acknowledgment: Seq(numbers.1),
        flags,
        window: 1000,
        urgent: 0,
        options: Options::NONE,
    };
    let mut frame = Frame::new();
    header.prepend_to(&mut frame, from, LOCAL);
    host.on_segment(now, || PATH, LOCAL, from, &mut frame)
}

fn listening(config: HostConfig, backlog: u32) -> Host {
    let mut host = Host::new(Instant::ZERO, config, [1; 32]);
    host.listen(None, 80, backlog, SocketOptions::default()).unwrap();
    host
}

fn without_cookies() -> HostConfig {
    HostConfig { syn_cookies: SynCookies::Off, ..HostConfig::default() }
}

/// The number of the next SYN-ACK.
fn answer(host: &mut Host) -> Option<u32> {
    let mut frame = Frame::new();
    host.poll_transmit(Instant::ZERO, 0, &mut frame)?;
    Some(Header::parse(frame.first()).unwrap().0.sequence.0)
}

/// A connection without options, accepted; the number of its first byte.
fn accepted() -> (Host, ConnectionId, u32) {
    let mut host = Host::new(
        Instant::ZERO,
        HostConfig { window_scaling: false, timestamps: false, ..HostConfig::default() },
        [1; 32],
    );
    let listener = host.listen(None, 80, 10, SocketOptions::default()).unwrap();
    segment(&mut host, Instant::ZERO, peer(0), Flags::SYN, (7, 0)).unwrap();
    let first = answer(&mut host).unwrap() + 1;
    segment(&mut host, Instant::ZERO, peer(0), Flags::ACK, (8, first)).unwrap();
    let id = host.accept(listener).unwrap();
    (host, id, first)
}

/// The payload bytes and flags of every segment that is due.
fn sent(host: &mut Host, now: Instant) -> Vec<(usize, Flags)> {
    let mut segments = Vec::new();
    loop {
        let mut frame = Frame::new();
        if host.poll_transmit(now, 0, &mut frame).is_none() {
            return segments;
        }
        let (header, length) = Header::parse(frame.first()).unwrap();
        segments.push((frame.len() - length, header.flags));
    }
}

fn bytes(segments: &[(usize, Flags)]) -> usize {
    segments.iter().map(|segment| segment.0).sum()
}

/// What leaves next: its flags.
fn next_flags(host: &mut Host, now: Instant) -> Option<Flags> {
    let mut frame = Frame::new();
    host.poll_transmit(now, 0, &mut frame)?;
    Some(Header::parse(frame.first()).unwrap().0.flags)
}
