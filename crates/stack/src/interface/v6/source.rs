//! From which of its addresses a host sends (RFC 6724 5).

use core::net::Ipv6Addr;

/// An address that a packet could be sent from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Candidate {
    pub(crate) address: Ipv6Addr,
    pub(crate) prefix_length: u8,
    pub(crate) deprecated: bool,
}

/// Rules 1, 2, 3, 6 and 8, in that order.
type Worth = (bool, (bool, u8), bool, bool, u8);

/// The best of `candidates`, all of the interface by which the packet leaves, to send to `destination` from; of equals the first.
///
/// Rules 4 and 7 know of home and temporary addresses, of which there are none; rule 5 is kept by the choice of candidates.
pub(crate) fn select(destination: Ipv6Addr, candidates: impl Iterator<Item = Candidate>) -> Option<Ipv6Addr> {
    let mut best: Option<(Worth, Ipv6Addr)> = None;
    for candidate in candidates {
        let worth = worth(destination, candidate);
        if best.is_none_or(|(other, _)| worth > other) {
            best = Some((worth, candidate.address));
        }
    }
    best.map(|(_, address)| address)
}

/// What the rules compare, each only where all before it are equal.
fn worth(destination: Ipv6Addr, candidate: Candidate) -> Worth {
    let source = candidate.address;
    let (reach, wanted) = (scope(source), scope(destination));
    // Rule 2: the smallest scope that is wide enough, else the widest.
    let fitting = if reach >= wanted { (true, u8::MAX - reach) } else { (false, reach) };
    let common = (source.to_bits() ^ destination.to_bits()).leading_zeros() as u8;
    (
        source == destination,
        fitting,
        !candidate.deprecated,
        label(source) == label(destination),
        common.min(candidate.prefix_length),
    )
}

/// How far an address reaches (RFC 6724 3.1): 2 is the link, 5 the site, 14 everywhere.
pub(crate) fn scope(address: Ipv6Addr) -> u8 {
    let [first, second, ..] = address.octets();
    match (first, second) {
        (0xff, second) => second & 0xf,
        (0xfe, 0x80..=0xbf) => 2,
        (0xfe, 0xc0..) => 5,
        _ if address.is_loopback() => 2,
        _ => 14,
    }
}

/// The policy table of RFC 6724 2.1, by its labels.
fn label(address: Ipv6Addr) -> u8 {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => 0,
        [0, 0, 0, 0, 0, 0xffff, ..] => 4,
        [0, 0, 0, 0, 0, 0, ..] => 3,
        [0x2001, 0, ..] => 5,
        [0x2002, ..] => 2,
        [0x3ffe, ..] => 12,
        [first, ..] if first & 0xfe00 == 0xfc00 => 13,
        [first, ..] if first & 0xffc0 == 0xfec0 => 11,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(destination: &str, candidates: &[(&str, bool)]) -> std::string::String {
        let candidates = candidates.iter().map(|(address, deprecated)| Candidate {
            address: address.parse().unwrap(),
            prefix_length: 64,
            deprecated: *deprecated,
        });
        std::string::ToString::to_string(&select(destination.parse().unwrap(), candidates).unwrap())
    }

    /// The examples of RFC 6724 10.1, as far as they concern what there is here.
    #[test]
    fn the_examples_of_the_document() {
        assert_eq!(chosen("2001:db8:1::1", &[("2001:db8:3::1", false), ("fe80::1", false)]), "2001:db8:3::1");
        assert_eq!(chosen("ff05::1", &[("2001:db8:3::1", false), ("fe80::1", false)]), "2001:db8:3::1");
        assert_eq!(
            chosen("2001:db8:1::1", &[("2001:db8:1::1", true), ("2001:db8:2::1", false)]),
            "2001:db8:1::1"
        );
        assert_eq!(chosen("fe80::1", &[("fe80::2", true), ("2001:db8:1::1", false)]), "fe80::2");
        assert_eq!(
            chosen("2001:db8:1::1", &[("2001:db8:1::2", false), ("2001:db8:3::2", false)]),
            "2001:db8:1::2"
        );
        assert_eq!(
            chosen("2002:c633:6401::1", &[("2002:c633:6401::d5e3", false), ("2001:db8:1::2", false)]),
            "2002:c633:6401::d5e3"
        );
        assert_eq!(chosen("2001:db8:1::d5e3", &[("fd00::1", false), ("2001:db8:3::1", true)]), "fd00::1");
        assert_eq!(chosen("ff02::1", &[("fd00::1", false), ("fe80::1", false)]), "fe80::1");
        assert_eq!(select(Ipv6Addr::LOCALHOST, core::iter::empty()), None);
    }
}
