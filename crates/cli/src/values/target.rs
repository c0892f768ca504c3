//! Whom to call: `HOST:PORT`.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use super::port;

/// Bytes of a name of DNS, as it is written (RFC 1035 2.3.4).
const LONGEST: usize = 253;

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// An address, or a name for the operating system to look up.
    pub(crate) host: String,
    /// The port, if one was given.
    pub(crate) port: Option<u16>,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Target, String> {
        let missing = || format!("{text:?} names no host; give HOST:PORT, such as 10.7.0.2:9528");
        let (host, port) = if let Some(bracketed) = text.strip_prefix('[') {
            let (host, rest) = bracketed
                .split_once(']')
                .ok_or_else(|| format!("{text:?} lacks a \"]\"; give [ADDRESS]:PORT"))?;
            if !is_ipv6(host) {
                return Err(format!("{host:?} is not an IPv6 address; give one such as [fd07::2]:9528"));
            }
            let port = rest.strip_prefix(':');
            if port.is_none() && !rest.is_empty() {
                return Err(format!(
                    "{rest:?} follows the \"]\"; give [ADDRESS]:PORT, such as [fd07::2]:9528"
                ));
            }
            (host, port)
        } else if is_ipv6(text) {
            (text, None)
        } else if text.matches(':').count() > 1 {
            return Err(format!("{text:?} is not an IPv6 address; give one such as [fd07::2]:9528"));
        } else {
            text.rsplit_once(':').map_or((text, None), |(host, port)| (host, Some(port)))
        };
        if host.is_empty() {
            return Err(missing());
        }
        let spelt = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%');
        if !host.chars().all(spelt) {
            return Err(format!("{host:?} is not a host; give an address or a name, such as 10.7.0.2"));
        }
        if host.len() > LONGEST {
            return Err(format!(
                "a host has a name of at most {LONGEST} bytes, this one has {}; give its address",
                host.len()
            ));
        }
        // A slip in an address must not be taken for a name.
        if host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && host.parse::<IpAddr>().is_err() {
            return Err(format!(
                "{host:?} is not an IPv4 address; give four numbers from 0 to 255, such as 10.7.0.2"
            ));
        }
        Ok(Target { host: host.to_owned(), port: port.map(port::parse).transpose()? })
    }
}

impl Target {
    /// Whether it is an address of IPv6 with a zone (RFC 4007 11).
    pub(crate) fn is_zoned(&self) -> bool {
        self.host.contains('%') && is_ipv6(&self.host)
    }
}

/// An address of IPv6, perhaps with its zone.
fn is_ipv6(text: &str) -> bool {
    text.split('%').next().is_some_and(|address| address.parse::<Ipv6Addr>().is_ok())
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) if self.host.contains(':') => write!(f, "[{}]:{port}", self.host),
            Some(port) => write!(f, "{}:{port}", self.host),
            None => f.write_str(&self.host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_names_and_ports() {
        let cases = [
            ("10.7.0.2:9528", "10.7.0.2", Some(9528)),
            ("10.7.0.2", "10.7.0.2", None),
            ("localhost:80", "localhost", Some(80)),
            ("[::1]:80", "::1", Some(80)),
            ("::1", "::1", None),
            ("[::1]", "::1", None),
        ];
        for (text, host, port) in cases {
            assert_eq!(text.parse(), Ok(Target { host: host.to_owned(), port }), "{text}");
        }
        assert_eq!("[::1]:80".parse::<Target>().unwrap().to_string(), "[::1]:80");
    }

    #[test]
    fn wrong_ones_are_refused_in_one_line() {
        let wrong = [
            "",
            ":9528",
            "10.7.0:9528",
            "10.7.0.256",
            "10.7.0.2:",
            "10.7.0.2:0",
            "10.7.0.2:65536",
            "[::1:80",
            "[::1]80",
            "[10.7.0.2]:80",
            "[fd07::2::3]:80",
            "[fd07::g]",
            "fd07::2::3",
            "fd07:::2",
            "[]:80",
            "[fd07::2]:",
            "[fd07::2]:65536",
            "a b:1",
            "host:http",
            "1",
        ];
        let long = format!("{}:80", "x".repeat(LONGEST + 1));
        assert!(long[1..].parse::<Target>().is_ok());
        for text in wrong.into_iter().chain([long.as_str()]) {
            let error = text.parse::<Target>().unwrap_err();
            assert!(error.contains("; ") && !error.contains('\n'), "{text}: {error}");
        }
    }
}
