//! Who opens a LAN, and what happens when its switch goes.

use super::*;
use std::io::ErrorKind;
use std::os::unix::net::UnixListener;

fn join(directory: &Directory, n: u16) -> Nic {
    Nic::join(directory.lan(), mac(n), 1500).unwrap()
}

/// Drives all stations, as their event loops would, until `done`.
fn drive(nics: &mut [Nic], what: &str, mut done: impl FnMut(&mut [Nic], &[VecDeque<Frame>]) -> bool) {
    let mut arrived: Vec<VecDeque<Frame>> = nics.iter().map(|_| VecDeque::new()).collect();
    until(what, || {
        for (nic, arrived) in nics.iter_mut().zip(&mut arrived) {
            nic.receive(now(), arrived, 64).unwrap();
        }
        done(nics, &arrived)
    });
}

/// Frames cross from each to the other.
fn assert_joined(a: &mut Nic, b: &mut Nic) {
    for n in 0..2 {
        let (from, to) = if n == 0 { (&mut *a, &mut *b) } else { (&mut *b, &mut *a) };
        let frame = bytes(MacAddress::BROADCAST, mac(77), 46, n);
        // A station that has just reconnected may not have been accepted yet: then the frame is lost.
        let mut arrived = VecDeque::new();
        until("a broadcast crosses", || {
            send(from, &frame);
            thread::sleep(Duration::from_millis(2));
            to.receive(now(), &mut arrived, 64).unwrap();
            arrived.iter().any(|arrived| arrived.to_vec() == frame)
        });
    }
}

#[test]
fn the_first_station_opens_the_lan_and_the_second_finds_it() {
    let directory = Directory::new();
    let (mut a, mut b) = (join(&directory, 1), join(&directory, 2));
    assert_eq!((a.has_switch(), b.has_switch()), (true, false));
    assert_joined(&mut a, &mut b);
    drop((b, a));
    assert!(!directory.lan().path.exists());
}

#[test]
fn of_many_that_start_at_once_exactly_one_opens_the_lan() {
    let directory = Directory::new();
    let nics: Vec<Nic> = thread::scope(|scope| {
        let joining: Vec<_> = (1..=16)
            .map(|n| {
                scope.spawn({
                    let directory = &directory;
                    move || join(directory, n)
                })
            })
            .collect();
        joining.into_iter().map(|nic| nic.join().unwrap()).collect()
    });
    assert_eq!(nics.iter().filter(|nic| nic.has_switch()).count(), 1);
}

#[test]
fn a_socket_left_by_a_dead_process_is_taken_over() {
    let directory = Directory::new();
    drop(UnixListener::bind(directory.lan().path).unwrap());
    let (mut a, mut b) = (join(&directory, 1), join(&directory, 2));
    assert!(a.has_switch());
    assert_joined(&mut a, &mut b);
}

#[test]
fn when_the_owner_of_the_switch_goes_one_of_the_others_opens_it_again() {
    let directory = Directory::new();
    let mut nics: Vec<Nic> = (1..=4).map(|n| join(&directory, n)).collect();
    assert!(nics[0].has_switch());
    for left in [3, 2] {
        let owner = nics.iter().position(Nic::has_switch).unwrap();
        let generations: Vec<_> = nics.iter().map(|nic| nic.source().unwrap().generation).collect();
        drop(nics.remove(owner));
        drive(&mut nics, "all have noticed", |nics, _| nics.iter().all(|nic| nic.source().is_none()));
        // What is sent meanwhile is lost and no error; nothing is due before the pause is over.
        assert!(nics[0].poll_timeout().is_some());
        drive(&mut nics, "all are back", |nics, _| nics.iter().all(|nic| nic.source().is_some()));
        assert_eq!((nics.len(), nics.iter().filter(|nic| nic.has_switch()).count()), (left, 1));
        assert!(nics.iter().all(|nic| nic.source().unwrap().generation > generations[0]));
        assert_eq!(nics[0].poll_timeout(), None);
        let (a, b) = nics.split_at_mut(1);
        assert_joined(&mut a[0], &mut b[0]);
    }
}

const OWNER: &str = "NETSTRATA_LINK_TEST_OWNER_OF";

/// Two processes: the one that has the switch is killed, and the kernel alone tidies up after it.
#[test]
fn when_the_process_with_the_switch_is_killed_another_takes_over() {
    if let Some(directory) = std::env::var_os(OWNER) {
        // The inner call: the owner, until it is killed.
        let path = std::path::PathBuf::from(directory);
        let nic = Nic::join(LanAddress::new(path.join("lan.sock")), mac(1), 1500).unwrap();
        std::fs::write(path.join("ready"), nic.has_switch().to_string()).unwrap();
        thread::sleep(Duration::from_secs(60));
        return;
    }
    let directory = Directory::new();
    let mut owner = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "lan::tests::recovery::when_the_process_with_the_switch_is_killed_another_takes_over",
        ])
        .env(OWNER, directory.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let ready = directory.path().join("ready");
    until("the other process has opened the lan", || {
        std::fs::read_to_string(&ready).is_ok_and(|text| text == "true")
    });
    let mut nics = vec![join(&directory, 2), join(&directory, 3)];
    assert!(nics.iter().all(|nic| !nic.has_switch()));
    owner.kill().unwrap();
    owner.wait().unwrap();
    assert!(directory.lan().path.exists());
    drive(&mut nics, "one of the others is the switch", |nics, _| {
        nics.iter().all(|nic| nic.source().is_some())
            && nics.iter().filter(|nic| nic.has_switch()).count() == 1
    });
    let (a, b) = nics.split_at_mut(1);
    assert_joined(&mut a[0], &mut b[0]);
}

#[test]
fn frames_sent_while_there_is_no_switch_are_lost_and_no_error() {
    let directory = Directory::new();
    let listener = UnixListener::bind(directory.lan().path).unwrap();
    let mut nic = join(&directory, 1);
    drop(listener.accept().unwrap());
    drop(listener);
    let mut arrived = VecDeque::new();
    let gone = now();
    assert!(!nic.receive(gone, &mut arrived, 64).unwrap());
    assert_eq!(nic.source(), None);
    let mut waiting: VecDeque<Frame> = (0..3).map(|_| Frame::copy_of(&[0; 60])).collect();
    assert!(nic.transmit(gone, &mut waiting).unwrap());
    assert_eq!((waiting.len(), nic.lost()), (0, 3));
    until("it has opened the lan itself", || {
        nic.receive(now(), &mut arrived, 64).unwrap();
        nic.has_switch()
    });
}

#[test]
fn a_station_that_is_thrown_out_again_and_again_tries_ever_more_slowly() {
    let directory = Directory::new();
    let listener = UnixListener::bind(directory.lan().path).unwrap();
    let mut nic = join(&directory, 1);
    let (mut time, mut arrived) = (now(), VecDeque::new());
    let mut pauses = Vec::new();
    for _ in 0..8 {
        drop(listener.accept().unwrap());
        nic.receive(time, &mut arrived, 64).unwrap();
        let next = nic.poll_timeout().unwrap();
        pauses.push((next - time).as_millis());
        time = next;
        nic.receive(time, &mut arrived, 64).unwrap();
    }
    assert_eq!(pauses, [20, 40, 80, 160, 320, 640, 1000, 1000]);
}

#[test]
fn a_switch_that_talks_nonsense_is_left() {
    let directory = Directory::new();
    let listener = UnixListener::bind(directory.lan().path).unwrap();
    let mut nic = join(&directory, 1);
    let (mut stream, _) = listener.accept().unwrap();
    stream.write_all(b"HTTP/1.1 200 OK").unwrap();
    assert!(!nic.receive(now(), &mut VecDeque::new(), 64).unwrap());
    assert_eq!(nic.source(), None);
}

#[test]
fn a_second_switch_at_the_same_address_is_refused() {
    let lan = Running::start();
    let Err(error) = Switch::bind(&lan.address) else { panic!("two switches at one address") };
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    assert!(error.to_string().contains("already"), "{error}");
}

#[test]
fn no_station_has_a_group_address() {
    let Err(error) = Nic::join(Directory::new().lan(), MacAddress::BROADCAST, 1500) else { panic!("joined") };
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}
