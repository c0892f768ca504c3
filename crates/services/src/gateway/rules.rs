//! Where guests may go: networks and names that are allowed or denied.

use super::names::{Learnt, Pattern};
use super::verdict::Verdict;
use ipnet::IpNet;
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
    /// `example.org`, `*.example.org`: the addresses that answers of the name servers give for it.
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
                true => Ok(Subject::Network(network)),
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

/// What is denied unless a rule as narrow, or narrower, allows it: this very host, its links and whoever tells machines in a cloud their
/// secrets there (169.254.169.254 and fd00:ec2::254), groups, and what no host can have (RFC 6890).
const DENIED: [&str; 11] = [
    "0.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/128",
    "::1/128",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
    "fd00:ec2::254/128",
];

/// All rules. The narrowest that fits an address decides; a name is narrower than any network; among equals a denial decides. Where
/// none fits, guests may go.
#[derive(Debug)]
pub struct Rules {
    networks: Vec<(IpNet, Verdict)>,
    names: Vec<(Pattern, Verdict)>,
    denied: Vec<IpNet>,
    learnt: Learnt,
}

impl Rules {
    /// What was allowed and denied, beside what always is.
    pub fn new(allowed: &[Subject], denied: &[Subject]) -> Rules {
        let mut rules = Rules {
            networks: Vec::new(),
            names: Vec::new(),
            denied: DENIED.iter().filter_map(|network| network.parse().ok()).collect(),
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

    /// Whether guests may go to `address`.
    pub fn verdict(&self, address: IpAddr, now: Instant) -> Verdict {
        let address = address.to_canonical();
        if let Some(verdict) = self.learnt.verdict(address, now) {
            return verdict;
        }
        let fitting = self.networks.iter().filter(|(network, _)| network.contains(&address));
        let chosen =
            fitting.map(|(network, verdict)| (network.prefix_len(), *verdict == Verdict::Deny)).max();
        let always = self.always_denied(address).map(|network| network.prefix_len());
        match (chosen, always) {
            (Some((length, denied)), Some(always)) if length >= always => verdict_of(denied),
            (_, Some(_)) => Verdict::Deny,
            (Some((_, denied)), None) => verdict_of(denied),
            (None, None) => Verdict::Allow,
        }
    }

    /// What a rule says of `name` itself.
    pub fn name_verdict(&self, name: &str) -> Option<Verdict> {
        let fitting = self.names.iter().filter(|(pattern, _)| pattern.matches(name));
        fitting.map(|(_, verdict)| *verdict).max_by_key(|verdict| *verdict == Verdict::Deny)
    }

    /// An answer said that `name` is at `address`. A name never opens what is always denied: whoever answers for it could choose this
    /// host's own addresses.
    pub fn learn(&mut self, name: &str, address: IpAddr, time_to_live: Duration, now: Instant) {
        let address = address.to_canonical();
        match self.name_verdict(name) {
            Some(Verdict::Allow) if self.always_denied(address).is_some() => {}
            Some(verdict) => self.learnt.learn(address, verdict, time_to_live, now),
            None => {}
        }
    }

    fn always_denied(&self, address: IpAddr) -> Option<&IpNet> {
        self.denied
            .iter()
            .filter(|network| network.contains(&address))
            .max_by_key(|network| network.prefix_len())
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
        rules.verdict(address.parse().unwrap(), Instant::now()) == Verdict::Allow
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
            "fd00:ec2::254",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
        ] {
            assert!(!may(&usual, denied), "{denied}");
        }
        for allowed in ["192.0.2.1", "10.0.0.1", "2001:db8::1", "::ffff:192.0.2.1", "fd00::1"] {
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
    fn the_narrowest_rule_decides_and_a_denial_among_equals() {
        let rules =
            rules(&["192.0.2.128/25", "198.51.100.7"], &["192.0.2.0/24", "198.51.100.7", "2001:db8::/32"]);
        assert!(!may(&rules, "192.0.2.127") && may(&rules, "192.0.2.128"));
        assert!(!may(&rules, "198.51.100.7") && may(&rules, "198.51.100.8"));
        assert!(!may(&rules, "2001:db8::7") && may(&rules, "2001:db9::7"));
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "any time will do")]
    fn names_open_and_close_the_addresses_that_answers_give_them() {
        let mut rules = rules(&["example.org", "*.example.net"], &["all", "bad.example.net"]);
        let now = Instant::now();
        let minute = Duration::from_secs(60);
        let [good, bad, own] = [[203, 0, 113, 1], [203, 0, 113, 2], [127, 0, 0, 1]].map(IpAddr::from);
        assert!(!may(&rules, "203.0.113.1"));
        rules.learn("Example.org.", good, minute, now);
        rules.learn("bad.example.net", bad, minute, now);
        rules.learn("www.example.net", bad, minute, now);
        rules.learn("example.org", own, minute, now);
        rules.learn("elsewhere.example", [203, 0, 113, 3].into(), minute, now);
        assert!(may(&rules, "203.0.113.1"));
        for denied in ["203.0.113.2", "203.0.113.3", "127.0.0.1"] {
            assert!(!may(&rules, denied), "{denied}");
        }
        assert_eq!(rules.verdict(good, now + minute), Verdict::Deny);
        assert_eq!(rules.name_verdict("bad.example.net."), Some(Verdict::Deny));
        assert_eq!(rules.name_verdict("elsewhere.example"), None);
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
