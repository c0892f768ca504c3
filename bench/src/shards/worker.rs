//! One core: a shard of the client, a shard of the server, and what lies between them and the other cores.

use super::queue::{Queues, Side};
use crate::ours::Arrived;
use crate::pair::Failed;
use crate::pattern::{Pattern, WRITE};
use crate::setup::BUFFER;
use basis::{Frame, Instant, Seed};
use stack::{InterfaceConfig, InterfaceId, Medium, Probing, Shard, Stack, StackConfig, Steering, Target};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use tcp::{ConnectionId, ListenerId, ReadError, SocketOptions, WriteError};
use wire::ethernet::{self, MacAddress};
use wire::segmentation::{Segments, is_finished};

const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const PORT: u16 = 7;

/// One shard of a host and its end of the cable.
struct End {
    stack: Stack,
    interface: InterfaceId,
    medium: Medium,
    shard: usize,
    /// As on a device each packet is looked at, however many are of one flow; with one shard there is nothing to look for.
    steering: Option<Steering>,
    arrived: Arrived,
}

impl End {
    fn new(now: Instant, address: Ipv4Addr, shard: Shard, seed: Seed) -> End {
        let [.., last] = address.octets();
        let mut stack = Stack::new(now, StackConfig::default().for_shard(shard), seed);
        let medium = Medium::Ethernet(MacAddress([2, 0, 0, 0, 0, last]));
        let interface = stack.add_interface(
            now,
            InterfaceConfig { name: "cable".into(), medium, mtu: 1_500, super_segments: true },
        );
        stack
            .add_address(now, interface, IpAddr::V4(address), 24, Probing::Skip)
            .expect("the table is empty");
        let steering = stack.steering().copied();
        End { stack, interface, medium, shard: shard.index(), steering, arrived: Arrived::default() }
    }

    #[inline]
    fn take_in(&mut self, now: Instant) {
        for frame in self.arrived.take() {
            // A dropped frame is counted; nothing on this cable should be.
            let _ = self.stack.on_frame_mut(now, self.interface, frame);
            frame.reset();
        }
        if self.stack.poll_timeout().is_some_and(|deadline| deadline <= now) {
            self.stack.on_timeout(now);
        }
        while self.stack.poll_event().is_some() {}
    }
}

/// What one core has moved.
#[derive(Clone, Copy, Default)]
pub(super) struct Moved {
    /// Bytes read at the server.
    pub(super) bytes: u64,
    /// Packets handed to other cores.
    pub(super) handed: u64,
}

/// One core's part of the work.
pub(super) struct Worker<'a> {
    client: End,
    server: End,
    queues: Queues<'a>,
    listener: ListenerId,
    writers: Vec<(ConnectionId, u64)>,
    readers: Vec<(ConnectionId, u64)>,
    pattern: Pattern,
    scratch: Vec<u8>,
    bytes: u64,
}

impl<'a> Worker<'a> {
    /// `connections` are begun here. Hosts whose seeds are the same place each flow alike, so that both its ends are on one core.
    pub(super) fn new(
        now: Instant,
        shard: Shard,
        seeds: [Seed; 2],
        connections: usize,
        checked: bool,
        queues: Queues<'a>,
    ) -> Result<Worker<'a>, Failed> {
        let mut client = End::new(now, CLIENT, shard, seeds[0]);
        let mut server = End::new(now, SERVER, shard, seeds[1]);
        let options = SocketOptions {
            receive_buffer: Some(BUFFER as u32),
            send_buffer: Some(BUFFER as u32),
            ..SocketOptions::default()
        };
        let remote = SocketAddr::new(IpAddr::V4(SERVER), PORT);
        let (listener, _) = server.stack.tcp_listen(remote, 64, options).map_err(Failed::refused)?;
        let writers = (0..connections)
            .map(|_| client.stack.tcp_connect(now, None, remote, options).map(|id| (id, 0)))
            .collect::<Result<_, _>>()
            .map_err(Failed::refused)?;
        Ok(Worker {
            client,
            server,
            queues,
            listener,
            writers,
            readers: Vec::new(),
            pattern: Pattern::new(checked),
            scratch: vec![0; WRITE],
            bytes: 0,
        })
    }

    pub(super) fn moved(&self) -> Moved {
        Moved { bytes: self.bytes, handed: self.queues.handed() }
    }

    /// Everything that is due here, once; whether anything moved.
    pub(super) fn turn(&mut self, now: Instant) -> Result<bool, Failed> {
        let (client, server) = (&mut self.client, &mut self.server);
        let came = self.queues.take(|side, frame| match side {
            Side::Client => client.arrived.push(frame),
            Side::Server => server.arrived.push(frame),
        });
        let before = self.bytes;
        self.client.take_in(now);
        self.write(now)?;
        carry(now, &mut self.client, &mut self.server, Side::Server, &mut self.queues);
        self.server.take_in(now);
        self.read(now)?;
        carry(now, &mut self.server, &mut self.client, Side::Client, &mut self.queues);
        Ok(came || self.bytes > before)
    }

    #[inline]
    fn write(&mut self, now: Instant) -> Result<(), Failed> {
        for (writer, written) in &mut self.writers {
            loop {
                let data = self.pattern.at(*written, WRITE as u64);
                match self.client.stack.tcp_mut().write(now, *writer, data) {
                    Ok(count) => *written += count as u64,
                    Err(WriteError::WouldBlock) => break,
                    Err(error) => return Err(Failed::refused(error)),
                }
            }
        }
        Ok(())
    }

    #[inline]
    fn read(&mut self, now: Instant) -> Result<(), Failed> {
        let tcp = self.server.stack.tcp_mut();
        while let Ok(reader) = tcp.accept(self.listener) {
            self.readers.push((reader, 0));
        }
        for (reader, read) in &mut self.readers {
            loop {
                match tcp.read(now, *reader, &mut self.scratch) {
                    Ok(0) => return Err(Failed::Refused("end of stream".into())),
                    Ok(count) => {
                        if !self.pattern.matches(*read, &self.scratch[..count]) {
                            return Err(Failed::Corrupted);
                        }
                        *read += count as u64;
                        self.bytes += count as u64;
                    }
                    Err(ReadError::WouldBlock) => break,
                    Err(error) => return Err(Failed::refused(error)),
                }
            }
        }
        Ok(())
    }
}

/// Lays what is due at one end onto the cable, cut into packets, each with its checksum; each then finds its core.
#[inline]
fn carry(now: Instant, giver: &mut End, taker: &mut End, to: Side, queues: &mut Queues<'_>) {
    loop {
        let frame = taker.arrived.vacant();
        if !giver.stack.poll_transmit_into(now, giver.interface, frame) {
            break;
        }
        if is_finished(frame) {
            match taker.steering.map(|steering| steering.of_frame(taker.medium, frame.first())) {
                // It stays where it lies.
                None => taker.arrived.count_in(),
                Some(Target::Shard(shard)) if shard == taker.shard => taker.arrived.count_in(),
                Some(target) => elsewhere(std::mem::take(frame), target, to, taker, queues),
            }
        } else {
            for packet in Segments::of(std::mem::take(frame), ethernet::HEADER_LENGTH) {
                match taker.steering.map(|steering| steering.of_frame(taker.medium, packet.first())) {
                    None => taker.arrived.push(packet),
                    Some(Target::Shard(shard)) if shard == taker.shard => taker.arrived.push(packet),
                    Some(target) => elsewhere(packet, target, to, taker, queues),
                }
            }
        }
    }
    queues.flush();
}

/// A packet is not, or not only, for this core.
fn elsewhere(packet: Frame, target: Target, side: Side, taker: &mut End, queues: &mut Queues<'_>) {
    match target {
        Target::Shard(shard) => queues.put(shard, side, packet),
        Target::All => {
            queues.put_all(side, &packet);
            taker.arrived.push(packet);
        }
    }
}
