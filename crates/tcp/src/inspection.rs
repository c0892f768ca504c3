//! A connection opened for somebody who watches: its numbers and its timers.

use crate::congestion::Stage;
use crate::event::ConnectionId;
use crate::info::Info;
use crate::segment::FourTuple;
use crate::timers::Timer;
use basis::Instant;
use wire::tcp::Seq;

/// What [`crate::Host::inspect`] tells of one connection, half-open and in TIME-WAIT included.
#[derive(Clone, Copy, Debug)]
pub struct Inspection {
    /// The application's handle; `None` for half-open and TIME-WAIT, which have none.
    pub id: Option<ConnectionId>,
    /// The addresses and ports.
    pub tuple: FourTuple,
    /// Whether the application has closed its handle.
    pub detached: bool,
    /// What the application could ask as well.
    pub info: Info,
    /// SND.UNA: the oldest number not acknowledged.
    pub send_oldest: Seq,
    /// SND.NXT: the next number to send; behind `send_highest` while a time-out is repaired.
    pub send_next: Seq,
    /// One past the highest number ever sent.
    pub send_highest: Seq,
    /// RCV.NXT: the next number expected; zero before the peer's SYN has come.
    pub receive_next: Seq,
    /// Slow start grows by a quarter only: round trips have become longer (HyStart++, RFC 9406 4.2).
    pub conservative: bool,
    /// The state of a congestion control that has a model of the path.
    pub stage: Option<Stage>,
    /// When each timer expires, in the order of [`Timer::ALL`]; [`Instant::FAR_FUTURE`] if it is not armed.
    pub deadlines: [Instant; Timer::ALL.len()],
    /// When TIME-WAIT ends, in that state.
    pub time_wait: Option<Instant>,
}

impl Inspection {
    pub(crate) fn new(tuple: FourTuple, info: Info) -> Inspection {
        Inspection {
            id: None,
            tuple,
            detached: false,
            info,
            send_oldest: Seq(0),
            send_next: Seq(0),
            send_highest: Seq(0),
            receive_next: Seq(0),
            conservative: false,
            stage: None,
            deadlines: [Instant::FAR_FUTURE; Timer::ALL.len()],
            time_wait: None,
        }
    }

    /// The timers that are armed, with when they expire.
    pub fn timers(&self) -> impl Iterator<Item = (Timer, Instant)> {
        Timer::ALL.into_iter().zip(self.deadlines).filter(|(_, deadline)| *deadline != Instant::FAR_FUTURE)
    }

    pub(crate) fn set_deadline(&mut self, timer: Timer, deadline: Instant) {
        self.deadlines[timer as usize] = deadline;
    }

    /// The numbers of a connection that has sent all from `oldest` to `next`.
    pub(crate) fn set_numbers(&mut self, oldest: Seq, next: Seq, receive_next: Seq) {
        (self.send_oldest, self.send_next, self.send_highest) = (oldest, next, next);
        self.receive_next = receive_next;
    }
}
