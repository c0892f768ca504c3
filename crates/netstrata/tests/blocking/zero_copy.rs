//! Memory that goes through without a copy, and files.

use crate::LIMIT;
use crate::common::{connected, pair, pattern, within};
use bytes::Bytes;
use netstrata::{TcpStream, WriteMarks};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::net::Shutdown;
use std::thread;
use std::time::Duration;

/// All that comes, as it lies.
fn read_pieces(stream: &TcpStream) -> Vec<Bytes> {
    let mut pieces = Vec::new();
    loop {
        let before = pieces.iter().map(Bytes::len).sum::<usize>();
        let count = stream.read_bytes_vectored(&mut pieces, 1 << 20).unwrap();
        assert_eq!(pieces.iter().map(Bytes::len).sum::<usize>(), before + count);
        if count == 0 {
            return pieces;
        }
    }
}

#[test]
fn what_is_shared_arrives_in_the_memory_that_it_was_written_from() {
    within(LIMIT, || {
        let (left, right) = pair();
        let (client, server) = connected(&left, &right);
        let memory = Bytes::from(pattern(20_000_000));
        let written = memory.clone();
        let writing = thread::spawn(move || {
            client.write_all_bytes(written).unwrap();
            client.shutdown(Shutdown::Write).unwrap();
            client
        });
        let pieces = read_pieces(&server);
        let client = writing.join().unwrap();
        assert!(pieces.concat() == memory[..], "other bytes");
        let shared = pieces.iter().filter(|piece| memory.as_ptr_range().contains(&piece.as_ptr()));
        let shared: usize = shared.map(Bytes::len).sum();
        // What was taken in parts is copied together where they meet.
        assert!(shared > memory.len() / 10 * 9, "{shared} of {} bytes", memory.len());
        // Nobody holds it any more.
        drop((pieces, client, server));
        assert!(memory.is_unique());
    });
}

#[test]
fn all_ways_of_writing_and_reading_mixed_keep_the_order() {
    within(LIMIT, || {
        let (left, right) = pair();
        let (mut client, mut server) = connected(&left, &right);
        let sent = pattern(3_000_000);
        let bytes = Bytes::from(sent.clone());
        let writing = thread::spawn(move || {
            let (mut place, mut turn) = (0, 0);
            while place < bytes.len() {
                let length = [7, 30_000, 100, 150_000, 16_384][turn % 5].min(bytes.len() - place);
                let mut next = bytes.slice(place..place + length);
                place += match turn % 4 {
                    0 => client.write(&next).unwrap(),
                    1 => client.write_bytes(&mut next).unwrap(),
                    2 => client
                        .write_bytes_marked(&mut next, WriteMarks { more: true, ..WriteMarks::default() })
                        .unwrap(),
                    _ => {
                        let tail = next.split_off(length / 2);
                        client.write_bytes_vectored(&mut [next, tail]).unwrap()
                    }
                };
                turn += 1;
            }
            client.shutdown(Shutdown::Write).unwrap();
        });
        let (mut received, mut turn) = (Vec::new(), 0);
        loop {
            let most = [5, 300, 40_000][turn % 3];
            let before = received.len();
            match turn % 2 {
                0 => {
                    let mut out = vec![0; most];
                    let count = server.read(&mut out).unwrap();
                    received.extend_from_slice(&out[..count]);
                }
                _ => received.extend_from_slice(&server.read_bytes(most).unwrap()),
            }
            assert!(received.len() - before <= most);
            if received.len() == before {
                break;
            }
            turn += 1;
        }
        writing.join().unwrap();
        assert!(received == sent, "{} bytes came", received.len());
    });
}

#[test]
fn a_stream_that_does_not_wait_says_how_much_it_took() {
    let (left, right) = pair();
    let (client, server) = connected(&left, &right);
    client.set_nonblocking(true).unwrap();
    server.set_nonblocking(true).unwrap();
    assert_eq!(server.read_bytes(1).unwrap_err().kind(), ErrorKind::WouldBlock);
    let whole = 50_000_000;
    let mut bytes = Bytes::from(vec![7; whole]);
    let mut taken = 0;
    let error = loop {
        match client.write_bytes(&mut bytes) {
            Ok(count) => taken += count,
            Err(error) => break error,
        }
        assert_eq!(bytes.len(), whole - taken);
    };
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    assert!(taken > 0 && taken < whole);
    client.shutdown(Shutdown::Both).unwrap();
    assert_eq!(client.write_bytes(&mut bytes).unwrap_err().kind(), ErrorKind::BrokenPipe);
    assert!(client.read_bytes(10).unwrap().is_empty());
}

#[test]
fn a_part_of_a_file_is_sent_and_its_position_stays() {
    within(LIMIT, || {
        let (left, right) = pair();
        let (client, mut server) = connected(&left, &right);
        let path = std::env::temp_dir().join(format!("netstrata-send-file-{}", std::process::id()));
        let content = pattern(1_000_000);
        std::fs::write(&path, &content).unwrap();
        let mut file = std::fs::File::open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        file.seek(SeekFrom::Start(42)).unwrap();
        let sending = thread::spawn(move || {
            assert_eq!(client.send_file(&file, 1_000, 900_000).unwrap(), 900_000);
            // Its end comes first.
            assert_eq!(client.send_file(&file, 999_990, 100).unwrap(), 10);
            assert_eq!(client.send_file(&file, 2_000_000, 100).unwrap(), 0);
            assert_eq!(client.send_file(&file, 0, 0).unwrap(), 0);
            assert_eq!(file.stream_position().unwrap(), 42);
            // A reader that does not come: some is sent, and then nothing more can be.
            client.set_write_timeout(Some(Duration::from_millis(50))).unwrap();
            let mut sent = 0;
            loop {
                match client.send_file(&file, sent % 1_000_000, 100_000) {
                    Ok(count) => sent += count,
                    Err(error) => break assert_eq!(error.kind(), ErrorKind::WouldBlock),
                }
            }
            sent
        });
        let mut received = vec![0; 900_010];
        server.read_exact(&mut received).unwrap();
        assert!(received[..900_000] == content[1_000..901_000] && received[900_000..] == content[999_990..]);
        let sent = sending.join().unwrap() as usize;
        let mut rest = Vec::new();
        server.read_to_end(&mut rest).unwrap();
        assert_eq!(rest.len(), sent);
        assert!(rest.iter().enumerate().all(|(place, byte)| *byte == content[place % content.len()]));
    });
}
