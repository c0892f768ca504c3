//! What the application can ask of a host.

use super::demux::{Demux, Place};
use super::isn;
use super::lines::{Lines, lines};
use super::tcp_host::{Host, environment, tuple_at};
use crate::connection::control_block::ControlBlock;
use crate::connection::fate::Fate;
use crate::connection::handshake::Handshake;
use crate::connection::syn_data::SynData;
use crate::counters::Counters;
use crate::environment::Environment;
use crate::error::{
    AcceptError, ConnectError, Failure, IcmpError, ListenError, ReadError, ShutdownError, WriteError,
};
use crate::event::{ConnectionId, ListenerId, Readiness};
use crate::info::{Info, ListenerSummary, State, Summary};
use crate::segment::{FourTuple, Path, Shutdown};
use crate::send::marks::WriteMarks;
use crate::settings::{Settings, SocketOptions};
use basis::Instant;
use core::net::IpAddr;
use wire::tcp::Seq;

impl Host {
    /// Begins a connection; its SYN is due at once. [`Readiness::CONNECTED`] or [`Readiness::FAILED`] tells how it went.
    ///
    /// # Errors
    /// The four-tuple is in use, also by a connection in TIME-WAIT; or there are too many connections.
    pub fn connect(
        &mut self,
        now: Instant,
        path: Path,
        tuple: FourTuple,
        options: SocketOptions,
    ) -> Result<ConnectionId, ConnectError> {
        self.begin(now, path, tuple, options, None)
    }

    pub(super) fn begin(
        &mut self,
        now: Instant,
        path: Path,
        tuple: FourTuple,
        options: SocketOptions,
        syn_data: Option<SynData>,
    ) -> Result<ConnectionId, ConnectError> {
        let hash = self.demux.hash(&tuple);
        if self.demux.find_hashed(hash.short(), &tuple, tuple_at!(self)).is_some() {
            return Err(ConnectError::AddressInUse);
        }
        if self.connections.len() as u32 >= self.config.max_connections.min(Demux::INDEX_LIMIT) {
            return Err(ConnectError::TooManyConnections);
        }
        let settings = Settings::from(options);
        let offer = self.offer(&settings, path, &tuple);
        let initial = isn::initial(hash.number(), now);
        let timestamps = self.timestamp_offsets.of(&tuple);
        let window = self.first_window(&settings);
        let vacancy = self.connections.vacancy().ok_or(ConnectError::TooManyConnections)?;
        let handshake = Handshake::new(initial, offer, timestamps, window, now);
        let key = vacancy.fill(ControlBlock::connecting(tuple, path, settings, handshake));
        if (syn_data.is_some() || options.max_pacing_rate.is_some())
            && let Some(connection) = self.connections.get_mut(key)
        {
            connection.carry_with_syn(syn_data);
            connection.set_max_pacing_rate(options.max_pacing_rate);
        }
        self.demux.insert(hash.short(), Place::Connection(key.index()), tuple_at!(self));
        self.memory.sharers = self.connections.len();
        self.counters.active_opens += 1;
        self.settle(key.index());
        Ok(ConnectionId(key))
    }

    /// Changes how often the SYN is sent again before an attempt to connect times out (TCP_SYNCNT). Returns false unless one goes on.
    pub fn set_syn_retries(&mut self, id: ConnectionId, retries: u8) -> bool {
        self.connections.get_mut(id.0).is_some_and(|connection| connection.set_syn_retries(retries))
    }

    /// Whether no connection, half-open or in TIME-WAIT included, has this four-tuple.
    pub fn is_free(&self, tuple: &FourTuple) -> bool {
        self.demux.find(tuple, tuple_at!(self)).is_none()
    }

    /// Whether an ICMP error can be believed that quotes a segment with number `sequence`: it must be among those that the connection
    /// has under way, for what quotes another one is forged or late (RFC 5927 4.1). Of a path that has just carried full segments
    /// it is not believed that they are too long, until one has timed out; if it is true, that one draws the error again
    /// (RFC 5927 7.2).
    pub fn is_credible(&self, tuple: &FourTuple, sequence: Seq, error: IcmpError) -> bool {
        match self.demux.find(tuple, tuple_at!(self)) {
            Some(Place::Connection(index)) => {
                self.connections.at(index).is_some_and(|connection| connection.is_credible(sequence, error))
            }
            Some(Place::HalfOpen(index)) => {
                self.half_open.slab.at(index).is_some_and(|half_open| half_open.is_cut_off(sequence, error))
            }
            Some(Place::TimeWait(_)) | None => false,
        }
    }

    /// Listens on a port of one address, of every address of a family for its unspecified one, or of every address for `None`; there
    /// on every port for port 0, as far as nobody else listens. `backlog` bounds the half-open connections and, by itself, those
    /// that wait to be accepted; at least 1.
    ///
    /// # Errors
    /// Somebody listens there and does not share the place, or there are too many listeners.
    pub fn listen(
        &mut self,
        address: Option<IpAddr>,
        port: u16,
        backlog: u32,
        options: SocketOptions,
    ) -> Result<ListenerId, ListenError> {
        let most = self.config.max_listeners;
        self.listeners.add(address, port, backlog, options, most).map(ListenerId)
    }

    /// Whether somebody listens on just this address (or on every address, for `None`) and port.
    pub fn is_listening(&self, address: Option<IpAddr>, port: u16) -> bool {
        self.listeners.contains(address, port)
    }

    /// Whether who listens on just this address (or on every address, for `None`) and port keeps another from it. Those whose options
    /// say [`SocketOptions::reuse_port`] keep only others from it.
    pub fn is_listening_alone(&self, address: Option<IpAddr>, port: u16, reuse_port: bool) -> bool {
        self.listeners.forbids(address, port, reuse_port)
    }

    /// Takes a connection whose handshake is done.
    ///
    /// # Errors
    /// None waits, or the listener was closed.
    pub fn accept(&mut self, listener: ListenerId) -> Result<ConnectionId, AcceptError> {
        let listener = self.listeners.get_mut(listener.0).ok_or(AcceptError::NotListening)?;
        listener.pop().map(ConnectionId).ok_or(AcceptError::WouldBlock)
    }

    /// Whether [`Host::accept`] would return a connection.
    pub fn can_accept(&self, listener: ListenerId) -> bool {
        self.listeners.get(listener.0).is_some_and(|listener| !listener.is_empty())
    }

    /// Listens no more. Connections that were not accepted are reset.
    pub fn close_listener(&mut self, now: Instant, listener: ListenerId) {
        if let Some(mut listener) = self.listeners.remove(listener.0) {
            while let Some(connection) = listener.pop() {
                self.abandon(now, connection);
            }
        }
    }

    /// Copies received bytes to the front of `out`. `Ok(0)` is the end of the stream: the peer's FIN has come.
    ///
    /// # Errors
    /// Nothing has arrived yet, there is no such connection, or it has failed: that is told once, after all bytes.
    pub fn read(&mut self, now: Instant, id: ConnectionId, out: &mut [u8]) -> Result<usize, ReadError> {
        let connection = self.connections.get_mut(id.0).ok_or(ReadError::NotConnected)?;
        let result = connection.read(out, &mut environment!(self, now));
        // All that a read can bring about is news of the window.
        if connection.owes_acknowledgment() {
            lines!(self).queue(id.0, connection);
        }
        result
    }

    /// Like [`Host::read`], but the bytes stay.
    ///
    /// # Errors
    /// As [`Host::read`].
    pub fn peek(&mut self, id: ConnectionId, out: &mut [u8]) -> Result<usize, ReadError> {
        let connection = self.connections.get_mut(id.0).ok_or(ReadError::NotConnected)?;
        connection.peek(out)
    }

    /// Takes in bytes to send; returns how many, which may be fewer than `data` has.
    ///
    /// # Errors
    /// There is no room yet, there is no such connection, this direction was closed, or the connection has failed.
    pub fn write(&mut self, now: Instant, id: ConnectionId, data: &[u8]) -> Result<usize, WriteError> {
        self.write_marked(now, id, data, WriteMarks::default())
    }

    /// Like [`Host::write`], and says whether more follows and whether a record ends.
    ///
    /// # Errors
    /// As [`Host::write`].
    pub fn write_marked(
        &mut self,
        now: Instant,
        id: ConnectionId,
        data: &[u8],
        marks: WriteMarks,
    ) -> Result<usize, WriteError> {
        let connection = self.connections.get_mut(id.0).ok_or(WriteError::NotConnected)?;
        let result = connection.write(data, marks, &mut environment!(self, now));
        if matches!(result, Ok(count) if count > 0) {
            lines!(self).queue(id.0, connection);
        }
        result
    }

    /// Closes one direction or both; the handle stays. A FIN follows what was written.
    ///
    /// # Errors
    /// The connection is not established.
    pub fn shutdown(&mut self, now: Instant, id: ConnectionId, how: Shutdown) -> Result<(), ShutdownError> {
        let connection = self.connections.get_mut(id.0).ok_or(ShutdownError::NotConnected)?;
        let result = connection.shutdown(how, &mut environment!(self, now));
        self.settle(id.0.index());
        result
    }

    /// Gives the handle back. What was written is still delivered, unless the linger option is zero;
    /// if received bytes were not read, the peer gets a RST (RFC 1122 4.2.2.13).
    pub fn close(&mut self, now: Instant, id: ConnectionId) {
        if let Some(connection) = self.connections.get_mut(id.0) {
            let fate = connection.close(&mut environment!(self, now));
            match fate == Fate::Live && !connection.is_finished() {
                // It goes on until all has been delivered.
                true => self.settle(id.0.index()),
                false => self.apply(now, id.0.index(), fate),
            }
        }
    }

    /// Gives the handle back and ends the connection with a RST.
    pub fn abort(&mut self, now: Instant, id: ConnectionId) {
        self.abandon(now, id.0);
    }

    /// The options of a connection.
    pub fn options(&self, id: ConnectionId) -> Option<SocketOptions> {
        let connection = self.connections.get(id.0)?;
        let max_pacing_rate = connection.max_pacing_rate();
        Some(SocketOptions { max_pacing_rate, ..connection.settings.into() })
    }

    /// Changes the options of a connection; returns false if there is none. The congestion control and the segment size
    /// stay as they were when it began.
    pub fn set_options(&mut self, now: Instant, id: ConnectionId, options: SocketOptions) -> bool {
        let Some(connection) = self.connections.get_mut(id.0) else { return false };
        connection.set_settings(options.into(), &environment!(self, now));
        connection.set_max_pacing_rate(options.max_pacing_rate);
        self.settle(id.0.index());
        true
    }

    /// The options of a listener, and of the connections it accepts from now on; returns false if there is none.
    pub fn set_listener_options(&mut self, listener: ListenerId, options: SocketOptions) -> bool {
        self.listeners.get_mut(listener.0).map(|listener| listener.set_options(options)).is_some()
    }

    /// Whether a connection's acknowledgments are not delayed for now (TCP_QUICKACK).
    pub fn quick_acknowledgments(&self, id: ConnectionId) -> Option<bool> {
        Some(self.connections.get(id.0)?.quick_acknowledgments())
    }

    /// Delays a connection's acknowledgments or does not. That is no lasting choice: the connection changes it by what comes
    /// and goes. An acknowledgment that waits leaves at once. Returns false if there is no such connection.
    pub fn set_quick_acknowledgments(&mut self, id: ConnectionId, on: bool) -> bool {
        let Some(connection) = self.connections.get_mut(id.0) else { return false };
        connection.set_quick_acknowledgments(on);
        self.settle(id.0.index());
        true
    }

    /// The addresses and ports of a connection.
    pub fn tuple(&self, id: ConnectionId) -> Option<FourTuple> {
        Some(self.connections.get(id.0)?.tuple)
    }

    /// What can be done with a connection now; nothing if there is none.
    pub fn readiness(&self, id: ConnectionId) -> Readiness {
        self.connections.get(id.0).map_or(Readiness::NONE, ControlBlock::readiness)
    }

    /// Why a connection has failed, told once.
    pub fn take_failure(&mut self, id: ConnectionId) -> Option<Failure> {
        self.connections.get_mut(id.0)?.take_failure()
    }

    /// A connection's inside.
    pub fn info(&self, id: ConnectionId) -> Option<Info> {
        Some(self.connections.get(id.0)?.info())
    }

    /// Every connection, half-open and in TIME-WAIT included. It walks the tables: for reports only.
    pub fn connections(&self) -> impl Iterator<Item = Summary> {
        let open = self.connections.iter().filter(|(_, connection)| !connection.is_finished()).map(
            |(key, connection)| Summary {
                id: Some(ConnectionId(key)),
                tuple: connection.tuple,
                state: connection.state(),
                detached: connection.detached,
            },
        );
        let summary = |tuple, state| Summary { id: None, tuple, state, detached: true };
        let half_open = self
            .half_open
            .slab
            .iter()
            .map(move |(_, half_open)| summary(half_open.tuple, State::SynReceived));
        let time_wait = self.time_wait.iter().map(move |time_wait| summary(time_wait.tuple, State::TimeWait));
        open.chain(half_open).chain(time_wait)
    }

    /// Every listener. For reports only.
    pub fn listeners(&self) -> impl Iterator<Item = ListenerSummary> {
        self.listeners.iter().map(|(key, listener)| listener.summary(key))
    }

    /// Connections that still have something to deliver: their close waits for it. For reports and for a host that ends.
    pub fn undelivered(&self) -> usize {
        self.connections.iter().filter(|(_, connection)| connection.has_undelivered()).count()
    }

    /// Bytes that the buffers of all connections hold: see [`crate::HostConfig::buffer_memory`].
    pub fn buffered(&self) -> usize {
        self.memory.held()
    }

    /// What this host has seen.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The tables' sizes: connections, half-open connections, connections in TIME-WAIT.
    pub fn population(&self) -> (usize, usize, usize) {
        (self.connections.len(), self.half_open.slab.len(), self.time_wait.len())
    }
}
