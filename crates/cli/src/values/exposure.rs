//! A guest's port made reachable on the operating system's side: `127.0.0.1:8080=10.7.0.9:80`.

use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;

use super::port;

/// One published port of a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exposure {
    /// Where the operating system listens; port 0 takes any that is free.
    pub(crate) outside: SocketAddr,
    /// The guest's address and port.
    pub(crate) inside: SocketAddr,
}

impl FromStr for Exposure {
    type Err = String;

    fn from_str(text: &str) -> Result<Exposure, String> {
        let wrong = || {
            format!(
                "{text:?} does not say what to publish; give one such as 127.0.0.1:8080=10.7.0.9:80 or 8080=[fd07::9]:80"
            )
        };
        let (outside, inside) = text.split_once('=').ok_or_else(wrong)?;
        let outside = match outside.contains(':') {
            true => outside.parse().map_err(|_| wrong())?,
            false => SocketAddr::from((Ipv4Addr::LOCALHOST, port::parse_or_any(outside)?)),
        };
        let inside: SocketAddr = inside.parse().map_err(|_| wrong())?;
        let guest = inside.ip();
        if inside.port() == 0 || guest.is_unspecified() || guest.is_multicast() || guest.is_loopback() {
            return Err(format!(
                "{inside} is nowhere to call; give a guest's address and port, such as 10.7.0.9:80"
            ));
        }
        Ok(Exposure { outside, inside })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_are_read() {
        let table = [
            ("127.0.0.1:8080=10.7.0.9:80", "127.0.0.1:8080", "10.7.0.9:80"),
            ("8080=10.7.0.9:80", "127.0.0.1:8080", "10.7.0.9:80"),
            ("0=[fd07::9]:80", "127.0.0.1:0", "[fd07::9]:80"),
            ("[::1]:8080=10.7.0.9:80", "[::1]:8080", "10.7.0.9:80"),
        ];
        for (text, outside, inside) in table {
            let exposure = Exposure { outside: outside.parse().unwrap(), inside: inside.parse().unwrap() };
            assert_eq!(text.parse(), Ok(exposure));
        }
    }

    #[test]
    fn what_says_too_little_is_refused_in_one_line() {
        for text in [
            "",
            "8080",
            "8080=80",
            "8080=10.7.0.9",
            "x=10.7.0.9:80",
            "8080=10.7.0.9:0",
            "8080=127.0.0.1:80",
            "1.2.3:8=10.7.0.9:80",
        ] {
            let error = text.parse::<Exposure>().unwrap_err();
            assert!(error.contains("; ") && !error.contains('\n'), "{text}: {error}");
        }
    }
}
