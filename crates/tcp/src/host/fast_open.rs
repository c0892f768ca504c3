//! Connections that open with the SYN (RFC 7413): as a server for peers that hold a cookie, and as a client of peers whose cookie this
//! host holds.

use super::demux::{Demux, Place};
use super::half_open::CookieReply;
use super::isn;
use super::tcp_host::{Host, environment, tuple_at};
use crate::config::{FastOpenClient, FastOpenServer};
use crate::connection::control_block::ControlBlock;
use crate::connection::established::Established;
use crate::connection::handshake::syn_window;
use crate::connection::syn_ack::SynAck;
use crate::connection::syn_data::SynData;
use crate::environment::Environment;
use crate::error::ConnectError;
use crate::event::{ConnectionId, ListenerId};
use crate::segment::{FourTuple, Path};
use crate::send::window::SendWindow;
use crate::settings::SocketOptions;
use alloc::boxed::Box;
use basis::{Frame, Instant, Key, siphash_2_4};
use bytes::Bytes;
use core::net::IpAddr;
use wire::tcp::{FastOpen, Header, MAXIMUM_OPTIONS_LENGTH, Timestamps};

/// Bytes of data that go with a SYN at most, however long segments may be: they are kept until it is answered.
const MOST_DATA: usize = 4_096;

/// The cookie for `remote` at `local`: a keyed hash of both addresses (RFC 7413 4.1.2).
fn cookie(key: &[u8; 16], remote: IpAddr, local: IpAddr) -> [u8; 8] {
    let hash = match (remote, local) {
        (IpAddr::V4(remote), IpAddr::V4(local)) => {
            let (mut both, split) = ([0; 8], 4);
            both[..split].copy_from_slice(&remote.octets());
            both[split..].copy_from_slice(&local.octets());
            siphash_2_4(key, &both)
        }
        (IpAddr::V6(remote), IpAddr::V6(local)) => {
            let (mut both, split) = ([0; 32], 16);
            both[..split].copy_from_slice(&remote.octets());
            both[split..].copy_from_slice(&local.octets());
            siphash_2_4(key, &both)
        }
        // No segment has both.
        _ => siphash_2_4(key, &[]),
    };
    hash.to_le_bytes()
}

impl Host {
    /// Takes in data on SYNs to a listener from now on, or does not (TCP_FASTOPEN). Returns false if there is no such listener.
    pub fn set_fast_open(&mut self, listener: ListenerId, fast_open: Option<FastOpenServer>) -> bool {
        self.listeners.get_mut(listener.0).map(|listener| listener.fast_open = fast_open).is_some()
    }

    /// Begins a connection as [`Host::connect`] does, and lets its SYN carry as much of `data` as fits one segment, if the peer
    /// has given this host a cookie; else the SYN asks for one. Returns also how many bytes were taken in: they are sent again if the
    /// SYN is lost or the peer does not take them, so the application goes on behind them. A peer may get such data twice:
    /// it is for requests that bear that (RFC 7413 2.1).
    ///
    /// # Errors
    /// As [`Host::connect`].
    pub fn connect_with_data(
        &mut self,
        now: Instant,
        path: Path,
        tuple: FourTuple,
        options: SocketOptions,
        fast_open: FastOpenClient,
        data: &[u8],
    ) -> Result<(ConnectionId, usize), ConnectError> {
        let terms = self.peer_cookies.terms(now, (tuple.local, tuple.remote));
        let syn_data = terms.map(|terms| {
            let sizes = [options.max_segment_size, terms.segment_size].into_iter().flatten();
            let segment_size = sizes.fold(path.maximum_segment_size(tuple.local), u16::min);
            // All room for options is left free: boxes on the way may add some.
            let room = usize::from(segment_size).saturating_sub(MAXIMUM_OPTIONS_LENGTH).min(MOST_DATA);
            let (option, room) = match terms.option.cookie().is_empty() {
                _ if !fast_open.require_cookie => (None, room),
                true => (Some(terms.option), 0),
                false => (Some(terms.option), room),
            };
            SynData::new(option, Bytes::copy_from_slice(&data[..data.len().min(room)]))
        });
        let taken = syn_data.as_ref().map_or(0, SynData::waiting);
        self.begin(now, path, tuple, options, syn_data).map(|id| (id, taken))
    }

    /// Whether [`Host::connect_with_data`] would send data with a SYN from `local` to `remote`.
    pub fn can_send_with_syn(
        &self,
        now: Instant,
        local: IpAddr,
        remote: IpAddr,
        fast_open: FastOpenClient,
    ) -> bool {
        let terms = self.peer_cookies.terms(now, (local, remote));
        terms.is_some_and(|terms| !fast_open.require_cookie || !terms.option.cookie().is_empty())
    }

    /// Opens a connection at once if its SYN proves its sender. Returns whether it did.
    #[inline(never)]
    pub(super) fn open_early(
        &mut self,
        now: Instant,
        path: Path,
        tuple: &FourTuple,
        header: &Header,
        frame: &Frame,
        key: Key,
    ) -> bool {
        let Some(listener) = self.listeners.get(key) else { return false };
        // Who is asked before a SYN is answered decides first.
        let Some(server) = listener.fast_open.filter(|_| !listener.asks) else { return false };
        if !self.is_proof(&server, tuple, header, frame) || !self.has_room_for_early(&server, key) {
            return false;
        }
        let settings = listener.settings;
        let offer = self.offer(&settings, path, tuple);
        let hash = self.demux.hash(tuple);
        let initial = isn::initial(hash.number(), now);
        let timestamp_offset = self.timestamp_offsets.of(tuple);
        let window = syn_window(self.first_window(&settings));
        let negotiated = offer.agree(&header.options, header.flags, tuple.local.is_ipv4());
        let recent = header.options.timestamps.map_or(0, |timestamps| timestamps.value);
        let options = negotiated.on_syn_ack(offer, Timestamps { value: 0, echo: recent });
        let answer = (negotiated.syn_ack_flags(), options);
        let syn_ack = SynAck::new(initial, header.sequence, answer, timestamp_offset, window, now);
        let established = Established {
            next: initial + 1,
            peer_initial: header.sequence,
            send_window: SendWindow::new(header, negotiated.send_shift),
            negotiated,
            recent,
            timestamp_offset,
            window,
            round_trip: None,
            repeated: 0,
            syns_received: 1,
            syns_sent: 0,
            early: true,
        };
        let Some(vacancy) = self.connections.vacancy() else {
            return false;
        };
        let connection = vacancy.fill(ControlBlock::accepted(*tuple, path, settings));
        if let Some(accepted) = self.connections.get_mut(connection) {
            let text = (header, &mut frame.clone());
            accepted.establish_early(&established, Box::new(syn_ack), text, &mut environment!(self, now));
        }
        self.demux.insert(hash.short(), Place::Connection(connection.index()), tuple_at!(self));
        self.hand_over(connection, key);
        self.settle(connection.index());
        true
    }

    /// Whether a SYN comes from who it says.
    fn is_proof(&self, server: &FastOpenServer, tuple: &FourTuple, header: &Header, frame: &Frame) -> bool {
        match &header.options.fast_open {
            _ if !server.require_cookie => header.options.fast_open.is_some() || !frame.is_empty(),
            Some(shown) => shown.cookie() == self.cookie(server, tuple),
            None => false,
        }
    }

    fn has_room_for_early(&self, server: &FastOpenServer, listener: Key) -> bool {
        self.early < server.pending
            && self.listeners.get(listener).is_some_and(|listener| listener.has_room_for_established())
            && (self.connections.len() as u32) < self.config.max_connections.min(Demux::INDEX_LIMIT)
            && !self.memory.is_exhausted()
    }

    fn cookie(&self, server: &FastOpenServer, tuple: &FourTuple) -> [u8; 8] {
        cookie(server.key.as_ref().unwrap_or(&self.fast_open_key), tuple.remote, tuple.local)
    }

    /// Whether the answer to a SYN carries a cookie, and in which form: when it asked for one, or showed a wrong one.
    pub(super) fn cookie_reply(&self, listener: Key, header: &Header) -> CookieReply {
        let offered = self.listeners.get(listener).is_some_and(|listener| listener.fast_open.is_some());
        match &header.options.fast_open {
            Some(asked) if offered && asked.experimental => CookieReply::Experimental,
            Some(_) if offered => CookieReply::Usual,
            _ => CookieReply::None,
        }
    }

    /// The option that carries the cookie.
    #[cold]
    #[inline(never)]
    pub(super) fn cookie_option(
        &self,
        listener: Key,
        tuple: &FourTuple,
        reply: CookieReply,
    ) -> Option<FastOpen> {
        let server = self.listeners.get(listener)?.fast_open?;
        let cookie = self.cookie(&server, tuple);
        match reply {
            CookieReply::None => None,
            CookieReply::Usual => FastOpen::new(&cookie, false),
            CookieReply::Experimental => FastOpen::new(&cookie, true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_depends_on_both_addresses_and_on_the_key() {
        let [a, b, c]: [IpAddr; 3] = [1, 2, 3].map(|n| IpAddr::from([192, 0, 2, n]));
        let key = [7; 16];
        assert_eq!(cookie(&key, a, b), cookie(&key, a, b));
        assert_ne!(cookie(&key, a, b), cookie(&key, b, a));
        assert_ne!(cookie(&key, a, b), cookie(&key, a, c));
        assert_ne!(cookie(&key, a, b), cookie(&[8; 16], a, b));
    }

    #[test]
    fn the_data_of_a_syn_has_a_bound_however_long_segments_are() {
        let mut host = Host::new(Instant::ZERO, Default::default(), [1; 32]);
        let path = Path { lane: 0, mtu: 65_535, link_mtu: 65_535 };
        let [local, remote]: [IpAddr; 2] = [1, 2].map(|n| IpAddr::from([192, 0, 2, n]));
        let begin = |host: &mut Host, local_port, require_cookie| {
            let tuple = FourTuple { local, remote, local_port, remote_port: 80 };
            let client = FastOpenClient { require_cookie };
            host.connect_with_data(Instant::ZERO, path, tuple, SocketOptions::default(), client, &[7; 9_000])
        };
        assert_eq!(begin(&mut host, 1, false).unwrap().1, MOST_DATA);
        assert_eq!(begin(&mut host, 2, true).unwrap().1, 0, "nobody has given a cookie");
        assert!(!host.can_send_with_syn(Instant::ZERO, local, remote, FastOpenClient::default()));
    }
}
