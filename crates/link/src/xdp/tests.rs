use super::Device;
use super::socket::{ARRIVING, LEAVING};
use crate::capabilities::{Link, Medium};
use crate::packet;
use crate::testing::{self, arp_request, end_of, ip, is_arp, now, readable, receive_until, wait_readable};
use crate::vnet::Offload;
use basis::{Checksum, Frame};
use std::collections::VecDeque;
use std::io::ErrorKind;
use std::time::{Duration, Instant};
use wire::ethernet::MacAddress;

const OURS: MacAddress = MacAddress([0x02, 0, 0, 0xff, 0, 0x81]);
const THEIRS: MacAddress = MacAddress([2, 0, 0, 0, 0, 9]);

/// Runs the test on a cable of its own. Returns whether this is the inner call.
fn with_cable(test: &str) -> bool {
    testing::with_cable(&format!("xdp::tests::{test}"))
}

/// A frame for this station that bears a number.
fn numbered(destination: [u8; 6], number: usize) -> Frame {
    let mut frame = destination.to_vec();
    frame.extend(THEIRS.0);
    frame.extend([0x88, 0xb5]);
    frame.extend((number as u64).to_be_bytes());
    frame.extend([0; 46]);
    Frame::copy_of(&frame)
}

fn number(frame: &Frame) -> usize {
    u64::from_be_bytes(frame.to_vec()[14..22].try_into().unwrap()) as usize
}

fn other(name: &str) -> packet::Device {
    let options = packet::Options { offload: Offload::Off, ..packet::Options::default() };
    packet::Device::open(name, THEIRS, options).unwrap()
}

fn wait(done: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !done() {
        assert!(Instant::now() < end, "it never came to that");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
#[ignore = "needs root and ip"]
fn a_station_hears_what_is_for_it_and_the_kernel_hears_groups_too() {
    if !with_cable("a_station_hears_what_is_for_it_and_the_kernel_hears_groups_too") {
        return;
    }
    let mut link = Device::open("near", OURS, Offload::Off).unwrap();
    assert_eq!((link.capabilities().mtu, link.name()), (1500, "near"));
    assert_eq!(link.capabilities().medium, Medium::Ethernet(OURS));
    let mut requests: VecDeque<Frame> = (0..100).map(|_| arp_request(OURS)).collect();
    assert!(link.transmit(now(), &mut requests).unwrap());
    wait_readable(link.source().unwrap());
    let arrived = receive_until(&mut link, |arrived| arrived.len() >= 100);
    assert!(arrived.iter().all(|answer| answer.to_vec()[..6] == OURS.0));
    assert_eq!((arrived.len(), link.lost()), (100, 0));
    // What is taken rings no more, and what comes later does.
    assert!(!link.receive(now(), &mut VecDeque::new(), 9).unwrap());
    assert!(!readable(link.source().unwrap()));
    let (mut far, mut kernels) = (other("far"), other("near"));
    let [mut last, mut first, group] = [OURS.0, OURS.0, [3, 0, 0, 0, 0, 1]];
    // Nearly ours: in its last byte, and in its first one.
    (last[5], first[0]) = (0x80, 6);
    for (index, destination) in [last, first, THEIRS.0, OURS.0, group].into_iter().enumerate() {
        far.transmit(now(), &mut VecDeque::from([numbered(destination, index)])).unwrap();
    }
    wait_readable(link.source().unwrap());
    let heard = receive_until(&mut link, |arrived| arrived.len() >= 2);
    let mut heard: Vec<_> = heard.iter().map(number).collect();
    heard.sort_unstable();
    assert_eq!(heard, [3, 4]);
    let passed = receive_until(&mut kernels, |arrived| arrived.len() >= 2);
    assert_eq!(passed.iter().map(number).collect::<Vec<_>>(), [2, 4]);
}

#[test]
#[ignore = "needs root and ip"]
fn what_does_not_fit_the_rings_is_counted_or_waits() {
    if !with_cable("what_does_not_fit_the_rings_is_counted_or_waits") {
        return;
    }
    let mut link = Device::open("near", OURS, Offload::Off).unwrap();
    let mut far = other("far");
    let room = ARRIVING as usize;
    for number in 0..room + 50 {
        far.transmit(now(), &mut VecDeque::from([numbered(OURS.0, number)])).unwrap();
        if number % 32 == 31 && number < room {
            wait(|| link.waiting() as usize == number + 1);
        }
    }
    wait(|| link.lost() == 50);
    let arrived = receive_until(&mut link, |arrived| arrived.len() >= room);
    assert!(arrived.iter().map(number).eq(0..room));
    // The memory of all is filled anew.
    for round in 0..3 * room / 64 {
        let mut sent = (0..64).map(|index| numbered(OURS.0, round * 64 + index)).collect();
        far.transmit(now(), &mut sent).unwrap();
        let arrived = receive_until(&mut link, |arrived| arrived.len() >= 64);
        assert!(arrived.iter().map(number).eq(round * 64..round * 64 + 64));
    }
    // More than may be on their way at once.
    let most = 3 * LEAVING as usize;
    let mut sent: VecDeque<Frame> = (0..most).map(|index| numbered(THEIRS.0, index)).collect();
    let mut arrived = VecDeque::new();
    let end = Instant::now() + Duration::from_secs(10);
    let mut gone = false;
    while !gone || arrived.len() < most {
        let batch: VecDeque<Frame> = sent.drain(..sent.len().min(100)).collect();
        let mut batch = batch;
        gone = link.transmit(now(), &mut batch).unwrap() && sent.is_empty();
        assert!(batch.is_empty() || link.poll_timeout().is_some());
        batch.into_iter().rev().for_each(|frame| sent.push_front(frame));
        far.receive(now(), &mut arrived, 200).unwrap();
        assert!(Instant::now() < end, "{} of {most} frames", arrived.len());
    }
    assert!(arrived.iter().map(number).eq(0..most));
    assert_eq!(link.lost(), 50);
}

#[test]
#[ignore = "needs root and ip"]
fn an_interface_that_goes_down_comes_back_and_one_that_is_taken_away_ends_the_link() {
    if !with_cable("an_interface_that_goes_down_comes_back_and_one_that_is_taken_away_ends_the_link") {
        return;
    }
    let mut link = Device::open("near", OURS, Offload::On).unwrap();
    for _ in 0..2 {
        ip("link set near down");
        wait_readable(link.source().unwrap());
        // What is left of the answers is taken as well.
        while link.receive(now(), &mut VecDeque::new(), 64).unwrap() {}
        assert!(link.poll_timeout().is_some(), "it looks after it");
        // More than the ring holds: the rest is lost at once.
        let lost = link.lost();
        let mut requests: VecDeque<Frame> = (0..LEAVING + 10).map(|_| arp_request(OURS)).collect();
        assert!(link.transmit(now(), &mut requests).unwrap() && requests.is_empty());
        assert_eq!(link.lost(), lost + 10);
        ip("link set near up");
        let answered = |arrived: &VecDeque<Frame>| arrived.iter().any(is_arp);
        let mut asked = 0;
        loop {
            link.transmit(now(), &mut VecDeque::from([arp_request(OURS)])).unwrap();
            let mut arrived = VecDeque::new();
            link.receive(now(), &mut arrived, 64).unwrap();
            if answered(&arrived) {
                break;
            }
            asked += 1;
            assert!(asked < 2_000, "nobody answers");
            std::thread::sleep(Duration::from_millis(5));
        }
        // All that waited has left, too.
        wait(|| link.room() == LEAVING as usize);
    }
    ip("link delete near");
    let message = "the interface near has been taken away";
    assert_eq!(end_of(&mut link).to_string(), message);
    let error = link.transmit(now(), &mut VecDeque::from([arp_request(OURS)])).unwrap_err();
    assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::NotConnected, message));
}

#[test]
#[ignore = "needs root and ip"]
fn what_cannot_be_opened_says_why_in_one_line_and_nothing_stays() {
    if !with_cable("what_cannot_be_opened_says_why_in_one_line_and_nothing_stays") {
        return;
    }
    let open = |name: &str| Device::open(name, OURS, Offload::Off).map_err(|error| error.to_string());
    let refused = |name: &str| open(name).map(drop).unwrap_err();
    assert!(refused("nothing").contains("there is no such interface"));
    assert!(refused("lo").contains("is no Ethernet"));
    let link = open("near").unwrap();
    let error = refused("near");
    assert!(error.contains("another XDP program or socket is on it") && !error.contains('\n'), "{error}");
    drop(link);
    // The program went with the device.
    drop(open("near").unwrap());
    ip("link set near mtu 4000");
    let error = refused("near");
    assert!(error.contains("its MTU is 4000, and 3822 is the most") && !error.contains('\n'), "{error}");
    // A veth takes no more than fits a page with all that the kernel puts behind a frame.
    ip("link set near mtu 3800");
    ip("link set far mtu 3800");
    let error = refused("near");
    assert!(error.contains("is too long for XDP") && !error.contains('\n'), "{error}");
}

#[test]
#[ignore = "needs root and ip"]
fn what_the_kernel_leaves_undone_is_believed_or_done_here() {
    if !with_cable("what_the_kernel_leaves_undone_is_believed_or_done_here") {
        return;
    }
    ip("neighbour add 10.7.0.2 lladdr 02:00:00:ff:00:81 dev far");
    let socket = std::net::UdpSocket::bind("10.7.0.1:9").unwrap();
    let sent: Vec<u8> = (0..1400_u32).map(|n| (n * 7) as u8).collect();
    for offload in [Offload::Off, Offload::On] {
        let mut link = Device::open("near", OURS, offload).unwrap();
        for length in [0, 1, 700, 1400] {
            socket.send_to(&sent[..length], "10.7.0.2:5").unwrap();
            let arrived = receive_until(&mut link, |arrived| !arrived.is_empty());
            let bytes = arrived[0].to_vec();
            assert!(bytes[42..] == sent[..length] && arrived.len() == 1);
            let expected = if offload == Offload::On { Checksum::Verified } else { Checksum::Complete };
            assert_eq!(arrived[0].checksum, expected, "{length} bytes");
            if offload == Offload::Off {
                let (from, to) = ([10, 7, 0, 1].into(), [10, 7, 0, 2].into());
                wire::udp::verify(from, to, [&bytes[34..], &[]]).unwrap();
            }
        }
        assert_eq!(link.capabilities().checksums, offload == Offload::On);
    }
}
