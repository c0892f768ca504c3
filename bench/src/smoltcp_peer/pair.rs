//! Two hosts of smoltcp on one Ethernet cable, driven as our own are.

use super::cable::{Cable, End};
use crate::clock::Clock;
use crate::pair::{Failed, MESSAGE, Pair, Patience};
use crate::pattern::{Pattern, WRITE};
use crate::setup::{BUFFER, Setup};
use smoltcp::iface::{Config, Interface, PollIngressSingleResult, PollResult, SocketHandle, SocketSet};
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr};

const CLIENT: IpAddress = IpAddress::v4(10, 0, 0, 1);
const SERVER: IpAddress = IpAddress::v4(10, 0, 0, 2);
/// Bytes of each buffer of an idle connection; they are never used.
const IDLE_BUFFER: usize = 1_024;

const BUSY_PORT: u16 = 7;
const CALL_PORT: u16 = 20;
const FIRST_IDLE_PORT: u16 = 40;
const CLIENT_PORTS: std::ops::Range<u16> = 1_024..61_024;

/// How a host is driven.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Drive {
    /// By `poll`, as in smoltcp's documentation: what it takes in it answers at once.
    Poll,
    /// By `poll_ingress_single` and `poll_egress`, so that the program acts between them, as with ours.
    Halves,
}

struct Host {
    interface: Interface,
    sockets: SocketSet<'static>,
}

impl Host {
    fn add(&mut self, buffer: usize) -> SocketHandle {
        let mut socket = Socket::new(SocketBuffer::new(vec![0; buffer]), SocketBuffer::new(vec![0; buffer]));
        socket.set_nagle_enabled(false);
        self.sockets.add(socket)
    }

    #[inline]
    fn socket(&mut self, handle: SocketHandle) -> &mut Socket<'static> {
        self.sockets.get_mut(handle)
    }
}

/// Two hosts and a busy connection between them.
pub(crate) struct Smoltcp {
    client: Host,
    server: Host,
    cable: Cable,
    drive: Drive,
    clock: Clock,
    busy: (SocketHandle, SocketHandle),
    /// The sockets of all calls: smoltcp's way to open many connections is to use sockets again.
    call: (SocketHandle, SocketHandle),
    calls: u64,
    pattern: Pattern,
    scratch: Vec<u8>,
    written: u64,
    read: u64,
}

impl Smoltcp {
    pub(crate) fn new(setup: &Setup, drive: Drive) -> Result<Smoltcp, Failed> {
        let mut clock = setup.clock.clone();
        let now = Instant::from_micros((clock.nanoseconds() / 1_000) as i64);
        let mut cable = Cable::new(setup.mtu, setup.checksums);
        let host = |address: IpAddress, last: u8, cable: &mut Cable| {
            let hardware = EthernetAddress([2, 0, 0, 0, 0, last]);
            let mut config = Config::new(hardware.into());
            config.random_seed = u64::from(last);
            let mut interface = Interface::new(config, &mut cable.client(), now);
            interface.update_ip_addrs(|addresses| {
                // The list is empty and has room for more than one.
                let _ = addresses.push(IpCidr::new(address, 24));
            });
            Host { interface, sockets: SocketSet::new(Vec::new()) }
        };
        let mut client = host(CLIENT, 1, &mut cable);
        let mut server = host(SERVER, 2, &mut cable);
        let busy = (client.add(BUFFER), server.add(BUFFER));
        let call = (client.add(BUFFER), server.add(BUFFER));
        let mut pair = Smoltcp {
            client,
            server,
            cable,
            drive,
            clock,
            busy,
            call,
            calls: 0,
            pattern: Pattern::new(setup.checked),
            scratch: vec![0; WRITE],
            written: 0,
            read: 0,
        };
        pair.open(busy, CLIENT_PORTS.end, BUSY_PORT)?;
        pair.rest(setup.idle)?;
        Ok(pair)
    }

    /// Opens connections that nobody will use, many at a time since each turn walks all sockets.
    fn rest(&mut self, count: usize) -> Result<(), Failed> {
        let mut left = count;
        let mut port = FIRST_IDLE_PORT;
        while left > 0 {
            let batch = left.min(250);
            let mut sockets = Vec::new();
            for offset in 0..batch {
                let pair = (self.client.add(IDLE_BUFFER), self.server.add(IDLE_BUFFER));
                self.begin(pair, CLIENT_PORTS.start + offset as u16, port)?;
                sockets.push(pair);
            }
            let mut patience = Patience::default();
            while !sockets.iter().all(|pair| self.server.socket(pair.1).state() == State::Established) {
                self.turn();
                patience.after(false, "open idle connections")?;
            }
            left -= batch;
            port += 1;
        }
        Ok(())
    }

    fn begin(&mut self, pair: (SocketHandle, SocketHandle), from: u16, to: u16) -> Result<(), Failed> {
        self.server.socket(pair.1).listen(to).map_err(Failed::refused)?;
        let client = self.client.sockets.get_mut::<Socket>(pair.0);
        client.connect(self.client.interface.context(), (SERVER, to), from).map_err(Failed::refused)
    }

    fn open(&mut self, pair: (SocketHandle, SocketHandle), from: u16, to: u16) -> Result<(), Failed> {
        self.begin(pair, from, to)?;
        let mut patience = Patience::default();
        while self.server.socket(pair.1).state() != State::Established {
            self.turn();
            patience.after(false, "open a connection")?;
        }
        Ok(())
    }

    /// The time of a turn: as with ours one look at the clock serves what a host takes in, what its program does, and what it gives out.
    #[inline]
    fn now(&mut self) -> Instant {
        Instant::from_micros((self.clock.nanoseconds() / 1_000) as i64)
    }

    /// Ends a host's turn, which began at `now`, and begins the other's; the time at which it does. `wrote` tells whether the program has
    /// left something to send: `poll` has answered all that came.
    #[inline]
    fn carry(&mut self, now: Instant, from_client: bool, wrote: bool) -> Instant {
        if self.drive == Drive::Halves || wrote {
            self.give_out(now, from_client);
        }
        let later = self.now();
        self.take_in(later, !from_client);
        later
    }

    /// A host and its end of the cable.
    #[inline]
    fn at(&mut self, client: bool) -> (&mut Host, End<'_>) {
        match client {
            true => (&mut self.client, self.cable.client()),
            false => (&mut self.server, self.cable.server()),
        }
    }

    #[inline]
    fn give_out(&mut self, now: Instant, client: bool) {
        let (drive, (host, mut end)) = (self.drive, self.at(client));
        match drive {
            Drive::Poll => _ = host.interface.poll(now, &mut end, &mut host.sockets),
            Drive::Halves => {
                while host.interface.poll_egress(now, &mut end, &mut host.sockets) != PollResult::None {}
            }
        }
    }

    #[inline]
    fn take_in(&mut self, now: Instant, client: bool) {
        let (drive, (host, mut end)) = (self.drive, self.at(client));
        match drive {
            Drive::Poll => _ = host.interface.poll(now, &mut end, &mut host.sockets),
            Drive::Halves => {
                host.interface.poll_maintenance(now);
                while host.interface.poll_ingress_single(now, &mut end, &mut host.sockets)
                    != PollIngressSingleResult::None
                {}
            }
        }
    }

    /// The client gives out what it has, and the server answers.
    #[inline]
    fn turn(&mut self) {
        let now = self.now();
        let now = self.carry(now, true, true);
        if self.drive == Drive::Halves {
            self.carry(now, false, false);
        }
    }

    #[inline]
    fn read_all(&mut self) -> Result<(), Failed> {
        loop {
            let socket = self.server.sockets.get_mut::<Socket>(self.busy.1);
            match socket.recv_slice(&mut self.scratch).map_err(Failed::refused)? {
                0 => return Ok(()),
                count => {
                    if !self.pattern.matches(self.read, &self.scratch[..count]) {
                        return Err(Failed::Corrupted);
                    }
                    self.read += count as u64;
                }
            }
        }
    }

    /// Ends the turn of the writer, which began at `now`; the time at which the reader's turn began.
    #[inline]
    fn message(&mut self, mut now: Instant, forth: bool) -> Result<Instant, Failed> {
        let message = self.pattern.at(self.written, MESSAGE as u64);
        let (from, writer) = match forth {
            true => (&mut self.client, self.busy.0),
            false => (&mut self.server, self.busy.1),
        };
        match from.socket(writer).send_slice(message) {
            Ok(MESSAGE) => {}
            other => return Err(Failed::refused(other)),
        }
        let mut filled = 0;
        let mut patience = Patience::default();
        while filled < MESSAGE {
            now = self.carry(now, forth, filled == 0);
            let (to, reader) = match forth {
                true => (&mut self.server, self.busy.1),
                false => (&mut self.client, self.busy.0),
            };
            let count = to.socket(reader).recv_slice(&mut self.scratch[filled..]).map_err(Failed::refused)?;
            filled += count;
            patience.after(count > 0, "deliver a message")?;
        }
        match self.pattern.matches(self.written, &self.scratch[..filled]) {
            true => Ok(now),
            false => Err(Failed::Corrupted),
        }
    }

    fn one_call(&mut self) -> Result<(), Failed> {
        let ports = u64::from(CLIENT_PORTS.end - CLIENT_PORTS.start);
        let from = CLIENT_PORTS.start + (self.calls % ports) as u16;
        self.calls += 1;
        let (client, server) = self.call;
        self.begin(self.call, from, CALL_PORT)?;
        let now = self.now();
        let now = self.carry(now, true, true);
        let now = self.carry(now, false, false);
        // The SYN-ACK is here, and the client writes.
        self.client.socket(client).send_slice(b"x").map_err(Failed::refused)?;
        let now = self.carry(now, true, true);
        self.expect(true, server, 1)?;
        self.server.socket(server).send_slice(b"x").map_err(Failed::refused)?;
        let now = self.carry(now, false, true);
        self.expect(false, client, 1)?;
        self.client.socket(client).close();
        let now = self.carry(now, true, true);
        if self.server.socket(server).state() != State::CloseWait {
            return Err(Failed::Refused("the server has heard of no end".into()));
        }
        self.server.socket(server).close();
        let now = self.carry(now, false, true);
        self.carry(now, true, false);
        match self.server.socket(server).state() {
            State::Closed => Ok(()),
            state => Err(Failed::Refused(format!("the server is not closed but {state}"))),
        }
    }

    fn expect(&mut self, at_server: bool, handle: SocketHandle, count: usize) -> Result<(), Failed> {
        let host = if at_server { &mut self.server } else { &mut self.client };
        match host.socket(handle).recv_slice(&mut self.scratch) {
            Ok(read) if read == count && self.scratch[0] == b'x' => Ok(()),
            other => Err(Failed::refused(other)),
        }
    }
}

impl Pair for Smoltcp {
    fn transfer(&mut self, bytes: u64) -> Result<(), Failed> {
        (self.written, self.read) = (0, 0);
        let mut patience = Patience::default();
        while self.read < bytes {
            while self.written < bytes {
                let data = self.pattern.at(self.written, bytes - self.written);
                match self.client.socket(self.busy.0).send_slice(data).map_err(Failed::refused)? {
                    0 => break,
                    count => self.written += count as u64,
                }
            }
            let before = self.read;
            self.turn();
            self.read_all()?;
            patience.after(self.read > before, "transfer")?;
        }
        Ok(())
    }

    fn exchange(&mut self, count: u64) -> Result<(), Failed> {
        let mut patience = Patience::default();
        while self.client.socket(self.busy.0).send_queue() > 0 {
            self.turn();
            patience.after(false, "acknowledge what was transferred")?;
        }
        let mut now = self.now();
        for _ in 0..count {
            now = self.message(now, true)?;
            now = self.message(now, false)?;
            self.written += MESSAGE as u64;
        }
        Ok(())
    }

    fn call(&mut self, count: u64) -> Result<(), Failed> {
        for _ in 0..count {
            self.one_call()?;
        }
        Ok(())
    }
}
