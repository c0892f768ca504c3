//! Who waits for what: an entry only while somebody waits, so that an idle socket costs nothing here.

mod place;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use place::{Place, Ticket};
use stack::{Event, PingId, UdpId};
use std::task::Waker;
use table::Table;
use tcp::{ConnectionId, ListenerId, Readiness};

/// What a task or a thread can wait for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Awaited {
    /// Something to read: data, the peer's FIN or a failure.
    Read(ConnectionId),
    /// Room to write, the end of the handshake, everything acknowledged, or a failure.
    Write(ConnectionId),
    /// A connection to accept.
    Accept(ListenerId),
    /// A datagram, or an error that ICMP brought.
    Receive(UdpId),
    /// Room for a datagram.
    Send(UdpId),
    /// An answer to an echo request.
    Ping(PingId),
    /// A change in the state of one of the host's addresses, or another station's claim to one.
    Address,
}

impl Awaited {
    /// Whether it is something that arrives for a socket. Not room for what is written, which is waited for in bulk: there the driver's thread
    /// sends while the application's fills the buffer.
    pub(crate) fn arrives(self) -> bool {
        matches!(self, Awaited::Read(_) | Awaited::Receive(_) | Awaited::Ping(_))
    }

    /// Whether it is room for what is written.
    pub(crate) fn is_room(self) -> bool {
        matches!(self, Awaited::Write(_) | Awaited::Send(_))
    }
}

/// Everybody who waits at one host.
#[derive(Default)]
pub(crate) struct Wakers {
    read: Table<ConnectionId>,
    write: Table<ConnectionId>,
    accept: Table<ListenerId>,
    receive: Table<UdpId>,
    send: Table<UdpId>,
    ping: Table<PingId>,
    address: Table<()>,
    /// Tickets given out so far. One of each nanosecond lasts for centuries.
    tickets: u64,
}

impl Wakers {
    /// A ticket that nobody else has.
    pub(crate) fn ticket(&mut self) -> Ticket {
        self.tickets = self.tickets.wrapping_add(1);
        Ticket(self.tickets)
    }

    /// Notes that `waker` is to be used when `awaited` happens.
    ///
    /// Dropping a waker may run anything, a socket's `drop` included: what this one displaced is returned, to be dropped once
    /// the lock is released.
    pub(crate) fn add(&mut self, awaited: Awaited, place: Place, waker: &Waker) -> Option<Waker> {
        match awaited {
            Awaited::Read(id) => self.read.add(id, place, waker),
            Awaited::Write(id) => self.write.add(id, place, waker),
            Awaited::Accept(id) => self.accept.add(id, place, waker),
            Awaited::Receive(id) => self.receive.add(id, place, waker),
            Awaited::Send(id) => self.send.add(id, place, waker),
            Awaited::Ping(id) => self.ping.add(id, place, waker),
            Awaited::Address => self.address.add((), place, waker),
        }
    }

    /// Takes back what [`Wakers::add`] noted in a shared place: its owner no longer waits.
    pub(crate) fn remove(&mut self, awaited: Awaited, ticket: Ticket) -> Option<Waker> {
        match awaited {
            Awaited::Read(id) => self.read.remove(id, ticket),
            Awaited::Write(id) => self.write.remove(id, ticket),
            Awaited::Accept(id) => self.accept.remove(id, ticket),
            Awaited::Receive(id) => self.receive.remove(id, ticket),
            Awaited::Send(id) => self.send.remove(id, ticket),
            Awaited::Ping(id) => self.ping.remove(id, ticket),
            Awaited::Address => self.address.remove((), ticket),
        }
    }

    /// Moves everybody who waits for `awaited` to `woken`, to be woken once the lock is released.
    pub(crate) fn take(&mut self, awaited: Awaited, woken: &mut Vec<Waker>) {
        match awaited {
            Awaited::Read(id) => self.read.take(id, woken),
            Awaited::Write(id) => self.write.take(id, woken),
            Awaited::Accept(id) => self.accept.take(id, woken),
            Awaited::Receive(id) => self.receive.take(id, woken),
            Awaited::Send(id) => self.send.take(id, woken),
            Awaited::Ping(id) => self.ping.take(id, woken),
            Awaited::Address => self.address.take((), woken),
        }
    }

    /// Moves those to `woken` who wait for data, or for room for it.
    pub(crate) fn take_waiting_for_traffic(&mut self, woken: &mut Vec<Waker>) {
        self.read.take_all(woken);
        self.write.take_all(woken);
        self.receive.take_all(woken);
        self.send.take_all(woken);
        self.ping.take_all(woken);
    }

    /// Moves everybody to `woken`: the host has stopped.
    pub(crate) fn take_all(&mut self, woken: &mut Vec<Waker>) {
        self.take_waiting_for_traffic(woken);
        self.accept.take_all(woken);
        self.address.take_all(woken);
    }

    /// Moves those whom `event` concerns to `woken`.
    pub(crate) fn on_event(&mut self, event: &Event, woken: &mut Vec<Waker>) {
        match *event {
            Event::Tcp(tcp::Event::Connection(id, readiness)) => {
                if readiness.intersects(Readiness::READABLE | Readiness::READ_CLOSED | Readiness::FAILED) {
                    self.read.take(id, woken);
                }
                let write =
                    Readiness::WRITABLE | Readiness::CONNECTED | Readiness::DRAINED | Readiness::FAILED;
                if readiness.intersects(write) {
                    self.write.take(id, woken);
                }
            }
            Event::Tcp(tcp::Event::Listener(id)) => self.accept.take(id, woken),
            Event::Udp(id, _) => {
                self.receive.take(id, woken);
                self.send.take(id, woken);
            }
            Event::Ping(id) => self.ping.take(id, woken),
            Event::Address { .. } | Event::Contested { .. } => self.address.take((), woken),
        }
    }

    /// The same without those who wait for calls or for an address.
    pub(crate) fn waiting_for_traffic(&self) -> usize {
        self.len() - self.accept.len() - self.address.len()
    }

    /// How many sockets somebody waits at, counting each direction.
    pub(crate) fn len(&self) -> usize {
        self.read.len()
            + self.write.len()
            + self.accept.len()
            + self.receive.len()
            + self.send.len()
            + self.ping.len()
            + self.address.len()
    }
}
