//! What a stack tells of itself to people.

use super::state::Stack;
use crate::config::Medium;
use crate::interface::v6::address::Origin;
use crate::interface::{AddressState, Claim, InterfaceId};
use crate::neighbour::NeighbourState;
use crate::udp::UdpId;
use basis::Instant;
use core::net::{IpAddr, SocketAddr};
use ipnet::IpNet;
use wire::ethernet::MacAddress;

/// One row of a report on interfaces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InterfaceReport<'a> {
    /// Its number.
    pub id: InterfaceId,
    /// Its name.
    pub name: &'a str,
    /// What its frames are.
    pub medium: Medium,
    /// Bytes of the longest IP packet.
    pub mtu: usize,
    /// Whether its link is there.
    pub up: bool,
    /// Whole frames that wait to leave.
    pub queued_frames: usize,
    /// Datagrams of sockets that wait to leave.
    pub queued_datagrams: usize,
}

/// One row of a report on addresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AddressReport {
    /// Its interface.
    pub interface: InterfaceId,
    /// The address, with the length of its network's prefix.
    pub address: IpNet,
    /// Whether it may be used.
    pub state: AddressState,
    /// The last claim of another station to it while it was in use.
    pub claim: Option<Claim>,
    /// Until when connections begin from it and until when it is valid, where a router has told; an owner's is for ever.
    pub lifetime: Option<(Instant, Instant)>,
}

impl AddressReport {
    /// The station that has taken the address, or that claimed it not long before `now`.
    pub fn rival(&self, now: Instant) -> Option<MacAddress> {
        match self.state {
            AddressState::Conflict(station) => Some(station),
            _ => self.claim.filter(|claim| now < claim.until).map(|claim| claim.station),
        }
    }
}

/// One row of a report on neighbours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NeighbourReport {
    /// By which interface it is reached.
    pub interface: InterfaceId,
    /// Its address.
    pub address: IpAddr,
    /// Its hardware address, once it was known.
    pub hardware: Option<MacAddress>,
    /// How much that can be trusted.
    pub state: NeighbourState,
    /// Packets that wait for it.
    pub waiting: usize,
}

/// One row of a report on UDP sockets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UdpReport {
    /// The socket.
    pub id: UdpId,
    /// Its own address.
    pub local: SocketAddr,
    /// Where it is connected to.
    pub remote: Option<SocketAddr>,
}

impl Stack {
    /// All interfaces.
    pub fn interfaces(&self) -> impl Iterator<Item = InterfaceReport<'_>> {
        self.interfaces.iter().map(|interface| InterfaceReport {
            id: interface.id,
            name: &interface.name,
            medium: interface.medium,
            mtu: interface.mtu,
            up: interface.up,
            queued_frames: interface.ready.len(),
            queued_datagrams: interface.waiting.len(),
        })
    }

    /// All addresses.
    pub fn addresses(&self) -> impl Iterator<Item = AddressReport> + '_ {
        self.interfaces.iter().flat_map(|interface| {
            let v4 = interface.addresses.iter().map(|own| AddressReport {
                interface: interface.id,
                address: IpNet::V4(own.network),
                state: own.state(),
                claim: own.last_claim(),
                lifetime: None,
            });
            let v6 = interface.v6.addresses.iter().map(|own| AddressReport {
                interface: interface.id,
                address: IpNet::V6(own.network()),
                state: own.state(),
                claim: own.claim(),
                lifetime: (own.origin == Origin::Router)
                    .then(|| (own.lifetime().preferred_until, own.lifetime().valid_until)),
            });
            v4.chain(v6)
        })
    }

    /// All neighbours.
    pub fn neighbours(&self) -> impl Iterator<Item = NeighbourReport> + '_ {
        self.interfaces.iter().flat_map(|interface| {
            interface.neighbours.iter().map(|neighbour| NeighbourReport {
                interface: interface.id,
                address: neighbour.address,
                hardware: neighbour.hardware.is_unicast().then_some(neighbour.hardware),
                state: neighbour.state,
                waiting: neighbour.waiting_packets(),
            })
        })
    }

    /// All UDP sockets.
    pub fn udp_sockets(&self) -> impl Iterator<Item = UdpReport> + '_ {
        self.udp.iter().map(|(id, socket)| UdpReport { id, local: socket.local(), remote: socket.remote })
    }
}
