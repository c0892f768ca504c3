//! Which shard a frame is for.

use crate::config::Medium;
use crate::shard::Shard;
use basis::{HashKey, Random, Seed};
use core::net::{IpAddr, SocketAddr};
use wire::ethernet::{self, EtherType};
use wire::icmpv4::Quoted;
use wire::ipv6::extension::Chain;
use wire::{icmpv4, icmpv6, ipv6, ndp, protocol};

/// What tells this key from everything else that grows from the seed.
const DOMAIN: u8 = 0x5a;
/// Kinds of ICMP (RFC 792) and of ICMPv6 (RFC 4443) that quote the packet which they are about.
const ERRORS: [u8; 4] = [3, 4, 11, 12];
const ERRORS_V6: core::ops::RangeInclusive<u8> = 1..=4;

/// Who gets a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// The shard of this number.
    Shard(usize),
    /// Every shard: it may tell a neighbour's hardware address, for which each asks by itself.
    All,
}

/// Places flows on shards by a keyed hash of both ends.
///
/// Keyed, because who could foretell the shard of a flow could aim all flows at one; no device has to agree with it, since a frame
/// that a device has put elsewhere is handed over. Symmetric, so that both ends of a connection of a host to itself are on one shard and
/// no loopback has to lead across.
///
/// ```
/// use netstrata_stack::{Shard, Steering};
/// let steering = Steering::new(Shard::new(0, 4).unwrap(), [7; 32]);
/// let (a, b) = ("10.7.0.2:9528".parse().unwrap(), "10.7.0.9:50000".parse().unwrap());
/// assert_eq!(steering.of_flow(a, b), steering.of_flow(b, a));
/// assert!(steering.of_flow(a, b) < 4);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Steering {
    key: HashKey,
    shards: u8,
}

impl Steering {
    /// That of the shards that grow from `seed`, whichever of them `shard` is.
    pub fn new(shard: Shard, seed: Seed) -> Steering {
        let mut random = Random::new(seed.map(|byte| byte ^ DOMAIN));
        Steering { key: random.hash_key(), shards: shard.count() as u8 }
    }

    /// The shard of the TCP connection between these two ends, in either order.
    #[inline]
    pub fn of_flow(&self, one: SocketAddr, other: SocketAddr) -> usize {
        let hash = match (one.ip(), other.ip()) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                let end = |address: u32, port: u16| u64::from(address) << 16 | u64::from(port);
                let (a, b) = (end(a.to_bits(), one.port()), end(b.to_bits(), other.port()));
                let both = u128::from(a.min(b)) << 48 | u128::from(a.max(b));
                let [bytes @ .., _, _, _, _] = both.to_le_bytes();
                self.key.hash_bytes(&bytes)
            }
            _ => self.of_wide_flow(one, other),
        };
        // The upper half of the hash, scaled: no division, and no bias that matters.
        (((hash >> 32) * u64::from(self.shards)) >> 32) as usize
    }

    #[inline(never)]
    fn of_wide_flow(&self, one: SocketAddr, other: SocketAddr) -> u64 {
        let end = |end: SocketAddr| match end.ip() {
            IpAddr::V4(address) => (address.to_ipv6_mapped().to_bits(), end.port()),
            IpAddr::V6(address) => (address.to_bits(), end.port()),
        };
        let (a, b) = (end(one), end(other));
        let mut bytes = [0; 36];
        let (first, second) = bytes.split_at_mut(18);
        for (place, (address, port)) in [(first, a.min(b)), (second, a.max(b))] {
            place[..16].copy_from_slice(&address.to_le_bytes());
            place[16..].copy_from_slice(&port.to_le_bytes());
        }
        self.key.hash_bytes(&bytes)
    }

    /// Who gets a frame that came by an interface of this medium; `bytes` begin with its link header, if there is one, and hold at least
    /// all headers. What cannot be read is the first shard's, which drops and counts it.
    #[inline]
    pub fn of_frame(&self, medium: Medium, bytes: &[u8]) -> Target {
        if !matches!(medium, Medium::Ethernet(_)) {
            return self.of_packet(bytes);
        }
        let Ok(header) = ethernet::Header::parse(bytes) else { return Target::Shard(0) };
        match header.ether_type {
            EtherType::IPV4 | EtherType::IPV6 => {
                self.of_packet(bytes.get(ethernet::HEADER_LENGTH..).unwrap_or_default())
            }
            EtherType::ARP => Target::All,
            _ => Target::Shard(0),
        }
    }

    /// As [`Steering::of_frame`], for a packet that begins with its IP header.
    #[inline]
    pub fn of_packet(&self, packet: &[u8]) -> Target {
        let target = match packet.first().map(|byte| byte >> 4) {
            Some(4) => self.of_ipv4(packet).map(Target::Shard),
            Some(6) => self.of_ipv6(packet),
            _ => None,
        };
        target.unwrap_or(Target::Shard(0))
    }

    #[inline]
    fn of_ipv4(&self, packet: &[u8]) -> Option<usize> {
        let fixed = packet.first_chunk::<20>()?;
        let behind = packet.get(usize::from(fixed[0] & 0x0f) * 4..)?;
        let [flags, offset] = [fixed[6], fixed[7]];
        if flags & 0x3f != 0 || offset != 0 {
            // A fragment: together with the others it may be a segment, which the first shard then hands on.
            return None;
        }
        let address = |at: usize| fixed.get(at..at + 4)?.first_chunk::<4>().map(|octets| (*octets).into());
        match fixed[9] {
            protocol::TCP => self.of_segment(address(12)?, address(16)?, behind),
            protocol::ICMPV4 => {
                let quotes = ERRORS.contains(behind.first()?);
                let quoted = behind.get(icmpv4::HEADER_LENGTH..).filter(|_| quotes)?;
                self.of_quoted(&Quoted::parse(quoted).ok()?)
            }
            _ => None,
        }
    }

    #[inline(never)]
    fn of_ipv6(&self, packet: &[u8]) -> Option<Target> {
        let header = ipv6::Header::parse(packet, usize::MAX).ok()?;
        let chain = Chain::walk(packet, &header).ok()?;
        if chain.fragment.is_some() {
            return None;
        }
        let behind = packet.get(chain.offset..)?;
        match (chain.protocol, behind.first()?) {
            (protocol::TCP, _) => {
                let (source, destination) = (IpAddr::V6(header.source), IpAddr::V6(header.destination));
                self.of_segment(source, destination, behind).map(Target::Shard)
            }
            (protocol::ICMPV6, &ndp::NEIGHBOUR_ADVERTISEMENT) => Some(Target::All),
            (protocol::ICMPV6, kind) if ERRORS_V6.contains(kind) => {
                let quoted = icmpv6::quoted(behind.get(icmpv6::HEADER_LENGTH..)?).ok()?;
                self.of_quoted(&quoted).map(Target::Shard)
            }
            _ => None,
        }
    }

    #[inline]
    fn of_segment(&self, source: IpAddr, destination: IpAddr, segment: &[u8]) -> Option<usize> {
        let &[a, b, c, d] = segment.first_chunk::<4>()?;
        let from = SocketAddr::new(source, u16::from_be_bytes([a, b]));
        Some(self.of_flow(from, SocketAddr::new(destination, u16::from_be_bytes([c, d]))))
    }

    /// An error about a segment is for who sent it.
    fn of_quoted(&self, quoted: &Quoted) -> Option<usize> {
        let from = SocketAddr::new(quoted.source, quoted.source_port);
        let to = SocketAddr::new(quoted.destination, quoted.destination_port);
        (quoted.protocol == protocol::TCP).then(|| self.of_flow(from, to))
    }
}
