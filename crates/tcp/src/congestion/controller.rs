//! What a congestion control is asked and told. All sizes are bytes.

use super::delivery::RateSample;
use super::window::Window;
use basis::Instant;
use wire::tcp::Seq;

/// An acknowledgment of new data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Acknowledged {
    pub(crate) now: Instant,
    /// Bytes newly acknowledged.
    pub(crate) bytes: u32,
    /// Payload of a full-sized segment.
    pub(crate) segment_size: u32,
    /// Whether the congestion window, not the application or the peer's window, held the sender back.
    /// Only then may the window grow (RFC 9293 3.8.1 and RFC 7661: an unused window says nothing of the path).
    pub(crate) window_limited: bool,
    /// Bytes under way before it.
    pub(crate) in_flight: u32,
    /// The round-trip time that this acknowledgment tells, if it does, in microseconds.
    pub(crate) round_trip: Option<u32>,
    /// The shortest round-trip time of late in microseconds; zero before the first measurement.
    pub(crate) shortest: u32,
    /// SND.UNA after it.
    pub(crate) oldest: Seq,
    /// One past the highest number sent.
    pub(crate) highest: Seq,
}

/// A sign of congestion: a loss, a mark, a time-out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setback {
    /// Bytes under way, as far as the window allowed them.
    pub(crate) in_flight: u32,
    /// Payload of a full-sized segment.
    pub(crate) segment_size: u32,
}

/// An acknowledgment, to a control that has a model of the path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signal {
    pub(crate) now: Instant,
    pub(crate) sample: RateSample,
    /// The round-trip time of what was sent last of all that it delivers, if that is certain, in microseconds.
    pub(crate) round_trip: Option<u32>,
    /// Payload of a full-sized segment.
    pub(crate) segment_size: u32,
    /// Bytes under way after it.
    pub(crate) in_flight: u32,
    /// Bytes delivered so far.
    pub(crate) delivered: u64,
    /// Selective acknowledgments are in use.
    pub(crate) selective: bool,
}

/// Numbers found to be lost, to a control that has a model of the path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LostSegment {
    pub(crate) now: Instant,
    pub(crate) bytes: u32,
    /// One past the last of them.
    pub(crate) end: Seq,
    /// When they were sent: bytes under way with them, whether the application had held back, and bytes lost since.
    pub(crate) sent: Option<(u32, bool, u64)>,
    /// Bytes delivered so far.
    pub(crate) delivered: u64,
    /// Selective acknowledgments are in use.
    pub(crate) selective: bool,
}

/// A congestion control. It knows windows, not segments: what is lost and what is sent again is the sender's concern.
/// What all have in common (recovery, undoing, idle times) is in [`super::Congestion`].
pub(crate) trait Controller {
    /// New data was acknowledged outside of recovery: the window may grow.
    fn on_acknowledged(&mut self, window: &mut Window, acknowledged: &Acknowledged);
    /// A loss or a mark: chooses the threshold. The window, as it is still, falls to it.
    fn on_setback(&mut self, window: &mut Window, setback: Setback);
    /// The retransmission timer expired for the first time for this data: chooses the threshold. The window falls to one segment.
    fn on_timeout(&mut self, window: &mut Window, setback: Setback);
    /// Nothing was sent for longer than a retransmission time-out, until now.
    fn on_idle(&mut self, _now: Instant) {}
}
