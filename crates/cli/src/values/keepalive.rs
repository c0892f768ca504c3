//! When to ask a silent peer whether it is still there: `2h/75s/10`, or `off`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::duration;

/// The times of TCP keepalive (RFC 1122 4.2.3.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Times {
    /// How long a connection is silent before the first probe.
    pub(crate) idle: Duration,
    /// The time between probes.
    pub(crate) interval: Duration,
    /// Unanswered probes after which the connection is given up.
    pub(crate) probes: u8,
}

/// Whether and when to probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keepalive {
    /// Never.
    Off,
    /// At these times.
    On(Times),
}

impl Default for Keepalive {
    /// The page's: two hours, then every 75 seconds, ten times.
    fn default() -> Keepalive {
        let (idle, interval) = (Duration::from_secs(7200), Duration::from_secs(75));
        Keepalive::On(Times { idle, interval, probes: 10 })
    }
}

impl FromStr for Keepalive {
    type Err = String;

    fn from_str(text: &str) -> Result<Keepalive, String> {
        let Keepalive::On(mut times) = Keepalive::default() else { return Ok(Keepalive::Off) };
        if text == "off" {
            return Ok(Keepalive::Off);
        }
        let mut parts = text.split('/');
        if let Some(idle) = parts.next() {
            times.idle = positive(idle)?;
        }
        if let Some(interval) = parts.next() {
            times.interval = positive(interval)?;
        }
        if let Some(probes) = parts.next() {
            times.probes = probes
                .parse()
                .ok()
                .filter(|probes| (1..=127).contains(probes))
                .ok_or_else(|| format!("{probes:?} is not a number of probes; give 1 to 127"))?;
        }
        match parts.next() {
            None => Ok(Keepalive::On(times)),
            Some(_) => Err("too many parts; give IDLE/INTERVAL/PROBES, such as 2h/75s/10, or off".to_owned()),
        }
    }
}

/// The operating system counts whole seconds, up to 32767 of them.
fn positive(text: &str) -> Result<Duration, String> {
    let span = duration::parse(text)?;
    if (1.0..=32767.0).contains(&span.as_secs_f64()) {
        Ok(span)
    } else {
        Err(format!("{text} cannot be kept; give from 1s to 32767s"))
    }
}

impl fmt::Display for Keepalive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Keepalive::Off => f.write_str("off"),
            Keepalive::On(Times { idle, interval, probes }) => {
                write!(f, "{}s/{}s/{probes}", idle.as_secs_f64(), interval.as_secs_f64())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_left_out_are_the_defaults() {
        let cases = [
            ("off", "off"),
            ("2h/75s/10", "7200s/75s/10"),
            ("5s", "5s/75s/10"),
            ("5s/1s", "5s/1s/10"),
            ("1/1/1", "1s/1s/1"),
        ];
        for (text, full) in cases {
            assert_eq!(text.parse::<Keepalive>().unwrap().to_string(), full);
        }
    }

    #[test]
    fn wrong_ones_are_refused_in_one_line() {
        for text in ["", "on", "0s", "5s/0", "5s/1s/0", "5s/1s/128", "5s/1s/3/4", "10h"] {
            let error = text.parse::<Keepalive>().unwrap_err();
            assert!(error.contains("; ") && !error.contains('\n'), "{text}: {error}");
        }
    }
}
