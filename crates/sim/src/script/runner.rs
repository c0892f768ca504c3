//! Runs a script: event by event, with all that the stack does in between.

use super::arguments::Returned;
use super::calls::{PORT, Sockets};
use super::failure::Failure;
use super::family::Family;
use super::machine::Machine;
use super::notation::{Action, Call, Event, Expected, Packet, Script, TcpSegment, When};
use super::peer::Peer;
use super::{check, values};
use basis::Instant;
use std::collections::BTreeMap;
use std::time::Duration;
use tcp::{FourTuple, State};
use wire::tcp::Flags;

/// How a script is run, beyond what it says itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Setup {
    /// Added to every sequence number of the peers: lets the script run where they wrap.
    pub remote_offset: u32,
    /// How much later than usual the script begins. Initial sequence numbers grow by one every 4 microseconds (RFC 6528 3),
    /// so this chooses where this host's own wrap: see [`Setup::with_first_number`].
    pub later: Duration,
    /// By which addresses.
    pub family: Family,
}

impl Setup {
    /// Lets this host's first connection begin with the number `wanted` instead of `usual`, which a run without delay had.
    #[must_use]
    pub fn with_first_number(self, usual: u32, wanted: u32) -> Setup {
        Setup { later: Duration::from_micros(4 * u64::from(wanted.wrapping_sub(usual))), ..self }
    }
}

/// What was seen in a run that went as its script says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Report {
    /// This host's initial sequence number on the first peer's connection, if it sent a SYN and no SYN cookies: those grow by
    /// another clock.
    pub first_number: Option<u32>,
}

/// The port of the first peer that connects to us; the others have the next ones.
const REMOTE_PORT: u16 = 40_000;
/// How long is waited for a packet that may come at any time.
const ANY_TIME: Duration = Duration::from_secs(100_000);

struct Runner {
    machine: Machine,
    setup: Setup,
    tolerance: Duration,
    begin: Instant,
    /// What relative times are relative to: the event before.
    reference: Instant,
    peers: BTreeMap<u16, Peer>,
    sockets: Sockets,
    blocked: Option<Blocked>,
}

/// A call that has not returned yet.
struct Blocked {
    line: u32,
    call: Call,
    /// When it is to return.
    end: Instant,
}

type Result<T> = std::result::Result<T, String>;

/// Runs a script on a stack of its own.
///
/// # Errors
/// The first line at which the stack did otherwise.
pub fn run(script: &Script, setup: Setup) -> std::result::Result<Report, Failure> {
    let machine = Machine::new(&script.settings, setup.later, setup.family)
        .map_err(|message| Failure::at(0, message))?;
    let mut runner = Runner {
        setup,
        tolerance: script.settings.tolerance,
        begin: machine.now,
        reference: machine.now,
        machine,
        peers: BTreeMap::new(),
        sockets: Sockets::default(),
        blocked: None,
    };
    for event in &script.events {
        runner.event(event).map_err(|message| Failure::at(event.line, message))?;
    }
    let last = script.events.last().map_or(0, |event| event.line);
    runner.finish().map_err(|message| Failure::at(last, message))?;
    let by_clock = runner.machine.stack.tcp().counters().syn_cookies_sent == 0;
    let first = runner.peers.get(&1).and_then(Peer::first_number);
    Ok(Report { first_number: first.filter(|_| by_clock) })
}

impl Runner {
    fn event(&mut self, event: &Event) -> Result<()> {
        let (from, to) = self.times(event.when);
        match &event.action {
            Action::Leaves(segment) => return self.expect(segment, from, to),
            _ => self.run_to(from.unwrap_or(self.machine.now))?,
        }
        self.reference = from.unwrap_or(self.machine.now);
        match &event.action {
            Action::Call(call) => self.call(event.line, call, to),
            Action::Arrives(packet) => self.arrive(packet),
            Action::Assert(assertions) => {
                let tuple = self.tuple(1);
                let lookup = |name: &str| values::value(&self.machine, tuple, name);
                assertions.iter().try_for_each(|assertion| assertion.check(&lookup))
            }
            Action::Leaves(_) => Ok(()),
        }
    }

    /// The points in time that a script's words mean; `None` for any.
    fn times(&self, when: When) -> (Option<Instant>, Option<Instant>) {
        match when {
            When::Absolute { from, to } => (Some(self.begin + from), to.map(|to| self.begin + to)),
            When::Relative { from, to } => (Some(self.reference + from), to.map(|to| self.reference + to)),
            When::Any => (None, None),
        }
    }

    // ---- time ----

    fn run_to(&mut self, limit: Instant) -> Result<()> {
        while self.step(limit)? {}
        Ok(())
    }

    fn step(&mut self, limit: Instant) -> Result<bool> {
        let more = self.machine.step(limit)?;
        self.retry()?;
        Ok(more)
    }

    // ---- calls ----

    fn call(&mut self, line: u32, call: &Call, end: Option<Instant>) -> Result<()> {
        if self.blocked.is_some() {
            return Err("the call before has not returned yet".into());
        }
        let returned = self.make(call)?;
        match (returned, end) {
            (Returned::Blocks, Some(end)) => {
                self.blocked = Some(Blocked { line, call: call.clone(), end });
                self.machine.settle()
            }
            (Returned::Blocks, None) => Err(format!("`{}` blocks", call.name)),
            (_, Some(end)) if end > self.machine.now + self.tolerance => {
                Err(format!("`{}` returned at once", call.name))
            }
            (returned, _) => {
                compare_result(call, returned)?;
                self.machine.settle()
            }
        }
    }

    fn make(&mut self, call: &Call) -> Result<Returned> {
        let number = match call.expected {
            Expected::Value(number) => Some(number),
            Expected::Any | Expected::Error(_) => None,
        };
        let returned = self.sockets.call(&mut self.machine, &call.name, &call.arguments, number)?;
        for id in std::mem::take(&mut self.sockets.begun) {
            let tuple = self.machine.stack.tcp().tuple(id).ok_or("a connection is gone at once")?;
            let number = (1..).find(|number| !self.peers.contains_key(number)).unwrap_or(1);
            let peer = Peer::new(tuple.local_port, tuple.remote_port, self.setup.remote_offset);
            self.peers.insert(number, peer);
        }
        Ok(returned)
    }

    /// Lets a blocked call look again.
    fn retry(&mut self) -> Result<()> {
        let Some(Blocked { line, call, end }) = self.blocked.take() else { return Ok(()) };
        let returned = self.make(&call).map_err(|message| format!("(call of line {line}) {message}"))?;
        let (now, name) = (self.machine.now, &call.name);
        if returned == Returned::Blocks {
            if now > end + self.tolerance {
                return Err(format!("`{name}` of line {line} has not returned"));
            }
            self.blocked = Some(Blocked { line, call, end });
            return Ok(());
        }
        if now.max(end) - now.min(end) > self.tolerance {
            return Err(format!("`{name}` of line {line} returned at {}", self.clock(now)));
        }
        compare_result(&call, returned).map_err(|message| format!("(call of line {line}) {message}"))?;
        self.machine.settle()
    }

    // ---- packets ----

    fn arrive(&mut self, packet: &Packet) -> Result<()> {
        match packet {
            Packet::Icmp(icmp) => {
                let family = self.setup.family;
                let frame = check::icmp(icmp, self.peer(icmp.peer), family);
                self.machine.arrive(frame);
            }
            Packet::Tcp(segment) => {
                self.note_beginning(segment);
                let family = self.setup.family;
                let frame = check::segment(segment, self.peer(segment.peer), family);
                self.machine.arrive(frame);
            }
        }
        self.machine.settle()?;
        self.retry()
    }

    /// A SYN for which there is no connection begins one, with numbers of its own.
    fn note_beginning(&mut self, segment: &TcpSegment) {
        if !segment.flags.contains(Flags::SYN) {
            return;
        }
        let tuple = self.tuple(segment.peer);
        let state = self.machine.stack.tcp().connections().find(|summary| summary.tuple == tuple);
        let state = state.map_or(State::Closed, |summary| summary.state);
        let peer = self.peer(segment.peer);
        let begins = matches!(state, State::Closed | State::TimeWait) && !segment.flags.contains(Flags::ACK);
        peer.begins_anew |= begins;
        if begins || state == State::SynSent {
            peer.remote_initial = segment.sequence;
        }
    }

    fn peer(&mut self, number: u16) -> &mut Peer {
        let offset = self.setup.remote_offset;
        self.peers.entry(number).or_insert_with(|| Peer::new(PORT, REMOTE_PORT + number - 1, offset))
    }

    fn tuple(&mut self, number: u16) -> FourTuple {
        let family = self.setup.family;
        let peer = self.peer(number);
        FourTuple {
            local: family.local(),
            remote: family.remote(),
            local_port: peer.local_port,
            remote_port: peer.remote_port,
        }
    }

    /// Waits for a segment, and compares it.
    fn expect(&mut self, segment: &TcpSegment, from: Option<Instant>, to: Option<Instant>) -> Result<()> {
        let begin = from.unwrap_or(Instant::ZERO);
        let end = to.or(from).map_or(self.machine.now + ANY_TIME, |end| end + self.tolerance);
        self.machine.settle()?;
        while self.machine.left.is_empty() && self.step(end)? {}
        let Some(observed) = self.machine.left.pop_front() else {
            return Err(format!("nothing left until {}\nexpected > {segment}", self.clock(end)));
        };
        let at = observed.at;
        self.peer(segment.peer);
        let Some(peer) = self.peers.get_mut(&segment.peer) else { return Err("no such peer".into()) };
        check::compare(&observed, segment, peer)
            .map_err(|message| format!("{message}\n     at {}", self.clock(at)))?;
        if at + self.tolerance < begin || at > end {
            let times = (self.clock(at), self.clock(begin));
            return Err(format!("> {segment} left at {}, expected at {}", times.0, times.1));
        }
        self.reference = if to.is_some() { at } else { from.unwrap_or(at) };
        Ok(())
    }

    /// Nothing may be left over.
    fn finish(&mut self) -> Result<()> {
        self.machine.settle()?;
        if let Some(blocked) = &self.blocked {
            return Err(format!("`{}` of line {} has not returned", blocked.call.name, blocked.line));
        }
        let Some(observed) = self.machine.left.pop_front() else { return Ok(()) };
        let number = self.peers.iter().find(|(_, peer)| peer.remote_port == observed.remote_port);
        let number = number.map_or(1, |(number, _)| *number);
        let like = TcpSegment { peer: number, sequence: 0, ..observed.segment.clone() };
        let found = self.peer(number).translate(&observed.segment, &like);
        Err(format!("not expected > {found}\n     at {}", self.clock(observed.at)))
    }

    /// Seconds since the script began.
    fn clock(&self, at: Instant) -> String {
        format!("{:.6}", (at - self.begin).as_secs_f64())
    }
}

fn compare_result(call: &Call, returned: Returned) -> Result<()> {
    let same = match (&call.expected, returned) {
        (Expected::Any, _) => true,
        (Expected::Value(wanted), Returned::Value(found)) => *wanted == found,
        (Expected::Error(wanted), Returned::Error(found)) => wanted == found,
        _ => false,
    };
    if same {
        Ok(())
    } else {
        Err(format!("`{}` returned {returned:?}, expected {:?}", call.name, call.expected))
    }
}
