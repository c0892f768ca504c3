//! The ends of connections: closing, resetting, lingering.

use crate::LIMIT;
use crate::common::{connected, pair, pattern, within};
use netstrata::tcp::State;
use std::io::{ErrorKind, IoSliceMut, Read, Write};
use std::net::Shutdown;
use std::thread;
use std::time::Duration;

#[test]
fn either_side_may_close_first_and_the_other_goes_on() {
    within(LIMIT, || {
        let (left, right) = pair();
        for client_first in [true, false] {
            let (client, server) = connected(&left, &right);
            let (mut first, mut second) = if client_first { (client, server) } else { (server, client) };
            first.write_all(b"all I have").unwrap();
            first.shutdown(Shutdown::Write).unwrap();
            let mut heard = String::new();
            second.read_to_string(&mut heard).unwrap();
            assert_eq!(heard, "all I have");
            second.write_all(&pattern(300_000)).unwrap();
            drop(second);
            let mut rest = Vec::new();
            first.read_to_end(&mut rest).unwrap();
            assert!(rest == pattern(300_000));
        }
    });
}

#[test]
fn what_was_written_before_a_drop_still_arrives() {
    within(LIMIT, || {
        let (left, right) = pair();
        let (client, mut server) = connected(&left, &right);
        let bytes = pattern(1 << 20);
        let writing = thread::spawn(move || {
            (&client).write_all(&bytes).unwrap();
            drop(client);
            // The last handle to the host goes, too: its driver delivers all the same.
            drop(left);
        });
        thread::sleep(Duration::from_millis(50));
        let mut received = Vec::new();
        server.read_to_end(&mut received).unwrap();
        writing.join().unwrap();
        assert!(received == pattern(1 << 20), "{} bytes arrived", received.len());
    });
}

#[test]
fn a_reset_is_told_once_then_the_end() {
    within(LIMIT, || {
        let (left, right) = pair();
        let (mut client, server) = connected(&left, &right);
        server.set_linger(Some(Duration::ZERO)).unwrap();
        assert_eq!(server.linger().unwrap(), Some(Duration::ZERO));
        drop(server);
        assert_eq!(client.read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
        assert_eq!(client.write(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
        assert!(client.take_error().unwrap().is_none());
    });
}

/// As `std::net` has it on Linux, where EPIPE is the error of a reset in CLOSE-WAIT.
#[test]
fn a_reset_behind_the_end_is_for_who_writes_and_a_reader_has_the_end() {
    within(LIMIT, || {
        let (left, right) = pair();
        for writes_first in [true, false] {
            let (mut client, server) = connected(&left, &right);
            drop(server);
            assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
            // Nobody takes this: a RST is the answer.
            assert_eq!(client.write(b"x").unwrap(), 1);
            while client.info().unwrap().state != State::Closed {
                thread::yield_now();
            }
            if !writes_first {
                assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
                assert_eq!(client.peek(&mut [0; 8]).unwrap(), 0);
                let error = client.take_error().unwrap().unwrap();
                assert_eq!(error.kind(), ErrorKind::BrokenPipe, "{error}");
            }
            assert_eq!(client.write(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
            assert_eq!(client.write(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
            assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
            assert!(client.take_error().unwrap().is_none());
        }
    });
}

#[test]
fn a_read_of_slices_that_are_filled_exactly_leaves_the_reset_to_the_next() {
    within(LIMIT, || {
        let (left, right) = pair();
        let (mut client, mut server) = connected(&left, &right);
        server.set_linger(Some(Duration::ZERO)).unwrap();
        server.write_all(b"12345").unwrap();
        client.peek(&mut [0; 8]).unwrap();
        drop(server);
        // The reset is here by then.
        thread::sleep(Duration::from_millis(200));
        let (mut first, mut second) = ([0; 5], [0; 8]);
        let slices = &mut [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
        assert_eq!(client.read_vectored(slices).unwrap(), 5);
        assert_eq!(client.read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    });
}

#[test]
fn unread_bytes_turn_a_drop_into_a_reset() {
    within(LIMIT, || {
        let (left, right) = pair();
        let (mut client, server) = connected(&left, &right);
        client.write_all(b"nobody reads this").unwrap();
        let mut peeked = [0; 6];
        assert_eq!(server.peek(&mut peeked).unwrap(), 6);
        assert_eq!(&peeked, b"nobody");
        drop(server);
        assert_eq!(client.read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    });
}

#[test]
fn writing_after_shutdown_is_a_broken_pipe() {
    within(LIMIT, || {
        let (left, right) = pair();
        let (mut client, mut server) = connected(&left, &right);
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(client.write(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
        assert_eq!(server.read(&mut [0; 1]).unwrap(), 0);
        server.write_all(b"still open").unwrap();
        drop(server);
        let mut text = String::new();
        client.read_to_string(&mut text).unwrap();
        assert_eq!(text, "still open");
    });
}

#[test]
fn shutting_down_the_reading_side_ends_a_read_that_waits() {
    within(LIMIT, || {
        let (left, right) = pair();
        let (client, _server) = connected(&left, &right);
        let mut reader = client.try_clone().unwrap();
        let reading = thread::spawn(move || reader.read(&mut [0; 8]).unwrap());
        thread::sleep(Duration::from_millis(30));
        client.shutdown(Shutdown::Read).unwrap();
        assert_eq!(reading.join().unwrap(), 0);
    });
}

#[test]
fn a_linger_time_waits_for_the_peer_to_have_it_all() {
    within(LIMIT, || {
        let (left, right) = pair();
        let (mut client, mut server) = connected(&left, &right);
        client.set_linger(Some(Duration::from_secs(10))).unwrap();
        client.write_all(&pattern(500_000)[..250_000]).unwrap();
        let reading = thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            let mut received = Vec::new();
            server.read_to_end(&mut received).unwrap();
            received.len()
        });
        drop(client);
        let undelivered = left.with(|stack, _| stack.tcp().undelivered());
        assert_eq!(undelivered, 0);
        assert_eq!(reading.join().unwrap(), 250_000);
    });
}
