//! Where guests may go: networks and names that are allowed or denied.

use super::closed;
use super::names::{Learnt, Pattern};
use super::verdict::Verdict;
use ipnet::{IpNet, Ipv4Net};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::{Duration, Instant};

/// What a rule is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Subject {
    /// `all`: every address.
    All,
    /// `192.0.2.0/24`, `2001:db8::1`: a network or an address.
    Network(IpNet),
    /// `example.org`, `*.example.org`: questions for it, and the addresses that answers of the name servers give for it.
    Name(Pattern),
}

impl FromStr for Subject {
    type Err = String;

    fn from_str(text: &str) -> Result<Subject, String> {
        if text == "all" {
            return Ok(Subject::All);
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Subject::Network(address.to_canonical().into()));
        }
        if text.contains('/') || text.contains(':') {
            let network: IpNet = text
                .parse()
                .map_err(|_| format!("{text:?} is no network; give one such as 192.0.2.0/24 or fd07::/64"))?;
            return match network.trunc() == network {
                true => Ok(Subject::Network(canonical(network))),
                false => Err(format!("{text} has bits behind its prefix; did you mean {}?", network.trunc())),
            };
        }
        let last_is_number =
            text.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
        if last_is_number {
            return Err(format!(
                "{text:?} is no address; give four numbers from 0 to 255, a network, or a name"
            ));
        }
        text.parse().map(Subject::Name)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::All => f.write_str("all"),
            Subject::Network(network) => network.fmt(f),
            Subject::Name(pattern) => pattern.fmt(f),
        }
    }
}

/// A network of mapped addresses (RFC 4291 2.5.5.2) is one of IPv4: addresses are compared as such.
fn canonical(network: IpNet) -> IpNet {
    match network {
        IpNet::V6(mapped) => mapped
            .addr()
            .to_ipv4_mapped()
            .zip(mapped.prefix_len().checked_sub(96))
            .and_then(|(address, prefix)| Ipv4Net::new(address, prefix).ok())
            .map_or(network, IpNet::V4),
        IpNet::V4(_) => network,
    }
}

/// The length of the prefix that every address has: that of `all`.
const ALL: u8 = 0;

/// All rules. The narrowest that fits an address decides; among equals a denial decides. Where none fits, guests may go. Whoever
/// answers for a name chooses its addresses. So a name that is allowed opens what `all` closes, and never what the denial of a network
/// does (DNS rebinding); and one that is denied is not answered, but closes no address.
#[derive(Debug)]
pub struct Rules {
    networks: Vec<(IpNet, Verdict)>,
    names: Vec<(Pattern, Verdict)>,
    closed: Vec<IpNet>,
    learnt: Learnt,
}

impl Rules {
    /// What was allowed and denied, beside what always is.
    pub fn new(allowed: &[Subject], denied: &[Subject]) -> Rules {
        let mut rules = Rules {
            networks: Vec::new(),
            names: Vec::new(),
            closed: closed::networks(),
            learnt: Learnt::default(),
        };
        for (subjects, verdict) in [(allowed, Verdict::Allow), (denied, Verdict::Deny)] {
            for subject in subjects {
                match subject {
                    Subject::All => rules.networks.extend(everything().map(|network| (network, verdict))),
                    Subject::Network(network) => rules.networks.push((*network, verdict)),
                    Subject::Name(pattern) => rules.names.push((pattern.clone(), verdict)),
                }
            }
        }
        rules
    }

    /// Whether guests may go to `address`. One that is the host's own, as `is_own` says, is closed unless a rule opens it alone.
    pub fn verdict(&self, address: IpAddr, is_own: bool, now: Instant) -> Verdict {
        let address = address.to_canonical();
        let behind = closed::translated(address).map(|behind| self.verdict(behind, false, now));
        if behind == Some(Verdict::Deny) {
            return Verdict::Deny;
        }
        let fitting = self.networks.iter().filter(|(network, _)| network.contains(&address));
        let chosen =
            fitting.map(|(network, verdict)| (network.prefix_len(), *verdict == Verdict::Deny)).max();
        let closed = is_own.then(|| IpNet::from(address).prefix_len()).or_else(|| self.closed_by(address));
        match (chosen, closed) {
            (Some((length, denied)), Some(closed)) if length >= closed => verdict_of(denied),
            (_, Some(_)) => Verdict::Deny,
            (Some((ALL, _)), None) if self.learnt.has(address, now) => Verdict::Allow,
            (Some((_, denied)), None) => verdict_of(denied),
            (None, None) => Verdict::Allow,
        }
    }

    /// Whether `name` may be asked for. Where every address is denied, only names that a rule allows are: questions lead to whoever
    /// answers for a name, too, and could carry anything there.
    pub fn may_ask(&self, name: &str) -> bool {
        self.name_verdict(name).map_or(!self.denies_all(), |verdict| verdict == Verdict::Allow)
    }

    fn denies_all(&self) -> bool {
        let denied = |all: IpNet| self.networks.contains(&(all, Verdict::Deny));
        everything().all(denied)
    }

    /// What a rule says of `name` itself.
    pub fn name_verdict(&self, name: &str) -> Option<Verdict> {
        let fitting = self.names.iter().filter(|(pattern, _)| pattern.matches(name));
        fitting.map(|(_, verdict)| *verdict).max_by_key(|verdict| *verdict == Verdict::Deny)
    }

    /// An answer said that `name` is at `address`, which counts if the name is allowed.
    pub fn learn(&mut self, name: &str, address: IpAddr, time_to_live: Duration, now: Instant) {
        if self.name_verdict(name) == Some(Verdict::Allow) {
            self.learnt.learn(address.to_canonical(), time_to_live, now);
        }
    }

    /// How long the prefix of the narrowest network is that has `address` and is closed.
    fn closed_by(&self, address: IpAddr) -> Option<u8> {
        let fitting = self.closed.iter().filter(|network| network.contains(&address));
        fitting.map(IpNet::prefix_len).max()
    }
}

fn verdict_of(denied: bool) -> Verdict {
    if denied { Verdict::Deny } else { Verdict::Allow }
}

/// The networks that have every address.
fn everything() -> impl Iterator<Item = IpNet> {
    [IpNet::V4(ipnet::Ipv4Net::default()), IpNet::V6(ipnet::Ipv6Net::default())].into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subjects(texts: &[&str]) -> Vec<Subject> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn rules(allowed: &[&str], denied: &[&str]) -> Rules {
        Rules::new(&subjects(allowed), &subjects(denied))
    }

    #[allow(clippy::disallowed_methods, reason = "any time will do")]
    fn may(rules: &Rules, address: &str) -> bool {
        rules.verdict(address.parse().unwrap(), false, Instant::now()) == Verdict::Allow
    }

    #[test]
    fn this_host_its_links_and_a_clouds_secrets_are_denied_unless_allowed_by_a_rule_as_narrow() {
        let usual = rules(&[], &[]);
        for denied in [
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "0.0.0.0",
            "0.1.2.3",
            "224.0.0.251",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "ff02::fb",
            "169.254.170.2",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "100.100.100.200",
            "168.63.129.16",
            "fd20:ce::254",
            "192.0.0.192",
            "fd00:c1::a9fe:a9fe",
            "fd00:42::42",
            "::127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
        ] {
            assert!(!may(&usual, denied), "{denied}");
        }
        for allowed in
            ["192.0.2.1", "10.0.0.1", "2001:db8::1", "::ffff:192.0.2.1", "fd00::1", "64:ff9b::c000:201"]
        {
            assert!(may(&usual, allowed), "{allowed}");
        }
        // What is wider does not open it by accident.
        assert!(!may(&rules(&["all"], &[]), "127.0.0.1"));
        assert!(!may(&rules(&["169.254.0.0/15"], &[]), "169.254.169.254"));
        assert!(may(&rules(&["127.0.0.1"], &[]), "127.0.0.1"));
        assert!(!may(&rules(&["127.0.0.1"], &[]), "127.0.0.2"));
        assert!(may(&rules(&["169.254.0.0/16"], &[]), "169.254.169.254"));
        assert!(may(&rules(&["::1"], &[]), "::1"));
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "any time will do")]
    fn an_address_of_the_host_is_closed_unless_a_rule_opens_it_alone() {
        let own = |rules: &Rules, address: &str| {
            rules.verdict(address.parse().unwrap(), true, Instant::now()) == Verdict::Allow
        };
        let mut rules = rules(&["192.0.2.7", "198.51.100.0/24", "all", "example.org"], &[]);
        assert!(own(&rules, "192.0.2.7") && !own(&rules, "192.0.2.8"));
        assert!(!own(&rules, "198.51.100.1") && may(&rules, "198.51.100.1"));
        // Nor does a name, whoever answers for it.
        rules.learn("example.org", [198, 51, 100, 2].into(), Duration::from_secs(60), Instant::now());
        assert!(!own(&rules, "198.51.100.2"));
    }

    #[test]
    fn where_all_is_denied_only_names_that_are_allowed_are_asked_for() {
        let open = rules(&["example.org"], &["bad.example", "0.0.0.0/0"]);
        assert!(
            open.may_ask("elsewhere.example") && open.may_ask("example.org") && !open.may_ask("bad.example")
        );
        for closed in [rules(&["example.org"], &["all"]), rules(&["example.org"], &["0.0.0.0/0", "::/0"])] {
            assert!(!closed.may_ask("elsewhere.example") && closed.may_ask("Example.org."));
        }
    }

    #[test]
    fn the_narrowest_rule_decides_and_a_denial_among_equals() {
        let rules =
            rules(&["192.0.2.128/25", "198.51.100.7"], &["192.0.2.0/24", "198.51.100.7", "2001:db8::/32"]);
        assert!(!may(&rules, "192.0.2.127") && may(&rules, "192.0.2.128"));
        assert!(!may(&rules, "198.51.100.7") && may(&rules, "198.51.100.8"));
        assert!(!may(&rules, "2001:db8::7") && may(&rules, "2001:db9::7"));
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "any time will do")]
    fn a_name_opens_what_all_closes_for_its_time_and_closes_nothing() {
        let mut rules = rules(&["example.org", "*.example.net"], &["all", "bad.example.net"]);
        let now = Instant::now();
        let minute = Duration::from_secs(60);
        let [good, shared] = [[203, 0, 113, 1], [203, 0, 113, 2]].map(IpAddr::from);
        assert!(!may(&rules, "203.0.113.1"));
        rules.learn("Example.org.", good, minute, now);
        rules.learn("bad.example.net", good, minute, now);
        rules.learn("bad.example.net", shared, minute, now);
        rules.learn("elsewhere.example", [203, 0, 113, 3].into(), minute, now);
        assert!(may(&rules, "203.0.113.1"));
        assert!(!may(&rules, "203.0.113.2") && !may(&rules, "203.0.113.3"));
        rules.learn("www.example.net", shared, minute, now);
        assert!(may(&rules, "203.0.113.2"));
        assert_eq!(rules.verdict(good, false, now + minute), Verdict::Deny);
        assert_eq!(rules.name_verdict("bad.example.net."), Some(Verdict::Deny));
        assert_eq!(rules.name_verdict("elsewhere.example"), None);
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "any time will do")]
    fn a_name_never_opens_what_the_denial_of_a_network_closes() {
        let now = Instant::now();
        let closed = ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32", "all"];
        let mut rules = rules(&["example.org", "10.1.0.0/16"], &closed);
        let addresses = ["10.0.0.1", "10.1.0.1", "192.0.2.7", "2001:db8::7", "127.0.0.1", "::1", "192.0.2.8"];
        for address in addresses {
            rules.learn("example.org", address.parse().unwrap(), Duration::from_secs(60), now);
        }
        let open: Vec<&str> = addresses.into_iter().filter(|address| may(&rules, address)).collect();
        assert_eq!(open, ["10.1.0.1", "192.0.2.8"]);
    }

    #[test]
    fn a_network_of_mapped_addresses_is_one_of_ipv4() {
        let rules = rules(&[], &["::ffff:192.0.2.0/120", "::ffff:198.51.100.7/128"]);
        for denied in ["192.0.2.1", "::ffff:192.0.2.255", "198.51.100.7"] {
            assert!(!may(&rules, denied), "{denied}");
        }
        assert!(may(&rules, "192.0.3.1") && may(&rules, "198.51.100.8"));
        assert!(!may(&self::rules(&[], &["::ffff:0:0/96"]), "192.0.2.1"));
        assert_eq!("::ffff:192.0.2.0/120".parse::<Subject>(), "192.0.2.0/24".parse());
    }

    #[test]
    fn subjects_are_read_and_written_and_refused_in_one_line() {
        for text in ["all", "192.0.2.0/24", "2001:db8::/32", "example.org", "*.example.org"] {
            assert_eq!(text.parse::<Subject>().unwrap().to_string(), text);
        }
        assert_eq!("::ffff:192.0.2.1".parse::<Subject>(), "192.0.2.1".parse());
        for text in
            ["", "192.0.2.1/24", "192.0.2.0/33", "192.0.2", "1.2.3.4.5", "fd07::/x", "a b", "[::1]", "/"]
        {
            let error = text.parse::<Subject>().unwrap_err();
            assert!(!error.contains('\n') && (error.contains("; ")), "{text}: {error}");
        }
    }
}
