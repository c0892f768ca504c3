//! A web server by axum, on a host of our own.

use axum::{Router, extract::Path, routing::get};
use netstrata::tokio::{TcpListener, TcpStream};
use netstrata::{LinkSpec, Network};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let host = |address: [u8; 4]| Network::new(LinkSpec::Memory).address(address.into(), 24);
    let (here, there) = host([10, 7, 0, 3]).pair(host([10, 7, 0, 2]))?;

    let listener = TcpListener::bind(&there, "10.7.0.2:80").await?;
    let router = Router::new()
        .route("/", get(|| async { "a page over seven layers\n" }))
        .route("/hello/{name}", get(|Path(name): Path<String>| async move { format!("hello {name}\n") }));
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(
        axum::serve(listener, router)
            .with_graceful_shutdown(async { stopped.await.unwrap_or_default() })
            .into_future(),
    );

    for path in ["/", "/hello/network", "/nowhere"] {
        let mut stream = TcpStream::connect(&here, "10.7.0.2:80").await?;
        let request = format!("GET {path} HTTP/1.1\r\nhost: 10.7.0.2\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        println!("{path}: {} {}", head.lines().next().unwrap_or_default(), body.trim_end());
    }

    // Who holds the other end may have gone already.
    let _ = stop.send(());
    server.await.expect("the server does not panic")
}
