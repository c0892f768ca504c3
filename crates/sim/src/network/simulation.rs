//! The network: its hosts, its wires and its clock.

use super::agenda::Agenda;
use super::cabling::{Arrival, Wire};
use super::id::{HostId, WireId};
use super::impairments::Impairments;
use super::rule::{Rule, RuleId};
use super::trace::{Fate, Record, Trace};
use basis::{Frame, Instant, Random};
use bytes::Bytes;
use ipnet::IpNet;
use stack::{InterfaceConfig, InterfaceId, Medium, Probing, Stack, StackConfig};
use std::time::Duration;
use wire::MacAddress;
use wire::segmentation::Segments;

/// Where the clock begins: not at zero, as no real clock does.
const BEGIN: Instant = Instant::from_millis(1_000);
/// Steps at one point in time beyond which a host is thought to spin.
const PATIENCE: u32 = 1_000_000;

/// Hosts on wires, with one clock and one seed. See the [module](super).
pub struct Network {
    now: Instant,
    random: Random,
    hosts: Vec<Host>,
    wires: Vec<Wire>,
    rules: Vec<Rule>,
    agenda: Agenda,
    trace: Trace,
    /// Steps since time passed.
    steps: u32,
}

struct Host {
    name: String,
    stack: Stack,
    /// The wire of each interface, and which of its ends.
    plugs: Vec<(WireId, usize)>,
}

impl Network {
    /// A network without hosts. All its randomness grows from `seed`.
    pub fn new(seed: u64) -> Network {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Network {
            now: BEGIN,
            random: Random::new(bytes),
            hosts: Vec::new(),
            wires: Vec::new(),
            rules: Vec::new(),
            agenda: Agenda::default(),
            trace: Trace::default(),
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
        self.hosts.push(Host { name: name.to_owned(), stack, plugs: Vec::new() });
        HostId(self.hosts.len() - 1)
    }

    /// Joins two hosts by a cable that carries bare IP packets. Each gets the address, and a route to the network, that is
    /// written as `10.0.0.1/24`.
    ///
    /// # Panics
    /// When an address cannot be given: that is a fault of the test.
    pub fn cable(&mut self, impairments: Impairments, one: (HostId, &str), other: (HostId, &str)) -> WireId {
        self.join(impairments, false, &[one, other])
    }

    /// Joins hosts by a segment of Ethernet: every frame reaches all the others.
    ///
    /// # Panics
    /// When an address cannot be given: that is a fault of the test.
    pub fn segment(&mut self, impairments: Impairments, ends: &[(HostId, &str)]) -> WireId {
        self.join(impairments, true, ends)
    }

    fn join(&mut self, impairments: Impairments, ethernet: bool, ends: &[(HostId, &str)]) -> WireId {
        let id = WireId(self.wires.len());
        let mut wire = Wire::new(id, impairments, ethernet);
        for (end, (host, address)) in ends.iter().enumerate() {
            let entry = &mut self.hosts[host.0];
            let hardware = MacAddress([2, 0, id.0 as u8, 0, host.0 as u8, end as u8]);
            let interface = entry.stack.add_interface(
                self.now,
                InterfaceConfig {
                    name: format!("{}{}", entry.name, id.0),
                    medium: if ethernet { Medium::Ethernet(hardware) } else { Medium::Ip },
                    mtu: impairments.mtu,
                    super_segments: impairments.super_segments,
                },
            );
            #[expect(clippy::expect_used, reason = "a test that writes a wrong address is to be stopped")]
            let network: IpNet = address.parse().expect("an address with its prefix length");
            let given = entry.stack.add_address(
                self.now,
                interface,
                network.addr(),
                network.prefix_len(),
                Probing::Skip,
            );
            assert!(given.is_ok(), "{address}: {given:?}");
            entry.plugs.push((id, end));
            wire.add_end(*host, interface);
        }
        self.wires.push(wire);
        id
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

    /// Cuts a wire or mends it. The hosts do not notice.
    pub fn set_up(&mut self, wire: WireId, up: bool) {
        self.wires[wire.0].up = up;
    }

    // ---- looking ----

    /// The time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// A host's stack, to use its sockets. What it has to send leaves with the next step.
    pub fn stack(&mut self, host: HostId) -> &mut Stack {
        &mut self.hosts[host.0].stack
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
        self.agenda.len()
    }

    // ---- running ----

    /// Runs for so long.
    pub fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        while self.step(end) {}
    }

    /// Runs until nothing is on its way and no timer is armed, or until `limit` has passed. Returns whether it is idle.
    pub fn run_until_idle(&mut self, limit: Duration) -> bool {
        let end = self.now + limit;
        while self.next().is_some() || self.has_transmit() {
            if !self.step(end) {
                return false;
            }
        }
        true
    }

    /// Lets everything leave that is due, and goes to the next point in time at which something happens, but not beyond
    /// `end`. Returns whether that was before `end`.
    ///
    /// # Panics
    /// When a host wants to do something again and again without time passing: it would hang a real program.
    pub fn step(&mut self, end: Instant) -> bool {
        self.transmit();
        let Some(next) = self.next().filter(|next| *next <= end) else {
            self.now = self.now.max(end);
            return false;
        };
        self.steps = if next > self.now { 0 } else { self.steps + 1 };
        assert!(self.steps < PATIENCE, "something is due again and again at {:?}", self.now);
        self.now = self.now.max(next);
        while let Some(arrival) = self.agenda.pop(self.now) {
            self.arrive(arrival);
        }
        for host in &mut self.hosts {
            if host.stack.poll_timeout().is_some_and(|due| due <= self.now) {
                host.stack.on_timeout(self.now);
            }
        }
        self.transmit();
        true
    }

    fn next(&self) -> Option<Instant> {
        let timers = self.hosts.iter().filter_map(|host| host.stack.poll_timeout());
        timers.chain(self.agenda.next()).min()
    }

    fn has_transmit(&self) -> bool {
        let mut interfaces = self.hosts.iter().flat_map(|host| {
            (0..host.plugs.len()).map(move |number| (host, InterfaceId::from_number(number as u8)))
        });
        interfaces.any(|(host, interface)| host.stack.has_transmit(interface))
    }

    fn arrive(&mut self, arrival: Arrival) {
        let Arrival { wire, host, interface, bytes } = arrival;
        let ethernet = self.wires[wire.0].ethernet;
        let length = bytes.len();
        self.trace.add(Record {
            at: self.now,
            host,
            wire,
            fate: Fate::Received,
            bytes: bytes.clone(),
            ethernet,
        });
        // What a host drops it counts by itself.
        let _ = self.hosts[host.0].stack.on_frame(self.now, interface, Frame::from_device(bytes, length));
    }

    fn transmit(&mut self) {
        for number in 0..self.hosts.len() {
            for plug in 0..self.hosts[number].plugs.len() {
                let interface = InterfaceId::from_number(plug as u8);
                let (wire, end) = self.hosts[number].plugs[plug];
                while let Some(frame) = self.hosts[number].stack.poll_transmit(self.now, interface) {
                    let link_header = if self.wires[wire.0].ethernet { 14 } else { 0 };
                    for packet in Segments::of(frame, link_header) {
                        self.send(HostId(number), wire, end, Bytes::from(packet.to_vec()));
                    }
                }
            }
        }
    }

    fn send(&mut self, host: HostId, wire: WireId, end: usize, bytes: Bytes) {
        let Network { now, random, wires, rules, agenda, trace, .. } = self;
        let (at, wire) = (*now, &mut wires[wire.0]);
        let mut record = Record { at, host, wire: wire.id, fate: Fate::Sent, bytes, ethernet: wire.ethernet };
        let packet = record.packet();
        let effect = rules.iter_mut().find_map(|rule| rule.apply(host, &packet));
        trace.add(record.clone());
        let bytes = record.bytes.clone();
        if let Err(fate) =
            wire.carry(at, end, &bytes, effect, random, &mut |at, arrival| agenda.enter(at, arrival))
        {
            record.fate = fate;
            trace.add(record);
        }
    }
}
