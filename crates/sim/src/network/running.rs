//! Time passes: one thing after the other happens.

use super::agenda::Item;
use super::cabling::Arrival;
use super::id::{FrameId, NodeId};
use super::node::Kind;
use super::occurrence::{Arrived, Due, Occurrence, Outcome, Sent};
use super::rule::{Effect, RuleId};
use super::simulation::{Leaving, Network};
use super::trace::{Fate, Record};
use basis::{Frame, Instant};
use bytes::Bytes;
use stack::InterfaceId;
use wire::segmentation::Segments;

/// Occurrences at one point in time beyond which somebody is thought to spin.
const PATIENCE: u32 = 4_000_000;

impl Network {
    /// Lets one thing happen, the next one; time passes if nothing is left to happen now. `None` if nothing happens before
    /// `end`: then it is that time.
    ///
    /// # Panics
    /// When something happens again and again without time passing: it would hang a real program.
    pub fn advance(&mut self, end: Instant) -> Option<Occurrence> {
        self.steps += 1;
        assert!(self.steps < PATIENCE, "something is due again and again at {:?}", self.now);
        loop {
            if let Some(leaving) = self.leaving.pop_front() {
                return Some(Occurrence::Sent(self.send(leaving)));
            }
            if let Some(&node) = self.touched.front() {
                if !self.pull(node) {
                    self.touched.pop_front();
                }
                continue;
            }
            if let Some(item) = self.agenda.pop(self.now) {
                return Some(match item {
                    Item::Arrival(arrival) => Occurrence::Arrived(self.arrive(arrival)),
                    Item::Wire(wire, up) => {
                        self.wires[wire.0].up = up;
                        Occurrence::Wire(wire, up)
                    }
                });
            }
            if let Some(node) = self.clockwork.pop(self.now) {
                self.expire(node);
                return Some(Occurrence::TimedOut(node));
            }
            let Some(next) = self.next().filter(|next| *next <= end) else {
                self.now = self.now.max(end);
                return None;
            };
            self.steps = if next > self.now { 0 } else { self.steps };
            self.now = self.now.max(next);
        }
    }

    /// When something happens next, if all that is due now has happened.
    pub(super) fn next(&mut self) -> Option<Instant> {
        let (frames, timers) = (self.agenda.next(), self.clockwork.next());
        frames.into_iter().chain(timers).min()
    }

    /// Takes the next frame out of a host; false if there is none. Then it waits for its next deadline.
    fn pull(&mut self, node: NodeId) -> bool {
        let (now, entry) = (self.now, &mut self.nodes[node.0]);
        if let Kind::Host(stack) = &mut entry.kind {
            for (port, (wire, _)) in entry.plugs.iter().enumerate() {
                let Some(frame) = stack.poll_transmit(now, InterfaceId::from_number(port as u8)) else {
                    continue;
                };
                let link_header = if self.wires[wire.0].ethernet { 14 } else { 0 };
                for packet in Segments::of(frame, link_header) {
                    let bytes = Bytes::from(packet.to_vec());
                    self.leaving.push_back(Leaving { node, port, parent: None, bytes });
                }
                return true;
            }
            self.clockwork.set(node, stack.poll_timeout());
        }
        if let Kind::Router(router) = &entry.kind {
            self.clockwork.set(node, router.poll_timeout());
        }
        entry.touched = false;
        false
    }

    fn expire(&mut self, node: NodeId) {
        match &mut self.nodes[node.0].kind {
            Kind::Host(stack) => stack.on_timeout(self.now),
            Kind::Switch(_) => {}
            Kind::Router(router) => {
                let leaving = &mut self.leaving;
                let mut out = |port, bytes| leaving.push_back(Leaving { node, port, parent: None, bytes });
                router.on_timeout(self.now, &mut out);
            }
        }
        self.touch(node);
    }

    fn arrive(&mut self, arrival: Arrival) -> Arrived {
        let Arrival { frame, wire, node, port, bytes, .. } = arrival;
        let ethernet = self.wires[wire.0].ethernet;
        let (now, length) = (self.now, bytes.len());
        let record =
            Record { at: now, host: node, wire, fate: Fate::Received, bytes: bytes.clone(), ethernet };
        self.trace.add(record);
        let leaving = &mut self.leaving;
        let mut out = |port, bytes| leaving.push_back(Leaving { node, port, parent: Some(frame), bytes });
        let entry = &mut self.nodes[node.0];
        let outcome = match &mut entry.kind {
            Kind::Host(stack) => {
                let interface = InterfaceId::from_number(port as u8);
                match stack.on_frame(now, interface, Frame::from_device(bytes.clone(), length)) {
                    Ok(()) => Outcome::Taken,
                    Err(dropped) => Outcome::Dropped(dropped),
                }
            }
            Kind::Switch(switch) => switch.on_frame(now, port, entry.plugs.len(), &bytes, &mut out),
            Kind::Router(router) => router.on_frame(now, port, &bytes, &mut out),
        };
        self.touch(node);
        Arrived { frame, node, wire, bytes, outcome }
    }

    fn send(&mut self, leaving: Leaving) -> Sent {
        let Leaving { node, port, parent, bytes } = leaving;
        let Network { now, random, nodes, wires, rules, agenda, trace, frames, .. } = self;
        let (wire, end) = nodes[node.0].plugs[port];
        let (at, wire) = (*now, &mut wires[wire.0]);
        let frame = FrameId(*frames);
        *frames += 1;
        let mut record =
            Record { at, host: node, wire: wire.id, fate: Fate::Sent, bytes, ethernet: wire.ethernet };
        let (rule, effect) = judge(rules, node, &record);
        trace.add(record.clone());
        let mut arrivals = Vec::new();
        let mut deliver = |at, arrival: Arrival| {
            arrivals.push(Due { node: arrival.node, at, corrupted: arrival.corrupted });
            agenda.enter(at, Item::Arrival(arrival));
        };
        let carried = wire.carry(at, end, (frame, &record.bytes), effect, random, &mut deliver);
        if let Err(fate) = carried {
            record.fate = fate;
            trace.add(record.clone());
        }
        let Record { wire, fate, bytes, .. } = record;
        Sent { frame, parent, node, wire, bytes, fate, rule, arrivals }
    }
}

/// The first rule that meets a frame, and what it does to it.
fn judge(rules: &mut [super::rule::Rule], node: NodeId, record: &Record) -> (Option<RuleId>, Option<Effect>) {
    if rules.is_empty() {
        return (None, None);
    }
    let packet = record.packet();
    let mut met = (None, None);
    for (number, rule) in rules.iter_mut().enumerate() {
        // Every rule counts what it is about, whichever decides.
        if let Some(effect) = rule.apply(node, &packet)
            && met.0.is_none()
        {
            met = (Some(RuleId(number)), Some(effect));
        }
    }
    met
}
