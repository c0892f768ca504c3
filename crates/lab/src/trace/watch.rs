//! What was last seen inside a host, and what has changed since: states, variables, timers, and why.

use super::causes;
use super::journal::Journal;
use super::model::{Endpoint, What};
use super::variables::{self, NAMES, Values};
use basis::Instant;
use sim::network::{NodeId, Packet};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use tcp::{Counters, FourTuple, Host};
use wire::tcp::{Flags, Seq};

/// What was last seen of a node.
#[derive(Debug)]
pub(super) struct Watch {
    node: NodeId,
    /// The last step that began here: what leaves later belongs to it.
    pub(super) step: u32,
    counters: Counters,
    endpoints: Vec<Watched>,
}

/// What was last seen of an endpoint.
#[derive(Debug)]
struct Watched {
    endpoint: usize,
    /// `None` for a listener.
    tuple: Option<FourTuple>,
    local: SocketAddr,
    state: &'static str,
    values: Values,
    timers: Vec<(&'static str, Instant)>,
    /// One past the highest number sent, once something with a number was sent.
    highest: Option<Seq>,
    seen: bool,
}

/// When and after what one looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct About {
    pub(super) now: Instant,
    /// The endpoint whose frame was sent or came.
    pub(super) endpoint: Option<usize>,
    pub(super) frame: Option<usize>,
    /// The timers have just been served.
    pub(super) expired: bool,
}

impl Watch {
    pub(super) fn new(node: NodeId) -> Watch {
        Watch { node, step: 0, counters: Counters::default(), endpoints: Vec::new() }
    }

    /// What was counted so far needs no reason.
    pub(super) fn forget(&mut self, host: &Host) {
        self.counters = *host.counters();
    }

    /// The endpoint with this four-tuple.
    pub(super) fn endpoint(&self, tuple: &FourTuple) -> Option<usize> {
        let mut watched = self.endpoints.iter().rev();
        watched.find(|watched| watched.tuple.as_ref() == Some(tuple)).map(|watched| watched.endpoint)
    }

    /// The connection that a segment leaves, and whether all its numbers were sent before.
    pub(super) fn numbers(&mut self, packet: &Packet) -> (Option<usize>, bool) {
        let (Some(ip), Some(tcp)) = (&packet.ip, &packet.tcp) else { return (None, false) };
        let tuple = FourTuple {
            local: ip.source.into(),
            remote: ip.destination.into(),
            local_port: tcp.source_port,
            remote_port: tcp.destination_port,
        };
        let mut watched = self.endpoints.iter_mut().rev();
        let Some(watched) = watched.find(|watched| watched.tuple == Some(tuple)) else {
            return (None, false);
        };
        let flags = tcp.flags;
        let length = packet.payload as u32
            + u32::from(flags.contains(Flags::SYN))
            + u32::from(flags.contains(Flags::FIN));
        let end = tcp.sequence + length;
        let before = watched.highest.is_some_and(|highest| end.at_or_before(highest));
        if length > 0 && !before {
            watched.highest = Some(end);
        }
        (Some(watched.endpoint), length > 0 && before)
    }

    /// Compares the host with what was last seen of it, and writes down what has changed.
    pub(super) fn look(&mut self, host: &Host, about: About, journal: &mut Journal) {
        let before = std::mem::replace(&mut self.counters, *host.counters());
        if before != self.counters {
            for cause in causes::between(&before, host.counters()) {
                self.write(journal, about, cause.note(about.endpoint, about.frame));
            }
        }
        let mut watched = std::mem::take(&mut self.endpoints);
        for known in &mut watched {
            known.seen = false;
        }
        for inspection in host.inspect() {
            let place = watched.iter().position(|known| known.tuple == Some(inspection.tuple) && !known.seen);
            let place = place.unwrap_or_else(|| self.open(journal, about, &mut watched, inspection.tuple));
            let known = &mut watched[place];
            let values = variables::of_connection(&inspection, &known.values);
            let state = inspection.info.state.name();
            if state == "SYN-RECEIVED" && known.state == "TIME-WAIT" {
                known.highest = None;
            }
            self.compare_timers(journal, about, known, variables::timers(&inspection));
            self.compare(journal, about, known, state, values);
        }
        for listener in host.listeners() {
            let address = listener.address.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
            let local = SocketAddr::new(address, listener.port);
            let place = watched.iter().position(|known| known.tuple.is_none() && known.local == local);
            let place = place.unwrap_or_else(|| self.open_listener(journal, about, &mut watched, local));
            let known = &mut watched[place];
            self.compare(journal, about, known, "LISTEN", variables::of_listener(&listener));
        }
        for known in watched.iter_mut().filter(|known| !known.seen) {
            self.compare_timers(journal, about, known, Vec::new());
            let values = known.values;
            self.compare(journal, about, known, "CLOSED", values);
        }
        watched.retain(|known| known.seen && known.state != "CLOSED");
        self.endpoints = watched;
    }

    fn write(&self, journal: &mut Journal, about: About, what: What) {
        journal.write(about.now, self.step, self.node, what);
    }

    /// A connection that was not there before: its place.
    fn open(
        &self,
        journal: &mut Journal,
        about: About,
        watched: &mut Vec<Watched>,
        tuple: FourTuple,
    ) -> usize {
        let local = SocketAddr::new(tuple.local, tuple.local_port);
        let remote = SocketAddr::new(tuple.remote, tuple.remote_port).to_string();
        self.add(journal, about, watched, (Some(tuple), local, "connection", remote))
    }

    /// A listener that was not there before: its place.
    fn open_listener(
        &self,
        journal: &mut Journal,
        about: About,
        watched: &mut Vec<Watched>,
        local: SocketAddr,
    ) -> usize {
        self.add(journal, about, watched, (None, local, "listener", String::new()))
    }

    fn add(
        &self,
        journal: &mut Journal,
        about: About,
        watched: &mut Vec<Watched>,
        (tuple, local, kind, remote): (Option<FourTuple>, SocketAddr, &'static str, String),
    ) -> usize {
        let endpoint = journal.endpoints.len();
        let since = journal.since(about.now);
        journal.endpoints.push(Endpoint {
            node: self.node.index(),
            kind,
            local: local.to_string(),
            remote,
            since,
        });
        watched.push(Watched {
            endpoint,
            tuple,
            local,
            state: "",
            values: [None; NAMES.len()],
            timers: Vec::new(),
            highest: None,
            seen: false,
        });
        watched.len() - 1
    }

    fn compare(
        &self,
        journal: &mut Journal,
        about: About,
        known: &mut Watched,
        state: &'static str,
        values: Values,
    ) {
        known.seen = true;
        let endpoint = known.endpoint;
        if known.state != state {
            let from = std::mem::replace(&mut known.state, state).to_owned();
            self.write(journal, about, What::State { endpoint, from, to: state.to_owned() });
        }
        if known.values == values {
            return;
        }
        let before = std::mem::replace(&mut known.values, values);
        let changed = NAMES.iter().zip(values).zip(before).filter(|((_, new), old)| new != old);
        let set: BTreeMap<&'static str, Option<u64>> = changed.map(|((name, new), _)| (*name, new)).collect();
        self.write(journal, about, What::Change { endpoint, set });
        for cause in causes::of_change(&before, &values) {
            self.write(journal, about, cause.note(Some(endpoint), about.frame));
        }
    }

    fn compare_timers(
        &self,
        journal: &mut Journal,
        about: About,
        known: &mut Watched,
        timers: Vec<(&'static str, Instant)>,
    ) {
        if known.timers == timers {
            return;
        }
        let endpoint = known.endpoint;
        let opening = known.state.starts_with("SYN");
        for (timer, until) in &known.timers {
            if timers.contains(&(timer, *until)) {
                continue;
            }
            if about.expired && *until <= about.now {
                self.write(journal, about, What::Fire { endpoint, timer });
                if let Some(cause) = causes::of_timer(timer, opening) {
                    self.write(journal, about, cause.note(Some(endpoint), None));
                }
            } else if !timers.iter().any(|(other, _)| other == timer) {
                self.write(journal, about, What::Stop { endpoint, timer });
            }
        }
        for (timer, until) in &timers {
            if !known.timers.contains(&(timer, *until)) {
                let until = journal.since(*until);
                self.write(journal, about, What::Arm { endpoint, timer, until });
            }
        }
        known.timers = timers;
    }
}
