//! Callers that talk until they are told the time is up, and check every answer.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use netstrata::Host;

use super::noise::Noise;

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// A caller at work; its result is how many messages came back.
pub type Talker = JoinHandle<u64>;

/// Calls over our own stack.
pub fn on_lan(host: &Host, to: SocketAddr) -> netstrata::TcpStream {
    let stream = netstrata::TcpStream::connect(host, to).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Calls over the operating system's sockets.
pub fn on_system(to: SocketAddr) -> std::net::TcpStream {
    let stream = std::net::TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Talks for `span`, with a pause after each answer, in a thread of its own.
pub fn talk(
    mut stream: impl Read + Write + Send + 'static,
    seed: u64,
    span: Duration,
    pause: Duration,
) -> Talker {
    thread::spawn(move || {
        let (begun, mut noise, mut count) = (Instant::now(), Noise::new(seed), 0);
        while begun.elapsed() < span {
            let length = 1 + noise.below(2000);
            let mut message = noise.bytes(length);
            // No byte is a `q`, which ends a call when it happens to arrive alone.
            message.iter_mut().for_each(|byte| *byte |= 0x80);
            stream.write_all(&message).unwrap();
            let mut answer = vec![0; length];
            if let Err(error) = stream.read_exact(&mut answer) {
                panic!("{error} after {count} answers");
            }
            assert!(answer == message, "answer {count} is wrong");
            count += 1;
            thread::sleep(pause);
        }
        count
    })
}
