//! `--so_flags`: where the stack under test lives.

use ipnet::IpNet;

/// What the flags say: `family=4|6|4m6,local=A/P,remote=N/P,mtu=M`, and a bare `v6` for IPv6.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Flags {
    /// This host's address, with the length of its network's prefix.
    pub(crate) local: IpNet,
    /// The network of the script's other side.
    pub(crate) remote: IpNet,
    /// Bytes of the interface's longest packet.
    pub(crate) mtu: usize,
}

/// The address that packetdrill gives to this host unless told otherwise, and the network of the other side.
const IPV4: (&str, &str) = ("192.168.0.1/16", "192.0.2.0/24");
const IPV6: (&str, &str) = ("fd3d:a0b:17d6::1/64", "fd3d:fa7b:d17d::/64");

impl Flags {
    /// Reads the flags. Unknown ones mean nothing; one that cannot be read is reported.
    pub(crate) fn parse(text: &str) -> Result<Flags, String> {
        let (mut local, mut remote, mut ipv6, mut mtu) = (None, None, false, 1500);
        for flag in text.split(',').map(str::trim).filter(|flag| !flag.is_empty()) {
            let (name, value) = flag.split_once('=').unwrap_or((flag, ""));
            let bad = || format!("`{flag}` cannot be read");
            match name {
                "v6" => ipv6 = true,
                "family" => ipv6 = value == "6",
                "local" => local = Some(network(value).ok_or_else(bad)?),
                "remote" => remote = Some(network(value).ok_or_else(bad)?),
                "mtu" => {
                    mtu = value.parse().ok().filter(|mtu| (68..=65_535).contains(mtu)).ok_or_else(bad)?
                }
                _ => {}
            }
        }
        let usual = if ipv6 { IPV6 } else { IPV4 };
        let or_usual = |given: Option<IpNet>, usual| given.or_else(|| network(usual));
        let local = or_usual(local, usual.0).ok_or("no local address")?;
        let remote = or_usual(remote, usual.1).ok_or("no remote network")?;
        Ok(Flags { local, remote, mtu })
    }
}

/// An address with a prefix; without one, all of it counts.
fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse().ok().map(|address: std::net::IpAddr| IpNet::from(address)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_and_unknown_ones_passed_over() {
        let flags =
            Flags::parse("family=4,local=10.0.0.1/8,remote=192.0.2.0/24,mtu=1280,colour=red,loud").unwrap();
        assert_eq!(flags.local, "10.0.0.1/8".parse::<IpNet>().unwrap());
        assert_eq!(flags.remote, "192.0.2.0/24".parse::<IpNet>().unwrap());
        assert_eq!(flags.mtu, 1280);
        assert!(Flags::parse("").unwrap().local.addr().is_ipv4());
        assert!(Flags::parse("v6").unwrap().local.addr().is_ipv6());
        assert!(Flags::parse("mtu=1").is_err());
        assert!(Flags::parse("local=here").is_err());
    }
}
