//! The passive open: from a SYN that a listener answers to a connection that waits to be accepted.

use super::demux::{Demux, Place};
use super::half_open::{self, HalfOpen, Opening};
use super::isn;
use super::listener::Admission;
use super::reset;
use super::tcp_host::{Host, environment, tuple_at};
use super::work::{News, Turn};
use crate::connection::control_block::ControlBlock;
use crate::connection::established::Established;
use crate::environment::Environment;
use crate::error::Dropped;
use crate::negotiation::{Offer, shift_for};
use crate::segment::{FourTuple, Path};
use crate::settings::Settings;
use basis::{Frame, Instant, Key};
use core::hint::cold_path;
use wire::tcp::{Flags, Header, Seq};

impl Host {
    /// RFC 9293 3.10.7.1 and 3.10.7.2: no connection has this four-tuple; perhaps somebody listens.
    pub(super) fn on_stray_segment(
        &mut self,
        now: Instant,
        path: Path,
        tuple: &FourTuple,
        header: &Header,
        frame: &mut Frame,
    ) -> Result<(), Dropped> {
        let usable =
            !tuple.remote.is_multicast() && !tuple.remote.is_unspecified() && !tuple.local.is_multicast();
        if !usable || tuple.remote_port == 0 || tuple.local_port == 0 {
            cold_path();
            return Err(Dropped::BadSource);
        }
        let Some(listener) = self.listeners.find(tuple) else {
            cold_path();
            self.refuse(now, path.lane, tuple, header, frame.len());
            return Err(Dropped::NoSocket);
        };
        if header.flags.contains(Flags::RST) {
            return Err(Dropped::NoSocket);
        }
        if header.flags.contains(Flags::ACK) {
            cold_path();
            if let Some(established) = self.recall_cookie(now, path, tuple, header, listener) {
                return self.complete_by_cookie(now, (path, tuple, listener), &established, header, frame);
            }
            if self.may_follow_cookie(now, tuple, header, listener) {
                return Err(Dropped::NoSocket);
            }
            self.refuse(now, path.lane, tuple, header, frame.len());
            return Err(Dropped::NoSocket);
        }
        if !header.flags.contains(Flags::SYN) || header.flags.contains(Flags::FIN) {
            return Err(Dropped::BadFlags);
        }
        if self.listeners.get(listener).is_some_and(|listener| listener.fast_open.is_some())
            && self.open_early(now, path, tuple, header, frame, listener)
        {
            return Ok(());
        }
        match self.admit(listener)? {
            Admission::HalfOpen => self.open_half(now, path, tuple, header, listener, None),
            Admission::Cookie => self.answer_by_cookie(now, path, tuple, header, listener),
        }
    }

    /// How a SYN to a listener is answered, if it is.
    pub(super) fn admit(&self, key: Key) -> Result<Admission, Dropped> {
        let Some(listener) = self.listeners.get(key) else { return Err(Dropped::NoSocket) };
        if self.memory.is_exhausted() {
            return Err(Dropped::MemoryShort);
        }
        let room = (self.half_open.slab.len() as u32) < self.config.max_half_open.min(Demux::INDEX_LIMIT);
        listener.admit(room, self.config.syn_cookies)
    }

    /// A SYN for a connection in TIME-WAIT, at `index`: a new connection takes its place (RFC 6191) and begins beyond `beyond`. If
    /// there is no room for one, the old one stays.
    pub(super) fn reopen(
        &mut self,
        now: Instant,
        path: Path,
        index: u32,
        header: &Header,
        beyond: Seq,
    ) -> Result<(), Dropped> {
        let Some(tuple) = self.time_wait.at(index).map(|time_wait| time_wait.tuple) else {
            return Err(Dropped::NoSocket);
        };
        let Some(key) = self.listeners.find(&tuple) else {
            return Err(Dropped::NoSocket);
        };
        match self.admit(key)? {
            Admission::HalfOpen => {
                self.end_time_wait(index);
                self.open_half(now, path, &tuple, header, key, Some(beyond))
            }
            Admission::Cookie => {
                // A cookie is the number it is: timestamps must tell old segments from new ones.
                let told_apart = self.config.timestamps && header.options.timestamps.is_some();
                if !told_apart && self.cookies.number(&tuple, header.sequence, 0, now).before(beyond) {
                    return Err(Dropped::BacklogFull);
                }
                self.end_time_wait(index);
                self.answer_by_cookie(now, path, &tuple, header, key)
            }
        }
    }

    pub(super) fn open_half(
        &mut self,
        now: Instant,
        path: Path,
        tuple: &FourTuple,
        header: &Header,
        key: Key,
        beyond: Option<Seq>,
    ) -> Result<(), Dropped> {
        let Some(listener) = self.listeners.get(key) else { return Err(Dropped::NoSocket) };
        let settings = listener.settings;
        let offer = self.offer(&settings, path, tuple);
        let hash = self.demux.hash(tuple);
        let generated = isn::initial(hash.number(), now);
        let opening = Opening {
            tuple: *tuple,
            path,
            offer,
            initial: beyond.map_or(generated, |beyond| generated.max(beyond)),
            timestamp_offset: self.timestamp_offsets.of(tuple),
            window: self.first_window(&settings),
            listener: key,
            undecided: listener.asks,
        };
        let mut half_open = HalfOpen::new(&opening, header, now);
        if header.options.fast_open.is_some() {
            half_open.cookie = self.cookie_reply(key, header);
        }
        half_open.queued = !opening.undecided;
        if let Some(listener) = self.listeners.get_mut(key) {
            listener.half_open += 1;
        }
        let Some(place) = self.half_open.insert(half_open) else { return Err(Dropped::TableFull) };
        self.demux.insert(hash.short(), Place::HalfOpen(place.index()), tuple_at!(self));
        if opening.undecided {
            self.ask(key, place.index());
        } else {
            self.lanes.get(path.lane).line.push_back(Turn::HalfOpen(place));
        }
        Ok(())
    }

    /// What a SYN or SYN-ACK offers.
    pub(super) fn offer(&self, settings: &Settings, path: Path, tuple: &FourTuple) -> Offer {
        let most = settings.max_segment_size().unwrap_or(u16::MAX);
        Offer {
            maximum_segment_size: path.offered_segment_size(tuple.local).min(most),
            window_shift: self.window_shift(settings),
            timestamps: self.config.timestamps,
            selective_acknowledgments: self.config.selective_acknowledgments,
            ecn: settings.ecn().unwrap_or(self.config.ecn),
        }
    }

    /// The window scale that a SYN offers, if any.
    pub(super) fn window_shift(&self, settings: &Settings) -> Option<u8> {
        let most = settings.receive_buffer(&self.config).most.max(self.config.receive_buffer.most);
        self.config.window_scaling.then(|| shift_for(most))
    }

    /// The window that a SYN offers: less while memory is short.
    pub(super) fn first_window(&self, settings: &Settings) -> u32 {
        let initial = settings.receive_buffer(&self.config).initial;
        if self.memory.is_short() { initial.min(self.memory.share()) } else { initial }
    }

    pub(super) fn on_half_open_segment(
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
                cold_path();
                let (tuple, lane, path, key) =
                    (half_open.tuple, half_open.lane, half_open.path(), half_open.listener);
                // Its SYN was answered by a cookie before, when there was no room, and that answer came first.
                if let Some(established) = self.recall_cookie(now, path, &tuple, header, key) {
                    self.admit_established(key)?;
                    self.drop_half_open(index);
                    return self.complete_by_cookie(now, (path, &tuple, key), &established, header, frame);
                }
                if !self.may_follow_cookie(now, &tuple, header, key) {
                    self.reply_stray(now, &tuple, lane, reset::reset(&tuple, sequence, None));
                }
                Err(Dropped::BadAcknowledgment)
            }
            half_open::Outcome::Reset => {
                cold_path();
                self.counters.resets_received += 1;
                self.drop_half_open(index);
                Ok(())
            }
            half_open::Outcome::Completed(established) => {
                let listener = self.listeners.get(half_open.listener);
                let defers = listener.map_or(0, |listener| listener.defers);
                let bare = frame.is_empty() && !header.flags.contains(Flags::FIN);
                if defers > 0 && half_open.defer(bare, defers, now) {
                    return Ok(());
                }
                self.complete(now, index, &established, header, frame)
            }
        }
    }

    /// The handshake of a half-open connection is done: it becomes a connection that waits to be accepted.
    pub(super) fn complete(
        &mut self,
        now: Instant,
        index: u32,
        established: &Established,
        header: &Header,
        frame: &mut Frame,
    ) -> Result<(), Dropped> {
        let Some(half_open) = self.half_open.slab.at(index) else { return Err(Dropped::NoSocket) };
        let (tuple, path, key) = (half_open.tuple, half_open.path(), half_open.listener);
        if self.listeners.get(key).is_none() {
            self.drop_half_open(index);
            self.refuse(now, path.lane, &tuple, header, frame.len());
            return Err(Dropped::NoSocket);
        }
        let settings = self.admit_established(key)?;
        let Some(vacancy) = self.connections.vacancy() else {
            return Err(Dropped::TableFull);
        };
        let connection = vacancy.fill(ControlBlock::accepted(tuple, path, settings));
        self.establish(now, connection, established);
        let place = Place::Connection(connection.index());
        let hash = self.demux.hash(&tuple).short();
        self.demux.relocate(hash, Place::HalfOpen(index), place);
        if self.half_open.remove(index) {
            self.note_stale();
        }
        if let Some(listener) = self.listeners.get_mut(key) {
            listener.half_open -= 1;
        }
        self.hand_over(connection, key);
        self.on_connection_segment(now, connection.index(), header, frame)
    }

    /// A connection in its place begins.
    pub(super) fn establish(&mut self, now: Instant, key: Key, established: &Established) {
        if let Some(connection) = self.connections.get_mut(key) {
            connection.establish(established, &environment!(self, now));
        }
    }

    /// Whether a completed handshake has room to wait to be accepted; the options of its connection. If not, the segment is ignored:
    /// the peer will send again, and by then there may be room.
    pub(super) fn admit_established(&self, key: Key) -> Result<Settings, Dropped> {
        let Some(listener) = self.listeners.get(key) else { return Err(Dropped::NoSocket) };
        if !listener.has_room_for_established() {
            return Err(Dropped::BacklogFull);
        }
        if self.connections.len() as u32 >= self.config.max_connections.min(Demux::INDEX_LIMIT) {
            return Err(Dropped::TableFull);
        }
        Ok(listener.settings)
    }

    /// A new connection waits to be accepted from now on.
    pub(super) fn hand_over(&mut self, connection: Key, key: Key) {
        self.memory.sharers = self.connections.len();
        self.counters.passive_opens += 1;
        if let Some(listener) = self.listeners.get_mut(key) {
            listener.push(connection);
            if listener.max_pacing_rate.is_some()
                && let Some(accepted) = self.connections.get_mut(connection)
            {
                accepted.set_max_pacing_rate(listener.max_pacing_rate);
            }
        }
        self.announce(key);
    }

    /// The owner of a listener is to be told, if it was not already.
    pub(super) fn announce(&mut self, key: Key) {
        if let Some(listener) = self.listeners.get_mut(key)
            && !core::mem::replace(&mut listener.announced, true)
        {
            self.news.push_back(News::Listener(key));
        }
    }

    pub(super) fn queue_half_open(&mut self, index: u32) {
        let Some(key) = self.half_open.slab.key_at(index) else { return };
        if let Some(half_open) = self.half_open.slab.at_mut(index)
            && !core::mem::replace(&mut half_open.queued, true)
        {
            self.lanes.get(half_open.lane).line.push_back(Turn::HalfOpen(key));
        }
    }

    pub(super) fn drop_half_open(&mut self, index: u32) {
        let Some(half_open) = self.half_open.slab.at(index) else { return };
        let (tuple, key) = (half_open.tuple, half_open.listener);
        self.demux.remove(&tuple, Place::HalfOpen(index));
        if self.half_open.remove(index) {
            self.note_stale();
        }
        if let Some(listener) = self.listeners.get_mut(key) {
            listener.half_open -= 1;
        }
    }
}
