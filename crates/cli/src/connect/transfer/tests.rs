use super::*;
use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Mutex;
use std::thread;

/// A connected pair of the operating system's sockets: ours and the peer's.
fn pair() -> (Arc<dyn Socket>, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (Arc::new(ours), listener.accept().unwrap().0)
}

/// Ends that send these pieces, then end, or wait for ever; and what comes out.
fn ends(pieces: &[&[u8]], then_end: bool) -> (Ends, Arc<Mutex<Vec<u8>>>) {
    let mut pieces: VecDeque<Vec<u8>> = pieces.iter().map(|piece| piece.to_vec()).collect();
    let output = Arc::new(Mutex::new(Vec::new()));
    let out = Arc::clone(&output);
    let input = move |room: &mut [u8]| match pieces.pop_front() {
        Some(piece) => {
            room[..piece.len()].copy_from_slice(&piece);
            Ok(piece.len())
        }
        None if then_end => Ok(0),
        None => loop {
            thread::park();
        },
    };
    let take = move |bytes: &[u8]| {
        out.lock().unwrap().extend_from_slice(bytes);
        Ok(())
    };
    (Ends { input: Box::new(input), output: Box::new(take) }, output)
}

/// Without signals.
fn hold(socket: &Arc<dyn Socket>, ends: Ends, manner: Manner) -> Result<(), Trouble> {
    super::hold(socket, ends, manner, &OnFirst::default())
}

fn read_all(peer: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    peer.read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn the_inputs_end_is_a_fin_and_reading_goes_on() {
    let (socket, mut peer) = pair();
    let (ends, output) = ends(&[b"one ", b"two"], true);
    let peer = thread::spawn(move || {
        assert_eq!(read_all(&mut peer), b"one two");
        thread::sleep(Duration::from_millis(50));
        peer.write_all(b"late answer").unwrap();
    });
    hold(&socket, ends, Manner::default()).unwrap();
    peer.join().unwrap();
    assert_eq!(*output.lock().unwrap(), b"late answer");
}

#[test]
fn the_peers_end_ends_the_call_though_the_input_goes_on() {
    let (socket, mut peer) = pair();
    let (ends, output) = ends(&[], false);
    peer.write_all(b"bye").unwrap();
    peer.shutdown(Shutdown::Write).unwrap();
    hold(&socket, ends, Manner::default()).unwrap();
    assert_eq!(*output.lock().unwrap(), b"bye");
}

#[test]
fn a_peer_that_ends_first_still_gets_what_flows() {
    let (socket, mut peer) = pair();
    let payload = vec![7; 1 << 16];
    let pieces: Vec<&[u8]> = (0..64).map(|_| payload.as_slice()).collect();
    let (ends, output) = ends(&pieces, false);
    peer.write_all(b"bye").unwrap();
    peer.shutdown(Shutdown::Write).unwrap();
    let peer = thread::spawn(move || {
        // Longer than an idle input is waited for.
        thread::sleep(IDLE * 3);
        let mut read = vec![0; 64 << 16];
        peer.read_exact(&mut read).unwrap();
    });
    hold(&socket, ends, Manner::default()).unwrap();
    peer.join().unwrap();
    assert_eq!(*output.lock().unwrap(), b"bye");
}

#[test]
fn a_peer_that_ends_first_and_never_reads_is_not_waited_for() {
    let (socket, peer) = pair();
    let (mut ends, _) = ends(&[], false);
    ends.input = Box::new(|room| {
        room.fill(7);
        Ok(room.len())
    });
    peer.shutdown(Shutdown::Write).unwrap();
    let manner = Manner { wait: Some(Duration::from_millis(500)), ..Manner::default() };
    let trouble = hold(&socket, ends, manner).unwrap_err();
    assert!(
        matches!(&trouble, Trouble::Connection(error) if error.kind() == ErrorKind::TimedOut),
        "{trouble:?}"
    );
}

#[test]
fn with_no_shutdown_the_peer_sees_no_end_and_silence_ends_the_call() {
    let (socket, mut peer) = pair();
    let (ends, output) = ends(&[b"x"], true);
    let manner = Manner { no_shutdown: true, wait: Some(Duration::from_secs(2)), ..Manner::default() };
    let begun = Instant::now();
    let peer = thread::spawn(move || {
        let mut byte = [0];
        peer.read_exact(&mut byte).unwrap();
        // Something now and then keeps the call alive, for longer than it waits in silence: far from its end each time, for this
        // thread may come late on a busy machine.
        for _ in 0..9 {
            thread::sleep(Duration::from_millis(250));
            peer.write_all(b".").unwrap();
        }
        peer.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        assert!(peer.read(&mut byte).is_err(), "an end or data where none was due");
        peer
    });
    hold(&socket, ends, manner).unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(9 * 250 + 2000), "{:?}", begun.elapsed());
    assert_eq!(*output.lock().unwrap(), b".........");
    drop(peer.join().unwrap());
}

#[test]
fn send_only_forgets_what_arrives_and_does_not_end_with_the_peer() {
    let (socket, mut peer) = pair();
    let payload = vec![7; 1 << 16];
    let pieces: Vec<&[u8]> = (0..64).map(|_| payload.as_slice()).collect();
    let (ends, output) = ends(&pieces, true);
    peer.write_all(b"not wanted").unwrap();
    peer.shutdown(Shutdown::Write).unwrap();
    let peer = thread::spawn(move || {
        thread::sleep(Duration::from_millis(100));
        read_all(&mut peer).len()
    });
    hold(&socket, ends, Manner { send_only: true, ..Manner::default() }).unwrap();
    drop(socket);
    assert_eq!(peer.join().unwrap(), 64 << 16);
    assert!(output.lock().unwrap().is_empty());
}

#[test]
fn recv_only_leaves_the_input_alone_and_sends_no_end() {
    let (socket, mut peer) = pair();
    let (mut ends, output) = ends(&[], true);
    ends.input = Box::new(|_| panic!("the input was read"));
    let peer = thread::spawn(move || {
        peer.write_all(b"news").unwrap();
        peer.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        assert!(peer.read(&mut [0]).is_err(), "an end where none was due");
    });
    hold(&socket, ends, Manner { recv_only: true, ..Manner::default() }).unwrap();
    assert_eq!(*output.lock().unwrap(), b"news");
    peer.join().unwrap();
}

#[test]
fn a_reset_is_told_whichever_side_meets_it() {
    for sending in [true, false] {
        let (socket, peer) = pair();
        let piece: &[u8] = if sending { b"x" } else { b"" };
        let (mut ends, _) = ends(&[], false);
        if sending {
            let bytes = piece.to_vec();
            ends.input = Box::new(move |room| {
                thread::sleep(Duration::from_millis(1));
                room[..1].copy_from_slice(&bytes);
                Ok(1)
            });
        }
        let linger = socket2::SockRef::from(&peer).set_linger(Some(Duration::ZERO));
        linger.unwrap();
        drop(peer);
        let trouble = hold(&socket, ends, Manner::default()).unwrap_err();
        assert!(
            matches!(&trouble, Trouble::Connection(error) if error.kind() == ErrorKind::ConnectionReset),
            "{trouble:?}"
        );
    }
}

#[test]
fn failures_of_input_and_output_are_told_apart() {
    let (socket, _peer) = pair();
    let (mut failing, _) = ends(&[], false);
    failing.input = Box::new(|_| Err(io::Error::other("unplugged")));
    assert!(matches!(hold(&socket, failing, Manner::default()), Err(Trouble::Input(_))));

    let (socket, mut peer) = pair();
    let (mut failing, _) = ends(&[], false);
    failing.output = Box::new(|_| Err(ErrorKind::BrokenPipe.into()));
    peer.write_all(b"x").unwrap();
    assert!(matches!(hold(&socket, failing, Manner::default()), Err(Trouble::Output(_))));
}
