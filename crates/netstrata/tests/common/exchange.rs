//! Calls both ways between a host of ours and the kernel.

use super::pattern;
use netstrata::{Host, TcpListener, TcpStream};
use std::io::{Read, Write};
use std::net::{IpAddr, Shutdown};
use std::thread;

/// Sends `length` bytes and gets the same back, on whichever stack's stream.
fn call(mut stream: impl Read + Write, number: usize, length: usize, shut: impl FnOnce()) {
    let sent = &pattern(length + number)[number..];
    stream.write_all(sent).unwrap();
    shut();
    let mut back = Vec::new();
    stream.read_to_end(&mut back).unwrap();
    assert!(back == sent, "call {number}: {} bytes came back", back.len());
}

fn answer(mut stream: impl Read + Write) {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    stream.write_all(&bytes).unwrap();
}

/// So many calls each way at once, to port 7 of the host at `ours` and of the kernel at `kernel`.
pub(crate) fn exchange(host: &Host, ours: IpAddr, kernel: IpAddr, connections: usize, length: usize) {
    let our_listener = TcpListener::bind(host, (ours, 7)).unwrap();
    let kernels = std::net::TcpListener::bind((kernel, 7)).unwrap();
    let mut threads = Vec::new();
    threads.push(thread::spawn(move || {
        let answering: Vec<_> = (0..connections)
            .map(|_| our_listener.accept().unwrap().0)
            .map(|stream| thread::spawn(move || answer(stream)))
            .collect();
        answering.into_iter().for_each(|thread| thread.join().unwrap());
    }));
    threads.push(thread::spawn(move || {
        let answering: Vec<_> = (0..connections)
            .map(|_| kernels.accept().unwrap().0)
            .map(|stream| thread::spawn(move || answer(stream)))
            .collect();
        answering.into_iter().for_each(|thread| thread.join().unwrap());
    }));
    for number in 0..connections {
        let host = host.clone();
        threads.push(thread::spawn(move || {
            let stream = TcpStream::connect(&host, (kernel, 7)).unwrap();
            let other = stream.try_clone().unwrap();
            call(stream, number, length, || other.shutdown(Shutdown::Write).unwrap());
        }));
        threads.push(thread::spawn(move || {
            let stream = std::net::TcpStream::connect((ours, 7)).unwrap();
            let other = stream.try_clone().unwrap();
            call(stream, number, length, || other.shutdown(Shutdown::Write).unwrap());
        }));
    }
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}
