//! The way out: what is due on an interface, with its IP and link headers.

use super::state::Stack;
use crate::dropped::Dropped;
use crate::interface::{Context, Interface, InterfaceId, Sending, Waiting, cut, is_v6};
use basis::{Frame, Instant};
use core::hint::cold_path;
use core::net::{IpAddr, Ipv6Addr};
use wire::ipv4::Header;
use wire::segmentation::{Segments, is_finished};
use wire::{icmpv4, ipv6, protocol};

/// What a source of packets gave.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pulled {
    /// A frame, laid where it was wanted.
    Frame,
    /// A packet was taken but has no frame to show: look again.
    Taken,
    Nothing,
}

impl Stack {
    /// The next frame to leave by `interface`: local answers first, then TCP and datagrams by turns. Call it until it gives
    /// `None` or the link is full; what is not pulled stays inside.
    #[inline]
    pub fn poll_transmit(&mut self, now: Instant, interface: InterfaceId) -> Option<Frame> {
        let mut frame = Frame::new();
        self.poll_transmit_into(now, interface, &mut frame).then_some(frame)
    }

    /// Like [`Stack::poll_transmit`], but lays the frame into `frame` and tells whether there was one. A frame that is built
    /// where it stays is not copied on its way.
    #[inline]
    pub fn poll_transmit_into(&mut self, now: Instant, interface: InterfaceId, frame: &mut Frame) -> bool {
        self.has_transmit(interface) && self.next_frame(now, interface, frame)
    }

    #[inline(never)]
    fn next_frame(&mut self, now: Instant, interface: InterfaceId, frame: &mut Frame) -> bool {
        loop {
            // Mostly there is nothing but TCP.
            let pulled = match self.has_own_transmit(interface) {
                true => self.next_of_all(now, interface, frame),
                false => self.pull_segment(now, interface, frame),
            };
            match pulled {
                Pulled::Frame => break,
                Pulled::Taken => {}
                Pulled::Nothing => return false,
            }
        }
        self.counters.link.sent_frames += 1;
        self.counters.link.sent_bytes += frame.len() as u64;
        true
    }

    /// The next frame, when the interface has frames or datagrams of its own to send beside TCP's segments.
    #[inline(never)]
    fn next_of_all(&mut self, now: Instant, interface: InterfaceId, frame: &mut Frame) -> Pulled {
        loop {
            let Some(entry) = self.interfaces.get_mut(interface.index()) else { return Pulled::Nothing };
            if let Some(segments) = entry.cutting.as_mut() {
                if let Some(packet) = segments.next() {
                    *frame = packet;
                    return Pulled::Frame;
                }
                entry.cutting = None;
            }
            if let Some(ready) = entry.ready.pop_front() {
                *frame = ready;
                // A super-segment may have waited for its neighbour.
                return entry.as_link_takes(frame);
            }
            let datagrams_first = entry.datagrams_first && !entry.waiting.is_empty();
            let mut pulled = Pulled::Nothing;
            if !datagrams_first {
                pulled = self.pull_segment(now, interface, frame);
            }
            if pulled == Pulled::Nothing {
                pulled = self.pull_datagram(now, interface, frame);
            }
            match pulled {
                Pulled::Frame => return Pulled::Frame,
                Pulled::Taken => {}
                Pulled::Nothing if datagrams_first => {}
                Pulled::Nothing => return Pulled::Nothing,
            }
        }
    }

    /// The next segment of TCP.
    #[inline(always)]
    fn pull_segment(&mut self, now: Instant, id: InterfaceId, frame: &mut Frame) -> Pulled {
        frame.reset();
        let Some(tcp::Outgoing { tuple, time_to_live, traffic_class }) =
            self.tcp.poll_transmit(now, id.number(), frame)
        else {
            return Pulled::Nothing;
        };
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return Pulled::Nothing };
        interface.datagrams_first = true;
        let traffic_class = traffic_class | frame.ecn as u8;
        let remote = match (&tuple.local, &tuple.remote) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                Header { time_to_live, traffic_class, ..Header::new(*source, *destination, protocol::TCP) }
                    .prepend_to(frame);
                IpAddr::V4(*destination)
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                prepend_v6(source, destination, (time_to_live, traffic_class), frame);
                IpAddr::V6(*destination)
            }
            _ => {
                cold_path();
                self.counters.dropped.count(Dropped::NoRoute);
                return Pulled::Taken;
            }
        };
        if !interface.send_recent(now, remote, frame) {
            cold_path();
            return self.send_seldom(now, id, remote, frame);
        }
        interface.as_link_takes(frame)
    }

    /// The rest of [`Stack::pull_segment`] for a destination that no packet has been sent to lately.
    #[inline(never)]
    fn send_seldom(
        &mut self,
        now: Instant,
        id: InterfaceId,
        destination: IpAddr,
        frame: &mut Frame,
    ) -> Pulled {
        match self.send_by_table(now, id, destination, core::mem::take(frame)) {
            Some(sent) => *frame = sent,
            None => return Pulled::Taken,
        }
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return Pulled::Nothing };
        interface.as_link_takes(frame)
    }

    /// The long way for a packet that leaves by `id`: routes, then neighbours. `None` if it cannot leave now.
    #[cold]
    fn send_by_table(
        &mut self,
        now: Instant,
        id: InterfaceId,
        destination: IpAddr,
        packet: Frame,
    ) -> Option<Frame> {
        match self.next_hop_over(id, destination) {
            Some(next_hop) => self.send_to(now, id, next_hop, destination, packet),
            None => {
                self.on_unsendable(now, &packet, icmpv4::NETWORK_UNREACHABLE);
                None
            }
        }
    }

    /// Gives `packet` the link header for `next_hop`. `None` if it cannot leave now.
    fn send_to(
        &mut self,
        now: Instant,
        id: InterfaceId,
        next_hop: IpAddr,
        destination: IpAddr,
        mut packet: Frame,
    ) -> Option<Frame> {
        let interface = self.interfaces.get_mut(id.index())?;
        let mut context = Context {
            now,
            timers: &mut self.timers,
            counters: &mut self.counters,
            identification: &mut self.identification,
        };
        match interface.send(&mut context, next_hop, destination, &mut packet) {
            Sending::Ready => Some(packet),
            Sending::Taken => None,
            Sending::Unreachable => {
                self.on_unsendable(now, &packet, icmpv4::HOST_UNREACHABLE);
                None
            }
        }
    }

    /// The next datagram of a socket.
    fn pull_datagram(&mut self, now: Instant, id: InterfaceId, frame: &mut Frame) -> Pulled {
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return Pulled::Nothing };
        interface.datagrams_first = false;
        let Some(Waiting { owner, next_hop, mut packet }) = interface.pop_waiting() else {
            return Pulled::Nothing;
        };
        let Some(destination) = destination_of(&packet) else { return Pulled::Taken };
        let mtu = interface.mtu_to(destination);
        self.charge_back(owner, &packet);
        let path_mtu = self.path_mtus.mtu(now, destination, mtu as u32) as usize;
        if path_mtu < mtu && packet.len() > path_mtu {
            self.send_fragments(now, id, next_hop, destination, &packet, path_mtu);
            return Pulled::Taken;
        }
        if packet.len() <= mtu
            && let Some(interface) = self.interfaces.get_mut(id.index())
            && interface.send_recent(now, destination, &mut packet)
        {
            *frame = packet;
            return Pulled::Frame;
        }
        match self.send_to(now, id, next_hop, destination, packet) {
            Some(sent) => {
                *frame = sent;
                Pulled::Frame
            }
            None => Pulled::Taken,
        }
    }

    /// A packet that fits the interface but not its path.
    #[cold]
    fn send_fragments(
        &mut self,
        now: Instant,
        id: InterfaceId,
        next_hop: IpAddr,
        destination: IpAddr,
        packet: &Frame,
        path_mtu: usize,
    ) {
        let Some(fragments) = cut(packet, path_mtu, &mut self.identification) else {
            self.counters.dropped.count(Dropped::TooLong);
            return;
        };
        self.counters.ip.fragmented += 1;
        self.counters.ip.sent_fragments += fragments.len() as u64;
        for fragment in fragments {
            if let Some(frame) = self.send_to(now, id, next_hop, destination, fragment)
                && let Some(interface) = self.interfaces.get_mut(id.index())
            {
                interface.push_ready(&mut self.counters, frame);
            }
        }
    }

    /// Queues an IP packet of this host itself to leave by `id`.
    pub(crate) fn queue_packet(&mut self, now: Instant, id: InterfaceId, destination: IpAddr, packet: Frame) {
        // No router cuts packets of IPv6: an answer that is too long for its path would never arrive.
        if destination.is_ipv6() {
            let mtu = self.path(now, id, destination).mtu as usize;
            if packet.len() > mtu
                && let Some(next_hop) = self.next_hop_over(id, destination)
            {
                return self.send_fragments(now, id, next_hop, destination, &packet, mtu);
            }
        }
        if let Some(frame) = self.send_by_table(now, id, destination, packet)
            && let Some(interface) = self.interfaces.get_mut(id.index())
        {
            interface.push_ready(&mut self.counters, frame);
        }
    }
}

impl Interface {
    /// Whether something other than TCP has something to give.
    #[inline]
    pub(super) fn has_own_transmit(&self) -> bool {
        !self.ready.is_empty() || !self.waiting.is_empty() || self.cutting.is_some()
    }

    /// `frame` leaves whole if the link can take it so.
    #[inline]
    fn as_link_takes(&mut self, frame: &mut Frame) -> Pulled {
        if self.super_segments || is_finished(frame) { Pulled::Frame } else { self.begin_to_cut(frame) }
    }

    /// The link takes one packet at a time, and `frame` is several: they leave one by one.
    #[inline(never)]
    fn begin_to_cut(&mut self, frame: &mut Frame) -> Pulled {
        self.cutting = Some(Segments::of(core::mem::take(frame), self.link_header()));
        Pulled::Taken
    }
}

/// Writes the header of IPv6 in front of a segment.
#[inline(never)]
fn prepend_v6(source: &Ipv6Addr, destination: &Ipv6Addr, labels: (u8, u8), frame: &mut Frame) {
    let header = ipv6::Header::new(*source, *destination, protocol::TCP);
    let (hop_limit, traffic_class) = labels;
    ipv6::Header { hop_limit, traffic_class, ..header }.prepend_to(frame);
}

/// Where an IP packet of ours goes.
fn destination_of(packet: &Frame) -> Option<IpAddr> {
    if is_v6(packet) {
        let header = ipv6::Header::parse(packet.first(), packet.len()).ok()?;
        return Some(IpAddr::V6(header.destination));
    }
    Some(IpAddr::V4(Header::parse(packet.first(), packet.len()).ok()?.destination))
}
