//! The host: segments in, segments and events out.

use super::alarms::Alarms;
use super::demux::{Demux, Place};
use super::half_open::{HalfOpen, HalfOpenTable};
use super::isn::TimestampOffsets;
use super::lines::{Lines, lines};
use super::listener::Listeners;
use super::peer_cookies::PeerCookies;
use super::queue::Queue;
use super::reset;
use super::syn_cookie::SynCookies;
use super::time_wait_table::TimeWaitTable;
use super::work::{Lanes, News};
use crate::config::HostConfig;
use crate::connection::control_block::ControlBlock;
use crate::connection::effect::{Aside, Effect};
use crate::connection::fate::Fate;
use crate::counters::Counters;
use crate::environment::Environment;
use crate::error::{Dropped, IcmpError};
use crate::memory::Memory;
use crate::segment::{FourTuple, Path};
use basis::{Checksum, Frame, Instant, Random, RateLimit, Seed, Slab};
use core::hint::cold_path;
use core::net::IpAddr;
use wire::tcp::{Header, Seq};

/// All TCP connections and listeners of one host.
///
/// ```
/// use basis::Instant;
/// use netstrata_tcp::{Host, HostConfig, SocketOptions};
/// let mut host = Host::new(Instant::ZERO, HostConfig::default(), [7; 32]);
/// let listener = host.listen(None, 9528, 10, SocketOptions::default()).unwrap();
/// assert!(host.accept(listener).is_err());
/// ```
#[derive(Clone, Debug)]
pub struct Host {
    pub(super) config: HostConfig,
    pub(super) timestamp_offsets: TimestampOffsets,
    pub(super) demux: Demux,
    pub(super) connections: Slab<ControlBlock>,
    pub(super) half_open: HalfOpenTable,
    pub(super) time_wait: TimeWaitTable,
    pub(super) listeners: Listeners,
    pub(super) lanes: Lanes,
    pub(super) news: Queue<News>,
    /// At most how many entries of the queues are about something that is gone.
    pub(super) stale: usize,
    pub(super) alarms: Alarms,
    pub(super) memory: Memory,
    pub(super) counters: Counters,
    pub(super) cookies: SynCookies,
    /// RSTs to segments of no connection.
    pub(super) reset_limit: RateLimit,
    /// Where the reply that was last polled goes.
    pub(super) replied: FourTuple,
    /// The key of cookies, for listeners that have none of their own (RFC 7413).
    pub(super) fast_open_key: [u8; 16],
    /// The cookies that peers gave to this host.
    pub(super) peer_cookies: PeerCookies,
    /// Connections that are open though their handshake has not ended (RFC 7413).
    pub(super) early: u32,
    /// More waits on the links than the host gets to take.
    pub(super) behind: bool,
}

/// What a connection borrows of its host for one call.
macro_rules! environment {
    ($host:expr, $now:expr) => {
        Environment {
            now: $now,
            memory: &mut $host.memory,
            counters: &mut $host.counters,
            config: &$host.config,
            early: &mut $host.early,
            behind: $host.behind,
        }
    };
}
pub(super) use environment;

/// Tells the four-tuple at a place, borrowing nothing but the tables.
macro_rules! tuple_at {
    ($host:expr) => {
        $crate::host::tcp_host::tuples(&$host.connections, &$host.half_open.slab, &$host.time_wait)
    };
}
pub(super) use tuple_at;

/// See [`tuple_at`]. It is one function for all who ask, so that there is one of all that is made for it.
pub(super) fn tuples<'a>(
    connections: &'a Slab<ControlBlock>,
    half_open: &'a Slab<HalfOpen>,
    time_wait: &'a TimeWaitTable,
) -> impl Fn(Place) -> Option<&'a FourTuple> {
    move |place| match place {
        Place::Connection(index) => connections.at(index).map(|connection| &connection.tuple),
        Place::HalfOpen(index) => half_open.at(index).map(|half_open| &half_open.tuple),
        Place::TimeWait(index) => time_wait.at(index).map(|time_wait| &time_wait.tuple),
    }
}

impl Host {
    /// A host without connections. All its randomness grows from `seed`.
    pub fn new(now: Instant, config: HostConfig, seed: Seed) -> Host {
        let mut random = Random::new(seed);
        Host {
            config,
            timestamp_offsets: TimestampOffsets::new(&mut random),
            demux: Demux::new(random.hash_key()),
            connections: Slab::new(),
            half_open: HalfOpenTable::new(),
            time_wait: TimeWaitTable::new(),
            listeners: Listeners::new(random.hash_key()),
            lanes: Lanes::default(),
            news: Queue::new(),
            stale: 0,
            alarms: Alarms::new(now),
            memory: Memory::new(config.buffer_memory),
            counters: Counters::default(),
            cookies: SynCookies::new(&mut random),
            reset_limit: RateLimit::new(
                now,
                config.resets_per_second,
                config.resets_burst,
                Random::new(random.seed()),
            ),
            replied: FourTuple::NOWHERE,
            fast_open_key: (u128::from(random.next_u64()) << 64 | u128::from(random.next_u64()))
                .to_le_bytes(),
            peer_cookies: PeerCookies::default(),
            early: 0,
            behind: false,
        }
    }

    /// Changes the configuration, for what begins from now on.
    pub fn set_config(&mut self, config: HostConfig) {
        self.config = config;
        self.memory.set_budget(config.buffer_memory);
        self.reset_limit.set(config.resets_per_second, config.resets_burst);
    }

    /// Tells whether this host is behind its links: more has been waiting there for a while than it gets to take. What comes is then bounded by the
    /// host, whichever link it comes by, and a larger window would only wait: until this is taken back, receive buffers that tune themselves and have not reached
    /// their bound go down to 2 MiB where round trips take less than 10 ms by the peer's timestamps.
    ///
    /// ```
    /// # use basis::Instant;
    /// # use netstrata_tcp::{Host, HostConfig};
    /// # let mut host = Host::new(Instant::ZERO, HostConfig::default(), [7; 32]);
    /// host.set_behind(true);
    /// assert!(host.is_behind());
    /// ```
    pub fn set_behind(&mut self, behind: bool) {
        self.behind = behind;
    }

    /// What was said last by [`Host::set_behind`]; at first false.
    pub fn is_behind(&self) -> bool {
        self.behind
    }

    /// A segment from `remote` to `local` has arrived; `frame` starts at the TCP header. `path` tells how answers leave, for
    /// what no connection takes in.
    ///
    /// # Errors
    /// Why the segment was not used. It has been counted, and answered if an RFC wants it.
    #[inline(always)]
    pub fn on_segment(
        &mut self,
        now: Instant,
        path: impl FnOnce() -> Path,
        local: IpAddr,
        remote: IpAddr,
        frame: &mut Frame,
    ) -> Result<(), Dropped> {
        self.counters.segments_received += 1;
        let result = self.dispatch(now, path, local, remote, frame);
        if let Err(dropped) = result {
            self.counters.count(dropped);
        }
        result
    }

    #[inline(always)]
    pub(super) fn dispatch(
        &mut self,
        now: Instant,
        path: impl FnOnce() -> Path,
        local: IpAddr,
        remote: IpAddr,
        frame: &mut Frame,
    ) -> Result<(), Dropped> {
        let [head, body] = frame.parts();
        if frame.checksum != Checksum::Verified {
            wire::tcp::verify(remote, local, [head, body]).map_err(Dropped::Malformed)?;
        }
        let mut header = Header::default();
        let first = if head.is_empty() { body } else { head };
        let length = header.read(first).map_err(Dropped::Malformed)?;
        frame.strip(length);
        let tuple =
            FourTuple { local, remote, local_port: header.destination_port, remote_port: header.source_port };
        let place = match self.demux.find_recent(&tuple) {
            Some(Place::Connection(index)) => {
                return self.on_connection_segment(now, index, &header, frame);
            }
            // A copy for who looks at it in memory: mostly it stays in registers.
            None => self.demux.find_anew(&{ tuple }, tuple_at!(self)),
            place => place,
        };
        match place {
            Some(Place::Connection(index)) => self.on_connection_segment(now, index, &header, frame),
            Some(Place::HalfOpen(index)) => self.on_half_open_segment(now, index, &header, frame),
            Some(Place::TimeWait(index)) => self.on_time_wait_segment(now, path(), index, &header, frame),
            None => self.on_stray_segment(now, path(), &{ tuple }, &header, frame),
        }
    }

    #[inline(never)]
    pub(super) fn on_connection_segment(
        &mut self,
        now: Instant,
        index: u32,
        header: &Header,
        frame: &mut Frame,
    ) -> Result<(), Dropped> {
        let Some((key, connection)) = self.connections.entry_at_mut(index) else {
            return Err(Dropped::NoSocket);
        };
        if let Some(standing) = connection.take_predicted(header, frame, &mut environment!(self, now)) {
            lines!(self).place(key, connection, standing);
            return Ok(());
        }
        self.on_any_segment(now, index, header, frame)
    }

    /// [`Host::on_connection_segment`] for a segment of any kind.
    #[inline(never)]
    pub(super) fn on_any_segment(
        &mut self,
        now: Instant,
        index: u32,
        header: &Header,
        frame: &mut Frame,
    ) -> Result<(), Dropped> {
        let Some((key, connection)) = self.connections.entry_at_mut(index) else {
            return Err(Dropped::NoSocket);
        };
        match connection.on_segment(header, frame, &mut environment!(self, now)) {
            Ok(Effect { fate: Fate::Live, aside: Aside::Nothing }) if !connection.is_finished() => {
                lines!(self).settle(key, connection);
                Ok(())
            }
            Ok(Effect { fate, aside: Aside::Nothing }) => {
                self.apply(now, index, fate);
                Ok(())
            }
            Ok(effect) => {
                cold_path();
                self.on_effect(now, index, effect);
                Ok(())
            }
            Err(dropped) => {
                cold_path();
                // It may have earned an answer all the same.
                self.settle(index);
                Err(dropped)
            }
        }
    }

    #[inline(never)]
    fn on_effect(&mut self, now: Instant, index: u32, effect: Effect) {
        if let Some(connection) = self.connections.at(index) {
            let (tuple, lane) = (connection.tuple, connection.path.lane);
            match effect.aside {
                Aside::Nothing => {}
                Aside::Stray(sequence) => {
                    self.reply_stray(now, &tuple, lane, reset::reset(&tuple, sequence, None));
                }
                Aside::Lesson(lesson) => {
                    let most = self.config.fast_open_peers as usize;
                    self.peer_cookies.learn(now, (tuple.local, tuple.remote), &lesson, most);
                }
            }
        }
        self.apply(now, index, effect.fate);
    }

    /// An ICMP message came about a segment that `tuple` sent with number `sequence`.
    pub fn on_icmp_error(&mut self, now: Instant, tuple: FourTuple, sequence: Seq, error: IcmpError) {
        match self.demux.find(&tuple, tuple_at!(self)) {
            Some(Place::Connection(index)) => {
                if let Some(connection) = self.connections.at_mut(index) {
                    let fate = connection.on_icmp_error(sequence, error, &environment!(self, now));
                    self.apply(now, index, fate);
                }
            }
            // Who cannot be reached cannot end the handshake: its place is free for others, and nobody has to be told.
            Some(Place::HalfOpen(index)) => {
                if self
                    .half_open
                    .slab
                    .at(index)
                    .is_some_and(|half_open| half_open.is_cut_off(sequence, error))
                {
                    self.drop_half_open(index);
                }
            }
            Some(Place::TimeWait(_)) | None => {}
        }
    }
}
