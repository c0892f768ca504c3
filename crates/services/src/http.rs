//! Files and directories over HTTP/1.1 (RFC 9110, RFC 9112).

mod backend;
mod conditional;
mod head;
mod listing;
mod ranges;

use std::convert::Infallible;
use std::error::Error as _;
use std::io::{self, ErrorKind};
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::http::Extensions;
use hyper::server::conn::http1;
use hyper::{Method, Request, Response, StatusCode, Version};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tower::{ServiceExt, service_fn};
use tower_http::compression::CompressionLayer;
use tower_http::services::ServeDir;

use crate::linger::linger;
use crate::metered::Metered;
use crate::service::{Card, How, Service, Tally};
use crate::stop::Stop;
use crate::stream::Stream;
use crate::tree::Tree;
use backend::Files;

/// How long a request's head may take, and how long a connection may be idle.
const HEAD_PATIENCE: Duration = Duration::from_secs(15);
/// How long a caller may read nothing of what it asked for.
const READ_PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of a request's head at most: more is refused with 431.
const HEAD: usize = 16 << 10;
/// Fields of a request's head at most.
const FIELDS: usize = 64;
/// Bytes read of a file at once.
const CHUNK: usize = 64 << 10;
/// What is shorter is not worth compressing.
const SHORT: u64 = 256;

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Gives the files of a [`Tree`]: whole or in ranges, with conditions, compressed where both sides gain by it. A directory is its
/// `index.html`, or else a list of what is in it.
#[derive(Clone, Debug)]
pub struct Http {
    tree: Tree,
    files: ServeDir<tower_http::services::fs::DefaultServeDirFallback, Files>,
    stop: Stop,
}

impl Http {
    /// What the command line and logs say of it.
    pub const CARD: Card = Card {
        name: "http",
        kind: "_http._tcp",
        port: 8080,
        about: "gives files and directories over HTTP (RFC 9110)",
    };

    /// A service of these files. When `stop` says so, each connection ends after the answer it is giving.
    pub fn new(tree: Tree, stop: Stop) -> Http {
        let files = ServeDir::with_backend("", Files(tree.clone()))
            .with_buf_chunk_size(CHUNK)
            .ignore_multi_range_requests(true);
        Http { tree, files, stop }
    }

    async fn answer(self, mut request: Request<Incoming>) -> Response<Body> {
        if let Some(fault) = head::fault(&request) {
            return plain(StatusCode::BAD_REQUEST, fault);
        }
        if request.uri().path().starts_with("//") {
            // A redirect to it would lead to another host.
            return plain(StatusCode::NOT_FOUND, "there is no such file");
        }
        ranges::mend(&self.files, &mut request).await;
        conditional::check_range(&self.files, &mut request).await;
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let Ok(answer) = self.files.clone().oneshot(request).await;
        let mut answer = answer.map(BodyExt::boxed_unsync);
        if answer.status() == StatusCode::NOT_FOUND {
            answer = match listing::page(self.tree, &path).await {
                Some(page) => whole(StatusCode::OK, "text/html; charset=utf-8", page, &method),
                None => plain(StatusCode::NOT_FOUND, "there is no such file"),
            };
        } else if answer.status() == StatusCode::METHOD_NOT_ALLOWED {
            let allowed = answer.headers().get(header::ALLOW).cloned();
            answer = plain(StatusCode::METHOD_NOT_ALLOWED, "files are only given: GET, HEAD");
            let allowed = allowed.unwrap_or(HeaderValue::from_static("GET, HEAD"));
            answer.headers_mut().insert(header::ALLOW, allowed);
        }
        answer.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        answer
    }
}

impl Service for Http {
    fn name(&self) -> &'static str {
        Http::CARD.name
    }

    fn port(&self) -> u16 {
        Http::CARD.port
    }

    fn about(&self) -> &'static str {
        Http::CARD.about
    }

    async fn run<S: Stream>(&self, stream: &mut S, tally: &Tally) -> How {
        let http = self.clone();
        let answering = service_fn(move |request| {
            let http = http.clone();
            async move { Ok::<_, Infallible>(http.answer(request).await) }
        });
        let compressing = CompressionLayer::new().compress_when(is_worth_compressing);
        let service = tower::ServiceBuilder::new()
            .map_response(conditional::weaken)
            .layer(compressing)
            .service(answering);
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_PATIENCE)
            .max_buf_size(HEAD)
            .max_headers(FIELDS)
            // Whoever has said all may still be answered.
            .half_close(true)
            .serve_connection(
                TokioIo::new(Metered::new(&mut *stream, tally, READ_PATIENCE)),
                TowerToHyperService::new(service),
            );
        let mut stop = self.stop.clone();
        let ended = {
            let mut connection = pin!(connection);
            tokio::select! {
                ended = connection.as_mut() => ended,
                () = stop.draining() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            }
        };
        // Who was answered before all was read, such as a head that is too long, or a body, must be able to read the answer. At the
        // server's end, what is idle is not waited for.
        if ended.as_ref().map_or_else(hyper::Error::is_parse, |()| !stop.is_draining()) {
            tally.count_received(linger(stream, stop.draining()).await);
        }
        match ended {
            Ok(()) => How::PeerClosed,
            Err(error) if error.is_timeout() => {
                How::Error(io::Error::new(ErrorKind::TimedOut, "no request came in time"))
            }
            Err(error) => {
                let kind = error.source().and_then(|source| source.downcast_ref::<io::Error>());
                How::Error(io::Error::new(kind.map_or(ErrorKind::InvalidData, io::Error::kind), error))
            }
        }
    }
}

fn is_worth_compressing(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let kind = text(header::CONTENT_TYPE).unwrap_or_default();
    let long = text(header::CONTENT_LENGTH)
        .is_none_or(|length| length.parse().is_ok_and(|length: u64| length >= SHORT));
    let dense = [
        "text/",
        "application/json",
        "application/javascript",
        "application/xml",
        "application/wasm",
        "image/svg",
    ];
    long && dense.iter().any(|dense| kind.starts_with(dense))
}

fn plain(status: StatusCode, text: &str) -> Response<Body> {
    whole(status, "text/plain; charset=utf-8", format!("{text}\n"), &Method::GET)
}

fn whole(status: StatusCode, kind: &'static str, text: String, method: &Method) -> Response<Body> {
    let length = HeaderValue::from(text.len());
    let text = if method == Method::HEAD { String::new() } else { text };
    let body = Full::new(Bytes::from(text)).map_err(|never| match never {});
    let mut answer = Response::new(body.boxed_unsync());
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    answer.headers_mut().insert(header::CONTENT_LENGTH, length);
    answer
}

#[cfg(test)]
mod tests;
