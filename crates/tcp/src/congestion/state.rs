//! The congestion control of one connection: what all controls have in common.

use super::algorithm::Algorithm;
use super::control::Control;
use super::controller::{Acknowledged, Controller, Setback};
use super::delivery::Delivery;
use super::pace::Pace;
use super::window::Window;
use alloc::boxed::Box;
use basis::Instant;
use core::time::Duration;
use wire::tcp::Seq;

/// What a connection has only while there is a reason.
#[derive(Clone, Debug, Default)]
struct Aside {
    /// What was before the last setback, should it turn out to have been none.
    before: Option<(Window, Control)>,
    /// Bytes that were acknowledged with congestion marks.
    marked: u64,
    shaping: Option<Box<Shaping>>,
}

/// What a connection has that paces.
#[derive(Clone, Debug)]
pub(crate) struct Shaping {
    pub(crate) delivery: Delivery,
    pub(crate) pace: Pace,
}

impl Shaping {
    fn new() -> Shaping {
        Shaping { delivery: Delivery::new(), pace: Pace::new() }
    }
}

/// The control of one connection: plain data, so that a connection can be cloned.
#[derive(Clone, Debug)]
pub(crate) struct Congestion {
    window: Window,
    control: Control,
    /// What most connections never need.
    aside: Option<Box<Aside>>,
    /// What was under way when a mark was answered ends here (RFC 3168 6.1.2: one answer a window).
    answered_until: Seq,
    /// A mark in the present window was answered: it does not grow.
    answered: bool,
    /// The window was reduced, and the peer is not told yet.
    slowed_down: bool,
    /// The window held back what was to be sent last.
    pub(crate) limits: bool,
}

impl Congestion {
    pub(crate) fn new(algorithm: Algorithm, segment_size: u32) -> Congestion {
        let window = Window::new(segment_size);
        Congestion {
            window,
            control: Control::new(algorithm, &window),
            aside: None,
            answered_until: Seq(0),
            answered: false,
            slowed_down: false,
            limits: false,
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
    #[inline]
    pub(crate) fn on_acknowledged(&mut self, acknowledged: &Acknowledged) {
        if self.answered {
            if acknowledged.oldest.at_or_before(self.answered_until) {
                return;
            }
            self.answered = false;
        }
        match &mut self.control {
            Control::Cubic(control) => control.on_acknowledged(&mut self.window, acknowledged),
            Control::NewReno(control) => control.on_acknowledged(&mut self.window, acknowledged),
        }
    }

    /// A loss was seen, or a mark: the threshold is chosen anew and the window falls to it. Once a round trip at most: that is
    /// the caller's to see to.
    pub(crate) fn on_congestion_event(&mut self, setback: Setback) {
        self.remember();
        self.control.controller().on_setback(&mut self.window, setback);
        self.window.size = self.window.threshold;
        self.slowed_down = true;
    }

    /// The peer tells of a congestion mark: as good as a loss, but once a window (RFC 3168 6.1.2). `oldest` is SND.UNA, `highest`
    /// is one past all that was sent. Returns whether the window was reduced.
    pub(crate) fn on_congestion_echo(&mut self, oldest: Seq, highest: Seq, setback: Setback) -> bool {
        if self.answered && oldest.at_or_before(self.answered_until) {
            return false;
        }
        self.on_congestion_event(setback);
        // No late arrival can prove that there was no mark.
        self.forget();
        (self.answered, self.answered_until) = (true, highest);
        true
    }

    /// Whether a mark was answered in the window that `oldest` belongs to.
    pub(crate) fn has_answered(&self, oldest: Seq) -> bool {
        self.answered && oldest.at_or_before(self.answered_until)
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
        self.window.size =
            self.window.threshold.min(in_flight.max(segment_size).saturating_add(segment_size));
    }

    /// The retransmission timer expired; `first` unless it had expired for the same data before.
    /// RFC 5681 3.1: the loss window is one segment.
    pub(crate) fn on_timeout(&mut self, setback: Setback, first: bool) {
        (self.answered, self.slowed_down) = (false, true);
        if first {
            self.remember();
            self.control.controller().on_timeout(&mut self.window, setback);
        }
        self.window.size = setback.segment_size;
    }

    /// The last setback was none: what was taken for lost was only late (RFC 9438 4.9, RFC 4015).
    pub(crate) fn on_spurious(&mut self) {
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

    /// The connection has sent nothing for `idle`, which is longer than the retransmission time-out, until now.
    pub(crate) fn on_idle(&mut self, now: Instant, idle: Duration, timeout: Duration, segment_size: u32) {
        self.window.decay(idle, timeout, segment_size);
        self.forget();
        self.control.controller().on_idle(now);
    }

    fn remember(&mut self) {
        self.aside.get_or_insert_default().before = Some((self.window, self.control.clone()));
    }

    /// It is too late to take the last setback back.
    fn forget(&mut self) {
        if let Some(aside) = &mut self.aside {
            aside.before = None;
        }
        self.aside.take_if(|aside| aside.marked == 0 && aside.shaping.is_none());
    }

    // ---- pacing ----

    /// The samples and the departures, of a connection that paces.
    #[inline]
    pub(crate) fn shaping(&self) -> Option<&Shaping> {
        self.aside.as_ref()?.shaping.as_deref()
    }

    #[inline]
    pub(crate) fn shaping_mut(&mut self) -> Option<&mut Shaping> {
        self.aside.as_mut()?.shaping.as_deref_mut()
    }

    /// Bounds the rate, or no longer does. Returns whether the connection paces now.
    pub(crate) fn set_max_pacing_rate(&mut self, rate: Option<u64>) -> bool {
        let wanted = rate.is_some();
        if wanted || self.shaping().is_some() {
            let shaping = &mut self.aside.get_or_insert_default().shaping;
            shaping.get_or_insert_with(|| Box::new(Shaping::new())).pace.set_most(rate);
            if !wanted {
                *shaping = None;
            }
        }
        wanted
    }

    // ---- reports ----

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
