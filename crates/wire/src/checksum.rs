//! The Internet checksum (RFC 1071).

use core::net::IpAddr;

/// The ones' complement sum of bytes, taken part by part.
///
/// The parts are summed as if they stood one behind the other, so a part may be of odd length.
///
/// ```
/// use netstrata_wire::checksum::Sum;
/// let whole = Sum::ZERO.add_bytes(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
/// assert_eq!(whole.finish(), 0x220d); // the example of RFC 1071 section 3
/// let parts = Sum::ZERO.add_bytes(&[0x00]).add_bytes(&[0x01, 0xf2]).add_bytes(&[0x03]).add_u32(0xf4f5_f6f7);
/// assert_eq!(parts.finish(), whole.finish());
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Sum {
    /// Congruent modulo 0xffff to the sum of the 16-bit words in this machine's byte order: a swap at the end is enough,
    /// for swapping bytes multiplies by 256 modulo 0xffff (RFC 1071 section 2 B).
    value: u64,
    odd: bool,
}

impl Sum {
    /// The sum of nothing.
    pub const ZERO: Sum = Sum { value: 0, odd: false };

    /// Adds `bytes` (less than 4 GiB).
    #[inline(always)]
    pub fn add_bytes(self, bytes: &[u8]) -> Sum {
        let next = self.add_native(sum_native(bytes));
        Sum { odd: self.odd ^ (bytes.len() % 2 == 1), ..next }
    }

    /// [`Sum::add_bytes`], not compiled in where it is called: for payloads, which are long or often empty.
    #[inline(never)]
    pub(crate) fn add_payload(self, bytes: &[u8]) -> Sum {
        self.add_bytes(bytes)
    }

    /// Adds a 16-bit field.
    #[inline]
    pub fn add_u16(self, field: u16) -> Sum {
        self.add_native(u64::from(field.to_be()))
    }

    /// Adds a 32-bit field.
    #[inline]
    pub fn add_u32(self, field: u32) -> Sum {
        self.add_native(u64::from(field.to_be()))
    }

    /// Adds fields that were added up as numbers.
    #[inline]
    pub(crate) fn add_total(self, total: u64) -> Sum {
        // Swapping the bytes of each word is multiplying by 256.
        self.add_native(if cfg!(target_endian = "little") { total.rotate_left(8) } else { total })
    }

    /// Adds the rest of a pseudo-header, whose length has 32 bits, to the sum of its addresses.
    #[inline(always)]
    pub(crate) fn add_rest(self, protocol: u8, length: usize) -> Sum {
        self.add_total(u64::from(protocol) + u64::from(length as u32))
    }

    /// Adds an address of 4 or 16 bytes.
    #[inline]
    pub fn add_address(self, address: IpAddr) -> Sum {
        match address {
            IpAddr::V4(address) => self.add_u32(address.to_bits()),
            IpAddr::V6(address) => self.add_bytes(&address.octets()),
        }
    }

    /// Adds a sum of bytes that stand behind those summed so far.
    #[inline]
    pub fn join(self, next: Sum) -> Sum {
        Sum { odd: self.odd ^ next.odd, ..self.add_native(next.value) }
    }

    /// The sum folded to 16 bits, as a device wants to find it where it is to complete the checksum.
    #[inline]
    #[must_use]
    pub fn fold(self) -> u16 {
        // Both halves are added in the upper one, with the carry that the lower one gives.
        let value = (self.value.wrapping_add(self.value.rotate_left(32)) >> 32) as u32;
        let value = (value.wrapping_add(value.rotate_left(16)) >> 16) as u16;
        u16::from_be(value)
    }

    /// The checksum: the complement of the folded sum. It is 0 if the bytes include their own right checksum.
    #[inline]
    #[must_use]
    pub fn finish(self) -> u16 {
        !self.fold()
    }

    /// Adds words of this machine's byte order.
    #[inline]
    fn add_native(self, words: u64) -> Sum {
        // Behind an odd number of bytes every byte has the other weight.
        let words = if self.odd { words.rotate_left(8) } else { words };
        Sum { value: add(self.value, words), odd: self.odd }
    }
}

/// 2^64 is 1 modulo 0xffff, so carries go round.
#[inline(always)]
fn add(total: u64, words: u64) -> u64 {
    let (total, carry) = total.overflowing_add(words);
    total + u64::from(carry)
}

/// The sum of the pseudo-header that TCP and UDP checksums cover (RFC 9293 3.1, RFC 8200 8.1); `length` is that of the
/// transport header and payload in bytes.
#[inline(always)]
pub fn pseudo_header(source: IpAddr, destination: IpAddr, protocol: u8, length: usize) -> Sum {
    addresses(source, destination).add_rest(protocol, length)
}

/// The part of [`pseudo_header`] that is the same for all segments between two hosts.
#[inline(always)]
pub fn addresses(source: IpAddr, destination: IpAddr) -> Sum {
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => Sum::ZERO
            .add_native(u64::from(source.to_bits().to_be()) + u64::from(destination.to_bits().to_be())),
        _ => Sum::ZERO.add_address(source).add_address(destination),
    }
}

/// The checksum of a transport header and payload that lie in `parts`. 0 when they carry a checksum and it is right.
#[must_use]
#[inline(always)]
pub fn transport(source: IpAddr, destination: IpAddr, protocol: u8, parts: [&[u8]; 2]) -> u16 {
    let [first, second] = parts;
    let sum = pseudo_header(source, destination, protocol, first.len() + second.len()).add_bytes(first);
    if second.is_empty() { sum.finish() } else { sum.add_payload(second).finish() }
}

/// Up to so many bytes are summed word by word where they are; more are worth a call and vectors.
const SHORT: usize = 128;

/// The sum of 16-bit words in this machine's byte order, modulo 2^64 - 1; of less than 4 GiB.
#[inline(always)]
fn sum_native(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let total = match bytes.len() <= SHORT {
        true => sum_short(words),
        false => sum_words(words),
    };
    // Headers are whole 32-bit words.
    let (half, rest) = rest.as_chunks::<4>();
    let total = match half {
        [half] => add(total, u64::from(u32::from_ne_bytes(*half))),
        _ => total,
    };
    if rest.is_empty() { total } else { add(total, sum_rest(rest)) }
}

/// Four words a turn, so that turns cost little; each takes in the carry of the one before it.
#[inline(always)]
fn sum_short(words: &[[u8; 8]]) -> u64 {
    let (fours, rest) = words.as_chunks::<4>();
    let mut total = 0_u64;
    for four in fours {
        let mut carry = false;
        for word in four {
            (total, carry) = total.carrying_add(u64::from_ne_bytes(*word), carry);
        }
        // What was carried leaves room for it.
        total += u64::from(carry);
    }
    for word in rest {
        total = add(total, u64::from_ne_bytes(*word));
    }
    total
}

/// The sum of the last bytes, fewer than four.
#[inline(never)]
fn sum_rest(rest: &[u8]) -> u64 {
    let last = match *rest {
        [a] => [a, 0, 0, 0],
        [a, b] => [a, b, 0, 0],
        [a, b, c] => [a, b, c, 0],
        _ => [0; 4],
    };
    u64::from(u32::from_ne_bytes(last))
}

/// The sum of the 32-bit halves of `words`. This shape becomes three vector operations for each vector of bytes: the words as
/// they are, modulo 2^64, and their upper halves apart. The sum of the lower halves follows from the two.
#[inline(never)]
fn sum_words(words: &[[u8; 8]]) -> u64 {
    let mut whole = 0_u64;
    let mut upper = 0_u64;
    for word in words {
        let word = u64::from_ne_bytes(*word);
        whole = whole.wrapping_add(word);
        upper = upper.wrapping_add(word >> 32);
    }
    whole.wrapping_sub(upper << 32) + upper
}

#[cfg(test)]
mod tests;
