//! What `tower-http` leaves to do about conditions: `If-Range`, and validators of what was compressed.

use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::http::Uri;
use hyper::{Method, Request, Response};
use tower::{Service, ServiceExt};

/// Takes the range out of a request whose `If-Range` names another version of the file (RFC 9110 13.1.5): the whole is given then.
pub(super) async fn check_range<B, S, R>(files: &S, request: &mut Request<B>)
where
    S: Service<Request<()>, Response = Response<R>> + Clone,
{
    let Some(wanted) = request.headers().get(header::IF_RANGE).cloned() else { return };
    if !request.headers().contains_key(header::RANGE) {
        return;
    }
    let present = present(files, request.uri()).await;
    if !present.is_some_and(|present| is_present(&wanted, &present)) {
        request.headers_mut().remove(header::RANGE);
    }
}

/// What is told of the present version.
pub(super) async fn present<S, R>(files: &S, uri: &Uri) -> Option<HeaderMap>
where
    S: Service<Request<()>, Response = Response<R>> + Clone,
{
    let mut question = Request::new(());
    *question.method_mut() = Method::HEAD;
    *question.uri_mut() = uri.clone();
    let present = files.clone().oneshot(question).await.ok()?;
    Some(present.into_parts().0.headers)
}

/// Whether a validator is that of the present version: strong tags are compared byte for byte, and so are dates.
fn is_present(wanted: &HeaderValue, present: &HeaderMap) -> bool {
    let name = if wanted.as_bytes().starts_with(b"\"") { header::ETAG } else { header::LAST_MODIFIED };
    present.get(name) == Some(wanted)
}

/// Makes the tag of what was compressed a weak one: its bytes are not those of the file (RFC 9110 8.8.3).
pub(super) fn weaken<B>(mut answer: Response<B>) -> Response<B> {
    if answer.headers().contains_key(header::CONTENT_ENCODING)
        && let Some(tag) = answer.headers().get(header::ETAG).filter(|tag| !tag.as_bytes().starts_with(b"W/"))
        && let Ok(weak) = HeaderValue::from_bytes(&[b"W/", tag.as_bytes()].concat())
    {
        answer.headers_mut().insert(header::ETAG, weak);
    }
    answer
}
