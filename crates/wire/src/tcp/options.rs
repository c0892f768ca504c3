//! Options of a segment.

use super::seq::Seq;
use crate::malformed::Malformed;
use crate::words::Words;
use arrayvec::ArrayVec;

/// The most bytes that options can take: what a data offset of 15 leaves (RFC 9293 3.1).
pub const MAXIMUM_OPTIONS_LENGTH: usize = 40;
/// The largest shift of a window (RFC 7323 2.3).
pub const MAXIMUM_WINDOW_SCALE: u8 = 14;

const END: u8 = 0;
const NOP: u8 = 1;
const MAXIMUM_SEGMENT_SIZE: u8 = 2;
const WINDOW_SCALE: u8 = 3;
const SACK_PERMITTED: u8 = 4;
const SACK: u8 = 5;
const TIMESTAMPS: u8 = 8;
const FAST_OPEN: u8 = 34;
/// The kind of experiments, and which one is Fast Open (RFC 7413 4.1.1, RFC 6994).
const EXPERIMENT: u8 = 254;
const FAST_OPEN_EXPERIMENT: [u8; 2] = [0xf9, 0x89];

/// Two NOPs and the timestamps option's kind and length: how RFC 7323 appendix A recommends to lay it out.
const ALIGNED_TIMESTAMPS: [u8; 4] = [NOP, NOP, TIMESTAMPS, 10];
pub(super) const ALIGNED_TIMESTAMPS_LENGTH: usize = 12;

/// How the options of a SYN are laid out that has all of the usual ones: here, and by Linux. Between these bytes lie the segment size,
/// the timestamps, and the shift.
const SYN_BEGIN: [u8; 2] = [MAXIMUM_SEGMENT_SIZE, 4];
const SYN_MIDDLE: [u8; 4] = [SACK_PERMITTED, 2, TIMESTAMPS, 10];
const SYN_END: [u8; 3] = [NOP, WINDOW_SCALE, 3];
pub(super) const SYN_LENGTH: usize = 20;

/// The timestamps option (RFC 7323 3.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Timestamps {
    /// The sender's clock. // TSval
    pub value: u32,
    /// The receiver's clock as the sender last saw it. // TSecr
    pub echo: u32,
}

/// Bytes that have arrived out of order (RFC 2018 3), or twice (RFC 2883).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SackBlock {
    /// The first number of the block.
    pub left: Seq,
    /// The number behind the last.
    pub right: Seq,
}

/// The Fast Open option (RFC 7413 4.1.1): a cookie, or the request for one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FastOpen {
    bytes: [u8; FastOpen::LONGEST],
    length: u8,
    /// In the form that was used before the option had a number of its own.
    pub experimental: bool,
}

impl FastOpen {
    /// Bytes of the shortest cookie.
    pub const SHORTEST: usize = 4;
    /// Bytes of the longest cookie.
    pub const LONGEST: usize = 16;

    /// The request for a cookie.
    pub const REQUEST: FastOpen = FastOpen { bytes: [0; FastOpen::LONGEST], length: 0, experimental: false };

    /// A cookie: an even number of bytes, from [`FastOpen::SHORTEST`] to [`FastOpen::LONGEST`]; without any, a request.
    pub fn new(cookie: &[u8], experimental: bool) -> Option<FastOpen> {
        let fits = (FastOpen::SHORTEST..=FastOpen::LONGEST).contains(&cookie.len());
        let even = cookie.len().is_multiple_of(2);
        if !(cookie.is_empty() || fits && even) {
            return None;
        }
        let mut bytes = [0; FastOpen::LONGEST];
        bytes.iter_mut().zip(cookie).for_each(|(place, byte)| *place = *byte);
        Some(FastOpen { bytes, length: cookie.len() as u8, experimental })
    }

    /// The cookie; nothing in a request.
    pub fn cookie(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }

    /// Bytes that it takes on the wire, padded.
    fn encoded_length(&self) -> usize {
        let head = if self.experimental { 4 } else { 2 };
        (head + self.cookie().len()).next_multiple_of(4)
    }

    fn write(&self, words: &mut Words<'_>) {
        let mut out = [NOP; 4 + FastOpen::LONGEST];
        let head: &[u8] = if self.experimental { &FAST_OPEN_EXPERIMENT } else { &[] };
        let kind = if self.experimental { EXPERIMENT } else { FAST_OPEN };
        let length = 2 + head.len() + self.cookie().len();
        let bytes = [kind, length as u8].into_iter().chain(head.iter().chain(self.cookie()).copied());
        out.iter_mut().zip(bytes).for_each(|(place, byte)| *place = byte);
        for word in out.as_chunks::<4>().0.iter().take(self.encoded_length() / 4) {
            words.push(u32::from_be_bytes(*word));
        }
    }
}

/// The options that are understood. Which of them mean something depends on the segment: the first three and the last do on a SYN alone.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// The longest payload in bytes that the sender takes (RFC 9293 3.7.1).
    pub maximum_segment_size: Option<u16>,
    /// The shift of the sender's windows (RFC 7323 2.2). One above [`MAXIMUM_WINDOW_SCALE`] is read as that, as 2.3 says.
    pub window_scale: Option<u8>,
    /// Whether the sender understands selective acknowledgments (RFC 2018 2).
    pub sack_permitted: bool,
    /// Clock readings.
    pub timestamps: Option<Timestamps>,
    /// Selective acknowledgments.
    pub sack: ArrayVec<SackBlock, 4>,
    /// A cookie to send data on the SYN with, or the request for one.
    pub fast_open: Option<FastOpen>,
}

impl Timestamps {
    /// Writes the option and the two NOPs before it.
    #[inline(always)]
    pub(super) fn write_aligned(self, words: &mut Words<'_>) {
        words.push(u32::from_be_bytes(ALIGNED_TIMESTAMPS));
        words.push_two(self.value, self.echo);
    }
}

impl Options {
    /// No option.
    pub const NONE: Options = Options {
        maximum_segment_size: None,
        window_scale: None,
        sack_permitted: false,
        timestamps: None,
        sack: ArrayVec::new_const(),
        fast_open: None,
    };

    /// Reads all bytes between the fixed header and the payload. Unknown options, and known ones of an unexpected length,
    /// are skipped by their length (RFC 9293 3.1, MUST-6).
    ///
    /// # Errors
    /// [`Malformed::TcpOption`] when a length is under 2 or leads beyond the end (RFC 9293 3.1, MUST-7).
    #[inline]
    pub fn parse(bytes: &[u8]) -> Result<Options, Malformed> {
        let mut options = Options::NONE;
        options.read(bytes)?;
        Ok(options)
    }

    /// [`Options::parse`] into options that are [`Options::NONE`]: they are written where they stay.
    #[inline(always)]
    pub(crate) fn read(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        if bytes.is_empty() {
            return Ok(());
        }
        match bytes.first_chunk::<ALIGNED_TIMESTAMPS_LENGTH>() {
            Some(&[a, b, c, d, e, f, g, h, i, j, k, l])
                if bytes.len() == ALIGNED_TIMESTAMPS_LENGTH && [a, b, c, d] == ALIGNED_TIMESTAMPS =>
            {
                self.timestamps = Some(Timestamps {
                    value: u32::from_be_bytes([e, f, g, h]),
                    echo: u32::from_be_bytes([i, j, k, l]),
                });
                Ok(())
            }
            _ => self.read_more(bytes),
        }
    }

    /// [`Options::read`] of what is not timestamps alone: a usual SYN at one look, others one by one.
    #[inline(never)]
    fn read_more(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        match bytes.first_chunk::<SYN_LENGTH>() {
            Some(&[a, b, m, n, c, d, e, f, v, w, x, y, r, s, t, u, g, h, i, shift])
                if bytes.len() == SYN_LENGTH
                    && [a, b] == SYN_BEGIN
                    && [c, d, e, f] == SYN_MIDDLE
                    && [g, h, i] == SYN_END =>
            {
                self.maximum_segment_size = Some(u16::from_be_bytes([m, n]));
                self.sack_permitted = true;
                let (value, echo) = (u32::from_be_bytes([v, w, x, y]), u32::from_be_bytes([r, s, t, u]));
                self.timestamps = Some(Timestamps { value, echo });
                self.window_scale = Some(shift.min(MAXIMUM_WINDOW_SCALE));
                Ok(())
            }
            _ => read_any(self, bytes),
        }
    }

    /// Bytes that the options take on the wire: a multiple of 4, at most 40.
    #[inline]
    pub fn encoded_length(&self) -> usize {
        let blocks = self.encoded_blocks();
        self.length_without_sack() + if blocks > 0 { 4 + 8 * blocks } else { 0 }
    }

    #[inline]
    fn length_without_sack(&self) -> usize {
        let segment_size = if self.maximum_segment_size.is_some() { 4 } else { 0 };
        let window_scale = if self.window_scale.is_some() { 4 } else { 0 };
        let permitted = if self.sack_permitted && self.timestamps.is_none() { 4 } else { 0 };
        let timestamps = if self.timestamps.is_some() { ALIGNED_TIMESTAMPS_LENGTH } else { 0 };
        let fast_open = self.fast_open.as_ref().map_or(0, FastOpen::encoded_length);
        segment_size + window_scale + permitted + timestamps + fast_open
    }

    /// How many blocks find room: 4, or 3 beside timestamps (RFC 2018 3). The rest are not written.
    #[inline]
    fn encoded_blocks(&self) -> usize {
        self.sack.len().min(MAXIMUM_OPTIONS_LENGTH.saturating_sub(4 + self.length_without_sack()) / 8)
    }

    /// The timestamps, if they are the only option: so it is on almost every segment.
    #[inline]
    pub(super) fn aligned_timestamps(&self) -> Option<Timestamps> {
        let alone = self.maximum_segment_size.is_none()
            && self.window_scale.is_none()
            && !self.sack_permitted
            && self.fast_open.is_none()
            && self.sack.is_empty();
        if alone { self.timestamps } else { None }
    }

    /// The options in their bytes, if they are just those of a usual SYN.
    #[inline]
    pub(super) fn usual_syn(&self) -> Option<[u32; SYN_LENGTH / 4]> {
        let (Some(size), Some(shift), true) =
            (self.maximum_segment_size, self.window_scale, self.sack_permitted)
        else {
            return None;
        };
        let Timestamps { value, echo } = self.timestamps?;
        if self.fast_open.is_some() || !self.sack.is_empty() {
            return None;
        }
        let ([a, b], [m, n], [g, h, i]) = (SYN_BEGIN, size.to_be_bytes(), SYN_END);
        let begin = u32::from_be_bytes([a, b, m, n]);
        Some([begin, u32::from_be_bytes(SYN_MIDDLE), value, echo, u32::from_be_bytes([g, h, i, shift])])
    }

    /// Writes the options, [`Options::encoded_length`] bytes, in the order that Linux uses, which middleboxes are used to.
    pub(super) fn write(&self, words: &mut Words<'_>) {
        if let Some(size) = self.maximum_segment_size {
            let [high, low] = size.to_be_bytes();
            words.push(u32::from_be_bytes([MAXIMUM_SEGMENT_SIZE, 4, high, low]));
        }
        if let Some(Timestamps { value, echo }) = self.timestamps {
            let start =
                if self.sack_permitted { [SACK_PERMITTED, 2, TIMESTAMPS, 10] } else { ALIGNED_TIMESTAMPS };
            words.push(u32::from_be_bytes(start));
            words.push(value);
            words.push(echo);
        } else if self.sack_permitted {
            words.push(u32::from_be_bytes([NOP, NOP, SACK_PERMITTED, 2]));
        }
        if let Some(shift) = self.window_scale {
            words.push(u32::from_be_bytes([NOP, WINDOW_SCALE, 3, shift]));
        }
        if let Some(fast_open) = &self.fast_open {
            fast_open.write(words);
        }
        let blocks = self.encoded_blocks();
        if blocks > 0 {
            words.push(u32::from_be_bytes([NOP, NOP, SACK, 2 + 8 * blocks as u8]));
        }
        for SackBlock { left, right } in self.sack.iter().take(blocks) {
            words.push(left.0);
            words.push(right.0);
        }
    }
}

#[inline(never)]
fn read_any(options: &mut Options, mut bytes: &[u8]) -> Result<(), Malformed> {
    loop {
        match bytes {
            [] | [END, ..] => return Ok(()),
            [NOP, rest @ ..] => bytes = rest,
            [kind, length, rest @ ..] => {
                let length = usize::from(*length).checked_sub(2).ok_or(Malformed::TcpOption)?;
                let (value, rest) = rest.split_at_checked(length).ok_or(Malformed::TcpOption)?;
                read_one(options, *kind, value);
                bytes = rest;
            }
            [_] => return Err(Malformed::TcpOption),
        }
    }
}

fn read_one(options: &mut Options, kind: u8, value: &[u8]) {
    match (kind, value) {
        (MAXIMUM_SEGMENT_SIZE, &[high, low]) => {
            options.maximum_segment_size = Some(u16::from_be_bytes([high, low]));
        }
        (WINDOW_SCALE, &[shift]) => options.window_scale = Some(shift.min(MAXIMUM_WINDOW_SCALE)),
        (FAST_OPEN, cookie) => options.fast_open = FastOpen::new(cookie, false).or(options.fast_open),
        (EXPERIMENT, [first, second, cookie @ ..]) if [*first, *second] == FAST_OPEN_EXPERIMENT => {
            options.fast_open = FastOpen::new(cookie, true).or(options.fast_open);
        }
        (SACK_PERMITTED, []) => options.sack_permitted = true,
        (TIMESTAMPS, &[a, b, c, d, e, f, g, h]) => {
            options.timestamps = Some(Timestamps {
                value: u32::from_be_bytes([a, b, c, d]),
                echo: u32::from_be_bytes([e, f, g, h]),
            });
        }
        (SACK, blocks) if blocks.len().is_multiple_of(8) => {
            for &[a, b, c, d, e, f, g, h] in blocks.as_chunks::<8>().0 {
                let block = SackBlock {
                    left: Seq(u32::from_be_bytes([a, b, c, d])),
                    right: Seq(u32::from_be_bytes([e, f, g, h])),
                };
                // Four blocks are all that 40 bytes can hold; more than that can only be split over several options.
                let _ = options.sack.try_push(block);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
pub(super) mod tests;
