//! A port of the service's host made reachable on the operating system's side: `127.0.0.2:9528=9528`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use super::port;

/// Where published ports lie unless told otherwise: the page's address, on the loopback interface.
pub(crate) const DEFAULT_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// One published port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Publication {
    /// Where the operating system listens; port 0 takes any that is free.
    pub(crate) outside: SocketAddr,
    /// The port of the service's host.
    pub(crate) inside: u16,
    /// Whether the address was chosen by the user, not by default.
    pub(crate) explicit: bool,
}

impl Publication {
    /// The default way to publish a port.
    pub(crate) fn of_port(port: u16) -> Publication {
        Publication { outside: (DEFAULT_ADDRESS, port).into(), inside: port, explicit: false }
    }
}

impl FromStr for Publication {
    type Err = String;

    fn from_str(text: &str) -> Result<Publication, String> {
        let (outside, inside) = match text.split_once('=') {
            Some((outside, inside)) => (outside, Some(inside)),
            None => (text, None),
        };
        let (address, outside_port) = match outside.rsplit_once(':') {
            None => (None, outside),
            Some((address, port)) => (Some(address), port),
        };
        let ip = match address {
            None => DEFAULT_ADDRESS.into(),
            Some(address) => published_address(address)?,
        };
        let outside_port = port::parse_or_any(outside_port)?;
        let inside = match inside {
            Some(inside) => port::parse(inside)?,
            None => port::parse(&outside_port.to_string())?,
        };
        Ok(Publication { outside: SocketAddr::new(ip, outside_port), inside, explicit: address.is_some() })
    }
}

/// Reads an address of this system: one of IPv6 in brackets, so that its colons are not its port's.
fn published_address(text: &str) -> Result<IpAddr, String> {
    let bracketed = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let address = match bracketed {
        Some(address) => address.parse().ok().map(IpAddr::V6),
        None => text.parse().ok().map(IpAddr::V4),
    };
    address.ok_or_else(|| {
        let example = if text.contains(':') { "[::1]:9528=9528" } else { "127.0.0.2:9528=9528" };
        format!("{text:?} is not an IP address; give ADDRESS:PORT=PORT, such as {example}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form() {
        let cases = [
            ("127.0.0.2:9528=9529", "127.0.0.2:9528", 9529, true),
            ("127.0.0.1:8000", "127.0.0.1:8000", 8000, true),
            ("8000=9528", "127.0.0.2:8000", 9528, false),
            ("9528", "127.0.0.2:9528", 9528, false),
            ("127.0.0.1:0=9528", "127.0.0.1:0", 9528, true),
            ("[::1]:80=9528", "[::1]:80", 9528, true),
        ];
        for (text, outside, inside, explicit) in cases {
            let outside = outside.parse().unwrap();
            assert_eq!(text.parse(), Ok(Publication { outside, inside, explicit }), "{text}");
        }
    }

    #[test]
    fn wrong_ones_are_refused_in_one_line() {
        for text in [
            "",
            "=",
            "9528=",
            "=9528",
            "0",
            "1.2.3:9528=9528",
            "127.0.0.2:9528=0",
            "127.0.0.2:99999=1",
            "a=b",
            "::1:9528=9528",
            "[::1:9528=9528",
            "[::1]9528=9528",
            "[127.0.0.2]:9528=9528",
            "[::g]:9528",
        ] {
            let error = text.parse::<Publication>().unwrap_err();
            assert!(error.contains("; ") && !error.contains('\n'), "{text}: {error}");
        }
    }
}
