//! Initial sequence numbers that only this host can guess (RFC 6528), and timestamps that start anywhere (RFC 7323 5.4).

use crate::segment::FourTuple;
use basis::{HashKey, Instant, Random};
use wire::tcp::Seq;

/// The secrets behind both.
#[derive(Clone, Debug)]
pub(crate) struct IsnGenerator {
    numbers: HashKey,
    timestamps: HashKey,
    /// Two hosts and their offset: those of the last connection.
    last: (FourTuple, u32),
}

impl IsnGenerator {
    pub(crate) fn new(random: &mut Random) -> IsnGenerator {
        let (numbers, timestamps) = (random.hash_key(), random.hash_key());
        let nobody = FourTuple::NOWHERE;
        IsnGenerator { numbers, timestamps, last: (nobody, nobody.hash_by(&timestamps) as u32) }
    }

    /// ISN = M + F(four-tuple, secret), where M ticks every 4 microseconds (RFC 6528 3).
    pub(crate) fn initial(&self, tuple: &FourTuple, now: Instant) -> Seq {
        Seq((now.as_micros() / 4) as u32) + tuple.hash_by(&self.numbers) as u32
    }

    /// What the timestamp clock is shifted by: the same for all connections between two hosts, so that a later
    /// connection's timestamps are later (RFC 6191 needs it).
    pub(crate) fn timestamp_offset(&mut self, tuple: &FourTuple) -> u32 {
        let hosts = FourTuple { local_port: 0, remote_port: 0, ..*tuple };
        if self.last.0 != hosts {
            self.last = (hosts, hosts.hash_by(&self.timestamps) as u32);
        }
        self.last.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::{IpAddr, Ipv4Addr};

    #[test]
    fn the_number_grows_by_one_each_four_microseconds_and_differs_by_tuple_and_secret() {
        let mut isn = IsnGenerator::new(&mut Random::new([1; 32]));
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let tuple = FourTuple { local: address, remote: address, local_port: 1, remote_port: 2 };
        let first = isn.initial(&tuple, Instant::ZERO);
        assert_eq!(isn.initial(&tuple, Instant::from_millis(4)).since(first), 1000);
        assert_ne!(isn.initial(&FourTuple { local_port: 3, ..tuple }, Instant::ZERO), first);
        assert_ne!(IsnGenerator::new(&mut Random::new([2; 32])).initial(&tuple, Instant::ZERO), first);
        let offset = isn.timestamp_offset(&tuple);
        assert_eq!(isn.timestamp_offset(&FourTuple { local_port: 3, ..tuple }), offset);
        let other = FourTuple { remote: IpAddr::V4(Ipv4Addr::BROADCAST), ..tuple };
        assert_ne!(isn.timestamp_offset(&other), offset);
        assert_eq!(isn.timestamp_offset(&tuple), offset, "also after another host's");
    }
}
