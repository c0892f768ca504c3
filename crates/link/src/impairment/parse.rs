//! Reading an impairment from the command line.

use super::settings::{Impairment, Probability};
use std::error::Error;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

const KEYS: &str = "loss, dup, reorder, corrupt, delay, rate, queue, seed";
/// Longer delays and lower rates are a slip of the pen, and would overflow somewhere.
const LONGEST_DELAY: f64 = 3600.0;
const LOWEST_RATE: f64 = 1000.0;
const HIGHEST_RATE: f64 = 1e12;
const LONGEST_QUEUE: usize = 1_000_000;

/// What is wrong with the text of an impairment, in one line that names what would be right.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ParseImpairmentError(String);

impl fmt::Display for ParseImpairmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What was typed is quoted, and may have lines of its own.
        self.0.chars().try_for_each(|letter| match letter.is_control() {
            true => write!(f, "{}", letter.escape_default()),
            false => write!(f, "{letter}"),
        })
    }
}

impl Error for ParseImpairmentError {}

impl FromStr for Impairment {
    type Err = ParseImpairmentError;

    fn from_str(text: &str) -> Result<Impairment, ParseImpairmentError> {
        let (mut impairment, mut seen) = (Impairment::default(), Vec::new());
        for item in text.split(',').map(str::trim) {
            let (key, value) = item.split_once('=').ok_or_else(|| {
                ParseImpairmentError(format!("{item:?} is no KEY=VALUE; the keys are {KEYS}"))
            })?;
            let (key, value) = (key.trim(), value.trim());
            if seen.contains(&key) {
                return Err(ParseImpairmentError(format!("{key} is given twice")));
            }
            seen.push(key);
            let wanted = set(&mut impairment, key, value)?;
            if let Some(wanted) = wanted {
                return Err(ParseImpairmentError(format!("{key}={value}: give {wanted}")));
            }
        }
        Ok(impairment)
    }
}

/// Sets one value. Returns what would be right if the value is wrong.
fn set(
    impairment: &mut Impairment,
    key: &str,
    value: &str,
) -> Result<Option<&'static str>, ParseImpairmentError> {
    const CHANCE: &str = "a percentage from 0% to 100%";
    Ok(match key {
        "loss" => store(&mut impairment.loss, probability(value), CHANCE),
        "dup" => store(&mut impairment.duplicate, probability(value), CHANCE),
        "reorder" => store(&mut impairment.reorder, probability(value), CHANCE),
        "corrupt" => store(&mut impairment.corrupt, probability(value), CHANCE),
        "delay" => {
            let mut both = (Duration::ZERO, Duration::ZERO);
            let wanted =
                "a time of up to an hour, like 20ms, or 20ms±5ms with a jitter no greater than the delay";
            let wrong = store(&mut both, delay(value), wanted);
            (impairment.delay, impairment.jitter) = both;
            wrong
        }
        "rate" => store(&mut impairment.rate, rate(value).map(Some), "1kbit to 1000gbit, like 10mbit"),
        "queue" => {
            let queue = value.parse().ok().filter(|queue| (1..=LONGEST_QUEUE).contains(queue));
            store(&mut impairment.queue, queue, "a number of frames from 1 to 1000000")
        }
        "seed" => store(&mut impairment.seed, value.parse().ok(), "a whole number below 2^64"),
        _ => return Err(ParseImpairmentError(format!("there is no {key:?}; the keys are {KEYS}"))),
    })
}

fn store<T>(to: &mut T, value: Option<T>, wanted: &'static str) -> Option<&'static str> {
    match value {
        Some(value) => {
            *to = value;
            None
        }
        None => Some(wanted),
    }
}

fn probability(text: &str) -> Option<Probability> {
    Probability::from_percent(number(text.strip_suffix('%')?)?)
}

fn delay(text: &str) -> Option<(Duration, Duration)> {
    let (delay, jitter) = text.split_once('±').or_else(|| text.split_once("+-")).unwrap_or((text, "0s"));
    let (delay, jitter) = (duration(delay.trim())?, duration(jitter.trim())?);
    (jitter <= delay).then_some((delay, jitter))
}

fn duration(text: &str) -> Option<Duration> {
    let units = [("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0)];
    let seconds = with_unit(text, &units)?;
    (0.0..=LONGEST_DELAY).contains(&seconds).then(|| Duration::from_secs_f64(seconds))
}

fn rate(text: &str) -> Option<u64> {
    let bits = with_unit(text, &[("kbit", 1e3), ("mbit", 1e6), ("gbit", 1e9), ("bit", 1.0)])?;
    (LOWEST_RATE..=HIGHEST_RATE).contains(&bits).then_some(bits as u64)
}

fn with_unit(text: &str, units: &[(&str, f64)]) -> Option<f64> {
    units.iter().find_map(|(unit, factor)| Some(number(text.strip_suffix(unit)?)? * factor))
}

/// A plain decimal: no sign, no exponent, no infinity.
fn number(text: &str) -> Option<f64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if is_plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Impairment {
        text.parse().unwrap()
    }

    #[test]
    fn every_key_is_read() {
        let percent = |percent| Probability::from_percent(percent).unwrap();
        let all = "loss=1%,dup=1.5%,reorder=2%,corrupt=0.1%,delay=20ms±5ms,rate=10mbit,queue=100,seed=7";
        let expected = Impairment {
            loss: percent(1.0),
            duplicate: percent(1.5),
            reorder: percent(2.0),
            corrupt: percent(0.1),
            delay: Duration::from_millis(20),
            jitter: Duration::from_millis(5),
            rate: Some(10_000_000),
            queue: 100,
            seed: 7,
        };
        assert_eq!(parse(all), expected);
        assert_eq!(parse(&expected.to_string()), expected);
        assert_eq!(expected.to_string(), all.replace("10mbit", "10000000bit"));
    }

    #[test]
    fn a_fault_is_told_in_one_line_whatever_was_typed() {
        for text in ["seed=7\nloss", "lo\rss=1%", "loss=1%,\n"] {
            let told = text.parse::<Impairment>().unwrap_err().to_string();
            assert!(!told.contains(char::is_control), "{told}");
        }
    }

    #[test]
    fn both_ways_to_write_a_jitter_and_all_units_are_read() {
        for text in ["delay=20ms±5ms", "delay=20ms+-5ms", "delay=0.02s+-5000us", " delay = 20ms ± 5ms "] {
            assert_eq!(
                (parse(text).delay, parse(text).jitter),
                (Duration::from_millis(20), Duration::from_millis(5))
            );
        }
        assert_eq!(parse("delay=7us").delay, Duration::from_micros(7));
        for (text, bits) in [("rate=1kbit", 1000), ("rate=2.5gbit", 2_500_000_000), ("rate=9600bit", 9600)] {
            assert_eq!(parse(text).rate, Some(bits));
        }
    }

    #[test]
    fn what_is_written_is_read_as_the_same() {
        for n in 0..10_000_u32 {
            let loss = Probability::from_percent(f64::from(n) * 0.009_973).unwrap();
            let jitter = Duration::from_nanos(u64::from(n) * 97);
            let impairment = Impairment { loss, delay: jitter * 2, jitter, ..Impairment::default() };
            assert_eq!(parse(&impairment.to_string()), impairment);
        }
    }

    #[test]
    fn what_cannot_be_is_refused_in_one_line_that_says_what_can() {
        let wrong = [
            ("", "the keys are loss, dup"),
            ("loss", "the keys are loss, dup"),
            ("lose=1%", "there is no \"lose\"; the keys are loss, dup"),
            ("loss=1%,", "KEY=VALUE"),
            ("loss=1", "percentage"),
            ("loss=101%", "percentage"),
            ("dup=-1%", "percentage"),
            ("corrupt=nan%", "percentage"),
            ("reorder=1e1%", "percentage"),
            ("delay=20", "like 20ms"),
            ("delay=2h", "like 20ms"),
            ("delay=4000s", "up to an hour"),
            ("delay=1ms±2ms", "no greater than the delay"),
            ("rate=0bit", "1kbit"),
            ("rate=fast", "10mbit"),
            ("rate=1001gbit", "1000gbit"),
            ("queue=0", "from 1 to 1000000"),
            ("queue=1000001", "from 1 to 1000000"),
            ("seed=-1", "whole number"),
            ("seed=1,seed=2", "twice"),
        ];
        for (text, part) in wrong {
            let error = text.parse::<Impairment>().unwrap_err().to_string();
            assert!(error.contains(part) && !error.contains('\n'), "{text:?}: {error}");
        }
    }
}
