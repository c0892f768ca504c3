//! How badly a link behaves.

use basis::Random;
use std::fmt;
use std::time::Duration;

/// How likely something is, to 2^-32.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Probability(u64);

const ALWAYS: u64 = 1 << 32;

impl Probability {
    /// Never.
    pub const ZERO: Probability = Probability(0);

    /// The probability of `percent` in a hundred, if it is between 0 and 100.
    pub fn from_percent(percent: f64) -> Option<Probability> {
        let is_one = (0.0..=100.0).contains(&percent);
        is_one.then(|| Probability((percent / 100.0 * ALWAYS as f64).round() as u64))
    }

    /// Of a hundred, how many.
    pub fn percent(self) -> f64 {
        self.0 as f64 * 100.0 / ALWAYS as f64
    }

    /// Draws: one number, whatever the probability.
    #[inline]
    pub(super) fn happens(self, random: &mut Random) -> bool {
        u64::from(random.next_u32()) < self.0
    }
}

impl fmt::Display for Probability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The shortest number that is read as the same; nine decimals are finer than 2^-32.
        for decimals in 0..9 {
            let text = format!("{:.decimals$}", self.percent());
            if text.parse().ok().and_then(Probability::from_percent) == Some(*self) {
                return write!(f, "{text}%");
            }
        }
        write!(f, "{:.9}%", self.percent())
    }
}

/// How badly a link behaves, in each direction.
///
/// Written and parsed as `loss=1%,dup=1%,reorder=2%,corrupt=0.1%,delay=20ms±5ms,rate=10mbit,queue=100,seed=7`; what is
/// left out does not happen.
///
/// ```
/// use netstrata_link::Impairment;
/// use std::time::Duration;
/// let impairment: Impairment = "loss=1%,delay=20ms+-5ms".parse()?;
/// assert_eq!(impairment.jitter, Duration::from_millis(5));
/// assert_eq!(impairment.to_string(), "loss=1%,delay=20ms±5ms,queue=1000,seed=0");
/// assert!("lose=1%".parse::<Impairment>().is_err());
/// # Ok::<(), netstrata_link::ParseImpairmentError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Impairment {
    /// A frame is lost.
    pub loss: Probability,
    /// A frame comes twice.
    pub duplicate: Probability,
    /// A frame is held back behind one to three later ones, or for 5 ms if there are none.
    pub reorder: Probability,
    /// One bit of a frame is turned.
    pub corrupt: Probability,
    /// How long each frame takes.
    pub delay: Duration,
    /// How much longer or shorter that may be; each frame draws its own. Frames may overtake each other by it.
    pub jitter: Duration,
    /// Bits per second, of whole frames; no limit if `None`.
    pub rate: Option<u64>,
    /// Frames that are held at most, delayed ones included; one more is lost.
    pub queue: usize,
    /// What all chance grows from.
    pub seed: u64,
}

impl Default for Impairment {
    /// Nothing bad, and a queue of 1000 frames.
    fn default() -> Impairment {
        Impairment {
            loss: Probability::ZERO,
            duplicate: Probability::ZERO,
            reorder: Probability::ZERO,
            corrupt: Probability::ZERO,
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            rate: None,
            queue: 1000,
            seed: 0,
        }
    }
}

impl fmt::Display for Impairment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chances = [
            ("loss", self.loss),
            ("dup", self.duplicate),
            ("reorder", self.reorder),
            ("corrupt", self.corrupt),
        ];
        for (key, chance) in chances {
            if chance != Probability::ZERO {
                write!(f, "{key}={chance},")?;
            }
        }
        if !(self.delay.is_zero() && self.jitter.is_zero()) {
            write!(f, "delay={:?}", self.delay)?;
            if !self.jitter.is_zero() {
                write!(f, "±{:?}", self.jitter)?;
            }
            f.write_str(",")?;
        }
        if let Some(rate) = self.rate {
            write!(f, "rate={rate}bit,")?;
        }
        write!(f, "queue={},seed={}", self.queue, self.seed)
    }
}
