//! UDP's verbs about groups (RFC 1112 7, RFC 3493 5.2).

use super::state::Stack;
use crate::error::GroupError;
use crate::interface::InterfaceId;
use crate::shares::Sender;
use crate::udp::{Delivery, UdpId};
use basis::{Frame, Instant};
use core::net::{IpAddr, SocketAddr};

/// Groups that one socket can join, on all interfaces together.
const MAXIMUM_GROUPS: usize = 64;

impl Stack {
    /// Lets a socket hear what is sent to `group` on an interface's link: on the first one that has an address of the family, if
    /// none is named.
    ///
    /// # Errors
    /// When there is no such socket or interface, `group` is no group or of a family that the socket does not speak, or it has
    /// been joined; or there is no room.
    pub fn udp_join(
        &mut self,
        now: Instant,
        id: UdpId,
        group: IpAddr,
        interface: Option<InterfaceId>,
    ) -> Result<(), GroupError> {
        let interface = self.link_of_group(group, interface)?;
        let socket = self.udp.get_mut(id).ok_or(GroupError::NoSuchSocket)?;
        if !group.is_multicast() || !socket.speaks(group) {
            return Err(GroupError::NotAGroup);
        }
        if socket.multicast.groups.contains(&(interface.number(), group)) {
            return Err(GroupError::AlreadyJoined);
        }
        if socket.multicast.groups.len() >= MAXIMUM_GROUPS {
            return Err(GroupError::TooManyGroups);
        }
        let entry = self.interfaces.get_mut(interface.index()).ok_or(GroupError::NoSuchInterface)?;
        entry.groups.join(now, group).ok_or(GroupError::TooManyGroups)?;
        if let Some(socket) = self.udp.get_mut(id) {
            socket.multicast.groups.push((interface.number(), group));
        }
        self.report_groups(now, interface);
        self.plan_upkeep(interface);
        Ok(())
    }

    /// Takes back [`Stack::udp_join`].
    ///
    /// # Errors
    /// When there is no such socket or interface, or the socket has not joined the group there.
    pub fn udp_leave(
        &mut self,
        now: Instant,
        id: UdpId,
        group: IpAddr,
        interface: Option<InterfaceId>,
    ) -> Result<(), GroupError> {
        let interface = self.link_of_group(group, interface)?;
        let socket = self.udp.get_mut(id).ok_or(GroupError::NoSuchSocket)?;
        let groups = &mut socket.multicast.groups;
        let place = groups.iter().position(|joined| *joined == (interface.number(), group));
        groups.remove(place.ok_or(GroupError::NotJoined)?);
        self.leave_group(now, interface, group);
        Ok(())
    }

    /// One socket needs the group no more.
    pub(crate) fn leave_group(&mut self, now: Instant, id: InterfaceId, group: IpAddr) {
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
        interface.groups.leave(now, group);
        self.report_groups(now, id);
        self.plan_upkeep(id);
    }

    fn link_of_group(
        &self,
        group: IpAddr,
        interface: Option<InterfaceId>,
    ) -> Result<InterfaceId, GroupError> {
        if let Some(id) = interface {
            return self.interface(id).map(|interface| interface.id).ok_or(GroupError::NoSuchInterface);
        }
        if !group.is_multicast() {
            return Err(GroupError::NotAGroup);
        }
        self.way_to(group, None).map(|way| way.interface).map_err(|_| GroupError::NoSuchInterface)
    }

    /// What a socket sends to a group comes back to this host's own listeners (RFC 1112 6.1), if the sender lets it.
    pub(crate) fn bring_back(
        &mut self,
        id: UdpId,
        payload: &[u8],
        from: SocketAddr,
        to: SocketAddr,
        interface: InterfaceId,
    ) {
        let comes_back = self.udp.get(id).is_some_and(|socket| match to {
            SocketAddr::V4(_) => socket.multicast.comes_back_v4,
            SocketAddr::V6(_) => socket.multicast.comes_back_v6,
        });
        let to = SocketAddr::new(to.ip(), to.port());
        if !comes_back {
            return;
        }
        if let Some(listener) = self.udp.find_joined(from, to, interface.number()) {
            let mut payload = Frame::copy_of(payload);
            let (sender, time_to_live) = (Sender::Address(from.ip()), self.config.time_to_live);
            let delivery = Delivery { from, to, sender, time_to_live, dont_fragment: false };
            self.udp.share_with_group(listener, delivery, interface.number(), &payload);
            self.counters.udp.received +=
                u64::from(self.udp.deliver(listener, delivery, &mut payload).is_ok());
        }
    }

    /// Whether what the socket sends to groups comes back to this host's own listeners, by family; at first it does. False if there
    /// is no such socket.
    pub fn udp_set_multicast_loop(&mut self, id: UdpId, six: bool, comes_back: bool) -> bool {
        let Some(socket) = self.udp.get_mut(id) else { return false };
        let options = &mut socket.multicast;
        *(if six { &mut options.comes_back_v6 } else { &mut options.comes_back_v4 }) = comes_back;
        true
    }

    /// As [`Stack::udp_set_multicast_loop`] has set it.
    pub fn udp_multicast_loop(&self, id: UdpId, six: bool) -> Option<bool> {
        let options = &self.udp.get(id)?.multicast;
        Some(if six { options.comes_back_v6 } else { options.comes_back_v4 })
    }

    /// Sets the hops that the socket's IPv4 datagrams to groups may go; at first 1. False if there is no such socket.
    pub fn udp_set_multicast_ttl(&mut self, id: UdpId, hops: u8) -> bool {
        self.udp.get_mut(id).map(|socket| socket.multicast.time_to_live = hops).is_some()
    }

    /// The hops that the socket's IPv4 datagrams to groups may go.
    pub fn udp_multicast_ttl(&self, id: UdpId) -> Option<u8> {
        Some(self.udp.get(id)?.multicast.time_to_live)
    }
}
