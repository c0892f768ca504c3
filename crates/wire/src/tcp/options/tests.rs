use super::*;
use alloc::vec;
use alloc::vec::Vec;
use etherparse::{TcpHeader, TcpOptionElement};
use proptest::prelude::*;

fn encode(options: &Options) -> Vec<u8> {
    let mut bytes = vec![0xee; options.encoded_length()];
    options.write(&mut Words::new(&mut bytes));
    bytes
}

pub(crate) fn options() -> impl Strategy<Value = Options> {
    let timestamps =
        prop::option::of(any::<(u32, u32)>().prop_map(|(value, echo)| Timestamps { value, echo }));
    let block =
        any::<(u32, u32)>().prop_map(|(left, right)| SackBlock { left: Seq(left), right: Seq(right) });
    let sack = prop_oneof![2 => Just(Vec::new()), 1 => prop::collection::vec(block, 0..=4)];
    let window_scale = prop::option::of(0..=MAXIMUM_WINDOW_SCALE);
    let fields = (prop::option::of(any::<u16>()), window_scale, any::<bool>(), timestamps, sack);
    fields.prop_map(|(maximum_segment_size, window_scale, sack_permitted, timestamps, sack)| Options {
        maximum_segment_size,
        window_scale,
        sack_permitted,
        timestamps,
        sack: sack.into_iter().collect(),
        fast_open: None,
    })
}

const TIMES: Timestamps = Timestamps { value: 0x0102_0304, echo: 0x0506_0708 };

#[test]
fn a_syn_has_the_order_of_linux() {
    let mut options = Options {
        maximum_segment_size: Some(1460),
        window_scale: Some(7),
        sack_permitted: true,
        timestamps: Some(TIMES),
        ..Options::NONE
    };
    let with_timestamps = [2, 4, 5, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 3, 3, 7];
    assert_eq!(encode(&options), with_timestamps);
    options.timestamps = None;
    assert_eq!(encode(&options), [2, 4, 5, 0xb4, 1, 1, 4, 2, 1, 3, 3, 7]);
    options.sack_permitted = false;
    assert_eq!(encode(&options), [2, 4, 5, 0xb4, 1, 3, 3, 7]);
}

#[test]
fn other_segments_align_timestamps_and_blocks() {
    let mut options = Options { timestamps: Some(TIMES), ..Options::NONE };
    assert_eq!(encode(&options), [1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8]);
    options.sack.push(SackBlock { left: Seq(1), right: Seq(0x200) });
    let both = [1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 2, 0];
    assert_eq!(encode(&options), both);
    // On its own beside timestamps it takes the place of two NOPs.
    let options = Options { timestamps: Some(TIMES), sack_permitted: true, ..Options::NONE };
    assert_eq!(encode(&options)[..4], [4, 2, 8, 10]);
}

#[test]
fn four_blocks_fit_alone_and_three_beside_timestamps() {
    let mut options = Options { sack: [SackBlock::default(); 4].into(), ..Options::NONE };
    assert_eq!((options.encoded_length(), encode(&options)[3]), (36, 34));
    options.timestamps = Some(TIMES);
    assert_eq!((options.encoded_length(), encode(&options)[15]), (40, 26));
    options.maximum_segment_size = Some(1460);
    options.window_scale = Some(1);
    assert_eq!((options.encoded_length(), encode(&options)[23]), (40, 18));
}

#[test]
fn a_length_that_leads_nowhere_is_refused() {
    for bad in
        [&[2, 0, 5, 0xb4][..], &[2, 1], &[2, 5, 5, 0xb4], &[1, 1, 1, 8], &[99], &[99, 1, 0, 0], &[5, 255]]
    {
        assert_eq!(Options::parse(bad), Err(Malformed::TcpOption), "{bad:?}");
    }
}

#[test]
fn nothing_counts_behind_the_end_of_the_list() {
    assert_eq!(Options::parse(&[1, 0, 2, 0]), Ok(Options::NONE));
    assert_eq!(Options::parse(&[0, 2, 4, 5, 0xb4]), Ok(Options::NONE));
}

#[test]
fn unknown_options_and_unexpected_lengths_are_skipped() {
    // Fast Open (34), an MSS of one byte, a SACK of 9 bytes, then a window scale.
    let bytes = [34, 4, 9, 9, 2, 3, 7, 5, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 3, 2, 1];
    assert_eq!(Options::parse(&bytes), Ok(Options { window_scale: Some(2), ..Options::NONE }));
}

#[test]
fn a_window_scale_above_14_is_14() {
    for (sent, read) in [(13, 13), (14, 14), (15, 14), (255, 14)] {
        assert_eq!(Options::parse(&[3, 3, sent, 0]).unwrap().window_scale, Some(read));
    }
}

#[test]
fn more_than_four_blocks_from_several_options_are_dropped() {
    let mut bytes = Vec::new();
    for count in 0..5_u8 {
        bytes.extend([5, 10, 0, 0, 0, count, 0, 0, 0, count + 1]);
    }
    let sack = Options::parse(&bytes).unwrap().sack;
    assert_eq!((sack.len(), sack[3].left), (4, Seq(3)));
}

/// The same options for etherparse; None if they do not fit.
fn theirs(options: &Options) -> Option<TcpHeader> {
    let mut elements = Vec::new();
    elements.extend(options.maximum_segment_size.map(TcpOptionElement::MaximumSegmentSize));
    elements.extend(options.window_scale.map(TcpOptionElement::WindowScale));
    if options.sack_permitted {
        elements.push(TcpOptionElement::SelectiveAcknowledgementPermitted);
    }
    elements.extend(
        options.timestamps.map(|Timestamps { value, echo }| TcpOptionElement::Timestamp(value, echo)),
    );
    let mut blocks = options.sack.iter().map(|block| (block.left.0, block.right.0));
    if let Some(first) = blocks.next() {
        let rest = [blocks.next(), blocks.next(), blocks.next()];
        elements.push(TcpOptionElement::SelectiveAcknowledgement(first, rest));
    }
    let mut header = TcpHeader::default();
    header.set_options(&elements).ok().map(|()| header)
}

proptest! {
    #[test]
    fn options_are_read_as_they_were_written(options in options()) {
        let bytes = encode(&options);
        prop_assert!(bytes.len() <= MAXIMUM_OPTIONS_LENGTH && bytes.len().is_multiple_of(4));
        let read = Options::parse(&bytes).unwrap();
        let kept = read.sack.len();
        prop_assert!(kept == options.sack.len() || bytes.len() + 8 > MAXIMUM_OPTIONS_LENGTH);
        let written = Options { sack: options.sack.iter().take(kept).copied().collect(), ..options };
        prop_assert_eq!(read, written);
    }

    /// The ways at one look are only shorter: they lead where those option by option do.
    #[test]
    fn a_usual_syn_is_read_and_written_as_option_by_option(size: u16, value: u32, echo: u32, shift: u8, other in options()) {
        let usual = Options {
            maximum_segment_size: Some(size),
            window_scale: Some(shift),
            sack_permitted: true,
            timestamps: Some(Timestamps { value, echo }),
            ..Options::NONE
        };
        prop_assert!(usual.usual_syn().is_some());
        for options in [usual, other] {
            let bytes = encode(&options);
            if let Some(words) = options.usual_syn() {
                prop_assert_eq!(words.map(u32::to_be_bytes).concat(), &bytes[..]);
            }
            let mut one_by_one = Options::NONE;
            prop_assert_eq!(Options::parse(&bytes), read_any(&mut one_by_one, &bytes).map(|()| one_by_one.clone()));
        }
    }

    #[test]
    fn etherparse_reads_what_we_write(options in options()) {
        let bytes = encode(&options);
        let mut header = TcpHeader::default();
        header.set_options_raw(&bytes).unwrap();
        let mut read = Options::NONE;
        for element in header.options_iterator() {
            match element.unwrap() {
                TcpOptionElement::Noop => {}
                TcpOptionElement::MaximumSegmentSize(size) => read.maximum_segment_size = Some(size),
                TcpOptionElement::WindowScale(shift) => read.window_scale = Some(shift),
                TcpOptionElement::SelectiveAcknowledgementPermitted => read.sack_permitted = true,
                TcpOptionElement::Timestamp(value, echo) => read.timestamps = Some(Timestamps { value, echo }),
                TcpOptionElement::SelectiveAcknowledgement(first, rest) => {
                    for (left, right) in [Some(first)].into_iter().chain(rest).flatten() {
                        read.sack.push(SackBlock { left: Seq(left), right: Seq(right) });
                    }
                }
            }
        }
        prop_assert_eq!(Ok(read), Options::parse(&bytes));
    }

    #[test]
    fn we_read_what_etherparse_writes(options in options()) {
        let Some(header) = theirs(&options) else { return Err(TestCaseError::reject("more than 40 bytes")) };
        prop_assert_eq!(Options::parse(header.options.as_slice()), Ok(options));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(prop_oneof![0..12_u8, any::<u8>()], 0..60)) {
        if let Ok(options) = Options::parse(&bytes) {
            prop_assert!(options.encoded_length() <= MAXIMUM_OPTIONS_LENGTH);
            prop_assert!(options.window_scale.unwrap_or(0) <= MAXIMUM_WINDOW_SCALE);
        }
    }
}

#[test]
fn fast_open_is_read_as_it_is_written_and_padded() {
    let cookies: [&[u8]; 4] = [&[], &[1, 2, 3, 4], &[7; 6], &[9; 16]];
    for (cookie, experimental) in cookies.into_iter().flat_map(|cookie| [(cookie, false), (cookie, true)]) {
        let fast_open = FastOpen::new(cookie, experimental).unwrap();
        let options = Options { window_scale: Some(3), fast_open: Some(fast_open), ..Options::NONE };
        let bytes = encode(&options);
        assert!(bytes.len().is_multiple_of(4) && bytes.len() <= MAXIMUM_OPTIONS_LENGTH);
        assert_eq!(Options::parse(&bytes), Ok(options));
        assert_eq!(fast_open.cookie(), cookie);
    }
    let request = Options { fast_open: Some(FastOpen::REQUEST), ..Options::NONE };
    assert_eq!(encode(&request), [34, 2, 1, 1]);
    let full = Options {
        maximum_segment_size: Some(1460),
        window_scale: Some(8),
        sack_permitted: true,
        timestamps: Some(TIMES),
        fast_open: FastOpen::new(&[1; 16], true),
        ..Options::NONE
    };
    assert_eq!(encode(&full).len(), MAXIMUM_OPTIONS_LENGTH);
}

#[test]
fn a_cookie_of_a_length_that_there_is_not_is_no_cookie() {
    for length in [1, 2, 3, 5, 15, 17, 18] {
        assert_eq!(FastOpen::new(&[0; 18][..length], false), None, "{length}");
        let mut bytes = vec![34, 2 + length as u8];
        bytes.resize(2 + length, 0);
        assert_eq!(Options::parse(&bytes), Ok(Options::NONE));
    }
    assert_eq!(Options::parse(&[254, 4, 0xf9, 0x88]), Ok(Options::NONE), "another experiment");
}
