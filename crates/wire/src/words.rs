//! A header written as 32-bit words.

use crate::checksum::Sum;

/// Writes a header word by word and sums the words on the way, so that the bytes are not read back for the checksum.
pub(crate) struct Words<'a> {
    rest: &'a mut [u8],
    sum: u64,
}

impl<'a> Words<'a> {
    #[inline(always)]
    pub(crate) fn new(header: &'a mut [u8]) -> Words<'a> {
        Words { rest: header, sum: 0 }
    }

    /// Writes the next word; one beyond the header's end is dropped.
    #[inline(always)]
    pub(crate) fn push(&mut self, word: u32) {
        if let Some((first, rest)) = core::mem::take(&mut self.rest).split_first_chunk_mut() {
            *first = word.to_be_bytes();
            self.rest = rest;
            self.sum += u64::from(word);
        }
    }

    /// Writes the next two words at once, as a checksum will read them: what was written in parts can be read as a whole only once it has
    /// left the processor's queue.
    #[inline(always)]
    pub(crate) fn push_two(&mut self, high: u32, low: u32) {
        if let Some((first, rest)) = core::mem::take(&mut self.rest).split_first_chunk_mut() {
            *first = (u64::from(high) << 32 | u64::from(low)).to_be_bytes();
            self.rest = rest;
            self.sum += u64::from(high) + u64::from(low);
        }
    }

    /// The sum of all words.
    #[inline(always)]
    pub(crate) fn sum(&self) -> Sum {
        self.sum_with(0)
    }

    /// The sum of all words and of a field that is not written: the rest of a pseudo-header.
    #[inline(always)]
    pub(crate) fn sum_with(&self, field: u32) -> Sum {
        Sum::ZERO.add_total(self.sum + u64::from(field))
    }
}

/// A 32-bit word of two 16-bit fields.
#[inline(always)]
pub(crate) fn pair(high: u16, low: u16) -> u32 {
    u32::from(high) << 16 | u32::from(low)
}
