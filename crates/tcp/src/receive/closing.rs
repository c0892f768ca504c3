//! How the receiving half ends: by the peer's FIN, or because nobody reads any more.

use super::buffer::ReceiveBuffer;
use super::receiver::Receiver;
use crate::environment::Environment;
use alloc::boxed::Box;
use core::hint::cold_path;

impl Receiver {
    /// Whether the peer's FIN came to its turn.
    #[inline]
    pub(crate) fn finished(&self) -> bool {
        self.end.reached
    }

    #[inline(always)]
    pub(super) fn finish_if_complete(&mut self, environment: &mut Environment<'_>) {
        if self.end.get() == Some(self.next) {
            cold_path();
            self.next += 1;
            self.end.reached = true;
            self.acks.now();
            self.forget_early(environment);
        }
    }

    /// What came early and lies behind the end of the stream is none of it, and nobody is told that it is here.
    fn forget_early(&mut self, environment: &mut Environment<'_>) {
        let Some(buffer) = self.buffer.as_mut().filter(|buffer| !buffer.reassembly.is_empty()) else {
            return;
        };
        let used = buffer.used();
        buffer.reassembly.clear();
        environment.memory.recharge(used, buffer.used());
        if let Some(buffer) = self.buffer.take_if(|buffer| buffer.is_empty()) {
            environment.memory.give_receive(buffer);
        }
    }

    /// Nobody will read any more.
    pub(crate) fn discard(&mut self, environment: &mut Environment<'_>) {
        self.discarding = true;
        if let Some(buffer) = self.buffer.take() {
            environment.memory.give_receive(buffer);
        }
        self.after_reading(environment);
    }

    pub(crate) fn discarding(&self) -> bool {
        self.discarding
    }

    /// Takes the buffer out, for a connection that is over but not yet read to its end.
    pub(crate) fn take_buffer(&mut self) -> Option<Box<ReceiveBuffer>> {
        self.buffer.take()
    }
}
