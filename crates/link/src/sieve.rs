//! A link that lets in only the frames that somebody admits.

use crate::capabilities::{Capabilities, Link, RawFdSource};
use basis::{Frame, Instant};
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::Arc;

/// Who decides about frames that arrive. Called by the thread that drives the host, so it must not block.
pub trait Admit: Send + Sync + fmt::Debug {
    /// Whether the frame comes in; `start` is its beginning, all headers with it, from the link header on.
    fn admits(&self, start: &[u8]) -> bool;
}

/// A link around a link that asks an [`Admit`] about every frame that arrives, and loses those that it does not admit.
#[derive(Debug)]
pub struct Sieved<L: Link> {
    link: L,
    admit: Arc<dyn Admit>,
}

impl<L: Link> Sieved<L> {
    /// Asks `admit` about what arrives at `link`.
    pub fn new(link: L, admit: Arc<dyn Admit>) -> Sieved<L> {
        Sieved { link, admit }
    }
}

impl<L: Link> Link for Sieved<L> {
    fn capabilities(&self) -> Capabilities {
        self.link.capabilities()
    }

    fn receive(&mut self, now: Instant, arrived: &mut VecDeque<Frame>, most: usize) -> io::Result<bool> {
        let mut at = arrived.len();
        let outcome = self.link.receive(now, arrived, most);
        while let Some(frame) = arrived.get(at) {
            if self.admit.admits(frame.first()) {
                at += 1;
            } else {
                arrived.remove(at);
            }
        }
        outcome
    }

    fn transmit(&mut self, now: Instant, waiting: &mut VecDeque<Frame>) -> io::Result<bool> {
        self.link.transmit(now, waiting)
    }

    fn source(&self) -> Option<RawFdSource> {
        self.link.source()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.link.poll_timeout()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Loopback;

    #[derive(Debug)]
    struct Even;

    impl Admit for Even {
        fn admits(&self, start: &[u8]) -> bool {
            start[0].is_multiple_of(2)
        }
    }

    #[test]
    fn what_is_not_admitted_does_not_arrive_and_what_was_there_stays() {
        let mut link = Sieved::new(Loopback::new(), Arc::new(Even));
        let mut waiting: VecDeque<Frame> = (0..9_u8).map(|byte| Frame::copy_of(&[byte])).collect();
        assert!(link.transmit(Instant::ZERO, &mut waiting).unwrap());
        let mut arrived = VecDeque::from([Frame::copy_of(&[1])]);
        while link.receive(Instant::ZERO, &mut arrived, 2).unwrap() {}
        let bytes: Vec<u8> = arrived.iter().map(|frame| frame.first()[0]).collect();
        assert_eq!(bytes, [1, 0, 2, 4, 6, 8]);
    }
}
