//! What of a request's head is looked at before the files are.

use hyper::header;
use hyper::{Method, Request, Version};

/// Why a head is answered by 400, if it is.
pub(super) fn fault<B>(request: &Request<B>) -> Option<&'static str> {
    let hosts = request.headers().get_all(header::HOST).iter().count();
    if hosts > 1 || hosts == 0 && request.version() == Version::HTTP_11 {
        // RFC 9112 3.2
        return Some("a request has one Host");
    }
    let uri = request.uri();
    if uri.scheme().is_none() && uri.authority().is_some() && request.method() != Method::CONNECT {
        // RFC 9112 3.2.3
        return Some("a path begins with a slash");
    }
    None
}
