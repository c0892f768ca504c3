//! What names a connection, and what leaves it.

use basis::HashKey;
use core::hash::{BuildHasher, Hash, Hasher};
use core::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The two addresses and two ports that name a connection (RFC 9293 3.3.1).
#[derive(Clone, Copy, Eq, Debug)]
pub struct FourTuple {
    /// This host's address.
    pub local: IpAddr,
    /// The peer's address.
    pub remote: IpAddr,
    /// This host's port.
    pub local_port: u16,
    /// The peer's port.
    pub remote_port: u16,
}

impl FourTuple {
    /// No connection's.
    pub(crate) const NOWHERE: FourTuple = FourTuple {
        local: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        remote: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        local_port: 0,
        remote_port: 0,
    };

    /// This end's address and port.
    pub const fn local_address(&self) -> SocketAddr {
        SocketAddr::new(self.local, self.local_port)
    }

    /// The peer's address and port.
    pub const fn remote_address(&self) -> SocketAddr {
        SocketAddr::new(self.remote, self.remote_port)
    }
}

impl FourTuple {
    /// What [`BuildHasher::hash_one`] gives, with fewer steps where a tuple is one of IPv4.
    pub(crate) fn hash_by(&self, key: &HashKey) -> u64 {
        let (IpAddr::V4(local), IpAddr::V4(remote)) = (self.local, self.remote) else {
            return key.hash_one(self);
        };
        let [[a, b, c, d], [e, f, g, h]] = [remote, local].map(|address| address.to_bits().to_le_bytes());
        let [[i, j], [k, l]] = [self.remote_port, self.local_port].map(u16::to_le_bytes);
        key.hash_bytes(&[a, b, c, d, e, f, g, h, i, j, k, l])
    }
}

impl PartialEq for FourTuple {
    /// Compared for every segment: what tells connections apart comes first.
    #[inline(always)]
    fn eq(&self, other: &FourTuple) -> bool {
        let ports = |tuple: &FourTuple| (tuple.remote_port as u32) << 16 | tuple.local_port as u32;
        ports(self) == ports(other) && self.remote == other.remote && self.local == other.local
    }
}

impl Hash for FourTuple {
    /// Few and wide writes: a connection is found by this hash for every segment.
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        match (self.local, self.remote) {
            (IpAddr::V4(local), IpAddr::V4(remote)) => {
                state.write_u64((local.to_bits() as u64) << 32 | remote.to_bits() as u64);
            }
            (local, remote) => {
                hash_address(local, state);
                hash_address(remote, state);
            }
        }
        state.write_u32((self.local_port as u32) << 16 | self.remote_port as u32);
    }
}

fn hash_address<H: Hasher>(address: IpAddr, state: &mut H) {
    match address {
        IpAddr::V4(address) => state.write_u32(address.to_bits()),
        IpAddr::V6(address) => state.write_u128(address.to_bits()),
    }
}

/// How a connection's packets leave the host, as its router decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Path {
    /// The interface's number; it means nothing here but which [`crate::Host::poll_transmit`] yields the segments.
    pub lane: u8,
    /// Bytes of the largest IP packet that the path to the peer takes.
    pub mtu: u32,
    /// Bytes of the largest IP packet that the interface takes. What the peer is told it may send rests on it: the way back may
    /// be wider than the way there (RFC 9293 3.7.1).
    pub link_mtu: u32,
}

impl Path {
    /// Bytes of the largest segment to send, without options (RFC 9293 3.7.1: MTU less the fixed IP and TCP headers).
    pub(crate) fn maximum_segment_size(self, local: IpAddr) -> u16 {
        segment_size(self.mtu, local)
    }

    /// The MSS option to send.
    pub(crate) fn offered_segment_size(self, local: IpAddr) -> u16 {
        segment_size(self.link_mtu, local)
    }
}

/// The way to a peer, from this address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    pub(crate) path: Path,
    pub(crate) local: IpAddr,
}

fn segment_size(mtu: u32, local: IpAddr) -> u16 {
    let headers = if local.is_ipv4() { 40 } else { 60 };
    // A path too narrow for anything useful still carries some bytes a segment.
    mtu.saturating_sub(headers).clamp(48, 65_535) as u16
}

/// Where a segment on its way out goes. Its frame starts at the TCP header, with headroom for what goes before it, and is a
/// super-segment when its [`basis::Frame::segment_size`] is not 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outgoing<'a> {
    /// From where to where.
    pub tuple: &'a FourTuple,
    /// The time to live that the socket asks for.
    pub time_to_live: u8,
    /// The traffic class that it asks for, without the bits of [`basis::Frame::ecn`], which go with it.
    pub traffic_class: u8,
}

/// What a socket asks the IP headers to say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Labels {
    pub(crate) time_to_live: u8,
    /// The DSCP in its upper six bits.
    pub(crate) traffic_class: u8,
}

impl Labels {
    /// What no socket has asked for: RFC 1700's time to live.
    pub(crate) const USUAL: Labels = Labels { time_to_live: 64, traffic_class: 0 };

    pub(crate) const fn new(time_to_live: u8, traffic_class: u8) -> Labels {
        // The lower two bits are TCP's own (RFC 3168 5).
        Labels { time_to_live, traffic_class: traffic_class & !3 }
    }

    #[inline]
    pub(crate) fn on(self, tuple: &FourTuple) -> Outgoing<'_> {
        Outgoing { tuple, time_to_live: self.time_to_live, traffic_class: self.traffic_class }
    }
}

/// Which directions of a connection to close, as `shutdown` of the socket API.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shutdown {
    /// Nothing more will be read; what arrives is thrown away.
    Read,
    /// Nothing more will be written: a FIN follows what has been.
    Write,
    /// Both.
    Both,
}

#[cfg(test)]
mod tests {
    use super::*;
    use basis::Random;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_short_way_to_a_hash_leads_to_the_same(local: IpAddr, remote: IpAddr, local_port: u16, remote_port: u16, seed: [u8; 32]) {
            let key = Random::new(seed).hash_key();
            let tuple = FourTuple { local, remote, local_port, remote_port };
            prop_assert_eq!(tuple.hash_by(&key), key.hash_one(tuple));
        }
    }
}
