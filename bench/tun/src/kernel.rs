//! The kernel's end: its ordinary blocking sockets, a thread for each connection.

use crate::namespace::STACK;
use crate::traffic::{ECHO, MESSAGE, PIECE, Pattern, SINK, SOURCE, Sink};
use anyhow::Context;
use nix::sys::socket::{setsockopt, sockopt};
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread;
use std::time::{Duration, Instant};

/// Waits until the kernel's TCP, which shares its memory among all namespaces, has enough of it: short of that it offers windows of a few
/// segments, whoever sends.
pub fn wait_for_memory() -> anyhow::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !has_memory()? {
        anyhow::ensure!(
            Instant::now() < deadline,
            "the kernel's TCP is short of memory (tcp_mem): wait until what other programs have left is gone"
        );
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// Whether less is in use than the kernel always allows.
fn has_memory() -> anyhow::Result<bool> {
    let limits = fs::read_to_string("/proc/sys/net/ipv4/tcp_mem")?;
    let least: u64 = limits.split_whitespace().next().context("no tcp_mem")?.parse()?;
    let all = fs::read_to_string("/proc/net/sockstat")?;
    let line = all.lines().find(|line| line.starts_with("TCP:")).context("no TCP in sockstat")?;
    let used: u64 = line.rsplit(' ').next().context("no mem in sockstat")?.parse()?;
    Ok(used < least)
}

fn connect(port: u16) -> anyhow::Result<TcpStream> {
    let address = SocketAddr::from((STACK, port));
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        match TcpStream::connect_timeout(&address, Duration::from_secs(3)) {
            Ok(stream) => {
                leave_nothing(&stream)?;
                return Ok(stream);
            }
            // The subject may not listen yet.
            Err(_) if Instant::now() < deadline => thread::sleep(Duration::from_millis(20)),
            Err(error) => return Err(error).context("the stack does not take the call"),
        }
    }
}

/// Has what a socket still has to send thrown away when it is closed: the kernel would try for minutes, and the memory for that, which is
/// all namespaces', would be missing for the windows of the next samples.
pub fn leave_nothing(stream: &TcpStream) -> anyhow::Result<()> {
    let at_once = libc::linger { l_onoff: 1, l_linger: 0 };
    setsockopt(stream, sockopt::Linger, &at_once).context("a socket cannot be told to close at once")
}

/// Writes to the stack until the process ends.
pub fn send(connections: usize) -> anyhow::Result<()> {
    // All stand before the first one fills the device's queue: a handshake would have to wait behind everybody's window.
    let streams: Vec<TcpStream> = (0..connections).map(|_| connect(SINK)).collect::<Result<_, _>>()?;
    for mut stream in streams {
        thread::spawn(move || {
            let (pattern, mut position) = (Pattern::new(), 0);
            while let Ok(count) = stream.write(pattern.at(position)) {
                position += count as u64;
            }
        });
    }
    Ok(())
}

/// Reads from the stack until the process ends.
pub fn receive(connections: usize, received: &Arc<AtomicU64>, verify: bool) -> anyhow::Result<()> {
    for _ in 0..connections {
        let mut stream = connect(SOURCE)?;
        let mut sink = Sink::new(received, verify);
        thread::spawn(move || {
            let mut piece = vec![0; PIECE];
            while let Ok(count @ 1..) = stream.read(&mut piece) {
                sink.take(&piece[..count]);
            }
        });
    }
    Ok(())
}

/// Messages there and back for `time`; the time of each.
pub fn exchange(time: Duration) -> anyhow::Result<Vec<Duration>> {
    let mut stream = connect(ECHO)?;
    stream.set_nodelay(true)?;
    let (sent, mut back) = ([7; MESSAGE], [0; MESSAGE]);
    let mut times = Vec::new();
    let end = Instant::now() + time;
    while Instant::now() < end {
        let begin = Instant::now();
        stream.write_all(&sent)?;
        stream.read_exact(&mut back)?;
        times.push(begin.elapsed());
        anyhow::ensure!(back == sent, "corrupted");
    }
    Ok(times)
}
