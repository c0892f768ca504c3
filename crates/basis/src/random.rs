//! Randomness that grows from one seed, and the keys of keyed hashing.

use core::hash::{BuildHasher, Hasher};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use siphasher::sip::{SipHasher13, SipHasher24};

/// What all randomness of a stack grows from. The same seed gives the same stack.
pub type Seed = [u8; 32];

/// A stream of random numbers (ChaCha8), the same for the same seed.
///
/// ```
/// use netstrata_basis::Random;
/// let (mut a, mut b) = (Random::new([7; 32]), Random::new([7; 32]));
/// assert_eq!(a.next_u64(), b.next_u64());
/// assert!(a.below(10) < 10);
/// ```
#[derive(Clone, Debug)]
pub struct Random(ChaCha8Rng);

impl Random {
    /// The stream that grows from `seed`.
    pub fn new(seed: Seed) -> Random {
        Random(ChaCha8Rng::from_seed(seed))
    }

    /// The next 32 bits.
    pub fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number in `0..bound`, or 0 if `bound` is 0. The bias is below 2^-32.
    pub fn below(&mut self, bound: u32) -> u32 {
        ((self.next_u64() as u128 * bound as u128) >> 64) as u32
    }

    /// A seed for another stream, independent of what this one gives later.
    pub fn seed(&mut self) -> Seed {
        let mut seed = [0; 32];
        self.0.fill_bytes(&mut seed);
        seed
    }

    /// A secret key for hashing.
    pub fn hash_key(&mut self) -> HashKey {
        HashKey { first: self.next_u64(), second: self.next_u64() }
    }
}

/// SipHash-2-4 of `bytes` under a key that others may share: what several hosts must agree on.
///
/// ```
/// let key = core::array::from_fn(|n| n as u8);
/// assert_eq!(netstrata_basis::siphash_2_4(&key, &[]), 0x726f_db47_dd0e_0e31);
/// ```
pub fn siphash_2_4(key: &[u8; 16], bytes: &[u8]) -> u64 {
    SipHasher24::new_with_key(key).hash(bytes)
}

/// A secret key for hashing values that a peer can choose (SipHash-1-3).
///
/// It is a [`BuildHasher`], so that maps can use it: whoever does not know the key cannot aim at collisions.
#[derive(Clone, Copy)]
pub struct HashKey {
    first: u64,
    second: u64,
}

impl HashKey {
    /// The hash of `bytes`, which is that of a hasher to which they were written as integers of a little-endian machine: with
    /// fewer steps, for what is hashed often.
    #[inline(never)]
    pub fn hash_bytes(&self, bytes: &[u8]) -> u64 {
        SipHasher13::new_with_keys(self.first, self.second).hash(bytes)
    }
}

impl BuildHasher for HashKey {
    type Hasher = KeyedHasher;
    #[inline]
    fn build_hasher(&self) -> KeyedHasher {
        KeyedHasher(SipHasher13::new_with_keys(self.first, self.second))
    }
}

/// SipHash-1-3 that gives the same hash on machines of every word size: a run can be replayed on another kind of machine.
#[derive(Clone, Debug)]
pub struct KeyedHasher(SipHasher13);

impl Hasher for KeyedHasher {
    #[inline]
    fn finish(&self) -> u64 {
        self.0.finish()
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    #[inline]
    fn write_u8(&mut self, value: u8) {
        self.0.write_u8(value);
    }

    #[inline]
    fn write_u16(&mut self, value: u16) {
        self.0.write_u16(value);
    }

    #[inline]
    fn write_u32(&mut self, value: u32) {
        self.0.write_u32(value);
    }

    #[inline]
    fn write_u64(&mut self, value: u64) {
        self.0.write_u64(value);
    }

    /// Lengths and discriminants come by here and by the next: eight bytes, however wide a word is.
    #[inline]
    fn write_usize(&mut self, value: usize) {
        self.0.write_u64(value as u64);
    }

    #[inline]
    fn write_isize(&mut self, value: isize) {
        self.0.write_u64(value as i64 as u64);
    }
}

impl core::fmt::Debug for HashKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("HashKey(secret)")
    }
}
