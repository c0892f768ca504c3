//! Values of options, as C has them in memory.

use nix::errno::Errno;
use std::time::Duration;
use tcp::congestion::Algorithm;

pub(crate) fn integer(bytes: &[u8]) -> Result<i32, Errno> {
    match bytes {
        // Options of IP may be told in one byte.
        [byte] => Ok(i32::from(*byte)),
        bytes => bytes.first_chunk().map(|bytes| i32::from_ne_bytes(*bytes)).ok_or(Errno::EINVAL),
    }
}

/// Bytes a second, in 32 or 64 bits; the largest number is no bound.
pub(crate) fn pacing_rate(bytes: &[u8]) -> Result<Option<u64>, Errno> {
    if let Some(bytes) = bytes.first_chunk() {
        return Ok(Some(u64::from_ne_bytes(*bytes)).filter(|rate| *rate != u64::MAX));
    }
    let rate = bytes.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes)).ok_or(Errno::EINVAL)?;
    Ok((rate != u32::MAX).then_some(u64::from(rate)))
}

/// Seconds and microseconds.
pub(crate) fn timeval(bytes: &[u8]) -> Result<Duration, Errno> {
    let part = |at: usize| {
        let bytes = bytes.get(at..).and_then(<[u8]>::first_chunk).ok_or(Errno::EINVAL)?;
        u64::try_from(i64::from_ne_bytes(*bytes)).map_err(|_| Errno::EDOM)
    };
    Ok(Duration::from_secs(part(0)?) + Duration::from_micros(part(8)?.min(999_999)))
}

/// The congestion control of this name.
pub(crate) fn algorithm(name: &[u8]) -> Result<Algorithm, Errno> {
    let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
    let name = str::from_utf8(name).map_err(|_| Errno::ENOENT)?;
    Algorithm::from_name(name).ok_or(Errno::ENOENT)
}

pub(crate) fn algorithm_name(algorithm: Algorithm) -> Vec<u8> {
    // As long as other hosts have names.
    let mut name = algorithm.name().as_bytes().to_vec();
    name.resize(16, 0);
    name
}
