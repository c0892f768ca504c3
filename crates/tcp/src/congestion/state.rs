//! The congestion control of one connection: what all controls have in common.

use super::algorithm::{Algorithm, SlowStartExit};
use super::control::Control;
use super::controller::{Acknowledged, Controller, Setback};
use super::delivery::Delivery;
use super::pace::Pace;
use super::tally::Tally;
use super::window::Window;
use alloc::boxed::Box;
use basis::Instant;
use core::time::Duration;
use wire::tcp::Seq;

/// What a connection has only while there is a reason.
#[derive(Clone, Debug, Default)]
pub(super) struct Aside {
    /// What was before the last setback, should it turn out to have been none.
    before: Option<(Window, Control)>,
    /// Bytes that were acknowledged with congestion marks.
    marked: u64,
    tally: Tally,
    pub(super) shaping: Option<Box<Shaping>>,
}

/// What a connection has that paces.
#[derive(Clone, Debug)]
pub(crate) struct Shaping {
    pub(crate) delivery: Delivery,
    pub(crate) pace: Pace,
}

impl Shaping {
    pub(super) fn new() -> Shaping {
        Shaping { delivery: Delivery::new(), pace: Pace::new() }
    }
}

/// The control of one connection: plain data, so that a connection can be cloned.
#[derive(Clone, Debug)]
pub(crate) struct Congestion {
    pub(super) window: Window,
    pub(super) control: Control,
    /// What most connections never need.
    pub(super) aside: Option<Box<Aside>>,
    /// When a mark was answered, what was under way ends here (RFC 3168 6.1.2: one answer a window). Otherwise what was when the window
    /// was last filled: a window does not grow twice for one reason, nor at all after a mark.
    until: Seq,
    /// A mark in the present window was answered: it does not grow.
    answered: bool,
    /// The window was reduced, and the peer is not told yet.
    pub(super) slowed_down: bool,
    /// The window held back what was to be sent last.
    pub(crate) limits: bool,
}

impl Congestion {
    /// The usual control, before anything is known of the path; see [`Congestion::begin`].
    pub(crate) const FRESH: Congestion = Congestion {
        window: Window::NOTHING,
        control: Control::USUAL,
        aside: None,
        until: Seq(0),
        answered: false,
        slowed_down: false,
        limits: false,
    };

    #[cfg(test)]
    pub(crate) fn new(algorithm: Algorithm, segment_size: u32) -> Congestion {
        let mut congestion = Congestion::FRESH;
        congestion.begin(algorithm, segment_size);
        congestion
    }

    /// A fresh one gets its first window and its algorithm.
    #[inline(always)]
    pub(crate) fn begin(&mut self, algorithm: Algorithm, segment_size: u32) {
        self.window = Window::new(segment_size);
        if algorithm != Algorithm::Cubic {
            self.begin_otherwise(algorithm);
        }
    }

    #[inline(never)]
    fn begin_otherwise(&mut self, algorithm: Algorithm) {
        self.control = Control::new(algorithm, &self.window);
        self.settle_shaping();
    }

    /// Chooses how the first slow start ends, if the control leaves a choice.
    pub(crate) fn set_slow_start_exit(&mut self, exit: SlowStartExit) {
        if let Control::Cubic(control) = &mut self.control {
            control.set_slow_start_exit(exit);
        }
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        self.control.algorithm()
    }

    /// Goes on with another control from the present window.
    pub(crate) fn select(&mut self, algorithm: Algorithm) {
        if algorithm != self.algorithm() {
            self.control = Control::new(algorithm, &self.window);
            self.forget();
            self.settle_shaping();
        }
    }

    /// The congestion window.
    #[inline]
    pub(crate) fn window(&self) -> u32 {
        self.window.size
    }

    /// The slow start threshold.
    pub(crate) fn slow_start_threshold(&self) -> u32 {
        self.window.threshold
    }

    /// Whether the window grows exponentially.
    #[inline]
    pub(crate) fn is_slow_start(&self) -> bool {
        self.window.is_slow_start()
    }

    /// Whether slow start goes on by a quarter only, because round trips have grown longer.
    pub(crate) fn is_conservative(&self) -> bool {
        matches!(&self.control, Control::Cubic(control) if control.is_conservative())
    }

    /// New data was acknowledged outside of recovery.
    #[inline(always)]
    pub(crate) fn on_acknowledged(&mut self, acknowledged: &Acknowledged) {
        if self.answered {
            if acknowledged.oldest.at_or_before(self.until) {
                self.conserve(acknowledged.in_flight, acknowledged.segment_size);
                return;
            }
            self.answered = false;
            if !self.is_modelled() {
                self.window.size = self.window.threshold;
            }
        }
        match &mut self.control {
            Control::Cubic(control) => control.on_acknowledged(&mut self.window, acknowledged),
            Control::NewReno(control) => control.on_acknowledged(&mut self.window, acknowledged),
            // It wants samples.
            Control::Bbr(_) => {}
        }
    }

    /// A loss was seen, or a mark: the threshold is chosen anew and the window falls to it. Once a round trip at most: that is
    /// the caller's to see to.
    pub(crate) fn on_congestion_event(&mut self, setback: Setback) {
        self.slowed_down = true;
        if let Control::Bbr(bbr) = &mut self.control {
            bbr.on_recovery(&self.window);
            return;
        }
        self.remember();
        if let Some(control) = self.control.controller() {
            control.on_setback(&mut self.window, setback);
        }
        self.window.size = self.window.threshold;
    }

    /// The peer tells of a congestion mark: as good as a loss, but once a window (RFC 3168 6.1.2). `oldest` is SND.UNA, `highest`
    /// is one past all that was sent. Returns whether the window was reduced.
    pub(crate) fn on_congestion_echo(
        &mut self,
        oldest: Seq,
        highest: Seq,
        setback: Setback,
        now: Instant,
    ) -> bool {
        if self.answered && oldest.at_or_before(self.until) {
            return false;
        }
        if !self.on_modelled_echo(now) {
            self.on_congestion_event(setback);
            self.conserve(setback.in_flight, setback.segment_size);
        }
        // No late arrival can prove that there was no mark.
        self.forget();
        (self.answered, self.until) = (true, highest);
        true
    }

    /// While a mark is answered no more goes out than comes in, though the new window may be wider than what was under way before an
    /// acknowledgment, `in_flight` bytes: no burst follows a sign of congestion (RFC 9937 6, its conservative bound).
    fn conserve(&mut self, in_flight: u32, segment_size: u32) {
        if !self.is_modelled() {
            self.window.size = self.window.threshold.min(in_flight.max(segment_size));
        }
    }

    /// Whether a mark was answered in the window that `oldest` belongs to.
    pub(crate) fn has_answered(&self, oldest: Seq) -> bool {
        self.answered && oldest.at_or_before(self.until)
    }

    /// Whether the window holds back what is to be sent next, so that all from `oldest` to `end` fills it. That is remembered as long as
    /// something of it is under way: all of it tells what the path bears.
    #[inline]
    pub(crate) fn set_limits(&mut self, limits: bool, oldest: Seq, end: Seq) {
        if limits {
            self.limits = true;
            if !self.answered {
                self.until = end;
            }
        } else if self.answered || oldest.at_or_after(self.until) {
            self.limits = false;
            if !self.answered {
                // Where numbers come round, what was long ago is not to come.
                self.until = oldest;
            }
        }
    }

    /// Nothing before `oldest` counts.
    pub(crate) fn begin_at(&mut self, oldest: Seq) {
        self.until = oldest;
    }

    /// Whether the window has been reduced since this was last asked.
    #[inline]
    pub(crate) fn take_slowed_down(&mut self) -> bool {
        core::mem::take(&mut self.slowed_down)
    }

    /// All that was under way when recovery began has been acknowledged; `in_flight` bytes are under way now.
    /// RFC 6582 3.2 step 3, the careful choice: no burst at the end of recovery.
    pub(crate) fn on_recovered(&mut self, in_flight: u32, segment_size: u32) {
        self.answered = false;
        if self.is_modelled() {
            return self.on_repaired();
        }
        self.window.size =
            self.window.threshold.min(in_flight.max(segment_size).saturating_add(segment_size));
    }

    /// The retransmission timer expired; `first` unless it had expired for the same data before.
    /// RFC 5681 3.1: the loss window is one segment.
    pub(crate) fn on_timeout(&mut self, setback: Setback, first: bool) {
        (self.answered, self.slowed_down) = (false, true);
        if let Control::Bbr(bbr) = &mut self.control {
            return bbr.on_timeout(&mut self.window, setback.in_flight, setback.segment_size);
        }
        if first {
            self.remember();
            if let Some(control) = self.control.controller() {
                control.on_timeout(&mut self.window, setback);
            }
        }
        self.window.size = setback.segment_size;
    }

    /// The last setback was none: what was taken for lost was only late (RFC 9438 4.9, RFC 4015).
    pub(crate) fn on_spurious(&mut self) {
        self.on_modelled_spurious();
        if let Some((window, control)) = self.aside.as_mut().and_then(|aside| aside.before.take()) {
            self.window.size = self.window.size.max(window.size);
            self.window.threshold = self.window.threshold.max(window.threshold);
            self.control = control;
        }
    }

    /// The SYN was lost more than once: the connection begins with the loss window (RFC 6928 2).
    pub(crate) fn on_lost_syns(&mut self, segment_size: u32) {
        self.window.size = segment_size;
    }

    /// The connection has sent nothing for `idle`, which is longer than the retransmission time-out, until now. The window `decays` with
    /// the time, if that is wanted.
    pub(crate) fn on_idle(&mut self, now: Instant, idle: Duration, timeout: Duration, decays: Option<u32>) {
        // Who paces and has a model begins again where it was.
        if let Some(control) = self.control.controller() {
            if let Some(segment_size) = decays {
                self.window.decay(idle, timeout, segment_size);
            }
            control.on_idle(now);
        }
        self.forget();
    }

    fn remember(&mut self) {
        self.aside.get_or_insert_default().before = Some((self.window, self.control.clone()));
    }

    /// It is too late to take the last setback back.
    fn forget(&mut self) {
        if let Some(aside) = &mut self.aside {
            aside.before = None;
        }
        self.tidy();
    }

    /// Keeps nothing aside for which there is no reason.
    pub(super) fn tidy(&mut self) {
        self.aside.take_if(|aside| {
            let nothing = aside.before.is_none() && aside.shaping.is_none();
            nothing && aside.marked == 0 && aside.tally == Tally::default()
        });
    }

    // ---- reports ----

    /// Where losses are counted, from the first one on.
    #[cold]
    pub(crate) fn tally(&mut self) -> &mut Tally {
        &mut self.aside.get_or_insert_default().tally
    }

    /// What was counted.
    pub(crate) fn tallied(&self) -> Tally {
        self.aside.as_ref().map_or_else(Tally::default, |aside| aside.tally)
    }

    /// `bytes` were acknowledged with a congestion mark.
    pub(crate) fn note_marked(&mut self, bytes: u32) {
        self.aside.get_or_insert_default().marked += u64::from(bytes);
    }

    /// Bytes that were acknowledged with congestion marks.
    pub(crate) fn marked(&self) -> u64 {
        self.aside.as_ref().map_or(0, |aside| aside.marked)
    }
}

#[cfg(test)]
mod tests;
