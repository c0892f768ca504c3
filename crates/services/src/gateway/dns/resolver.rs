//! The name servers of this host (resolv.conf(5)).

use std::net::{IpAddr, SocketAddr};

/// Name servers that are asked at most, as the C library does.
pub const MOST_SERVERS: usize = 3;

/// The name servers that a resolv.conf names, with the port that they listen on.
///
/// ```
/// let text = "# comment\nsearch lan\nnameserver 192.0.2.53\nnameserver 2001:db8::53 # second\n";
/// let servers = netstrata_services::gateway::dns::servers(text);
/// assert_eq!(servers, ["192.0.2.53:53".parse().unwrap(), "[2001:db8::53]:53".parse().unwrap()]);
/// ```
pub fn servers(text: &str) -> Vec<SocketAddr> {
    let named = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let address = words.next().filter(|word| *word == "nameserver").and(words.next())?;
        Some(SocketAddr::new(address.parse::<IpAddr>().ok()?, 53))
    });
    named.take(MOST_SERVERS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_servers_are_asked_than_may_be_and_nonsense_is_none() {
        let text = "nameserver\nnameserver x\n;nameserver 192.0.2.9\nnameservers 192.0.2.9\noptions edns0\n";
        assert_eq!(servers(text), []);
        assert_eq!(servers(&"nameserver 192.0.2.1\n".repeat(5)).len(), MOST_SERVERS);
        assert_eq!(servers("\tnameserver\t127.0.0.53"), ["127.0.0.53:53".parse().unwrap()]);
    }
}
