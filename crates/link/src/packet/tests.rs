use super::{Device, Options};
use crate::capabilities::{Link, Medium};
use crate::testing::{self, arp_request, end_of, ip, is_arp, now, receive_until, wait_readable};
use crate::vnet::Offload;
use basis::{Checksum, Frame};
use std::collections::VecDeque;
use std::io::ErrorKind;
use std::time::Duration;
use wire::ethernet::MacAddress;
use wire::segmentation::is_finished;

const OURS: MacAddress = MacAddress([2, 0, 0, 0, 0, 1]);
const OFF: Options = Options { offload: Offload::Off, past_queues: false };

/// Runs the test on a cable of its own. Returns whether this is the inner call.
fn with_cable(test: &str) -> bool {
    testing::with_cable(&format!("packet::tests::{test}"))
}

#[test]
#[ignore = "needs root and ip"]
fn a_station_beside_the_kernels_hears_what_is_for_it_and_nothing_of_its_own() {
    if !with_cable("a_station_beside_the_kernels_hears_what_is_for_it_and_nothing_of_its_own") {
        return;
    }
    let mut link = Device::open("near", OURS, OFF).unwrap();
    assert_eq!((link.capabilities().mtu, link.name()), (1500, "near"));
    assert_eq!(link.capabilities().medium, Medium::Ethernet(OURS));
    let request = arp_request(OURS);
    let mut requests: VecDeque<Frame> = (0..100).map(|_| request.clone()).collect();
    assert!(link.transmit(now(), &mut requests).unwrap());
    wait_readable(link.source().unwrap());
    let arrived = receive_until(&mut link, |arrived| arrived.len() >= 100);
    for answer in &arrived {
        let answer = answer.to_vec();
        assert_eq!(
            (&answer[..6], &answer[20..22], &answer[28..32]),
            (&OURS.0[..], &[0, 2][..], &[10, 7, 0, 1][..])
        );
    }
    assert_eq!((arrived.len(), link.lost()), (100, 0));
    // A frame for another station is not ours, and one for a group is.
    let mut far = Device::open("far", MacAddress([2, 0, 0, 0, 0, 9]), OFF).unwrap();
    for destination in [[2, 0, 0, 0, 0, 3], [3, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 1]] {
        let mut frame = destination.to_vec();
        frame.extend([2, 0, 0, 0, 0, 9, 0x88, 0xb5]);
        frame.extend([7; 50]);
        far.transmit(now(), &mut VecDeque::from([Frame::copy_of(&frame)])).unwrap();
    }
    let heard = receive_until(&mut link, |arrived| arrived.len() >= 2);
    let heard: Vec<_> = heard.iter().map(|frame| frame.to_vec()[0]).collect();
    assert_eq!(heard, [3, 2]);
}

#[test]
#[ignore = "needs root and ip"]
fn what_does_not_fit_the_ring_is_counted_and_the_rest_comes_in_order() {
    if !with_cable("what_does_not_fit_the_ring_is_counted_and_the_rest_comes_in_order") {
        return;
    }
    let mut link = Device::open("near", OURS, OFF).unwrap();
    let mut far = Device::open("far", MacAddress([2, 0, 0, 0, 0, 9]), OFF).unwrap();
    let frame = |number: usize| {
        let mut frame = OURS.0.to_vec();
        frame.extend([2, 0, 0, 0, 0, 9, 0x88, 0xb5]);
        frame.extend((number as u64).to_be_bytes());
        frame.extend([0; 46]);
        Frame::copy_of(&frame)
    };
    let room = link.slots();
    assert_eq!(room, 480);
    let mut number = 0;
    for round in 0..3 {
        for (more, kept) in [(room, room), (room + 7, room)] {
            let mut frames: VecDeque<Frame> = (number..number + more).map(frame).collect();
            assert!(far.transmit(now(), &mut frames).unwrap());
            let mut arrived = receive_until(&mut link, |arrived| arrived.len() >= kept);
            while link.receive(now(), &mut arrived, 64).unwrap() {}
            let expected: Vec<_> = (number..number + kept).map(|number| frame(number).to_vec()).collect();
            assert!(arrived.iter().map(Frame::to_vec).eq(expected), "round {round}");
            number += more;
        }
        assert_eq!(link.lost(), 7 * (round + 1));
    }
    assert_eq!(far.lost(), 0);
}

#[test]
#[ignore = "needs root and ip"]
fn an_interface_that_goes_down_comes_back_and_one_that_is_taken_away_ends_the_link() {
    if !with_cable("an_interface_that_goes_down_comes_back_and_one_that_is_taken_away_ends_the_link") {
        return;
    }
    let mut link = Device::open("near", OURS, OFF).unwrap();
    let request = arp_request(OURS);
    let ask = |link: &mut Device| link.transmit(now(), &mut VecDeque::from([request.clone()])).unwrap();
    for _ in 0..2 {
        ip("link set near down");
        wait_readable(link.source().unwrap());
        assert!(!link.receive(now(), &mut VecDeque::new(), 9).unwrap());
        let lost = link.lost();
        assert!(ask(&mut link));
        assert_eq!(link.lost(), lost + 1);
        ip("link set near up");
        // What is left of the error that it was down may take one more with it, and the kernel drops what comes before it has seen the carrier.
        let (mut asked, mut answers) = (0, VecDeque::new());
        while !answers.iter().any(is_arp) {
            assert!(asked < 500, "nobody answers");
            ask(&mut link);
            asked += 1;
            std::thread::sleep(Duration::from_millis(20));
            while link.receive(now(), &mut answers, 64).unwrap() {}
        }
        assert!(answers.len() <= asked);
    }
    // Whether it was up or down before.
    let mut other = Device::open("far", OURS, OFF).unwrap();
    ip("link set far down");
    wait_readable(other.source().unwrap());
    assert!(!other.receive(now(), &mut VecDeque::new(), 9).unwrap());
    ip("link delete near");
    for (link, name) in [(&mut link, "near"), (&mut other, "far")] {
        let message = format!("the interface {name} has been taken away");
        assert_eq!(end_of(link).to_string(), message);
        let error = link.transmit(now(), &mut VecDeque::from([request.clone()])).unwrap_err();
        assert_eq!((error.kind(), error.to_string()), (ErrorKind::NotConnected, message));
    }
}

#[test]
#[ignore = "needs root and ip"]
fn what_cannot_be_opened_says_why_in_one_line() {
    if !with_cable("what_cannot_be_opened_says_why_in_one_line") {
        return;
    }
    ip("link add idle type veth peer name other");
    let refused = |name: &str, mac: MacAddress| match Device::open(name, mac, OFF) {
        Ok(_) => panic!("{name} was opened"),
        Err(error) => error.to_string(),
    };
    for (error, part) in [
        (refused("nothing", OURS), "there is no such interface: `ip link`"),
        (refused("a b", OURS), "cannot be the name of an interface"),
        (refused("lo", OURS), "lo is no Ethernet"),
        (refused("near", MacAddress::BROADCAST), "cannot be the address of one station"),
        (refused("idle", OURS), "cannot open a packet socket on idle: it is down; `ip link set idle up`"),
    ] {
        assert!(error.contains(part) && !error.contains('\n'), "{error}");
    }
    let kind = Device::open("nothing", OURS, OFF).err().map(|error| error.kind());
    assert_eq!(kind, Some(ErrorKind::NotFound));
}

#[test]
#[ignore = "needs root and ip"]
fn what_the_kernel_leaves_undone_is_known_or_done_here() {
    if !with_cable("what_the_kernel_leaves_undone_is_known_or_done_here") {
        return;
    }
    let on = Options { past_queues: true, ..Options::default() };
    let mut whole = Device::open("near", OURS, on).unwrap();
    let mut cut = Device::open("near", MacAddress([2, 0, 0, 0, 0, 3]), OFF).unwrap();
    for (address, mac) in [("10.7.0.2", OURS), ("10.7.0.3", MacAddress([2, 0, 0, 0, 0, 3]))] {
        ip(&format!("neighbour add {address} lladdr {mac} dev far"));
    }
    let socket = std::net::UdpSocket::bind("10.7.0.1:9").unwrap();
    // Datagrams of 700 bytes and a shorter one, sent as one.
    crate::socket::set(&socket, libc::SOL_UDP, libc::UDP_SEGMENT, &700).unwrap();
    let sent: Vec<u8> = (0..10_000_u32).map(|n| (n * 7) as u8).collect();
    for address in ["10.7.0.2:5", "10.7.0.3:5"] {
        assert_eq!(socket.send_to(&sent, address).unwrap(), sent.len());
    }
    for (link, complete) in [(&mut whole, false), (&mut cut, true)] {
        let arrived = receive_until(link, |arrived| arrived.len() >= 15);
        assert_eq!(arrived.len(), 15);
        let mut payload: Vec<u8> = Vec::new();
        for (index, frame) in arrived.iter().enumerate() {
            let bytes = frame.to_vec();
            assert_eq!(bytes.len(), 42 + if index < 14 { 700 } else { 200 });
            assert_eq!(frame.checksum == Checksum::Complete, complete);
            assert!(is_finished(frame));
            if complete {
                let addresses = ([10, 7, 0, 1].into(), [10, 7, 0, 3].into());
                wire::udp::verify(addresses.0, addresses.1, [&bytes[34..], &[]]).unwrap();
            }
            payload.extend(&bytes[42..]);
        }
        assert!(payload == sent);
        assert_eq!(link.lost(), 0);
    }
}

#[test]
#[ignore = "needs root and ip"]
fn the_kernel_keeps_so_much_of_what_is_to_be_sent_and_no_more() {
    if !with_cable("the_kernel_keeps_so_much_of_what_is_to_be_sent_and_no_more") {
        return;
    }
    let link = Device::open("near", OURS, OFF).unwrap();
    // The kernel doubles what it is asked for, for what it needs beside the bytes (socket(7)); the limit for all is lower.
    let kept = socket2::SockRef::from(&link).send_buffer_size().unwrap();
    assert_eq!(kept, 2 * (4 << 20));
}
