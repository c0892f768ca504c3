//! Whole numbers that must be within bounds.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// Reads numbers of `range`.
pub(crate) fn within<T>(
    range: RangeInclusive<T>,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static
where
    T: Copy + Display + FromStr + PartialOrd + Send + Sync + 'static,
{
    move |text| {
        let number = text.parse::<T>().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| refusal(text, range.start(), range.end()))
    }
}

fn refusal(text: &str, least: impl Display, most: impl Display) -> String {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        format!("{text} is out of range; give from {least} to {most}")
    } else {
        format!("{text:?} is not a whole number; give one from {least} to {most}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_to_their_bounds_and_refused_beyond() {
        let parse = within(1_u16..=64);
        assert_eq!((parse("1"), parse("64")), (Ok(1), Ok(64)));
        for outside in ["0", "65", "-1", "65536", "99999999999999999999"] {
            assert_eq!(parse(outside).unwrap_err(), format!("{outside} is out of range; give from 1 to 64"));
        }
        for nonsense in ["", "x", "1.5", "-", "1e3", "1 "] {
            let told = format!("{nonsense:?} is not a whole number; give one from 1 to 64");
            assert_eq!(parse(nonsense).unwrap_err(), told);
        }
    }
}
