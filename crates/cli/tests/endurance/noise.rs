//! Bytes that look random and can be made again from a number.

use std::io::{Read, Write};

/// A xorshift generator.
#[derive(Clone)]
pub struct Noise(u64);

impl Noise {
    pub fn new(seed: u64) -> Noise {
        // Anything but zero, from which there is no way out.
        Noise(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from((self.next() >> 32) % bound as u64).unwrap()
    }

    pub fn byte(&mut self) -> u8 {
        (self.next() >> 56) as u8
    }

    pub fn fill(&mut self, bytes: &mut [u8]) {
        for piece in bytes.chunks_mut(8) {
            piece.copy_from_slice(&self.next().to_be_bytes()[..piece.len()]);
        }
    }

    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.fill(&mut bytes);
        bytes
    }
}

const BLOCK: usize = 64 << 10;

/// Writes the stream of `seed`, so many bytes of it.
pub fn write_stream(out: &mut impl Write, seed: u64, total: u64) {
    let (mut noise, mut block) = (Noise::new(seed), vec![0; BLOCK]);
    for length in blocks(total) {
        noise.fill(&mut block[..length]);
        out.write_all(&block[..length]).unwrap();
    }
}

/// Reads the stream of `seed` and compares every byte, then its end.
pub fn check_stream(from: &mut impl Read, seed: u64, total: u64) {
    let (mut noise, mut expected, mut block) = (Noise::new(seed), vec![0; BLOCK], vec![0; BLOCK]);
    let mut offset = 0u64;
    for length in blocks(total) {
        noise.fill(&mut expected[..length]);
        if let Err(error) = from.read_exact(&mut block[..length]) {
            panic!("{error} after {offset} bytes of {total}");
        }
        let wrong = expected[..length].iter().zip(&block[..length]).position(|(a, b)| a != b);
        assert_eq!(wrong, None, "a byte after {offset} is wrong");
        offset += length as u64;
    }
    assert_eq!(from.read(&mut block).unwrap(), 0, "more came than was sent");
}

fn blocks(total: u64) -> impl Iterator<Item = usize> {
    let whole = std::iter::repeat_n(BLOCK, usize::try_from(total / BLOCK as u64).unwrap());
    whole.chain(std::iter::once(usize::try_from(total % BLOCK as u64).unwrap()))
}
