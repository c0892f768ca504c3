//! Who may ask: requests that name this server by an address, from its own page.

use std::net::IpAddr;

use hyper::Uri;
use hyper::header::{HOST, HeaderMap, ORIGIN};

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stranger {
    /// It names a host that is not this server's address.
    Host,
    /// Another page sent it.
    Origin,
}

/// Refuses what a foreign page could make a browser send.
///
/// A name that an attacker binds to 127.0.0.1 would make their page one of "the same origin" (DNS rebinding). An address
/// cannot be bound to another one, so only addresses and `localhost` are taken for names of this server.
pub(super) fn check(target: &Uri, headers: &HeaderMap) -> Result<(), Stranger> {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return Err(Stranger::Host) };
    let host = host.to_str().map_err(|_| Stranger::Host)?;
    // A target in absolute form counts before the header (RFC 9112 3.2.2).
    if !is_own(host) || target.authority().is_some_and(|named| !is_own(named.as_str())) {
        return Err(Stranger::Host);
    }
    for origin in headers.get_all(ORIGIN) {
        let origin = origin.to_str().map_err(|_| Stranger::Origin)?;
        if !origin.strip_prefix("http://").is_some_and(|from| from.eq_ignore_ascii_case(host)) {
            return Err(Stranger::Origin);
        }
    }
    Ok(())
}

fn is_own(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((name, "")) => name,
            Some((name, port)) if port.strip_prefix(':').is_some_and(is_port) => name,
            _ => return false,
        },
        None => match host.split_once(':') {
            Some((name, port)) if is_port(port) => name,
            None => host,
            _ => return false,
        },
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(host: &str, origin: Option<&str>) -> Result<(), Stranger> {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().unwrap());
        }
        check(&Uri::from_static("/"), &headers)
    }

    #[test]
    fn only_addresses_and_localhost_are_names_of_this_server() {
        for own in [
            "127.0.0.1:8001",
            "127.0.0.1",
            "localhost:8001",
            "LOCALHOST",
            "[::1]:8001",
            "[::1]",
            "192.0.2.7:80",
        ] {
            assert_eq!(asked(own, None), Ok(()), "{own}");
        }
        for foreign in [
            "evil.example:8001",
            "localhost.evil.example",
            "",
            "127.0.0.1:",
            "127.0.0.1:x",
            "127.0.0.1.evil",
            "[::1",
            "[::1]x",
            "::1",
            "a:b:c",
        ] {
            assert_eq!(asked(foreign, None), Err(Stranger::Host), "{foreign}");
        }
        assert_eq!(check(&Uri::from_static("/"), &HeaderMap::new()), Err(Stranger::Host));
        let mut headers = HeaderMap::new();
        headers.insert(HOST, "127.0.0.1".parse().unwrap());
        assert_eq!(check(&Uri::from_static("http://127.0.0.1:8001/"), &headers), Ok(()));
        for target in ["http://evil.example/", "http://user@127.0.0.1/"] {
            assert_eq!(check(&Uri::from_static(target), &headers), Err(Stranger::Host), "{target}");
        }
    }

    #[test]
    fn only_the_own_page_may_ask() {
        assert_eq!(asked("127.0.0.1:8001", Some("http://127.0.0.1:8001")), Ok(()));
        assert_eq!(asked("localhost:8001", Some("http://localhost:8001")), Ok(()));
        for foreign in [
            "http://evil.example",
            "null",
            "https://127.0.0.1:8001",
            "http://127.0.0.1:8000",
            "http://localhost:8001",
        ] {
            assert_eq!(asked("127.0.0.1:8001", Some(foreign)), Err(Stranger::Origin), "{foreign}");
        }
    }
}
