//! What the sender knows of losses. Nearly always that is nothing: then there is no [`Episode`], and nothing is asked.

use super::rack::{Rack, Reordering};
use super::rate::Rate;
use super::spurious::{Forward, Undo};
use crate::info::Trust;
use alloc::boxed::Box;
use basis::Instant;
use wire::tcp::Seq;

/// What the retransmission timer is armed for: the three never run at once (RFC 8985 8).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Alarm {
    /// RFC 6298.
    Timeout,
    /// A tail loss probe (RFC 8985 7).
    TailProbe,
    /// What was overtaken is lost by then (RFC 8985 6.2 step 5).
    Overtaken,
}

/// Kept for the whole connection.
#[derive(Clone, Debug)]
pub(super) struct Recovery {
    /// Both sides speak of selective acknowledgments.
    pub(super) selective: bool,
    pub(super) alarm: Alarm,
    pub(super) reordering: Reordering,
    /// Every acknowledgment and transmission counts: the connection paces, so nothing is ever quiet.
    pub(super) attentive: bool,
    /// While anything is unusual.
    pub(super) episode: Option<Box<Episode>>,
}

impl Recovery {
    /// Nothing was sent yet.
    pub(super) const FRESH: Recovery = Recovery {
        selective: false,
        alarm: Alarm::Timeout,
        reordering: Reordering::new(),
        attentive: false,
        episode: None,
    };

    /// Whether nothing is unusual: nothing overtaken, nothing lost, nothing sent again.
    #[inline]
    pub(super) fn is_quiet(&self) -> bool {
        self.episode.is_none()
    }

    /// Takes everything for unusual from now on, or no longer does. `oldest` is SND.UNA.
    pub(super) fn attend(&mut self, attentive: bool, oldest: Seq) {
        self.attentive = attentive;
        if attentive {
            self.episode.get_or_insert_with(|| Episode::new(oldest));
        }
    }

    /// What this makes of the path; `marked` tells that the scoreboard has marks.
    pub(super) fn trust(&self, marked: bool) -> Trust {
        match &self.episode {
            Some(episode) => match episode.phase {
                Phase::Repair => Trust::Recovery,
                Phase::Resend => Trust::Loss,
                Phase::Watch if marked || episode.classic.duplicates > 0 => Trust::Disorder,
                Phase::Watch => Trust::Open,
            },
            None => Trust::Open,
        }
    }

    /// Whether losses are being repaired.
    pub(super) fn is_busy(&self) -> bool {
        self.episode.as_ref().is_some_and(|episode| episode.phase != Phase::Watch)
    }

    /// Whether a loss is being repaired that was seen without a time-out.
    pub(super) fn is_repairing(&self) -> bool {
        self.episode.as_ref().is_some_and(|episode| episode.phase == Phase::Repair)
    }
}

/// What is being done about losses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    /// Nothing: something is only unusual.
    Watch,
    /// Fast recovery (RFC 5681 3.2, RFC 6675 5).
    Repair,
    /// All is sent again, after a time-out (RFC 6675 5.1) or because the path takes less (RFC 1191 6.4).
    Resend,
}

/// From the first sign of a loss until all is well again.
#[derive(Clone, Debug)]
pub(super) struct Episode {
    pub(super) phase: Phase,
    /// The phase ends when all before it is acknowledged. RFC 6675: RecoveryPoint; RFC 6582: recover.
    pub(super) point: Seq,
    /// One segment goes whatever the windows say: the one that begins a repair.
    pub(super) forced: bool,
    /// How often the oldest segment was sent again.
    pub(super) repeats: u8,
    pub(super) rack: Rack,
    /// Segments reported selectively and not cumulatively yet, at least.
    pub(super) selections: u32,
    /// RACK waits for the end of this round trip before it widens its window again. RACK.dsack_round.
    pub(super) widened_until: Option<Seq>,
    pub(super) rate: Rate,
    pub(super) classic: Classic,
    pub(super) probe: TailProbe,
    pub(super) forward: Forward,
    pub(super) undo: Option<Undo>,
    /// What the timestamp of the last repetition says.
    stamp: Instant,
    /// By how much the timestamps of this phase's repetitions were older than their sending at most, in milliseconds.
    pub(super) lag: u16,
}

/// Recovery without selective acknowledgments.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Classic {
    /// Duplicate acknowledgments in a row.
    pub(super) duplicates: u32,
    /// Bytes that duplicate acknowledgments tell have left the network (RFC 5681 3.2 step 4).
    pub(super) inflation: u32,
    pub(super) partial_seen: bool,
    /// How far the last acknowledgment of new data went.
    pub(super) last_progress: u32,
}

/// A tail loss probe.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum TailProbe {
    #[default]
    None,
    /// It waits to be sent.
    Due,
    /// It is under way. `end` is SND.NXT when it was sent: TLP.end_seq. `repeated` tells that it carried old data: TLP.is_retrans.
    Sent { end: Seq, repeated: bool },
}

impl Episode {
    pub(super) fn new(oldest: Seq) -> Box<Episode> {
        Box::new(Episode::beginning(oldest))
    }

    pub(super) fn beginning(oldest: Seq) -> Episode {
        Episode {
            phase: Phase::Watch,
            point: oldest,
            forced: false,
            repeats: 0,
            rack: Rack::new(oldest),
            selections: 0,
            widened_until: None,
            rate: Rate::default(),
            classic: Classic::default(),
            probe: TailProbe::None,
            forward: Forward::Off,
            undo: None,
            stamp: Instant::ZERO,
            lag: 0,
        }
    }

    /// Ends a recovery, whichever way it went.
    pub(super) fn settle(&mut self) {
        self.phase = Phase::Watch;
        (self.forced, self.forward) = (false, Forward::Off);
        self.classic = Classic::default();
    }

    /// Whether there is nothing left to remember. `marked` tells that the scoreboard has marks.
    pub(super) fn is_over(&mut self, oldest: Seq, marked: bool) -> bool {
        self.undo.take_if(|undo| undo.is_outdated(oldest));
        self.widened_until.take_if(|until| oldest.at_or_after(*until));
        !marked
            && self.phase == Phase::Watch
            && !self.forced
            && self.classic.duplicates == 0
            && self.probe == TailProbe::None
            && self.undo.is_none()
            && self.widened_until.is_none()
    }

    /// Whether something is due that is not new data. `lost` tells that something is to be sent again.
    pub(super) fn is_due(&self, lost: bool) -> bool {
        self.probe == TailProbe::Due || self.forced || lost
    }

    /// Begins to repair losses; what is sent from `oldest` on may turn out to have been sent for nothing.
    pub(super) fn begin(&mut self, phase: Phase, oldest: Seq, point: Seq) {
        (self.phase, self.point, self.forced) = (phase, point, true);
        self.classic = Classic { last_progress: self.classic.last_progress, ..Classic::default() };
        (self.probe, self.forward) = (TailProbe::None, Forward::Off);
        (self.undo, self.lag) = (Some(Undo::new(oldest)), 0);
    }

    /// The path takes less than thought: all goes again, and nobody is to blame (RFC 1191 6.4).
    pub(super) fn resend(&mut self, next: Seq) {
        self.settle();
        (self.phase, self.point, self.probe) = (Phase::Resend, next, TailProbe::None);
        self.undo = None;
    }

    /// Something was sent again, with a timestamp of `lag` milliseconds ago if no later one was sent again before. Returns how many
    /// milliseconds ago it is.
    pub(super) fn on_repeated(&mut self, bytes: u32, lag: u16, now: Instant) -> u16 {
        let stamp = Instant::ZERO + now.saturating_since(Instant::from_millis(lag.into()));
        self.stamp = if stamp < self.stamp { self.stamp } else { stamp };
        let lag = now.as_millis().saturating_sub(self.stamp.as_millis()) as u16;
        self.lag = self.lag.max(lag);
        if let Some(undo) = &mut self.undo {
            undo.on_repeated(bytes, self.stamp);
        }
        lag
    }
}
