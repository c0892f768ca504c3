//! Randomness for names: of the operating system's.

use std::io;

use netstrata::basis::Random;

/// A generator that nobody else can guess.
pub(super) fn random() -> io::Result<Random> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(Random::new(seed))
}
