//! Data that comes with a SYN (RFC 7413).

use super::*;
use crate::config::FastOpenServer;
use wire::tcp::FastOpen;

/// A SYN with five bytes of data and a cookie.
fn syn(host: &mut Host, n: u32, fast_open: FastOpen) -> Result<(), Dropped> {
    let header = Header {
        source_port: 1000,
        destination_port: 80,
        sequence: Seq(7),
        acknowledgment: Seq(0),
        flags: Flags::SYN,
        window: 1000,
        urgent: 0,
        options: Options { fast_open: Some(fast_open), ..Options::NONE },
    };
    let mut frame = Frame::copy_of(b"hello");
    header.prepend_to(&mut frame, peer(n), LOCAL);
    host.on_segment(Instant::ZERO, || PATH, LOCAL, peer(n), &mut frame)
}

fn syn_ack(host: &mut Host) -> Header {
    let mut frame = Frame::new();
    host.poll_transmit(Instant::ZERO, 0, &mut frame).unwrap();
    Header::parse(frame.first()).unwrap().0
}

#[test]
fn a_cookie_is_given_to_who_asks_and_opens_at_once_for_its_owner_alone() {
    let mut host = Host::new(Instant::ZERO, HostConfig::default(), [1; 32]);
    let listener = host.listen(None, 80, 10, SocketOptions::default()).unwrap();
    let server = FastOpenServer { pending: 1, key: None, require_cookie: true };
    assert!(host.set_fast_open(listener, Some(server)));
    assert_eq!(syn(&mut host, 1, FastOpen::REQUEST), Ok(()));
    let given = syn_ack(&mut host);
    assert_eq!(given.acknowledgment, Seq(8), "the data does not count");
    let cookie = given.options.fast_open.unwrap();
    assert_eq!(cookie.cookie().len(), 8);
    assert_eq!(segment(&mut host, Instant::ZERO, peer(1), Flags::RST, (8, 0)), Ok(()));
    // Somebody else's cookie is answered by the right one.
    assert_eq!(syn(&mut host, 2, cookie), Ok(()));
    let other = syn_ack(&mut host);
    assert_eq!(other.acknowledgment, Seq(8));
    assert_ne!(other.options.fast_open, Some(cookie));
    let mine = FastOpen::new(cookie.cookie(), true).unwrap();
    assert_eq!(syn(&mut host, 1, mine), Ok(()));
    let opened = syn_ack(&mut host);
    assert_eq!((opened.acknowledgment, opened.options.fast_open), (Seq(13), None));
    assert!(host.can_accept(listener));
    assert_eq!(host.counters().fast_opens, 1);
    // Only one may wait for the end of its handshake.
    let second = other.options.fast_open.unwrap();
    assert_eq!(segment(&mut host, Instant::ZERO, peer(2), Flags::RST, (8, 0)), Ok(()));
    assert_eq!(syn(&mut host, 2, second), Ok(()));
    assert_eq!(syn_ack(&mut host).acknowledgment, Seq(8));
    assert_eq!(segment(&mut host, Instant::ZERO, peer(2), Flags::RST, (8, 0)), Ok(()));
    let number = opened.sequence.0 + 1;
    assert_eq!(segment(&mut host, Instant::ZERO, peer(1), Flags::ACK, (13, number)), Ok(()));
    assert_eq!(syn(&mut host, 2, second), Ok(()));
    assert_eq!(syn_ack(&mut host).acknowledgment, Seq(13));
}
