//! The server's socket: so many connections at once, each with so much patience.

use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use services::linger;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::live::{Absent, Live};
use super::patience::Patient;
use super::routes::Routes;
use super::watched::Watched;
use crate::failure::Failure;

/// Connections at once; those beyond wait to be taken.
pub(super) const CONNECTIONS: usize = 64;
/// How long a request's head may take, and how long a connection may be idle.
const HEAD_PATIENCE: Duration = Duration::from_secs(15);
/// How long whoever asked may take nothing of the answer.
const READER_PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of a request's head at most.
const HEAD: usize = 16 << 10;
/// Pause after an error of accepting, such as too many open files.
const PAUSE: Duration = Duration::from_millis(200);

/// Listens at `address`.
pub(crate) async fn open(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        let remedy = match error.kind() {
            ErrorKind::AddrInUse => {
                "give the page another place with --web ADDRESS:PORT, or do without: --no-web"
            }
            ErrorKind::PermissionDenied => "low ports are the system's: take 8000 and up",
            _ => "give --web an address of this system, such as 127.0.0.1:8001",
        };
        let cause = match error.kind() {
            ErrorKind::AddrInUse => format!("the page cannot be at {address}: the port is in use"),
            _ => format!("the page cannot be at {address}: {error}"),
        };
        Failure::new(cause, remedy)
    })
}

/// Answers browsers, and who watches a server, until it is dropped.
pub(crate) async fn serve(listener: TcpListener, live: Result<Live, Absent>, watched: Option<Watched>) {
    let routes = Arc::new(Routes::new(live, watched));
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, peer)) => {
                let routes = Arc::clone(&routes);
                tokio::spawn(async move {
                    // Only a hint: it works without.
                    let _ = stream.set_nodelay(true);
                    if let Err(error) = converse(stream, routes).await {
                        tracing::debug!(%peer, %error, "a browser's connection ended");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "no browser can be answered; trying again");
                sleep(PAUSE).await;
            }
        }
    }
}

async fn converse<S>(mut stream: S, routes: Arc<Routes>) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let service = service_fn(move |request| {
        let routes = Arc::clone(&routes);
        async move { Ok::<_, Infallible>(routes.answer(request).await) }
    });
    let ended = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_buf_size(HEAD)
        .serve_connection(TokioIo::new(Patient::new(&mut stream, READER_PATIENCE)), service)
        .await;
    // Who was answered before all was read must be able to read the answer.
    if ended.as_ref().map_or_else(hyper::Error::is_parse, |()| true) {
        // At the end of this program nobody waits for it.
        linger(&mut stream, std::future::pending()).await;
    }
    ended.map_err(io::Error::other)
}

#[cfg(test)]
mod tests;
