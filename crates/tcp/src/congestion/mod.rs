//! The catalogue of congestion controls. A new one is a file here, a variant of [`Algorithm`] and of `Control`.
//!
//! | | Slow start | After it | A loss or a mark | A time-out |
//! |---|---|---|---|---|
//! | [`Algorithm::Cubic`] | by every byte acknowledged; by a quarter of it once round trips grow longer or acknowledgments come in one long train (HyStart++) | along a cubic curve around the window of the last loss, or as NewReno if that is more | to 0.7 | to one segment, 0.7 is the threshold |
//! | [`Algorithm::NewReno`] | by every byte acknowledged | by one segment a window | to a half | to one segment, a half is the threshold |
//!
//! All begin with ten segments (RFC 6928), grow only while the window is what holds the sender back (RFC 7661), halve the
//! window for each time-out that goes by in silence, and take back what they did to a loss that was none.

mod controller;
mod cubic;
mod curve;
mod hystart;
mod new_reno;
mod window;

pub(crate) use controller::{Acknowledged, Setback};

use alloc::boxed::Box;
use basis::Instant;
use controller::Controller;
use core::fmt;
use core::time::Duration;
use cubic::Cubic;
use new_reno::NewReno;
use window::Window;
use wire::tcp::Seq;

/// The congestion controls to choose from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Algorithm {
    /// RFC 9438, with HyStart++ (RFC 9406).
    #[default]
    Cubic,
    /// RFC 5681 and 6582.
    NewReno,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Algorithm; 2] = [Algorithm::Cubic, Algorithm::NewReno];

    /// The name that system administrators know it by.
    pub const fn name(self) -> &'static str {
        match self {
            Algorithm::Cubic => "cubic",
            Algorithm::NewReno => "reno",
        }
    }

    /// The one with this name.
    ///
    /// ```
    /// use netstrata_tcp::congestion::Algorithm;
    /// assert_eq!(Algorithm::from_name("cubic"), Some(Algorithm::Cubic));
    /// ```
    pub fn from_name(name: &str) -> Option<Algorithm> {
        Algorithm::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What is peculiar to each.
#[derive(Clone, Debug)]
enum Control {
    Cubic(Cubic),
    NewReno(NewReno),
}

impl Control {
    fn new(algorithm: Algorithm, window: &Window) -> Control {
        match algorithm {
            Algorithm::Cubic => Control::Cubic(Cubic::new(window)),
            Algorithm::NewReno => Control::NewReno(NewReno::default()),
        }
    }

    fn controller(&mut self) -> &mut dyn Controller {
        match self {
            Control::Cubic(control) => control,
            Control::NewReno(control) => control,
        }
    }
}

/// The control of one connection: plain data, so that a connection can be cloned.
#[derive(Clone, Debug)]
pub(crate) struct Congestion {
    window: Window,
    control: Control,
    /// What was before the last setback, should it turn out to have been none.
    before: Option<Box<(Window, Control)>>,
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
            before: None,
            answered_until: Seq(0),
            answered: false,
            slowed_down: false,
            limits: false,
        }
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        match &self.control {
            Control::Cubic(_) => Algorithm::Cubic,
            Control::NewReno(_) => Algorithm::NewReno,
        }
    }

    /// Goes on with another control from the present window.
    pub(crate) fn select(&mut self, algorithm: Algorithm) {
        if algorithm != self.algorithm() {
            (self.control, self.before) = (Control::new(algorithm, &self.window), None);
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
        self.before = None;
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
        if let Some(before) = self.before.take() {
            let (window, control) = *before;
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
        self.before = None;
        self.control.controller().on_idle(now);
    }

    fn remember(&mut self) {
        self.before = Some(Box::new((self.window, self.control.clone())));
    }
}

#[cfg(test)]
mod tests;
