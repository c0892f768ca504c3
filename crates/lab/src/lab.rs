//! The bench on which an experiment stands: it builds a network, lets it run under the recorder's eyes, and checks.

use crate::request::{Refusal, Settings, Value};
use crate::rules::Fault;
use crate::text::{Text, Words, words};
use crate::trace::model::{Check, Exhibit, FORMAT, Link, Node, Port, RuleReport, Trace};
use crate::trace::recorder::Recorder;
use sim::network::{Impairments, Network, NodeId, Occurrence, RuleId, SwitchConfig, WireId};
use stack::StackConfig;
use std::time::Duration;

/// A network under observation.
pub(crate) struct Lab {
    pub(crate) network: Network,
    pub(crate) recorder: Option<Recorder>,
    settings: Settings,
    faults: Vec<(String, Fault)>,
    rules: Vec<Option<RuleId>>,
    kinds: Vec<&'static str>,
    addresses: Vec<Vec<String>>,
    links: Vec<(Vec<usize>, Impairments)>,
    pub(crate) checks: Vec<Check>,
    pub(crate) exhibits: Vec<Exhibit>,
    /// A rule that makes no sense in this network.
    refusal: Option<Refusal>,
    truncated: bool,
}

impl Lab {
    pub(crate) fn new(settings: Settings, seed: u64, faults: Vec<(String, Fault)>) -> Lab {
        let mut network = Network::new(seed);
        network.trace_mut().limit = 0;
        Lab {
            network,
            recorder: None,
            settings,
            faults,
            rules: Vec::new(),
            kinds: Vec::new(),
            addresses: Vec::new(),
            links: Vec::new(),
            checks: Vec::new(),
            exhibits: Vec::new(),
            refusal: None,
            truncated: false,
        }
    }

    // ---- parameters ----

    /// The number that a parameter is set to.
    pub(crate) fn number(&self, name: &str) -> u64 {
        match self.settings.0.get(name) {
            Some(Value::Number(number)) => *number,
            _ => 0,
        }
    }

    /// The word that a parameter is set to.
    pub(crate) fn word(&self, name: &str) -> &str {
        match self.settings.0.get(name) {
            Some(Value::Word(word)) => word,
            _ => "",
        }
    }

    /// Whether a parameter is set to yes.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.settings.0.get(name) == Some(&Value::Flag(true))
    }

    /// A parameter in milliseconds.
    pub(crate) fn millis(&self, name: &str) -> Duration {
        Duration::from_millis(self.number(name))
    }

    /// Whether nothing has interfered so far: a rule that has met nothing yet changes nothing.
    pub(crate) fn is_undisturbed(&self) -> bool {
        (0..self.faults.len()).all(|number| self.met(number) == 0)
    }

    /// Frames that a rule has met so far; of a cable, whether it was cut or mended.
    fn met(&self, number: usize) -> u64 {
        if let Some((_, Fault::Link { at, .. })) = self.faults.get(number) {
            return u64::from(u128::from(self.now()) >= at.as_nanos());
        }
        let rule = self.rules.get(number).copied().flatten();
        rule.map_or(0, |rule| self.network.rule(rule).met())
    }

    // ---- building ----

    /// A host of the lab: it cuts super-segments before they leave TCP, so that each segment is one event.
    pub(crate) fn config() -> StackConfig {
        let mut config = StackConfig::default();
        config.tcp.super_segments = false;
        // Who knows its neighbour need not ask again within a day: experiments of hours are not about ARP.
        config.neighbours.reachable_time = Duration::from_secs(86_400);
        config
    }

    pub(crate) fn host(&mut self, name: &str) -> NodeId {
        self.host_with(name, Lab::config())
    }

    pub(crate) fn host_with(&mut self, name: &str, config: StackConfig) -> NodeId {
        let node = self.network.add_host_with(name, config);
        self.added(node, "host")
    }

    pub(crate) fn hub(&mut self, name: &str) -> NodeId {
        let node = self.network.add_hub(name);
        self.added(node, "hub")
    }

    pub(crate) fn switch(&mut self, name: &str, config: SwitchConfig) -> NodeId {
        let node = self.network.add_switch(name, config);
        self.added(node, "switch")
    }

    pub(crate) fn router(&mut self, name: &str) -> NodeId {
        let node = self.network.add_router(name);
        self.added(node, "router")
    }

    /// Gives a host its way to itself, 127.0.0.1.
    pub(crate) fn loopback(&mut self, host: NodeId) -> WireId {
        self.addresses[host.index()].push("127.0.0.1/8".to_owned());
        self.links.push((vec![host.index()], Impairments { mtu: 65_535, ..Impairments::NONE }));
        self.network.add_loopback(host)
    }

    fn added(&mut self, node: NodeId, kind: &'static str) -> NodeId {
        self.kinds.push(kind);
        self.addresses.push(Vec::new());
        node
    }

    /// An Ethernet cable between two nodes; hosts and routers get the address, if it is not empty.
    pub(crate) fn cable(
        &mut self,
        impairments: Impairments,
        one: (NodeId, &str),
        other: (NodeId, &str),
    ) -> WireId {
        let impairments = Impairments { super_segments: false, ..impairments };
        for (node, address) in [one, other] {
            self.addresses[node.index()].push(address.to_owned());
        }
        self.links.push((vec![one.0.index(), other.0.index()], impairments));
        self.network.ethernet(impairments, one, other)
    }

    /// Makes all cables perfect, or what they were built as.
    pub(crate) fn set_perfect(&mut self, perfect: bool) {
        for (number, (_, built)) in self.links.iter().enumerate() {
            let plain = Impairments { mtu: built.mtu, super_segments: false, ..Impairments::NONE };
            let impairments = if perfect { plain } else { *built };
            self.network.set_impairments(WireId::from_index(number), impairments);
        }
    }

    /// Begins the recording: from now on the rules count, and time is told from here.
    pub(crate) fn begin(&mut self) {
        let names: Vec<String> =
            self.network.nodes().map(|node| self.network.name(node).to_owned()).collect();
        for (text, fault) in &self.faults {
            match fault.rule(text, &names) {
                Ok(rule) => self.rules.push(rule.map(|rule| self.network.add_rule(rule))),
                Err(refusal) => {
                    self.refusal.get_or_insert(refusal);
                }
            }
            if let Fault::Link { link, up, at } = fault {
                if *link < self.links.len() && at.is_zero() {
                    self.network.set_up(WireId::from_index(*link), *up);
                } else if *link < self.links.len() {
                    self.network.set_up_at(self.network.now() + *at, WireId::from_index(*link), *up);
                } else {
                    let refusal = Fault::no_link(text, *link, self.links.len());
                    self.refusal.get_or_insert(refusal);
                }
            }
        }
        self.recorder = Some(Recorder::new(&self.network));
    }

    // ---- running ----

    /// Runs for so long.
    pub(crate) fn run_for(&mut self, time: Duration) {
        self.run_until(time, |_| false);
    }

    /// Runs until something is so, but no longer than `limit`. Returns whether it was so.
    pub(crate) fn run_until(&mut self, limit: Duration, mut done: impl FnMut(&mut Lab) -> bool) -> bool {
        let end = self.network.now() + limit;
        loop {
            if done(self) {
                return true;
            }
            if self.recorder.as_ref().is_some_and(Recorder::is_full) {
                self.truncated = true;
                return false;
            }
            let Some(occurrence) = self.network.advance(end) else { return done(self) };
            self.observe(&occurrence);
        }
    }

    fn observe(&mut self, occurrence: &Occurrence) {
        if let Some(recorder) = &mut self.recorder {
            recorder.on_occurrence(&self.network, occurrence);
        }
    }

    /// The time since the recording began.
    pub(crate) fn now(&self) -> u64 {
        self.recorder.as_ref().map_or(0, |recorder| recorder.since(self.network.now()))
    }

    // ---- checking ----

    /// Asserts something; `seen` says what was seen.
    pub(crate) fn check(&mut self, claim: impl Into<Words>, held: bool, seen: impl Into<Words>) {
        let verdict = if held { "held" } else { "failed" };
        self.checks.push(Check { claim: claim.into(), verdict, seen: seen.into() });
    }

    /// Asserts something that means nothing when rules interfere.
    pub(crate) fn check_undisturbed(&mut self, claim: impl Into<Words>, held: bool, seen: impl Into<Words>) {
        if self.is_undisturbed() {
            return self.check(claim, held, seen);
        }
        let seen = words("not judged: rules interfere", "不作判断：有规则干预");
        self.checks.push(Check { claim: claim.into(), verdict: "skipped", seen });
    }

    /// Shows a table beside the trace.
    pub(crate) fn table(&mut self, title: Text, columns: &[Text], rows: Vec<Vec<Words>>) {
        self.exhibits.push(Exhibit::Table { title, columns: columns.to_vec(), rows });
    }

    // ---- the end ----

    /// The trace of what was recorded.
    ///
    /// # Errors
    /// A rule that makes no sense in this network.
    pub(crate) fn finish(mut self, experiment: &'static str, seed: u64) -> Result<Trace, Refusal> {
        if let Some(refusal) = self.refusal.take() {
            return Err(refusal);
        }
        if let Some((text, _)) = self.faults.first().filter(|_| self.recorder.is_none()) {
            return Err(Fault::no_network(text));
        }
        if self.checks.is_empty() {
            self.check(
                words("the experiment comes to what it checks", "实验进行到判定的一步"),
                false,
                words("it ended before anything could be judged", "在能作出判断之前就结束了"),
            );
        }
        let duration = self.now();
        let nodes = self.network.nodes().map(|node| self.node(node)).collect();
        let links = self.links.iter().map(|(ends, impairments)| link(ends, impairments)).collect();
        let rules = self.faults.iter().enumerate();
        let rules = rules
            .map(|(number, (text, _))| RuleReport { text: text.clone(), met: self.met(number) })
            .collect();
        let (endpoints, frames, events) = match self.recorder {
            Some(recorder) => recorder.into_parts(),
            None => Default::default(),
        };
        let passed = self.checks.iter().all(|check| check.verdict != "failed");
        Ok(Trace {
            format: FORMAT,
            experiment,
            seed,
            parameters: self.settings.0,
            rules,
            duration,
            truncated: self.truncated,
            nodes,
            links,
            endpoints,
            frames,
            events,
            exhibits: self.exhibits,
            checks: self.checks,
            passed,
        })
    }

    fn node(&self, node: NodeId) -> Node {
        let addresses = &self.addresses[node.index()];
        let ports =
            self.network.wires_of(node).zip(addresses).enumerate().map(|(port, (link, address))| Port {
                link: link.index(),
                hardware: self.network.hardware(node, port).to_string(),
                address: address.clone(),
            });
        let ports = ports.collect();
        Node { name: self.network.name(node).to_owned(), kind: self.kinds[node.index()], ports }
    }
}

fn link(ends: &[usize], impairments: &Impairments) -> Link {
    let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    Link {
        ends: ends.to_vec(),
        rate: impairments.rate,
        delay: nanoseconds(impairments.delay),
        jitter: nanoseconds(impairments.jitter),
        queue: impairments.queue,
        loss: impairments.loss,
        mtu: impairments.mtu,
    }
}
