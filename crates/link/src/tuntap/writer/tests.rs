use super::*;
use crate::departure::Form;
use crate::testing::Directory;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;

const MILLIS: u64 = 100_000;
const NOW: Instant = Instant::from_millis(MILLIS);

/// An outlet to a socket that keeps frames apart, as an interface does, and its other end.
fn outlet() -> (Arc<Mutex<Outlet>>, UnixDatagram) {
    let (near, far) = UnixDatagram::pair().unwrap();
    near.set_nonblocking(true).unwrap();
    far.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let file = Arc::new(File::from(OwnedFd::from(near)));
    (Arc::new(Mutex::new(Outlet::new(file, "tun0", Form::Packets, 0))), far)
}

fn frames(numbers: std::ops::Range<u32>) -> VecDeque<Frame> {
    numbers.map(|number| Frame::copy_of(&number.to_be_bytes())).collect()
}

fn received(far: &UnixDatagram, count: usize) -> Vec<u32> {
    let mut number = [0; 4];
    let mut numbers = Vec::new();
    for _ in 0..count {
        assert_eq!(far.recv(&mut number).unwrap(), 4);
        numbers.push(u32::from_be_bytes(number));
    }
    numbers
}

#[test]
fn frames_leave_in_their_order_whoever_hands_them_over_and_also_by_one_who_takes_few() {
    let (outlet, far) = outlet();
    let writer = Writer::start(&outlet, None).unwrap();
    let reading = thread::spawn(move || received(&far, 5_000));
    let mut next = 0;
    for length in [1, 300, 3, 40, 1].into_iter().cycle() {
        let mut batch = frames(next..(next + length).min(5_000));
        next += length;
        match writer.is_idle() && length < 8 {
            true => while !outlet.lock().unwrap().send(&mut batch).unwrap() {},
            false => writer.give(NOW, &mut batch).unwrap(),
        }
        assert!(batch.is_empty());
        if next >= 5_000 {
            break;
        }
    }
    assert_eq!(reading.join().unwrap(), (0..5_000).collect::<Vec<_>>());
}

#[test]
fn what_was_given_is_handed_over_before_the_end() {
    let (outlet, far) = outlet();
    let writer = Writer::start(&outlet, None).unwrap();
    // No more than such a socket holds.
    writer.give(NOW, &mut frames(0..5)).unwrap();
    drop(writer);
    assert_eq!(received(&far, 5), [0, 1, 2, 3, 4]);
}

#[test]
fn a_kernel_that_takes_nothing_does_not_delay_the_end() {
    let (outlet, _far) = outlet();
    let writer = Writer::start(&outlet, None).unwrap();
    // More than such a socket holds, and then something behind what the thread has in its hands.
    writer.give(NOW, &mut frames(0..5_000)).unwrap();
    while !writer.shared.lock().frames.is_empty() {
        thread::yield_now();
    }
    writer.give(NOW, &mut frames(5_000..5_001)).unwrap();
    let (done, end) = std::sync::mpsc::channel();
    thread::spawn(move || {
        drop(writer);
        done.send(()).unwrap();
    });
    end.recv_timeout(Duration::from_secs(60)).expect("the thread ends");
}

#[test]
fn who_gives_waits_while_the_bound_is_reached() {
    let (outlet, far) = outlet();
    let writer = Writer::start(&outlet, None).unwrap();
    // The thread takes one batch into its hands and cannot write it.
    let held = outlet.lock().unwrap();
    writer.give(NOW, &mut frames(0..1)).unwrap();
    while !writer.shared.lock().frames.is_empty() {
        thread::yield_now();
    }
    writer.give(NOW, &mut frames(1..MOST_FRAMES as u32 + 1)).unwrap();
    let reading = thread::spawn(move || received(&far, MOST_FRAMES + 2));
    thread::scope(|scope| {
        let giving =
            scope.spawn(|| writer.give(NOW, &mut frames(MOST_FRAMES as u32 + 1..MOST_FRAMES as u32 + 2)));
        thread::sleep(Duration::from_millis(20));
        assert!(!giving.is_finished());
        drop(held);
        giving.join().unwrap().unwrap();
    });
    assert_eq!(reading.join().unwrap().last(), Some(&(MOST_FRAMES as u32 + 1)));
}

#[test]
fn one_who_waits_for_room_is_not_left_behind_by_an_interface_that_is_gone() {
    // Whatever is written to it fails as it does at an interface that was taken away.
    let file = Arc::new(File::open("/dev/null").unwrap());
    let outlet = Arc::new(Mutex::new(Outlet::new(file, "tun0", Form::Packets, 0)));
    let writer = Writer::start(&outlet, None).unwrap();
    let error = loop {
        if let Err(error) = writer.give(NOW, &mut frames(0..MOST_FRAMES as u32)) {
            break error;
        }
    };
    assert_eq!(error.to_string(), "the interface tun0 has been taken away");
    assert!(writer.give(NOW, &mut frames(0..1)).is_err(), "it stays so");
}

/// A switch that is a file of a test, and what it says.
fn switch(directory: &Directory, state: &str) -> (Switch, impl Fn() -> String + use<>) {
    let path = directory.path().join("threaded");
    std::fs::write(&path, state).unwrap();
    let file = File::options().read(true).write(true).open(&path).unwrap();
    (Switch::new(file), move || std::fs::read_to_string(&path).unwrap())
}

fn wait_until(what: impl Fn() -> bool) {
    let start = std::time::Instant::now();
    while !what() {
        assert!(start.elapsed() < Duration::from_secs(60), "it does not come");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Has so much been given before now that it is fast.
fn hurry(writer: &Writer) {
    let mut queue = writer.shared.lock();
    queue.pace = Pace::new();
    (1..=100).rev().for_each(|ago| queue.pace.on_frames(Instant::from_millis(MILLIS - ago), 100));
    assert!(queue.pace.is_fast());
}

#[test]
fn the_kernels_thread_takes_in_what_is_written_while_there_is_much_of_it() {
    let directory = Directory::new();
    let (switch, state) = switch(&directory, "0\n");
    let (outlet, far) = outlet();
    let writer = Writer::start(&outlet, Some(switch)).unwrap();
    // Not for a few frames, nor for a burst.
    writer.give(Instant::from_millis(MILLIS - 1_000), &mut frames(0..5)).unwrap();
    assert_eq!((received(&far, 5).len(), state().as_str()), (5, "0\n"));
    hurry(&writer);
    for number in 0..2 {
        // It is turned on before anything is written.
        let held = outlet.lock().unwrap();
        writer.give(NOW, &mut frames(number..number + 1)).unwrap();
        wait_until(|| state() == "1\n");
        drop(held);
        assert_eq!(received(&far, 1), [number]);
        // There is nothing for a while.
        wait_until(|| state() == "0\n");
    }
    // Then there is little.
    writer.give(NOW + Duration::from_secs(1), &mut frames(2..3)).unwrap();
    assert_eq!((received(&far, 1), state().as_str()), (vec![2], "0\n"));
    hurry(&writer);
    writer.give(NOW, &mut frames(3..4)).unwrap();
    drop(writer);
    assert_eq!((received(&far, 1), state().as_str()), (vec![3], "0\n"));
}

#[test]
fn a_kernels_thread_that_somebody_else_asked_for_stays_and_is_asked_after_once() {
    let directory = Directory::new();
    let (switch, state) = switch(&directory, "1\n");
    let (outlet, far) = outlet();
    let writer = Writer::start(&outlet, Some(switch)).unwrap();
    hurry(&writer);
    writer.give(NOW, &mut frames(0..1)).unwrap();
    drop(writer);
    assert_eq!((received(&far, 1), state().as_str()), (vec![0], "1\n"));

    let (mut switch, _) = self::switch(&directory, "1\n");
    switch.turn(true).unwrap();
    // Whoever looked again would see that it is off now.
    let path = directory.path().join("threaded");
    std::fs::write(&path, "0\n").unwrap();
    switch.turn(true).unwrap();
    switch.turn(false).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "0\n");
    switch.turn(true).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "1\n");
}

#[test]
fn without_the_right_to_ask_for_a_kernels_thread_frames_leave_as_ever() {
    let directory = Directory::new();
    let path = directory.path().join("threaded");
    std::fs::write(&path, "0\n").unwrap();
    let (outlet, far) = outlet();
    let read_only = Switch::new(File::open(&path).unwrap());
    let writer = Writer::start(&outlet, Some(read_only)).unwrap();
    hurry(&writer);
    writer.give(NOW, &mut frames(0..5)).unwrap();
    assert_eq!(received(&far, 5), [0, 1, 2, 3, 4]);
}
