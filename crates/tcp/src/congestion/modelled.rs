//! What a connection that paces tells its congestion control: each transmission, each loss, what each acknowledgment delivers.

use super::bbr::{Context, Stage};
use super::control::Control;
use super::controller::{LostSegment, Signal};
use super::pace::UNLIMITED;
use super::state::{Congestion, Shaping};
use alloc::boxed::Box;
use basis::Instant;
use wire::tcp::Seq;

/// What an acknowledgment delivers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) now: Instant,
    /// Bytes told to have arrived for the first time.
    pub(crate) bytes: u32,
    /// Of all of them, when the one was sent that was sent last, and one past its last number.
    pub(crate) newest: Option<(Instant, Seq)>,
    /// SND.UNA.
    pub(crate) oldest: Seq,
    /// The shortest round trip known, in microseconds.
    pub(crate) shortest: u32,
    /// The round trip that it tells, in microseconds.
    pub(crate) round_trip: Option<u32>,
    pub(crate) segment_size: u32,
    /// Bytes under way after it.
    pub(crate) in_flight: u32,
    /// Selective acknowledgments are in use.
    pub(crate) selective: bool,
}

/// Numbers found to be lost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loss {
    pub(crate) now: Instant,
    pub(crate) bytes: u32,
    /// When they had been sent, and one past the last of them.
    pub(crate) sent_at: Instant,
    pub(crate) end: Seq,
    /// Selective acknowledgments are in use.
    pub(crate) selective: bool,
}

impl Congestion {
    /// The samples and the departures, of a connection that paces.
    #[inline]
    pub(crate) fn shaping(&self) -> Option<&Shaping> {
        self.aside.as_ref()?.shaping.as_deref()
    }

    #[inline]
    pub(super) fn shaping_mut(&mut self) -> Option<&mut Shaping> {
        self.aside.as_mut()?.shaping.as_deref_mut()
    }

    /// Whether the control asks for pacing by itself, and for samples.
    #[inline]
    pub(crate) fn is_modelled(&self) -> bool {
        matches!(self.control, Control::Bbr(_))
    }

    /// Bounds the rate, or no longer does.
    pub(crate) fn set_max_pacing_rate(&mut self, rate: Option<u64>) {
        match rate {
            Some(_) => self.shape().pace.set_most(rate),
            None => {
                if let Some(shaping) = self.shaping_mut() {
                    shaping.pace.set_most(None);
                }
            }
        }
        self.settle_shaping();
    }

    fn shape(&mut self) -> &mut Shaping {
        let shaping = &mut self.aside.get_or_insert_default().shaping;
        shaping.get_or_insert_with(|| Box::new(Shaping::new()))
    }

    /// After a choice of the control or of a bound: whoever has a rate paces, and nobody else.
    pub(super) fn settle_shaping(&mut self) {
        if self.is_modelled() {
            self.shape();
            return;
        }
        let Some(aside) = &mut self.aside else { return };
        if let Some(shaping) = &mut aside.shaping {
            shaping.pace.set_wanted(UNLIMITED);
        }
        aside.shaping.take_if(|shaping| shaping.pace.most().is_none());
        self.tidy();
    }

    /// How many bytes may leave now, a segment or more; or when.
    pub(crate) fn allowance(&mut self, context: Context) -> Result<u32, Instant> {
        let Some(shaping) = self.aside.as_mut().and_then(|aside| aside.shaping.as_mut()) else {
            return Ok(u32::MAX);
        };
        if let Control::Bbr(bbr) = &mut self.control {
            bbr.begin(context);
            shaping.pace.set_wanted(bbr.pacing_rate());
        }
        shaping.pace.allowance(context.segment_size, context.now)
    }

    /// The numbers from `left` to `right` have been sent, with which `in_flight` bytes are under way.
    pub(crate) fn on_transmit(&mut self, left: Seq, right: Seq, in_flight: u32, context: Context) {
        let Some(shaping) = self.aside.as_mut().and_then(|aside| aside.shaping.as_mut()) else { return };
        let (bytes, starved) = (right.since(left), shaping.delivery.is_starved());
        if let Control::Bbr(bbr) = &mut self.control {
            let delivered = shaping.delivery.delivered();
            bbr.on_transmit(bytes, in_flight, starved, delivered, &mut self.window, context);
            shaping.pace.set_wanted(bbr.pacing_rate());
        }
        shaping.pace.on_sent(bytes, context.now);
        shaping.delivery.on_sent(left, right, in_flight, context.now);
    }

    /// Nothing is left to be sent though the window would take more than the `in_flight` bytes under way.
    pub(crate) fn on_starved(&mut self, in_flight: u32) {
        if let Some(shaping) = self.shaping_mut() {
            shaping.delivery.on_starved(in_flight);
        }
    }

    /// Numbers are lost.
    pub(crate) fn on_lost(&mut self, loss: Loss) {
        let Some(shaping) = self.aside.as_mut().and_then(|aside| aside.shaping.as_mut()) else { return };
        let Loss { now, bytes, sent_at, end, selective } = loss;
        let sent = shaping.delivery.on_lost(bytes, sent_at, end);
        if let Control::Bbr(bbr) = &mut self.control {
            let sent = sent.map(|(sent, lost)| (sent.in_flight, sent.starved, lost));
            let delivered = shaping.delivery.delivered();
            bbr.on_lost(&self.window, &LostSegment { now, bytes, end, sent, delivered, selective });
        }
    }

    /// An acknowledgment was taken in, with all that it tells of losses.
    pub(crate) fn on_arrival(&mut self, arrival: &Arrival) {
        let Some(shaping) = self.aside.as_mut().and_then(|aside| aside.shaping.as_mut()) else { return };
        let Arrival { now, bytes, newest, oldest, shortest, round_trip, segment_size, in_flight, selective } =
            *arrival;
        let sample = shaping.delivery.on_delivered(bytes, newest, oldest, shortest, now);
        let Control::Bbr(bbr) = &mut self.control else { return };
        if bytes == 0 {
            return;
        }
        let delivered = shaping.delivery.delivered();
        bbr.begin(Context { now, smoothed: round_trip.unwrap_or(0), segment_size, next: oldest });
        bbr.on_signal(
            &mut self.window,
            &Signal { now, sample, round_trip, segment_size, in_flight, delivered, selective },
        );
        if bbr.is_pausing() {
            shaping.delivery.on_starved(in_flight);
        }
        shaping.pace.set_wanted(bbr.pacing_rate());
    }

    /// All that was lost is repaired.
    pub(crate) fn on_repaired(&mut self) {
        if let Control::Bbr(bbr) = &mut self.control {
            bbr.on_recovered(&mut self.window);
        }
    }

    /// The peer tells of a congestion mark. Returns whether the control has its own answer.
    pub(super) fn on_modelled_echo(&mut self, now: Instant) -> bool {
        let Control::Bbr(bbr) = &mut self.control else { return false };
        if let Some(shaping) = self.aside.as_ref().and_then(|aside| aside.shaping.as_ref()) {
            let last = shaping.delivery.last();
            bbr.on_marked(&self.window, (last.in_flight, last.starved), shaping.delivery.delivered(), now);
        }
        self.slowed_down = true;
        true
    }

    /// What was taken for lost was only late.
    pub(super) fn on_modelled_spurious(&mut self) {
        if let Control::Bbr(bbr) = &mut self.control
            && let Some(shaping) = self.aside.as_ref().and_then(|aside| aside.shaping.as_ref())
        {
            bbr.on_spurious(&mut self.window, shaping.delivery.delivered());
        }
    }

    /// The model's state.
    pub(crate) fn stage(&self) -> Option<Stage> {
        match &self.control {
            Control::Bbr(bbr) => Some(bbr.stage()),
            _ => None,
        }
    }
}
