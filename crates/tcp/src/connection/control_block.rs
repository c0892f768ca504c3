//! What a host keeps for one connection that an application holds: the TCB of RFC 9293 3.3.1.

use super::effect::{Aside, Effect, Standing, Transmission};
use super::established::Established;
use super::fate::Fate;
use super::finished::Finished;
use super::handshake::{Handshake, Outcome};
use super::open::Open;
use super::syn_ack::SynAck;
use super::syn_data::SynData;
use crate::environment::Environment;
use crate::error::{Dropped, Failure, IcmpError};
use crate::event::{Readiness, Told};
use crate::info::State;
use crate::segment::{FourTuple, Path, Way};
use crate::settings::Settings;
use alloc::boxed::Box;
use basis::{Frame, Instant, TimerId};
use wire::tcp::{Flags, Header, Seq};

/// A connection with all that the host notes about it.
#[derive(Clone, Debug)]
pub(crate) struct ControlBlock {
    pub(crate) tuple: FourTuple,
    pub(crate) path: Path,
    pub(crate) settings: Settings,
    pub(super) phase: Phase,
    /// Why it failed, until somebody was told.
    pub(super) failure: Option<Failure>,
    /// An ICMP error that may or may not last (RFC 5927 4): what a time-out is reported as.
    pub(super) soft_error: Option<Failure>,
    /// The application has closed its handle.
    pub(crate) detached: bool,
    /// It waits in its lane's queue of work.
    pub(crate) queued: bool,
    pub(crate) told: Told,
    pub(crate) timer: TimerId,
    /// The deadline that `timer` is armed for: no later than the connection's own.
    pub(crate) armed: Instant,
}

/// A phase is a type, not a flag. All lie in the table itself: an open connection is the usual one, and the others fit its place.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)]
pub(super) enum Phase {
    Open(Open),
    Handshake(Handshake),
    Finished(Finished),
}

impl ControlBlock {
    #[inline(always)]
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
            told: Told::default(),
            timer: TimerId::NONE,
            armed: Instant::FAR_FUTURE,
        }
    }

    /// A connection that this host begins.
    #[inline(always)]
    pub(crate) fn connecting(
        tuple: FourTuple,
        path: Path,
        settings: Settings,
        handshake: Handshake,
    ) -> ControlBlock {
        ControlBlock::new(tuple, path, settings, Phase::Handshake(handshake))
    }

    /// Its SYN carries more, if that is wanted (RFC 7413).
    pub(crate) fn carry_with_syn(&mut self, syn_data: Option<SynData>) {
        if let (Phase::Handshake(handshake), Some(syn_data)) = (&mut self.phase, syn_data) {
            handshake.carry(syn_data);
        }
    }

    /// The place of a connection whose handshake was a listener's: it begins there with [`ControlBlock::establish`].
    #[inline(always)]
    pub(crate) fn accepted(tuple: FourTuple, path: Path, settings: Settings) -> ControlBlock {
        ControlBlock::new(tuple, path, settings, Phase::Finished(Finished::NOTHING))
    }

    /// Its handshake is done, and it begins.
    pub(crate) fn establish(&mut self, established: &Established, environment: &Environment<'_>) {
        self.phase = Phase::Open(Open::FRESH);
        if let Phase::Open(open) = &mut self.phase {
            open.begin(established, &self.tuple, self.path, &self.settings, environment);
        }
    }

    /// Its SYN with `header` proved its sender and came with `payload`: it begins at once (RFC 7413).
    pub(crate) fn establish_early(
        &mut self,
        established: &Established,
        syn_ack: Box<SynAck>,
        (header, payload): (&Header, &mut Frame),
        environment: &mut Environment<'_>,
    ) {
        self.establish(established, environment);
        if let Phase::Open(open) = &mut self.phase {
            open.begin_early(syn_ack, header, payload, &self.settings, environment);
        }
    }

    // ---- segments ----

    /// Takes in a segment if it is the one that almost always comes, and tells how the connection stands then; otherwise nothing has
    /// happened yet.
    #[inline(always)]
    pub(crate) fn take_predicted(
        &mut self,
        header: &Header,
        payload: &mut Frame,
        environment: &mut Environment<'_>,
    ) -> Option<Standing> {
        match &mut self.phase {
            Phase::Open(open) if open.predicts(header, payload, &self.settings, environment) => {
                open.on_predicted(header, payload, environment);
                Some(open.standing_predicted(self.told.reported()))
            }
            _ => None,
        }
    }

    #[inline(always)]
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
            Phase::Handshake(_) => self.on_handshake_segment(header, payload, environment),
            Phase::Finished(_) => Ok(Fate::Closed.into()),
        }
    }

    #[inline(never)]
    fn on_handshake_segment(
        &mut self,
        header: &Header,
        payload: &mut Frame,
        environment: &mut Environment<'_>,
    ) -> Result<Effect, Dropped> {
        let Phase::Handshake(handshake) = &mut self.phase else { return Ok(Fate::Live.into()) };
        match handshake.on_segment(header, self.tuple.local.is_ipv4(), environment.now)? {
            Outcome::Pending => Ok(Fate::Live.into()),
            Outcome::Refused => Ok(Fate::Failed(Failure::Refused).into()),
            Outcome::Stray(sequence) => Ok(Effect { fate: Fate::Live, aside: Aside::Stray(sequence) }),
            Outcome::Opened(established) => {
                let lesson = handshake.lesson(header).map(Box::new);
                let fate = self.open(&established, header, payload, environment)?;
                Ok(Effect { fate, aside: lesson.map_or(Aside::Nothing, Aside::Lesson) })
            }
        }
    }

    /// The handshake is done; the segment with `header`, which completed it, may carry data and a FIN.
    fn open(
        &mut self,
        established: &Established,
        header: &Header,
        payload: &mut Frame,
        environment: &mut Environment<'_>,
    ) -> Result<Fate, Dropped> {
        let max_pacing_rate = self.max_pacing_rate();
        let syn_data = match &self.phase {
            Phase::Handshake(handshake) => handshake.rest_of_data(header.acknowledgment),
            _ => None,
        };
        self.establish(established, environment);
        let Phase::Open(open) = &mut self.phase else { return Ok(Fate::Live) };
        if max_pacing_rate.is_some() {
            open.send.set_max_pacing_rate(max_pacing_rate);
        }
        // What the peer did not take in with the SYN goes again, and carries the acknowledgment.
        let carried = syn_data.as_ref().is_some_and(|(_, rest)| !rest.is_empty()) && header.window > 0;
        if let Some((taken, rest)) = syn_data {
            open.take_over_syn_data(taken, &rest, environment);
        }
        if self.detached {
            open.finish_sending();
        }
        if !header.flags.contains(Flags::SYN) {
            return open.on_first_segment(header, payload, &self.settings, self.detached, environment);
        }
        if !carried {
            open.receive.acks.now();
        }
        if payload.is_empty() && !header.flags.contains(Flags::FIN) {
            return Ok(Fate::Live);
        }
        Ok(open.on_syn_ack_text(header, payload, &self.settings, self.detached, environment))
    }

    /// An ICMP error about a segment of this connection (RFC 5927).
    pub(crate) fn on_icmp_error(
        &mut self,
        sequence: Seq,
        error: IcmpError,
        environment: &Environment<'_>,
    ) -> Fate {
        if !self.is_credible(sequence, error) {
            return Fate::Live;
        }
        match &mut self.phase {
            Phase::Handshake(handshake) => {
                if let IcmpError::PacketTooBig { mtu } = error {
                    self.path.mtu = self.path.mtu.min(mtu.max(68));
                    handshake.on_too_big();
                }
                // A connection attempt may be given up at the first word of it (RFC 5461 2.1, as hosts do).
                error.failure().map_or(Fate::Live, Fate::Failed)
            }
            Phase::Open(open) => {
                if open.is_syn_ack(sequence) {
                    // As for any attempt.
                    return error.failure().map_or(Fate::Live, Fate::Failed);
                }
                if let IcmpError::PacketTooBig { mtu } = error {
                    let path = Path { mtu: self.path.mtu.min(mtu.max(68)), ..self.path };
                    open.on_too_big(sequence, path, self.tuple.local, &self.settings, environment);
                    self.path = path;
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
        let syn_data = matches!(&self.phase, Phase::Open(open) if open.has_syn_data());
        let ended = matches!(&self.phase, Phase::Open(open) if open.receive.finished());
        let unread = match &mut self.phase {
            Phase::Open(open) => {
                let mut unread = open.give_up(environment);
                if open.receive.discarding()
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
        self.phase = Phase::Finished(Finished { unread, state, was_open, syn_data, ended });
    }

    /// Gives back what memory is left: the slot is about to be used again.
    pub(crate) fn release(&mut self, environment: &mut Environment<'_>) {
        let unread = match &mut self.phase {
            Phase::Open(open) => open.give_up(environment),
            Phase::Finished(finished) => finished.unread.take(),
            Phase::Handshake(_) => None,
        };
        if let Some(buffer) = unread {
            environment.memory.give_receive(buffer);
        }
    }

    // ---- what is due ----

    /// Lays the next segment that is due into the empty `frame`, if there is one, and tells whether to ask again and when.
    #[inline(always)]
    pub(crate) fn poll_transmit(
        &mut self,
        frame: &mut Frame,
        environment: &mut Environment<'_>,
    ) -> Transmission {
        match &mut self.phase {
            Phase::Open(open) => Transmission {
                sent: open.poll_transmit(frame, &self.tuple, &self.settings, environment),
                may_transmit: open.may_transmit(),
                deadline: open.next_deadline(),
            },
            Phase::Handshake(handshake) => Transmission {
                sent: handshake.poll_transmit(frame, &self.tuple, environment.now),
                may_transmit: handshake.wants_transmit(),
                deadline: handshake.deadline,
            },
            Phase::Finished(_) => {
                Transmission { sent: false, may_transmit: false, deadline: Instant::FAR_FUTURE }
            }
        }
    }

    pub(crate) fn on_timeout(&mut self, environment: &mut Environment<'_>) -> Fate {
        match &mut self.phase {
            Phase::Open(open) => {
                let way = Way { path: self.path, local: self.tuple.local };
                open.on_timeout(way, &self.settings, self.detached, environment)
            }
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

    /// Whether an acknowledgment is due.
    #[inline]
    pub(crate) fn owes_acknowledgment(&self) -> bool {
        matches!(&self.phase, Phase::Open(open) if open.receive.acks.is_due())
    }

    /// What the application can do without waiting.
    #[inline]
    pub(crate) fn readiness(&self) -> Readiness {
        match &self.phase {
            Phase::Open(open) => open.readiness(self.told.reported()),
            Phase::Handshake(_) => Readiness::NONE,
            Phase::Finished(finished) => finished.readiness(self.failure),
        }
    }

    /// What the host must know of a connection after each thing that happens to it.
    #[inline(always)]
    pub(crate) fn standing(&self) -> Standing {
        match &self.phase {
            Phase::Open(open) => Standing {
                may_transmit: open.may_transmit(),
                deadline: open.next_deadline(),
                ready: open.readiness(self.told.reported()),
            },
            Phase::Handshake(handshake) => Standing {
                may_transmit: handshake.wants_transmit(),
                deadline: handshake.deadline,
                ready: Readiness::NONE,
            },
            Phase::Finished(finished) => Standing {
                may_transmit: false,
                deadline: Instant::FAR_FUTURE,
                ready: finished.readiness(self.failure),
            },
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
}
