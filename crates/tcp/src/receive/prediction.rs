//! The text that almost always comes: see `connection/prediction.rs`.

use super::receiver::Receiver;
use crate::environment::Environment;
use crate::timers::Timers;
use basis::Frame;
use wire::tcp::{Flags, Header};

impl Receiver {
    /// Whether a segment brings the next bytes in one packet of a usual size, with a timestamp that is no older than the last, and there is
    /// room for all of them: [`Receiver::on_predicted`] is then as good as all that is asked of a segment otherwise.
    #[inline(always)]
    pub(crate) fn predicts(&self, header: &Header, payload: &Frame, environment: &Environment<'_>) -> bool {
        let length = payload.len();
        header.sequence == self.next
            && payload.segment_size == 0
            && (1..=usize::from(self.segment_size)).contains(&length)
            && length as u32 <= self.window.size(self.next)
            && self.timestamps.is_newest(header.options.timestamps)
            && self.end.get().is_none()
            && !self.discarding
            && !environment.memory.is_short()
            && self.buffer.as_ref().is_none_or(|buffer| buffer.reassembly.is_empty())
    }

    /// Takes in the text of a segment that it [predicts](Receiver::predicts).
    #[inline(always)]
    pub(crate) fn on_predicted(
        &mut self,
        header: &Header,
        payload: &mut Frame,
        timers: &mut Timers,
        environment: &mut Environment<'_>,
    ) {
        self.count_segment();
        self.note_timestamp(header, environment);
        self.count_data(payload);
        self.tune(header, environment);
        self.acks.note_push(header.flags.contains(Flags::PSH));
        self.take_in_order(payload, timers, environment);
    }
}
