//! Bytes to meaning and back: Ethernet, ARP, IPv4, IPv6, ICMP, neighbour discovery, group management, UDP and TCP.
//!
//! Every format has a plain struct, a `parse` that checks what hostile bytes may get wrong and names it as [`Malformed`],
//! and a `prepend_to` that writes the header backwards into the headroom of a [`basis::Frame`]. A frame is thus built from
//! the payload outwards: TCP, then IPv4, then Ethernet. Nothing here panics on any bytes.
//!
//! ```
//! use basis::Frame;
//! use core::net::{IpAddr, Ipv4Addr};
//! use netstrata_wire::{ipv4, protocol, tcp};
//!
//! let (here, there) = (Ipv4Addr::new(10, 7, 0, 2), Ipv4Addr::new(10, 7, 0, 3));
//! let mut frame = Frame::new();
//! frame.append(b"hello");
//! let header = tcp::Header { source_port: 9528, destination_port: 40_000, flags: tcp::Flags::ACK, ..Default::default() };
//! header.prepend_to(&mut frame, IpAddr::V4(here), IpAddr::V4(there));
//! ipv4::Header::new(here, there, protocol::TCP).prepend_to(&mut frame);
//!
//! let network = ipv4::Header::parse(frame.first(), frame.len()).unwrap();
//! assert_eq!(network.total_length, 20 + 20 + 5);
//! frame.strip(network.header_length);
//! tcp::verify(IpAddr::V4(here), IpAddr::V4(there), frame.parts()).unwrap();
//! let (parsed, length) = tcp::Header::parse(frame.first()).unwrap();
//! assert_eq!((parsed, length), (header, 20));
//! ```
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod arp;
pub mod checksum;
pub mod ethernet;
pub mod icmpv4;
pub mod icmpv6;
pub mod igmp;
pub mod ipv4;
pub mod ipv6;
mod malformed;
pub mod mld;
pub mod ndp;
pub mod protocol;
pub mod segmentation;
pub mod tcp;
#[cfg(test)]
mod test_support;
pub mod udp;
mod words;

pub use ethernet::{EtherType, MacAddress};
pub use malformed::Malformed;
