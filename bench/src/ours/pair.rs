//! Two stacks of ours on one Ethernet cable.

use super::arrived::Arrived;
use crate::clock::Clock;
use crate::pair::{Failed, MESSAGE, Pair, Patience};
use crate::pattern::{Pattern, WRITE};
use crate::setup::{BUFFER, Setup};
use basis::{Checksum, Instant};
use stack::{InterfaceConfig, InterfaceId, Medium, Probing, Stack, StackConfig};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use tcp::{ConnectionId, ListenerId, ReadError, SocketOptions, WriteError};
use wire::ethernet::{self, MacAddress};
use wire::segmentation::{Segments, is_finished};

const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
/// Connections that a host keeps in TIME-WAIT; beyond it the oldest ends early.
pub(crate) const MAX_TIME_WAIT: u32 = 4_096;

const BUSY_PORT: u16 = 7;
const CALL_PORTS: std::ops::Range<u16> = 20..28;
const IDLE_PORTS: std::ops::Range<u16> = 40..60;
const CLIENT_PORTS: std::ops::Range<u16> = 1_024..61_024;

/// An end of the cable, and the place of its host.
#[derive(Clone, Copy)]
enum Side {
    Client,
    Server,
}

impl Side {
    fn other(self) -> Side {
        match self {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        }
    }
}

/// One host and its end of the cable.
struct Host {
    stack: Stack,
    interface: InterfaceId,
    arrived: Arrived,
}

impl Host {
    fn new(now: Instant, address: Ipv4Addr, mtu: usize) -> Host {
        let [.., last] = address.octets();
        let tcp = tcp::HostConfig { max_time_wait: MAX_TIME_WAIT, ..tcp::HostConfig::default() };
        let mut stack = Stack::new(now, StackConfig { tcp, ..StackConfig::default() }, [last; 32]);
        let medium = Medium::Ethernet(MacAddress([2, 0, 0, 0, 0, last]));
        let interface = stack
            .add_interface(now, InterfaceConfig { name: "cable".into(), medium, mtu, super_segments: true });
        stack
            .add_address(now, interface, IpAddr::V4(address), 24, Probing::Skip)
            .expect("the table is empty");
        Host { stack, interface, arrived: Arrived::default() }
    }

    /// Takes in what has arrived and does what is due; what happened is taken note of as an event loop would.
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

    /// Lays what is due onto the cable. With checksums, super-segments are cut into packets of the MTU and each gets its
    /// own; without, they are handed over as they are.
    #[inline]
    fn give_out(&mut self, now: Instant, checksums: bool, other: &mut Host) {
        loop {
            let frame = other.arrived.vacant();
            if !self.stack.poll_transmit_into(now, self.interface, frame) {
                return;
            }
            if !checksums {
                frame.checksum = Checksum::Verified;
                other.arrived.count_in();
            } else if is_finished(frame) {
                other.arrived.count_in();
            } else {
                for packet in Segments::of(std::mem::take(frame), ethernet::HEADER_LENGTH) {
                    *other.arrived.vacant() = packet;
                    other.arrived.count_in();
                }
            }
        }
    }
}

/// Two stacks and a busy connection between them.
pub(crate) struct Ours {
    hosts: [Host; 2],
    checksums: bool,
    clock: Clock,
    options: SocketOptions,
    /// Both ends of the busy connection.
    busy: [ConnectionId; 2],
    call_listeners: Vec<ListenerId>,
    calls: u64,
    pattern: Pattern,
    scratch: Vec<u8>,
    written: u64,
    read: u64,
}

impl Ours {
    pub(crate) fn new(setup: &Setup) -> Result<Ours, Failed> {
        let mut clock = setup.clock.clone();
        let now = Instant::from_nanos(clock.nanoseconds());
        let buffer = BUFFER as u32;
        let options = SocketOptions {
            no_delay: true,
            receive_buffer: Some(buffer),
            send_buffer: Some(buffer),
            ..SocketOptions::default()
        };
        let mut ours = Ours {
            hosts: [CLIENT, SERVER].map(|address| Host::new(now, address, setup.mtu)),
            checksums: setup.checksums,
            clock,
            options,
            busy: [ConnectionId::from_bits(0); 2],
            call_listeners: Vec::new(),
            calls: 0,
            pattern: Pattern::new(setup.checked),
            scratch: vec![0; WRITE],
            written: 0,
            read: 0,
        };
        for port in CALL_PORTS {
            let listener = ours.listen(port)?;
            ours.call_listeners.push(listener);
        }
        ours.rest(setup.idle)?;
        let listener = ours.listen(BUSY_PORT)?;
        ours.busy = ours.open(listener, CLIENT_PORTS.end, BUSY_PORT)?;
        Ok(ours)
    }

    fn now(&mut self) -> Instant {
        Instant::from_nanos(self.clock.nanoseconds())
    }

    fn listen(&mut self, port: u16) -> Result<ListenerId, Failed> {
        let local = SocketAddr::new(IpAddr::V4(SERVER), port);
        let listener = self.hosts[Side::Server as usize]
            .stack
            .tcp_listen(local, 64, self.options)
            .map_err(Failed::refused)?;
        Ok(listener.0)
    }

    /// Opens connections that nobody will use.
    fn rest(&mut self, count: usize) -> Result<(), Failed> {
        let mut left = count;
        for port in IDLE_PORTS {
            if left == 0 {
                return Ok(());
            }
            let listener = self.listen(port)?;
            for client_port in CLIENT_PORTS.take(left) {
                self.open(listener, client_port, port)?;
            }
            left = left.saturating_sub(CLIENT_PORTS.len());
        }
        if left == 0 { Ok(()) } else { Err(Failed::Refused("too many idle connections".into())) }
    }

    fn open(&mut self, listener: ListenerId, from: u16, to: u16) -> Result<[ConnectionId; 2], Failed> {
        let (client, mut now) = self.connect(from, to)?;
        let mut patience = Patience::default();
        loop {
            // The server looks when something came, and the client has to hear no more once it has called.
            now = self.carry(now, Side::Client);
            if let Ok(server) = self.tcp(Side::Server).accept(listener) {
                return Ok([client, server]);
            }
            now = self.carry(now, Side::Server);
            patience.after(false, "open a connection")?;
        }
    }

    /// Begins a connection, in a turn of the client's that it tells the time of.
    fn connect(&mut self, from: u16, to: u16) -> Result<(ConnectionId, Instant), Failed> {
        let now = self.now();
        let local = SocketAddr::new(IpAddr::V4(CLIENT), from);
        let remote = SocketAddr::new(IpAddr::V4(SERVER), to);
        let host = &mut self.hosts[Side::Client as usize].stack;
        let client = host.tcp_connect(now, Some(local), remote, self.options).map_err(Failed::refused)?;
        Ok((client, now))
    }

    /// Ends a host's turn, which began at `now`: carries what is due to the other, whose turn begins with it; the time at which it does.
    /// An event loop looks at the clock once a turn: for what it takes in, what the program then does, and what it gives out.
    /// Both ways are the same code, as with two programs of one library.
    #[inline(never)]
    fn carry(&mut self, now: Instant, from: Side) -> Instant {
        let [client, server] = &mut self.hosts;
        let (giver, taker) = match from {
            Side::Client => (client, server),
            Side::Server => (server, client),
        };
        giver.give_out(now, self.checksums, taker);
        let later = Instant::from_nanos(self.clock.nanoseconds());
        taker.take_in(later);
        later
    }

    #[inline]
    fn tcp(&mut self, side: Side) -> &mut tcp::Host {
        self.hosts[side as usize].stack.tcp_mut()
    }

    /// Everything that the server can read, in reads of 64 KiB.
    #[inline]
    fn read_all(&mut self, now: Instant) -> Result<(), Failed> {
        loop {
            match self.hosts[Side::Server as usize].stack.tcp_mut().read(
                now,
                self.busy[Side::Server as usize],
                &mut self.scratch,
            ) {
                Ok(0) => return Err(Failed::Refused("end of stream".into())),
                Ok(count) => {
                    if !self.pattern.matches(self.read, &self.scratch[..count]) {
                        return Err(Failed::Corrupted);
                    }
                    self.read += count as u64;
                }
                Err(ReadError::WouldBlock) => return Ok(()),
                Err(error) => return Err(Failed::refused(error)),
            }
        }
    }

    /// One message of 64 bytes, which the reader must get whole; the time at which the reader's turn began.
    #[inline(never)]
    fn message(&mut self, now: Instant, from: Side) -> Result<Instant, Failed> {
        let to = from.other();
        let (writer, reader) = (self.busy[from as usize], self.busy[to as usize]);
        let message = self.pattern.at(self.written, MESSAGE as u64);
        match self.hosts[from as usize].stack.tcp_mut().write(now, writer, message) {
            Ok(MESSAGE) => {}
            other => return Err(Failed::refused(other)),
        }
        let (mut now, mut filled) = (now, 0);
        let mut patience = Patience::default();
        while filled < MESSAGE {
            now = self.carry(now, from);
            match self.hosts[to as usize].stack.tcp_mut().read(now, reader, &mut self.scratch[filled..]) {
                Ok(count) => filled += count,
                Err(ReadError::WouldBlock) => patience.after(false, "deliver a message")?,
                Err(error) => return Err(Failed::refused(error)),
            }
        }
        match self.pattern.matches(self.written, &self.scratch[..filled]) {
            true => Ok(now),
            false => Err(Failed::Corrupted),
        }
    }

    /// One byte to the other end of a call.
    fn byte(&mut self, now: Instant, from: Side, writer: ConnectionId) -> Result<Instant, Failed> {
        self.tcp(from).write(now, writer, b"x").map_err(Failed::refused)?;
        Ok(self.carry(now, from))
    }

    /// Reads, and wants this result.
    fn expect(
        &mut self,
        now: Instant,
        side: Side,
        reader: ConnectionId,
        wanted: Result<usize, ReadError>,
    ) -> Result<(), Failed> {
        let result = self.hosts[side as usize].stack.tcp_mut().read(now, reader, &mut self.scratch);
        match result == wanted && (result != Ok(1) || self.scratch[0] == b'x') {
            true => Ok(()),
            false => Err(Failed::refused(result)),
        }
    }

    fn one_call(&mut self) -> Result<(), Failed> {
        let ports = u64::from(CLIENT_PORTS.end - CLIENT_PORTS.start);
        let from = CLIENT_PORTS.start + (self.calls % ports) as u16;
        let which = (self.calls / ports % self.call_listeners.len() as u64) as usize;
        let (listener, to) = (self.call_listeners[which], CALL_PORTS.start + which as u16);
        self.calls += 1;
        let (client, now) = self.connect(from, to)?;
        let now = self.carry(now, Side::Client);
        // The SYN-ACK is here, and the client writes: its byte goes with the acknowledgment.
        let now = self.carry(now, Side::Server);
        let now = self.byte(now, Side::Client, client)?;
        let server = self.tcp(Side::Server).accept(listener).map_err(Failed::refused)?;
        self.expect(now, Side::Server, server, Ok(1))?;
        let now = self.byte(now, Side::Server, server)?;
        self.expect(now, Side::Client, client, Ok(1))?;
        self.tcp(Side::Client).close(now, client);
        let now = self.carry(now, Side::Client);
        self.expect(now, Side::Server, server, Ok(0))?;
        self.tcp(Side::Server).close(now, server);
        let now = self.carry(now, Side::Server);
        self.carry(now, Side::Client);
        Ok(())
    }
}

impl Pair for Ours {
    fn transfer(&mut self, bytes: u64) -> Result<(), Failed> {
        // Both positions begin anew, so that an exchange may lie between two transfers.
        (self.written, self.read) = (0, 0);
        let mut patience = Patience::default();
        let mut now = self.now();
        while self.read < bytes {
            while self.written < bytes {
                let data = self.pattern.at(self.written, bytes - self.written);
                match self.hosts[Side::Client as usize].stack.tcp_mut().write(
                    now,
                    self.busy[Side::Client as usize],
                    data,
                ) {
                    Ok(count) => self.written += count as u64,
                    Err(WriteError::WouldBlock) => break,
                    Err(error) => return Err(Failed::refused(error)),
                }
            }
            let before = self.read;
            now = self.carry(now, Side::Client);
            self.read_all(now)?;
            now = self.carry(now, Side::Server);
            patience.after(self.read > before, "transfer")?;
        }
        Ok(())
    }

    fn exchange(&mut self, count: u64) -> Result<(), Failed> {
        let mut now = self.now();
        for _ in 0..count {
            now = self.message(now, Side::Client)?;
            now = self.message(now, Side::Server)?;
            self.written += MESSAGE as u64;
        }
        Ok(())
    }

    fn call(&mut self, count: u64) -> Result<(), Failed> {
        for _ in 0..count {
            self.one_call()?;
        }
        let (_, _, time_wait) = self.tcp(Side::Client).population();
        if count > 0 && time_wait == 0 {
            return Err(Failed::Refused("no connection went through TIME-WAIT".into()));
        }
        Ok(())
    }
}
