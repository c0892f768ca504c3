//! What a wire does to frames.

use std::time::Duration;

/// What probabilities are counted in: a `loss` of [`MILLION`] loses everything.
pub const MILLION: u32 = 1_000_000;

/// The properties of a wire, the same in every direction. Probabilities are parts of a [`MILLION`] frames.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Impairments {
    /// Bits a second that each sender can put on the wire; `None` for any number.
    pub rate: Option<u64>,
    /// Bytes that wait at each sender for their turn; further frames are dropped. Without a rate nothing waits.
    pub queue: usize,
    /// Time that every frame takes.
    pub delay: Duration,
    /// A random time up to this comes on top. It does not change the order of frames.
    pub jitter: Duration,
    /// Frames lost.
    pub loss: u32,
    /// Frames that arrive twice.
    pub duplication: u32,
    /// Frames that are overtaken by others: they take [`Impairments::detour`] longer.
    pub reordering: u32,
    /// What an overtaken frame takes longer.
    pub detour: Duration,
    /// Frames of which one bit is turned.
    pub corruption: u32,
    /// Bytes of the longest IP packet.
    pub mtu: usize,
    /// Whether the hosts emit super-segments of up to 64 KiB, which the wire cuts.
    pub super_segments: bool,
}

impl Impairments {
    /// A perfect wire of 1500 bytes: everything arrives at once.
    pub const NONE: Impairments = Impairments {
        rate: None,
        queue: 256 * 1024,
        delay: Duration::ZERO,
        jitter: Duration::ZERO,
        loss: 0,
        duplication: 0,
        reordering: 0,
        detour: Duration::from_millis(10),
        corruption: 0,
        mtu: 1500,
        super_segments: true,
    };
}

impl Default for Impairments {
    fn default() -> Impairments {
        Impairments::NONE
    }
}
