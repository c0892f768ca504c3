//! Who listens where, and what waits to be accepted.

use super::deferral::deferral;
use crate::config::{FastOpenServer, SynCookies};
use crate::error::{Dropped, ListenError};
use crate::event::ListenerId;
use crate::info::ListenerSummary;
use crate::segment::FourTuple;
use crate::settings::{Settings, SocketOptions};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use basis::{HashKey, Instant, Key, Slab};
use core::hash::BuildHasher;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use hashbrown::HashMap;

/// Listeners that can share one address and port (SO_REUSEPORT).
pub(crate) const MAX_SHARERS: usize = 64;
/// Stands for every port; no segment names it.
pub(crate) const EVERY_PORT: u16 = 0;

/// A listener: not a connection, but what makes them.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    address: Option<IpAddr>,
    port: u16,
    /// It shares its place with others that do.
    shares: bool,
    pub(crate) settings: Settings,
    /// The bound of each queue.
    backlog: u32,
    /// Connections in SYN-RECEIVED; they live in the host's table.
    pub(crate) half_open: u32,
    /// Established and not yet accepted.
    waiting: VecDeque<Key>,
    /// The application has been told that somebody waits.
    pub(crate) announced: bool,
    /// Whether each SYN waits for a decision before it is answered.
    pub(crate) asks: bool,
    /// Half-open connections that wait for a decision and were not told of yet; some may be gone.
    requests: VecDeque<Key>,
    /// Data on SYNs is taken in.
    pub(crate) fast_open: Option<FastOpenServer>,
    /// Time-outs of a SYN-ACK for which a bare acknowledgment does not complete the handshake (TCP_DEFER_ACCEPT).
    pub(crate) defers: u8,
    /// Other than the host's.
    pub(crate) syn_cookies: Option<SynCookies>,
    /// Of those that it accepts.
    pub(crate) max_pacing_rate: Option<u64>,
    /// When the last SYN cookie was given.
    pub(crate) cookie_given: Option<Instant>,
}

/// How a SYN is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Admission {
    /// By a half-open connection.
    HalfOpen,
    /// By a SYN cookie.
    Cookie,
}

impl Listener {
    /// How another SYN is answered, if it may be; `room` tells whether the host has room for a half-open connection. A full accept
    /// queue closes the door: what would be completed could not be accepted. A cookie is an answer, so a listener that is asked
    /// before its SYNs are answered gives none.
    pub(crate) fn admit(&self, room: bool, usual: SynCookies) -> Result<Admission, Dropped> {
        let own_room = self.half_open < self.backlog;
        let cookies = if self.asks { SynCookies::Off } else { self.syn_cookies.unwrap_or(usual) };
        match cookies {
            _ if !self.has_room_for_established() => Err(Dropped::BacklogFull),
            SynCookies::Always => Ok(Admission::Cookie),
            _ if room && own_room => Ok(Admission::HalfOpen),
            SynCookies::WhenFull => Ok(Admission::Cookie),
            SynCookies::Off => Err(if own_room { Dropped::TableFull } else { Dropped::BacklogFull }),
        }
    }

    pub(crate) fn set_options(&mut self, options: SocketOptions) {
        (self.settings, self.syn_cookies) = (options.into(), options.syn_cookies);
        (self.max_pacing_rate, self.defers) = (options.max_pacing_rate, deferral(options.defer_accept));
    }

    pub(crate) fn has_room_for_established(&self) -> bool {
        (self.waiting.len() as u32) < self.backlog
    }

    pub(crate) fn push(&mut self, connection: Key) {
        self.waiting.push_back(connection);
    }

    pub(crate) fn pop(&mut self) -> Option<Key> {
        self.waiting.pop_front()
    }

    /// Queues a half-open connection that is to be decided on. There are as many as may be half-open; those that have gone are
    /// swept out once they may be as many again.
    pub(crate) fn ask(&mut self, half_open: Key, is_there: impl Fn(Key) -> bool) {
        if self.requests.len() as u64 >= 2 * u64::from(self.backlog) {
            self.requests.retain(|key| is_there(*key));
        }
        self.requests.push_back(half_open);
    }

    pub(crate) fn next_request(&mut self) -> Option<Key> {
        self.requests.pop_front()
    }

    #[cfg(test)]
    pub(crate) fn requests_queued(&self) -> usize {
        self.requests.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) fn summary(&self, key: Key) -> ListenerSummary {
        ListenerSummary {
            id: ListenerId(key),
            address: self.address,
            port: self.port,
            half_open: self.half_open,
            waiting: self.waiting.len() as u32,
            backlog: self.backlog,
        }
    }
}

/// All listeners of a host.
#[derive(Clone, Debug)]
pub(crate) struct Listeners {
    slab: Slab<Listener>,
    by_address: HashMap<(Option<IpAddr>, u16), Key, HashKey>,
    /// What was found last: callers come to the same door, one after the other. Forgotten when a listener comes or goes.
    recent: Option<(IpAddr, u16, Key)>,
    /// All that share one place, where they are more than one.
    sharing: HashMap<(Option<IpAddr>, u16), Vec<Key>, HashKey>,
}

impl Listeners {
    pub(crate) fn new(key: HashKey) -> Listeners {
        let (by_address, sharing) = (HashMap::with_hasher(key), HashMap::with_hasher(key));
        Listeners { slab: Slab::new(), by_address, sharing, recent: None }
    }

    pub(crate) fn add(
        &mut self,
        address: Option<IpAddr>,
        port: u16,
        backlog: u32,
        options: SocketOptions,
        most: u32,
    ) -> Result<Key, ListenError> {
        if self.forbids(address, port, options.reuse_port) {
            return Err(ListenError::AddressInUse);
        }
        let sharers = self.sharing.get(&(address, port)).map_or(0, |sharing| sharing.len());
        if self.slab.len() as u32 >= most || sharers >= MAX_SHARERS {
            return Err(ListenError::TooManyListeners);
        }
        let listener = Listener {
            address,
            port,
            shares: options.reuse_port,
            settings: options.into(),
            backlog: backlog.max(1),
            half_open: 0,
            waiting: VecDeque::new(),
            announced: false,
            asks: false,
            requests: VecDeque::new(),
            fast_open: None,
            defers: deferral(options.defer_accept),
            syn_cookies: options.syn_cookies,
            max_pacing_rate: options.max_pacing_rate,
            cookie_given: None,
        };
        let key = self.slab.insert(listener).ok_or(ListenError::TooManyListeners)?;
        if let Some(first) = self.by_address.get(&(address, port)) {
            self.sharing.entry((address, port)).or_insert_with(|| Vec::from([*first])).push(key);
        } else {
            self.by_address.insert((address, port), key);
        }
        self.recent = None;
        Ok(key)
    }

    /// Whether who listens on just this address and port keeps another from it, who would share or not: all must want to.
    pub(crate) fn forbids(&self, address: Option<IpAddr>, port: u16, shares: bool) -> bool {
        let first = self.by_address.get(&(address, port)).and_then(|key| self.slab.get(*key));
        first.is_some_and(|first| !(shares && first.shares))
    }

    pub(crate) fn contains(&self, address: Option<IpAddr>, port: u16) -> bool {
        self.by_address.contains_key(&(address, port))
    }

    /// The listener for a segment: the one on that very address before the one on every address of its family, which is the
    /// unspecified one, before the one on every address, before the one on every address and port. Of those who share a place, it
    /// is always the same one for a connection, and nobody outside knows which.
    pub(crate) fn find(&mut self, tuple: &FourTuple) -> Option<Key> {
        match self.recent {
            Some((recent, at, key)) if at == tuple.local_port && recent == tuple.local => Some(key),
            _ => self.find_anew(tuple),
        }
    }

    #[inline(never)]
    fn find_anew(&mut self, tuple: &FourTuple) -> Option<Key> {
        let (address, port) = (tuple.local, tuple.local_port);
        let family = match address {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        let places = [(Some(address), port), (Some(family), port), (None, port), (None, EVERY_PORT)];
        let (place, key) = places.iter().find_map(|place| self.by_address.get_key_value(place))?;
        if !self.sharing.is_empty() {
            return Some(self.choose(place, *key, tuple));
        }
        self.recent = Some((address, port, *key));
        Some(*key)
    }

    #[cold]
    fn choose(&self, place: &(Option<IpAddr>, u16), first: Key, tuple: &FourTuple) -> Key {
        let Some(sharing) = self.sharing.get(place) else { return first };
        let share = ((self.sharing.hasher().hash_one(tuple) >> 32) * sharing.len() as u64) >> 32;
        sharing.get(share as usize).copied().unwrap_or(first)
    }

    pub(crate) fn get(&self, key: Key) -> Option<&Listener> {
        self.slab.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut Listener> {
        self.slab.get_mut(key)
    }

    pub(crate) fn remove(&mut self, key: Key) -> Option<Listener> {
        let listener = self.slab.remove(key)?;
        let place = (listener.address, listener.port);
        let left = self.sharing.get_mut(&place).and_then(|sharing| {
            sharing.retain(|other| *other != key);
            sharing.first().copied().map(|first| (first, sharing.len()))
        });
        match left {
            Some((first, count)) => {
                self.by_address.insert(place, first);
                if count < 2 {
                    self.sharing.remove(&place);
                }
            }
            None => {
                self.by_address.remove(&place);
            }
        }
        self.recent = None;
        Some(listener)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key, &Listener)> {
        self.slab.iter()
    }
}
