//! A guest's port made reachable on the operating system's side: `127.0.0.1:8080=10.7.0.9:80`, or `5353=10.7.0.9:53/udp`.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;

use super::port;

/// Of which protocol a port is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Tcp,
    Udp,
}

/// One published port of a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exposure {
    /// Where the operating system listens; port 0 takes any that is free.
    pub(crate) outside: SocketAddr,
    /// The guest's address and port.
    pub(crate) inside: SocketAddr,
    /// Of TCP unless told otherwise.
    pub(crate) transport: Transport,
}

impl Exposure {
    /// The guest's side as it is written.
    pub(crate) fn inside_text(&self) -> String {
        let Exposure { inside, transport, .. } = self;
        format!("{inside}{transport}")
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Transport::Tcp => Ok(()),
            Transport::Udp => f.write_str("/udp"),
        }
    }
}

impl FromStr for Exposure {
    type Err = String;

    fn from_str(text: &str) -> Result<Exposure, String> {
        let wrong = || {
            format!(
                "{text:?} does not say what to publish; give one such as 127.0.0.1:8080=10.7.0.9:80, 8080=[fd07::9]:80 or 5353=10.7.0.9:53/udp"
            )
        };
        let (outside, inside) = text.split_once('=').ok_or_else(wrong)?;
        let outside = match outside.contains(':') {
            true => outside.parse().map_err(|_| wrong())?,
            false => SocketAddr::from((Ipv4Addr::LOCALHOST, port::parse_or_any(outside)?)),
        };
        let (inside, transport) = match inside.rsplit_once('/') {
            None => (inside, Transport::Tcp),
            Some((inside, "tcp")) => (inside, Transport::Tcp),
            Some((inside, "udp")) => (inside, Transport::Udp),
            Some(_) => return Err(wrong()),
        };
        let inside: SocketAddr = inside.parse().map_err(|_| wrong())?;
        let guest = inside.ip();
        if inside.port() == 0 || guest.is_unspecified() || guest.is_multicast() || guest.is_loopback() {
            return Err(format!(
                "{inside} is nowhere to call; give a guest's address and port, such as 10.7.0.9:80"
            ));
        }
        Ok(Exposure { outside, inside, transport })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_are_read() {
        let table = [
            ("127.0.0.1:8080=10.7.0.9:80", "127.0.0.1:8080", "10.7.0.9:80", Transport::Tcp),
            ("8080=10.7.0.9:80/tcp", "127.0.0.1:8080", "10.7.0.9:80", Transport::Tcp),
            ("0=[fd07::9]:80", "127.0.0.1:0", "[fd07::9]:80", Transport::Tcp),
            ("[::1]:8080=10.7.0.9:80", "[::1]:8080", "10.7.0.9:80", Transport::Tcp),
            ("5353=10.7.0.9:53/udp", "127.0.0.1:5353", "10.7.0.9:53", Transport::Udp),
        ];
        for (text, outside, inside, transport) in table {
            let (outside, inside) = (outside.parse().unwrap(), inside.parse().unwrap());
            assert_eq!(text.parse(), Ok(Exposure { outside, inside, transport }));
        }
        let exposure: Exposure = "5353=10.7.0.9:53/udp".parse().unwrap();
        assert_eq!(exposure.inside_text(), "10.7.0.9:53/udp");
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
            "8080=10.7.0.9:80/sctp",
            "8080=10.7.0.9/udp",
        ] {
            let error = text.parse::<Exposure>().unwrap_err();
            assert!(error.contains("; ") && !error.contains('\n'), "{text}: {error}");
        }
    }
}
