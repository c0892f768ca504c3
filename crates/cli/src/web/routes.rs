//! What can be asked of the server, and its answers.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::body::Answer;
use super::live::{Absent, LONGEST, Live};
use super::watched::Watched;
use super::{bundle, guard};

/// Bytes of a request's body at most: the longest message, every character escaped, and the rest.
const BODY: usize = 8 * LONGEST;
/// How long a request's body may take to arrive.
const BODY_PATIENCE: Duration = Duration::from_secs(5);
/// Pages that are fed at once.
pub(super) const FEEDS: usize = 16;
/// Calls at once that pages have opened.
pub(super) const CALLS: usize = 8;

/// The page may use what is its own and nothing else; the first line is also in the page itself, for static hosts.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; \
    connect-src 'self'; worker-src 'self'; img-src 'self' data:; form-action 'none'; base-uri 'none'; \
    frame-ancestors 'none'";

/// Answers requests.
pub(super) struct Routes {
    live: Result<Live, Absent>,
    watched: Option<Watched>,
    feeds: Arc<Semaphore>,
    pub(super) calls: Semaphore,
}

/// What a page sends to be said.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    message: String,
    client: String,
}

impl Routes {
    pub(super) fn new(live: Result<Live, Absent>, watched: Option<Watched>) -> Routes {
        Routes { live, watched, feeds: Arc::new(Semaphore::new(FEEDS)), calls: Semaphore::new(CALLS) }
    }

    pub(super) async fn answer(&self, request: Request<Incoming>) -> Response<Answer> {
        // Whoever balances load asks by any name, and learns one bit.
        if let (Some(watched), &Method::GET | &Method::HEAD, "/healthz" | "/livez") =
            (&self.watched, request.method(), request.uri().path())
        {
            let ready = !watched.stop.is_draining() || request.uri().path() == "/livez";
            return health(ready);
        }
        if let Err(stranger) = guard::check(request.uri(), request.headers()) {
            let why = match stranger {
                guard::Stranger::Host => "name this server by its address, such as 127.0.0.1",
                guard::Stranger::Origin => "this server answers its own page only",
            };
            return plain(StatusCode::FORBIDDEN, why);
        }
        let path = request.uri().path().to_owned();
        match (request.method(), path.as_str()) {
            (&Method::GET, "/api/status") => self.status(),
            (&Method::GET, "/metrics") => self.metrics(),
            (&Method::GET, "/api/feed") => self.feed(request.uri().query()),
            (&Method::POST, "/api/talk") => self.talk(request).await,
            (_, "/api/status" | "/api/feed" | "/api/talk" | "/metrics" | "/healthz" | "/livez") => {
                plain(StatusCode::METHOD_NOT_ALLOWED, "not by this method")
            }
            (&Method::GET | &Method::HEAD, path) => page(&request, path),
            _ => plain(StatusCode::METHOD_NOT_ALLOWED, "not by this method"),
        }
    }

    fn status(&self) -> Response<Answer> {
        let status = match &self.live {
            Ok(live) => json!({
                "format": 1,
                "live": true,
                "longest": LONGEST,
                "hosts": live.hosts.iter().map(|(name, address)| json!({ "name": name, "address": address, "hardware": "" })).collect::<Vec<_>>(),
            }),
            Err(absent) => json!({ "format": 1, "live": false, "reason": absent.code() }),
        };
        data(&status)
    }

    fn metrics(&self) -> Response<Answer> {
        let Some(watched) = &self.watched else {
            return plain(StatusCode::NOT_FOUND, "no server is watched");
        };
        let mut answer = Response::new(Answer::Whole(Bytes::from((watched.metrics)())));
        set(&mut answer, header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8");
        set(&mut answer, header::CACHE_CONTROL, "no-store");
        common(&mut answer);
        answer
    }

    fn feed(&self, query: Option<&str>) -> Response<Answer> {
        let Ok(live) = &self.live else { return plain(StatusCode::NOT_FOUND, "no live network") };
        let client = query.and_then(|query| query.strip_prefix("client=")).unwrap_or_default();
        if !is_client(client) {
            return plain(StatusCode::BAD_REQUEST, "client must be 32 hexadecimal digits");
        }
        let Ok(permit) = Arc::clone(&self.feeds).try_acquire_owned() else {
            return plain(StatusCode::SERVICE_UNAVAILABLE, "as many pages are open as can be fed");
        };
        let mut answer = Response::new(Answer::Feed(live.feed.subscribe(client.to_owned(), permit)));
        set(&mut answer, header::CONTENT_TYPE, "text/event-stream");
        set(&mut answer, header::CACHE_CONTROL, "no-store");
        common(&mut answer);
        answer
    }

    async fn talk(&self, request: Request<Incoming>) -> Response<Answer> {
        let Ok(live) = &self.live else { return plain(StatusCode::NOT_FOUND, "no live network") };
        // A foreign page cannot send this type without asking first, which is never granted.
        let is_json =
            request.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
        if !is_json {
            return plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send application/json");
        }
        let body = timeout(BODY_PATIENCE, Limited::new(request.into_body(), BODY).collect()).await;
        let Ok(Ok(body)) = body else {
            return plain(StatusCode::PAYLOAD_TOO_LARGE, "the request is too long, or took too long");
        };
        let Ok(wish) = serde_json::from_slice::<Wish>(&body.to_bytes()) else {
            return plain(
                StatusCode::BAD_REQUEST,
                "send {\"message\": text, \"client\": 32 hexadecimal digits}",
            );
        };
        if !is_client(&wish.client) || wish.message.is_empty() || wish.message.len() > LONGEST {
            return plain(StatusCode::BAD_REQUEST, &format!("a message has 1 to {LONGEST} bytes"));
        }
        let Ok(_permit) = self.calls.try_acquire() else {
            return plain(StatusCode::SERVICE_UNAVAILABLE, "as many calls go on as may; try again");
        };
        match live.say(&wish.message, &wish.client).await {
            Ok(answer) => data(&answer),
            Err(error) => plain(StatusCode::BAD_GATEWAY, &format!("{} was not reached: {error}", live.talk)),
        }
    }
}

fn is_client(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn page(request: &Request<Incoming>, path: &str) -> Response<Answer> {
    let Some(file) = bundle::file(path) else { return plain(StatusCode::NOT_FOUND, "there is no such page") };
    let known = request.headers().get(header::IF_NONE_MATCH).is_some_and(|tag| tag == file.tag.as_str());
    let bytes = match file.bytes {
        _ if known || request.method() == Method::HEAD => Bytes::new(),
        std::borrow::Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        std::borrow::Cow::Owned(bytes) => Bytes::from(bytes),
    };
    let mut answer = Response::new(Answer::Whole(bytes));
    if known {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
    }
    set(&mut answer, header::CONTENT_TYPE, file.media_type);
    set(&mut answer, header::CONTENT_SECURITY_POLICY, POLICY);
    set(&mut answer, header::CACHE_CONTROL, "no-cache");
    if let Ok(tag) = HeaderValue::from_str(&file.tag) {
        answer.headers_mut().insert(header::ETAG, tag);
    }
    common(&mut answer);
    answer
}

fn health(ready: bool) -> Response<Answer> {
    let mut answer = match ready {
        true => plain(StatusCode::OK, "ok"),
        false => plain(StatusCode::SERVICE_UNAVAILABLE, "draining"),
    };
    set(&mut answer, header::CACHE_CONTROL, "no-store");
    answer
}

fn data(value: &impl serde::Serialize) -> Response<Answer> {
    let Ok(text) = serde_json::to_vec(value) else {
        return plain(StatusCode::INTERNAL_SERVER_ERROR, "the answer cannot be written");
    };
    let mut answer = Response::new(Answer::Whole(text.into()));
    set(&mut answer, header::CONTENT_TYPE, "application/json");
    set(&mut answer, header::CACHE_CONTROL, "no-store");
    common(&mut answer);
    answer
}

fn plain(status: StatusCode, text: &str) -> Response<Answer> {
    let mut answer = Response::new(Answer::Whole(Bytes::from(format!("{text}\n"))));
    *answer.status_mut() = status;
    set(&mut answer, header::CONTENT_TYPE, "text/plain; charset=utf-8");
    common(&mut answer);
    answer
}

fn common(answer: &mut Response<Answer>) {
    set(answer, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(answer, header::REFERRER_POLICY, "no-referrer");
    set(answer, header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
}

fn set(answer: &mut Response<Answer>, name: header::HeaderName, value: &'static str) {
    answer.headers_mut().insert(name, HeaderValue::from_static(value));
}
