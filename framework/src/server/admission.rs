//! Checks and normalizes the head of each request before the handler receives it, for HTTP/1 and HTTP/2.

use http::Version;
use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;

use super::refusal::Refusal;
use crate::http::host::{self, HostError};

/// Establishes the guarantees for the handler: there is exactly one [host](crate::http::host), except that HTTP/1.0 may
/// omit it, the number of headers is limited, and there is at most one field `Cookie`.
///
/// A body in a transfer coding is rejected unless that is `chunked` alone. Hyper only examines the last coding and
/// would pass on the bytes of the others undecoded, as if they were the content.
pub(super) fn admit(request: &mut Parts, headers: usize) -> Result<(), Refusal> {
    match host::settle(request) {
        Err(HostError::Missing) if request.version < Version::HTTP_11 => {}
        settled => settled?,
    }
    if request.version >= Version::HTTP_2 {
        // Hyper only limits the headers of HTTP/1.
        if request.headers.len() > headers {
            return Err(Refusal::TooManyHeaders);
        }
        join_cookies(&mut request.headers);
    } else if !is_chunked_or_plain(&request.headers) {
        return Err(Refusal::TransferCoding);
    }
    Ok(())
}

fn is_chunked_or_plain(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => true,
        (Some(coding), None) => coding.as_bytes().eq_ignore_ascii_case(b"chunked"),
        (Some(_), Some(_)) => false,
    }
}

/// Joins the pieces of the field `Cookie`, into which HTTP/2 may split it (RFC 9113, section 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let crumbs = headers.get_all(header::COOKIE);
    if crumbs.iter().nth(1).is_none() {
        return;
    }
    let crumbs: Vec<&[u8]> = crumbs.iter().map(HeaderValue::as_bytes).collect();
    let joined = HeaderValue::from_bytes(&crumbs.join(&b"; "[..]));
    // Joining valid values yields a valid value.
    if let Ok(joined) = joined {
        headers.insert(header::COOKIE, joined);
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn admitted(version: Version, headers: &[(&str, &str)]) -> Result<Parts, Refusal> {
        let mut request = Request::builder().version(version).uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        admit(&mut parts, 3).map(|()| parts)
    }

    #[test]
    fn only_chunked_once_is_a_transfer_coding() {
        let coded = |codings: &[&'static str]| {
            let mut headers = vec![("host", "a")];
            headers.extend(codings.iter().map(|coding| ("transfer-encoding", *coding)));
            admitted(Version::HTTP_11, &headers).map(drop)
        };
        assert_eq!(coded(&["chunked"]), Ok(()));
        assert_eq!(coded(&["Chunked"]), Ok(()));
        for codings in [
            &["chunked, chunked"][..],
            &["chunked", "chunked"],
            &["gzip, chunked"],
            &["gzip", "chunked"],
            &["identity"],
            &[", chunked"],
            &["chunked;a=b"],
            &[""],
        ] {
            assert_eq!(coded(codings), Err(Refusal::TransferCoding), "{codings:?}");
        }
    }

    #[test]
    fn a_host_is_needed_except_by_http_1_0() {
        assert!(admitted(Version::HTTP_10, &[]).is_ok());
        for version in [Version::HTTP_11, Version::HTTP_2] {
            let refusal = admitted(version, &[]).unwrap_err();
            assert_eq!(refusal, Refusal::Host(HostError::Missing));
        }
    }

    #[test]
    fn pieces_of_the_cookies_are_joined() {
        let headers = [("host", "a"), ("cookie", "a=1"), ("cookie", "b=2; c=3")];
        let parts = admitted(Version::HTTP_2, &headers).unwrap();
        let cookies: Vec<_> = parts.headers.get_all("cookie").iter().collect();
        assert_eq!(cookies, ["a=1; b=2; c=3"]);
    }
}
