//! Sizes that a socket chooses for its buffers and its window.

use crate::config::BufferBounds;

const LEAST: u32 = 2 * 1024;
const MOST: u32 = 64 * 1024 * 1024;
/// A size takes so many bits: 0 for none, and otherwise how much more it is than one byte less than the least.
const BITS: u32 = 26;
const MASK: u32 = (1 << BITS) - 1;
const BELOW: u32 = LEAST - 1;
/// So many of the bound of the window stand above each of the others.
const SHARE: u32 = 32 - BITS;

/// Three sizes in ten bytes, packed so that what stands beside them needs no gap. A bound of the window is kept beside a buffer that is
/// chosen: either may change later.
#[derive(Clone, Copy, Debug)]
#[repr(C, packed(2))]
pub(crate) struct Sizes {
    /// Above it the lowest bits of the window's bound.
    receive_buffer: u32,
    /// Above it the next ones.
    send_buffer: u32,
    /// The uppermost ones.
    window: u16,
}

impl Sizes {
    /// Each kept inside its bounds, if it is chosen.
    pub(crate) fn new(receive_buffer: Option<u32>, send_buffer: Option<u32>, clamp: Option<u32>) -> Sizes {
        let [receive_buffer, send_buffer, clamp] = [receive_buffer, send_buffer, clamp]
            .map(|size| size.map_or(0, |size| size.clamp(LEAST, MOST) - BELOW));
        Sizes {
            receive_buffer: receive_buffer | clamp << BITS,
            send_buffer: send_buffer | clamp >> SHARE << BITS,
            window: (clamp >> (2 * SHARE)) as u16,
        }
    }

    pub(crate) fn receive_buffer(self) -> Option<u32> {
        restore(self.receive_buffer & MASK)
    }

    pub(crate) fn send_buffer(self) -> Option<u32> {
        restore(self.send_buffer & MASK)
    }

    pub(crate) fn window_clamp(self) -> Option<u32> {
        let (low, middle) = (self.receive_buffer >> BITS, self.send_buffer >> BITS);
        restore(low | middle << SHARE | u32::from(self.window) << (2 * SHARE))
    }
}

fn restore(size: u32) -> Option<u32> {
    (size != 0).then_some(size + BELOW)
}

/// The bounds of a buffer of `chosen` size, or of a `usual` one that tunes itself, no larger than `clamp`.
pub(crate) fn bounds(chosen: Option<u32>, clamp: Option<u32>, usual: BufferBounds) -> BufferBounds {
    let clamp = clamp.unwrap_or(MOST);
    match chosen {
        Some(size) => {
            let size = size.min(clamp);
            BufferBounds { initial: size, most: size }
        }
        None => {
            let most = usual.most.clamp(LEAST, clamp);
            BufferBounds { initial: usual.initial.clamp(LEAST, most), most }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::HostConfig;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn each_size_is_kept_beside_the_others(sizes in prop::array::uniform3(prop::option::of(LEAST..=MOST))) {
            let [receive, send, clamp] = sizes;
            let kept = Sizes::new(receive, send, clamp);
            prop_assert_eq!([kept.receive_buffer(), kept.send_buffer(), kept.window_clamp()], sizes);
        }
    }

    #[test]
    fn sizes_are_kept_inside_their_bounds() {
        for (size, kept) in [(0, LEAST), (LEAST, LEAST), (MOST, MOST), (u32::MAX, MOST)] {
            let sizes = Sizes::new(Some(size), Some(size), Some(size));
            let all = [sizes.receive_buffer(), sizes.send_buffer(), sizes.window_clamp()];
            assert_eq!(all, [Some(kept); 3]);
        }
    }

    #[test]
    fn a_bound_of_the_window_is_one_of_the_buffer_chosen_or_tuned() {
        let usual = HostConfig::default().receive_buffer;
        let bounds = |receive_buffer, clamp| {
            let sizes = Sizes::new(receive_buffer, None, Some(clamp));
            let bounds = bounds(sizes.receive_buffer(), sizes.window_clamp(), usual);
            (bounds.initial, bounds.most)
        };
        assert_eq!(bounds(None, 9_000), (9_000, 9_000));
        assert_eq!(bounds(None, 100_000), (65_536, 100_000));
        assert_eq!(bounds(None, 0), (2_048, 2_048));
        assert_eq!(bounds(None, u32::MAX), (usual.initial, usual.most));
        assert_eq!(bounds(Some(5_000), 9_000), (5_000, 5_000));
        assert_eq!(bounds(Some(50_000), 9_000), (9_000, 9_000));
    }
}
