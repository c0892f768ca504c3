//! hyper's client on a connection of ours: three requests, one call.

use axum::{Router, routing::post};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Request, client::conn::http1};
use hyper_util::rt::TokioIo;
use netstrata::tokio::{TcpListener, TcpStream};
use netstrata::{LinkSpec, Network};
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let host = |address: [u8; 4]| Network::new(LinkSpec::Memory).address(address.into(), 24);
    let (here, there) = host([10, 7, 0, 3]).pair(host([10, 7, 0, 2]))?;

    let listener = TcpListener::bind(&there, "10.7.0.2:80").await?;
    let router = Router::new().route("/length", post(|body: String| async move { body.len().to_string() }));
    tokio::spawn(axum::serve(listener, router).into_future());

    let stream = TcpStream::connect(&here, "10.7.0.2:80").await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let carried = tokio::spawn(connection);
    for length in [0, 1_000, 1_000_000] {
        let request = Request::post("/length")
            .header("host", "10.7.0.2")
            .body(Full::new(Bytes::from(vec![b'a'; length])))?;
        sender.ready().await?;
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        println!("{status}: {} bytes arrived", String::from_utf8_lossy(&body));
    }
    drop(sender);
    carried.await??;
    Ok(())
}
