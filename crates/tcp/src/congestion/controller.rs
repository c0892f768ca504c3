//! What a congestion control is asked and told. All sizes are bytes.

/// An acknowledgment of new data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Acknowledged {
    /// Bytes newly acknowledged.
    pub(crate) bytes: u32,
    /// Payload of a full-sized segment.
    pub(crate) segment_size: u32,
    /// Whether the congestion window, not the application or the peer's window, held the sender back.
    /// Only then may the window grow (RFC 9293 3.8.1 and RFC 7661: an unused window says nothing of the path).
    pub(crate) window_limited: bool,
}

/// A congestion control. It knows windows, not segments: what is lost and what is sent again is the sender's concern.
pub(crate) trait Controller {
    /// The congestion window.
    fn window(&self) -> u32;
    /// The slow start threshold.
    fn slow_start_threshold(&self) -> u32;
    /// New data was acknowledged outside of recovery.
    fn on_acknowledged(&mut self, acknowledged: Acknowledged);
    /// A loss was seen by duplicate acknowledgments while `in_flight` bytes were under way: recovery begins.
    fn on_loss(&mut self, in_flight: u32, segment_size: u32);
    /// All that was under way when recovery began has been acknowledged; `in_flight` bytes are under way now.
    fn on_recovered(&mut self, in_flight: u32, segment_size: u32);
    /// The retransmission timer expired; `first` unless it had expired for the same data before.
    fn on_timeout(&mut self, in_flight: u32, segment_size: u32, first: bool);
    /// The connection has sent nothing for longer than a retransmission time-out.
    fn on_idle(&mut self, segment_size: u32);
}
