//! One transfer: a path, two ends, a connection, and as many bytes as arrive in the time.

use super::emulator::{Carried, Emulator};
use super::endpoint::{Counts, Flow, Listener, RoundTrips, connect};
use super::matrix::{Cell, Pairing};
use super::site::Site;
use crate::pair::Failed;
use crate::pattern::{Pattern, WRITE};
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;
use std::time::{Duration, Instant};

/// What a transfer came to.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Sample {
    pub(crate) seed: u64,
    /// Bytes that the receiver read in the time, from the sender's connecting on, as Mbit/s.
    pub(crate) megabits: f64,
    pub(crate) counts: Counts,
    /// As the sender saw them.
    #[serde(default)]
    pub(crate) round_trips: RoundTrips,
    pub(crate) path: Carried,
}

/// Measures one transfer of so many `seconds`.
pub(crate) fn transfer(
    cell: Cell,
    rate: u64,
    pairing: Pairing,
    seconds: u32,
    seed: u64,
) -> Result<Sample, Failed> {
    let (sender, tap) = Site::new(1, pairing.sender())?;
    let (receiver, other_tap) = Site::new(2, pairing.receiver())?;
    let emulator = Emulator::start(cell.path(rate), seed, [tap, other_tap])?;
    let listener = Listener::bind(&receiver)?;
    let time = Duration::from_secs(seconds.into());
    let result = std::thread::scope(|scope| {
        let accepted = scope.spawn(|| listener.accept());
        let mut from = connect(&sender, &receiver)?;
        let (begin, before) = (Instant::now(), Counts::of(&sender)?);
        let mut to = accepted.join().unwrap_or_else(|_| Err(panicked()))?;
        let end = begin + time;
        // It stays open until it was asked about.
        let writer = scope.spawn(move || write_until(&mut *from, end).map(|()| from));
        let bytes = read_until(&mut *to, end)?;
        let counts = Counts::of(&sender)?.since(before);
        let round_trips = RoundTrips::of(&sender)?;
        writer.join().unwrap_or_else(|_| Err(panicked()))?;
        Ok::<_, Failed>((bytes, counts, round_trips))
    });
    let path = emulator.stop()?;
    let (bytes, counts, round_trips) = result?;
    let megabits = bytes as f64 * 8.0 / 1e6 / f64::from(seconds);
    Ok(Sample { seed, megabits, counts, round_trips, path })
}

fn panicked() -> Failed {
    Failed::Refused("a thread panicked".into())
}

/// Writes until `end`.
fn write_until(flow: &mut dyn Flow, end: Instant) -> Result<(), Failed> {
    let pattern = Pattern::new(true);
    let mut written = 0;
    while Instant::now() < end {
        written += progress(flow.write(pattern.at(written, u64::MAX)))? as u64;
    }
    Ok(())
}

/// Reads until `end`, and returns how much.
fn read_until(flow: &mut dyn Flow, end: Instant) -> Result<u64, Failed> {
    let pattern = Pattern::new(true);
    let mut buffer = vec![0; WRITE];
    let mut read = 0;
    loop {
        let count = progress(flow.read(&mut buffer))?;
        if Instant::now() >= end {
            return Ok(read);
        }
        if !pattern.matches(read, &buffer[..count]) {
            return Err(Failed::Corrupted);
        }
        read += count as u64;
    }
}

/// How much a call has moved; nothing if its time was over.
fn progress(result: std::io::Result<usize>) -> Result<usize, Failed> {
    match result {
        Ok(0) => Err(Failed::Refused("the stream has ended".into())),
        Ok(count) => Ok(count),
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
            ) =>
        {
            Ok(0)
        }
        Err(error) => Err(error.into()),
    }
}
