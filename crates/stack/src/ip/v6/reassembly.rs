//! Putting the fragments of an IPv6 packet together again (RFC 8200 4.5, RFC 5722).

use crate::dropped::Dropped;
use crate::ip::reassembly::{Datagram, Family, First, Name, Piece, Reassembly};
use crate::timers::Timers;
use alloc::vec::Vec;
use basis::{Frame, Instant};
use bytes::Bytes;
use core::net::IpAddr;
use wire::ipv6::extension::{Chain, FRAGMENT_LENGTH, Fragment};
use wire::ipv6::{HEADER_LENGTH, Header, MAXIMUM_PAYLOAD};

impl Reassembly {
    /// A fragment came, with its header and where its extension headers end. Returns the whole packet if it was the last one
    /// missing. Its length and place are possible: the caller has checked them.
    pub(crate) fn on_fragment_v6(
        &mut self,
        now: Instant,
        interface: u8,
        (header, chain, fragment): (&Header, &Chain, Fragment),
        packet: &Frame,
        timers: &mut Timers,
    ) -> Result<Option<Frame>, Dropped> {
        let name = Name {
            source: IpAddr::V6(header.source),
            destination: IpAddr::V6(header.destination),
            protocol: 0,
            identification: fragment.identification,
        };
        let piece = Piece {
            start: fragment.offset.into(),
            length: header.total_length().saturating_sub(chain.offset),
            more: fragment.more,
            headers: chain.offset,
            packet,
            family: Family::V6(chain),
        };
        match self.on_piece(now, interface, name, piece, timers)? {
            Some(datagram) => assemble(&datagram).map(Some).ok_or(Dropped::ImpossibleFragment),
            None => Ok(None),
        }
    }
}

/// The packet as if it had never been cut: the first fragment's headers but for the fragment header, and all payloads.
fn assemble(datagram: &Datagram) -> Option<Frame> {
    let First::V6 { headers, named_at, next_header } = datagram.first.as_ref()? else { return None };
    let before = headers.get(..headers.len().checked_sub(FRAGMENT_LENGTH)?)?;
    let payload = datagram.payload();
    let length = before.len().checked_sub(HEADER_LENGTH)? + payload.len();
    if length > MAXIMUM_PAYLOAD {
        return None;
    }
    let mut bytes: Vec<u8> = [before, &payload].concat();
    *bytes.get_mut(*named_at)? = *next_header;
    bytes.get_mut(4..6)?.copy_from_slice(&(length as u16).to_be_bytes());
    let memory = bytes.len();
    Some(Frame::from_device(Bytes::from(bytes), memory))
}
