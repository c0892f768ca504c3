//! A client (RFC 2131 4.4): it finds a server, takes the first offer, and keeps the address for as long as it may.

use crate::lease::Lease;
use crate::message::{Kind, LONGEST, Message};
use crate::option;
use basis::{Instant, Random};
use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::time::Duration;

/// Ethernet (RFC 1700).
const ETHERNET: u8 = 1;
/// The wait for an answer, which doubles up to the longest, each up to a second, or a quarter of it, more or less; milliseconds.
///
/// Deviates: RFC 2131 4.1 begins with four seconds on an Ethernet of ten megabits. A server that is not quite up yet, or one broadcast that is
/// lost, need not keep somebody waiting for so long: servers on a link answer within milliseconds, and take one question asked again for one.
const FIRST_WAIT: u64 = 250;
const LONGEST_WAIT: u64 = 64_000;
const MOST_SPREAD: u64 = 1000;
/// Requests for one offer, in about a minute altogether (RFC 2131 3.1.5), before the search begins anew.
const REQUESTS: u32 = 8;
/// Between two requests for more time at least, and after an address that was somebody else's, or a refusal (RFC 2131 4.4.5, 3.1.5): twice as
/// long after each search in a row that came to nothing, up to the longest wait.
const LEAST_RENEWAL: Duration = Duration::from_secs(60);
const AFTER_DECLINE: Duration = Duration::from_secs(10);
const AFTER_REFUSAL: Duration = Duration::from_secs(1);
/// A lease that was good for less than this is as good as none.
const LEAST_USE: Duration = Duration::from_secs(60);
const WANTED: [u8; 7] = [
    option::SUBNET_MASK,
    option::ROUTER,
    option::NAME_SERVER,
    option::LEASE_TIME,
    option::SERVER_IDENTIFIER,
    option::RENEWAL_TIME,
    option::REBINDING_TIME,
];

/// What is to be sent, from port 68 to port 67.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transmit {
    /// The message.
    pub bytes: Vec<u8>,
    /// All on the link, from no address if there is none; or the server, from the leased address.
    pub to: Ipv4Addr,
}

/// What has happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// An address was given. Who owns the client sees that nobody else has it (RFC 5227), and says so by [`Client::accept`], or else by
    /// [`Client::decline`].
    Given(Lease),
    /// The lease in use is good for longer.
    Extended(Lease),
    /// The lease in use is over, or somebody else has its address: it must no longer be used. The search for another goes on.
    Lost(Lease),
    /// What was given could not be used, and was given back. The search goes on.
    Unusable(Lease),
}

#[derive(Debug)]
enum State {
    /// It begins when it is due.
    Begin,
    /// A server is looked for.
    Selecting(Search),
    /// An offer is taken.
    Requesting { search: Search, address: Ipv4Addr, server: Ipv4Addr, asked: Instant, requests: u32 },
    /// Whether somebody else has the address is being found out.
    Checking(Lease),
    /// It is in use; while more time is asked for, what tells the answer, and when that was.
    Bound { lease: Lease, asked: Option<(u32, Instant)> },
    /// It was given back.
    Released,
}

#[derive(Clone, Copy, Debug)]
struct Search {
    transaction: u32,
    begun: Instant,
    tries: u32,
}

/// A client for one station. Time and randomness are arguments; [`Client::poll_transmit`] says what is to be sent,
/// [`Client::poll_event`] what has happened, and [`Client::poll_timeout`] when to ask again though nothing has come.
#[derive(Debug)]
pub struct Client {
    station: [u8; 6],
    random: Random,
    state: State,
    /// When something is due.
    next: Instant,
    /// Searches in a row that came to nothing though somebody answered.
    failures: u32,
    /// When the last lease was given.
    given: Instant,
    queue: VecDeque<Transmit>,
    events: VecDeque<Event>,
}

impl Client {
    /// A client that begins its search at `now`.
    ///
    /// Deviates: RFC 2131 4.4.1 lets it wait for one to ten seconds, so that stations that are switched on together do not ask together.
    /// Ours are started one by one, by somebody who waits.
    pub fn new(now: Instant, station: [u8; 6], random: Random) -> Client {
        let (queue, events) = (VecDeque::new(), VecDeque::new());
        let state = State::Begin;
        Client { station, random, state, next: now, failures: 0, given: now, queue, events }
    }

    /// The next message that is due.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Transmit> {
        if self.queue.is_empty() && now >= self.next {
            self.on_timeout(now);
        }
        self.queue.pop_front()
    }

    /// What has happened since it was last asked.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`Client::poll_transmit`] is to be called; nothing if only a message changes anything.
    pub fn poll_timeout(&self) -> Option<Instant> {
        (self.next != Instant::FAR_FUTURE).then_some(self.next)
    }

    /// The lease in use.
    pub fn lease(&self) -> Option<&Lease> {
        match &self.state {
            State::Bound { lease, .. } => Some(lease),
            _ => None,
        }
    }

    /// Nobody else has the address that was given: it is in use from now on.
    pub fn accept(&mut self) {
        if let State::Checking(lease) = &self.state {
            self.next = lease.renew_at.unwrap_or(Instant::FAR_FUTURE);
            self.state = State::Bound { lease: lease.clone(), asked: None };
        }
    }

    /// Somebody else has the address that was given, or that is in use (RFC 5227 2.4): its server is told, and the search begins anew in ten
    /// seconds (RFC 2131 3.1.5). One that was in use is lost.
    pub fn decline(&mut self, now: Instant) {
        let (State::Checking(lease) | State::Bound { lease, .. }) = &self.state else { return };
        let (address, server) = (lease.address, lease.server);
        self.lose(now, AFTER_DECLINE);
        let mut message = self.message(Kind::Decline);
        message.set(option::REQUESTED_ADDRESS, &address.octets());
        message.set(option::SERVER_IDENTIFIER, &server.octets());
        self.say(&message, Ipv4Addr::BROADCAST);
    }

    /// The address that was given cannot be used, though nobody else has it: it is given back, and the search begins anew in ten seconds.
    pub fn give_up(&mut self, now: Instant) {
        let State::Checking(lease) = &self.state else { return };
        let lease = lease.clone();
        self.return_address(&lease);
        self.lose(now, AFTER_DECLINE);
        self.events.push_back(Event::Unusable(lease));
    }

    /// Whether a message could change anything just now: one is asked for.
    pub fn is_listening(&self) -> bool {
        matches!(
            self.state,
            State::Selecting(_) | State::Requesting { .. } | State::Bound { asked: Some(_), .. }
        )
    }

    /// The address is no longer needed: its server is told, and nothing more is done (RFC 2131 4.4.6).
    pub fn release(&mut self) {
        if let State::Bound { lease, .. } = &self.state {
            let lease = lease.clone();
            self.return_address(&lease);
        }
        (self.state, self.next) = (State::Released, Instant::FAR_FUTURE);
    }

    fn return_address(&mut self, lease: &Lease) {
        let mut message = self.message(Kind::Release);
        message.client = lease.address;
        message.set(option::SERVER_IDENTIFIER, &lease.server.octets());
        self.say(&message, lease.server);
    }

    /// A message has come to port 68.
    pub fn on_message(&mut self, now: Instant, bytes: &[u8]) {
        let Some(message) = Message::read(bytes).filter(|message| message.is_reply) else { return };
        if message.hardware != self.station {
            return;
        }
        match (&self.state, message.kind()) {
            (State::Selecting(search), Some(Kind::Offer)) if search.transaction == message.transaction => {
                // What could not be used is not taken.
                if let Some(lease) = Lease::read(&message, now) {
                    let (search, address, server) = (*search, lease.address, lease.server);
                    self.state = State::Requesting { search, address, server, asked: now, requests: 0 };
                    self.next = now;
                }
            }
            (State::Requesting { search, address, server, asked, .. }, Some(kind))
                if search.transaction == message.transaction
                    && message.address(option::SERVER_IDENTIFIER) == Some(*server) =>
            {
                let lease = Lease::read(&message, *asked).filter(|lease| lease.address == *address);
                match (kind, lease) {
                    (Kind::Ack, Some(lease)) => {
                        (self.state, self.next) = (State::Checking(lease.clone()), Instant::FAR_FUTURE);
                        self.given = now;
                        self.events.push_back(Event::Given(lease));
                    }
                    (Kind::Nak, _) => self.lose(now, AFTER_REFUSAL),
                    _ => {}
                }
            }
            (State::Bound { lease, asked: Some((transaction, asked)) }, Some(kind))
                if *transaction == message.transaction =>
            {
                let extended = Lease::read(&message, *asked).filter(|other| other.address == lease.address);
                match (kind, extended) {
                    (Kind::Ack, Some(lease)) => {
                        self.next = lease.renew_at.unwrap_or(Instant::FAR_FUTURE);
                        self.state = State::Bound { lease: lease.clone(), asked: None };
                        self.events.push_back(Event::Extended(lease));
                    }
                    (Kind::Nak, _) => self.lose(now, AFTER_REFUSAL),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    /// Something is due.
    fn on_timeout(&mut self, now: Instant) {
        match &self.state {
            State::Begin => {
                let search = Search { transaction: self.random.next_u32(), begun: now, tries: 0 };
                self.discover(search, now);
            }
            State::Selecting(search) => self.discover(*search, now),
            State::Requesting { requests: REQUESTS.., .. } => {
                (self.state, self.next) = (State::Begin, now);
                self.on_timeout(now);
            }
            State::Requesting { .. } => self.request(now),
            State::Bound { lease, .. } if lease.ends_at.is_some_and(|end| now >= end) => {
                self.lose(now, Duration::ZERO);
            }
            State::Bound { .. } => self.renew(now),
            State::Checking(_) | State::Released => self.next = Instant::FAR_FUTURE,
        }
    }

    fn discover(&mut self, search: Search, now: Instant) {
        let mut message = self.message(Kind::Discover);
        message.transaction = search.transaction;
        message.seconds = seconds(search.begun, now);
        message.wants_broadcast = true;
        ask(&mut message);
        self.say(&message, Ipv4Addr::BROADCAST);
        self.next = now + self.wait(search.tries);
        self.state = State::Selecting(Search { tries: search.tries.saturating_add(1), ..search });
    }

    fn request(&mut self, now: Instant) {
        let State::Requesting { search, address, server, requests, asked } = &mut self.state else { return };
        let (search, address, server, tries) = (*search, *address, *server, *requests);
        (*requests, *asked) = (tries + 1, now);
        let mut message = self.message(Kind::Request);
        message.transaction = search.transaction;
        // RFC 2131 4.4.1: as in the search, so that relays treat it alike.
        message.seconds = seconds(search.begun, now);
        message.wants_broadcast = true;
        message.set(option::REQUESTED_ADDRESS, &address.octets());
        message.set(option::SERVER_IDENTIFIER, &server.octets());
        ask(&mut message);
        self.say(&message, Ipv4Addr::BROADCAST);
        self.next = now + self.wait(tries);
    }

    /// Asks for more time: the server from T1 on, anybody from T2 on; again after half of what is left (RFC 2131 4.4.5).
    fn renew(&mut self, now: Instant) {
        let transaction = self.random.next_u32();
        let State::Bound { lease, asked } = &mut self.state else { return };
        *asked = Some((transaction, now));
        let (Some(rebind), Some(end)) = (lease.rebind_at, lease.ends_at) else {
            self.next = Instant::FAR_FUTURE;
            return;
        };
        let (address, server) = (lease.address, lease.server);
        let (until, to) = if now < rebind { (rebind, server) } else { (end, Ipv4Addr::BROADCAST) };
        self.next = (now + (until.saturating_since(now) / 2).max(LEAST_RENEWAL)).min(until);
        let mut message = self.message(Kind::Request);
        message.transaction = transaction;
        message.client = address;
        ask(&mut message);
        self.say(&message, to);
    }

    /// What was given is over, or nothing was; the search begins anew after `least`, and after ever longer where that was so before: a server
    /// that offers what it then refuses is not asked again and again (RFC 2131 4.1).
    fn lose(&mut self, now: Instant, least: Duration) {
        let mut lasted = false;
        if let State::Bound { lease, .. } = std::mem::replace(&mut self.state, State::Begin) {
            lasted = now.saturating_since(self.given) >= LEAST_USE;
            self.events.push_back(Event::Lost(lease));
        }
        self.failures = if lasted { 0 } else { self.failures };
        let wait = match self.failures {
            0 => least,
            failures => {
                let wait = least.max(AFTER_REFUSAL).as_millis() as u64;
                let wait = (wait << failures.min(8)).min(LONGEST_WAIT);
                let spread = (wait / 4).min(MOST_SPREAD) as u32;
                Duration::from_millis(wait + u64::from(self.random.below(spread + 1)))
            }
        };
        self.failures = self.failures.saturating_add(u32::from(!lasted));
        self.next = now + wait;
    }

    /// The wait after so many tries.
    fn wait(&mut self, tries: u32) -> Duration {
        let wait = (FIRST_WAIT << tries.min(8)).min(LONGEST_WAIT);
        let spread = (wait / 4).min(MOST_SPREAD);
        Duration::from_millis(wait - spread + u64::from(self.random.below(2 * spread as u32 + 1)))
    }

    fn message(&mut self, kind: Kind) -> Message {
        let transaction = self.random.next_u32();
        let mut message = Message::new(kind, false, ETHERNET, &self.station, transaction);
        // RFC 2132 9.14: so that it is the same for servers that look at this alone.
        let mut identifier = vec![ETHERNET];
        identifier.extend(self.station);
        message.set(option::CLIENT_IDENTIFIER, &identifier);
        message
    }

    fn say(&mut self, message: &Message, to: Ipv4Addr) {
        self.queue.push_back(Transmit { bytes: message.write(), to });
    }
}

/// Says what it wants to know, and how much it reads.
fn ask(message: &mut Message) {
    message.set(option::PARAMETER_LIST, &WANTED);
    message.set(option::LONGEST_MESSAGE, &(LONGEST as u16).to_be_bytes());
}

fn seconds(begun: Instant, now: Instant) -> u16 {
    u16::try_from(now.saturating_since(begun).as_secs()).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests;
