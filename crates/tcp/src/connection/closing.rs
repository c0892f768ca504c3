//! How far both FINs have come (RFC 9293 3.6).

use super::fate::Fate;
use crate::info::State;

/// This side's FIN.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum OwnFin {
    /// The application may still write.
    NotAsked,
    /// It follows the last byte, or is on its way.
    Asked,
    Acknowledged,
}

/// The progress of a close. What the peer's FIN did is the receiver's to know and passed in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Closing {
    own: OwnFin,
    /// This side asked before the peer's FIN came.
    first: bool,
}

impl Closing {
    pub(crate) const fn new() -> Closing {
        Closing { own: OwnFin::NotAsked, first: false }
    }

    /// The application closes its direction.
    pub(crate) fn ask(&mut self, peer_finished: bool) {
        if self.own == OwnFin::NotAsked {
            (self.own, self.first) = (OwnFin::Asked, !peer_finished);
        }
    }

    /// Whether a FIN follows the last byte written.
    pub(crate) fn asked(&self) -> bool {
        self.own != OwnFin::NotAsked
    }

    pub(crate) fn acknowledged(&self) -> bool {
        self.own == OwnFin::Acknowledged
    }

    pub(crate) fn on_acknowledged(&mut self) {
        self.own = OwnFin::Acknowledged;
    }

    /// What both FINs together mean.
    pub(crate) fn fate(&self, peer_finished: bool) -> Fate {
        match (self.own, peer_finished, self.first) {
            (OwnFin::Acknowledged, true, true) => Fate::TimeWait,
            (OwnFin::Acknowledged, true, false) => Fate::Closed,
            _ => Fate::Live,
        }
    }

    pub(crate) fn state(&self, peer_finished: bool) -> State {
        match (self.own, peer_finished, self.first) {
            (OwnFin::NotAsked, false, _) => State::Established,
            (OwnFin::NotAsked, true, _) => State::CloseWait,
            (OwnFin::Asked, false, _) => State::FinWait1,
            (OwnFin::Asked, true, true) => State::Closing,
            (OwnFin::Asked, true, false) => State::LastAck,
            (OwnFin::Acknowledged, false, _) => State::FinWait2,
            (OwnFin::Acknowledged, true, true) => State::TimeWait,
            (OwnFin::Acknowledged, true, false) => State::Closed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_side_that_closes_first_passes_fin_wait_and_waits() {
        let mut closing = Closing::new();
        assert_eq!(closing.state(false), State::Established);
        closing.ask(false);
        assert_eq!(closing.state(false), State::FinWait1);
        closing.on_acknowledged();
        assert_eq!((closing.state(false), closing.fate(false)), (State::FinWait2, Fate::Live));
        assert_eq!((closing.state(true), closing.fate(true)), (State::TimeWait, Fate::TimeWait));
    }

    #[test]
    fn the_side_that_closes_second_passes_close_wait_and_is_done() {
        let mut closing = Closing::new();
        assert_eq!(closing.state(true), State::CloseWait);
        closing.ask(true);
        assert_eq!(closing.state(true), State::LastAck);
        closing.on_acknowledged();
        assert_eq!(closing.fate(true), Fate::Closed);
    }

    #[test]
    fn both_at_once_pass_closing_and_both_wait() {
        let mut closing = Closing::new();
        closing.ask(false);
        assert_eq!(closing.state(true), State::Closing);
        closing.on_acknowledged();
        assert_eq!(closing.fate(true), Fate::TimeWait);
    }
}
