//! A stream of which every byte is known by its place.

/// The byte at `place` of the stream that `side` sends.
pub(crate) fn byte_at(side: usize, place: u64) -> u8 {
    let mixed = (place ^ (side as u64) << 40).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 56) as u8
}

/// `length` bytes from `place` on.
pub(crate) fn bytes_at(side: usize, place: u64, length: usize) -> Vec<u8> {
    (place..place + length as u64).map(|place| byte_at(side, place)).collect()
}

/// Panics unless `bytes` stand at `place`.
pub(crate) fn check(side: usize, place: u64, bytes: &[u8]) {
    for (offset, byte) in bytes.iter().enumerate() {
        let place = place + offset as u64;
        assert_eq!(*byte, byte_at(side, place), "byte {place} of side {side}'s stream");
    }
}
