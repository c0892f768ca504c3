//! What a stack does as one of several shards of a host.

use super::state::Stack;
use crate::dropped::Dropped;
use crate::interface::{InterfaceId, is_v6};
use crate::shard::Shard;
use crate::shards::{Handover, LinkView, Steering, Surroundings, Target};
use basis::{Frame, Instant};
use core::net::SocketAddr;
use wire::ipv4::Header;

/// Segments put together of fragments that wait to be handed to their shards.
const MAX_HANDOVERS: usize = 64;

impl Stack {
    /// Its place among the shards of its host.
    pub fn shard(&self) -> Shard {
        self.config.shard
    }

    /// How frames find their shards; `None` if there is one shard only.
    pub fn steering(&self) -> Option<&Steering> {
        self.steering.as_ref()
    }

    /// The shard that a connection between these ends belongs to, if that is another.
    #[inline]
    pub(crate) fn shard_elsewhere(&self, local: SocketAddr, remote: SocketAddr) -> Option<usize> {
        let shard = self.steering?.of_flow(local, remote);
        (shard != self.config.shard.index()).then_some(shard)
    }

    /// How often the addresses, routes or links changed.
    #[inline]
    pub fn surroundings_revision(&self) -> u64 {
        self.revision
    }

    /// The addresses and routes of this shard, the first, for the others to [`adopt`](Stack::adopt): when the
    /// [revision](Stack::surroundings_revision) has grown.
    pub fn surroundings(&self) -> Surroundings {
        let view = |interface: &crate::interface::Interface| LinkView {
            up: interface.up,
            intercepts: interface.intercepts,
            addresses: interface.addresses.without_timers(),
            v6: interface.v6.clone(),
            groups: interface.groups.clone(),
        };
        let links = self.interfaces.iter().map(view).collect();
        Surroundings { revision: self.revision, routes: self.routes.clone(), links }
    }

    /// Takes over what the first shard knows, unless something newer was taken over before. Both must have the same interfaces, added in
    /// the same order. This shard claims no address and asks no router by itself.
    pub fn adopt(&mut self, now: Instant, surroundings: &Surroundings) {
        if surroundings.revision <= self.adopted {
            return;
        }
        self.adopted = surroundings.revision;
        for at in 0..self.interfaces.len().min(surroundings.links.len()) {
            if !surroundings.links[at].up {
                self.set_link_state(now, InterfaceId::from_number(at as u8), false);
            }
            let LinkView { up, intercepts, addresses, v6, groups } = surroundings.links[at].clone();
            let interface = &mut self.interfaces[at];
            (interface.up, interface.intercepts) = (up, intercepts);
            (interface.addresses, interface.v6, interface.groups) = (addresses, v6, groups);
        }
        self.routes = surroundings.routes.clone();
        self.forget_recent();
    }

    /// A packet has been put together of fragments: if it is a segment of another shard, it is left to
    /// [`Stack::poll_handover`].
    #[cold]
    pub(crate) fn hand_over(
        &mut self,
        interface: InterfaceId,
        packet: &Frame,
    ) -> Option<Result<(), Dropped>> {
        let Target::Shard(shard) = self.steering?.of_packet(packet.first()) else { return None };
        if shard == self.config.shard.index() {
            return None;
        }
        if self.handovers.len() >= MAX_HANDOVERS {
            return Some(Err(Dropped::HandoverFull));
        }
        self.handovers.push_back(Handover { interface, shard, packet: packet.clone() });
        Some(Ok(()))
    }

    /// The next packet for another shard: by which interface it came, that shard's number, and the packet, which is for
    /// [`Stack::on_handover`] there.
    #[inline]
    pub fn poll_handover(&mut self) -> Option<(InterfaceId, usize, Frame)> {
        let Handover { interface, shard, packet } = self.handovers.pop_front()?;
        Some((interface, shard, packet))
    }

    /// A packet that another shard has put together; it begins with its IP header.
    ///
    /// # Errors
    /// As [`Stack::on_frame`].
    pub fn on_handover(
        &mut self,
        now: Instant,
        interface: InterfaceId,
        mut packet: Frame,
    ) -> Result<(), Dropped> {
        let result = self.open_handover(now, interface, &mut packet);
        if let Err(reason) = result {
            self.note_dropped(reason);
        }
        result
    }

    fn open_handover(&mut self, now: Instant, id: InterfaceId, packet: &mut Frame) -> Result<(), Dropped> {
        if !self.is_up(id) {
            return Err(Dropped::InterfaceDown);
        }
        if is_v6(packet) {
            return self.on_ipv6(now, id, packet, false, None);
        }
        let header = Header::parse(packet.first(), packet.len()).map_err(Dropped::Malformed)?;
        self.on_ipv4(now, id, header, packet, 0, false)
    }
}
