//! What a server gives: an address, for how long, and what is needed to use it.

use crate::message::Message;
use crate::option;
use basis::Instant;
use std::net::Ipv4Addr;
use std::time::Duration;

/// Name servers that are kept.
const NAME_SERVERS: usize = 3;
/// A lease without end (RFC 2131 3.3).
const INFINITE: u32 = u32::MAX;

/// An address that a server has given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lease {
    /// The address.
    pub address: Ipv4Addr,
    /// The length of its network's prefix, in bits.
    pub prefix: u8,
    /// Who gave it.
    pub server: Ipv4Addr,
    /// The router to other networks, in the address's own.
    pub router: Option<Ipv4Addr>,
    /// Name servers, at most three, the best first.
    pub name_servers: Vec<Ipv4Addr>,
    /// When its server is asked for more time: T1. None of an address given for ever.
    pub renew_at: Option<Instant>,
    /// When any server is asked: T2.
    pub rebind_at: Option<Instant>,
    /// When it ends.
    pub ends_at: Option<Instant>,
}

impl Lease {
    /// The lease in an answer to what was asked at `asked`; nothing if it is none that a host can use.
    pub(crate) fn read(message: &Message, asked: Instant) -> Option<Lease> {
        let (address, server) = (message.given, message.address(option::SERVER_IDENTIFIER)?);
        let prefix = match message.address(option::SUBNET_MASK) {
            Some(mask) => prefix_of(mask)?,
            None => usual_prefix(address),
        };
        if !is_station(address, prefix) || !is_host(server) {
            return None;
        }
        let network = |address: Ipv4Addr| u32::from(address) & mask(prefix);
        let reachable = |router: &Ipv4Addr| {
            is_station(*router, prefix) && *router != address && network(*router) == network(address)
        };
        let seconds = message.number(option::LEASE_TIME).filter(|seconds| *seconds > 0)?;
        let times = (seconds != INFINITE).then(|| times(message, seconds));
        let at = |place: usize| times.map(|times| asked + times[place]);
        Some(Lease {
            address,
            prefix,
            server,
            router: message.addresses(option::ROUTER).find(reachable),
            name_servers: message
                .addresses(option::NAME_SERVER)
                .filter(|address| is_host(*address))
                .take(NAME_SERVERS)
                .collect(),
            renew_at: at(0),
            rebind_at: at(1),
            ends_at: at(2),
        })
    }
}

/// T1, T2 and the end. What comes in no good order is as RFC 2131 4.4.5 says otherwise: half of the time, and seven eighths.
fn times(message: &Message, seconds: u32) -> [Duration; 3] {
    let end = Duration::from_secs(seconds.into());
    let said = |code| message.number(code).map(|seconds| Duration::from_secs(seconds.into()));
    match (said(option::RENEWAL_TIME), said(option::REBINDING_TIME)) {
        (Some(renew), Some(rebind)) if !renew.is_zero() && renew < rebind && rebind < end => {
            [renew, rebind, end]
        }
        _ => [end / 2, end / 8 * 7, end],
    }
}

/// Whether one host can have it (RFC 1122 3.2.1.3).
fn is_host(address: Ipv4Addr) -> bool {
    let [first, ..] = address.octets();
    (1..224).contains(&first) && !address.is_loopback()
}

/// Whether a station of a network with this prefix can have it.
fn is_station(address: Ipv4Addr, prefix: u8) -> bool {
    let (host_bits, place) = (!mask(prefix), u32::from(address) & !mask(prefix));
    is_host(address) && (host_bits <= 1 || place != 0 && place != host_bits)
}

fn mask(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0)
}

/// The length of a mask's prefix, if it is one.
fn prefix_of(mask: Ipv4Addr) -> Option<u8> {
    let bits = u32::from(mask);
    let prefix = bits.leading_ones();
    (prefix > 0 && prefix + bits.trailing_zeros().min(32 - prefix) == 32).then_some(prefix as u8)
}

/// What the prefix is where no mask is told: that of the address's class (RFC 950 1).
fn usual_prefix(address: Ipv4Addr) -> u8 {
    match address.octets()[0] {
        0..128 => 8,
        128..192 => 16,
        _ => 24,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Kind;

    fn given(address: [u8; 4], options: &[(u8, &[u8])]) -> Option<Lease> {
        let mut message = Message::new(Kind::Ack, true, 1, &[2, 0, 0, 0, 0, 1], 7);
        message.given = address.into();
        message.set(option::SERVER_IDENTIFIER, &[10, 7, 0, 1]);
        message.set(option::LEASE_TIME, &3600u32.to_be_bytes());
        message.set(option::SUBNET_MASK, &[255, 255, 255, 0]);
        for (code, value) in options {
            message.set(*code, value);
        }
        Lease::read(&message, Instant::ZERO)
    }

    #[test]
    fn a_lease_has_what_is_needed_to_use_it() {
        let routers = [192, 0, 2, 1, 10, 7, 0, 9, 10, 7, 0, 255, 10, 7, 0, 1];
        let servers = [0, 0, 0, 0, 1, 1, 1, 1, 9, 9, 9, 9, 8, 8, 8, 8, 7, 7, 7, 7];
        let lease = given([10, 7, 0, 9], &[(option::ROUTER, &routers), (option::NAME_SERVER, &servers)]);
        let lease = lease.unwrap();
        assert_eq!((lease.address, lease.prefix), ([10, 7, 0, 9].into(), 24));
        assert_eq!(lease.router, Some([10, 7, 0, 1].into()), "the first that can be reached");
        assert_eq!(lease.name_servers.len(), NAME_SERVERS);
        let after = |seconds| Some(Instant::ZERO + Duration::from_secs(seconds));
        assert_eq!((lease.renew_at, lease.rebind_at, lease.ends_at), (after(1800), after(3150), after(3600)));
    }

    #[test]
    fn times_are_believed_only_in_their_order_and_a_lease_may_have_no_end() {
        let at = |renew: u32, rebind: u32| {
            let lease = given(
                [10, 7, 0, 9],
                &[
                    (option::RENEWAL_TIME, &renew.to_be_bytes()),
                    (option::REBINDING_TIME, &rebind.to_be_bytes()),
                ],
            )
            .unwrap();
            let seconds = |at: Option<Instant>| at.unwrap().saturating_since(Instant::ZERO).as_secs();
            (seconds(lease.renew_at), seconds(lease.rebind_at))
        };
        assert_eq!(at(60, 70), (60, 70));
        for (renew, rebind) in [(0, 70), (70, 70), (70, 3600), (3601, 3602)] {
            assert_eq!(at(renew, rebind), (1800, 3150));
        }
        let endless = given([10, 7, 0, 9], &[(option::LEASE_TIME, &[255; 4])]).unwrap();
        assert_eq!((endless.renew_at, endless.ends_at), (None, None));
    }

    #[test]
    fn what_no_host_can_use_is_no_lease() {
        for address in [[0, 0, 0, 0], [127, 0, 0, 1], [224, 0, 0, 1], [10, 7, 0, 0], [10, 7, 0, 255]] {
            assert_eq!(given(address, &[]), None, "{address:?}");
        }
        let bad: [(u8, &[u8]); 5] = [
            (option::SUBNET_MASK, &[255, 0, 255, 0]),
            (option::SUBNET_MASK, &[0; 4]),
            (option::LEASE_TIME, &[0; 4]),
            (option::LEASE_TIME, &[1; 3]),
            (option::SERVER_IDENTIFIER, &[255; 4]),
        ];
        for (code, value) in bad {
            assert_eq!(given([10, 7, 0, 9], &[(code, value)]), None, "{code} {value:?}");
        }
        for (mask, prefix) in [([255, 255, 255, 255], 32), ([255, 255, 255, 254], 31), ([128, 0, 0, 0], 1)] {
            assert_eq!(given([10, 7, 0, 9], &[(option::SUBNET_MASK, &mask)]).unwrap().prefix, prefix);
        }
    }
}
