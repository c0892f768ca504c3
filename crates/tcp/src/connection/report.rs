//! What is told of a connection: its state, TCP_INFO, and what somebody who watches may want to see.

use super::control_block::{ControlBlock, Phase};
use super::open::Open;
use crate::info::{Info, State};
use crate::inspection::Inspection;

impl ControlBlock {
    pub(crate) fn state(&self) -> State {
        match &self.phase {
            Phase::Handshake(handshake) if handshake.is_crossed() => State::SynReceived,
            Phase::Handshake(_) => State::SynSent,
            Phase::Open(open) => open.state(),
            Phase::Finished(finished) => finished.state,
        }
    }

    /// Everything that somebody who watches may want to see.
    pub(crate) fn inspect(&self) -> Inspection {
        let mut inspection =
            Inspection { detached: self.detached, ..Inspection::new(self.tuple, self.info()) };
        match &self.phase {
            Phase::Open(open) => open.inspect(&mut inspection),
            Phase::Handshake(handshake) => handshake.inspect(&mut inspection),
            Phase::Finished(_) => {}
        }
        inspection
    }

    pub(crate) fn info(&self) -> Info {
        let mut info = Info::in_state(self.state());
        info.path_mtu = self.path.mtu;
        let most = self.settings.max_segment_size().unwrap_or(u16::MAX);
        info.offered_segment_size = u32::from(self.path.offered_segment_size(self.tuple.local).min(most));
        match &self.phase {
            Phase::Open(open) => {
                open.report(&mut info);
                info.path_mtu = open.searched_mtu(self.tuple.local).unwrap_or(self.path.mtu);
            }
            Phase::Finished(finished) => {
                info.syn_data = finished.syn_data;
                info.receive_queue = finished.unread.as_ref().map_or(0, |buffer| buffer.len()) as u32;
            }
            Phase::Handshake(_) => {}
        }
        info
    }
}

impl Open {
    pub(crate) fn state(&self) -> State {
        match self.closing.state(self.receive.finished()) {
            State::Established if self.syn_ack.is_some() => State::SynReceived,
            state => state,
        }
    }

    pub(crate) fn inspect(&self, inspection: &mut Inspection) {
        let (oldest, next, highest) = self.send.numbers();
        inspection.set_numbers(oldest, next, self.receive.next());
        inspection.send_highest = highest;
        inspection.conservative = self.send.is_conservative();
        inspection.stage = self.send.stage();
        inspection.deadlines = self.timers.deadlines(!self.closing.acknowledged());
    }

    pub(crate) fn report(&self, info: &mut Info) {
        self.send.report(info);
        self.receive.report(info);
        info.congestion_marks = self.negotiated.marks();
        info.syn_data = self.negotiated.syn_data();
        info.window_scale =
            self.negotiated.scaling().then(|| (self.negotiated.receive_shift(), self.negotiated.send_shift));
    }
}
