//! The network: its nodes, its wires and its clock.

use super::agenda::{Agenda, Item};
use super::cabling::Wire;
use super::clockwork::Clockwork;
use super::id::{FrameId, HostId, NodeId, WireId};
use super::impairments::Impairments;
use super::node::{Kind, Node};
use super::router::Router;
use super::rule::{Rule, RuleId};
use super::switch::{Station, Switch, SwitchConfig};
use super::trace::Trace;
use basis::{Instant, Random};
use bytes::Bytes;
use ipnet::IpNet;
use stack::{InterfaceConfig, InterfaceId, Medium, Probing, Stack, StackConfig};
use std::collections::VecDeque;
use std::time::Duration;
use wire::MacAddress;

/// Where the clock begins: not at zero, as no real clock does.
const BEGIN: Instant = Instant::from_millis(1_000);

/// Hosts on wires, with one clock and one seed. See the [module](super).
pub struct Network {
    pub(super) now: Instant,
    pub(super) random: Random,
    pub(super) nodes: Vec<Node>,
    pub(super) wires: Vec<Wire>,
    pub(super) rules: Vec<Rule>,
    pub(super) agenda: Agenda,
    pub(super) clockwork: Clockwork,
    /// Nodes that may have something to send.
    pub(super) touched: VecDeque<NodeId>,
    /// Frames that have left a node and are not on its wire yet.
    pub(super) leaving: VecDeque<Leaving>,
    pub(super) trace: Trace,
    /// Frames sent so far.
    pub(super) frames: u64,
    /// What happened since time passed.
    pub(super) steps: u32,
}

/// A frame at a port.
pub(super) struct Leaving {
    pub(super) node: NodeId,
    pub(super) port: usize,
    pub(super) parent: Option<FrameId>,
    pub(super) bytes: Bytes,
}

impl Network {
    /// A network without nodes. All its randomness grows from `seed`.
    pub fn new(seed: u64) -> Network {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Network {
            now: BEGIN,
            random: Random::new(bytes),
            nodes: Vec::new(),
            wires: Vec::new(),
            rules: Vec::new(),
            agenda: Agenda::default(),
            clockwork: Clockwork::default(),
            touched: VecDeque::new(),
            leaving: VecDeque::new(),
            trace: Trace::default(),
            frames: 0,
            steps: 0,
        }
    }

    // ---- building ----

    /// Adds a host with the usual configuration.
    pub fn add_host(&mut self, name: &str) -> HostId {
        self.add_host_with(name, StackConfig::default())
    }

    /// Adds a host.
    pub fn add_host_with(&mut self, name: &str, config: StackConfig) -> HostId {
        let stack = Stack::new(self.now, config, self.random.seed());
        self.add_node(name, Kind::Host(Box::new(stack)))
    }

    /// Adds a hub: what comes by one port leaves by all others.
    pub fn add_hub(&mut self, name: &str) -> NodeId {
        self.add_node(name, Kind::Switch(Switch::new(None)))
    }

    /// Adds a switch that learns behind which port each station is.
    pub fn add_switch(&mut self, name: &str, config: SwitchConfig) -> NodeId {
        self.add_node(name, Kind::Switch(Switch::new(Some(config))))
    }

    /// Adds a router. Each port gets the address of its cable's end; see [`Network::add_route`] for networks further away.
    pub fn add_router(&mut self, name: &str) -> NodeId {
        self.add_node(name, Kind::Router(Router::default()))
    }

    /// Lets a host or router send packets to `network`, as in `10.0.2.0/24`, by the neighbour `next`.
    ///
    /// # Panics
    /// When it cannot be: that is a fault of the test.
    #[expect(clippy::expect_used, reason = "a test that writes a wrong address is to be stopped")]
    pub fn add_route(&mut self, node: NodeId, network: &str, next: &str) {
        let network: ipnet::Ipv4Net = network.parse().expect("a network with its prefix length");
        let next: std::net::Ipv4Addr = next.parse().expect("an address");
        match &mut self.nodes[node.0].kind {
            Kind::Host(stack) => {
                let near =
                    |address: &stack::AddressReport| address.address.contains(&std::net::IpAddr::V4(next));
                let interface = stack.addresses().find(near).map(|address| address.interface);
                let interface = interface.expect("an interface to the neighbour");
                stack.add_route(network.into(), Some(next.into()), interface).expect("room for a route");
            }
            Kind::Router(router) => router.add_route(network, next),
            Kind::Switch(_) => {}
        }
    }

    fn add_node(&mut self, name: &str, kind: Kind) -> NodeId {
        self.nodes.push(Node::new(name, kind));
        NodeId(self.nodes.len() - 1)
    }

    /// Chooses the hardware address of a node's first port; the others count on from it. Only for ports that it gets later.
    pub fn set_hardware(&mut self, node: NodeId, hardware: MacAddress) {
        self.nodes[node.0].hardware = Some(hardware);
    }

    /// Joins two hosts by a cable that carries bare IP packets. Each gets the address, and a route to the network, that is
    /// written as `10.0.0.1/24`.
    ///
    /// # Panics
    /// When an address cannot be given: that is a fault of the test.
    pub fn cable(&mut self, impairments: Impairments, one: (HostId, &str), other: (HostId, &str)) -> WireId {
        self.join(impairments, false, &[one, other])
    }

    /// Joins two nodes by a cable that carries Ethernet frames. A host or router gets the address, if it is not empty.
    ///
    /// # Panics
    /// When an address cannot be given: that is a fault of the test.
    pub fn ethernet(
        &mut self,
        impairments: Impairments,
        one: (NodeId, &str),
        other: (NodeId, &str),
    ) -> WireId {
        self.join(impairments, true, &[one, other])
    }

    /// Joins hosts by a segment of Ethernet: every frame reaches all the others.
    ///
    /// # Panics
    /// When an address cannot be given: that is a fault of the test.
    pub fn segment(&mut self, impairments: Impairments, ends: &[(HostId, &str)]) -> WireId {
        self.join(impairments, true, ends)
    }

    fn join(&mut self, impairments: Impairments, ethernet: bool, ends: &[(NodeId, &str)]) -> WireId {
        let id = WireId(self.wires.len());
        let mut wire = Wire::new(id, impairments, ethernet);
        for (end, (node, address)) in ends.iter().enumerate() {
            let now = self.now;
            let entry = &mut self.nodes[node.0];
            let port = entry.plugs.len();
            let hardware = entry.hardware(node.0, port);
            if let Kind::Host(stack) = &mut entry.kind {
                let medium = if ethernet { Medium::Ethernet(hardware) } else { Medium::Ip };
                let (mtu, super_segments) = (impairments.mtu, impairments.super_segments);
                let name = format!("{}{}", entry.name, port);
                let interface =
                    stack.add_interface(now, InterfaceConfig { name, medium, mtu, super_segments });
                give_address(stack, now, interface, address);
            }
            if let Kind::Router(router) = &mut entry.kind {
                router.add_port(hardware, address.parse().ok(), impairments.mtu);
            }
            entry.plugs.push((id, end));
            wire.add_end(*node, port);
            self.touch(*node);
        }
        self.wires.push(wire);
        id
    }

    /// Gives a host the loopback interface, 127.0.0.1: what it sends there comes back to it.
    ///
    /// # Panics
    /// When the node is no host: that is a fault of the test.
    pub fn add_loopback(&mut self, host: HostId) -> WireId {
        let (id, now) = (WireId(self.wires.len()), self.now);
        let port = self.nodes[host.0].plugs.len();
        let config = InterfaceConfig {
            name: "loopback".to_owned(),
            medium: Medium::Loopback,
            mtu: 65_535,
            super_segments: false,
        };
        let stack = self.stack(host);
        let interface = stack.add_interface(now, config);
        give_address(stack, now, interface, "127.0.0.1/8");
        let mut wire = Wire::new(id, Impairments { mtu: 65_535, ..Impairments::NONE }, false);
        wire.add_end(host, port);
        self.wires.push(wire);
        self.nodes[host.0].plugs.push((id, 0));
        id
    }

    /// Lets a node put a frame on the wire of one of its ports, whatever its stack thinks of it.
    pub fn inject(&mut self, node: NodeId, port: usize, bytes: Bytes) {
        self.leaving.push_back(Leaving { node, port, parent: None, bytes });
    }

    /// Adds a fault. Rules are asked in order; the first that meets a packet decides.
    pub fn add_rule(&mut self, rule: Rule) -> RuleId {
        self.rules.push(rule);
        RuleId(self.rules.len() - 1)
    }

    /// A rule, to ask how often it met a packet.
    pub fn rule(&self, id: RuleId) -> &Rule {
        &self.rules[id.0]
    }

    /// Changes what a wire does from now on.
    pub fn set_impairments(&mut self, wire: WireId, impairments: Impairments) {
        self.wires[wire.0].impairments = impairments;
    }

    /// Cuts a wire or mends it. The hosts do not notice. What is on its way still arrives.
    pub fn set_up(&mut self, wire: WireId, up: bool) {
        self.wires[wire.0].up = up;
    }

    /// Cuts a wire, or mends it, when `at` has come.
    pub fn set_up_at(&mut self, at: Instant, wire: WireId, up: bool) {
        self.agenda.enter(at.max(self.now), Item::Wire(wire, up));
    }

    // ---- looking ----

    /// The time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// A host's stack, to use its sockets. What it has to send leaves with the next step.
    ///
    /// # Panics
    /// When the node is no host: that is a fault of the test.
    pub fn stack(&mut self, host: HostId) -> &mut Stack {
        self.touch(host);
        let Node { name, kind, .. } = &mut self.nodes[host.0];
        match kind {
            Kind::Host(stack) => stack,
            Kind::Switch(_) | Kind::Router(_) => panic!("{name} is no host"),
        }
    }

    /// A host's stack, to look at; `None` if the node is no host.
    pub fn host(&self, node: NodeId) -> Option<&Stack> {
        match &self.nodes.get(node.0)?.kind {
            Kind::Host(stack) => Some(stack),
            Kind::Switch(_) | Kind::Router(_) => None,
        }
    }

    /// What a switch knows, by address; nothing for other nodes.
    pub fn stations(&self, switch: NodeId) -> Vec<Station> {
        match &self.nodes[switch.0].kind {
            Kind::Switch(switch) => switch.table(self.now),
            Kind::Host(_) | Kind::Router(_) => Vec::new(),
        }
    }

    /// A node's name.
    pub fn name(&self, node: NodeId) -> &str {
        &self.nodes[node.0].name
    }

    /// All nodes, in the order in which they were added.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.nodes.len()).map(NodeId)
    }

    /// The wire of each port of a node.
    pub fn wires_of(&self, node: NodeId) -> impl Iterator<Item = WireId> {
        self.nodes[node.0].plugs.iter().map(|(wire, _)| *wire)
    }

    /// Whether a wire carries Ethernet frames; else it carries bare IP packets.
    pub fn is_ethernet(&self, wire: WireId) -> bool {
        self.wires[wire.0].ethernet
    }

    /// The nodes at the ends of a wire.
    pub fn ends(&self, wire: WireId) -> impl Iterator<Item = NodeId> {
        self.wires[wire.0].ends.iter().map(|end| end.node)
    }

    /// The hardware address of a node's port.
    pub fn hardware(&self, node: NodeId, port: usize) -> MacAddress {
        self.nodes[node.0].hardware(node.0, port)
    }

    /// Bytes that wait at a node's port for their turn on the wire.
    pub fn waiting(&self, node: NodeId, port: usize) -> usize {
        let plug = self.nodes[node.0].plugs.get(port);
        plug.map_or(0, |(wire, end)| self.wires[wire.0].waiting(self.now, *end))
    }

    /// What has happened.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// What has happened, to set how much is kept.
    pub fn trace_mut(&mut self) -> &mut Trace {
        &mut self.trace
    }

    /// Frames on their way.
    pub fn in_flight(&self) -> usize {
        self.agenda.frames()
    }

    /// Frames sent so far, by all nodes.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Notes that a node may have something to send.
    pub(super) fn touch(&mut self, node: NodeId) {
        if !std::mem::replace(&mut self.nodes[node.0].touched, true) {
            self.touched.push_back(node);
        }
    }

    /// Runs for so long.
    pub fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        while self.advance(end).is_some() {}
    }

    /// Runs until nothing is on its way and no timer is armed, or until `limit` has passed. Returns whether it is idle.
    pub fn run_until_idle(&mut self, limit: Duration) -> bool {
        let end = self.now + limit;
        while self.advance(end).is_some() {}
        self.next().is_none()
    }

    /// Lets everything happen up to the next point in time at which something happens, but not beyond `end`. Returns whether
    /// that was before `end`.
    pub fn step(&mut self, end: Instant) -> bool {
        while self.advance(self.now).is_some() {}
        let Some(next) = self.next().filter(|next| *next <= end) else {
            self.now = self.now.max(end);
            return false;
        };
        while self.advance(next).is_some() {}
        true
    }
}

fn give_address(stack: &mut Stack, now: Instant, interface: InterfaceId, address: &str) {
    if address.is_empty() {
        return;
    }
    #[expect(clippy::expect_used, reason = "a test that writes a wrong address is to be stopped")]
    let network: IpNet = address.parse().expect("an address with its prefix length");
    let given = stack.add_address(now, interface, network.addr(), network.prefix_len(), Probing::Skip);
    assert!(given.is_ok(), "{address}: {given:?}");
}
