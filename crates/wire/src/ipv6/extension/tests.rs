use super::*;
use alloc::vec::Vec;
use core::net::Ipv6Addr;
use proptest::prelude::*;

/// A packet that begins with `next` and carries `parts`.
fn walk(next: u8, parts: &[&[u8]]) -> Result<Chain, Refusal> {
    let mut frame = Frame::copy_of(&parts.concat());
    Header::new(Ipv6Addr::LOCALHOST, Ipv6Addr::LOCALHOST, next).prepend_to(&mut frame);
    let bytes = frame.to_vec();
    let header = Header::parse(&bytes, bytes.len()).unwrap();
    Chain::walk(&bytes, &header)
}

fn chain(protocol: u8, offset: usize, named_at: usize) -> Result<Chain, Refusal> {
    Ok(Chain { protocol, offset, named_at, fragment_named_at: 0, fragment: None })
}

/// Options in a header of 16 bytes before UDP: one option with `kind`, and padding.
fn option(kind: u8) -> [u8; 16] {
    [protocol::UDP, 1, kind, 4, 0, 0, 0, 0, 1, 4, 0, 0, 0, 0, 0, 0]
}

#[test]
fn what_is_known_is_followed_to_its_end() {
    assert_eq!(walk(protocol::TCP, &[]), chain(protocol::TCP, 40, 6));
    let hop = [protocol::ROUTING, 0, 1, 4, 0, 0, 0, 0];
    let routing = [protocol::DESTINATION_OPTIONS, 0, 77, 0, 0, 0, 0, 0];
    let atomic = [protocol::TCP, 0, 0, 0, 1, 2, 3, 4];
    let options = [protocol::FRAGMENT, 0, 0, 0, 0, 0, 0, 0];
    let parts: [&[u8]; 4] = [&hop, &routing, &options, &atomic];
    assert_eq!(walk(protocol::HOP_BY_HOP, &parts), chain(protocol::TCP, 72, 64));
    assert_eq!(walk(protocol::NO_NEXT_HEADER, &parts), chain(protocol::NO_NEXT_HEADER, 40, 6));
}

#[test]
fn an_unknown_option_says_what_becomes_of_the_packet() {
    let problem = |even_to_group| Err(Refusal::Problem { code: UNKNOWN_OPTION, pointer: 42, even_to_group });
    for next in [protocol::HOP_BY_HOP, protocol::DESTINATION_OPTIONS] {
        assert_eq!(walk(next, &[&option(0x1e)]), chain(protocol::UDP, 56, 40));
        assert_eq!(walk(next, &[&option(0x5e)]), Err(Refusal::Silent));
        assert_eq!(walk(next, &[&option(0x9e)]), problem(true));
        assert_eq!(walk(next, &[&option(0xde)]), problem(false));
        // A jumbo payload option is one of these (RFC 2675): such packets are refused.
        assert_eq!(walk(next, &[&option(0xc2)]), problem(false));
    }
}

#[test]
fn headers_out_of_place_or_of_unknown_kind_are_told() {
    let hop = [protocol::HOP_BY_HOP, 0, 1, 4, 0, 0, 0, 0];
    let refusal = Refusal::Problem { code: UNKNOWN_NEXT_HEADER, pointer: 40, even_to_group: false };
    assert_eq!(walk(protocol::HOP_BY_HOP, &[&hop, &hop]), Err(refusal));
    let routing = [protocol::TCP, 0, 0, 1, 0, 0, 0, 0];
    let refusal = Refusal::Problem { code: ERRONEOUS_FIELD, pointer: 42, even_to_group: false };
    assert_eq!(walk(protocol::ROUTING, &[&routing]), Err(refusal));
}

#[test]
fn a_fragment_ends_the_chain() {
    let fragment =
        Fragment { next_header: protocol::UDP, offset: 1480, more: true, identification: 0x0102_0304 };
    let mut frame = Frame::copy_of(&[7; 16]);
    fragment.prepend_to(&mut frame);
    let found = walk(protocol::FRAGMENT, &[&frame.to_vec()]).unwrap();
    assert_eq!((found.fragment, found.offset, found.protocol), (Some(fragment), 48, protocol::UDP));
    assert_eq!((found.named_at, found.fragment_named_at), (40, 6));
    assert!(!fragment.is_atomic() && Fragment { offset: 0, more: false, ..fragment }.is_atomic());
}

#[test]
fn headers_and_options_are_bounded_at_the_edge() {
    let options = [protocol::DESTINATION_OPTIONS, 0, 1, 4, 0, 0, 0, 0];
    let last = [protocol::TCP, 0, 1, 4, 0, 0, 0, 0];
    let of = |count: usize| {
        let mut parts: Vec<&[u8]> = alloc::vec![&options; count - 1];
        parts.push(&last);
        walk(protocol::DESTINATION_OPTIONS, &parts)
    };
    assert_eq!(of(MAXIMUM_HEADERS).unwrap().protocol, protocol::TCP);
    assert_eq!(of(MAXIMUM_HEADERS + 1), Err(Refusal::Malformed(Malformed::Ipv6TooManyHeaders)));
    let padded = |units: u8| {
        let mut header = alloc::vec![0; usize::from(units + 1) * 8];
        header[..2].copy_from_slice(&[protocol::TCP, units]);
        walk(protocol::DESTINATION_OPTIONS, &[&header])
    };
    assert!(padded(3).is_ok(), "30 options of one byte");
    assert_eq!(padded(4), Err(Refusal::Malformed(Malformed::Ipv6TooManyHeaders)));
}

#[test]
fn headers_that_end_beyond_the_packet_are_malformed() {
    let malformed = Err(Refusal::Malformed(Malformed::Ipv6Extension));
    assert_eq!(walk(protocol::HOP_BY_HOP, &[]), malformed);
    assert_eq!(walk(protocol::HOP_BY_HOP, &[&[6, 1, 1, 4, 0, 0, 0, 0]]), malformed);
    assert_eq!(walk(protocol::DESTINATION_OPTIONS, &[&[6, 0, 1, 5, 0, 0, 0, 0]]), malformed);
    assert_eq!(walk(protocol::FRAGMENT, &[&[6, 0, 0, 0]]), malformed);
}

proptest! {
    #[test]
    fn no_chain_panics_or_leads_beyond_the_packet(next in prop::sample::select(&[0_u8, 43, 44, 60][..]), bytes in prop::collection::vec(0..70_u8, 0..120)) {
        if let Ok(chain) = walk(next, &[&bytes]) {
            prop_assert!(chain.offset <= 40 + bytes.len());
            prop_assert!(chain.named_at < chain.offset);
        }
    }
}
