//! Names in rules, and the addresses that were learnt to be theirs.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::{Duration, Instant};

/// Addresses that are remembered at once.
const MOST: usize = 4096;
/// An answer is good for as long as its time to live says, within these: a call follows the answer, and a name may move.
const SHORTEST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(86_400);
/// Bytes of the longest name (RFC 1035 2.3.4).
const LONGEST_NAME: usize = 253;

/// A name, `example.org`, or all names below one, `*.example.org`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pattern {
    below: bool,
    name: String,
}

impl Pattern {
    /// Whether `name` is meant, in upper or lower case, with or without the dot of the root.
    pub fn matches(&self, name: &str) -> bool {
        let name = plain(name);
        if !self.below {
            return name == self.name;
        }
        name.strip_suffix(&self.name).is_some_and(|front| front.len() > 1 && front.ends_with('.'))
    }
}

/// As names are compared (RFC 4343).
fn plain(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Pattern, String> {
        let (below, name) = match text.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, text),
        };
        let name = plain(name);
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        if name.len() > LONGEST_NAME || !name.split('.').all(is_label) {
            return Err(format!("{text:?} is no name; give one such as example.org or *.example.org"));
        }
        Ok(Pattern { below, name })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.below { "*." } else { "" }, self.name)
    }
}

/// Addresses whose names are allowed, each for as long as the answers that told it are good.
#[derive(Debug, Default)]
pub(super) struct Learnt {
    addresses: BTreeMap<IpAddr, Instant>,
}

impl Learnt {
    /// An answer said that `address` has a name that is allowed.
    pub(super) fn learn(&mut self, address: IpAddr, time_to_live: Duration, now: Instant) {
        if self.addresses.len() >= MOST && !self.addresses.contains_key(&address) {
            self.addresses.retain(|_, until| *until > now);
            if self.addresses.len() >= MOST
                && let Some(first) = self.addresses.iter().min_by_key(|(_, until)| **until).map(|(at, _)| *at)
            {
                self.addresses.remove(&first);
            }
        }
        let end = now + time_to_live.clamp(SHORTEST, LONGEST);
        let until = self.addresses.entry(address).or_insert(end);
        *until = end.max(*until);
    }

    /// Whether `address` has such a name just now.
    pub(super) fn has(&self, address: IpAddr, now: Instant) -> bool {
        self.addresses.get(&address).is_some_and(|until| *until > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_one_name_or_all_below_it() {
        let one: Pattern = "Example.org.".parse().unwrap();
        assert!(one.matches("example.ORG") && one.matches("example.org."));
        assert!(!one.matches("www.example.org") && !one.matches("example.orga"));
        let below: Pattern = "*.example.org".parse().unwrap();
        assert!(below.matches("www.example.org") && below.matches("a.b.example.org."));
        assert!(
            !below.matches("example.org")
                && !below.matches("notexample.org")
                && !below.matches(".example.org")
        );
        assert_eq!(below.to_string(), "*.example.org");
        let long = "a.".repeat(127) + "b";
        for wrong in ["", "*.", "a..b", "a b", "-.\u{e9}", "*", "**.a", &"a".repeat(64), &long] {
            let error = wrong.parse::<Pattern>().unwrap_err();
            assert!(error.contains("; ") && !error.contains('\n'), "{wrong}");
        }
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "any beginning will do")]
    fn an_address_is_known_for_its_time() {
        let (now, address) = (Instant::now(), IpAddr::from([203, 0, 113, 9]));
        let after = |seconds| now + Duration::from_secs(seconds);
        let mut learnt = Learnt::default();
        assert!(!learnt.has(address, now));
        // An answer of a moment is good for a minute, and a shorter one later takes nothing back.
        learnt.learn(address, Duration::ZERO, now);
        assert!(learnt.has(address, after(59)) && !learnt.has(address, after(60)));
        learnt.learn(address, Duration::from_secs(300), now);
        learnt.learn(address, Duration::ZERO, now);
        assert!(learnt.has(address, after(299)) && !learnt.has(address, after(300)));
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "any beginning will do")]
    fn no_more_are_remembered_than_may_be_and_the_first_to_end_goes() {
        let now = Instant::now();
        let address = |number: usize| IpAddr::from((number as u32).to_be_bytes());
        let mut learnt = Learnt::default();
        for number in 0..=MOST {
            let time_to_live = Duration::from_secs(100 + number as u64);
            learnt.learn(address(number), time_to_live, now);
        }
        assert_eq!(learnt.addresses.len(), MOST);
        assert!(!learnt.has(address(0), now) && learnt.has(address(MOST), now));
    }
}
