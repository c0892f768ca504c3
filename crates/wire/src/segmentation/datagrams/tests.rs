use super::*;
use crate::test_support::{frame_of, mutate, mutations};
use crate::{ipv4, protocol};
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use proptest::prelude::*;

const V4: (Ipv4Addr, Ipv4Addr) = (Ipv4Addr::new(10, 7, 0, 1), Ipv4Addr::new(10, 7, 0, 2));
const V6: (Ipv6Addr, Ipv6Addr) = (Ipv6Addr::new(0xfd07, 0, 0, 0, 0, 0, 0, 1), Ipv6Addr::LOCALHOST);

fn made(six: bool, payload: &[u8], identification: u16) -> Frame {
    let mut frame = frame_of(payload, 0);
    let header = udp::Header { source_port: 7, destination_port: 9, length: 0 };
    if six {
        header.prepend_to(&mut frame, IpAddr::V6(V6.0), IpAddr::V6(V6.1));
        ipv6::Header::new(V6.0, V6.1, protocol::UDP).prepend_to(&mut frame);
    } else {
        header.prepend_to(&mut frame, IpAddr::V4(V4.0), IpAddr::V4(V4.1));
        let header = ipv4::Header::new(V4.0, V4.1, protocol::UDP);
        ipv4::Header { identification, dont_fragment: false, ..header }.prepend_to(&mut frame);
    }
    frame
}

/// As a device brings it.
fn arrived(bytes: &[u8], size: u16) -> Frame {
    let mut frame = Frame::from_device(Bytes::copy_from_slice(bytes), bytes.len());
    (frame.segment_size, frame.checksum) = (size, Checksum::Verified);
    frame
}

/// Puts as many of them as go together into one super-datagram, as a device would get it.
fn sealed(frames: &[Frame]) -> (Vec<u8>, Offload) {
    let mut first = frames[0].clone();
    let mut train = Train::new(&first, 0).unwrap();
    let mut bytes = Vec::new();
    for next in &frames[1..] {
        assert!(train.takes(&first, next));
    }
    let headers = train.headers();
    let offload = train.seal(&mut first);
    first.copy_to(&mut bytes);
    frames[1..].iter().for_each(|frame| bytes.extend(&frame.to_vec()[headers..]));
    (bytes, offload)
}

proptest! {
    #[test]
    fn a_train_comes_apart_into_what_it_was_made_of(
        six: bool,
        size in 1..1472_usize,
        count in 1..40_usize,
        last in 1..1472_usize,
        identification: u16,
    ) {
        let last = last.min(size);
        let frames: Vec<Frame> = (0..count)
            .map(|n| {
                let length = if n + 1 == count { last } else { size };
                let payload: Vec<u8> = (0..length).map(|byte| (byte + n) as u8).collect();
                made(six, &payload, identification.wrapping_add(n as u16))
            })
            .collect();
        let (bytes, offload) = sealed(&frames);
        prop_assert_eq!((offload.ipv6, offload.udp), (six, true));
        let size = if count > 1 { offload.segment_size } else { u16::MAX };
        prop_assert!(is_unsummed(&bytes, 0));
        let came = arrived(&bytes, size);
        let apart: Vec<Frame> = Datagrams::of(came.clone(), 0, true).unwrap().collect();
        let all = |frames: &[Frame]| frames.iter().map(Frame::to_vec).collect::<Vec<_>>();
        prop_assert_eq!(all(&apart), all(&frames));
        prop_assert!(apart.iter().all(|frame| frame.checksum == Checksum::Complete));
        let vouched = Datagrams::of(came, 0, false).unwrap();
        prop_assert!(vouched.clone().all(|frame| frame.checksum == Checksum::Verified));
        prop_assert_eq!(vouched.count(), count);
    }

    #[test]
    fn strange_bytes_never_make_it_panic(
        six: bool,
        mutations in mutations(),
        size: u16,
        link_header in 0..20_usize,
    ) {
        let mut bytes = made(six, &[5; 300], 1).to_vec();
        mutate(&mut bytes, &mutations, 300);
        let _ = is_unsummed(&bytes, link_header);
        if let Some(datagrams) = Datagrams::of(arrived(&bytes, size), link_header, true) {
            prop_assert!(datagrams.count() <= 300);
        }
        let frame = frame_of(&bytes, bytes.len().min(60));
        if let Some(mut train) = Train::new(&frame, link_header) {
            let _ = train.takes(&frame, &frame);
            let _ = train.seal(&mut frame.clone());
        }
    }
}

#[test]
fn what_differs_by_more_than_its_place_in_the_train_is_left_out() {
    let first = made(false, &[1; 100], 7);
    let train = Train::new(&first, 0).unwrap();
    let takes = |next: &Frame| train.clone().takes(&first, next);
    assert!(takes(&made(false, &[2; 100], 8)));
    assert!(takes(&made(false, &[2; 1], 8)));
    assert!(!takes(&made(false, &[2; 101], 8)), "longer");
    assert!(!takes(&made(false, &[], 8)), "empty");
    assert!(!takes(&made(false, &[2; 100], 9)), "another identification");
    assert!(!takes(&made(true, &[2; 100], 8)), "another family");
    let changed = |at: usize| {
        let mut next = made(false, &[2; 100], 8);
        next.head_mut()[at] ^= 1;
        next
    };
    // Traffic class, time to live, addresses, ports, a checksum that is wrong.
    for at in [1, 8, 15, 19, 20, 23, 26] {
        assert!(!takes(&changed(at)), "byte {at}");
    }
    let mut unsummed = made(false, &[2; 100], 8);
    unsummed.head_mut()[26..28].fill(0);
    assert!(!takes(&unsummed), "without checksum");
    unsummed.checksum = Checksum::Deferred;
    assert!(takes(&unsummed), "with one that is to come");
}

#[test]
fn a_shorter_one_and_the_bounds_end_a_train() {
    let first = made(true, &[1; 100], 0);
    let mut train = Train::new(&first, 0).unwrap();
    for _ in 1..MOST_DATAGRAMS {
        assert!(train.takes(&first, &first));
    }
    assert!(!train.takes(&first, &first));
    let mut train = Train::new(&first, 0).unwrap();
    assert!(train.takes(&first, &made(true, &[1; 99], 0)));
    assert!(!train.takes(&first, &first));
    // 65,535 bytes with the header of IPv4, and not one more.
    let first = made(false, &[1; 16_000], 0);
    let mut train = Train::new(&first, 0).unwrap();
    assert!((1..4).all(|n| train.takes(&first, &made(false, &[1; 16_000], n))));
    assert!(!train.clone().takes(&first, &made(false, &[1; 1508], 4)));
    assert!(train.takes(&first, &made(false, &[1; 1507], 4)));
}

#[test]
fn what_is_no_whole_datagram_leads_no_train_and_comes_apart_into_nothing() {
    let whole = made(false, &[1; 100], 0);
    let mut padded = whole.clone();
    padded.set_body([1; 101].to_vec().into(), 101);
    assert!(Train::new(&padded, 0).is_none());
    assert!(Train::new(&frame_of(&[0x45; 60], 60), 0).is_none());
    let bytes = whole.to_vec();
    assert!(Datagrams::of(arrived(&bytes, 0), 0, true).is_none());
    assert!(Datagrams::of(arrived(&bytes[..127], 10), 0, true).is_none());
    assert_eq!(Datagrams::of(arrived(&bytes, 10), 0, true).unwrap().count(), 10);
    assert!(!is_unsummed(&bytes, 0) && !is_unsummed(&[], 0));
}
