//! What an open connection sends: the choice of the next segment, and its header.

use super::open::Open;
use crate::environment::Environment;
use crate::receive::receiver::Receiver;
use crate::segment::FourTuple;
use crate::send::transmit::Outbound;
use crate::settings::Settings;
use basis::Frame;
use core::hint::cold_path;
use core::net::IpAddr;
use wire::checksum;
use wire::tcp::{Flags, Header, Options, Seq};

impl Open {
    /// Whether [`Open::poll_transmit`] is worth asking: true whenever it would give a segment or wait for a window.
    #[inline(always)]
    pub(crate) fn may_transmit(&self) -> bool {
        self.receive.acks.is_due()
            || self.syn_ack.as_ref().is_some_and(|syn_ack| syn_ack.is_due())
            || self.keepalive.is_due()
            || self.send.may_transmit(self.closing.asked() && !self.closing.acknowledged())
    }

    /// Lays the next segment that is due into the empty `frame`; false if none is.
    #[inline(always)]
    pub(crate) fn poll_transmit(
        &mut self,
        frame: &mut Frame,
        tuple: &FourTuple,
        settings: &Settings,
        environment: &mut Environment<'_>,
    ) -> bool {
        if self.syn_ack.is_some() && self.transmit_syn_ack(frame, tuple, environment) {
            return true;
        }
        let beyond = self.send.next_sequence();
        match self.next_segment(frame, settings, environment) {
            Some(outbound) => {
                let (sequence, mut flags) = (outbound.sequence(), outbound.flags());
                if frame.segment_size != 0 {
                    // The end of a burst: who gathers segments on their way need not wait for more.
                    flags |= Flags::PSH;
                }
                if self.negotiated.marks() {
                    flags |= self.put_marks(frame, sequence, beyond);
                }
                self.finish(frame, sequence, flags, outbound.lag(), tuple, environment);
                if self.syn_ack.is_some() {
                    self.wait_for_syn_ack();
                }
                true
            }
            None => false,
        }
    }

    /// Chooses what to send, and lays its payload into `frame`.
    #[inline(always)]
    fn next_segment(
        &mut self,
        frame: &mut Frame,
        settings: &Settings,
        environment: &mut Environment<'_>,
    ) -> Option<Outbound> {
        let bare = |sequence| Some(Outbound::new(sequence, Flags::NONE));
        if self.receive.acks.duplicates_due() {
            return bare(self.send.bare_sequence());
        }
        let fin = self.closing.asked() && !self.closing.acknowledged();
        if let Some(outbound) = self.send.next_segment(frame, fin, settings, &mut self.timers, environment) {
            return Some(outbound);
        }
        if let Some(sequence) = self.send.take_probe(settings, &mut self.timers, environment.now) {
            environment.counters.window_probes += 1;
            return bare(sequence);
        }
        if self.keepalive.take_due() {
            environment.counters.keepalive_probes += 1;
            return bare(self.send.next_sequence() - 1);
        }
        if self.receive.acks.is_due() {
            return bare(self.send.bare_sequence());
        }
        None
    }

    /// Puts the header before the payload; its timestamp is `lag` milliseconds older than now.
    #[inline(always)]
    fn finish(
        &mut self,
        frame: &mut Frame,
        sequence: Seq,
        flags: Flags,
        lag: u32,
        tuple: &FourTuple,
        environment: &mut Environment<'_>,
    ) {
        let now = environment.now;
        let (acknowledgment, window) = (self.receive.next(), self.receive.offer());
        let timestamps = self.receive.timestamps.option(now, lag);
        // Made where it is used, so that it lies in memory for those only who need it there.
        let header = || Header {
            source_port: tuple.local_port,
            destination_port: tuple.remote_port,
            sequence,
            acknowledgment,
            flags: flags | Flags::ACK,
            window,
            urgent: 0,
            options: Options { timestamps, ..Options::NONE },
        };
        self.send.count_segment();
        self.receive.acks.on_sent(!frame.is_empty(), &mut self.timers, now);
        // A full segment has no room for selective acknowledgments; the acknowledgment before it told.
        if frame.is_empty() && self.receive.has_blocks() {
            cold_path();
            return prepend_with_blocks(header(), &mut self.receive, frame, tuple);
        }
        match (timestamps, tuple.local, tuple.remote) {
            (Some(timestamps), IpAddr::V4(local), IpAddr::V4(remote)) => {
                let addresses = checksum::addresses(local.into(), remote.into());
                header().prepend_with(timestamps, frame, addresses);
            }
            _ => prepend_other(header(), frame, tuple),
        }
    }
}

#[cold]
#[inline(never)]
fn prepend_with_blocks(mut header: Header, receive: &mut Receiver, frame: &mut Frame, tuple: &FourTuple) {
    receive.put_blocks(&mut header.options);
    header.prepend_to(frame, tuple.local, tuple.remote);
}

#[inline(never)]
fn prepend_other(header: Header, frame: &mut Frame, tuple: &FourTuple) {
    header.prepend_to(frame, tuple.local, tuple.remote);
}
