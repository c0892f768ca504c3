use super::*;
use crate::test_support::{frame_of, mutate, mutations, payload};
use etherparse::Ipv6Header;
use proptest::prelude::*;

pub(crate) fn address() -> impl Strategy<Value = Ipv6Addr> {
    any::<u128>().prop_map(Ipv6Addr::from_bits)
}

proptest! {
    #[test]
    fn a_header_comes_back_and_etherparse_agrees(
        source in address(),
        destination in address(),
        fields in (any::<u8>(), any::<u8>(), any::<u8>(), 0..0x10_0000_u32),
        (payload, split) in payload(),
        padding in 0..8_usize,
    ) {
        let (next_header, hop_limit, traffic_class, flow_label) = fields;
        let header = Header {
            hop_limit,
            traffic_class,
            flow_label,
            payload_length: payload.len(),
            ..Header::new(source, destination, next_header)
        };
        let mut frame = frame_of(&payload, split);
        header.prepend_to(&mut frame);
        prop_assert_eq!(Header::parse(frame.first(), frame.len() + padding), Ok(header));
        let (theirs, rest) = Ipv6Header::from_slice(&frame.to_vec()).map(|(h, rest)| (h, rest.to_vec())).unwrap();
        prop_assert_eq!(rest, payload);
        prop_assert_eq!(theirs.source, source.octets());
        prop_assert_eq!(theirs.destination, destination.octets());
        prop_assert_eq!((theirs.next_header.0, theirs.hop_limit, theirs.traffic_class), (next_header, hop_limit, traffic_class));
        prop_assert_eq!(theirs.flow_label.value(), flow_label);
    }

    #[test]
    fn no_bytes_panic(changes in mutations(), keep in 0..80_usize, payload in prop::collection::vec(any::<u8>(), 40)) {
        let mut frame = frame_of(&payload, 0);
        Header::new(Ipv6Addr::LOCALHOST, Ipv6Addr::LOCALHOST, 0).prepend_to(&mut frame);
        let mut bytes = frame.to_vec();
        mutate(&mut bytes, &changes, keep);
        if let Ok(header) = Header::parse(&bytes, bytes.len()) {
            let _ = extension::Chain::walk(&bytes, &header);
        }
        let _ = crate::icmpv6::quoted(&bytes);
    }
}

#[test]
fn each_fault_has_its_reason() {
    let mut frame = frame_of(b"payload", 0);
    Header::new(Ipv6Addr::LOCALHOST, Ipv6Addr::LOCALHOST, 17).prepend_to(&mut frame);
    let mut bytes = frame.to_vec();
    assert_eq!(Header::parse(&bytes[..39], 39), Err(Malformed::Ipv6TooShort));
    assert_eq!(Header::parse(&bytes, 46), Err(Malformed::Ipv6PayloadLength));
    assert!(Header::parse(&bytes, 47).is_ok());
    bytes[0] = 0x45;
    assert_eq!(Header::parse(&bytes, 47), Err(Malformed::Ipv6Version));
}

#[test]
fn scopes_and_groups() {
    assert!(is_link_local("fe80::1".parse().unwrap()) && is_link_local("febf::1".parse().unwrap()));
    assert!(!is_link_local("fec0::1".parse().unwrap()) && !is_link_local("fd00::1".parse().unwrap()));
    assert_eq!(
        solicited_node("fd07::12:3456".parse().unwrap()),
        "ff02::1:ff12:3456".parse::<Ipv6Addr>().unwrap()
    );
}
