//! A WebSocket by tungstenite over a connection of ours.

use futures_util::{SinkExt, StreamExt};
use netstrata::tokio::{TcpListener, TcpStream};
use netstrata::{LinkSpec, Network};
use std::error::Error;
use tokio_tungstenite::{accept_async, client_async};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let host = |address: [u8; 4]| Network::new(LinkSpec::Memory).address(address.into(), 24);
    let (here, there) = host([10, 7, 0, 3]).pair(host([10, 7, 0, 2]))?;

    let listener = TcpListener::bind(&there, "10.7.0.2:8080").await?;
    let service = tokio::spawn(async move {
        let (stream, from) = listener.accept().await?;
        println!("a call from {}", from.ip());
        let mut socket = accept_async(stream).await?;
        while let Some(message) = socket.next().await {
            let message = message?;
            if message.is_text() || message.is_binary() {
                socket.send(message).await?;
            }
        }
        Ok::<_, Box<dyn Error + Send + Sync>>(())
    });

    let stream = TcpStream::connect(&here, "10.7.0.2:8080").await?;
    let (mut socket, _) = client_async("ws://10.7.0.2:8080/talk", stream).await?;
    for text in ["hello", "over seven layers", "网络编程"] {
        socket.send(text.into()).await?;
        let answer = socket.next().await.ok_or("the service has gone")??;
        println!("{}", answer.to_text()?);
    }
    socket.close(None).await?;
    while socket.next().await.is_some() {}
    service.await?
}
