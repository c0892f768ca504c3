//! Frames in a stream of bytes: each is preceded by its length, as QEMU's `-netdev stream` does it.

/// Bytes of the length: a big-endian number.
pub(super) const PREFIX: usize = 4;
/// Bytes of the longest frame: an IP packet of 65535 bytes, an Ethernet header and a VLAN tag.
pub(super) const LONGEST: usize = 65535 + 18;

/// Whoever sends such a length does not speak this language; where its next frame begins cannot be known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct TooLong;

/// The length as it goes before a frame.
#[inline]
pub(super) fn prefix(length: usize) -> [u8; PREFIX] {
    // No frame is anywhere near 4 GiB long.
    u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()
}

/// The length of the first frame in `bytes`, as far as that has come.
#[inline]
pub(super) fn announced(bytes: &[u8]) -> Result<Option<usize>, TooLong> {
    let Some(prefix) = bytes.first_chunk::<PREFIX>() else { return Ok(None) };
    let length = u32::from_be_bytes(*prefix) as usize;
    if length > LONGEST { Err(TooLong) } else { Ok(Some(length)) }
}

/// A frame without its length, and what follows it.
pub(super) type Split<'a> = (&'a [u8], &'a [u8]);

/// The first frame in `bytes` without its length, if all of it is there, and what follows it.
#[inline]
pub(super) fn split(bytes: &[u8]) -> Result<Option<Split<'_>>, TooLong> {
    let Some(length) = announced(bytes)? else { return Ok(None) };
    Ok(bytes.get(PREFIX..).and_then(|rest| rest.split_at_checked(length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_complete_with_its_last_byte() {
        let mut bytes = prefix(3).to_vec();
        assert_eq!(split(&bytes[..3]), Ok(None));
        assert_eq!(split(&bytes), Ok(None));
        bytes.extend([1, 2]);
        assert_eq!(split(&bytes), Ok(None));
        bytes.push(3);
        assert_eq!(split(&bytes), Ok(Some((&[1, 2, 3][..], &[][..]))));
        bytes.push(0);
        assert_eq!(split(&bytes), Ok(Some((&[1, 2, 3][..], &[0][..]))));
        assert_eq!(split(&prefix(0)), Ok(Some((&[][..], &[][..]))));
    }

    #[test]
    fn the_longest_frame_is_taken_and_one_byte_more_is_not() {
        assert_eq!(split(&prefix(LONGEST)), Ok(None));
        assert_eq!(split(&prefix(LONGEST + 1)), Err(TooLong));
        assert_eq!(split(b"GET / HTTP/1.1"), Err(TooLong));
    }
}
