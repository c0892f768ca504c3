//! Ranges that `tower-http` would refuse, and must not.

use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, Response};
use tower::Service;

use super::conditional;

/// Takes away a range that has no meaning here: of another method, of another unit (RFC 9110 14.2), or of more last bytes than
/// there are, which is the whole (14.1.2). Numbers become such as 64 bits hold, which is beyond every file.
pub(super) async fn mend<B, S, R>(files: &S, request: &mut Request<B>)
where
    S: Service<Request<()>, Response = Response<R>> + Clone,
{
    let Some(range) = request.headers().get(header::RANGE) else { return };
    let set = range.to_str().ok().and_then(of_bytes).filter(|_| request.method() == Method::GET);
    let value = match set {
        Some(set) if !is_whole(files, request, &set).await => format!("bytes={set}"),
        _ => String::new(),
    };
    match HeaderValue::try_from(value) {
        Ok(value) if !value.is_empty() => request.headers_mut().insert(header::RANGE, value),
        _ => request.headers_mut().remove(header::RANGE),
    };
}

/// Whether the one range is of more last bytes than the file has.
async fn is_whole<B, S, R>(files: &S, request: &Request<B>, set: &str) -> bool
where
    S: Service<Request<()>, Response = Response<R>> + Clone,
{
    let Some(last) = set.strip_prefix('-').and_then(|last| last.parse::<u64>().ok()) else { return false };
    let present = conditional::present(files, request.uri()).await;
    let length = present.as_ref().and_then(|present| present.get(header::CONTENT_LENGTH)?.to_str().ok());
    length.and_then(|length| length.parse().ok()).is_some_and(|length: u64| last > length)
}

/// The set of ranges, each number as 64 bits hold it. None: the unit is another one.
///
/// White space around commas, and nothing between two of them, mean nothing (RFC 9110 5.6.1.2). White space elsewhere makes the set
/// invalid: it is left there, for which the range is refused (14.2).
fn of_bytes(range: &str) -> Option<String> {
    let (unit, set) = range.split_once('=')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    if set.starts_with(SPACE) {
        return Some(set.to_owned());
    }
    let ranges = set.split(',').map(|range| range.trim_matches(SPACE)).filter(|range| !range.is_empty());
    Some(ranges.map(held).collect::<Vec<_>>().join(","))
}

const SPACE: [char; 2] = [' ', '\t'];

fn held(range: &str) -> String {
    range.split('-').map(held_number).collect::<Vec<_>>().join("-")
}

fn held_number(digits: &str) -> String {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return digits.to_owned();
    }
    digits.parse().unwrap_or(u64::MAX).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_bytes_are_kept_and_long_numbers_are_cut() {
        const LONG: &str = "99999999999999999999";
        let most = u64::MAX;
        for (given, read) in [
            ("bytes=0-1", Some("0-1".to_owned())),
            ("Bytes=-5", Some("-5".to_owned())),
            ("bytes=00-01", Some("0-1".to_owned())),
            ("bytes=0-1, 3-", Some("0-1,3-".to_owned())),
            ("bytes=0-1 ,\t3- ,, 05-", Some("0-1,3-,5-".to_owned())),
            ("bytes=,0-1", Some("0-1".to_owned())),
            ("bytes=,", Some(String::new())),
            ("bytes= 0-1", Some(" 0-1".to_owned())),
            ("bytes=0 - 1", Some("0 - 1".to_owned())),
            (&format!("bytes=0-1, {LONG}-{LONG}"), Some(format!("0-1,{most}-{most}"))),
            ("bytes=a-b", Some("a-b".to_owned())),
            (&format!("bytes=0-{LONG}"), Some(format!("0-{most}"))),
            (&format!("bytes=-{LONG}"), Some(format!("-{most}"))),
            (&format!("bytes={LONG}-{LONG},1-2"), Some(format!("{most}-{most},1-2"))),
            (&format!("bytes={most}-"), Some(format!("{most}-"))),
            ("lines=0-1", None),
            ("bytes", None),
        ] {
            assert_eq!(of_bytes(given), read, "{given}");
        }
    }
}
