//! Spans of time: `10s`, `500ms`, `1m30s`, `2h`; a bare number is seconds.

use std::time::Duration;

const HINT: &str = "give a number and a unit, such as 500ms, 10s, 2m or 1h";

/// The units, and how many seconds each is.
const UNITS: [(&str, f64); 6] =
    [("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];

/// Reads a span of time.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<f64>() {
        return span(seconds).ok_or_else(|| format!("{text:?} is not a span of time; {HINT}"));
    }
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let part = UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .zip(number.parse::<f64>().ok())
            .and_then(|((_, seconds), number)| span(number * seconds))
            .and_then(|part| total.checked_add(part));
        let Some(sum) = part else { return Err(format!("{text:?} is not a span of time; {HINT}")) };
        total = sum;
        rest = tail;
    }
    if text.is_empty() { Err(format!("a span of time is missing; {HINT}")) } else { Ok(total) }
}

fn span(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_in_every_unit() {
        let cases = [
            ("10s", 10_000_000),
            ("500ms", 500_000),
            ("0", 0),
            ("2", 2_000_000),
            ("0.25", 250_000),
            ("1m30s", 90_000_000),
            ("2h", 7_200_000_000),
            ("7us", 7),
            ("7µs", 7),
            ("1.5s", 1_500_000),
        ];
        for (text, microseconds) in cases {
            assert_eq!(parse(text), Ok(Duration::from_micros(microseconds)), "{text}");
        }
    }

    #[test]
    fn what_is_no_span_is_refused_with_a_hint() {
        for text in ["", "s", "10 s", "10x", "-1", "-1s", "1s2", "nan", "inf", "1..5s", "1e400", "ten", "1s-"]
        {
            let error = parse(text).unwrap_err();
            assert!(error.contains(HINT) && !error.contains('\n'), "{text}: {error}");
        }
    }
}
