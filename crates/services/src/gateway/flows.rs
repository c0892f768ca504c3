//! The flows that guests have, each counted to its guest from before its first answer to its end.

use super::counters::{Cause, Counters};
use super::holder::Holder;
use super::limits::{LEAST_BUFFERS, Limits};
use crate::service::Tally;
use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Bytes charged for a flow without buffers of its own, and for one of datagrams with all to whom it goes.
const SMALL: u64 = 4 << 10;
const DATAGRAMS: u64 = 32 << 10;

/// What a flow is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protocol {
    /// A TCP connection.
    Tcp,
    /// UDP datagrams of one address and port of a guest's.
    Udp,
    /// Echo requests with one identifier to one host.
    Echo,
    /// A question for the name servers.
    Dns,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
            Protocol::Echo => "echo",
            Protocol::Dns => "dns",
        })
    }
}

/// The table of all flows.
#[derive(Debug)]
pub struct Flows {
    limits: Limits,
    counters: Arc<Counters>,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    flows: BTreeMap<u64, Arc<Entry>>,
    guests: BTreeMap<Holder, Guest>,
    /// Bytes of all guests.
    bytes: u64,
    begun: u64,
}

#[derive(Debug)]
struct Guest {
    /// From where it began its last flow.
    address: IpAddr,
    flows: usize,
    bytes: u64,
    begun: u64,
    refused: u64,
    /// When its bucket of new flows is full again, if that is to come.
    full_at: Option<Instant>,
}

#[derive(Debug)]
struct Entry {
    protocol: Protocol,
    holder: Holder,
    guest: SocketAddr,
    to: SocketAddr,
    since: Instant,
    bytes: u64,
    tally: Tally,
}

/// A flow's place in the table; its [end](Flow::end) or its drop makes room.
#[derive(Debug)]
pub struct Flow {
    flows: Arc<Flows>,
    number: u64,
    entry: Arc<Entry>,
}

/// A flow as it stands.
#[derive(Clone, Debug)]
pub struct FlowReport {
    /// What it is.
    pub protocol: Protocol,
    /// The guest.
    pub guest: SocketAddr,
    /// Whom the guest meant; of a flow of UDP the first one.
    pub to: SocketAddr,
    /// When it began.
    pub since: Instant,
    /// Bytes from the guest.
    pub received: u64,
    /// Bytes to the guest.
    pub sent: u64,
}

/// A guest as it stands.
#[derive(Clone, Debug)]
pub struct GuestReport {
    /// Who it is.
    pub holder: Holder,
    /// From where it began its last flow.
    pub address: IpAddr,
    /// Its flows.
    pub flows: usize,
    /// Bytes of buffers that its flows may take.
    pub bytes: u64,
    /// Flows that it has begun since it is remembered.
    pub begun: u64,
    /// Flows that a limit refused it since then.
    pub refused: u64,
}

impl Flows {
    /// A table with these bounds.
    pub fn new(limits: Limits, counters: Arc<Counters>) -> Arc<Flows> {
        Arc::new(Flows { limits, counters, table: Mutex::default() })
    }

    /// Enters a flow that `guest` begins to `to`, if `holder`, to whom it is charged, may have one more.
    ///
    /// # Errors
    /// The limit that it met, which is counted.
    pub fn enter(
        self: &Arc<Flows>,
        protocol: Protocol,
        holder: Holder,
        guest: SocketAddr,
        to: SocketAddr,
        now: Instant,
    ) -> Result<Flow, Cause> {
        let entered = self.lock().enter(&self.limits, protocol, (holder, guest), to, now);
        match entered {
            Ok((number, entry)) => Ok(Flow { flows: Arc::clone(self), number, entry }),
            Err(cause) => {
                self.counters.count(cause, Some(guest.ip()), format_args!("{protocol} to {to}"));
                Err(cause)
            }
        }
    }

    /// Whether `holder` has so much that it may not begin one more flow of datagrams before another one ends.
    pub fn is_at_limit(&self, holder: Holder) -> bool {
        self.lock().guests.get(&holder).is_some_and(|guest| {
            let left = self.limits.guest_bytes.saturating_sub(guest.bytes);
            guest.flows >= self.limits.guest_flows || left < DATAGRAMS
        })
    }

    /// Whether `guest` begins flows to `to` no faster than `holder`, to whom they are charged, may: asked before another flow is ended
    /// for the new one, which takes its place of the rate when it is entered.
    ///
    /// # Errors
    /// [`GuestRate`](Cause::GuestRate), which is counted.
    pub fn check_rate(
        &self,
        protocol: Protocol,
        holder: Holder,
        guest: SocketAddr,
        to: SocketAddr,
        now: Instant,
    ) -> Result<(), Cause> {
        let mut table = self.lock();
        let Some(known) = table.guests.get_mut(&holder) else { return Ok(()) };
        let outcome = known.next_full_at(&self.limits, now).map(drop).inspect_err(|_| known.refused += 1);
        drop(table);
        outcome.inspect_err(|cause| {
            self.counters.count(*cause, Some(guest.ip()), format_args!("{protocol} to {to}"));
        })
    }

    /// How many flows there are.
    pub fn count(&self) -> usize {
        self.lock().flows.len()
    }

    /// How many flows there have been.
    pub fn begun(&self) -> u64 {
        self.lock().begun
    }

    /// The flows, oldest first.
    pub fn list(&self) -> Vec<FlowReport> {
        let entries: Vec<Arc<Entry>> = self.lock().flows.values().cloned().collect();
        let report = |entry: &Arc<Entry>| FlowReport {
            protocol: entry.protocol,
            guest: entry.guest,
            to: entry.to,
            since: entry.since,
            received: entry.tally.received(),
            sent: entry.tally.sent(),
        };
        entries.iter().map(report).collect()
    }

    /// The guests that are remembered.
    pub fn guests(&self) -> Vec<GuestReport> {
        let report = |(holder, guest): (&Holder, &Guest)| GuestReport {
            holder: *holder,
            address: guest.address,
            flows: guest.flows,
            bytes: guest.bytes,
            begun: guest.begun,
            refused: guest.refused,
        };
        self.lock().guests.iter().map(report).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        // The table is whole between any two statements: a panic elsewhere does not spoil it.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn enter(
        &mut self,
        limits: &Limits,
        protocol: Protocol,
        (holder, guest): (Holder, SocketAddr),
        to: SocketAddr,
        now: Instant,
    ) -> Result<(u64, Arc<Entry>), Cause> {
        let room = Room {
            flows: limits.flows.saturating_sub(self.flows.len()),
            bytes: limits.bytes.saturating_sub(self.bytes),
        };
        self.make_room(limits, holder, now)?;
        let known = self.guests.entry(holder).or_insert_with(|| Guest::new(guest.ip()));
        known.address = guest.ip();
        let bytes = known.admit(limits, &room, protocol, now).inspect_err(|_| known.refused += 1)?;
        known.flows += 1;
        known.bytes += bytes;
        known.begun += 1;
        self.bytes += bytes;
        self.begun += 1;
        let tally = Tally::default();
        let entry = Arc::new(Entry { protocol, holder, guest, to, since: now, bytes, tally });
        let number = self.next;
        self.next += 1;
        self.flows.insert(number, Arc::clone(&entry));
        Ok((number, entry))
    }

    /// A guest that is new takes the place of those of whom there is nothing left to remember.
    fn make_room(&mut self, limits: &Limits, holder: Holder, now: Instant) -> Result<(), Cause> {
        if self.guests.len() < limits.guests || self.guests.contains_key(&holder) {
            return Ok(());
        }
        self.guests.retain(|_, guest| guest.flows > 0 || guest.full_at.is_some_and(|full_at| full_at > now));
        if self.guests.len() < limits.guests { Ok(()) } else { Err(Cause::Guests) }
    }
}

/// What all guests together may still have.
struct Room {
    flows: usize,
    bytes: u64,
}

impl Guest {
    fn new(address: IpAddr) -> Guest {
        Guest { address, flows: 0, bytes: 0, begun: 0, refused: 0, full_at: None }
    }

    /// Whether one flow more is within the limits; the bytes that it is given. What all guests share is looked at last: one that is
    /// over its own limit is told of that.
    fn admit(
        &mut self,
        limits: &Limits,
        room: &Room,
        protocol: Protocol,
        now: Instant,
    ) -> Result<u64, Cause> {
        if self.flows >= limits.guest_flows {
            return Err(Cause::GuestFlows);
        }
        let left = limits.guest_bytes.saturating_sub(self.bytes);
        let (bytes, least) = match protocol {
            Protocol::Tcp => {
                let more = (spare(left, limits.guest_flows - self.flows) / 8)
                    .min(spare(room.bytes, room.flows) / 8)
                    .min(limits.flow_bytes.saturating_sub(LEAST_BUFFERS));
                (LEAST_BUFFERS + more, LEAST_BUFFERS)
            }
            Protocol::Udp => (DATAGRAMS, DATAGRAMS),
            Protocol::Echo | Protocol::Dns => (SMALL, SMALL),
        };
        if left < least {
            return Err(Cause::GuestBytes);
        }
        self.full_at = Some(self.next_full_at(limits, now)?);
        match (room.flows, room.bytes) {
            (0, _) => Err(Cause::Flows),
            (_, bytes) if bytes < least => Err(Cause::Bytes),
            _ => Ok(bytes),
        }
    }

    /// When its bucket of new flows is full again after one more, if there is one in it.
    fn next_full_at(&self, limits: &Limits, now: Instant) -> Result<Instant, Cause> {
        let each = Duration::from_secs(1) / limits.guest_rate.max(1);
        let full_at = self.full_at.map_or(now, |full_at| full_at.max(now)) + each;
        match full_at.duration_since(now) > each * limits.guest_burst.max(1) {
            true => Err(Cause::GuestRate),
            false => Ok(full_at),
        }
    }
}

/// What is left of `bytes` when each of so many flows that may still come has the least.
fn spare(bytes: u64, flows: usize) -> u64 {
    bytes.saturating_sub(LEAST_BUFFERS * flows as u64)
}

impl Flow {
    /// What it has carried: from the guest, and to it.
    pub fn tally(&self) -> &Tally {
        &self.entry.tally
    }

    /// Whom it is charged to.
    pub fn holder(&self) -> Holder {
        self.entry.holder
    }

    /// Makes room already: nothing more is carried.
    pub fn end(&self) {
        let mut table = self.flows.lock();
        if table.flows.remove(&self.number).is_none() {
            return;
        }
        table.bytes = table.bytes.saturating_sub(self.entry.bytes);
        if let Some(guest) = table.guests.get_mut(&self.entry.holder) {
            guest.flows = guest.flows.saturating_sub(1);
            guest.bytes = guest.bytes.saturating_sub(self.entry.bytes);
        }
    }

    /// Bytes that a TCP flow may buffer in the stack, each way.
    pub fn buffer(&self) -> u32 {
        let in_transit = 128 << 10;
        u32::try_from(self.entry.bytes.saturating_sub(in_transit) / 2).unwrap_or(u32::MAX)
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests;
