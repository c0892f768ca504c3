//! Initial sequence numbers that only this host can guess (RFC 6528), and timestamps that start anywhere (RFC 7323 5.4).

use crate::segment::FourTuple;
use basis::{HashKey, Instant, Random};
use wire::tcp::Seq;

/// ISN = M + F(four-tuple, secret), where M ticks every 4 microseconds (RFC 6528 3). F is the half of the keyed hash by which the
/// demultiplexer does not place the connection: each half of it is as random, and neither tells the other.
pub(crate) fn initial(half: u32, now: Instant) -> Seq {
    Seq((now.as_micros() / 4) as u32) + half
}

/// The secret behind timestamps.
#[derive(Clone, Debug)]
pub(crate) struct TimestampOffsets {
    key: HashKey,
    /// Two hosts, the ports of none, and their offset: those of the last connection.
    last: (FourTuple, u32),
}

impl TimestampOffsets {
    pub(crate) fn new(random: &mut Random) -> TimestampOffsets {
        let key = random.hash_key();
        let nobody = FourTuple::NOWHERE;
        TimestampOffsets { key, last: (nobody, nobody.hash_by(&key) as u32) }
    }

    /// What the timestamp clock is shifted by: the same for all connections between two hosts, so that a later
    /// connection's timestamps are later (RFC 6191 needs it).
    pub(crate) fn of(&mut self, tuple: &FourTuple) -> u32 {
        let (last, offset) = &self.last;
        if last.remote == tuple.remote && last.local == tuple.local { *offset } else { self.look_up(tuple) }
    }

    #[inline(never)]
    fn look_up(&mut self, tuple: &FourTuple) -> u32 {
        let hosts = FourTuple { local_port: 0, remote_port: 0, ..*tuple };
        self.last = (hosts, hosts.hash_by(&self.key) as u32);
        self.last.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::{IpAddr, Ipv4Addr};

    #[test]
    fn the_number_grows_by_one_each_four_microseconds() {
        assert_eq!(initial(7, Instant::from_millis(4)).since(initial(7, Instant::ZERO)), 1000);
        assert_eq!(initial(9, Instant::ZERO).since(initial(7, Instant::ZERO)), 2);
    }

    #[test]
    fn all_connections_between_two_hosts_share_an_offset() {
        let mut offsets = TimestampOffsets::new(&mut Random::new([1; 32]));
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let tuple = FourTuple { local: address, remote: address, local_port: 1, remote_port: 2 };
        let offset = offsets.of(&tuple);
        assert_eq!(offsets.of(&FourTuple { local_port: 3, ..tuple }), offset);
        let other = FourTuple { remote: IpAddr::V4(Ipv4Addr::BROADCAST), ..tuple };
        assert_ne!(offsets.of(&other), offset);
        assert_eq!(offsets.of(&tuple), offset, "also after another host's");
        assert_ne!(TimestampOffsets::new(&mut Random::new([2; 32])).of(&tuple), offset);
    }
}
