//! Two stacks of ours on one Ethernet cable.

use crate::clock::Clock;
use crate::pair::{Failed, MESSAGE, Pair, Patience};
use crate::pattern::{Pattern, WRITE};
use crate::setup::{BUFFER, Setup};
use basis::{Checksum, Frame, Instant};
use stack::{InterfaceConfig, InterfaceId, Medium, Probing, Stack, StackConfig};
use std::collections::VecDeque;
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

/// One host and its end of the cable.
struct Host {
    stack: Stack,
    interface: InterfaceId,
    arrived: VecDeque<Frame>,
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
        Host { stack, interface, arrived: VecDeque::with_capacity(512) }
    }

    /// Takes in what has arrived and does what is due; what happened is taken note of as an event loop would.
    #[inline]
    fn take_in(&mut self, now: Instant) {
        while let Some(frame) = self.arrived.pop_front() {
            // A dropped frame is counted; nothing on this cable should be.
            let _ = self.stack.on_frame(now, self.interface, frame);
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
            let mut frame = Frame::new();
            if !self.stack.poll_transmit_into(now, self.interface, &mut frame) {
                return;
            }
            if is_finished(&frame) {
                other.arrived.push_back(frame);
            } else if checksums {
                other.arrived.extend(Segments::of(frame, ethernet::HEADER_LENGTH));
            } else {
                frame.checksum = Checksum::Verified;
                other.arrived.push_back(frame);
            }
        }
    }
}

/// Two stacks and a busy connection between them.
pub(crate) struct Ours {
    client: Host,
    server: Host,
    checksums: bool,
    clock: Clock,
    options: SocketOptions,
    busy: (ConnectionId, ConnectionId),
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
            receive_buffer: buffer,
            send_buffer: buffer,
            ..SocketOptions::default()
        };
        let mut ours = Ours {
            client: Host::new(now, CLIENT, setup.mtu),
            server: Host::new(now, SERVER, setup.mtu),
            checksums: setup.checksums,
            clock,
            options,
            busy: (ConnectionId::from_bits(0), ConnectionId::from_bits(0)),
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
        let listener = self.server.stack.tcp_listen(local, 64, self.options).map_err(Failed::refused)?;
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

    fn open(
        &mut self,
        listener: ListenerId,
        from: u16,
        to: u16,
    ) -> Result<(ConnectionId, ConnectionId), Failed> {
        let now = self.now();
        let local = SocketAddr::new(IpAddr::V4(CLIENT), from);
        let remote = SocketAddr::new(IpAddr::V4(SERVER), to);
        let client =
            self.client.stack.tcp_connect(now, Some(local), remote, self.options).map_err(Failed::refused)?;
        let mut patience = Patience::default();
        loop {
            self.turn();
            if let Ok(server) = self.server.stack.tcp_mut().accept(listener) {
                return Ok((client, server));
            }
            patience.after(false, "open a connection")?;
        }
    }

    #[inline]
    fn client_to_server(&mut self) -> Instant {
        let now = self.now();
        self.client.give_out(now, self.checksums, &mut self.server);
        self.server.take_in(now);
        now
    }

    #[inline]
    fn server_to_client(&mut self) -> Instant {
        let now = self.now();
        self.server.give_out(now, self.checksums, &mut self.client);
        self.client.take_in(now);
        now
    }

    #[inline]
    fn turn(&mut self) {
        self.client_to_server();
        self.server_to_client();
    }

    /// Everything that the server can read, in reads of 64 KiB.
    #[inline]
    fn read_all(&mut self, now: Instant) -> Result<(), Failed> {
        loop {
            match self.server.stack.tcp_mut().read(now, self.busy.1, &mut self.scratch) {
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

    /// One message of 64 bytes, which the reader must get whole.
    #[inline]
    fn message(&mut self, forth: bool) -> Result<(), Failed> {
        let now = self.now();
        let (from, writer, reader) = match forth {
            true => (&mut self.client.stack, self.busy.0, self.busy.1),
            false => (&mut self.server.stack, self.busy.1, self.busy.0),
        };
        let message = self.pattern.at(self.written, MESSAGE as u64);
        match from.tcp_mut().write(now, writer, message) {
            Ok(MESSAGE) => {}
            other => return Err(Failed::refused(other)),
        }
        let mut filled = 0;
        let mut patience = Patience::default();
        while filled < MESSAGE {
            let (now, to) = match forth {
                true => (self.client_to_server(), &mut self.server.stack),
                false => (self.server_to_client(), &mut self.client.stack),
            };
            match to.tcp_mut().read(now, reader, &mut self.scratch[filled..]) {
                Ok(count) => filled += count,
                Err(ReadError::WouldBlock) => patience.after(false, "deliver a message")?,
                Err(error) => return Err(Failed::refused(error)),
            }
        }
        match self.pattern.matches(self.written, &self.scratch[..filled]) {
            true => Ok(()),
            false => Err(Failed::Corrupted),
        }
    }

    /// One byte to the other end of a call.
    fn byte(&mut self, forth: bool, writer: ConnectionId, reader: ConnectionId) -> Result<(), Failed> {
        let now = self.now();
        let from = if forth { &mut self.client.stack } else { &mut self.server.stack };
        from.tcp_mut().write(now, writer, b"x").map_err(Failed::refused)?;
        let (now, to) = match forth {
            true => (self.client_to_server(), &mut self.server.stack),
            false => (self.server_to_client(), &mut self.client.stack),
        };
        match to.tcp_mut().read(now, reader, &mut self.scratch) {
            Ok(1) if self.scratch[0] == b'x' => Ok(()),
            other => Err(Failed::refused(other)),
        }
    }

    fn one_call(&mut self) -> Result<(), Failed> {
        let ports = u64::from(CLIENT_PORTS.end - CLIENT_PORTS.start);
        let from = CLIENT_PORTS.start + (self.calls % ports) as u16;
        let which = (self.calls / ports % self.call_listeners.len() as u64) as usize;
        let (listener, to) = (self.call_listeners[which], CALL_PORTS.start + which as u16);
        self.calls += 1;
        let (client, server) = self.open(listener, from, to)?;
        self.byte(true, client, server)?;
        self.byte(false, server, client)?;
        let now = self.now();
        self.client.stack.tcp_mut().close(now, client);
        let now = self.client_to_server();
        match self.server.stack.tcp_mut().read(now, server, &mut self.scratch) {
            Ok(0) => {}
            other => return Err(Failed::refused(other)),
        }
        self.server.stack.tcp_mut().close(now, server);
        self.server_to_client();
        self.client_to_server();
        Ok(())
    }
}

impl Pair for Ours {
    fn transfer(&mut self, bytes: u64) -> Result<(), Failed> {
        // Both positions begin anew, so that an exchange may lie between two transfers.
        (self.written, self.read) = (0, 0);
        let mut patience = Patience::default();
        while self.read < bytes {
            let now = self.now();
            while self.written < bytes {
                let data = self.pattern.at(self.written, bytes - self.written);
                match self.client.stack.tcp_mut().write(now, self.busy.0, data) {
                    Ok(count) => self.written += count as u64,
                    Err(WriteError::WouldBlock) => break,
                    Err(error) => return Err(Failed::refused(error)),
                }
            }
            let before = self.read;
            let now = self.client_to_server();
            self.read_all(now)?;
            self.server_to_client();
            patience.after(self.read > before, "transfer")?;
        }
        Ok(())
    }

    fn exchange(&mut self, count: u64) -> Result<(), Failed> {
        for _ in 0..count {
            self.message(true)?;
            self.message(false)?;
            self.written += MESSAGE as u64;
        }
        Ok(())
    }

    fn call(&mut self, count: u64) -> Result<(), Failed> {
        for _ in 0..count {
            self.one_call()?;
        }
        let (_, _, time_wait) = self.client.stack.tcp().population();
        if count > 0 && time_wait == 0 {
            return Err(Failed::Refused("no connection went through TIME-WAIT".into()));
        }
        Ok(())
    }
}
