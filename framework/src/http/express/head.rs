//! Heads of requests that may be answered without hyper.

use std::mem::MaybeUninit;
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Request, Uri, Version};

/// The most headers that are read here.
const MOST: usize = 64;

/// Where a header's name and value are in the head.
type Place = (Range<u16>, Range<u16>);

/// Reads heads.
#[derive(Debug)]
pub(super) struct Heads {
    /// The longest head, in bytes, and the most headers.
    length: usize,
    headers: usize,
    /// Memory of the last request's headers.
    spare: HeaderMap,
}

/// A head that was read.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) request: Parts,
    /// All of it, as it came.
    pub(super) bytes: Bytes,
}

impl Heads {
    /// For heads of up to `length` bytes and with up to `headers` headers.
    pub(super) fn new(length: usize, headers: usize) -> Heads {
        let length = length.min(usize::from(u16::MAX));
        Heads { length, headers: headers.min(MOST), spare: HeaderMap::new() }
    }

    /// Takes the first head out of what was read. `None`, and nothing is taken, if it is not whole,
    /// not plain, or not right.
    ///
    /// A plain head is one of `GET` or `HEAD`, in HTTP/1.1 and in the origin form (RFC 9112, section 3.2.1),
    /// after which the next head follows: nothing announces a body, an upgrade or an expectation,
    /// and the connection is to be kept. Whatever is not surely so is for hyper to judge.
    pub(super) fn read(&mut self, read: &mut BytesMut) -> Option<Head> {
        let mut places: [Place; MOST] = [const { (0..0, 0..0) }; MOST];
        let Line { method, target, length, headers } = self.parse(read, &mut places)?;
        let bytes = read.split_to(length).freeze();
        let request = self.request(&bytes, method, target, &places[..headers]);
        if request.is_none() {
            put_back(bytes.clone(), read);
        }
        Some(Head { request: request?, bytes })
    }

    fn parse(&self, read: &[u8], places: &mut [Place; MOST]) -> Option<Line> {
        let mut space = [const { MaybeUninit::uninit() }; MOST];
        let mut parsed = httparse::Request::new(&mut []);
        let status = parsed.parse_with_uninit_headers(read, &mut space[..self.headers]).ok()?;
        let httparse::Status::Complete(length) = status else { return None };
        let method = match parsed.method? {
            "GET" => Method::GET,
            "HEAD" => Method::HEAD,
            _ => return None,
        };
        let target = parsed.path?;
        let is_plain =
            length <= self.length && parsed.version == Some(1) && target.starts_with('/');
        let mut headers = parsed.headers.iter();
        if !is_plain || !headers.all(|header| concerns_no_connection(header.name, header.value)) {
            return None;
        }
        let place = |part: &[u8]| {
            // Both are in the same memory.
            let start = part.as_ptr() as usize - read.as_ptr() as usize;
            // The head is not longer than these numbers go.
            start as u16..(start + part.len()) as u16
        };
        for (header, at) in parsed.headers.iter().zip(places) {
            *at = (place(header.name.as_bytes()), place(header.value));
        }
        let (target, headers) = (place(target.as_bytes()), parsed.headers.len());
        Some(Line { method, target, length, headers })
    }

    fn request(
        &mut self,
        bytes: &Bytes,
        method: Method,
        target: Range<u16>,
        places: &[Place],
    ) -> Option<Parts> {
        let slice = |part: &Range<u16>| bytes.slice(usize::from(part.start)..usize::from(part.end));
        let (mut request, ()) = Request::new(()).into_parts();
        request.method = method;
        request.uri = Uri::from_maybe_shared(slice(&target)).ok()?;
        request.version = Version::HTTP_11;
        let mut headers = std::mem::take(&mut self.spare);
        headers.reserve(places.len());
        for (name, value) in places {
            let name = &bytes[usize::from(name.start)..usize::from(name.end)];
            let name = HeaderName::from_bytes(name).ok()?;
            headers.append(name, HeaderValue::from_maybe_shared(slice(value)).ok()?);
        }
        request.headers = headers;
        Some(request)
    }

    /// Keeps the memory of headers that are not needed any more.
    pub(super) fn reuse(&mut self, mut headers: HeaderMap) {
        headers.clear();
        self.spare = headers;
    }
}

/// The first line of a plain head, and how long the head is.
struct Line {
    method: Method,
    target: Range<u16>,
    length: usize,
    headers: usize,
}

/// Puts a head in front of what else was read.
pub(super) fn put_back(bytes: Bytes, read: &mut BytesMut) {
    if read.is_empty() {
        *read = BytesMut::from(bytes);
    } else {
        let rest = std::mem::replace(read, BytesMut::from(bytes));
        read.extend_from_slice(&rest);
    }
}

/// Whether the head of a request that somebody else has read would be taken as plain, if it had come
/// in one piece.
pub(in crate::http) fn is_plain(request: &Parts) -> bool {
    let Parts { method, uri, version, headers, .. } = request;
    matches!(*method, Method::GET | Method::HEAD)
        && *version == Version::HTTP_11
        && uri.authority().is_none()
        && uri.path().starts_with('/')
        && headers.len() <= MOST
        && headers
            .iter()
            .all(|(name, value)| concerns_no_connection(name.as_str(), value.as_bytes()))
}

/// Whether a header says nothing of a body, nor of what is to become of the connection.
fn concerns_no_connection(name: &str, value: &[u8]) -> bool {
    let is = |other: &str| name.eq_ignore_ascii_case(other);
    match name.len() {
        6 => !is("expect"),
        7 => !is("upgrade"),
        10 => !is("connection") || value.eq_ignore_ascii_case(b"keep-alive"),
        14 => !is("content-length"),
        17 => !is("transfer-encoding"),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &[u8]) -> (Option<Head>, BytesMut) {
        let mut read = BytesMut::from(text);
        (Heads::new(1024, 10).read(&mut read), read)
    }

    #[test]
    fn a_plain_head_is_taken_and_what_follows_is_left() {
        let head =
            b"GET /a?b=%20 HTTP/1.1\r\nHost: a\r\nX-Own:  b \r\nConnection: Keep-Alive\r\n\r\n";
        let (found, rest) = read(&[head, &b"GET /n"[..]].concat());
        let Head { request, bytes } = found.unwrap();
        assert_eq!((request.method, request.version), (Method::GET, Version::HTTP_11));
        assert_eq!(request.uri, "/a?b=%20");
        let headers: Vec<_> =
            request.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let expected: [(&str, &[u8]); 3] =
            [("host", b"a"), ("x-own", b"b"), ("connection", b"Keep-Alive")];
        assert_eq!(headers, expected);
        assert_eq!((&*bytes, &*rest), (&head[..], &b"GET /n"[..]));
    }

    #[test]
    fn what_is_not_plain_or_not_whole_is_left_alone() {
        let with = |line: &str| format!("GET / HTTP/1.1\r\nHost: a\r\n{line}\r\n\r\n");
        let long = with(&format!("x-long: {}", "x".repeat(1024)));
        let many = with(&(0..10).map(|n| format!("x-{n}: y")).collect::<Vec<_>>().join("\r\n"));
        for head in [
            "",
            "GET / HTTP/1.1\r\nHost: a\r\n",
            "GET / HTTP/1.0\r\nHost: a\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET * HTTP/1.1\r\nHost: a\r\n\r\n",
            "get / HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\n\r\n",
            "CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
            "GET /\u{1} HTTP/1.1\r\nHost: a\r\n\r\n",
            &with("content-length: 0"),
            &with("Content-Length: 5"),
            &with("TRANSFER-ENCODING: chunked"),
            &with("Expect: 100-continue"),
            &with("Upgrade: h2c"),
            &with("Connection: close"),
            &with("Connection: keep-alive, upgrade"),
            &long,
            &many,
        ] {
            let (found, left) = read(head.as_bytes());
            assert!(found.is_none(), "{head:?}");
            assert_eq!(left, head, "{head:?}");
        }
    }

    #[test]
    fn a_head_is_as_plain_for_who_has_read_it() {
        let heads = [
            ("GET", "/a", "x: y"),
            ("HEAD", "/a?b", "connection: keep-alive"),
            ("POST", "/a", "x: y"),
            ("GET", "*", "x: y"),
            ("GET", "http://a/", "x: y"),
            ("GET", "/a", "content-length: 0"),
            ("GET", "/a", "upgrade: h2c"),
            ("GET", "/a", "connection: close"),
        ];
        let is_plain = heads.map(|(method, target, header)| {
            let text = format!("{method} {target} HTTP/1.1\r\nhost: a\r\n{header}\r\n\r\n");
            let (name, value) = header.split_once(": ").unwrap();
            let request = Request::builder().method(method).uri(target).header("host", "a");
            let (request, ()) = request.header(name, value).body(()).unwrap().into_parts();
            assert_eq!(is_plain(&request), read(text.as_bytes()).0.is_some(), "{text}");
            is_plain(&request)
        });
        assert_eq!(is_plain.map(usize::from).iter().sum::<usize>(), 2);
    }

    proptest! {
        #[test]
        fn nothing_that_comes_is_lost(
            lines in proptest::collection::vec("[a-z]{1,9}: ?[ -~é]{0,9}", 0..5),
            start in "(GET|HEAD|PUT) /[!-~]{0,9} HTTP/1.[01]",
            rest in "[ -~]{0,9}",
        ) {
            let text = format!("{start}\r\n{}\r\n\r\n{rest}", lines.join("\r\n"));
            let mut all = BytesMut::from(text.as_bytes());
            if let Some(Head { bytes, .. }) = Heads::new(1024, 10).read(&mut all) {
                put_back(bytes, &mut all);
            }
            prop_assert_eq!(&*all, text.as_bytes());
        }
    }
}
