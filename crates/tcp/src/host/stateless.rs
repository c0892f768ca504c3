//! The passive open without a half-open connection: a SYN is answered by a cookie, and the acknowledgment that brings it back makes
//! the connection (RFC 4987 3.6).

use super::demux::Place;
use super::syn_cookie::{LIFETIME, keep, keepable, recall};
use super::tcp_host::{Host, tuple_at};
use crate::connection::control_block::ControlBlock;
use crate::connection::established::Established;
use crate::connection::handshake::syn_window;
use crate::error::Dropped;
use crate::receive::timestamps::clock;
use crate::segment::{FourTuple, Path};
use crate::send::window::SendWindow;
use basis::{Frame, Instant, Key};
use wire::tcp::{Flags, Header, Timestamps};

impl Host {
    /// Answers a SYN and forgets it. The SYN-ACK is not repeated: the peer repeats its SYN.
    pub(super) fn answer_by_cookie(
        &mut self,
        now: Instant,
        path: Path,
        tuple: &FourTuple,
        header: &Header,
        key: Key,
    ) -> Result<(), Dropped> {
        let Some(listener) = self.listeners.get_mut(key) else { return Err(Dropped::NoSocket) };
        listener.cookie_given = Some(now);
        let settings = listener.settings;
        let offer = self.offer(&settings, path, tuple);
        let (options, flags) = keepable(&header.options, header.flags, offer.timestamps);
        let negotiated = offer.agree(&options, flags, tuple.local.is_ipv4());
        let value = keep(negotiated, clock(self.timestamp_offsets.of(tuple), now));
        let echo = options.timestamps.map_or(0, |timestamps| timestamps.value);
        let answer = Header {
            source_port: tuple.local_port,
            destination_port: tuple.remote_port,
            sequence: self.cookies.number(tuple, header.sequence, negotiated.peer_maximum, now),
            acknowledgment: header.sequence + 1,
            flags: negotiated.syn_ack_flags(),
            window: syn_window(self.first_window(&settings)),
            urgent: 0,
            options: negotiated.on_syn_ack(offer, Timestamps { value, echo }),
        };
        let mut frame = Frame::new();
        answer.prepend_to(&mut frame, tuple.local, tuple.remote);
        if self.reply_with(tuple, path.lane, settings.labels, frame) {
            self.counters.syn_cookies_sent += 1;
        }
        Ok(())
    }

    /// What an acknowledgment completes if it brings back a cookie that the listener has given lately.
    pub(super) fn recall_cookie(
        &mut self,
        now: Instant,
        path: Path,
        tuple: &FourTuple,
        header: &Header,
        key: Key,
    ) -> Option<Established> {
        let listener = self.listeners.get(key)?;
        // A listener that gives none takes none: nobody can guess one while all is quiet.
        listener.cookie_given.filter(|given| now - *given <= LIFETIME)?;
        let usable = header.flags.contains(Flags::ACK) && !header.flags.intersects(Flags::SYN | Flags::RST);
        let settings = listener.settings;
        let peer_initial = header.sequence - 1;
        let initial = header.acknowledgment - 1;
        let found = self.cookies.check(tuple, peer_initial, initial, now).filter(|_| usable);
        let Some(maximum) = found else {
            self.counters.syn_cookies_refused += 1;
            return None;
        };
        let timestamp_offset = self.timestamp_offsets.of(tuple);
        let offer = self.offer(&settings, path, tuple);
        let timestamps = header.options.timestamps.filter(|_| offer.timestamps);
        let (options, flags) = recall(maximum, timestamps, clock(timestamp_offset, now));
        let negotiated = offer.agree(&options, flags, tuple.local.is_ipv4());
        Some(Established {
            next: initial + 1,
            peer_initial,
            send_window: SendWindow::new(header, negotiated.send_shift),
            negotiated,
            recent: timestamps.map_or(0, |timestamps| timestamps.value),
            timestamp_offset,
            window: syn_window(self.first_window(&settings)),
            // Nobody knows when the SYN-ACK was sent, nor how often.
            round_trip: None,
            repeated: 0,
            syns_received: 1,
            syns_sent: 1,
            early: false,
        })
    }

    /// Whether a segment may be later data of a peer that has a cookie of this listener: what completes its handshake was lost, or
    /// had no room. A RST would end what can still begin. Deviates: RFC 9293 3.10.7.2 asks for one.
    pub(super) fn may_follow_cookie(
        &self,
        now: Instant,
        tuple: &FourTuple,
        header: &Header,
        key: Key,
    ) -> bool {
        let given = self.listeners.get(key).and_then(|listener| listener.cookie_given);
        given.is_some_and(|given| now - given <= LIFETIME)
            && !header.flags.contains(Flags::SYN)
            && self.cookies.is_plausible(tuple, header.sequence - 1, header.acknowledgment - 1, now)
    }

    /// An acknowledgment brought back a cookie: the connection is made of it, if it has room to wait to be accepted.
    pub(super) fn complete_by_cookie(
        &mut self,
        now: Instant,
        (path, tuple, key): (Path, &FourTuple, Key),
        established: &Established,
        header: &Header,
        frame: &mut Frame,
    ) -> Result<(), Dropped> {
        let settings = self.admit_established(key)?;
        if self.memory.is_exhausted() {
            return Err(Dropped::MemoryShort);
        }
        if !self.cookies.spend(tuple, established.next - 1) {
            // A late copy: its connection has come and gone.
            self.counters.syn_cookies_refused += 1;
            return Err(Dropped::NoSocket);
        }
        let Some(vacancy) = self.connections.vacancy() else {
            return Err(Dropped::TableFull);
        };
        let connection = vacancy.fill(ControlBlock::accepted(*tuple, path, settings));
        self.establish(now, connection, established);
        let hash = self.demux.hash(tuple).short();
        self.demux.insert(hash, Place::Connection(connection.index()), tuple_at!(self));
        self.counters.syn_cookies_accepted += 1;
        self.hand_over(connection, key);
        self.on_connection_segment(now, connection.index(), header, frame)
    }
}
