//! How long and how much: `NETSTRATA_ENDURANCE_SECONDS` and `NETSTRATA_ENDURANCE_BYTES`, modest unless set.

use std::time::Duration;

/// How long a test goes on. Default 10 s.
pub fn duration() -> Duration {
    let seconds = std::env::var("NETSTRATA_ENDURANCE_SECONDS");
    Duration::from_secs(
        seconds.map_or(10, |text| text.parse().expect("NETSTRATA_ENDURANCE_SECONDS is a number")),
    )
}

/// How much goes each way. Default 64 MiB.
pub fn bytes() -> u64 {
    std::env::var("NETSTRATA_ENDURANCE_BYTES").map_or(64 << 20, |text| parse(&text))
}

fn parse(text: &str) -> u64 {
    let (number, shift) = [("KiB", 10), ("MiB", 20), ("GiB", 30)]
        .into_iter()
        .find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, shift)))
        .unwrap_or((text, 0));
    number.trim().parse::<u64>().expect("NETSTRATA_ENDURANCE_BYTES is a number, or such as 64MiB") << shift
}
