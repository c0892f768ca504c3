use super::Ends;
use super::bell::Bell;
use super::inbox::{self, Inbox};
use super::link::ShardLink;
use super::outbox::{self, Outbox};
use basis::{Frame, Instant};
use link::{Capabilities, Link, RawFdSource};
use mio::{Events, Poll, Token};
use stack::{Medium, Shard, Steering, Target};
use std::collections::VecDeque;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const ALARM: usize = 7;

fn bell() -> (Poll, Arc<Bell>) {
    let poll = Poll::new().unwrap();
    let bell = Arc::new(Bell::new(poll.registry(), ALARM).unwrap());
    (poll, bell)
}

/// Whether the bell has been rung since the last look.
fn is_rung(poll: &mut Poll) -> bool {
    let mut events = Events::with_capacity(4);
    poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
    events.iter().any(|event| event.token() == Token(ALARM))
}

fn frame(number: usize) -> Frame {
    Frame::copy_of(&(number as u64).to_be_bytes())
}

#[test]
fn a_bell_wakes_who_naps_once_and_nobody_else() {
    let (mut poll, bell) = bell();
    bell.ring_if_napping();
    assert!(!is_rung(&mut poll) && bell.rings() == 0);
    bell.nap();
    bell.ring_if_napping();
    bell.ring_if_napping();
    assert!(is_rung(&mut poll) && bell.rings() == 1);
    bell.nap();
    bell.rise();
    bell.ring_if_napping();
    assert!(!is_rung(&mut poll));
}

#[test]
fn an_inbox_is_bounded_and_counts_what_it_drops() {
    let (mut poll, bell) = bell();
    let inbox = Inbox::new(Arc::clone(&bell));
    assert!(inbox.is_empty());
    bell.nap();
    inbox.put(&mut (0..inbox::MOST_FRAMES + 3).map(frame).collect());
    assert!(is_rung(&mut poll) && !inbox.is_empty());
    let mut arrived = VecDeque::new();
    assert!(inbox.take(&mut arrived, 10));
    assert!(!inbox.take(&mut arrived, usize::MAX));
    assert!(inbox.is_empty() && !inbox.take(&mut arrived, 1));
    let in_order = arrived.iter().enumerate().all(|(number, one)| one.to_vec() == frame(number).to_vec());
    assert!(in_order && arrived.len() == inbox::MOST_FRAMES);
    assert_eq!(inbox.statistics(), (inbox::MOST_FRAMES as u64, 3));
    // Long ones fill it before that.
    let long = || Frame::from_device(vec![0; 64 << 10].into(), 64 << 10);
    inbox.put(&mut (0..300).map(|_| long()).collect());
    arrived.clear();
    inbox.take(&mut arrived, usize::MAX);
    assert_eq!(arrived.len(), 256, "16 MiB");
}

#[test]
fn a_full_outbox_refuses_and_tells_when_half_of_it_is_free() {
    let (mut owner, first) = bell();
    let (mut sender, second) = bell();
    let outbox = Outbox::new(vec![Arc::clone(&first), Arc::clone(&second)]);
    first.nap();
    let mut waiting: VecDeque<Frame> = (0..outbox::MOST_FRAMES + 1).map(frame).collect();
    assert!(!outbox.put(1, &mut waiting));
    assert!(is_rung(&mut owner) && waiting.len() == 1 && !outbox.has_room(1));
    second.nap();
    let mut sending = VecDeque::new();
    outbox.take(&mut sending, outbox::MOST_FRAMES / 2 - 1);
    assert!(!outbox.has_room(1) && !is_rung(&mut sender));
    outbox.take(&mut sending, 1);
    assert!(outbox.has_room(1) && is_rung(&mut sender));
    assert!(outbox.put(1, &mut waiting) && waiting.is_empty() && !outbox.has_room(1));
    outbox.take(&mut sending, usize::MAX);
    assert_eq!(sending.len(), outbox::MOST_FRAMES + 1);
    assert!(outbox.is_empty());
}

/// A device that brings what it is given and takes a few frames at a time.
#[derive(Clone, Default)]
struct Device {
    brings: Arc<Mutex<VecDeque<Frame>>>,
    taken: Arc<Mutex<Vec<Frame>>>,
    /// Frames that it takes until it is full.
    room: Arc<Mutex<usize>>,
}

const CAPABILITIES: Capabilities =
    Capabilities { medium: link::Medium::Ip, mtu: 1500, segmentation: true, checksums: true };

impl Link for Device {
    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn receive(&mut self, _: Instant, arrived: &mut VecDeque<Frame>, most: usize) -> io::Result<bool> {
        let mut brings = self.brings.lock().unwrap();
        let count = most.min(brings.len());
        arrived.extend(brings.drain(..count));
        Ok(!brings.is_empty())
    }

    fn transmit(&mut self, _: Instant, waiting: &mut VecDeque<Frame>) -> io::Result<bool> {
        let mut room = self.room.lock().unwrap();
        let count = waiting.len().min(*room);
        *room -= count;
        self.taken.lock().unwrap().extend(waiting.drain(..count));
        Ok(waiting.is_empty())
    }

    fn source(&self) -> Option<RawFdSource> {
        None
    }

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }
}

fn steering() -> Steering {
    Steering::new(Shard::new(0, 2).unwrap(), [3; 32])
}

/// A segment that belongs to the shard, of a flow of its own.
fn segment(shard: usize, number: u16) -> Frame {
    let steering = steering();
    let bytes = (0..u16::MAX).filter_map(|port| {
        let mut frame = Frame::copy_of(&[port.to_be_bytes(), number.to_be_bytes()].concat());
        wire::ipv4::Header::new(Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2), 6)
            .prepend_to(&mut frame);
        (steering.of_packet(frame.first()) == Target::Shard(shard)).then_some(frame)
    });
    let mut bytes = bytes;
    bytes.next().unwrap()
}

fn ends(shared: bool) -> ([ShardLink; 2], [Device; 2], [Poll; 2], [Arc<Bell>; 2]) {
    let ((first, a), (second, b)) = (bell(), bell());
    let ends = Ends::new(&[Arc::clone(&a), Arc::clone(&b)], shared, steering(), Medium::Ip, CAPABILITIES);
    let devices = [Device::default(), Device::default()];
    for device in &devices {
        *device.room.lock().unwrap() = 1000;
    }
    let device = |device: &Device| -> Option<Box<dyn Link>> { Some(Box::new(device.clone())) };
    let links =
        [ends.end(0, device(&devices[0])), ends.end(1, if shared { None } else { device(&devices[1]) })];
    (links, devices, [first, second], [a, b])
}

fn receive(link: &mut ShardLink) -> Vec<Vec<u8>> {
    let mut arrived = VecDeque::new();
    while link.receive(Instant::ZERO, &mut arrived, 3).unwrap() {}
    arrived.iter().map(Frame::to_vec).collect()
}

#[test]
fn what_comes_by_the_wrong_queue_reaches_its_shard_in_order_and_wakes_it() {
    for wrong in [0, 1] {
        let ([mut first, mut second], devices, [mut poll, mut other_poll], bells) = ends(false);
        bells.iter().for_each(|bell| bell.nap());
        let frames: Vec<Frame> = (0..10).map(|number| segment(usize::from(number % 2), number)).collect();
        devices[wrong].brings.lock().unwrap().extend(frames.iter().cloned());
        let here = receive(if wrong == 0 { &mut first } else { &mut second });
        let there = if wrong == 0 { &mut second } else { &mut first };
        assert_eq!(there.poll_timeout(), Some(Instant::ZERO), "there is something to take in");
        let there = receive(there);
        let [even, odd] = if wrong == 0 { [here, there] } else { [there, here] };
        let expected = |odd: usize| frames.iter().skip(odd).step_by(2).map(Frame::to_vec).collect::<Vec<_>>();
        assert_eq!((even, odd), (expected(0), expected(1)));
        assert_eq!([is_rung(&mut poll), is_rung(&mut other_poll)], [wrong == 1, wrong == 0]);
        assert_eq!((first.poll_timeout(), second.poll_timeout()), (None, None));
    }
}

#[test]
fn what_may_tell_of_a_neighbour_reaches_all_shards() {
    let ((_first, a), (_second, b)) = (bell(), bell());
    let medium = Medium::Ethernet(wire::ethernet::MacAddress([2, 0, 0, 0, 0, 1]));
    let ends = Ends::new(&[a, b], false, steering(), medium, CAPABILITIES);
    let device = Device::default();
    let mut arp = vec![0xff; 42];
    arp[12..14].copy_from_slice(&[8, 6]);
    device.brings.lock().unwrap().push_back(Frame::copy_of(&arp));
    let mut first = ends.end(0, Some(Box::new(device)));
    let mut second = ends.end(1, None);
    assert_eq!(receive(&mut first), [arp.clone()]);
    assert_eq!(receive(&mut second), [arp]);
}

#[test]
fn a_shard_without_a_device_sends_by_the_first_one_s() {
    let ([mut first, mut second], devices, [mut poll, _], bells) = ends(true);
    bells[0].nap();
    let mut waiting: VecDeque<Frame> = (0..5).map(frame).collect();
    assert!(second.transmit(Instant::ZERO, &mut waiting).unwrap());
    assert!(is_rung(&mut poll));
    assert_eq!(first.poll_timeout(), Some(Instant::ZERO));
    // The device takes two: what was begun for others goes before what the first shard has meanwhile.
    *devices[0].room.lock().unwrap() = 2;
    assert!(!first.transmit(Instant::ZERO, &mut VecDeque::new()).unwrap());
    assert_eq!(first.poll_timeout(), None, "full: the source tells when it is not");
    *devices[0].room.lock().unwrap() = 100;
    assert!(first.transmit(Instant::ZERO, &mut VecDeque::from([frame(5)])).unwrap());
    let sent: Vec<_> = devices[0].taken.lock().unwrap().iter().map(Frame::to_vec).collect();
    assert_eq!(sent, (0..6).map(|number| frame(number).to_vec()).collect::<Vec<_>>());
    assert_eq!((first.poll_timeout(), second.poll_timeout()), (None, None));
    // Without room it waits until it is told.
    let mut waiting: VecDeque<Frame> = (0..outbox::MOST_FRAMES + 1).map(frame).collect();
    assert!(!second.transmit(Instant::ZERO, &mut waiting).unwrap());
    assert_eq!(second.poll_timeout(), Some(Instant::FAR_FUTURE));
    bells[1].nap();
    assert!(!first.transmit(Instant::ZERO, &mut VecDeque::new()).unwrap() || waiting.len() == 1);
    *devices[0].room.lock().unwrap() = 1000;
    assert!(first.transmit(Instant::ZERO, &mut VecDeque::new()).unwrap());
    assert_eq!(second.poll_timeout(), Some(Instant::ZERO));
    assert!(second.transmit(Instant::ZERO, &mut waiting).unwrap() && waiting.is_empty());
}
