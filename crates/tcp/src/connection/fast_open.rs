//! What an open connection owes to data on SYNs (RFC 7413 4.2): the SYN-ACK, if that is not acknowledged yet, or what the peer did not
//! take in.

use super::fate::Fate;
use super::open::Open;
use super::syn_ack::SynAck;
use crate::environment::Environment;
use crate::segment::FourTuple;
use crate::settings::Settings;
use crate::timers::Timer;
use alloc::boxed::Box;
use basis::Frame;
use wire::tcp::{Flags, Header, Seq};

impl Open {
    /// This host's SYN had data: `taken` bytes of it are acknowledged, and the rest goes again at once (RFC 7413 4.2.2).
    #[cold]
    pub(super) fn take_over_syn_data(&mut self, taken: u32, rest: &[u8], environment: &mut Environment<'_>) {
        self.send.take_over(taken, rest, &mut self.timers, environment);
        if taken > 0 && rest.is_empty() {
            self.negotiated.note_syn_data();
        }
    }

    /// The SYN with `header` came with `payload` and proved its sender: what it brought can be read, and answered at once.
    pub(crate) fn begin_early(
        &mut self,
        syn_ack: Box<SynAck>,
        header: &Header,
        payload: &mut Frame,
        settings: &Settings,
        environment: &mut Environment<'_>,
    ) {
        self.timers.arm(Timer::Retransmit, syn_ack.deadline());
        self.syn_ack = Some(syn_ack);
        environment.counters.fast_opens += 1;
        *environment.early += 1;
        if !payload.is_empty() {
            self.negotiated.note_syn_data();
            let text = Header { sequence: header.sequence + 1, flags: Flags::ACK, ..header.clone() };
            let _ = self.on_text(&text, payload, settings, false, environment);
        }
    }

    /// What came with the SYN-ACK.
    #[cold]
    pub(super) fn on_syn_ack_text(
        &mut self,
        header: &Header,
        payload: &mut Frame,
        settings: &Settings,
        detached: bool,
        environment: &mut Environment<'_>,
    ) -> Fate {
        let (flags, sequence) = (header.flags.without(Flags::SYN), header.sequence + 1);
        let text = Header { flags, sequence, ..header.clone() };
        self.on_text(&text, payload, settings, detached, environment)
    }

    /// Whether the segment is the SYN once more: its answer was lost.
    #[cold]
    pub(super) fn is_repeated_syn(&mut self, header: &Header) -> bool {
        let Some(syn_ack) = &mut self.syn_ack else { return false };
        let repeated = header.flags.contains(Flags::SYN)
            && !header.flags.intersects(Flags::ACK | Flags::RST)
            && header.sequence == syn_ack.peer_initial;
        if repeated {
            syn_ack.repeat();
        }
        repeated
    }

    /// An acceptable acknowledgment came: perhaps of the SYN-ACK.
    #[cold]
    pub(super) fn on_syn_ack_acknowledged(&mut self, header: &Header, environment: &mut Environment<'_>) {
        let Some(syn_ack) = self.syn_ack.take_if(|syn_ack| header.acknowledgment.after(syn_ack.initial))
        else {
            return;
        };
        if let Some(round_trip) = syn_ack.round_trip(environment.now) {
            self.send.sample_rtt(round_trip, environment.now);
        }
        environment.counters.fast_opens_completed += 1;
        *environment.early -= 1;
        self.send.begin_timeout(&mut self.timers, environment.now);
    }

    /// The retransmission timer expired: it is the SYN-ACK's, and data waits for it. Returns whether there is hope.
    #[cold]
    pub(super) fn on_syn_ack_expired(&mut self, environment: &Environment<'_>) -> bool {
        let Some(syn_ack) = &mut self.syn_ack else { return true };
        let hope = syn_ack.on_expired(environment.config.syn_ack_retries, environment.now);
        self.timers.arm(Timer::Retransmit, syn_ack.deadline());
        hope
    }

    /// Lays the SYN-ACK into `frame` if it is due.
    #[cold]
    pub(super) fn transmit_syn_ack(
        &mut self,
        frame: &mut Frame,
        tuple: &FourTuple,
        environment: &mut Environment<'_>,
    ) -> bool {
        let next = self.receive.next();
        let Some(syn_ack) = self.syn_ack.as_mut().filter(|syn_ack| syn_ack.is_due()) else { return false };
        syn_ack.transmit(frame, tuple, next, environment.now);
        self.receive.on_syn_ack_sent();
        self.send.count_handshake(1);
        self.receive.acks.on_sent(false, &mut self.timers, environment.now);
        true
    }

    /// The retransmission timer is the SYN-ACK's, whatever else was sent.
    #[cold]
    pub(super) fn wait_for_syn_ack(&mut self) {
        if let Some(syn_ack) = &self.syn_ack {
            self.timers.arm(Timer::Retransmit, syn_ack.deadline());
        }
    }

    /// Whether data on the SYN was taken in.
    pub(super) fn has_syn_data(&self) -> bool {
        self.negotiated.syn_data()
    }

    /// Whether the SYN-ACK, numbered `sequence`, is under way.
    pub(super) fn is_syn_ack(&self, sequence: Seq) -> bool {
        self.syn_ack.as_ref().is_some_and(|syn_ack| syn_ack.initial == sequence)
    }
}
