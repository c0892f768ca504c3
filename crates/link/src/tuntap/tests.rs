use super::napi::Interfaces;
use super::{Device, Offload, ioctl};
use crate::capabilities::Link;
use crate::interface;
use crate::testing::{self, arp_request, end_of, ip, is_arp, now, wait_readable};
use basis::Frame;
use std::collections::VecDeque;
use std::io::ErrorKind;
use std::process::{Command, Stdio};
use std::time::Duration;
use wire::ethernet::MacAddress;

const OURS: MacAddress = MacAddress([2, 0, 0, 0, 0, 1]);
/// Runs the test in a network namespace of its own. Returns whether this is the inner call.
fn in_namespace(test: &str) -> bool {
    testing::in_namespace(&format!("tuntap::tests::{test}"))
}

#[test]
fn names_that_no_interface_can_have_are_refused_in_one_line() {
    for name in ["", "sixteen-bytes-xx", "a b", "a/b", "..", "tap%d"] {
        let Err(error) = interface::mtu(name) else { panic!("{name}") };
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(!error.to_string().contains('\n'));
    }
    assert_eq!(interface::mtu("lo").unwrap(), 65536);
    // The longest name is asked for, and not there.
    assert_eq!(interface::mtu("fifteen-bytes-x").unwrap_err().raw_os_error(), Some(libc::ENODEV));
}

#[test]
#[ignore = "needs root and /dev/net/tun"]
fn the_kernel_answers_over_the_cable() {
    if !in_namespace("the_kernel_answers_over_the_cable") {
        return;
    }
    let mut tap = Device::tap("tap0", OURS, Offload::Off).unwrap();
    assert_eq!((tap.capabilities().mtu, tap.name()), (1500, "tap0"));
    let request = arp_request(OURS);
    // Down: lost, not broken.
    assert!(tap.transmit(now(), &mut VecDeque::from([request.clone()])).unwrap());
    assert_eq!(tap.lost(), 1);
    assert!(!tap.receive(now(), &mut VecDeque::new(), 9).unwrap());

    ip("addr add 10.7.0.1/24 dev tap0");
    ip("link set tap0 up");
    assert!(tap.transmit(now(), &mut VecDeque::from([request.clone()])).unwrap());
    let mut arrived = VecDeque::new();
    let answer = loop {
        wait_readable(tap.source().unwrap());
        while tap.receive(now(), &mut arrived, 1).unwrap() {}
        // The kernel also says things of its own (IPv6).
        if let Some(answer) = arrived.iter().find(|frame| is_arp(frame)).map(Frame::to_vec) {
            break answer;
        }
    };
    assert_eq!((&answer[..6], &answer[20..22]), (&OURS.0[..], &[0, 2][..]));
    assert_eq!(answer[28..32], [10, 7, 0, 1]);

    // Many at once, each a frame of its own and in order.
    let mut requests: VecDeque<Frame> = (0..100).map(|_| request.clone()).collect();
    assert!(tap.transmit(now(), &mut requests).unwrap());
    arrived.clear();
    // A second thread may hand them over.
    while arrived.iter().filter(|frame| frame.to_vec() == answer).count() < 100 {
        wait_readable(tap.source().unwrap());
        while tap.receive(now(), &mut arrived, 7).unwrap() {}
    }
    assert_eq!(tap.lost(), 1);

    ip("link delete tap0");
    wait_readable(tap.source().unwrap());
    let error = end_of(&mut tap);
    assert_eq!(error.to_string(), "the interface tap0 has been taken away");
    let error = tap.transmit(now(), &mut VecDeque::from([request.clone()])).unwrap_err();
    assert_eq!(error.to_string(), "the interface tap0 has been taken away");
}

#[test]
#[ignore = "needs root and /dev/net/tun"]
fn an_interface_in_use_and_one_of_another_kind_are_refused_with_a_remedy() {
    if !in_namespace("an_interface_in_use_and_one_of_another_kind_are_refused_with_a_remedy") {
        return;
    }
    let first = Device::tap("tap0", OURS, Offload::Off).unwrap();
    let Err(busy) = Device::tap("tap0", OURS, Offload::Off) else { panic!("opened twice") };
    assert_eq!(busy.kind(), ErrorKind::ResourceBusy);
    assert!(busy.to_string().contains("another process has it open"), "{busy}");
    drop(first);
    let Err(kind) = Device::tap("lo", OURS, Offload::Off) else { panic!("opened lo") };
    assert!(kind.to_string().contains("no TAP"), "{kind}");
    ip("tuntap add tap1 mode tap");
    ip("link set tap1 mtu 9000");
    assert_eq!(Device::tap("tap1", OURS, Offload::Off).unwrap().capabilities().mtu, 9000);
    // It was made to stay.
    let shown = Command::new("ip").args(["link", "show", "tap1"]).stdout(Stdio::null()).status();
    assert!(shown.unwrap().success());
}

#[test]
#[ignore = "needs root and /dev/net/tun"]
fn an_interface_has_as_many_queues_as_are_asked_for_or_says_why_not() {
    if !in_namespace("an_interface_has_as_many_queues_as_are_asked_for_or_says_why_not") {
        return;
    }
    let mut queues = Device::tap_queues("tap0", OURS, 3, Offload::Off).unwrap();
    ip("addr add 10.7.0.1/24 dev tap0");
    ip("link set tap0 up");
    // What goes by any of them reaches the kernel, and each answer comes by one of them.
    for queue in &mut queues {
        assert!(queue.transmit(now(), &mut VecDeque::from([arp_request(OURS)])).unwrap());
    }
    let mut answers = 0;
    let start = std::time::Instant::now();
    while answers < 3 {
        assert!(start.elapsed().as_secs() < 60, "{answers} answers");
        for queue in &mut queues {
            let mut arrived = VecDeque::new();
            while queue.receive(now(), &mut arrived, 9).unwrap() {}
            answers += arrived.iter().filter(|frame| is_arp(frame)).count();
        }
    }
    drop(queues);
    // An interface is made for one or for several, and says how to have it otherwise.
    ip("tuntap add tun1 mode tun");
    let Err(single) = Device::tun_queues("tun1", 2, Offload::On) else { panic!("two queues of one") };
    assert_eq!(single.kind(), ErrorKind::InvalidInput);
    assert!(single.to_string().contains("mode tun multi_queue"), "{single}");
    ip("tuntap add tun2 mode tun multi_queue");
    assert_eq!(Device::tun_queues("tun2", 2, Offload::On).unwrap().len(), 2);
}

#[test]
#[ignore = "needs root and /dev/net/tun"]
fn a_thread_of_the_kernels_takes_in_many_frames_and_no_others() {
    if !in_namespace("a_thread_of_the_kernels_takes_in_many_frames_and_no_others") {
        return;
    }
    let mut tap = Device::tap("tap0", OURS, Offload::Gathered).unwrap();
    ip("addr add 10.7.0.1/24 dev tap0");
    ip("link set tap0 up");
    let interfaces = Interfaces::open().unwrap();
    assert!(interfaces.switch("tap1").is_none());
    let switch = interfaces.switch("tap0").unwrap();
    let start = std::time::Instant::now();
    let mut at = now();
    let mut send = |frames: usize, millis: u64| {
        at += Duration::from_millis(millis);
        let mut requests: VecDeque<Frame> = (0..frames).map(|_| arp_request(OURS)).collect();
        assert!(tap.transmit(at, &mut requests).unwrap());
    };
    // Bursts are not many.
    for _ in 0..10 {
        send(100, 1_000);
        assert!(!switch.says().unwrap());
    }
    if std::thread::available_parallelism().unwrap().get() == 1 {
        // One processor has no second thread to write, and none of the kernel's, however many there are.
        (0..100).for_each(|_| send(100, 1));
        assert!(!switch.says().unwrap());
    } else {
        for (frames, on) in [(100, true), (0, false)] {
            while switch.says().unwrap() != on {
                assert!(start.elapsed().as_secs() < 60, "it stays {}", !on);
                send(frames, 1);
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
    // Each is answered, whoever took it in.
    let mut requests = VecDeque::from([arp_request(OURS)]);
    assert!(tap.transmit(now(), &mut requests).unwrap());
    testing::receive_until(&mut tap, |arrived| arrived.iter().filter(|frame| is_arp(frame)).count() > 100);
    assert_eq!(ioctl::backlog(&tap).unwrap(), 4 << 20, "what waits for that thread has a bound");
    // Who wants each frame as it is has each handed over by itself.
    let plain = Device::tap("tap1", OURS, Offload::Off).unwrap();
    assert_eq!(ioctl::backlog(&plain).unwrap(), i32::MAX);
}
