//! What each source has of a queue that all share: one that floods leaves room for the others.

use core::net::IpAddr;

/// Sources that are told apart, by what their addresses come to.
const SOURCES: usize = 32;

/// Bytes that wait, by source.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shares([usize; SOURCES]);

impl Shares {
    /// Whether a datagram of `source` is taken in while so many bytes are free: it has less than twice as many. So one that is alone comes
    /// to two thirds of the queue, and a second one to two thirds of the rest: a few that flood leave room for who has nothing there. Many
    /// addresses of one that floods do not.
    pub(crate) fn admits(&self, source: IpAddr, free: usize) -> bool {
        self.0.get(place(source)).is_some_and(|share| *share < free.saturating_mul(2))
    }

    pub(crate) fn add(&mut self, source: IpAddr, bytes: usize) {
        if let Some(share) = self.0.get_mut(place(source)) {
            *share = share.saturating_add(bytes);
        }
    }

    pub(crate) fn remove(&mut self, source: IpAddr, bytes: usize) {
        if let Some(share) = self.0.get_mut(place(source)) {
            *share = share.saturating_sub(bytes);
        }
    }
}

/// Hosts of one network differ in their last bits.
fn place(source: IpAddr) -> usize {
    let folded = match source {
        IpAddr::V4(address) => address.octets().iter().fold(0, |folded, octet| folded ^ octet),
        IpAddr::V6(address) => address.octets().iter().fold(0, |folded, octet| folded ^ octet),
    };
    usize::from(folded) % SOURCES
}

#[cfg(test)]
mod tests {
    use crate::udp::socket::{Delivery, EVERY_PORT, Socket};
    use basis::Frame;
    use core::net::{Ipv6Addr, SocketAddr};

    fn push(socket: &mut Socket, last: u8) -> bool {
        let from = SocketAddr::from(([10, 7, 0, last], 1));
        let delivery =
            Delivery { from, to: ([192, 0, 2, 1], 7).into(), time_to_live: 64, dont_fragment: true };
        socket.push(delivery, &mut Frame::copy_of(&[0; 72]), 120_000)
    }

    #[test]
    fn one_that_floods_leaves_room_in_a_queue_for_all() {
        let flood = |socket: &mut Socket, last| (0..2000).filter(|_| push(socket, last)).count();
        // A queue of one owner's has one bound.
        let whole = flood(&mut Socket::new(([0, 0, 0, 0], 7).into(), false), 100);
        let mut socket = Socket::new((Ipv6Addr::UNSPECIFIED, EVERY_PORT).into(), true);
        // Two thirds, then of what is left, and so on.
        let taken = [100, 101, 102, 103].map(|last| flood(&mut socket, last));
        for (taken, part) in taken.iter().zip([3, 9, 27, 81]) {
            assert!(taken.abs_diff(2 * whole / part) <= 2, "{taken} of {whole}");
        }
        // What was taken out makes room.
        let mut mine = 0;
        while let Ok(received) = socket.receive(&mut [], false) {
            mine += usize::from(received.from.ip() == core::net::IpAddr::from([10, 7, 0, 100]));
        }
        assert_eq!((mine, flood(&mut socket, 100)), (taken[0], taken[0]));
    }
}
