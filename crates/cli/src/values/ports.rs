//! Several ports: `8100-8131`.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::port;

/// The most at once: each of them may be published.
const MOST: u16 = 256;

/// Ports that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ports {
    first: u16,
    last: u16,
}

impl Ports {
    /// Those for data connections unless told otherwise.
    pub(crate) const DATA: Ports = Ports { first: 8100, last: 8131 };

    /// All of them.
    pub(crate) fn range(self) -> RangeInclusive<u16> {
        self.first..=self.last
    }

    /// Whether one is among them.
    pub(crate) fn contains(self, port: u16) -> bool {
        self.range().contains(&port)
    }
}

impl FromStr for Ports {
    type Err = String;

    fn from_str(text: &str) -> Result<Ports, String> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let (first, last) = (port::parse(first)?, port::parse(last)?);
        if last < first || last - first >= MOST {
            return Err(format!(
                "{text:?} is not 1 to {MOST} ports; give them as FIRST-LAST, such as 8100-8131"
            ));
        }
        Ok(Ports { first, last })
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_follow_each_other_and_are_not_too_many() {
        for (text, full) in [("8100-8131", "8100-8131"), ("21", "21-21"), ("1-256", "1-256")] {
            assert_eq!(text.parse::<Ports>().unwrap().to_string(), full);
        }
        for text in ["1-257", "2-1", "0-1", "1-65536", "-", "a-b", ""] {
            let error = text.parse::<Ports>().unwrap_err();
            assert!(error.contains("; ") && !error.contains('\n'), "{text}: {error}");
        }
        let ports: Ports = "8100-8131".parse().unwrap();
        assert!(ports.contains(8100) && ports.contains(8131) && !ports.contains(8132));
    }
}
