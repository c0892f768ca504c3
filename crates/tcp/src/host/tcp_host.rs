//! The host: segments in, segments and events out.

use super::demux::{Demux, Place};
use super::half_open::{self, HalfOpen, HalfOpenTable, Opening};
use super::isn::IsnGenerator;
use super::listener::Listeners;
use super::reset;
use super::time_wait_table::TimeWaitTable;
use super::work::{Lanes, News, Turn};
use crate::config::HostConfig;
use crate::connection::control_block::ControlBlock;
use crate::connection::fate::Fate;
use crate::connection::open::Established;
use crate::connection::time_wait::{TimeWait, Verdict};
use crate::counters::Counters;
use crate::environment::Environment;
use crate::error::{Dropped, Failure, IcmpError};
use crate::event::{ConnectionId, Event, ListenerId, Readiness};
use crate::info::State;
use crate::memory::Memory;
use crate::negotiation::Offer;
use crate::segment::{FourTuple, Outgoing, Path};
use alloc::collections::VecDeque;
use basis::{Checksum, Frame, Instant, Key, Random, Seed, Slab, TimerId, TimerWheel};
use core::net::IpAddr;
use wire::tcp::{Flags, Header, Seq};

/// All TCP connections and listeners of one host.
///
/// ```
/// use basis::Instant;
/// use netstrata_tcp::{Host, HostConfig, SocketOptions};
/// let mut host = Host::new(Instant::ZERO, HostConfig::default(), [7; 32]);
/// let listener = host.listen(None, 9528, 10, SocketOptions::default()).unwrap();
/// assert!(host.accept(listener).is_err());
/// ```
#[derive(Clone, Debug)]
pub struct Host {
    pub(super) config: HostConfig,
    pub(super) isn: IsnGenerator,
    pub(super) demux: Demux,
    pub(super) connections: Slab<ControlBlock>,
    pub(super) half_open: HalfOpenTable,
    pub(super) time_wait: TimeWaitTable,
    pub(super) listeners: Listeners,
    pub(super) lanes: Lanes,
    pub(super) news: VecDeque<News>,
    pub(super) wheel: TimerWheel,
    pub(super) memory: Memory,
    pub(super) counters: Counters,
}

/// What a connection borrows of its host for one call.
macro_rules! environment {
    ($host:expr, $now:expr) => {
        Environment {
            now: $now,
            memory: &mut $host.memory,
            counters: &mut $host.counters,
            config: &$host.config,
        }
    };
}
pub(super) use environment;

/// Tells the four-tuple at a place, borrowing nothing but the tables.
macro_rules! tuple_at {
    ($host:expr) => {
        |place| match place {
            Place::Connection(index) => $host.connections.at(index).map(|connection| &connection.tuple),
            Place::HalfOpen(index) => $host.half_open.slab.at(index).map(|half_open| &half_open.tuple),
            Place::TimeWait(index) => $host.time_wait.at(index).map(|time_wait| &time_wait.tuple),
        }
    };
}
pub(super) use tuple_at;

impl Host {
    /// A host without connections. All its randomness grows from `seed`.
    pub fn new(now: Instant, config: HostConfig, seed: Seed) -> Host {
        let mut random = Random::new(seed);
        Host {
            config,
            isn: IsnGenerator::new(&mut random),
            demux: Demux::new(random.hash_key()),
            connections: Slab::new(),
            half_open: HalfOpenTable::new(),
            time_wait: TimeWaitTable::new(),
            listeners: Listeners::new(random.hash_key()),
            lanes: Lanes::default(),
            news: VecDeque::new(),
            wheel: TimerWheel::new(now),
            memory: Memory::default(),
            counters: Counters::default(),
        }
    }

    // ---- what happened ----

    /// A segment from `remote` to `local` has arrived; `frame` starts at the TCP header. `path` is how answers leave.
    ///
    /// # Errors
    /// Why the segment was not used. It has been counted, and answered if an RFC wants it.
    pub fn on_segment(
        &mut self,
        now: Instant,
        path: Path,
        local: IpAddr,
        remote: IpAddr,
        frame: &mut Frame,
    ) -> Result<(), Dropped> {
        self.counters.segments_received += 1;
        let result = self.dispatch(now, path, local, remote, frame);
        if let Err(dropped) = result {
            self.counters.count(dropped);
        }
        result
    }

    #[inline]
    fn dispatch(
        &mut self,
        now: Instant,
        path: Path,
        local: IpAddr,
        remote: IpAddr,
        frame: &mut Frame,
    ) -> Result<(), Dropped> {
        if frame.checksum != Checksum::Verified {
            wire::tcp::verify(remote, local, frame.parts()).map_err(Dropped::Malformed)?;
        }
        let (header, length) = Header::parse(frame.first()).map_err(Dropped::Malformed)?;
        frame.strip(length);
        let tuple =
            FourTuple { local, remote, local_port: header.destination_port, remote_port: header.source_port };
        match self.demux.find(&tuple, tuple_at!(self)) {
            Some(Place::Connection(index)) => self.on_connection_segment(now, index, &header, frame),
            Some(Place::HalfOpen(index)) => self.on_half_open_segment(now, index, &header, frame),
            Some(Place::TimeWait(index)) => self.on_time_wait_segment(now, path, index, &header, frame),
            None => self.on_stray_segment(now, path, &tuple, &header, frame, None),
        }
    }

    fn on_connection_segment(
        &mut self,
        now: Instant,
        index: u32,
        header: &Header,
        frame: &mut Frame,
    ) -> Result<(), Dropped> {
        let Some(connection) = self.connections.at_mut(index) else { return Err(Dropped::NoSocket) };
        let effect = connection.on_segment(header, frame, &mut environment!(self, now));
        match effect {
            Ok(effect) => {
                if let Some(sequence) = effect.stray {
                    let (tuple, lane) = (connection.tuple, connection.path.lane);
                    self.reply(&tuple, lane, reset::reset(&tuple, sequence, None));
                }
                self.apply(now, index, effect.fate);
                Ok(())
            }
            Err(dropped) => {
                // It may have earned an answer all the same.
                self.settle(index);
                Err(dropped)
            }
        }
    }

    // ---- half-open ----

    /// RFC 9293 3.10.7.1 and 3.10.7.2: no connection has this four-tuple; perhaps somebody listens.
    /// A reopened four-tuple begins beyond `beyond` (RFC 6191).
    fn on_stray_segment(
        &mut self,
        now: Instant,
        path: Path,
        tuple: &FourTuple,
        header: &Header,
        frame: &Frame,
        beyond: Option<Seq>,
    ) -> Result<(), Dropped> {
        let usable =
            !tuple.remote.is_multicast() && !tuple.remote.is_unspecified() && !tuple.local.is_multicast();
        if !usable || tuple.remote_port == 0 || tuple.local_port == 0 {
            return Err(Dropped::BadSource);
        }
        let Some(listener) = self.listeners.find(tuple.local, tuple.local_port) else {
            self.refuse(path.lane, tuple, header, frame.len());
            return Err(Dropped::NoSocket);
        };
        if header.flags.contains(Flags::RST) {
            return Err(Dropped::NoSocket);
        }
        if header.flags.contains(Flags::ACK) {
            self.refuse(path.lane, tuple, header, frame.len());
            return Err(Dropped::NoSocket);
        }
        if !header.flags.contains(Flags::SYN) || header.flags.contains(Flags::FIN) {
            return Err(Dropped::BadFlags);
        }
        self.open_half(now, path, tuple, header, listener, beyond)
    }

    fn open_half(
        &mut self,
        now: Instant,
        path: Path,
        tuple: &FourTuple,
        header: &Header,
        key: Key,
        beyond: Option<Seq>,
    ) -> Result<(), Dropped> {
        let Some(listener) = self.listeners.get_mut(key) else { return Err(Dropped::NoSocket) };
        if !listener.has_room_for_half_open() {
            return Err(Dropped::BacklogFull);
        }
        if self.half_open.slab.len() as u32 >= self.config.max_half_open {
            return Err(Dropped::TableFull);
        }
        let most = listener.settings.max_segment_size().unwrap_or(u16::MAX);
        let offer = Offer {
            maximum_segment_size: path.maximum_segment_size(tuple.local).min(most),
            extensions: self.config.extensions,
            selective_acknowledgments: self.config.selective_acknowledgments,
        };
        let generated = self.isn.initial(tuple, now);
        let opening = Opening {
            tuple: *tuple,
            path,
            offer,
            initial: beyond.map_or(generated, |beyond| generated.max(beyond)),
            timestamp_offset: self.isn.timestamp_offset(tuple),
            listener: key,
        };
        let half_open = HalfOpen::new(&opening, header, listener, now);
        listener.half_open += 1;
        let Some(index) = self.half_open.insert(half_open) else { return Err(Dropped::TableFull) };
        self.demux.insert(tuple, Place::HalfOpen(index), tuple_at!(self));
        self.queue_half_open(index);
        Ok(())
    }

    fn on_half_open_segment(
        &mut self,
        now: Instant,
        index: u32,
        header: &Header,
        frame: &mut Frame,
    ) -> Result<(), Dropped> {
        let Some(half_open) = self.half_open.slab.at_mut(index) else { return Err(Dropped::NoSocket) };
        match half_open.on_segment(header, now) {
            half_open::Outcome::Ignored => Err(Dropped::BadFlags),
            half_open::Outcome::Answer => {
                self.queue_half_open(index);
                Ok(())
            }
            half_open::Outcome::Stray(sequence) => {
                let (tuple, lane) = (half_open.tuple, half_open.lane);
                self.reply(&tuple, lane, reset::reset(&tuple, sequence, None));
                Err(Dropped::BadAcknowledgment)
            }
            half_open::Outcome::Reset => {
                self.counters.resets_received += 1;
                self.drop_half_open(index);
                Ok(())
            }
            half_open::Outcome::Completed(established) => {
                self.complete(now, index, &established, header, frame)
            }
        }
    }

    /// The handshake of a half-open connection is done: it becomes a connection that waits to be accepted.
    fn complete(
        &mut self,
        now: Instant,
        index: u32,
        established: &Established,
        header: &Header,
        frame: &mut Frame,
    ) -> Result<(), Dropped> {
        let Some(half_open) = self.half_open.slab.at(index) else { return Err(Dropped::NoSocket) };
        let (tuple, path, key) = (half_open.tuple, half_open.path(), half_open.listener);
        let Some(listener) = self.listeners.get(key) else {
            self.drop_half_open(index);
            self.refuse(path.lane, &tuple, header, frame.len());
            return Err(Dropped::NoSocket);
        };
        if !listener.has_room_for_established() {
            // The peer will send again; by then there may be room.
            return Err(Dropped::BacklogFull);
        }
        if self.connections.len() as u32 >= self.config.max_connections.min(Demux::INDEX_LIMIT) {
            return Err(Dropped::TableFull);
        }
        let settings = listener.settings;
        let connection = ControlBlock::accepted(tuple, path, settings, established, &environment!(self, now));
        let Some(connection) = self.connections.insert(connection) else { return Err(Dropped::TableFull) };
        let place = Place::Connection(connection.index());
        self.demux.relocate(&tuple, Place::HalfOpen(index), place);
        self.half_open.remove(index);
        self.counters.passive_opens += 1;
        if let Some(listener) = self.listeners.get_mut(key) {
            listener.half_open -= 1;
            listener.push(connection);
            if !core::mem::replace(&mut listener.announced, true) {
                self.news.push_back(News::Listener(key));
            }
        }
        self.on_connection_segment(now, connection.index(), header, frame)
    }

    fn queue_half_open(&mut self, index: u32) {
        let Some(key) = self.half_open.slab.key_at(index) else { return };
        if let Some(half_open) = self.half_open.slab.at_mut(index)
            && !core::mem::replace(&mut half_open.queued, true)
        {
            self.lanes.get(half_open.lane).line.push_back(Turn::HalfOpen(key));
        }
    }

    fn drop_half_open(&mut self, index: u32) {
        if let Some(half_open) = self.half_open.remove(index) {
            self.demux.remove(&half_open.tuple, Place::HalfOpen(index));
            if let Some(listener) = self.listeners.get_mut(half_open.listener) {
                listener.half_open -= 1;
            }
        }
    }

    // ---- TIME-WAIT ----

    fn on_time_wait_segment(
        &mut self,
        now: Instant,
        path: Path,
        index: u32,
        header: &Header,
        frame: &Frame,
    ) -> Result<(), Dropped> {
        let Some(time_wait) = self.time_wait.at_mut(index) else { return Err(Dropped::NoSocket) };
        let tuple = time_wait.tuple;
        match time_wait.on_segment(header, frame.len()) {
            Verdict::Ignore => Ok(()),
            Verdict::End => {
                self.end_time_wait(index);
                Ok(())
            }
            Verdict::Reopen(beyond) if self.listeners.find(tuple.local, tuple.local_port).is_some() => {
                self.end_time_wait(index);
                self.on_stray_segment(now, path, &tuple, header, frame, Some(beyond))
            }
            verdict => {
                let (acknowledgment, lane) = (time_wait.acknowledgment(now), time_wait.lane);
                self.reply(&tuple, lane, acknowledgment);
                if verdict == Verdict::Restart {
                    self.time_wait.restart(index, now, self.config.time_wait);
                }
                Ok(())
            }
        }
    }

    fn end_time_wait(&mut self, index: u32) {
        if let Some(time_wait) = self.time_wait.remove(index) {
            self.demux.remove(&time_wait.tuple, Place::TimeWait(index));
        }
    }

    fn enter_time_wait(&mut self, now: Instant, index: u32, time_wait: TimeWait) {
        let tuple = time_wait.tuple;
        if self.time_wait.len() as u32 >= self.config.max_time_wait.max(1)
            && let Some(oldest) = self.time_wait.oldest()
        {
            self.end_time_wait(oldest);
        }
        match self.time_wait.insert(time_wait, now, self.config.time_wait) {
            Some(place) => self.demux.relocate(&tuple, Place::Connection(index), Place::TimeWait(place)),
            None => self.demux.remove(&tuple, Place::Connection(index)),
        }
    }

    // ---- consequences ----

    /// Lets a connection's fate happen, and looks after what follows from it.
    pub(super) fn apply(&mut self, now: Instant, index: u32, fate: Fate) {
        let Some(connection) = self.connections.at_mut(index) else { return };
        if connection.is_finished() || fate == Fate::Live {
            if connection.is_finished() && connection.detached {
                self.free(now, index);
            } else {
                self.settle(index);
            }
            return;
        }
        let tuple = connection.tuple;
        let failure = match fate {
            Fate::Failed(failure) | Fate::Reset(failure) => Some(failure),
            Fate::Live | Fate::TimeWait | Fate::Closed => None,
        };
        if matches!(fate, Fate::Reset(_)) {
            self.send_reset(index);
        }
        // An acknowledgment that is due must still leave, though the connection will not be asked again.
        let mut state = State::Closed;
        let time_wait =
            self.connections.at_mut(index).filter(|_| fate == Fate::TimeWait).and_then(|connection| {
                let remains = connection.remains()?;
                Some(TimeWait::new(tuple, remains))
            });
        self.flush_acknowledgment(now, index, fate);
        match time_wait {
            Some(time_wait) => {
                state = State::TimeWait;
                self.enter_time_wait(now, index, time_wait);
            }
            None => self.demux.remove(&tuple, Place::Connection(index)),
        }
        let Some(connection) = self.connections.at_mut(index) else { return };
        connection.finish(failure, state, &mut environment!(self, now));
        if connection.detached {
            self.free(now, index);
        } else {
            self.settle(index);
        }
    }

    /// Sends what is left to be acknowledged before the connection's own state goes.
    fn flush_acknowledgment(&mut self, now: Instant, index: u32, fate: Fate) {
        if !matches!(fate, Fate::TimeWait | Fate::Closed) {
            return;
        }
        let Some(connection) = self.connections.at_mut(index) else { return };
        let (tuple, lane) = (connection.tuple, connection.path.lane);
        if let Some(frame) = connection.poll_transmit(&mut environment!(self, now)) {
            self.reply(&tuple, lane, frame);
        }
    }

    /// Puts a connection in the lines it belongs to: work, timers, news. Called after everything that may change them.
    #[inline]
    pub(super) fn settle(&mut self, index: u32) {
        let Some(key) = self.connections.key_at(index) else { return };
        let Some(connection) = self.connections.at_mut(index) else { return };
        if !connection.queued && connection.may_transmit() {
            connection.queued = true;
            self.lanes.get(connection.path.lane).line.push_back(Turn::Connection(key));
        }
        // A later deadline waits until the armed one comes: re-arming for every acknowledgment would cost more.
        let deadline = connection.next_deadline();
        if deadline < connection.armed {
            if connection.armed == Instant::FAR_FUTURE {
                connection.timer = self.wheel.arm(deadline, index);
            } else {
                self.wheel.rearm(connection.timer, deadline);
            }
            connection.armed = deadline;
        }
        if connection.detached {
            return;
        }
        let ready = connection.readiness();
        connection.reported = connection.reported & ready;
        if !connection.announced && (ready & !connection.reported) != Readiness::NONE {
            connection.announced = true;
            self.news.push_back(News::Connection(key));
        }
    }

    /// The application is gone and so is the connection: its slot can be used again.
    pub(super) fn free(&mut self, now: Instant, index: u32) {
        let Some(key) = self.connections.key_at(index) else { return };
        if let Some(mut connection) = self.connections.remove(key) {
            connection.release(&mut environment!(self, now));
            if connection.armed != Instant::FAR_FUTURE {
                self.wheel.cancel(connection.timer);
            }
        }
    }

    pub(super) fn send_reset(&mut self, index: u32) {
        let Some(connection) = self.connections.at(index) else { return };
        if connection.is_known_to_peer() {
            let (tuple, lane) = (connection.tuple, connection.path.lane);
            let (sequence, acknowledgment) = connection.reset_numbers();
            self.reply(&tuple, lane, reset::reset(&tuple, sequence, Some(acknowledgment)));
        }
    }

    fn refuse(&mut self, lane: u8, tuple: &FourTuple, header: &Header, payload: usize) {
        if let Some(frame) = reset::answer(tuple, header, payload) {
            self.reply(tuple, lane, frame);
        }
    }

    fn reply(&mut self, tuple: &FourTuple, lane: u8, frame: Frame) {
        if !self.lanes.get(lane).replies.push(tuple, frame) {
            self.counters.replies_dropped += 1;
        }
    }

    /// An ICMP message came about a segment that `tuple` sent with number `sequence`.
    pub fn on_icmp_error(&mut self, now: Instant, tuple: FourTuple, sequence: Seq, error: IcmpError) {
        // A half-open connection ignores them: its SYN-ACK is repeated, and then it goes.
        if let Some(Place::Connection(index)) = self.demux.find(&tuple, tuple_at!(self))
            && let Some(connection) = self.connections.at_mut(index)
        {
            let fate = connection.on_icmp_error(sequence, error);
            self.apply(now, index, fate);
        }
    }

    // ---- what is due ----

    /// Lets all timers expire whose time has come.
    pub fn on_timeout(&mut self, now: Instant) {
        while let Some(index) = self.wheel.pop_expired(now) {
            let Some(connection) = self.connections.at_mut(index) else { continue };
            (connection.timer, connection.armed) = (TimerId::NONE, Instant::FAR_FUTURE);
            let fate = match connection.next_deadline() <= now {
                true => connection.on_timeout(&mut environment!(self, now)),
                false => Fate::Live,
            };
            self.apply(now, index, fate);
        }
        while let Some(index) = self.half_open.expired(now) {
            let orphaned = self
                .half_open
                .slab
                .at(index)
                .is_none_or(|half_open| self.listeners.get(half_open.listener).is_none());
            if !orphaned && self.half_open.retry(index, self.config.syn_ack_retries, now) {
                self.counters.retransmissions += 1;
                self.queue_half_open(index);
            } else {
                self.drop_half_open(index);
            }
        }
        while let Some(index) = self.time_wait.expired(now) {
            self.end_time_wait(index);
        }
    }

    /// When [`Host::on_timeout`] wants to be called next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let deadlines =
            [self.wheel.next_deadline(), self.half_open.next_deadline(), self.time_wait.next_deadline()];
        deadlines.into_iter().flatten().min()
    }

    /// Whether [`Host::poll_transmit`] may have a segment for `lane`: who drives the host must not sleep then.
    #[inline]
    pub fn has_transmit(&self, lane: u8) -> bool {
        self.lanes.has_work(lane)
    }

    /// The next segment that is due on `lane`. Connections take turns, one segment or super-segment each.
    pub fn poll_transmit(&mut self, now: Instant, lane: u8) -> Option<Outgoing> {
        if let Some(reply) = self.lanes.get(lane).replies.pop() {
            self.counters.segments_sent += 1;
            return Some(reply);
        }
        while let Some(turn) = self.lanes.get(lane).line.pop_front() {
            let outgoing = match turn {
                Turn::Connection(key) => self.transmit_connection(now, lane, key),
                Turn::HalfOpen(key) => self.transmit_half_open(now, key),
            };
            if outgoing.is_some() {
                self.counters.segments_sent += 1;
                return outgoing;
            }
        }
        None
    }

    #[inline]
    fn transmit_connection(&mut self, now: Instant, lane: u8, key: Key) -> Option<Outgoing> {
        let connection = self.connections.get_mut(key)?;
        connection.queued = false;
        let frame = connection.poll_transmit(&mut environment!(self, now));
        let (tuple, time_to_live) = (connection.tuple, connection.settings.time_to_live);
        match frame {
            Some(frame) => {
                connection.queued = true;
                self.lanes.get(lane).line.push_back(Turn::Connection(key));
                self.settle(key.index());
                Some(Outgoing { local: tuple.local, remote: tuple.remote, time_to_live, frame })
            }
            None => {
                // Asking may have armed the timer that waits for the peer's window.
                let deadline = connection.next_deadline();
                if deadline < connection.armed {
                    connection.queued = true;
                    self.settle(key.index());
                    if let Some(connection) = self.connections.get_mut(key) {
                        connection.queued = false;
                    }
                }
                None
            }
        }
    }

    fn transmit_half_open(&mut self, now: Instant, key: Key) -> Option<Outgoing> {
        let half_open = self.half_open.slab.get_mut(key)?;
        half_open.queued = false;
        let time_to_live = self.listeners.get(half_open.listener)?.settings.time_to_live;
        let (local, remote) = (half_open.tuple.local, half_open.tuple.remote);
        Some(Outgoing { local, remote, time_to_live, frame: half_open.transmit(now) })
    }

    /// The next thing the application should know.
    pub fn poll_event(&mut self) -> Option<Event> {
        while let Some(news) = self.news.pop_front() {
            match news {
                News::Listener(key) => {
                    if let Some(listener) = self.listeners.get_mut(key) {
                        listener.announced = false;
                        return Some(Event::Listener(ListenerId(key)));
                    }
                }
                News::Connection(key) => {
                    let Some(connection) = self.connections.get_mut(key) else { continue };
                    connection.announced = false;
                    let ready = connection.readiness();
                    let fresh = ready & !connection.reported;
                    connection.reported = ready;
                    if !connection.detached && fresh != Readiness::NONE {
                        return Some(Event::Connection(ConnectionId(key), fresh));
                    }
                }
            }
        }
        None
    }

    /// Ends all that a closed listener has begun.
    pub(super) fn abandon(&mut self, now: Instant, key: Key) {
        if let Some(connection) = self.connections.get_mut(key) {
            connection.detached = true;
            self.apply(now, key.index(), Fate::Reset(Failure::Aborted));
        }
    }
}
