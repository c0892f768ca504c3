//! The destinations of the last packets, so that the next ones need neither routes nor neighbours.

use basis::Instant;
use core::net::IpAddr;
use wire::ethernet::MacAddress;

const PLACES: usize = 16;

/// A small table of destinations and the stations that take packets for them, one place per low address bits.
///
/// Whoever changes routes, neighbours or addresses clears it.
#[derive(Clone, Debug)]
pub(crate) struct Recent {
    places: [Option<Hop>; PLACES],
}

#[derive(Clone, Copy, Debug)]
struct Hop {
    destination: IpAddr,
    hardware: MacAddress,
    until: Instant,
}

impl Recent {
    pub(crate) const fn new() -> Recent {
        Recent { places: [None; PLACES] }
    }

    #[inline(always)]
    pub(crate) fn get(&self, now: Instant, destination: IpAddr) -> Option<MacAddress> {
        match &self.places[place(destination)] {
            Some(hop) if hop.destination == destination && now < hop.until => Some(hop.hardware),
            _ => None,
        }
    }

    pub(crate) fn put(&mut self, destination: IpAddr, hardware: MacAddress, until: Instant) {
        self.places[place(destination)] = Some(Hop { destination, hardware, until });
    }

    pub(crate) fn clear(&mut self) {
        self.places = [None; PLACES];
    }
}

#[inline]
fn place(address: IpAddr) -> usize {
    let low = match address {
        IpAddr::V4(address) => address.octets()[3],
        IpAddr::V6(address) => address.octets()[15],
    };
    usize::from(low) % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_remembers_until_its_time_and_never_mixes_up_addresses() {
        let mut recent = Recent::new();
        let (first, second) = ([10, 0, 0, 1].into(), [10, 0, 1, 17].into());
        recent.put(first, MacAddress([2; 6]), Instant::from_millis(10));
        assert_eq!(recent.get(Instant::from_millis(9), first), Some(MacAddress([2; 6])));
        assert_eq!(recent.get(Instant::from_millis(10), first), None);
        assert_eq!(recent.get(Instant::ZERO, second), None, "same place, other address");
        recent.put(second, MacAddress([4; 6]), Instant::FAR_FUTURE);
        assert_eq!(recent.get(Instant::ZERO, first), None);
        recent.clear();
        assert_eq!(recent.get(Instant::ZERO, second), None);
    }
}
