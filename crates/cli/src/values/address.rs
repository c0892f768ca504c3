//! An address with the length of its network's prefix: `10.7.0.2/24`, `fd07::2/64`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// An address of a host in its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HostAddress {
    /// The address.
    pub(crate) address: IpAddr,
    /// The length of the network's prefix, in bits.
    pub(crate) prefix: u8,
}

impl HostAddress {
    /// An IPv4 address in a /24 network.
    pub(crate) const fn v4(octets: [u8; 4]) -> HostAddress {
        let [a, b, c, d] = octets;
        HostAddress { address: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), prefix: 24 }
    }

    /// An address of the default LAN's IPv6 network, by its last 16 bits.
    pub(crate) const fn v6(last: u16) -> HostAddress {
        HostAddress { address: IpAddr::V6(Ipv6Addr::new(0xfd07, 0, 0, 0, 0, 0, 0, last)), prefix: 64 }
    }
}

impl HostAddress {
    /// Whether `other` is in the same network.
    pub(crate) fn contains(self, other: IpAddr) -> bool {
        let same = |differing: u128, bits: u32| {
            differing.checked_shr(bits - u32::from(self.prefix).min(bits)).unwrap_or(0) == 0
        };
        match (self.address, other) {
            (IpAddr::V4(own), IpAddr::V4(other)) => same((u32::from(own) ^ u32::from(other)).into(), 32),
            (IpAddr::V6(own), IpAddr::V6(other)) => same(u128::from(own) ^ u128::from(other), 128),
            _ => false,
        }
    }
}

impl FromStr for HostAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<HostAddress, String> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address = ip(address)?;
        let (usual, most) = if address.is_ipv4() { (24, 32) } else { (64, 128) };
        let prefix = match prefix {
            None => usual,
            Some(digits) => digits
                .parse::<u8>()
                .ok()
                .filter(|bits| (1..=most).contains(bits) && digits.bytes().all(|byte| byte.is_ascii_digit()))
                .ok_or_else(|| {
                    format!(
                        "\"/{digits}\" is not a prefix length; give 1 to {most}, such as {address}/{usual}"
                    )
                })?,
        };
        Ok(HostAddress { address, prefix })
    }
}

impl fmt::Display for HostAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// Reads an address that a host can have.
pub(crate) fn ip(text: &str) -> Result<IpAddr, String> {
    let address = match text.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address,
        Ok(IpAddr::V6(address)) => return ipv6(address),
        Err(_) => {
            return Err(format!(
                "{text:?} is not an address; give four numbers from 0 to 255, such as 10.7.0.2, or one of IPv6, such as fd07::2"
            ));
        }
    };
    // 240/4 is reserved, and its last one is the limited broadcast (RFC 6890).
    if address.is_unspecified() || address.is_multicast() || address.octets()[0] >= 240 {
        return Err(format!("{address} is not the address of one host; give one such as 10.7.0.2"));
    }
    Ok(IpAddr::V4(address))
}

fn ipv6(address: Ipv6Addr) -> Result<IpAddr, String> {
    if address.is_unspecified() || address.is_multicast() || address.to_ipv4_mapped().is_some() {
        return Err(format!("{address} is not the address of one host; give one such as fd07::2"));
    }
    Ok(IpAddr::V6(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_contains_what_has_its_prefix() {
        let network = |text: &str| text.parse::<HostAddress>().unwrap();
        for (own, other, same) in [
            ("10.7.0.2/24", "10.7.0.254", true),
            ("10.7.0.2/24", "10.7.1.2", false),
            ("10.7.0.2/32", "10.7.0.2", true),
            ("10.7.0.2/32", "10.7.0.3", false),
            ("10.7.0.2/1", "127.0.0.1", true),
            ("10.7.0.2/1", "128.0.0.1", false),
            ("fd07::2/64", "fd07::ffff:1", true),
            ("fd07::2/128", "fd07::3", false),
            ("fd07::2/64", "10.7.0.2", false),
        ] {
            assert_eq!(network(own).contains(other.parse().unwrap()), same, "{own} {other}");
        }
    }

    #[test]
    fn an_address_with_and_without_its_prefix() {
        assert_eq!("10.7.0.2".parse(), Ok(HostAddress::v4([10, 7, 0, 2])));
        let address: HostAddress = "192.168.1.9/16".parse().unwrap();
        assert_eq!((address.to_string().as_str(), address.prefix), ("192.168.1.9/16", 16));
        let address: HostAddress = "fd07::2".parse().unwrap();
        assert_eq!((address.to_string().as_str(), address.prefix), ("fd07::2/64", 64));
    }

    #[test]
    fn what_no_host_can_have_is_refused_in_one_line() {
        let wrong = [
            "",
            "10.7.0",
            "10.7.0.256",
            "010.7.0.2",
            "10.7.0.2/",
            "10.7.0.2/0",
            "10.7.0.2/33",
            "10.7.0.2/+8",
            "::",
            "ff02::1",
            "::ffff:10.7.0.2",
            "fd07::2/129",
            "fd07::2/0",
            "fd07:::2",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "localhost",
            "10.7.0.2:80",
            "10.7.0.2/24/24",
        ];
        for text in wrong {
            let error = text.parse::<HostAddress>().unwrap_err();
            assert!(error.contains("; ") && !error.contains('\n'), "{text}: {error}");
        }
    }
}
