//! smoltcp in one thread that polls its sockets and sleeps when there is nothing to do.

use super::descriptor;
use crate::case::{Case, Device};
use crate::namespace::{INTERFACE, STACK};
use crate::traffic::{ECHO, PIECE, Pattern, SINK, SOURCE, Sink};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{self, Checksum, DeviceCapabilities, Medium};
use smoltcp::socket::tcp;
use smoltcp::time::Instant;
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr, Ipv4Address};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread;
use tun_rs::{DeviceBuilder, GROTable, IDEAL_BATCH_SIZE, SyncDevice, VIRTIO_NET_HDR_LEN};

/// Bytes of each buffer of a socket.
const BUFFER: usize = 1 << 20;
/// Packets gathered before they are written: more could be coalesced past the longest packet.
const GATHERED: usize = 44;

pub fn start(case: Case, received: &Arc<AtomicU64>, verify: bool) -> anyhow::Result<()> {
    let sink = Sink::new(received, verify);
    if case.device == Device::Offload {
        let device = DeviceBuilder::new().name(INTERFACE).offload(true).build_sync()?;
        device.set_nonblocking(true)?;
        let device = Gathering {
            mtu: case.device.mtu(),
            whole: vec![0; VIRTIO_NET_HDR_LEN + 65_535],
            cut: vec![vec![0; 1_500]; IDEAL_BATCH_SIZE],
            sizes: vec![0; IDEAL_BATCH_SIZE],
            next: 0..0,
            outgoing: Outgoing { packets: Vec::new(), table: GROTable::default(), device },
        };
        thread::spawn(move || run(device, case.connections, sink));
    } else {
        let device = Single {
            file: descriptor::open(false)?,
            mtu: case.device.mtu(),
            packet: vec![0; 65_536],
            out: vec![0; 65_536],
        };
        thread::spawn(move || run(device, case.connections, sink));
    }
    Ok(())
}

/// What the loop needs beside smoltcp's own trait.
trait Attached: phy::Device {
    /// Sends what was gathered.
    fn flush(&mut self);
    fn descriptor(&self) -> i32;
}

enum Role {
    Sink(Sink),
    Source(u64),
    Echo,
}

fn run(mut device: impl Attached, connections: usize, sink: Sink) {
    let begin = std::time::Instant::now();
    let now = || Instant::from_micros(begin.elapsed().as_micros() as i64);
    let mut interface = Interface::new(Config::new(HardwareAddress::Ip), &mut device, now());
    interface.update_ip_addrs(|addresses| {
        let [a, b, c, d] = STACK;
        let _ = addresses.push(IpCidr::new(IpAddress::Ipv4(Ipv4Address::new(a, b, c, d)), 24));
    });
    let mut sockets = SocketSet::new(Vec::new());
    let mut held: Vec<(SocketHandle, Role)> = Vec::new();
    for (port, count) in [(SINK, connections), (SOURCE, connections), (ECHO, 2)] {
        for _ in 0..count {
            let buffer = || tcp::SocketBuffer::new(vec![0; BUFFER]);
            let mut socket = tcp::Socket::new(buffer(), buffer());
            socket.set_nagle_enabled(false);
            if socket.listen(port).is_err() {
                return;
            }
            let role = match port {
                SINK => Role::Sink(sink.clone()),
                SOURCE => Role::Source(0),
                _ => Role::Echo,
            };
            held.push((sockets.add(socket), role));
        }
    }
    let pattern = Pattern::new();
    let mut piece = vec![0; PIECE];
    loop {
        interface.poll(now(), &mut device, &mut sockets);
        device.flush();
        let mut worked = false;
        for (handle, role) in &mut held {
            worked |= work(sockets.get_mut(*handle), role, &pattern, &mut piece);
        }
        if worked {
            continue;
        }
        let patience =
            interface.poll_delay(now(), &sockets).map_or(1_000, |delay| delay.total_millis().min(1_000));
        // SAFETY: the device is open as long as it is borrowed.
        let descriptor = unsafe { BorrowedFd::borrow_raw(device.descriptor()) };
        let _ = poll(&mut [PollFd::new(descriptor, PollFlags::POLLIN)], PollTimeout::from(patience as u16));
    }
}

/// Does what a socket's application does; whether there was anything.
fn work(socket: &mut tcp::Socket<'_>, role: &mut Role, pattern: &Pattern, piece: &mut [u8]) -> bool {
    match role {
        Role::Sink(sink) => {
            let mut any = false;
            while socket.can_recv() {
                any = true;
                let taken = socket.recv(|bytes| {
                    sink.take(bytes);
                    (bytes.len(), ())
                });
                if taken.is_err() {
                    break;
                }
            }
            any
        }
        Role::Source(position) => {
            if !socket.can_send() {
                return false;
            }
            let sent = socket.send_slice(pattern.at(*position)).unwrap_or(0);
            *position += sent as u64;
            sent > 0
        }
        Role::Echo => {
            if !socket.can_recv() {
                return false;
            }
            let count = socket.recv_slice(piece).unwrap_or(0);
            socket.send_slice(&piece[..count]).unwrap_or(0) > 0
        }
    }
}

fn capabilities(mtu: usize, verified: bool) -> DeviceCapabilities {
    let mut capabilities = DeviceCapabilities::default();
    capabilities.medium = Medium::Ip;
    capabilities.max_transmission_unit = mtu;
    if verified {
        // What the kernel leaves unfinished, it vouches for.
        capabilities.checksum.tcp = Checksum::Tx;
    }
    capabilities
}

/// One packet a read and a write.
struct Single {
    file: File,
    mtu: usize,
    packet: Vec<u8>,
    out: Vec<u8>,
}

struct Received<'a>(&'a [u8]);
struct Sending<'a>(&'a File, &'a mut Vec<u8>);

impl phy::RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(self.0)
    }
}

impl phy::TxToken for Sending<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, fill: F) -> R {
        let result = fill(&mut self.1[..length]);
        // A device that is full loses it, as a cable would.
        let _ = (&mut &*self.0).write(&self.1[..length]);
        result
    }
}

impl phy::Device for Single {
    type RxToken<'a> = Received<'a>;
    type TxToken<'a> = Sending<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Received<'_>, Sending<'_>)> {
        let length = self.file.read(&mut self.packet).ok()?;
        Some((Received(&self.packet[..length]), Sending(&self.file, &mut self.out)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Sending<'_>> {
        Some(Sending(&self.file, &mut self.out))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        capabilities(self.mtu, false)
    }
}

impl Attached for Single {
    fn flush(&mut self) {}

    fn descriptor(&self) -> i32 {
        self.file.as_raw_fd()
    }
}

/// Super-segments, cut and gathered by tun-rs.
struct Gathering {
    mtu: usize,
    whole: Vec<u8>,
    cut: Vec<Vec<u8>>,
    sizes: Vec<usize>,
    /// Those of `cut` that smoltcp has not had yet.
    next: std::ops::Range<usize>,
    outgoing: Outgoing,
}

struct Outgoing {
    packets: Vec<Vec<u8>>,
    table: GROTable,
    device: SyncDevice,
}

impl Outgoing {
    fn flush(&mut self) {
        if !self.packets.is_empty() {
            let _ = self.device.send_multiple(&mut self.table, &mut self.packets, VIRTIO_NET_HDR_LEN);
            self.packets.clear();
        }
    }
}

struct Gathered<'a>(&'a mut Outgoing);

impl phy::TxToken for Gathered<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, fill: F) -> R {
        // Room for those that are coalesced behind it.
        let mut packet = Vec::with_capacity(VIRTIO_NET_HDR_LEN + 65_535);
        packet.resize(VIRTIO_NET_HDR_LEN + length, 0);
        let result = fill(&mut packet[VIRTIO_NET_HDR_LEN..]);
        self.0.packets.push(packet);
        if self.0.packets.len() >= GATHERED {
            self.0.flush();
        }
        result
    }
}

impl phy::Device for Gathering {
    type RxToken<'a> = Received<'a>;
    type TxToken<'a> = Gathered<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Received<'_>, Gathered<'_>)> {
        if self.next.is_empty() {
            let device = &self.outgoing.device;
            let count = device.recv_multiple(&mut self.whole, &mut self.cut, &mut self.sizes, 0).ok()?;
            self.next = 0..count;
        }
        let index = self.next.next()?;
        Some((Received(&self.cut[index][..self.sizes[index]]), Gathered(&mut self.outgoing)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Gathered<'_>> {
        Some(Gathered(&mut self.outgoing))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        capabilities(self.mtu, true)
    }
}

impl Attached for Gathering {
    fn flush(&mut self) {
        self.outgoing.flush();
    }

    fn descriptor(&self) -> i32 {
        self.outgoing.device.as_raw_fd()
    }
}
