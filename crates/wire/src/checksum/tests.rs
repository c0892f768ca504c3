use super::*;
use alloc::vec::Vec;
use proptest::prelude::*;

/// RFC 1071 section 1, word by word: bytes in pairs, an odd last one padded with zero, carries added at the end.
fn naive(bytes: &[u8]) -> u16 {
    let mut sum = 0_u64;
    for pair in bytes.chunks(2) {
        sum += u64::from(pair[0]) * 256 + u64::from(*pair.get(1).unwrap_or(&0));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

fn of(bytes: &[u8]) -> u16 {
    Sum::ZERO.add_bytes(bytes).finish()
}

#[test]
fn every_length_and_alignment_gives_the_naive_sum() {
    let bytes: Vec<u8> = (0..700_u32).map(|index| (index * index * 7 + index / 3) as u8 | 0x80).collect();
    for start in 0..9 {
        for end in start..bytes.len() {
            assert_eq!(of(&bytes[start..end]), naive(&bytes[start..end]), "{start}..{end}");
        }
    }
}

#[test]
fn every_split_into_three_parts_gives_the_sum_of_the_whole() {
    let bytes: Vec<u8> = (0..40_u32).map(|index| (index * 73 + 11) as u8).collect();
    for first in 0..=bytes.len() {
        for second in first..=bytes.len() {
            let parts = [&bytes[..first], &bytes[first..second], &bytes[second..]];
            let sum = parts.iter().fold(Sum::ZERO, |sum, part| sum.add_bytes(part));
            assert_eq!(sum.finish(), naive(&bytes), "{first} {second}");
            let joined = parts.iter().fold(Sum::ZERO, |sum, part| sum.join(Sum::ZERO.add_bytes(part)));
            assert_eq!(joined.finish(), naive(&bytes), "{first} {second}");
        }
    }
}

#[test]
fn carries_survive_the_longest_packets() {
    for byte in [0, 1, 0x7f, 0x80, 0xfe, 0xff] {
        for length in [65_534, 65_535, 1 << 20] {
            let bytes = alloc::vec![byte; length];
            assert_eq!(of(&bytes), naive(&bytes), "{length} times {byte:#x}");
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_give_the_naive_sum(bytes in prop::collection::vec(any::<u8>(), 0..5000)) {
        prop_assert_eq!(of(&bytes), naive(&bytes));
    }

    #[test]
    fn fields_count_as_their_bytes_at_any_offset(before in prop::collection::vec(any::<u8>(), 0..5), short: u16, long: u32) {
        let mut bytes = before.clone();
        bytes.extend(short.to_be_bytes());
        bytes.extend(long.to_be_bytes());
        prop_assert_eq!(Sum::ZERO.add_bytes(&before).add_u16(short).add_u32(long).finish(), naive(&bytes));
    }

    #[test]
    fn a_checksum_in_its_place_makes_the_sum_zero(mut bytes in prop::collection::vec(any::<u8>(), 4..200), second in 0..200_usize) {
        bytes[2..4].fill(0);
        let (source, destination) = (IpAddr::from([10, 7, 0, 1]), IpAddr::from([10, 7, 0, 2]));
        let checksum = transport(source, destination, 6, [&bytes, &[]]);
        bytes[2..4].copy_from_slice(&checksum.to_be_bytes());
        let parts = bytes.split_at(second.min(bytes.len()));
        prop_assert_eq!(transport(source, destination, 6, [parts.0, parts.1]), 0);
        bytes[0] ^= 0x10;
        prop_assert_ne!(transport(source, destination, 6, [&bytes, &[]]), 0);
    }

    #[test]
    fn both_pseudo_headers_are_those_of_etherparse(v4: ([u8; 4], [u8; 4]), v6: ([u8; 16], [u8; 16]), payload in prop::collection::vec(any::<u8>(), 0..99)) {
        let header = etherparse::TcpHeader::new(1, 2, 3, 4);
        let bytes = header.to_bytes();
        let ours = transport(v4.0.into(), v4.1.into(), 6, [&bytes, &payload]);
        prop_assert_eq!(ours, header.calc_checksum_ipv4_raw(v4.0, v4.1, &payload).unwrap());
        let ours = transport(v6.0.into(), v6.1.into(), 6, [&bytes, &payload]);
        prop_assert_eq!(ours, header.calc_checksum_ipv6_raw(v6.0, v6.1, &payload).unwrap());
    }
}
