//! Two hosts in one process, a cable between them, and a call between two threads.

use netstrata::{LinkSpec, Network, TcpListener, TcpStream};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::thread;
use std::time::Duration;

fn main() -> std::io::Result<()> {
    let host = |address: [u8; 4]| Network::new(LinkSpec::Memory).address(address.into(), 24);
    let (here, there) = host([10, 7, 0, 3]).pair(host([10, 7, 0, 2]))?;

    let listener = TcpListener::bind(&there, "10.7.0.2:9528")?;
    let service = thread::spawn(move || -> std::io::Result<()> {
        let (mut stream, _) = listener.accept()?;
        std::io::copy(&mut stream.try_clone()?, &mut stream)?;
        Ok(())
    });

    let mut stream = TcpStream::connect(&here, "10.7.0.2:9528")?;
    stream.write_all(b"hello over seven layers")?;
    stream.shutdown(Shutdown::Write)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    println!("{answer}");

    drop(stream);
    service.join().expect("the service does not panic")?;
    // A drop returns at once; this waits until everything is delivered.
    here.shutdown(Duration::from_secs(1));
    Ok(())
}
