//! The same call between two tokio tasks.

use netstrata::tokio::{TcpListener, TcpStream};
use netstrata::{LinkSpec, Network};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let host = |address: [u8; 4]| Network::new(LinkSpec::Memory).address(address.into(), 24);
    let (here, there) = host([10, 7, 0, 3]).pair(host([10, 7, 0, 2]))?;

    let listener = TcpListener::bind(&there, "10.7.0.2:9528").await?;
    let service = tokio::spawn(async move {
        let (stream, _) = listener.accept().await?;
        let (mut from, mut to) = stream.into_split();
        tokio::io::copy(&mut from, &mut to).await
    });

    let mut stream = TcpStream::connect(&here, "10.7.0.2:9528").await?;
    stream.write_all(b"hello over seven layers").await?;
    stream.shutdown().await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    println!("{answer}");
    println!("{} bytes were carried", service.await.expect("the service does not panic")?);
    Ok(())
}
