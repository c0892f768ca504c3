//! Connections that open with the SYN, for peers that hold a cookie (RFC 7413, the server's side).

use super::demux::{Demux, Place};
use super::half_open::CookieReply;
use super::tcp_host::{Host, environment, tuple_at};
use crate::config::FastOpenServer;
use crate::connection::control_block::ControlBlock;
use crate::connection::handshake::syn_window;
use crate::connection::open::Established;
use crate::connection::syn_ack::SynAck;
use crate::environment::Environment;
use crate::event::ListenerId;
use crate::segment::{FourTuple, Path};
use crate::send::window::SendWindow;
use alloc::boxed::Box;
use basis::{Frame, Instant, Key, siphash_2_4};
use core::net::IpAddr;
use wire::tcp::{FastOpen, Header, Timestamps};

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

    /// Opens a connection at once if its SYN proves its sender. Returns whether it did.
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
        let initial = self.isn.initial(tuple, now);
        let timestamp_offset = self.isn.timestamp_offset(tuple);
        let window = syn_window(self.first_window(&settings));
        let negotiated = offer.agree(&header.options, header.flags, tuple.local.is_ipv4());
        let recent = header.options.timestamps.map_or(0, |timestamps| timestamps.value);
        let options = negotiated.on_syn_ack(offer, Timestamps { value: 0, echo: recent });
        let answer = (negotiated.syn_ack_flags(), options);
        let syn_ack = SynAck::new(initial, header.sequence, answer, timestamp_offset, window, now);
        let established = Established {
            initial,
            peer_initial: header.sequence,
            send_window: SendWindow::new(header, negotiated.send_shift),
            negotiated,
            recent,
            timestamp_offset,
            window,
            round_trip: None,
            repeated: 0,
            early: true,
        };
        let connection = ControlBlock::accepted_early(
            *tuple,
            path,
            settings,
            &established,
            Box::new(syn_ack),
            (header, &mut frame.clone()),
            &mut environment!(self, now),
        );
        let Some(connection) = self.connections.insert(connection) else { return false };
        self.demux.insert(tuple, Place::Connection(connection.index()), tuple_at!(self));
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
        let counters = &self.counters;
        let pending = counters.fast_opens - counters.fast_opens_completed - counters.fast_opens_lost;
        pending < u64::from(server.pending)
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
}
