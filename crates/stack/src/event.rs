//! What a stack has to tell its owner.

use crate::icmp::ping::PingId;
use crate::interface::{AddressState, InterfaceId};
use crate::udp::{UdpId, UdpReadiness};
use core::net::IpAddr;
use wire::ethernet::MacAddress;

/// Something became possible or changed. Events report edges: the owner asks for the present state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// A TCP connection or listener.
    Tcp(tcp::Event),
    /// A UDP socket; a socket closed meanwhile may still be named.
    Udp(UdpId, UdpReadiness),
    /// Something arrived at an echo socket; a socket closed meanwhile may still be named.
    Ping(PingId),
    /// An address changed its state.
    Address {
        /// The address's interface.
        interface: InterfaceId,
        /// The address.
        address: IpAddr,
        /// Its new state.
        state: AddressState,
    },
    /// Another station claims an address that is in use, and stays in use. If that costs the address, the event is
    /// [`Event::Address`].
    Contested {
        /// The address's interface.
        interface: InterfaceId,
        /// The address.
        address: IpAddr,
        /// The hardware address that the other station gave.
        station: MacAddress,
    },
}
