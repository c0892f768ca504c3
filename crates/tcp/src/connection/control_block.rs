//! What a host keeps for one connection that an application holds: the TCB of RFC 9293 3.3.1.

use super::fate::Fate;
use super::handshake::{Handshake, Outcome};
use super::open::{Established, Open};
use crate::config::Settings;
use crate::environment::Environment;
use crate::error::{Dropped, Failure, IcmpError, ReadError, ShutdownError, WriteError};
use crate::event::Readiness;
use crate::info::{Info, State};
use crate::receive::buffer::ReceiveBuffer;
use crate::segment::{FourTuple, Path, Shutdown};
use alloc::boxed::Box;
use basis::{Frame, Instant, TimerId};
use core::time::Duration;
use wire::tcp::{Flags, Header, Seq};

/// A connection with all that the host notes about it.
#[derive(Clone, Debug)]
pub(crate) struct ControlBlock {
    pub(crate) tuple: FourTuple,
    pub(crate) path: Path,
    pub(crate) settings: Settings,
    phase: Phase,
    /// Why it failed, until somebody was told.
    failure: Option<Failure>,
    /// An ICMP error that may or may not last (RFC 5927 4): what a time-out is reported as.
    soft_error: Option<Failure>,
    /// The application has closed its handle.
    pub(crate) detached: bool,
    /// It waits in its lane's queue of work.
    pub(crate) queued: bool,
    /// It waits in the queue of events.
    pub(crate) announced: bool,
    /// What the application was told of.
    pub(crate) reported: Readiness,
    pub(crate) timer: TimerId,
    /// The deadline that `timer` is armed for: no later than the connection's own.
    pub(crate) armed: Instant,
}

/// A phase is a type, not a flag. An open connection lies in the table itself: that is the usual one, and one step nearer.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)]
enum Phase {
    Handshake(Box<Handshake>),
    Open(Open),
    Finished(Finished),
}

/// It is over, or goes on in TIME-WAIT without the application; only what it received is left.
#[derive(Clone, Debug)]
struct Finished {
    unread: Option<Box<ReceiveBuffer>>,
    state: State,
    /// The handshake had been done.
    was_open: bool,
}

/// A segment's effect: what becomes of the connection, and whether a RST with this number answers it.
#[derive(Debug)]
pub(crate) struct Effect {
    pub(crate) fate: Fate,
    pub(crate) stray: Option<Seq>,
}

impl From<Fate> for Effect {
    fn from(fate: Fate) -> Effect {
        Effect { fate, stray: None }
    }
}

impl ControlBlock {
    fn new(tuple: FourTuple, path: Path, settings: Settings, phase: Phase) -> ControlBlock {
        ControlBlock {
            tuple,
            path,
            settings,
            phase,
            failure: None,
            soft_error: None,
            detached: false,
            queued: false,
            announced: false,
            reported: Readiness::NONE,
            timer: TimerId::NONE,
            armed: Instant::FAR_FUTURE,
        }
    }

    /// A connection that this host begins.
    pub(crate) fn connecting(
        tuple: FourTuple,
        path: Path,
        settings: Settings,
        handshake: Handshake,
    ) -> ControlBlock {
        ControlBlock::new(tuple, path, settings, Phase::Handshake(Box::new(handshake)))
    }

    /// A connection whose handshake a listener has completed.
    pub(crate) fn accepted(
        tuple: FourTuple,
        path: Path,
        settings: Settings,
        established: &Established,
        environment: &Environment<'_>,
    ) -> ControlBlock {
        ControlBlock::new(tuple, path, settings, Phase::Open(Open::new(established, &settings, environment)))
    }

    // ---- segments ----

    #[inline]
    pub(crate) fn on_segment(
        &mut self,
        header: &Header,
        payload: &mut Frame,
        environment: &mut Environment<'_>,
    ) -> Result<Effect, Dropped> {
        match &mut self.phase {
            Phase::Open(open) => {
                open.on_segment(header, payload, &self.settings, self.detached, environment).map(Effect::from)
            }
            Phase::Handshake(handshake) => {
                match handshake.on_segment(header, self.tuple.local.is_ipv4(), environment.now)? {
                    Outcome::Pending => Ok(Fate::Live.into()),
                    Outcome::Refused => Ok(Fate::Failed(Failure::Refused).into()),
                    Outcome::Stray(sequence) => Ok(Effect { fate: Fate::Live, stray: Some(sequence) }),
                    Outcome::Opened(established) => {
                        self.open(&established, payload, environment).map(Effect::from)
                    }
                }
            }
            Phase::Finished(_) => Ok(Fate::Closed.into()),
        }
    }

    /// The handshake is done; the segment that completed it may carry data and a FIN.
    fn open(
        &mut self,
        established: &Established,
        payload: &mut Frame,
        environment: &mut Environment<'_>,
    ) -> Result<Fate, Dropped> {
        let mut header = established.header.clone();
        let mut open = Open::new(established, &self.settings, environment);
        if header.flags.contains(Flags::SYN) {
            header.flags = header.flags.without(Flags::SYN);
            header.sequence += 1;
            open.receive.acks.now();
        }
        if self.detached {
            open.finish_sending();
        }
        let fate = open.on_segment(&header, payload, &self.settings, self.detached, environment);
        self.phase = Phase::Open(open);
        fate
    }

    /// An ICMP error about a segment of this connection (RFC 5927).
    pub(crate) fn on_icmp_error(&mut self, sequence: Seq, error: IcmpError) -> Fate {
        match &mut self.phase {
            Phase::Handshake(handshake) => {
                if sequence != handshake.initial() {
                    return Fate::Live;
                }
                if let IcmpError::PacketTooBig { mtu } = error {
                    self.path.mtu = self.path.mtu.min(mtu.max(68));
                    handshake.shrink_segments(self.path.maximum_segment_size(self.tuple.local));
                }
                // A connection attempt may be given up at the first word of it (RFC 5461 2.1, as hosts do).
                error.failure().map_or(Fate::Live, Fate::Failed)
            }
            Phase::Open(open) => {
                // RFC 5927 4.1: only an error about something that is really under way counts.
                if !open.send.is_in_flight(sequence) {
                    return Fate::Live;
                }
                if let IcmpError::PacketTooBig { mtu } = error {
                    self.path.mtu = self.path.mtu.min(mtu.max(68));
                    open.on_path(self.path, self.tuple.local);
                }
                // RFC 9293 3.9.2.2: soft errors end no connection.
                self.soft_error = error.failure();
                Fate::Live
            }
            Phase::Finished(_) => Fate::Live,
        }
    }

    // ---- the end ----

    /// The connection is over: only unread data stays, until the application has closed its handle.
    pub(crate) fn finish(
        &mut self,
        failure: Option<Failure>,
        state: State,
        environment: &mut Environment<'_>,
    ) {
        let was_open = matches!(self.phase, Phase::Open(_));
        let unread = match &mut self.phase {
            Phase::Open(open) => {
                open.send.discard(environment);
                let mut unread = open.receive.take_buffer();
                if (self.detached || open.receive.discarding())
                    && let Some(buffer) = unread.take()
                {
                    environment.memory.give_receive(buffer);
                }
                unread
            }
            _ => None,
        };
        if failure.is_some() {
            self.failure = match failure {
                Some(Failure::TimedOut) => self.soft_error.or(failure),
                failure => failure,
            };
        }
        self.phase = Phase::Finished(Finished { unread, state, was_open });
    }

    /// Gives back what memory is left: the slot is about to be used again.
    pub(crate) fn release(&mut self, environment: &mut Environment<'_>) {
        if let Phase::Finished(finished) = &mut self.phase
            && let Some(buffer) = finished.unread.take()
        {
            environment.memory.give_receive(buffer);
        }
    }

    // ---- the application ----

    pub(crate) fn read(
        &mut self,
        out: &mut [u8],
        environment: &mut Environment<'_>,
    ) -> Result<usize, ReadError> {
        let count = match &mut self.phase {
            Phase::Open(open) => {
                let count = open.receive.read(out, environment);
                if count == 0 && !out.is_empty() && !open.receive.finished() && !open.receive.discarding() {
                    return Err(ReadError::WouldBlock);
                }
                return Ok(count);
            }
            Phase::Handshake(_) => return Err(ReadError::WouldBlock),
            Phase::Finished(finished) => match &mut finished.unread {
                Some(buffer) => buffer.read(out),
                None => 0,
            },
        };
        self.ended_read(count, out.len())
    }

    pub(crate) fn peek(&mut self, out: &mut [u8]) -> Result<usize, ReadError> {
        let count = match &self.phase {
            Phase::Open(open) => {
                let count = open.receive.peek(out);
                if count == 0 && !out.is_empty() && !open.receive.finished() && !open.receive.discarding() {
                    return Err(ReadError::WouldBlock);
                }
                return Ok(count);
            }
            Phase::Handshake(_) => return Err(ReadError::WouldBlock),
            Phase::Finished(finished) => finished.unread.as_ref().map_or(0, |buffer| buffer.peek(out)),
        };
        self.ended_read(count, out.len())
    }

    /// What a read of an ended connection returns: data first, then the failure once, then the end.
    fn ended_read(&mut self, count: usize, wanted: usize) -> Result<usize, ReadError> {
        match self.failure {
            Some(failure) if count == 0 && wanted > 0 => {
                self.failure = None;
                Err(ReadError::Failed(failure))
            }
            _ => Ok(count),
        }
    }

    pub(crate) fn write(
        &mut self,
        data: &[u8],
        environment: &mut Environment<'_>,
    ) -> Result<usize, WriteError> {
        match &mut self.phase {
            Phase::Open(open) if open.is_finishing() => Err(WriteError::Shutdown),
            Phase::Open(open) => match open.send.write(data, environment) {
                0 if !data.is_empty() => Err(WriteError::WouldBlock),
                count => Ok(count),
            },
            Phase::Handshake(_) => Err(WriteError::WouldBlock),
            Phase::Finished(_) => Err(self.failure.take().map_or(WriteError::Shutdown, WriteError::Failed)),
        }
    }

    pub(crate) fn shutdown(
        &mut self,
        how: Shutdown,
        environment: &mut Environment<'_>,
    ) -> Result<(), ShutdownError> {
        match &mut self.phase {
            Phase::Open(open) => {
                if how != Shutdown::Read {
                    open.finish_sending();
                }
                if how != Shutdown::Write {
                    open.receive.discard(environment);
                }
                Ok(())
            }
            Phase::Handshake(_) => Err(ShutdownError::NotConnected),
            Phase::Finished(finished) => {
                if how != Shutdown::Write
                    && let Some(buffer) = finished.unread.take()
                {
                    environment.memory.give_receive(buffer);
                }
                if self.failure.is_some() { Err(ShutdownError::NotConnected) } else { Ok(()) }
            }
        }
    }

    /// The application closes its handle (RFC 9293 3.10.4, with the socket API's linger).
    pub(crate) fn close(&mut self, environment: &mut Environment<'_>) -> Fate {
        self.detached = true;
        match &mut self.phase {
            // A SYN-RECEIVED connection finishes its handshake and then closes; a SYN-SENT one just ends.
            Phase::Handshake(handshake) if handshake.is_crossed() => Fate::Live,
            Phase::Handshake(_) => Fate::Closed,
            Phase::Open(open) => {
                if self.settings.linger() == Some(Duration::ZERO) || open.receive.unread() > 0 {
                    // RFC 1122 4.2.2.13: data that nobody will read was lost, and the peer must know.
                    return Fate::Reset(Failure::Aborted);
                }
                open.finish_sending();
                open.on_detached(environment)
            }
            Phase::Finished(_) => Fate::Closed,
        }
    }

    /// Whether aborting must tell the peer.
    pub(crate) fn is_known_to_peer(&self) -> bool {
        match &self.phase {
            Phase::Open(_) => true,
            Phase::Handshake(handshake) => handshake.is_crossed(),
            Phase::Finished(_) => false,
        }
    }

    /// The number of a RST that the peer must believe, and the acknowledgment it carries.
    pub(crate) fn reset_numbers(&self) -> (Seq, Seq) {
        match &self.phase {
            Phase::Open(open) => (open.send.next_sequence(), open.receive.next()),
            Phase::Handshake(handshake) => (handshake.initial() + 1, Seq(0)),
            Phase::Finished(_) => (Seq(0), Seq(0)),
        }
    }

    pub(crate) fn set_settings(&mut self, settings: Settings, environment: &Environment<'_>) {
        self.settings = settings;
        if let Phase::Open(open) = &mut self.phase {
            open.on_settings(&settings, environment);
        }
    }

    pub(crate) fn take_failure(&mut self) -> Option<Failure> {
        self.failure.take()
    }

    // ---- what is due ----

    #[inline]
    pub(crate) fn poll_transmit(&mut self, environment: &mut Environment<'_>) -> Option<Frame> {
        match &mut self.phase {
            Phase::Open(open) => open.poll_transmit(&self.tuple, &self.settings, environment),
            Phase::Handshake(handshake) => handshake.poll_transmit(&self.tuple, environment.now),
            Phase::Finished(_) => None,
        }
    }

    pub(crate) fn on_timeout(&mut self, environment: &mut Environment<'_>) -> Fate {
        match &mut self.phase {
            Phase::Open(open) => open.on_timeout(&self.settings, environment),
            Phase::Handshake(handshake) => {
                let retries = environment.config.syn_retries;
                match handshake.on_timeout(environment.now, retries, self.settings.user_timeout()) {
                    Ok(()) => Fate::Live,
                    Err(failure) => Fate::Failed(failure),
                }
            }
            Phase::Finished(_) => Fate::Live,
        }
    }

    #[inline]
    pub(crate) fn next_deadline(&self) -> Instant {
        match &self.phase {
            Phase::Open(open) => open.next_deadline(),
            Phase::Handshake(handshake) => handshake.deadline,
            Phase::Finished(_) => Instant::FAR_FUTURE,
        }
    }

    /// Whether [`ControlBlock::poll_transmit`] is worth asking. Open connections are asked whenever something happened.
    #[inline]
    pub(crate) fn may_transmit(&self) -> bool {
        match &self.phase {
            Phase::Open(_) => true,
            Phase::Handshake(handshake) => handshake.wants_transmit(),
            Phase::Finished(_) => false,
        }
    }

    /// What the application can do without waiting.
    #[inline]
    pub(crate) fn readiness(&self) -> Readiness {
        match &self.phase {
            Phase::Open(open) => {
                let (room, limit) = (open.send.room(), open.send.limit());
                // Once full, it is writable again when a quarter is free: fewer and larger writes.
                let enough = if self.reported.contains(Readiness::WRITABLE) { 1 } else { limit / 4 };
                let finished = open.receive.finished();
                Readiness::CONNECTED
                    | Readiness::READABLE
                        .when(open.receive.unread() > 0 || finished || open.receive.discarding())
                    | Readiness::WRITABLE.when(room >= enough || open.is_finishing())
                    | Readiness::READ_CLOSED.when(finished)
                    | Readiness::DRAINED.when(open.is_drained())
            }
            Phase::Handshake(_) => Readiness::NONE,
            Phase::Finished(finished) => {
                Readiness::CONNECTED.when(finished.was_open)
                    | Readiness::READABLE
                    | Readiness::WRITABLE
                    | Readiness::READ_CLOSED
                    | Readiness::DRAINED
                    | Readiness::FAILED.when(self.failure.is_some())
            }
        }
    }

    // ---- reports ----

    pub(crate) fn state(&self) -> State {
        match &self.phase {
            Phase::Handshake(handshake) if handshake.is_crossed() => State::SynReceived,
            Phase::Handshake(_) => State::SynSent,
            Phase::Open(open) => open.state(),
            Phase::Finished(finished) => finished.state,
        }
    }

    /// What TIME-WAIT needs, if the connection is open.
    pub(crate) fn remains(&mut self) -> Option<super::time_wait::Remains> {
        match &mut self.phase {
            Phase::Open(open) => Some(open.remains(self.path.lane)),
            _ => None,
        }
    }

    pub(crate) fn is_finished(&self) -> bool {
        matches!(self.phase, Phase::Finished(_))
    }

    pub(crate) fn info(&self) -> Info {
        let mut info = Info {
            state: self.state(),
            receive_queue: 0,
            send_queue: 0,
            in_flight: 0,
            congestion_window: 0,
            slow_start_threshold: u32::MAX,
            send_window: 0,
            receive_window: 0,
            segment_size: 0,
            smoothed_rtt: Duration::ZERO,
            rtt_variation: Duration::ZERO,
            retransmission_timeout: Duration::ZERO,
            retransmissions: 0,
            bytes_sent: 0,
            bytes_received: 0,
            window_scale: None,
            timestamps: false,
            selective_acknowledgments: false,
            in_recovery: false,
        };
        match &self.phase {
            Phase::Open(open) => open.report(&mut info),
            Phase::Finished(finished) => {
                info.receive_queue = finished.unread.as_ref().map_or(0, |buffer| buffer.len()) as u32;
            }
            Phase::Handshake(_) => {}
        }
        info
    }
}
