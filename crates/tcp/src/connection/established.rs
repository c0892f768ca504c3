//! How an open connection begins, with what its handshake found out.

use super::closing::Closing;
use super::keepalive::KeepaliveState;
use super::open::Open;
use super::throttle::Throttle;
use crate::config::MtuProbing;
use crate::environment::Environment;
use crate::negotiation::Negotiated;
use crate::receive::receiver::Receiver;
use crate::receive::timestamps::TimestampState;
use crate::receive::window::ReceiveWindow;
use crate::segment::{FourTuple, Path, Way};
use crate::send::sender::Sender;
use crate::send::window::SendWindow;
use crate::settings::Settings;
use crate::timers::Timers;
use core::time::Duration;
use wire::tcp::Seq;

/// What a completed handshake hands over.
#[derive(Debug)]
pub(crate) struct Established {
    /// The first number that the peer has not acknowledged: it may have taken in data with the SYN (RFC 7413).
    pub(crate) next: Seq,
    /// IRS.
    pub(crate) peer_initial: Seq,
    /// The window of the segment that completed the handshake.
    pub(crate) send_window: SendWindow,
    pub(crate) negotiated: Negotiated,
    /// The peer's last timestamp.
    pub(crate) recent: u32,
    pub(crate) timestamp_offset: u32,
    /// The window of our SYN.
    pub(crate) window: u16,
    pub(crate) round_trip: Option<Duration>,
    /// How often this host's SYN or SYN-ACK was repeated by its timer.
    pub(crate) repeated: u8,
    /// SYNs and SYN-ACKs that came, those not counted that come to the open connection.
    pub(crate) syns_received: u8,
    /// SYNs and SYN-ACKs sent.
    pub(crate) syns_sent: u8,
    /// The peer has not acknowledged the SYN-ACK yet.
    pub(crate) early: bool,
}

impl Open {
    /// Nothing has come or gone yet; see [`Open::begin`].
    pub(super) const FRESH: Open = Open {
        send: Sender::FRESH,
        receive: Receiver::FRESH,
        closing: Closing::new(),
        timers: Timers::new(),
        keepalive: KeepaliveState::FRESH,
        throttle: Throttle::FRESH,
        negotiated: Negotiated::NOTHING,
        echoes_marks: false,
        lost_input: false,
        syn_ack: None,
    };

    /// A fresh one begins, where it lies: it is large, and moving it takes as long as filling it in. `path` is the way to the peer at
    /// `tuple`.
    pub(super) fn begin(
        &mut self,
        established: &Established,
        tuple: &FourTuple,
        path: Path,
        settings: &Settings,
        environment: &Environment<'_>,
    ) {
        let now = environment.now;
        let negotiated = established.negotiated;
        let most = settings.max_segment_size().unwrap_or(u16::MAX);
        let segment_size = negotiated.payload(path.maximum_segment_size(tuple.local).min(most));
        let timestamps = TimestampState::new(
            negotiated.timestamps(),
            established.recent,
            established.timestamp_offset,
            now,
        );
        self.negotiated = negotiated;
        self.send.begin(
            established.next,
            established.send_window,
            segment_size,
            negotiated.selective_acknowledgments(),
            settings,
            environment.config,
        );
        let next = established.peer_initial + 1;
        self.receive.begin(
            next,
            ReceiveWindow::new(next + established.window as u32, negotiated.receive_shift()),
            negotiated.selective_acknowledgments(),
            timestamps,
            settings.receive_buffer(environment.config),
            now,
        );
        self.send.count_handshake(established.syns_sent);
        self.receive.count_handshake(established.syns_received);
        match established.round_trip {
            Some(rtt) => self.send.sample_rtt(rtt, now),
            None if established.early => {}
            None => self.send.on_lost_syn(established.repeated),
        }
        if settings.asks_silent_peers() {
            self.keepalive.on_heard(settings.keepalive(), &mut self.timers, now);
        }
        if settings.mtu_probing(environment.config) == MtuProbing::Always {
            self.begin_search(Way { path, local: tuple.local }, settings, environment);
        }
    }
}
