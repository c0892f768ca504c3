//! What is out of guests' reach unless somebody opens it by name.

use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr};

/// This very host and its links, groups, and what no host can have (RFC 6890); and whoever tells machines in a cloud their secrets.
const CLOSED: [&str; 17] = [
    "0.0.0.0/8",
    "127.0.0.0/8",
    // Among them 169.254.169.254, which most clouds use, 169.254.170.2 and 169.254.170.23, which give containers their roles.
    "169.254.0.0/16",
    "224.0.0.0/4",
    "240.0.0.0/4",
    // Addresses of IPv4 in a form that nobody uses any more (RFC 4291 2.5.5.1), with :: and ::1.
    "::/96",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
    // Amazon: the machine's and the pods'.
    "fd00:ec2::254/128",
    "fd00:ec2::23/128",
    // Alibaba.
    "100.100.100.200/32",
    // Azure's host, which answers on several ports.
    "168.63.129.16/32",
    // Google.
    "fd20:ce::254/128",
    // Oracle, its older cloud and its newer one.
    "192.0.0.192/32",
    "fd00:c1::a9fe:a9fe/128",
    // Scaleway.
    "fd00:42::42/128",
];

/// All of them.
pub(super) fn networks() -> Vec<IpNet> {
    CLOSED.iter().filter_map(|network| network.parse().ok()).collect()
}

/// The IPv4 address that translators reach through one of IPv6 (RFC 6052 2.1): it is as close as that.
pub(super) fn translated(address: IpAddr) -> Option<IpAddr> {
    let IpAddr::V6(v6) = address else { return None };
    let [0x64, 0xff9b, 0, 0, 0, 0, high, low] = v6.segments() else { return None };
    Some(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_network_is_one() {
        assert_eq!(networks().len(), CLOSED.len());
        assert!(networks().iter().all(|network| network.trunc() == *network));
    }

    #[test]
    fn what_a_translator_reaches_is_told() {
        let of = |text: &str| translated(text.parse().unwrap()).map(|address| address.to_string());
        assert_eq!(of("64:ff9b::a9fe:a9fe").as_deref(), Some("169.254.169.254"));
        assert_eq!(of("64:ff9b:1::a9fe:a9fe"), None);
        assert_eq!(of("2001:db8::1").or(of("192.0.2.1")), None);
    }
}
