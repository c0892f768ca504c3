//! Calls from our network carried to the operating system's sockets, as sandboxes and proxies do it: `copy_bidirectional`, each
//! direction closed by itself.

use netstrata::tokio::{TcpListener, TcpStream};
use netstrata::{LinkSpec, Network};
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net;

#[tokio::main]
async fn main() -> io::Result<()> {
    let host = |address: [u8; 4]| Network::new(LinkSpec::Memory).address(address.into(), 24);
    let (guest, gateway) = host([10, 7, 0, 3]).pair(host([10, 7, 0, 2]))?;

    // A server of the operating system's: it answers when it has heard everything.
    let server = net::TcpListener::bind("127.0.0.1:0").await?;
    let target = server.local_addr()?;
    tokio::spawn(async move {
        let (mut stream, _) = server.accept().await?;
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).await?;
        stream.write_all(format!("heard {} bytes to their end", heard.len()).as_bytes()).await
    });

    // The relay.
    let listener = TcpListener::bind(&gateway, "10.7.0.2:80").await?;
    let relay = tokio::spawn(async move {
        let (mut inside, _) = listener.accept().await?;
        let mut outside = net::TcpStream::connect(target).await?;
        copy_bidirectional(&mut inside, &mut outside).await
    });

    // A guest that says all it has, ends its direction, and goes on listening.
    let mut stream = TcpStream::connect(&guest, "10.7.0.2:80").await?;
    stream.write_all(&vec![7; 5_000_000]).await?;
    stream.shutdown().await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    println!("{answer}");
    let (out, back) = relay.await.expect("the relay does not panic")?;
    println!("{out} bytes were carried out and {back} back");
    Ok(())
}
