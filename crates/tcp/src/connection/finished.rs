//! A connection that is over, for as long as its application holds it.

use crate::error::Failure;
use crate::event::Readiness;
use crate::info::State;
use crate::receive::buffer::ReceiveBuffer;
use alloc::boxed::Box;

/// It is over, or goes on in TIME-WAIT without the application; only what it received is left.
#[derive(Clone, Debug)]
pub(super) struct Finished {
    pub(super) unread: Option<Box<ReceiveBuffer>>,
    pub(super) state: State,
    /// The handshake had been done.
    pub(super) was_open: bool,
    pub(super) syn_data: bool,
    /// The peer's FIN had come to its turn.
    pub(super) ended: bool,
}

impl Finished {
    /// What never began.
    pub(super) const NOTHING: Finished =
        Finished { unread: None, state: State::Closed, was_open: false, syn_data: false, ended: false };

    /// Whatever is asked of it is answered at once.
    pub(super) fn readiness(&self, failure: Option<Failure>) -> Readiness {
        Readiness::CONNECTED.when(self.was_open)
            | Readiness::READABLE
            | Readiness::WRITABLE
            | Readiness::READ_CLOSED
            | Readiness::DRAINED
            | Readiness::FAILED.when(failure.is_some())
    }
}
