//! Echo requests that are for others: taken in by an interface that intercepts, answered by whoever asked for them.

use crate::dropped::Dropped;
use crate::shares::{Sender, Shares};
use alloc::collections::VecDeque;
use bytes::Bytes;
use core::net::IpAddr;

/// An echo request to somebody else.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EchoRequest {
    /// Who asks.
    pub from: IpAddr,
    /// Who is asked.
    pub to: IpAddr,
    /// The asker's identifier.
    pub identifier: u16,
    /// The request's number.
    pub sequence: u16,
    /// Hops that the request could still have gone.
    pub time_to_live: u8,
    /// Whether its sender wanted it whole or not at all: by its bit in IPv4, by not having cut it in IPv6.
    pub dont_fragment: bool,
    /// What is to be sent back.
    pub payload: Bytes,
}

/// The requests for others that wait, in one queue that all who ask share.
#[derive(Clone, Debug, Default)]
pub(super) struct Foreign {
    waiting: VecDeque<(Sender, EchoRequest)>,
    shares: Shares,
}

impl Foreign {
    /// One more. Where `most` wait, it takes the place of the youngest of whoever has the most there, if its sender has less than that one
    /// even so: then tells that one is gone.
    pub(super) fn push(
        &mut self,
        sender: Sender,
        request: EchoRequest,
        most: usize,
    ) -> Result<Option<Dropped>, Dropped> {
        let mut displaced = None;
        if self.waiting.len() >= most {
            let (other, share) = self.shares.most().ok_or(Dropped::PingQueueFull)?;
            if self.shares.of(sender) + 1 >= share {
                return Err(Dropped::PingQueueFull);
            }
            if let Some(place) = self.waiting.iter().rposition(|(whose, _)| *whose == other) {
                self.waiting.remove(place);
                self.shares.remove(other, 1);
                displaced = Some(Dropped::PingQueueFull);
            }
        }
        self.shares.add(sender, 1);
        self.waiting.push_back((sender, request));
        Ok(displaced)
    }

    pub(super) fn pop(&mut self) -> Option<EchoRequest> {
        let (sender, request) = self.waiting.pop_front()?;
        self.shares.remove(sender, 1);
        Some(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use wire::ethernet::MacAddress;

    const MOST: usize = 64;

    fn push(foreign: &mut Foreign, station: u8, sequence: u16) -> Result<Option<Dropped>, Dropped> {
        // As many addresses as it likes.
        let from = IpAddr::from([10, 7, sequence.to_be_bytes()[1], station]);
        let sender = Sender::new(Some(MacAddress([2, 0, 0, 0, 0, station])), from);
        let request = EchoRequest {
            from,
            to: [192, 0, 2, 1].into(),
            identifier: station.into(),
            sequence,
            time_to_live: 64,
            dont_fragment: false,
            payload: Bytes::new(),
        };
        foreign.push(sender, request, MOST)
    }

    #[test]
    fn one_that_floods_makes_room_for_all_others_and_loses_its_youngest() {
        let mut foreign = Foreign::default();
        let full = Err(Dropped::PingQueueFull);
        // Who is alone has it all.
        let taken = (0..200).filter(|sequence| push(&mut foreign, 1, *sequence).is_ok()).count();
        assert_eq!(taken, MOST);
        // Each of 31 others comes to as many as the first has left.
        for sequence in 0..2 {
            for station in 2..=32 {
                assert_eq!(push(&mut foreign, station, sequence), Ok(Some(Dropped::PingQueueFull)));
            }
        }
        for station in 1..=32 {
            assert_eq!(push(&mut foreign, station, 9), full, "{station}");
        }
        // One that has nothing there displaces one of two.
        assert_eq!(push(&mut foreign, 33, 0), Ok(Some(Dropped::PingQueueFull)));
        assert_eq!(push(&mut foreign, 33, 1), full);
        let order: Vec<_> = core::iter::from_fn(|| foreign.pop()).collect();
        assert_eq!(order.len(), MOST);
        let first: Vec<_> = order.iter().filter(|request| request.identifier == 1).collect();
        assert_eq!(first.iter().map(|request| request.sequence).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(order.last().map(|request| request.identifier), Some(33));
        assert!(foreign.shares.most().is_none());
    }
}
