//! Choices made from a fuzzer's bytes.

use arbitrary::Unstructured;
use basis::Random;

/// A fuzzer's bytes, read as choices. When they are used up, every choice is the first.
pub(crate) struct Input<'a>(Unstructured<'a>);

impl<'a> Input<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Input<'a> {
        Input(Unstructured::new(bytes))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.0.arbitrary().unwrap_or(0)
    }

    pub(crate) fn bit(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    pub(crate) fn word(&mut self) -> u16 {
        self.0.arbitrary().unwrap_or(0)
    }

    pub(crate) fn long(&mut self) -> u32 {
        self.0.arbitrary().unwrap_or(0)
    }

    /// A number below `bound`, of at most 256.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte()) % bound.max(1)
    }

    /// One of them.
    pub(crate) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// Up to `most` bytes.
    pub(crate) fn bytes(&mut self, most: usize) -> &'a [u8] {
        let length = most.min(self.0.len());
        self.0.bytes(length).unwrap_or(&[])
    }

    /// All that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        let length = self.0.len();
        self.0.bytes(length).unwrap_or(&[])
    }
}

/// Bytes without sense: for targets that make sense of any.
pub(crate) fn noise() -> Vec<Vec<u8>> {
    let mut random = Random::new([42; 32]);
    let lengths = [16, 40, 100, 200, 400, 400, 800, 800];
    lengths.map(|length| (0..length).map(|_| random.next_u32() as u8).collect()).to_vec()
}
